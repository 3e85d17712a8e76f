"""Every loss over all its data sets: the interquartile mean of its runs, and their performance profile."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.estimators import pooled
from analysis.intervals import stratified
from analysis.intervals.bootstrap import SEED
from analysis.tables import validity

Array = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
MEANS = ["phase", "loss", "mean", "low", "high", "runs", "datasets", "failed"]
PROFILES = ["phase", "loss", "at", "share", "low", "high"]
POINTS = 60  # of a profile
RUN = ["dataset", "loss", "sample", "seed"]


def interquartile_means(runs: pd.DataFrame, *, resamples: int = stratified.RESAMPLES, seed: int = SEED) -> pd.DataFrame:
    """One row per phase and loss: the interquartile mean of its normalised scores over all data sets.

    mean: `pooled.interquartile_means`, +infinity where more than a quarter of the runs failed. low, high: a 95 %
    interval, by a stratified bootstrap (see `_Phase`) that computes the normaliser, the median of all losses' finite
    runs on the data set, again; both may be +infinity, and are NaN where there are too few units, and in a phase with a
    search whose settings are no independent draws (`validity.reasons`). runs, failed: how many it rests on, on how many
    `datasets`, and how many of them are at infinity. A data set on which everything failed counts as that. One whose
    normaliser is not above zero is left out. Of every data set every loss has equally many runs (`validity.even`): else
    losses would be compared by other mixtures of data sets. Where searches have several settings the loss's default,
    which nobody drew, is not among the runs.

    Simulated with 13 to 30 units per loss (and data set), it holds in 93 to 97 % of studies of log-normal scores, also
    where up to 24 % fail. Where there are two modes, and the mean is the share of runs in each, in 92 to 95 % of 13
    units and in 95 to 96 % of 30: the rarer mode is drawn too evenly.
    """
    rows = [row for phase in _phases(runs) for row in phase.means(resamples, seed)]
    return pd.DataFrame(rows, columns=MEANS)


def profiles(runs: pd.DataFrame, *, resamples: int = stratified.RESAMPLES, seed: int = SEED) -> pd.DataFrame:
    """One row per phase, loss and point: the share of runs whose normalised score is at most `at`.

    The points are the same for every loss of a phase and reach over all its finite scores. low, high: a 95 % band,
    pointwise: at each point it holds in 95 % of studies, at all points together in fewer (`stratified.share_bands`).
    None where `interquartile_means` has none, whose runs these are.
    """
    parts = [part for phase in _phases(runs) for part in phase.profiles(resamples, seed)]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=PROFILES)


@dataclass(frozen=True)
class _Phase:
    """The runs of one phase, and the units that a study would draw anew.

    Where searches have several settings these are the units, each with its seeds and on all data sets at once: the same
    number is the same setting on each, and drawn apart they would make intervals too narrow. Where every search has one
    setting, its seeds are the units, drawn within each data set. drawn: whether a study would draw them so.
    """

    name: str
    score: Array  # of every run
    dataset: Counts
    loss: Counts
    losses: dict[str, int]  # in the order of the plan
    unit: Counts
    strata: Counts  # of every unit
    owner: Counts  # the loss of every unit
    drawn: bool

    def means(self, resamples: int, seed: int) -> Iterator[tuple[object, ...]]:
        found = stratified.resample(self.strata, self._means, resamples=resamples, seed=seed)
        point = self._means(self._once())[0]
        for loss, i in self.losses.items():
            mine = self.loss == i
            low, high = stratified.percentiles(found[:, i], self._strata(i)) if self.drawn else (np.nan, np.nan)
            counted = int(mine.sum()), len(np.unique(self.dataset[mine])), int(np.isinf(self.score[mine]).sum())
            yield self.name, loss, float(point[i]), low, high, *counted

    def profiles(self, resamples: int, seed: int) -> Iterator[pd.DataFrame]:
        values = self._normalised(self._once())[0]
        finite = values[np.isfinite(values) & (values > 0)]
        if not len(finite):
            return
        at = np.geomspace(finite.min(), finite.max(), POINTS)
        at[-1] = finite.max()  # the power rounds
        found = stratified.resample(
            self.strata, lambda counts: self._profiles(counts, at), resamples=resamples, seed=seed
        )
        point = self._profiles(self._once(), at)[0]
        for loss, i in self.losses.items():
            low, high = stratified.share_bands(point[i], found[:, i], self._strata(i), int(np.sum(self.loss == i)))
            low, high = (np.where(self.drawn, end, np.nan) for end in (low, high))
            yield pd.DataFrame(
                {"phase": self.name, "loss": loss, "at": at, "share": point[i], "low": low, "high": high}
            )[PROFILES]

    def _means(self, counts: Counts) -> Array:
        """[some, losses]."""
        values, times = self._normalised(counts), counts[:, self.unit]
        each = [self.loss == i for i in range(len(self.losses))]
        return np.stack([pooled.interquartile_means(values[:, mine], times[:, mine]) for mine in each], axis=1)

    def _profiles(self, counts: Counts, at: Array) -> Array:
        """[some, losses, points]."""
        values, times = self._normalised(counts), counts[:, self.unit]
        each = [self.loss == i for i in range(len(self.losses))]
        return np.stack([pooled.profiles(values[:, mine], times[:, mine], at) for mine in each], axis=1)

    def _normalised(self, counts: Counts) -> Array:
        """[some, runs]: by the median of what is drawn."""
        values = np.empty((len(counts), len(self.score)))
        for i in np.unique(self.dataset):
            here = self.dataset == i
            middle = pooled.medians(self.score[here], counts[:, self.unit[here]])
            values[:, here] = pooled.normalised(self.score[here], middle[:, None])
        return values

    def _once(self) -> Counts:
        return np.ones((1, len(self.strata)), dtype=np.int64)

    def _strata(self, loss: int) -> Counts:
        return self.strata[self.owner == loss]


def _phases(runs: pd.DataFrame) -> Iterator[_Phase]:
    for name, rows in runs[runs["even"]].dropna(subset="normalised").groupby("phase", sort=False):
        several = bool((rows.groupby(RUN[:2])["sample"].nunique() > 1).any())
        drawn = not (several and validity.reasons(rows))
        if several:
            rows = validity.without_defaults(rows)
        if rows.empty:
            continue
        keys = {column: np.unique(rows[column], return_inverse=True) for column in RUN}
        codes = np.stack([keys[column][1] for column in RUN])  # sorted, so that the order of rows changes no number
        score = rows["score"].to_numpy(dtype=float)
        order = np.lexsort(codes[::-1])
        dataset, loss, sample, seed = codes[:, order]
        stratum = [loss] if several else [loss, dataset]
        units, unit = np.unique([*stratum, sample if several else seed], axis=1, return_inverse=True)
        yield _Phase(
            name=str(name),
            score=score[order],
            dataset=dataset,
            loss=loss,
            losses={str(loss): int(np.flatnonzero(keys["loss"][0] == loss)[0]) for loss in dict.fromkeys(rows["loss"])},
            unit=unit.ravel(),
            strata=np.unique(units[:-1], axis=1, return_inverse=True)[1].ravel(),
            owner=units[0],
            drawn=drawn,
        )
