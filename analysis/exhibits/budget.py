"""What a budget buys: the expected best of k settings and its spread, against settings and against compute."""

from dataclasses import replace

import numpy as np
import pandas as pd

from analysis import captions, frames, pictures
from analysis.exhibits.draws import adaptive, independent
from analysis.exhibits.exhibit import Exhibits, gathered
from analysis.exhibits.places import phases, places
from analysis.exhibits.show import Picture
from analysis.frames import Study
from analysis.tables import budget, compute, validity

NEEDED = "Budget curves need two settings of a loss, and one of them finished."
DRAWN = "The loss's default, which nobody drew, is not among the settings."
EXPECTED = (
    "Expected score of the best of k settings drawn without replacement from those that were run (U-statistic); the "
    f"best is the one that selection chooses. {DRAWN}"
)
INFINITE = (
    "Of a loss that may fail the true mean is infinite at every budget. Its line begins where k exceeds the number of "
    "failures that were run, which depends on how many settings were run: compare such losses by the median. Before "
    "that the thin dotted line is the median."
)
MEDIAN = (
    "Median score of the best of k settings drawn without replacement from those that were run; the best is the one "
    "that selection chooses, and a diverged or failed setting counts as infinite. Some settings failed, so it comes "
    f"before the mean, which then is of these settings only. {DRAWN}"
)
BANDS = (
    "Line: median of the best of k. Band: exact 10 and 90 % quantiles of the best of k of the settings that were run. "
    "It is how differently researchers with that budget fare, not a confidence interval, and it has no width where all "
    "settings are tried."
)
TUNING = (
    "Median of what the best of k independent draws scores on the images that select, with a band that holds for all "
    "k at once, whatever the distribution: what may be said of settings that were not run. An open end is not known. "
    "These scores choose; what is reported of the best is another score. The loss's default is no draw, and left out."
)
PUBLISHED = (
    "The form of the published figure: mean and one standard deviation of the minimum of k draws with replacement "
    "(V-statistic), the loss's default among the settings. It is biased: some draws repeat a setting. Where the "
    "deviation is near the mean, a stroke runs off below. Drawn are the settings that finished: with a failed one the "
    "mean with replacement is infinite at every budget, and how the published figure treated failures is not known."
)
COMPUTE = (
    "{} score of what a search reports for what it has spent, failed trials charged. Where settings cost the same it "
    "is exact; where they do not it is that of simulated searches that try the settings run in random orders. " + DRAWN
)
REPEATS = (
    "Score that whole searches report for what they have spent, over independent repeats of the search. It is valid "
    f"for samplers that adapt too. The band is from the 10 to the 90 % quantile, from {compute.FEWEST} repeats on."
)


def expected(study: Study) -> Exhibits:
    """The best of k settings: per phase a picture of the mean, and before these one of the median where any failed."""
    drawn, title = independent(study), "What a budget buys"
    median = Picture(
        "budget.median", f"{title}: median",
        lambda rows, objective: pictures.budget(rows, objective, "median"),
        lambda rows, metric: captions.budget(rows, metric, "median"),
        MEDIAN, "", _failing,
    )  # fmt: skip
    mean = Picture("budget", title, pictures.budget, captions.budget, f"{EXPECTED} {INFINITE}", NEEDED, _finished)
    where, curves = phases(drawn), budget.curves(frames.settings(drawn))
    return gathered([median.at(where, curves), mean.at(where, curves)])


def bands(study: Study) -> Exhibits:
    """How differently searches of the same budget fare: a picture per phase and data set."""
    drawn, title = independent(study), "How differently searches fare"
    shown = Picture("bands", title, pictures.budget_bands, captions.budget_bands, BANDS, NEEDED, _finished)
    return shown.at(places(drawn), budget.curves(frames.settings(drawn)))


def tuning(study: Study) -> Exhibits:
    """The median of the best of k independent draws with a simultaneous band: a picture per phase and data set."""
    drawn = independent(study)
    shown = Picture("tuning", "Median tuning curves", pictures.tuning, captions.tuning, TUNING, NEEDED, _finished)
    where = [replace(one, objective={name: study.selector(name) for name in one.objective}) for one in places(drawn)]
    return shown.at(where, budget.tuning(frames.settings(drawn)))


def published(study: Study) -> Exhibits:
    """The minimum against the budget as the published study drew it: a picture per phase."""
    drawn, title = independent(study), "Minimum against budget, the published form"
    settings = validity.in_turn(frames.settings(drawn))
    finished = budget.published(settings[np.isfinite(settings["choice"])])
    shown = Picture(
        "published", title,
        lambda curves, objective: pictures.published_budget(curves, objective, _of(finished, curves)),
        lambda curves, metric: captions.published_budget(curves, metric, _of(finished, curves)),
        PUBLISHED, NEEDED, lambda curves: bool((curves["n"] > curves["failed"]).any() and (curves["n"] > 1).any()),
    )  # fmt: skip
    return shown.at(phases(drawn), budget.published(settings))


def spent(study: Study, unit: str) -> Exhibits:
    """What a search reports for the compute it has spent, in a unit of `compute.UNITS`: pictures as of `expected`."""
    drawn, words = independent(study), compute.words(study, unit)
    needed = f"What {words} buy needs two settings of a loss that have ended, one of them done, and their cost."
    median = Picture(
        f"compute.{unit}.median", f"What {words} buy: median",
        lambda curves, objective: pictures.compute(curves, objective, words, "median"),
        lambda curves, metric: captions.compute(curves, metric, words, "median"),
        COMPUTE.format("Median"), "", _failing,
    )  # fmt: skip
    mean = Picture(
        f"compute.{unit}", f"What {words} buy",
        lambda curves, objective: pictures.compute(curves, objective, words),
        lambda curves, metric: captions.compute(curves, metric, words),
        f"{COMPUTE.format('Expected')} {INFINITE}", needed, _finished,
    )  # fmt: skip
    where, curves = phases(drawn), compute.curves(drawn, unit)
    return gathered([median.at(where, curves), mean.at(where, curves)])


def repeats(study: Study, unit: str) -> Exhibits:
    """What whole searches of adaptive samplers, which the pictures above leave out, report for what they have spent."""
    adapted, words = adaptive(study), compute.words(study, unit)
    curves = compute.by_replica(adapted, unit)
    where = [replace(one, title=f"phase {one.phase}") for one in phases(adapted)]
    shown = Picture(
        f"repeats.{unit}", f"What {words} buy in whole searches",
        lambda curves, objective: pictures.repeats(curves, objective, words),
        lambda curves, metric: captions.repeats(curves, metric, words),
        REPEATS, "", _known,
    )  # fmt: skip
    return shown.at(where, curves)


def _of(curves: pd.DataFrame, shown: pd.DataFrame) -> pd.DataFrame:
    """The rows of the phases that are shown."""
    return curves[curves["phase"].isin(shown["phase"])]


def _finished(curves: pd.DataFrame) -> bool:
    """Whether there is a curve over several settings to draw."""
    return bool((curves["n"] > 1).any()) and _known(curves)


def _failing(curves: pd.DataFrame) -> bool:
    """Whether a setting of these searches failed, so that means do not compare them."""
    return _finished(curves) and bool(curves["failed"].any())


def _known(curves: pd.DataFrame) -> bool:
    return bool(np.isfinite(curves["median"].astype(float)).any())
