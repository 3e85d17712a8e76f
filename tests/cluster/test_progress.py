"""Every planned trial is in exactly one state; hours and the end are recomputed by hand."""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from cluster.progress import STATES, Progress, Seen, progress
from study import cost
from study.plan import build
from study.results.glance import Glance, Line
from study.spec import Study
from tests.cluster.stage import WORKERS, ago, ended, life, papers, submission, task
from tests.conftest import tiny_study

NOTHING = papers([], None, submissions=[], head=None)
KINDS = {("ns", "triangles_tiny", 0.0625): (0.5, 2.0), ("vae", "triangles_tiny", 0.0625): (1.0, 4.0)}


def place(attempt: int = 1, **changed: Any) -> dict[str, Any]:
    values = {
        "attempt": attempt, "host": "n1", "pid": 5, "job": None, "started_at": ago(100), "seen_at": ago(5),
        "step": None, "steps": None, "images_per_second": None,
    }  # fmt: skip
    return {**values, **changed}


def seen(statuses: list[str], study: Study | None = None, **changed: Any) -> Seen:
    """The tiny study's first trials in these states of the table; a row at step 10 where there is one."""
    described = study or tiny_study(phases=[{"name": "wide", "space": "wide", "settings": 4}])
    lines = [
        Line(
            p.trial.id, p.phase, p.search, p.sample, p.trial.seed, p.trial.loss, p.trial.dataset, p.trial.width,
            p.trial.steps, json.dumps(p.trial.evaluations), status, {"waiting": 0, "done": 30}.get(status, 10),
            int(status != "waiting"), "Boom" if status == "failed" else None, None,
        )
        for p, status in zip(build(described, {}), statuses, strict=False)
    ]  # fmt: skip
    content = {(p.trial.loss, p.trial.dataset, p.trial.width): p.trial.content for p in build(described, {})}
    searches = tuple({(line.phase, line.loss, line.dataset) for line in lines})
    glance = Glance(tuple(lines), searches, content, changed.pop("paces", KINDS), changed.pop("used", {}))
    values = {"running": {}, "lost": {}, "locked": False, "papers": NOTHING}
    return Seen(study="tiny", spec=described, glance=glance, **{**values, **changed})


def trial(given: Seen, number: int) -> str:
    return given.glance.lines[number].trial


def at(given: Seen, running: Mapping[int, Any], lost: Mapping[int, Any] | None = None) -> Seen:
    return replace(
        given,
        running={trial(given, number): where for number, where in running.items()},
        lost={trial(given, number): where for number, where in (lost or {}).items()},
    )


def nonzero(found: Progress) -> dict[str, int]:
    return {state: count for state, count in found.counts.items() if count}


def test_every_trial_is_in_exactly_one_state() -> None:
    given = seen(["done", "diverged", "failed", "started", "waiting", "waiting", "waiting", "failed"])
    found = progress(at(given, {4: place()}, {5: place(), 7: place(2)}))
    assert found.counts == {
        "done": 1, "running": 1, "diverged": 1, "failed": 1, "lost": 2, "started": 1, "waiting": 1
    }  # fmt: skip
    assert tuple(found.counts) == STATES
    assert sum(found.counts.values()) == found.trials == 8
    assert sum(sum(search.counts.values()) for search in found.searches) == 8
    assert found.left == 5
    assert [where.trial for where in found.running] == [trial(given, 4)]
    assert [where.trial for where in found.lost] == [trial(given, 5), trial(given, 7)]


def test_a_failure_that_was_recorded_for_a_killed_process_is_failed_not_lost() -> None:
    given = seen(["failed"])
    assert nonzero(progress(at(given, {}, {0: place(1)}))) == {"failed": 1}
    assert nonzero(progress(at(given, {}, {0: place(2)}))) == {"lost": 1}  # its retry died
    assert nonzero(progress(at(given, {0: place(2)}))) == {"running": 1}


def test_what_has_ended_stays_ended_whatever_lies_about() -> None:
    given = seen(["done", "diverged"])
    assert nonzero(progress(at(given, {0: place(), 1: place()}))) == {"done": 1, "diverged": 1}


def test_where_a_trial_is_comes_from_its_heartbeat_and_its_step_from_whoever_knows_more() -> None:
    given = seen(["started", "waiting"])
    found = progress(at(given, {0: place(step=7), 1: place(step=21, images_per_second=99.0, job="13_0", host="n3")}))
    first, second = found.running
    assert (first.step, first.steps) == (10, 30)  # it resumes from an earlier checkpoint than its last row
    assert (second.step, second.images_per_second, second.job, second.host) == (21, 99.0, "13_0", "n3")


