"""Several studies side by side in one database: their plans, their rows, and what they disagree about."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pandas as pd
import pyarrow as pa

from study.results import fingerprints, schema, tables
from study.results.folder import Folder
from study.results.history import Try
from study.results.names import distinct, identifier

# A search of one name is one search only where its settings are the same, sample by sample, and drawn alike.
SETTINGS = """
    SELECT search, sample, list({origin: origin, value: told} ORDER BY origin) AS told
    FROM (SELECT origin, search, sample, list_sort(list(DISTINCT json_merge_patch(content, '{"seed": null}'))) AS told
          FROM plans GROUP BY ALL)
    GROUP BY ALL HAVING count(DISTINCT told) > 1 ORDER BY search, sample
"""
DRAWS = """
    SELECT search, list({origin: origin, value: told} ORDER BY origin) AS told
    FROM (SELECT origin, search, list_sort(list(DISTINCT CAST(to_json(
              {space: space, sampler: sampler, search_seed: search_seed}) AS VARCHAR))) AS told
          FROM plans GROUP BY ALL)
    GROUP BY ALL HAVING count(DISTINCT told) > 1 ORDER BY search
"""
UNITED_PLAN = """
    SELECT * EXCLUDE (origin, position), row_number() OVER (ORDER BY origin, position) - 1 AS position
    FROM (FROM plans QUALIFY row_number() OVER (PARTITION BY phase, trial, sample ORDER BY origin, position) = 1)
    ORDER BY position
"""
# What counts of every study's rows of the trials that several have, but for failures: those measure nothing.
COUNTED = """
    SELECT * EXCLUDE (newest)
    FROM (SELECT *, max(attempt) OVER (PARTITION BY origin, trial) AS newest
          FROM rows SEMI JOIN shared USING (trial) WHERE {condition})
    WHERE status = 'ok' OR (status = 'diverged' AND attempt = newest)
    QUALIFY row_number() OVER (PARTITION BY origin, trial, step ORDER BY attempt DESC, status DESC) = 1
"""
DIFFERING = """
    WITH counted AS MATERIALIZED ({counted})
    SELECT trial, step, one, other, cell.name, cell.mine, cell.theirs
    FROM (SELECT x.trial, x.step, x.origin AS one, y.origin AS other, unnest([{cells}]) AS cell
          FROM counted AS x JOIN counted AS y ON x.trial = y.trial AND x.step = y.step AND x.origin < y.origin
          WHERE {any})
    WHERE cell IS NOT NULL
    UNION ALL
    SELECT x.trial, x.step, x.origin, y.origin, 'status', x.status, 'ok at step ' || min(y.step)
    FROM counted AS x JOIN counted AS y ON x.trial = y.trial AND x.origin <> y.origin AND y.step > x.step
    WHERE x.status = 'diverged' GROUP BY ALL
    ORDER BY ALL
"""
TRIES = """
    SELECT trial, origin, attempt, coalesce(epoch_us(min(started_at)), 0),
           bool_or(status = 'diverged' OR (status = 'ok' AND step = steps)),
           list(hash({all}) ORDER BY step, status DESC), list(hash({measured}) ORDER BY step, status DESC)
    FROM rows SEMI JOIN shared USING (trial) WHERE {condition} GROUP BY trial, origin, attempt ORDER BY ALL
