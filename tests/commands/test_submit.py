"""gan-study submit and retry --cluster: what is refused, what is sent, and what is on disk before they return.

Slurm's commands are scripts here, or missing; the real ones are asked in tests/slurm.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.board import Board
from study import durable, plan, source, spec
from study.commands.sending import Sending, send
from study.errors import StudyError
from study.results.store import Store
from tests.cluster.stage import life
from tests.commands.command import gan_study
from tests.test_selection import row

PROFILE: dict[str, Any] = {
    "workers": {"partition": "gpu", "time": "60", "cpus": 2, "memory": "4G", "number": 3},
    "head": {"partition": "gpu", "time": "90", "cpus": 1, "memory": "1G"},
}
SLURM = """#!/bin/sh
case "${0##*/} $*" in
    sbatch*) echo "$1" >> "$SLURMS/sent"; echo Submitted batch job $((40 + $(wc -l < "$SLURMS/sent")));;
    *"show partition") echo PartitionName=gpu State=UP MaxTime=UNLIMITED PreemptMode=REQUEUE;;
    *"show config") echo "MaxArraySize            = 101";;
    sinfo*) echo "gpu|3|idle|8|64000|(null)|(null)";;
    squeue*) cat "$SLURMS/queue";;
    *) echo "nobody knows" >&2; exit 1;;
esac
"""
RUN, AGAIN = frozenset({"waiting", "started"}), frozenset({"failed", "started"})


@pytest.fixture
def slurms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an empty queue, and what was sent."""
    folder = tmp_path / "slurm"
    folder.mkdir()
    for name in ("sbatch", "srun", "squeue", "scontrol", "scancel", "sinfo", "sacctmgr"):
        (folder / name).write_text(SLURM)
        (folder / name).chmod(0o755)
    (folder / "queue").touch()
    monkeypatch.setenv("SLURMS", str(folder))
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    return folder


