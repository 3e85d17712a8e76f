"""Which rows count: the views, compaction, a glance and the peers' pandas agree with the rule on any history."""

import itertools
import math
import random
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pytest

from benchmarks.results_peers import Frames
from study import durable, plan, spec
from study.plan import Planned
from study.results import connect, rowfile, schema, views
from study.results.compact import compact
from study.results.glance import Reader
from study.results.rowfile import Row
from study.results.store import Store, read_plan_table
from tests.conftest import tiny_study
from tests.results.synthetic import PLANNED, STEPS, done, row

STUDY = tiny_study(losses=["ns", "vae"], phases=[{"name": "wide", "space": "wide", "settings": 15, "seeds": 2}])
MANY = plan.build(STUDY, {})
FD = {10: 2.0, 20: 1.0, 30: 1.0}
Key = tuple[str, int, int, str]
Stand = tuple[str, str, int, int, int | None]  # trial, its status, the step and attempt that say so, its best step


def history(planned: Planned, draw: random.Random) -> list[list[Row]]:
    """The rows of up to four attempts that measure any steps; they may end where they have measured, as none does."""
    made = []
    for number in range(1, draw.randint(2, 5)):
        steps = sorted(draw.sample(STEPS, draw.randint(0, 3)))
        rows = [row(planned, number, step, fd=FD[step]) for step in steps]
        if ending := draw.choice(["", "failed", "diverged"]):
            rows.append(row(planned, number, max([draw.choice(STEPS), *steps]), ending))
        made += [rows] if rows else []
    return made


def by_the_rule(rows: Sequence[Row]) -> tuple[list[Key], Stand]:
    """Of one trial: the rows that count, and where it stands."""
    newest = max(each["attempt"] for each in rows)
    kept: dict[tuple[int, bool], Row] = {}
    for each in rows:
        place = each["step"], each["status"] == "failed"
        if each["status"] == "ok" or each["attempt"] == newest:
            kept[place] = max(kept.get(place, each), each, key=lambda one: (one["attempt"], one["status"] == "ok"))
    counting = list(kept.values())
    last = max(counting, key=lambda one: (ends(one), one["step"], one["attempt"], one["status"] == "ok"))
    measured = [each for each in counting if each["status"] == "ok"]
    best = min(measured, key=lambda one: (one["fd_cnn28_selection"], one["step"]), default=None)
    status = last["status"] if last["status"] != "ok" else "done" if ends(last) else "started"
    stand = (last["trial"], status, last["step"], last["attempt"], best["step"] if best else None)
    return sorted(key(each) for each in counting), stand


def key(one: Row) -> Key:
    return one["trial"], one["attempt"], one["step"], one["status"]


def ends(one: Row) -> bool:
    return one["status"] != "ok" or one["step"] == one["steps"]


def shown(store: Store) -> tuple[list[Key], list[Stand]]:
    """What the views say; a trial that waits is left out."""
    with connect(store.folder) as database:
        counting = database.execute("SELECT trial, attempt, step, status FROM evaluations ORDER BY ALL").fetchall()
        stands = database.execute(
            "SELECT trial, status, step, attempt, score_step FROM trials WHERE status <> 'waiting' ORDER BY ALL"
        ).fetchall()
    return counting, stands


def of_pandas(store: Store) -> tuple[list[Key], list[Stand]]:
    """The same of the peers that the benchmark compares with."""
    with connect(store.folder) as database:
        frames = Frames(database.sql("FROM attempts").df())
    counting = frames("evaluations")[["trial", "attempt", "step", "status"]].itertuples(index=False, name=None)
    stands = frames("trials")[["trial", "status", "step", "attempt", "score_step"]].itertuples(index=False, name=None)
    return sorted(counting), sorted((*rest, None if math.isnan(best) else int(best)) for *rest, best in stands)


def test_every_reader_keeps_to_one_rule(tmp_path: Path) -> None:
    """60 histories that were drawn: of files of rows, and compacted."""
    store, draw, counting, stands = Store(tmp_path), random.Random(7), list[Key](), list[Stand]()
    store.write_plan([planned.row(i) for i, planned in enumerate(MANY)], spec.dump(STUDY))
    for planned in MANY:
        attempts = history(planned, draw)
        for rows in attempts:
            path = store.row_file(rows[0]["trial"], rows[0]["attempt"])
            durable.write_bytes(path, rowfile.encode(rows), fsync=False)
        if attempts:
            kept, stand = by_the_rule([each for rows in attempts for each in rows])
            counting += kept
            stands.append(stand)
    expected = sorted(counting), sorted(stands)
    assert of_pandas(store) == expected
    for _ in range(2):
        assert shown(store) == expected
        glances = [line for line in Reader(store).read(read_plan_table(store.plan_file)).lines if line.attempt]
        assert sorted((line.trial, line.status, line.step, line.attempt) for line in glances) == [
            stand[:4] for stand in expected[1]
        ]
        compact(store)


@pytest.mark.parametrize("ending", ["failed", "diverged"])
def test_equal_rows_have_equal_marks(ending: str) -> None:
    """Whatever the order in which they come: a trial that failed after its last evaluation is done."""
    rows = [*done(PLANNED[0]), row(PLANNED[0], 1, 30, ending)]
    names = ("trial", "attempt", "step", "steps", "status", "fd_cnn28_selection")
    found = set()
    for order in (rows, rows[::-1], rows[2:] + rows[:2]):
        table = ", ".join(str(tuple(each.get(name) for name in names)).replace("None", "NULL") for each in order)
        source = (
            f"(SELECT *, score AS selection_score FROM (VALUES {table}) AS given({', '.join((*names[:5], 'score'))}))"
        )
        with duckdb.connect() as database:
            marked = f"SELECT step, status, counts, last, best FROM ({views.MARKED.format(source=source)}) ORDER BY ALL"
            found.add(tuple(database.execute(marked).fetchall()))
    ((*_, tied, measured),) = found
    assert measured == (30, "ok", True, True, True)
    assert tied == (30, ending, ending == "failed", False, False)


def test_settings_do_not_depend_on_the_order_of_their_trials() -> None:
    """Summed in another order, three scores have another mean; equal studies would not be equal files."""
    names = [column.name for column in schema.SETTING]
    same = "'p' AS phase, 's' AS search, 'd' AS dataset, 'l' AS loss, 'v' AS variant, 0 AS sample, 'done' AS status"
    found = set()
    for order in itertools.permutations([(0, 0.1), (1, 0.2), (2, 0.3)]):
        given = f"(VALUES {', '.join(map(str, order))}) AS given(seed, found)"
        values = f"{same}, {', '.join(f'NULL AS {name}' for name in names)}, seed, CAST(seed AS VARCHAR) AS trial"
        score = "CAST(found AS DOUBLE)"
        with duckdb.connect() as database:
            trials = f"SELECT {values}, {score} AS score, {score} AS selection_score FROM {given}"
            database.execute(f"CREATE TABLE trials AS {trials}")
            settings = views.SETTINGS.format(hyperparameters=", ".join(names))
            (one,) = database.execute(f"SELECT mean, deviation, choice_mean, trials FROM ({settings})").fetchall()
            found.add((*one[:3], tuple(one[3])))
    ((mean, deviation, _, trials),) = found
    assert (mean, deviation) == (pytest.approx(0.2), pytest.approx(0.1))
    assert trials == ("0", "1", "2")