"""


@dataclass(frozen=True)
class Source:
    """A study that is united with others."""

    name: str  # as the user names it
    folder: Folder


@dataclass(frozen=True)
class Conflict:
    """What two studies say differently of one thing."""

    where: str  # a trial's id, or a search
    at: int | None  # the step, or the number of the setting; None: of the whole search
    column: str
    said: tuple[tuple[str, str], ...]  # study, value


class Stage:
    """The views `plans` and `rows`, of all sources, each line with its source's number as `origin`; and the table
    `shared`, of the trials that several sources have been at.
    """

    def __init__(self, folder: Path, sources: Sequence[Source], *, apart: bool) -> None:
        """folder: for what is too large for memory. apart: every phase gets its study's name in front."""
        self.sources, self.measured = sources, list[pd.DataFrame]()
        folder.mkdir()
        self.database = tables.workplace(folder)
        plans, rows = list[str](), list[str]()
        names = distinct([identifier(source.folder.folder.resolve().name) for source in sources], "-", 2)
        for number, source in enumerate(sources):
            self._read(number, source, folder / f"{number}.parquet")
            prefix = f"'{names[number]}-' || " if apart else ""
            named = f"REPLACE ({prefix}phase AS phase, {prefix}search AS search)"
            plans.append(f"SELECT {number} AS origin, * {named} FROM plan_{number}")
            rows.append(f"SELECT {number} AS origin, * EXCLUDE (score, selection_score) FROM rows_{number}")
        self.database.execute(f"CREATE VIEW plans AS {' UNION ALL BY NAME '.join(plans)}")
        self.database.execute(f"CREATE VIEW rows AS {' UNION ALL BY NAME '.join(rows)}")
        self.columns = [name for name in tables.columns(self.database, "rows") if name != "origin"]
        self._share()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.database.close()

    def _read(self, number: int, source: Source, path: Path) -> None:
        with tables.whole(source.folder.folder) as database, path.open("wb") as file:
            tables.write(database, "attempts", file)
            self.database.register(f"plan_{number}", database.sql("FROM plan").to_arrow_table())
            self.measured.append(database.sql("FROM measured").to_arrow_table().to_pandas())
        self.database.read_parquet(str(path)).create_view(f"rows_{number}")

    def _share(self) -> None:
        """Also the trials of which a study has no row: somebody was at them, and was killed before the first."""
        found: dict[str, set[int]] = {}
        told = self.database.execute("SELECT DISTINCT trial, origin FROM rows").fetchall()
        for number, source in enumerate(self.sources):
            told += [(path.parent.name, number) for path in source.folder.markers()]
        for trial, number in told:
            found.setdefault(trial, set()).add(number)
        self.shared = sorted(trial for trial, numbers in found.items() if len(numbers) > 1)
        self.database.register("shared", pa.table({"trial": pa.array(self.shared, schema.TEXT)}))

    def planned(self) -> dict[str, int]:
        """Source -> trials of its plan."""
        found = self.database.execute("SELECT origin, count(DISTINCT trial) FROM plans GROUP BY ALL ORDER BY ALL")
        return {self.sources[number].name: count for number, count in found.fetchall()}

    def trials_of(self, name: str) -> set[str]:
        """The trials that a source has rows of."""
        numbers = [number for number, source in enumerate(self.sources) if source.name == name]
        found = self.database.execute("SELECT DISTINCT trial FROM rows WHERE origin = ?", numbers)
        return {trial for (trial,) in found.fetchall()}

    def _portions(self) -> list[str]:
        ((rows,),) = self.database.execute("SELECT count(*) FROM rows").fetchall()
        return tables.portions(rows)

    def searches(self) -> Iterator[Conflict]:
        """Searches of one name that are not one: first where settings differ, then where they were drawn otherwise."""
        for search, sample, told in self.database.execute(SETTINGS).fetchall():
            names = [self.sources[each["origin"]].name for each in told]
            contents = [fingerprints.flat(json.loads(each["value"][0])) for each in told]
            for field in fingerprints.differing(contents):
                said = [json.dumps(content.get(field)) for content in contents]
                yield Conflict(search, sample, field, tuple(zip(names, said, strict=True)))
        for search, told in self.database.execute(DRAWS).fetchall():
            values = tuple((self.sources[each["origin"]].name, each["value"][0]) for each in told)
            yield Conflict(search, None, "space, sampler, search_seed", values)

    def rows(self) -> Iterator[Conflict]:
        """Values that two studies have of one trial and step, and that are not the same."""
        compared = [name for name in self.columns if schema.is_measured(name) and name not in ("trial", "step")]
        for condition in self._portions():
            sql = DIFFERING.format(
                counted=COUNTED.format(condition=condition),
                cells=", ".join(map(_cell, compared)),
                any=" OR ".join(map(_differs, compared)),
            )
            cursor = self.database.execute(sql)
            while found := cursor.fetchmany(1000):
                for trial, step, one, other, column, mine, theirs in found:
                    names = self.sources[one].name, self.sources[other].name
                    yield Conflict(trial, step, column, tuple(zip(names, (str(mine), str(theirs)), strict=True)))

    def tries(self) -> Iterator[tuple[str, Try]]:
        """The attempts at shared trials that left rows, trial by trial."""
        of_all = [name for name in self.columns if name not in ("attempt", "trace")]
        lists = {"all": of_all, "measured": [name for name in of_all if schema.is_measured(name)]}
        named = {kind: ", ".join(f'"{name}"' for name in names) for kind, names in lists.items()}
        for condition in self._portions():
            for trial, *facts in self.database.execute(TRIES.format(condition=condition, **named)).fetchall():
                source, number, began, over, rows, measured = facts
                yield trial, Try(source, number, began, over, tuple(rows), tuple(measured))


def _cell(name: str) -> str:
    mine, theirs = (f'CAST({side}."{name}" AS VARCHAR)' for side in "xy")
    return f"CASE WHEN {_differs(name)} THEN {{name: '{name}', mine: {mine}, theirs: {theirs}}} END"


def _differs(name: str) -> str:
    """A metric that is not there is told from one that is; of other columns older rows may not know yet."""
    if schema.METRIC.fullmatch(name):
        return f'x."{name}" IS DISTINCT FROM y."{name}"'
    return f'coalesce(x."{name}" <> y."{name}", false)'
