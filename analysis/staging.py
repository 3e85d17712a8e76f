"""Files that change together: written unseen into a folder of their own, and moved when all of them are there."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from study.errors import StudyError

LIST = "report.files"  # beside a report: the files that are of it, a line each; no others are ever removed


@contextmanager
def staged(out: Path) -> Iterator[Path]:
    """A new empty folder in `out`, hidden, which is gone at the end, also of an interrupt; `out` is made where missing.

    Raises StudyError where the system does not allow it.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        folder = tempfile.TemporaryDirectory(prefix=".new-", dir=out, ignore_cleanup_errors=True)
    except OSError as error:
        raise StudyError(
            f"-o {out}: {error.strerror}; name a folder that you may write into, such as -o {Path.home() / 'report'}"
        ) from error
    with folder as name:
        yield Path(name)


def publish(new: Path, out: Path, last: str) -> None:
    """Moves what is in `new`, a folder on the file system of `out`, to the same places in `out`; the file `last` last.

    Removes the files of the previous time that are not among them. Whoever reads a file meanwhile, and whoever
    publishes into the same folder at the same time, finds each of them whole.
    """
    mine = sorted(path.relative_to(new).as_posix() for path in new.rglob("*") if path.is_file())
    before = _listed(out / LIST)
    _list(new, out, {*before, *mine})  # an interrupt from here on leaves no file that is not listed
    for name in sorted(mine, key=lambda name: name == last):
        target = out / name
        target.parent.mkdir(exist_ok=True)
        os.replace(new / name, target)
    for name in set(before).difference(mine):
        (out / name).unlink(missing_ok=True)
    _list(new, out, mine)


def _listed(path: Path) -> list[str]:
    """Names within the folder only: the list lies where anybody may have changed it."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [line for line in lines if line and not line.startswith("/") and ".." not in PurePosixPath(line).parts]


def _list(new: Path, out: Path, names: Iterable[str]) -> None:
    text = new / LIST
    text.write_text("".join(f"{name}\n" for name in sorted(names)), encoding="utf-8")
    os.replace(text, out / LIST)
