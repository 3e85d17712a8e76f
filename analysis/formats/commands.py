"""Commands about a study, as words to be pasted into a shell."""

import shlex
from pathlib import Path

RESULTS = Path("results")  # in it every command of gan-study looks for a study's name


def spelled(command: str, folder: Path, *words: str) -> str:
    """gan-study, the command, the study in `folder`, and more words; quoted for a shell.

    By its name where it lies in results/ of where this runs, and by its whole path elsewhere.
    """
    whole = folder.resolve()
    study = whole.name if whole.parent == RESULTS.resolve() else str(whole)
    return shlex.join(["gan-study", command, study, *words])
