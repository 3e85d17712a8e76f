"""A study's frames as they were at one moment, in one file that is there whole or not at all: a zip of Parquet."""

import io
import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

WORDS = "study.json"
EPOCH = (1980, 1, 1, 0, 0, 0)  # of every entry: equal frames make equal files


def write(path: Path, words: Mapping[str, str], frames: Mapping[str, pd.DataFrame]) -> None:
    """Whoever reads `path` while it is written anew finds one of the two, whole."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with zipfile.ZipFile(new, "w") as archive:
            archive.writestr(zipfile.ZipInfo(WORDS, EPOCH), json.dumps(dict(words)))
            for name, frame in frames.items():
                archive.writestr(zipfile.ZipInfo(f"{name}.parquet", EPOCH), frame.to_parquet(index=False))
        os.replace(new, path)
    finally:
        new.unlink(missing_ok=True)


def read(path: Path) -> tuple[dict[str, str], dict[str, pd.DataFrame]]:
    """The words and the frames of `write`, by name."""
    with zipfile.ZipFile(path) as archive:
        words = json.loads(archive.read(WORDS))
        tables = [name for name in archive.namelist() if name != WORDS]
        frames = {Path(name).stem: pd.read_parquet(io.BytesIO(archive.read(name))) for name in tables}
    return words, frames
