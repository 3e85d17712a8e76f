"""The code itself: what it is, where it came from, and copies of it: one that queued jobs run, one to keep."""

import gzip
import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from study import durable

ROOT = Path(__file__).parents[1]
PACKAGES = ("study", "search_spaces", "analysis", "cluster")
ORIGIN, PATCH = "origin.json", "origin.patch"  # in a frozen copy: what `origin` and `patch` said where it was taken
# Whatever the user's git is set to, it prints what `git apply` takes. What lies uncommitted in a submodule is no file
# of the repository, and fits in no patch of it.
DIFF = (
    "diff", "HEAD", "--binary", "--no-color", "--no-ext-diff", "--no-textconv", "--no-relative", "--src-prefix=a/",
    "--dst-prefix=b/", "--submodule=short", "--ignore-submodules=dirty",
)  # fmt: skip
SKIPPED = ("__pycache__", ".ipynb_checkpoints")


@cache
def contents() -> dict[Path, bytes]:
    """Every file of the program, in order, read once in a process: a checkout may change while a study runs."""
    found = [path for package in PACKAGES for path in (ROOT / package).rglob("*") if path.is_file()]
    kept = sorted(path for path in found if not set(SKIPPED) & set(path.parts) and path.suffix != ".pyc")
    return {path.relative_to(ROOT): path.read_bytes() for path in kept}


@cache
def fingerprint() -> str:
    """16 hexadecimal digits of the contents of every file of the program: equal code, equal number."""
    return _digest_of(contents().items())


@cache
def origin() -> dict[str, Any]:
    """commit: of the checkout; dirty: whether tracked files differed from it; diff: the hash of `patch` where they did.

    All None where the code is no checkout.
    """
    frozen = ROOT / ORIGIN
    if frozen.exists():
        found: dict[str, Any] = json.loads(frozen.read_text())
        return found
    changes = patch()
    return {
        "commit": _commit(),
        "dirty": None if changes is None else bool(changes),
        "diff": digest(changes) if changes else None,
    }


@cache
def patch() -> bytes | None:
    """How tracked files differ from the commit, for `git apply`: empty where they do not, None where there is none."""
    if (ROOT / ORIGIN).exists():
        return (ROOT / PATCH).read_bytes() if (ROOT / PATCH).exists() else None
    return _git(*DIFF) if _commit() else None


def digest(content: bytes) -> str:
    """The 16 hexadecimal digits that a file of provenance is known by."""
    return durable.sha256_bytes(content)[:16]


def archive() -> bytes:
    """The program's files as a .tar.gz of one folder, source-HASH. Equal code gives equal bytes."""
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as tar,
    ):
        for path, content in contents().items():
            entry = tarfile.TarInfo(f"source-{fingerprint()}/{path}")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def fingerprint_of(archived: bytes) -> str:
    """The fingerprint of the code in an archive. Raises tarfile.TarError, OSError or EOFError for a damaged one."""
    with tarfile.open(fileobj=io.BytesIO(archived), mode="r:gz") as tar:
        files = [(member, tar.extractfile(member)) for member in tar]
        return _digest_of((Path(*Path(member.name).parts[1:]), file.read()) for member, file in files if file)


def freeze(folder: Path) -> Path:
    """A copy of the program in `folder`, named by its fingerprint; whole or not there, and never written again."""
    frozen = folder / fingerprint()
    if frozen.exists():
        return frozen
    folder.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(dir=folder, prefix=".", suffix=".aside"))
    try:
        for path, content in contents().items():
            (aside / path).parent.mkdir(parents=True, exist_ok=True)
            (aside / path).write_bytes(content)
        durable.write_json(aside / ORIGIN, origin())
        if changes := patch():
            durable.write_bytes(aside / PATCH, changes)
        aside.chmod(0o755)
        os.rename(aside, frozen)
    except BaseException as error:
        shutil.rmtree(aside, ignore_errors=True)
        if not (isinstance(error, OSError) and frozen.exists()):  # where another process was quicker
            raise
    durable.sync_folder(folder)
    return frozen


def _digest_of(files: Iterable[tuple[Path, bytes]]) -> str:
    listing = "\n".join(f"{durable.sha256_bytes(content)} {name}" for name, content in files)
    return durable.sha256_text(listing)[:16]


@cache
def _commit() -> str | None:
    ours = _git("ls-files", "--error-unmatch", str(Path(__file__))) is not None  # not merely inside somebody's checkout
    found = _git("rev-parse", "HEAD") if ours else None
    return found.decode().strip() if found else None


def _git(*arguments: str) -> bytes | None:
    """What git prints about the checkout that this file is in; None without git or outside a checkout."""
    try:
        done = subprocess.run(
            ["git", "--no-optional-locks", "-C", str(ROOT), *arguments], capture_output=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout
