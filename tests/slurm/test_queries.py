"""What Slurm's commands answer about real jobs."""

import pytest

from cluster import slurm as queries
from cluster import slurm_limits
from tests.slurm.conftest import Slurm, eventually

pytestmark = pytest.mark.slurm


@pytest.fixture(autouse=True)
def _here(slurm: Slurm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_CONF", slurm.environment()["SLURM_CONF"])


def _states(job: str) -> dict[str, tuple[str, str]]:
    return {task.id: (task.state, task.reason) for task in queries.queued([job]) or []}


def test_tasks_of_an_array_from_queue_to_end(slurm: Slurm) -> None:
    held = slurm.sbatch("--hold", "-p", "preemptible", "--array=3-9%4", "-t", "90", "--wrap=sleep 60")
    assert _states(held) == {f"{held}_{index}": ("PENDING", "JobHeldUser") for index in range(3, 10)}
    assert queries.seconds_left(f"{held}_3") == 90 * 60
    job = slurm.sbatch("-p", "preemptible", "--array=0-1%1", "-t", "10", "--wrap=sleep 60")
    eventually(lambda: _states(job).get(f"{job}_0") == ("RUNNING", ""), "the first task runs")
    assert _states(job)[f"{job}_1"] == ("PENDING", "JobArrayTaskLimit")
    assert {task.id for task in queries.queued([held, job]) or []} == {*_states(held), *_states(job)}
    (running,) = (task for task in queries.queued([job]) or [] if task.state == "RUNNING")
    assert running.node in slurm.hosts
    assert running.start is not None
    assert queries.state(f"{job}_0") == "RUNNING"
    left = queries.seconds_left(f"{job}_0")
    assert left is not None
    assert 9 * 60 < left <= 10 * 60
    queries.cancel([held, job])
    eventually(lambda: queries.queued([held, job]) == [], "nothing is queued")
    assert queries.state(f"{job}_0") == "CANCELLED"
    queries.cancel([held, job])  # once more does no harm


def test_a_job_that_is_requeued_counts_its_restarts(slurm: Slurm) -> None:
    job = slurm.sbatch("-p", "preemptible", "--requeue", "-t", "10", "--wrap=sleep 60")
    eventually(lambda: queries.state(job) == "RUNNING", "it runs")
    assert queries.requeue(job)
    eventually(lambda: _states(job) == {job: ("PENDING", "BeginTime")}, "it waits to start again")
    assert [task.restarts for task in queries.queued([job]) or []] == [1]


def test_what_nobody_knows() -> None:
    assert queries.available()
    assert queries.queued(["999999"]) == []
    assert queries.queued(["999998", "999999"]) == []
    assert queries.state("999999") == "UNKNOWN"
    assert queries.seconds_left("999999") is None
    assert queries.requeue("999999") is False
    assert queries.ended(["999999"]) is None  # no accounting here
    assert slurm_limits.associations() is None
    with pytest.raises(queries.Refused, match="Invalid job id abc"):
        queries.cancel(["abc"])


def test_partitions_and_settings(slurm: Slurm) -> None:
    found = slurm_limits.partitions()
    assert set(found) >= {"gpu", "preemptible"}
    assert (found["preemptible"].preempt, found["gpu"].preempt) == ("REQUEUE", "OFF")
    assert found["preemptible"].grace == 20
    assert sum(kind.nodes for kind in found["gpu"].kinds) == len(slurm.hosts)
    assert {(kind.cpus, kind.gpus[""]) for kind in found["gpu"].kinds} == {(2, 2)}
    settings = slurm_limits.settings()
    assert settings["MaxArraySize"] == "101"
    assert settings["PreemptMode"] == "REQUEUE"
    assert settings["SLURM_CONF"] == slurm.environment()["SLURM_CONF"]