def test_what_is_left_by_hand() -> None:
    given = seen(["waiting", "waiting", "started", "done"])  # ns, vae, ns, vae
    found = progress(at(given, {1: place(step=12)})).forecast
    waiting, running, started = 30 * 0.5 + 3 * 2, 18 * 1 + 3 * 4, 20 * 0.5 + 2 * 2
    assert found.expected == pytest.approx((waiting + running + started) / 3600)
    assert found.slots == 1
    assert found.seconds == pytest.approx(waiting + running + started)
    assert found.basis == "the paces that 3 of 3 such trials were recorded at"
    assert found.done_at is not None
    left = (datetime.fromisoformat(found.done_at) - datetime.now(UTC)).total_seconds()
    assert left == pytest.approx(found.seconds, abs=5)


def test_the_end_is_no_sooner_than_the_longest_trial_allows() -> None:
    given = seen(["waiting"] * 2, papers=papers([life("12", "head"), life("13_0")], [task("12"), task("13_0")]))
    found = progress(given).forecast
    assert found.slots == 8
    assert found.seconds == pytest.approx(30 * 1 + 3 * 4)


def test_without_a_record_the_assumption_is_named() -> None:
    given = seen(["waiting"] * 2, paces={("ns", "triangles_tiny", 0.0625): (0.5, 2.0)})
    found = progress(given).forecast
    assert found.basis == f"the paces that 1 of 2 such trials were recorded at; {cost.ASSUMPTION}"
    vae = build(given.spec, {})[1].trial
    assert found.expected == pytest.approx((21 + cost.assumed(vae).seconds(vae)) / 3600)


def test_hours_had_count_rows_and_running_attempts() -> None:
    given = seen(["done", "started"])
    used = {trial(given, 0): {1: (100.0, 4.0), 2: (150.0, 6.0)}, trial(given, 1): {1: (50.0, 2.0), 2: (70.0, 1.0)}}
    given = at(replace(given, glance=replace(given.glance, used=used)), {1: place(2)})
    found = progress(given).forecast
    assert found.in_trials == pytest.approx((150 + 10 + 50 + 2 + 95) / 3600, abs=1e-4)
    assert (found.unit, found.spent) == ("trial-hours", None)


def test_gpu_hours_are_those_of_the_jobs_and_a_trial_takes_its_share() -> None:
    lives = [life("12", "head"), life("13_0", seen=0), ended("13_1", "preempted", started_at=ago(2400))]
    given = seen(["waiting"] * 2, papers=papers(lives, [task("12"), task("13_0")]))
    found = progress(given).forecast
    assert found.unit == "GPU-hours"
    assert found.spent == pytest.approx(2 * 1 + 2 * 0.5, abs=1e-3)
    assert found.expected == pytest.approx((21 + 42) / 3600 / 4)


def test_without_gpus_workers_are_counted() -> None:
    sent = submission(profile={"workers": {**WORKERS, "gpus": 0, "trials_per_gpu": None, "cpus": 4}})
    given = seen(["waiting"] * 2, papers=papers([life("13_0", seen=0, gpus=0)], [task("13_0")], submissions=[sent]))
    found = progress(given).forecast
    assert (found.unit, found.spent) == ("worker-hours", pytest.approx(1, abs=1e-3))
    assert found.expected == pytest.approx((21 + 42) / 3600 / 4)


def test_later_phases_are_left_too() -> None:
    phases = [
        {"name": "wide", "space": "wide", "settings": 1},
        {"name": "seeds", "select": {"phase": "wide"}, "seeds": 5},
    ]
    found = progress(seen(["done", "done"], tiny_study(phases=phases)))
    assert (dict(found.deferred), found.left, found.trials) == ({"seeds": 10}, 10, 2)
    assert found.forecast.expected == pytest.approx(10 * (30 * 0.75 + 3 * 3) / 3600)
    assert found.forecast.seconds is None
    unknown = progress(seen([], tiny_study(phases=phases)))
    assert unknown.forecast.expected is None


def test_failures_alike_are_told_once_the_most_frequent_first() -> None:
    given = seen(["failed"] * 4)
    lines = [*given.glance.lines[:3], replace(given.glance.lines[3], exception="Other", message="that")]
    found = progress(replace(given, glance=replace(given.glance, lines=tuple(lines))))
    assert [(each.exception, each.message, each.count) for each in found.failures] == [
        ("Boom", None, 3),
        ("Other", "that", 1),
    ]


def test_a_driver_here_needs_no_jobs() -> None:
    vanished = papers([], [], head=None)
    assert len(progress(seen(["waiting"], papers=vanished)).remarks) == 1
    local = progress(seen(["waiting"], papers=vanished, locked=True))
    assert (local.remarks, local.driver, local.over) == ((), True, False)


def test_over_when_nobody_is_at_work() -> None:
    assert progress(seen(["waiting"])).over
    given = seen(["waiting"])
    assert not progress(at(given, {0: place()})).over
    assert not progress(seen(["waiting"], papers=papers([], [task("12", "PENDING")], head=None))).over
    assert progress(seen(["waiting"], papers=papers([], [], head=None))).over


def test_the_page_is_data() -> None:
    given = seen(["waiting"], papers=papers([life("12", "head")], [task("12")]))
    assert asdict(progress(given))["jobs"]["groups"][0]["count"] == 1
