"""Studies on the three hosts, and what can happen to them: whatever it is, the rows are those of an undisturbed run."""

import sys
from collections.abc import Collection, Iterator
from pathlib import Path

import pandas as pd
import pytest

from study.data.catalogue import find
from study.data.prepare import prepare
from tests.slurm.conftest import Slurm
from tests.slurm.stage import Stage, undisturbed

pytestmark = [pytest.mark.slurm, pytest.mark.slow]


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory, data: Path) -> pd.DataFrame:
    return undisturbed(tmp_path_factory.mktemp("undisturbed"), data)


@pytest.fixture
def stage(slurm: Slurm, shared: Path) -> Iterator[Stage]:
    prepare(find("triangles_tiny"), shared / "data")
    made = Stage(slurm, shared, shared / "data")
    made.write()
    yield made
    if made.jobs():
        made.gan_study("cancel", "small.yaml")


def assert_whole(stage: Stage, expected: pd.DataFrame) -> None:
    """Every planned trial has exactly one complete history, and it is the one of the undisturbed run."""
    pd.testing.assert_frame_equal(stage.measured(), expected, check_exact=True)
    assert stage.board.head() is None
    status = stage.gan_study("status", "small.yaml", "--json")
    assert f'"done": {expected.trial.nunique()}' in status, status


def assert_nothing_left(stage: Stage, but_folders: Collection[str] = ()) -> None:
    for host in stage.slurm.hosts:
        assert stage.slurm.processes(host) == {}
        assert stage.slurm.ports(host) == set()
        assert host in but_folders or stage.slurm.temporary(host) == []


def assert_closed_to_strangers(stage: Stage) -> None:
    """Who has no token, or another, cannot connect to the study's Ray."""
    assert stage.board.token.stat().st_mode & 0o777 == 0o600
    head = stage.board.head()
    assert head is not None
    script = f"import ray; ray.init('{head.address}', log_to_driver=False); print('connected')"
    for token in ("", "0" * 64):
        given = ["env", "RAY_AUTH_MODE=token", f"RAY_AUTH_TOKEN={token}"]
        stranger = stage.slurm.run_on(stage.slurm.hosts[0], *given, sys.executable, "-c", script, check=False)
        assert stranger.returncode != 0
        assert "connected" not in stranger.stdout
        assert "token" in stranger.stderr.lower()


def test_two_studies_at_once_on_three_hosts(stage: Stage, expected: pd.DataFrame) -> None:
    """Both undisturbed; sent again while it is on its way, and once it is finished, a study refuses."""
    other = Stage(stage.slurm, stage.folder, stage.data, "other")
    for each in (stage, other):
        each.write(workers={"memory": "500M"}, head={"memory": "300M"})
        assert "4 trials are on the way" in each.submit()
    assert "already" in stage.gan_study("submit", "small.yaml", "--cluster", "here.yaml", code=2)
    for each in (stage, other):
        each.wait_for_the_end()
        assert_whole(each, expected)
        assert {life.ending for life in each.lives("worker")} <= {"idle", "ended"}
    assert {life.host for each in (stage, other) for life in each.lives("worker")} == set(stage.slurm.hosts)
    assert stage.board.token.read_text() != other.board.token.read_text()
    assert "nothing is missing" in stage.submit()
    assert_nothing_left(stage)


def test_preemption_of_two_of_three_workers(stage: Stage, expected: pd.DataFrame) -> None:
    stage.submit()
    stage.wait_for_trials(3)
    taken = stage.slurm.hosts[1:]
    stage.slurm.sbatch(
        "--partition=gpu", "--exclusive", f"--nodelist={','.join(taken)}", "--nodes=2", "--wrap", "sleep 20"
    )
    stage.wait_for_the_end()
    assert_whole(stage, expected)
    preempted = [life for life in stage.lives("worker") if life.ending == "preempted"]
    assert {life.host for life in preempted} == set(taken)
    assert all(life.requeued for life in preempted), stage.say()
    assert_nothing_left(stage)


def test_kill_9_of_workers_processes(stage: Stage, expected: pd.DataFrame) -> None:
    """Of one its Ray, which its program starts anew; of another all: its job is requeued, or the others take over."""
    stage.submit()
    stage.wait_for_trials(3)
    for victim, whose in zip(stage.slurm.hosts[1:], ("its job", "its Ray"), strict=True):
        found = stage.slurm.processes(victim)
        ray = {pid for pid, line in found.items() if "ray" in line and "cluster.reaper" not in line}
        assert any("raylet" in found[pid] for pid in ray)
        stage.slurm.run_on(victim, "kill", "-9", *map(str, ray if whose == "its Ray" else found), check=False)
    stage.wait_for_the_end()
    assert_whole(stage, expected)
    # Whoever would have removed the folder of a job that was killed whole is dead too; the next job there removes it.
    assert_nothing_left(stage, but_folders=[stage.slurm.hosts[1]])


