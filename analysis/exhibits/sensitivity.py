"""How much depends on hyperparameters: the score against each, how much each matters, and other data sets."""

import pandas as pd

from analysis import captions, frames, pictures, style
from analysis.exhibits.exhibit import Exhibits, Remark, gathered
from analysis.exhibits.places import Place, phases, told
from analysis.exhibits.show import INTERVAL, Picture, Table
from analysis.formats import listed
from analysis.frames import Study
from analysis.tables import importance, transfer
from analysis.tables.shown import varied

POINTS = (
    "The reported score of every setting against each hyperparameter that varies; crosses at the top diverged or "
    "failed."
)
SHARES = (
    "Share of each hyperparameter in what decides between good and bad settings of the search, failed ones among the "
    "worst, and less what shuffled scores give. Interval: 95 %, over other settings and over chance; "
    "none where a sampler chose settings by earlier scores: the shares are then of what it visited. The default, which "
    "no search drew, is left out."
)
NEEDED = "the score against hyperparameters needs two settings that differ and have ended."
ALONE = "One setting of every loss is planned: no hyperparameter varies."
REGRET = (
    "Score on the column's data set of the setting that was chosen on the row's data set, over that of its own "
    "choice: 1 is no loss, 2 twice as bad, ∞ a setting that failed there. Blank: that setting was not run there, or "
    "nothing worked there. The own choice holds the luck of the runs that chose it, and the carried setting does not: "
    "with one seed of a setting the number is above 1 even where settings do not matter."
)
IMPORTANT = {
    "dataset": "data set", "loss": "loss", "hyperparameter": "hyperparameter", "importance": "importance",
    "low": INTERVAL, "n": "settings", "failed": "failed", "evaluator": "evaluator",
}  # fmt: skip
MOVED = {
    "loss": "loss", "chosen_on": "chosen on", "used_on": "used on", "sample": "sample", "score": "score",
    "best": "of its own choice", "regret": "regret", "rank": "rank there", "n": "of settings",
}  # fmt: skip


def hyperparameters(study: Study) -> Exhibits:
    """The score against each hyperparameter: a picture per phase and loss."""
    settings = frames.settings(study)
    most = settings.groupby(frames.SEARCH).size().groupby("phase").max()
    searched = [place for place in phases(study) if most[str(place.phase)] > 1]
    if not searched:
        return Exhibits(told(ALONE, phases(study)))
    losses = style.ordered(settings["loss"])
    drawn = gathered(_against(searched, settings[settings["loss"] == loss], loss) for loss in losses)
    return gathered([drawn, *(_few(place, place.of(settings)) for place in searched)])


def importances(study: Study) -> Exhibits:
    """How much each hyperparameter matters: a picture and a table per phase."""
    found = importance.importances(frames.settings(study))
    shown = Picture(
        "importance", "Which hyperparameters matter", lambda rows, _: pictures.importances(rows),
        lambda rows, _: captions.importances(rows), SHARES,
        "The importance of hyperparameters needs ten settings of a loss that have ended.",
    )  # fmt: skip
    table = Table("importance.table", "Share of every hyperparameter", IMPORTANT)
    return gathered([shown.at(phases(study), found), table.at(phases(study), found)])


def transfers(study: Study) -> Exhibits:
    """What the best settings of one data set are worth on another: a picture and a table per phase."""
    found = transfer.transfers(frames.settings(study))
    away = found[found["chosen_on"] != found["used_on"]]
    several = found.merge(away[["phase", "loss"]].drop_duplicates(), on=["phase", "loss"])
    shown = Picture(
        "transfer", "Best settings on other data sets", lambda rows, _: pictures.transfers(rows),
        lambda rows, _: captions.transfers(rows), REGRET,
        "Whether the best settings carry over needs a loss with two settings that ran on two data sets.",
    )  # fmt: skip
    table = Table("transfer.table", "Every best setting on every other data set", MOVED)
    return gathered([shown.at(phases(study), several), table.at(phases(study), away)])


def _against(where: list[Place], settings: pd.DataFrame, loss: str) -> Exhibits:
    shown = Picture(
        f"{loss}.hyperparameters", f"{loss}: score against each hyperparameter",
        pictures.sensitivity, captions.sensitivity, POINTS, "", _differ,
    )  # fmt: skip
    return shown.at(where, settings)


def _few(place: Place, settings: pd.DataFrame) -> list[Remark]:
    """A sentence about all losses that cannot be shown there."""
    few = [loss for loss in style.ordered(settings["loss"]) if not _differ(settings[settings["loss"] == loss])]
    return told(f"{listed(few)}: {NEEDED}", [place]) if few else []


def _differ(rows: pd.DataFrame) -> bool:
    return bool(varied(rows.dropna(subset="score")))
