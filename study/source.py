"""The code itself: what it is, where it came from, and a frozen copy of it that queued jobs can run."""

import json
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from study import durable
from study.errors import StudyError

ROOT = Path(__file__).parents[1]
PACKAGES = ("study", "search_spaces", "analysis", "cluster")
ORIGIN = "origin.json"  # in a frozen copy: the commit that it was taken from
SKIPPED = ("__pycache__", ".ipynb_checkpoints")


@cache
def fingerprint(root: Path = ROOT) -> str:
    """16 hexadecimal digits of the contents of every file of the program: equal code, equal number."""
    listing = "\n".join(f"{durable.sha256(path)} {path.relative_to(root)}" for path in _files(root))
    return durable.sha256_text(listing)[:16]


@cache
def origin() -> dict[str, Any]:
    """The git commit and whether tracked files differed from it; both None where the code is no checkout."""
    frozen = ROOT / ORIGIN
    if frozen.exists():
        found: dict[str, Any] = json.loads(frozen.read_text())
        return found
    ours = _git("ls-files", "--error-unmatch", str(Path(__file__))) is not None  # not merely inside somebody's checkout
    commit = _git("rev-parse", "HEAD") if ours else None
    dirty = None if commit is None else bool(_git("status", "--porcelain", "--untracked-files=no"))
    return {"commit": commit, "dirty": dirty}


def freeze(folder: Path) -> Path:
    """A copy of the program in `folder`, named by its fingerprint; whole or not there, and never written again."""
    frozen = folder / fingerprint()
    if frozen.exists():
        return frozen
    folder.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(dir=folder, prefix=".", suffix=".aside"))
    try:
        for path in _files():
            target = aside / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        if fingerprint(aside) != fingerprint():
            raise StudyError(f"the files below {ROOT} change while they are copied; submit again when they rest")
        durable.write_json(aside / ORIGIN, origin())
        aside.chmod(0o755)
        os.rename(aside, frozen)
    except BaseException as error:
        shutil.rmtree(aside, ignore_errors=True)
        if not (isinstance(error, OSError) and frozen.exists()):  # where another process was quicker
            raise
    durable.sync_folder(folder)
    return frozen


def _files(root: Path = ROOT) -> list[Path]:
    found = [path for package in PACKAGES for path in (root / package).rglob("*") if path.is_file()]
    return sorted(path for path in found if not set(SKIPPED) & set(path.parts) and path.suffix != ".pyc")


def _git(*arguments: str) -> str | None:
    """What git prints about the checkout that this file is in; None without git or outside a checkout."""
    try:
        done = subprocess.run(
            ["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
