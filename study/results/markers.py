"""What an attempt's marker says: who made it, and where."""

import json
from pathlib import Path
from typing import Any

from study import durable
from study.errors import StudyError


def read_marker(path: Path) -> dict[str, Any]:
    """attempt, and as far as the program that wrote it says so: host, pid, job, started_at, data, common and left.

    Raises StudyError where it is damaged, or of another attempt than its name says.
    """
    try:
        found: Any = json.loads(durable.read_bytes(path))
        if not (isinstance(found, dict) and path.name == f"attempt-{found['attempt']}.json"):
            raise ValueError("not what its name says")
    except (OSError, ValueError, KeyError) as error:
        raise StudyError(
            f"{path} is damaged ({error!r}): it said who made this attempt at trial {path.parent.name}, and where; "
            "bring it back from a copy, or move it away: the attempt's rows stay"
        ) from error
    return found
