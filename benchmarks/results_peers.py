"""The ten questions asked as of other harnesses: one file per trial, CSV or JSON lines, read with pandas.

There is nobody who sorts out which rows count, so that is done here, as views.py does it.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

TEXT = {"trial": str}  # one id in 2,000 is all digits, or a number with an e: pandas would round it
READ = {
    "csv": lambda path: pd.read_csv(path, dtype=TEXT),
    "jsonl": lambda path: pd.read_json(path, lines=True, dtype=TEXT),
}
TIMES = ("started_at", "written_at")
SETTING = ["phase", "dataset", "loss", "sample", "learning_rate"]


def read(where: Path, form: str) -> pd.DataFrame:
    """All rows of all files."""
    found = pd.concat([READ[form](path) for path in sorted((where / form).iterdir())], ignore_index=True)
    for name in TIMES:
        found[name] = pd.to_datetime(found[name], format="ISO8601")
    return found.rename(columns={"fd_cnn28": "score", "fd_cnn28_selection": "selection_score"})


class Frames:
    """What the questions call `load`, over rows that were read."""

    def __init__(self, rows: pd.DataFrame) -> None:
        self._rows = rows
        self._views = {
            "attempts": lambda: self._rows, "evaluations": self._evaluations, "trials": self._trials,
            "settings": self._settings,
        }  # fmt: skip

    def __call__(self, view: str, columns: Sequence[str] | None = None) -> pd.DataFrame:
        found = self._views[view]()
        return found[list(columns)] if columns else found

    def _evaluations(self) -> pd.DataFrame:
        rows = self._rows
        newest = rows.groupby("trial")["attempt"].transform("max")
        rows = rows[(rows["status"] == "ok") | (rows["attempt"] == newest)]
        rows = rows.assign(failed=rows["status"] == "failed").sort_values(["attempt", "status"])
        return rows.drop_duplicates(["trial", "step", "failed"], keep="last")

    def _trials(self) -> pd.DataFrame:
        rows = self._evaluations()
        rows = rows.assign(ending=(rows["status"] != "ok") | (rows["step"] == rows["steps"]))
        last = rows.sort_values(["ending", "step", "attempt", "status"]).drop_duplicates("trial", keep="last")
        measured = rows[(rows["status"] == "ok") & rows["selection_score"].notna()]
        best = measured.sort_values(["selection_score", "step"]).drop_duplicates("trial").set_index("trial")
        done = np.where(last["ending"], "done", "started")
        last = last.assign(status=last["status"].where(last["status"] != "ok", done))
        scores = best[["score", "selection_score", "step"]].rename(columns={"step": "score_step"})
        return last.drop(columns=["score", "selection_score"]).join(scores, on="trial")

    def _settings(self) -> pd.DataFrame:
        trials = self._trials()
        good = (trials["status"] == "done") & np.isfinite(trials["score"]) & np.isfinite(trials["selection_score"])
        trials = trials.assign(good=good, ended=trials["status"] != "started").sort_values("seed")
        for name in ("score", "selection_score"):
            trials[name] = trials[name].where(good)
        found = trials.groupby(SETTING).agg(
            seeds=("trial", "size"), done=("good", "sum"), ended=("ended", "sum"), mean=("score", "mean"),
            deviation=("score", "std"), choice=("selection_score", "mean"), trials=("trial", list),
        )  # fmt: skip
        found["choice"] = found["choice"].where(found["done"] == found["ended"], np.inf)
        return found.reset_index()
