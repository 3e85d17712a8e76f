"""Work that a database does, and that Ctrl-C ends at once."""

from collections.abc import Callable
from concurrent.futures import Future, wait
from threading import Thread
from typing import TypeVar

import duckdb

Answer = TypeVar("Answer")


def attended(database: duckdb.DuckDBPyConnection, work: Callable[[], Answer]) -> Answer:
    """What the work returns. It runs in a thread, so that Ctrl-C reaches this one, and ends the work: DuckDB looks for
    it only now and then.
    """
    answer = Future[Answer]()
    thread = Thread(target=_run, args=(work, answer), daemon=True)
    try:
        thread.start()
        return answer.result()
    except KeyboardInterrupt:
        while thread.is_alive() and not answer.done():  # it may be between two questions, or at a file
            database.interrupt()
            wait([answer], timeout=0.1)
        raise


def _run(work: Callable[[], Answer], answer: "Future[Answer]") -> None:
    try:
        answer.set_result(work())
    except BaseException as error:
        answer.set_exception(error)
