"""F1, precision and recall against the budget, where a study measures distances to a known manifold."""

from dataclasses import replace

import pandas as pd

from analysis import captions, formats, pictures
from analysis.captions.qualities import NAMES
from analysis.comparison import paper
from analysis.exhibits.draws import independent, refused
from analysis.exhibits.exhibit import Exhibits, gathered
from analysis.exhibits.places import Place, places, told
from analysis.exhibits.show import Picture
from analysis.frames import SEARCH, Study
from analysis.tables import manifold

ALONE = ("precision", "recall")  # each as what chooses, too
FAILURES = (
    "A diverged or failed run counts as 0 in all three, the least there is: it leaves no generator, so none of its "
    "images is valid and no test image is reached."
)
ZERO = "A diverged or failed run counts as 0."
EXPECTED = (
    "Expected F1, precision and recall of one run: the best of k by F1, of k settings drawn without replacement from "
    "those that were run (U-statistic). The loss's default, which nobody drew, is not among them. "
)
EACH = (
    "Precision of the best of k by precision alone, and recall of the best of k by recall alone: what a loss can reach "
    "in either where the other may be anything. Precision needs no real images, so its one number both chooses and is "
    "reported, and the best of many is flattered; so is recall where one split both selects and reports. "
)
BANDS = (
    "Line: median of what the best of k by F1 reports. Band: exact 2.5 and 97.5 % quantiles of the same, of the "
    "settings that were run. It is how differently researchers with that budget fare, not a confidence interval, and "
    "it has no width where all settings are tried. "
)
CHOSEN = (
    "F1 chooses on the images that select, and is reported on others; precision, which needs no real images, is one "
    "number in both."
)
FLATTERED = "What chooses is the very number that is reported, and flatters."
NEEDED = "Budget curves of F1, precision and recall need two settings of a loss, and one of them done."
READ = f"Hollow marks: the published study's, read off a figure to ±{paper.TRIANGLES_ERROR}"


def where(study: Study) -> list[Place]:
    """The phases and data sets whose trials are to measure them; none in most studies."""
    rows = study.trials[manifold.measured(study.trials)]
    found = set(rows[SEARCH[:2]].astype(str).itertuples(index=False, name=None))
    return [place for place in places(study) if (place.phase, place.dataset) in found]


def expected(study: Study) -> Exhibits:
    """F1, precision and recall of the run with the best F1, beside the published: a picture per phase and data set.

    And which searches are left out, because their settings are no independent draws.
    """
    measuring = replace(study, trials=study.trials[manifold.measured(study.trials)])
    drawn = independent(measuring)
    curves, found = manifold.curves(manifold.settings(drawn)), where(drawn)
    few = [place for place in found if not _several(place.of(curves))]
    shown = [_expected(place, curves, place.of(drawn.trials), chosen(drawn, place)) for place in found]
    return gathered([refused(measuring), *shown, told(NEEDED, few)])


def bands(study: Study) -> Exhibits:
    """How differently searches of the same budget fare: a picture per quality, phase and data set."""
    drawn = independent(study)
    curves = manifold.curves(manifold.settings(drawn))
    shown = [
        Picture(
            f"manifold.bands.{name}", f"How differently searches fare, {NAMES[name]}",
            lambda rows, _: pictures.quality_bands(rows), lambda rows, _: captions.quality_bands(rows),
            f"{BANDS}{ZERO}", "", _several,
        ).at(where(drawn), curves[curves["quality"] == name])
        for name in NAMES
    ]  # fmt: skip
    return gathered(shown)


def alone(study: Study) -> Exhibits:
    """The best precision and the best recall, each on its own: a picture per phase and data set."""
    drawn = independent(study)
    curves = pd.concat([manifold.curves(manifold.settings(drawn, name), (name,)) for name in ALONE])
    shown = Picture(
        "manifold.alone", "Precision and recall, each on its own",
        lambda rows, _: pictures.qualities(rows), lambda rows, _: captions.qualities(rows),
        f"{EACH}{ZERO}", "", _several,
    )  # fmt: skip
    return shown.at(where(drawn), curves)


def chosen(study: Study, place: Place) -> str:
    """Whether what is reported of what F1 chose is flattered."""
    return FLATTERED if study.selector(str(place.dataset)) == study.objective(str(place.dataset)) else CHOSEN


def _expected(place: Place, curves: pd.DataFrame, trials: pd.DataFrame, choice: str) -> Exhibits:
    theirs, words = None, ""
    if place.dataset == paper.TRIANGLES:
        theirs = paper.triangles()
        theirs = theirs[theirs["loss"].isin(place.of(curves)["loss"])]
        words = f"{_published(trials)} " if len(theirs) else ""
    shown = Picture(
        "manifold.budget", "F1, precision and recall of the run with the best F1",
        lambda rows, _: pictures.qualities(rows, theirs), lambda rows, _: captions.qualities(rows),
        f"{EXPECTED}{words}{choice} {FAILURES}", "", _several,
    )  # fmt: skip
    return shown.at([place], curves)


def _published(trials: pd.DataFrame) -> str:
    unlike = paper.triangles_unlike(trials)
    if not unlike:
        return f"{READ}."
    return f"{READ}, and not comparable with the lines, which are of trials with another {formats.listed(unlike)}."


def _several(curves: pd.DataFrame) -> bool:
    """Whether there is a curve over several settings to draw, and something was found."""
    return bool((curves["n"] > 1).any() and (curves["n"] > curves["failed"]).any())