def test_a_host_that_is_cut_off_and_comes_back(stage: Stage, expected: pd.DataFrame) -> None:
    stage.submit()
    stage.wait_for_trials(3)
    away = next(life.host for life in stage.lives("worker") if life.host != stage.lives("head")[0].host)
    stage.slurm.cut(away)
    began = stage.running()
    stage.wait(lambda: away not in {sign["host"] for sign in stage.running().values()}, 120, f"no trial on {away}")
    stage.slurm.heal(away)
    stage.wait_for_the_end()
    assert any(sign["host"] == away for sign in began.values())
    assert_whole(stage, expected)
    assert_nothing_left(stage)


@pytest.mark.parametrize("whose", ["of its program", "of its job"])
def test_kill_9_of_the_head(whose: str, stage: Stage, expected: pd.DataFrame) -> None:
    """Its script requeues its job; where that was killed too, and Slurm does nothing, a worker sends another."""
    stage.submit()
    stage.wait_for_trials(3)
    (head,) = stage.lives("head")
    if whose == "of its program":
        stage.slurm.run_on(head.host, "kill", "-9", str(head.pid))
    else:
        listing = f"grep -lazs '^SLURM_JOB_ID={head.job}$' /proc/[0-9]*/environ | cut -d/ -f3 | xargs kill -9"
        stage.slurm.run_on(head.host, "sh", "-c", listing)
    stage.wait(lambda: len(stage.lives("head")) == 2, 180, "a second life of the head")
    stage.wait_for_the_end()
    assert_whole(stage, expected)
    first, second = stage.lives("head")
    assert (first.ending, second.ending) == (None, "ended")
    assert (first.job == second.job) == (whose == "of its program")
    assert_nothing_left(stage, but_folders=stage.slurm.hosts if whose == "of its job" else ())


def test_the_time_limit_and_a_stranger(stage: Stage, tmp_path: Path) -> None:
    """Slurm warns a minute before the end, or up to a minute earlier still."""
    one = {"losses": ["ns"], "phases": [{"name": "wide", "space": "wide", "settings": 1}]}
    one |= {"datasets": {"triangles_tiny": {"steps": 3000, "evaluations": 2}}}
    stage.write(workers={"time": "2", "number": 1}, grace=60, **one)
    stage.submit()
    stage.wait_for_trials()
    assert_closed_to_strangers(stage)
    stage.wait(lambda: len(stage.lives("worker")) > 1, 200, "a second life of the worker")
    stage.wait_for_the_end(600)
    assert_whole(stage, undisturbed(tmp_path / "undisturbed", stage.data, **one))
    first, *_ = stage.lives("worker")
    assert (first.ending, first.requeued) == ("time limit", True)
    # The first attempt may have been warned before its first evaluation, and has no row then.
    assert max(row["attempt"] for row in stage.store.read(stage.measured().trial[0])) > 1
    assert_nothing_left(stage)


def test_cancelled_and_sent_again_as_a_head_beside_the_only_worker(stage: Stage, expected: pd.DataFrame) -> None:
    """Cancelling leaves no process and no port; what is sent then has another shape, and two trials on its GPU."""
    stage.submit()
    stage.wait_for_trials(3)
    said = stage.gan_study("cancel", "small.yaml")
    assert "go on with: gan-study submit small.yaml --cluster here.yaml" in said
    assert stage.jobs() == []
    assert_nothing_left(stage)
    assert {life.ending for life in stage.lives("*")} == {"cancelled"}
    stage.write(workers={"number": 1, "trials_per_gpu": 2}, head=None)
    stage.submit()
    stage.wait(lambda: len(stage.running()) == 2, 120, "two trials at once")
    assert [job.name for job in stage.jobs()] == ["small.both"]
    stage.wait_for_the_end()
    assert_whole(stage, expected)
    assert_nothing_left(stage)


def test_more_workers_than_an_array_may_have(stage: Stage) -> None:
    stage.write(workers={"number": 150, "memory": "2G"})
    said = stage.submit()
    assert said.count("sent worker as job") == 2
    assert len(stage.jobs("worker")) == 150
    assert len({job.id.partition("_")[0] for job in stage.jobs("worker")}) == 2
    stage.gan_study("cancel", "small.yaml")
    assert stage.jobs() == []
