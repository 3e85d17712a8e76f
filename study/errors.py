"""Mistakes a person can mend, told in one line before anything is queued."""

import difflib
from collections.abc import Iterable


class StudyError(Exception):
    """Names the bad value, what is allowed and what to do next; shown without a traceback."""


class DataUnavailable(StudyError):
    """A data set that can neither be found on this machine nor fetched."""


class DiskFull(StudyError, OSError):
    """A file that could not be written for want of room; nothing that was there before has changed."""


def unknown(kind: str, value: object, allowed: Iterable[str], hint: str = "") -> StudyError:
    """The error for a name that is in no registry: the closest valid name and the valid list."""
    names = list(allowed)
    return StudyError(f"{value!r} is not {kind}{did_you_mean(value, names, hint)}; valid: {', '.join(names)}")


def did_you_mean(value: object, names: Iterable[str], hint: str = "") -> str:
    """'; did you mean ...?', or nothing where no name is close. A hint outranks the spelling."""
    close = hint or next(iter(difflib.get_close_matches(str(value), list(names), n=1, cutoff=0.5)), "")
    return f"; did you mean {close!r}?" if close else ""
