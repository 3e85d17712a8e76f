"""A sign of life moves while its process lives, stands still when it was killed, and is gone after an orderly end."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from study import heartbeat
from study.heartbeat import beating, read, silent
from tests.conftest import APART


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "HEARTBEAT", 0.02)


def eventually(condition: Callable[[], object]) -> None:
    """Polls, because another thread or process gives no sign but its files; fails after a minute."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def seen(path: Path) -> dict[str, Any]:
    found = read(path)
    assert found is not None
    return found


def test_it_moves_and_tells_the_newest(tmp_path: Path) -> None:
    path, told = tmp_path / "deep" / "heartbeat.json", {"step": 1}
    before = datetime.now(UTC)
    with beating(path, lambda: told):
        eventually(path.exists)
        first = seen(path)
        assert (first["step"], set(first)) == (1, {"step", "seen_at"})
        assert before <= datetime.fromisoformat(first["seen_at"]) <= datetime.now(UTC)
        told["step"] = 2
        eventually(lambda: seen(path)["step"] == 2)
        assert seen(path)["seen_at"] > first["seen_at"]
    assert list(path.parent.iterdir()) == []
    assert read(path) is None


def test_an_exception_ends_it_too(tmp_path: Path) -> None:
    with pytest.raises(KeyError), beating(tmp_path / "heartbeat.json", dict):
        raise KeyError
    assert list(tmp_path.iterdir()) == []


def test_a_sign_that_cannot_be_written_is_told_and_the_next_one_is_tried(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "heartbeat.json"
    path.mkdir()
    with beating(path, dict):
        eventually(lambda: "no sign of life could be written" in caplog.text)
        path.rmdir()
        eventually(path.is_file)
    assert not path.exists()


def beat(path: Path) -> None:
    heartbeat.HEARTBEAT = 0.02
    with beating(path, lambda: {"pid": 1}):
        time.sleep(600)


def test_a_killed_process_leaves_one_that_stands_still(tmp_path: Path) -> None:
    path = tmp_path / "heartbeat.json"
    process = APART.Process(target=beat, args=(path,))
    process.start()
    eventually(path.exists)
    process.kill()
    process.join(60)
    last = seen(path)
    time.sleep(0.1)
    assert seen(path) == last
    assert silent(last["seen_at"]) >= 0.1


def test_silence_is_counted_in_seconds_wherever_the_clock_hangs() -> None:
    then = datetime.now(UTC) - timedelta(seconds=90)
    for zone in (UTC, timezone(timedelta(hours=5))):
        assert 90 <= silent(then.astimezone(zone).isoformat()) < 95
    assert 0 <= silent(heartbeat.now()) < 5
