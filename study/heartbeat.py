"""A trial's sign of life: a small file that says, again and again, where it is."""

import json
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from study import durable

HEARTBEAT = 10.0  # seconds between two signs of life
LOST = 60.0  # seconds without one after which a life is taken for dead: six are missed

log = logging.getLogger("study")


@contextmanager
def beating(path: Path, tell: Callable[[], Mapping[str, Any]]) -> Iterator[None]:
    """Keeps `path` saying what `tell` returns and when, from a thread of its own; removes it in the end.

    What is left of a killed process is a file whose `seen_at` no longer moves. A thread, because an evaluation may take
    minutes; and no fsync, because after a power cut nobody is alive.
    """
    over = threading.Event()

    def beat() -> None:
        content = json.dumps({**tell(), "seen_at": now()}).encode()
        try:
            durable.write_bytes(path, content, fsync=False)
        except OSError as error:  # a full disk, for one: the work itself may still come through
            log.warning("no sign of life could be written: %s", error)

    def go_on() -> None:
        while not over.wait(HEARTBEAT):
            beat()

    beat()
    thread = threading.Thread(target=go_on, daemon=True, name="heartbeat")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        last, mine = read(path) or {}, tell()
        if all(last.get(name) == mine.get(name) for name in ("host", "pid", "attempt")):  # not another attempt's
            path.unlink(missing_ok=True)


def read(path: Path) -> dict[str, Any] | None:
    """The newest sign of life; None where there is none, or none that survived a crash of its machine whole."""
    try:
        found: dict[str, Any] = json.loads(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return found


def silent(seen_at: str) -> float:
    """Seconds since a sign of life."""
    return (datetime.now(UTC) - datetime.fromisoformat(seen_at)).total_seconds()


def now() -> str:
    return datetime.now(UTC).isoformat()
