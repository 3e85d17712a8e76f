"""Where a study searched: its phases and their data sets in the order of the plan, and the rows of a frame of each."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from analysis import style
from analysis.exhibits.exhibit import Remark
from analysis.frames import MISSING, Study


@dataclass(frozen=True)
class Place:
    """One phase on one data set, or on all of its data sets (`dataset` is None); or all phases (`phase` is None).

    objective: the metric that is reported, by data set. title: the data set, and the phase where the study has several.
    losses: how many are planned there; missing: how many of its trials have not ended; beside: all losses of the study,
    which look different from each other wherever they are drawn.
    """

    phase: str | None
    dataset: str | None
    objective: dict[str, str]
    title: str
    losses: int
    missing: int
    beside: tuple[str, ...]

    @property
    def metric(self) -> str:
        """The metric as words name it: "score" where data sets differ in it."""
        names = set(self.objective.values())
        return names.pop() if len(names) == 1 else "score"

    def of(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The rows of this place."""
        rows = frame if self.phase is None else frame[frame["phase"] == self.phase]
        return rows if self.dataset is None else rows[rows["dataset"] == self.dataset]

    def named(self, kind: str) -> str:
        """The name of a file about this place."""
        return ".".join([name for name in (self.phase, self.dataset, kind) if name is not None])

    def titled(self, title: str) -> str:
        return f"{title}, {self.title}" if self.title else title


def everywhere(study: Study) -> list[Place]:
    """All phases and data sets as one place."""
    return [_place(study, study.trials, (None, None), "")]


def phases(study: Study) -> list[Place]:
    several = study.trials["phase"].nunique() > 1
    return [
        _place(study, rows, (str(phase), None), f"phase {phase}" if several else "")
        for phase, rows in study.trials.groupby("phase", sort=False)
    ]


def places(study: Study) -> list[Place]:
    several = study.trials["phase"].nunique() > 1
    return [
        _place(study, rows, (str(phase), name), f"{name}, phase {phase}" if several else name)
        for phase, ran in study.trials.groupby("phase", sort=False)
        for name in style.ordered_datasets(ran["dataset"])
        for rows in [ran[ran["dataset"] == name]]
    ]


def told(sentence: str, where: Sequence[Place]) -> list[Remark]:
    """A sentence about several places, told once, and whether trials are to come that may change it."""
    titles, missing = [place.title for place in where if place.title], sum(place.missing for place in where)
    words = f"{'; '.join(titles)}: {sentence}" if titles else sentence
    more = f" {missing} of its trials {'is' if missing == 1 else 'are'} still to end." if missing else ""
    return [Remark(words + more)] if where else []


def _place(study: Study, rows: pd.DataFrame, at: tuple[str | None, str | None], title: str) -> Place:
    objective = {name: study.objective(name) for name in style.ordered_datasets(rows["dataset"])}
    missing = int(rows["status"].isin(MISSING).sum())
    return Place(*at, objective, title, rows["loss"].nunique(), missing, study.losses)