@pytest.fixture
def order(tmp_path: Path, data: Path, tiny_yaml: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Sending:
    """Of the tiny study, four trials, on a cluster of three workers."""
    monkeypatch.chdir(tmp_path)
    tiny_yaml()
    cluster(tmp_path)
    return Sending("tiny.yaml", "lab.yaml", RUN, Path("results"), data)


def cluster(folder: Path, **workers: Any) -> None:
    """Writes the profile, keys of its workers changed."""
    profile = {**PROFILE, "workers": {**PROFILE["workers"], **workers}}
    (folder / "lab.yaml").write_text(yaml.safe_dump(profile))


def board_of(order: Sending) -> Board:
    return Board(Store((order.results / "tiny").resolve()))


def measure(order: Sending, *scores: float | None) -> None:
    """The rows of the study's first trials, as if they had ended so; None: it failed."""
    store = board_of(order).store
    for planned, score in zip(plan.build(spec.load(order.study), {}), scores, strict=False):
        failed = {"status": "failed", "exception": "OSError", "message": "full"} if score is None else {}
        protocol = planned.trial.protocol
        numbers = dict.fromkeys(("fingerprint", protocol.objective, protocol.reported))  # of images that nobody has
        store.write(planned.trial.id, 1, [row(planned, score, **numbers, **failed)])


def refusal(order: Sending, **changed: Any) -> str:
    with pytest.raises(StudyError) as caught:
        send(replace(order, **changed))
    return str(caught.value)


def test_a_study_is_sent_and_all_of_it_is_on_disk(
    order: Sending, slurms: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    send(order)
    told = capsys.readouterr().out
    assert "sent head as job 41\nsent worker as job 42, 3 of them\n" in told
    assert "tiny: 4 trials are on the way; follow them: gan-study status tiny.yaml --watch" in told
    board = board_of(order)
    sent = board.submission(1)
    assert board.newest() == sent
    assert [(job.role, job.id, job.tasks) for job in sent.jobs] == [("head", "41", 1), ("worker", "42", 3)]
    assert [str(board.store.folder / job.script).rpartition("/")[2] for job in sent.jobs] == [
        "41_submission.sh", "42_submission.sh"
    ]  # fmt: skip
    assert (sent.study, sent.cluster, sent.statuses, sent.forgiven) == (
        "tiny.yaml", "lab.yaml", ("started", "waiting"), {}
    )  # fmt: skip
    assert (sent.source, sent.data) == (source.fingerprint(), str(order.data))
    assert (board.sources / sent.source / "study" / "__main__.py").exists()
    assert spec.load(str(board.study_file(1))) == spec.load("tiny.yaml")
    assert board.token.exists()
    assert board.store.plan_file.exists()
    assert not durable.locked(board.store.driver_lock)
    send(order)  # the queue is empty and nobody lives: it was cancelled
    assert board_of(order).submission(2).jobs[0].id == "43"


def test_only_what_is_missing_is_sent(order: Sending, slurms: Path, capsys: pytest.CaptureFixture[str]) -> None:
    measure(order, 1.0, None)
    send(order)
    assert "tiny: 2 trials are on the way" in capsys.readouterr().out
    failed = plan.build(spec.load("tiny.yaml"), {})[1].trial.id
    assert board_of(order).submission(1).forgiven == {failed: 1}
    send(replace(order, statuses=AGAIN))
    assert "tiny: 1 trial is on the way" in capsys.readouterr().out
    assert board_of(order).submission(2).statuses == ("failed", "started")
    measure(order, 1.0, 2.0, 3.0, 4.0)
    before = (slurms / "sent").read_text()
    send(order)
    assert capsys.readouterr().out == "tiny: nothing is missing; next: gan-study report tiny.yaml\n"
    assert (slurms / "sent").read_text() == before
    assert len(board_of(order).all_submissions()) == 2


def test_what_is_queued_or_runs_is_not_sent_again(order: Sending, slurms: Path) -> None:
    send(order)
    follow = "follow it: gan-study status tiny.yaml; end it: gan-study cancel tiny.yaml"
    (slurms / "queue").write_text("42_[0-2]|PENDING|Resources||0|N/A|\n")
    assert refusal(order) == (
        "tiny has been submitted already, and has jobs in the queue (42_0 PENDING, 42_1 PENDING, 42_2 PENDING); "
        + follow
    )
    (slurms / "queue").write_text("")
    running = f"tiny is being run already, from {order.results.resolve() / 'tiny'}; {follow}"
    with durable.lock(board_of(order).store.driver_lock, wait=True):
        assert refusal(order) == running
    board_of(order).write_life(life("41", "head"))
    assert refusal(order) == running
    (slurms / "squeue").write_text("#!/bin/sh\nexit 1\n")
    assert refusal(order).startswith("squeue does not answer, so nobody knows whether the study is running")
    assert len((slurms / "sent").read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("workers", "resources", "told"),
    [
        ({"partition": "gpuu"}, {}, "there is no partition 'gpuu'; did you mean 'gpu'?; set workers.partition: gpu"),
        ({"cpus": 16}, {}, "no node of gpu has 16 cpus, 4G"),
        ({}, {"gpus": 0.5}, "resources.gpus=0.5: the profile's workers have none; give workers.gpus, or 0 here"),
        ({}, {"cpus": 3.0}, "a trial takes 3 cpus and 0 gpus (resources), but a worker has 2 and 0"),
    ],
)
@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.usefixtures("slurms")
def test_what_can_never_run_is_refused_before_anything_is_made(
    dry_run: bool, workers: dict[str, Any], resources: dict[str, Any], told: str, order: Sending,
    tiny_yaml: Callable[..., Path], tmp_path: Path,
) -> None:  # fmt: skip
    tiny_yaml(resources=resources)
    cluster(tmp_path, **workers)
    assert told in refusal(order, dry_run=dry_run)
    assert not order.results.exists()


def test_a_dry_run_shows_everything_and_leaves_nothing(
    order: Sending, slurms: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster(tmp_path, number=120, at_once=100)
    send(replace(order, dry_run=True))
    told = capsys.readouterr().out
    assert told.count("#!/bin/bash") == 3
    assert [line for line in told.splitlines() if line.startswith("---")] == [
        "--- head", "--- worker, 101 of it, 84 at a time", "--- worker, 19 of it, 15 at a time"
    ]  # fmt: skip
    assert "tiny: 121 jobs in 3 calls of sbatch: 1 head, 101 worker, 19 worker\n" in told
    assert "4 trials, on 120 workers of 2 at once: about 0.0 trials a worker\n" in told
    assert "worker-hours, in " in told
    assert told.endswith("nothing was sent: this was a dry run\n")
    assert not order.results.exists()
    assert not (slurms / "sent").exists()


def test_what_sbatch_refuses_is_told_and_can_be_sent_again(order: Sending, slurms: Path) -> None:
    before = (slurms / "sbatch").read_text()
    (slurms / "sbatch").write_text("#!/bin/sh\necho 'sbatch: error: Invalid account' >&2; exit 1\n")
    told = refusal(order)
    assert told.startswith("sbatch refused a job of the role head: ")
    assert "Invalid account" in told
    assert board_of(order).submission(1).jobs == ()
    (slurms / "sbatch").write_text(before)
    send(order)
    assert board_of(order).submission(2).jobs


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ("submit", "tiny.yaml", "--cluster", "lab.yaml"),
            "there is no command scontrol on this machine; log in where",
        ),
        (("submit", "tinny.yaml", "--cluster", "lab.yaml"), "there is no file tinny.yaml"),
        (("submit", "tiny.yaml", "--cluster", "cpuu"), "'cpuu' is not a cluster profile; did you mean 'cpu'?"),
        (("submit", "tiny.yaml", "--cluster", "tiny.yaml"), "name: unknown key; valid: workers, head"),
        (("retry", "tiny.yaml", "--cluster", "lab.yaml"), "there is no command scontrol on this machine"),
        (
            ("retry", "tiny.yaml", "--status", "done"),
            "'done' is not a status that can be retried; valid: failed, started",
        ),
        (("retry", "tiny.yaml", "--cluster", "lab.yaml", "--workers", "2"), "--workers counts trials on this machine;"),
        (("worker", "results/tiny", "1"), "results/tiny has no submission 1"),
    ],
)
@pytest.mark.usefixtures("order")
def test_without_slurm_a_mistake_is_one_line(
    arguments: tuple[str, ...], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    done = gan_study(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("gan-study: ")
    assert told in done.stderr
    assert done.stderr.count("\n") == 1 or "unknown key" in told  # a fault for each line
    assert not (tmp_path / "results").exists()


@pytest.mark.usefixtures("order")
def test_a_cluster_has_to_be_named(tmp_path: Path) -> None:
    done = gan_study("submit", "tiny.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert "Missing option '--cluster'" in done.stderr
