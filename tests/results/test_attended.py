"""Ctrl-C ends a question, however long it would take, and between two looks of the database."""

import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pytest

from study.results.attended import attended
from tests.commands.command import COMMAND, environment
from tests.results.synthetic import PLANNED, done, new_store, write

MINUTES, HOURS = (f"SELECT count(*) FROM range({n}) a WHERE hash(a.range) % 7 = 3" for n in (20 * 10**9, 10**12))
BUSY = 2.0  # seconds of a processor; to start and to see the study takes less than one
TICKS = os.sysconf("SC_CLK_TCK")  # of a processor's time in a second


@pytest.fixture
def ctrl_c() -> Iterator[Callable[[], None]]:
    """Sends SIGINT to the thread of the test, once it waits for the work that calls this."""
    main = threading.main_thread().ident
    assert main is not None

    def waits() -> bool:
        names = [frame.f_code.co_name for frame, _ in traceback.walk_stack(sys._current_frames()[main])]
        return names[0] == "wait" and not {"submit", "start"} & set(names)

    def send() -> None:
        deadline = time.monotonic() + 10
        while not waits():
            assert time.monotonic() < deadline, "nobody waits for the work"
            time.sleep(0.001)
        signal.pthread_kill(main, signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever started pytest may have it ignored
    yield send
    signal.signal(signal.SIGINT, before)


def test_it_returns_what_the_work_returns() -> None:
    with duckdb.connect() as database:
        found = attended(database, lambda: (database.execute("SELECT 42").fetchall(), threading.get_ident()))
    assert found[0] == [(42,)]
    assert found[1] != threading.get_ident()  # this one is free to hear of Ctrl-C


def test_the_error_of_the_work_is_its_own() -> None:
    with duckdb.connect() as database:
        with pytest.raises(duckdb.BinderException, match="los"):
            attended(database, lambda: database.execute("SELECT los FROM (SELECT 1 AS loss)"))
        with pytest.raises(ZeroDivisionError):
            attended(database, lambda: 1 // 0)


class Counted:
    """A database that counts how often it was told to stop, and has heard of it at the third time."""

    def __init__(self) -> None:
        self.told, self.heard = 0, threading.Event()

    def interrupt(self) -> None:
        self.told += 1
        if self.told == 3:
            self.heard.set()


def test_ctrl_c_is_passed_on_until_the_work_has_ended(ctrl_c: Callable[[], None]) -> None:
    """It may come between two questions, of which none hears it then."""
    stopped, database = list[bool](), Counted()

    def work() -> None:
        ctrl_c()
        stopped.append(database.heard.wait(20))

    pretended: Any = database
    with pytest.raises(KeyboardInterrupt):
        attended(pretended, work)
    assert (stopped, database.told) == ([True], 3)


def test_ctrl_c_ends_a_question_and_the_database_answers_the_next(ctrl_c: Callable[[], None]) -> None:
    with duckdb.connect() as database:

        def work() -> None:
            ctrl_c()
            database.execute(MINUTES).fetchall()

        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            attended(database, work)
        assert time.monotonic() - began < 10
        assert database.execute("SELECT 42").fetchall() == [(42,)]


def test_ctrl_c_ends_a_query_of_hours_in_seconds(tmp_path: Path) -> None:
    store = new_store(tmp_path / "results" / "tiny")
    write(store, *done(PLANNED[0]))
    query = subprocess.Popen(
        [*COMMAND, "query", "tiny", HOURS], cwd=tmp_path, env=environment(), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    try:
        while spent(query.pid) < BUSY:
            assert query.poll() is None, query.communicate()
            time.sleep(0.02)
        query.send_signal(signal.SIGINT)
        said, told = query.communicate(timeout=20)
    finally:
        query.kill()
    assert (query.returncode, said, told) == (130, "", "")


def spent(pid: int) -> float:
    """Seconds of a processor that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS
