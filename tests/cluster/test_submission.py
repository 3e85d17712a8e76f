"""How a submission is cut into calls of sbatch, and what sbatch gets; sbatch itself is a script here."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.board import Board, Job, Submission
from cluster.profile import Profile
from cluster.submission import HEADS, Sender, batches, replace_lost_head
from study.errors import StudyError
from study.results.store import Store
from tests.cluster.stage import life, submission
from tests.cluster.test_site import WORKERS, profile

HEAD = {key: WORKERS[key] for key in ("time", "memory")} | {"partition": "cpu", "cpus": 2}
SBATCH = """#!/bin/sh
env >> "$SENT.env"; echo "$@" >> "$SENT"; cat "$1" >> "$SENT.text"
echo Submitted batch job $((40 + $(wc -l < "$SENT")))
"""


@st.composite
def profiles(draw: st.DrawFn) -> Profile:
    number = draw(st.integers(1, 400))
    at_once = draw(st.none() | st.integers(1, number))
    head = {"__head": HEAD} if draw(st.booleans()) else {}
    return profile(number=number, at_once=at_once, **head)


@given(profiles(), st.integers(1, 150), st.none() | st.integers(0, 500))
def test_arrays_hold_all_workers_that_there_is_room_for(one: Profile, longest: int, room: int | None) -> None:
    head = one.head is not None
    if room is not None and room < 1 + head:
        with pytest.raises(StudyError, match=f"the queue has room for {room} more jobs of yours; wait, or cancel"):
            batches(one, longest, room)
        return
    first, *arrays = batches(one, longest, room)
    assert (first.role, first.tasks, first.wants) == (("head", 1, one.head) if head else ("both", 1, one.workers))
    assert all((batch.role, batch.wants) == ("worker", one.workers) for batch in arrays)
    wanted = one.workers.number + head
    assert first.tasks + sum(batch.tasks for batch in arrays) == (wanted if room is None else min(wanted, room))
    assert all(1 <= batch.tasks <= longest for batch in arrays)
    assert len(arrays) == -(-sum(batch.tasks for batch in arrays) // longest)  # no more calls than it takes


@given(profiles(), st.integers(1, 150), st.none() | st.integers(2, 500))
def test_as_many_run_at_once_as_are_asked_for(one: Profile, longest: int, room: int | None) -> None:
    first, *arrays = batches(one, longest, room)
    asked = (one.workers.at_once or one.workers.number) - (first.role == "both")
    assert all(1 <= batch.at_once <= batch.tasks for batch in arrays)
    assert sum(batch.at_once for batch in arrays) <= max(asked, len(arrays))  # each array runs one at least
    if asked >= one.workers.number:
        assert all(batch.at_once == batch.tasks for batch in arrays)


def test_at_once_is_shared_among_arrays_and_the_first_worker() -> None:
    def shared(at_once: int | None, **head: object) -> list[int]:
        return [batch.at_once for batch in batches(profile(number=10, at_once=at_once, **head), 4, None)]

    assert shared(None, __head=HEAD) == [1, 4, 4, 2]
    assert shared(5, __head=HEAD) == [1, 2, 2, 1]
    assert shared(6) == [1, 2, 2, 1]


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return Board(Store(tmp_path / "two words" / "tiny"))


@pytest.fixture
def sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file where sbatch notes each call; its text and its environment are beside it."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("SENT", str(tmp_path / "sent"))
    for name, text in (("sbatch", SBATCH), ("srun", "#!/bin/sh\n")):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    return tmp_path / "sent"


def sender(board: Board, one: Profile, **changed: object) -> tuple[Sender, Submission]:
    made = submission(jobs=(), profile=one.model_dump(mode="json"), **changed)
    board.write_submission(made)
    return Sender(board, made, one), made


def test_what_sbatch_gets_for_head_and_workers(board: Board, sent: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"SLURM_CPU_BIND": "cores", "SBATCH_QOS": "high", "SLURM_CONF": "/etc/slurm.conf"}.items():
        monkeypatch.setenv(name, value)
    one = profile(
        number=5, at_once=2, gpus=2, gpu_type="a100", account="mine", constraint="ib", options={"exclude": "n7"},
        __head=HEAD, __python="apptainer exec python3", __grace=77,
    )  # fmt: skip
    send, _ = sender(board, one)
    jobs = [send.send(batch) for batch in batches(one, 3, None)]
    assert [(job.role, job.id, job.tasks) for job in jobs] == [
        ("head", "41", 1), ("worker", "42", 3), ("worker", "43", 2)
    ]  # fmt: skip
    assert board.submission(1).jobs == tuple(jobs)
    texts = [(board.store.folder / job.script).read_text() for job in jobs]
    flags = [{line for line in text.splitlines() if line.startswith("#SBATCH")} for text in texts]
    common = {"#SBATCH --requeue", "#SBATCH --signal=USR2@77", "#SBATCH --nodes=1", "#SBATCH --open-mode=append"}
    assert all(found >= common for found in flags)
    assert flags[0] >= {"#SBATCH --partition=cpu", "#SBATCH --cpus-per-task=2", "#SBATCH --job-name=tiny.head"}
    assert not any("gres" in flag or "depend" in flag or "array" in flag for flag in flags[0])
    assert flags[1] >= {
        "#SBATCH --array=0-2%1", "#SBATCH --dependency=after:41", "#SBATCH --gres=gpu:a100:2", "#SBATCH --mem=16G",
        "#SBATCH --account=mine", "#SBATCH --constraint=ib", "#SBATCH --exclude=n7", "#SBATCH --time=240",
    }  # fmt: skip
    assert flags[2] >= {"#SBATCH --array=0-1%1", "#SBATCH --dependency=after:41"}
    for text in texts:
        assert f"export PYTHONPATH='{board.sources / 'ab'}'" in text
        assert "apptainer exec python3 -u -m submitit" in text
        assert "apptainer exec python3 -m cluster.reaper" in text
    environments = sent.with_suffix(".env").read_text()
    assert "SLURM_CONF=/etc/slurm.conf" in environments
    assert "SLURM_CPU_BIND" not in environments
    assert "SBATCH_QOS" not in environments
    assert os.environ["SLURM_CPU_BIND"] == "cores"  # here it is as it was


def test_without_a_head_of_its_own_the_first_worker_is_one(board: Board, sent: Path) -> None:
    one = profile(number=2)
    send, _ = sender(board, one)
    jobs = [send.send(batch) for batch in batches(one, 1000, None)]
    assert [(job.role, job.tasks) for job in jobs] == [("both", 1), ("worker", 1)]
    assert "--dependency=after:41" in (board.store.folder / jobs[1].script).read_text()
    assert f"{sys.executable} -u -m submitit" in (board.store.folder / jobs[0].script).read_text()


def test_sbatchs_refusal_is_told_and_what_was_sent_before_is_on_the_board(board: Board, sent: Path) -> None:
    one = profile(number=2, __head=HEAD)
    send, _ = sender(board, one)
    first, second = batches(one, 1000, None)
    job = send.send(first)
    (sent.parent / "sbatch").write_text("#!/bin/sh\necho 'sbatch: error: Invalid qos specification' >&2; exit 1\n")
    with pytest.raises(StudyError, match=r"sbatch refused a job of the role worker: .*Invalid qos specification"):
        send.send(second)
    assert board.submission(1).jobs == (job,)


def test_what_would_be_sent_is_shown_and_not_sent(board: Board, sent: Path) -> None:
    one = profile(number=3, at_once=2, __head=HEAD)
    send, made = sender(board, one)
    texts = [send.script(batch) for batch in batches(one, 1000, None)]
    assert "--array" not in texts[0]
    assert "#SBATCH --array=0-2%2\n" in texts[1]
    assert "#SBATCH --dependency=after:HEAD\n" in texts[1]
    assert not sent.exists()
    assert not board.jobs.exists()
    assert board.submission(1) == made


def answer(folder: Path, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """squeue says this from now on."""
    (folder / "squeue").write_text(f"#!/bin/sh\n{said}\n")
    (folder / "squeue").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)


LISTED = "echo '12|PENDING|BeginTime||0|N/A|'"


@pytest.mark.parametrize("said", [LISTED, "exit 1"])
def test_a_head_that_may_come_back_is_not_replaced(
    said: str, board: Board, sent: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """squeue lists it, or nobody knows."""
    sender(board, profile(__head=HEAD))
    board.write_submission(submission(profile=profile(__head=HEAD).model_dump(mode="json")))
    answer(tmp_path, said, monkeypatch)
    assert replace_lost_head(board, 1) is None
    assert not sent.exists()


def test_a_lost_head_is_sent_anew_but_not_for_ever(
    board: Board, sent: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = submission(profile=profile(number=9, __head=HEAD).model_dump(mode="json"))
    board.write_submission(lost)
    answer(tmp_path, "true", monkeypatch)
    board.write_life(life("12", "head"))
    assert replace_lost_head(board, 1) is None  # it lives
    board.write_life(life("12", "head", seen=1000))
    board.write_submission(replace(lost, cancelled_at="now"))
    assert replace_lost_head(board, 1) is None
    board.write_submission(lost)
    job = replace_lost_head(board, 1)
    assert job is not None
    assert (job.role, job.id, job.tasks) == ("head", "41", 1)
    assert board.submission(1).jobs == (*lost.jobs, job)
    heads = tuple(Job("head", str(20 + number), 1, "a.sh") for number in range(HEADS))
    board.write_submission(replace(lost, jobs=heads))
    assert replace_lost_head(board, 1) is None
    assert len(sent.read_text().splitlines()) == 1
