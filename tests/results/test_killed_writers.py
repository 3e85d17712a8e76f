"""Eight writers, a compactor and readers at one study, killed with -9 at random moments: nothing is lost or doubled."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from study import plan, spec
from study.identity import digest
from study.results import manifest
from study.results.compact import compact
from study.results.store import Store
from study.results.verify import verify
from tests.commands.command import ROOT, environment
from tests.conftest import tiny_study
from tests.results import living

ROUNDS = 200
GENERATIONS = 4  # compactions that succeed meanwhile, at least
WRITERS, COMPACTOR, READERS = [f"writer-{i}" for i in range(8)], ["compactor-0"], ["reader-0", "reader-1"]
SEED = "GAN_STUDY_KILL_SEED"  # in the environment


class Lives:
    """Processes of tests.results.living, by name."""

    def __init__(self, store: Store, logs: Path, random_: random.Random) -> None:
        self._logs, self._random, self._ids = logs, random_, dict[str, int]()
        self._parent = subprocess.Popen(
            [sys.executable, "-m", "tests.results.living", str(store.folder), str(logs)], cwd=ROOT, env=environment(),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip

    def start(self, name: str) -> None:
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        self._parent.stdin.write(f"{name.partition('-')[0]} {name} {self._random.getrandbits(32)}\n")
        self._parent.stdin.flush()
        self._ids[name] = int(self._parent.stdout.readline())

    def kill(self, names: list[str]) -> None:
        """Returns when they are gone, and the kernel has taken back their locks."""
        for name in names:
            os.kill(self._ids[name], signal.SIGKILL)
        while any(self._lives(name) for name in names):
            time.sleep(0.001)

    def check(self) -> None:
        for name in self._ids:
            error = self._logs / f"{name}.error"
            assert not error.exists(), error.read_text()
            assert self._lives(name), f"{name} ended by itself"

    def end(self) -> None:
        """Also of those that nobody has killed."""
        self._parent.communicate()

    def _lives(self, name: str) -> bool:
        try:
            os.kill(self._ids[name], 0)
        except ProcessLookupError:
            return False
        return True


@contextmanager
def told(seed: int) -> Iterator[random.Random]:
    try:
        yield random.Random(seed)
    except BaseException as error:
        error.add_note(f"for the same again, but for how far each process came: {SEED}={seed}")
        raise


@pytest.mark.slow
def test_no_row_is_lost_and_none_is_there_twice(tmp_path: Path) -> None:
    study = tiny_study(losses=["ns"], phases=[{"name": "wide", "space": "wide", "settings": 2000}])
    store, logs = Store(tmp_path / "tiny"), tmp_path / "logs"
    store.write_plan([planned.row(i) for i, planned in enumerate(plan.build(study, {}))], spec.dump(study))
    logs.mkdir()
    with told(int(os.environ.get(SEED, time.time_ns() % 1_000_000))) as random_:
        live_and_die(Lives(store, logs, random_), random_, store)
        known = living.confirmed(logs)
        rows = living.check(store, known)
        assert rows >= len(known) > ROUNDS
        assert all(len((logs / f"{name}.log").read_text().split()) > 3 for name in READERS)
        compact(store)
        assert living.check(store, known) == rows
        assert compact(store).attempts == 0
        assert [each for each in verify(store, digest).found if each.fault] == []


def live_and_die(lives: Lives, random_: random.Random, store: Store) -> None:
    """Every second compactor is spared until it has succeeded once: on a busy machine none would ever come so far."""
    spared_since, rounds, deadline = None, 0, time.monotonic() + 400
    try:
        for name in WRITERS + COMPACTOR + READERS:
            lives.start(name)
        while rounds < ROUNDS or manifest.read(store).generation < GENERATIONS:
            assert time.monotonic() < deadline, f"{rounds} rounds, and only {manifest.read(store)}"
            time.sleep(random_.uniform(0, 0.3))
            victims = random_.sample(WRITERS, random_.randint(1, 3))
            may_die = spared_since is None or manifest.read(store).generation > spared_since
            if random_.random() < 0.2 and may_die:
                victims += COMPACTOR
                spared_since = manifest.read(store).generation if spared_since is None else None
            lives.kill(victims)
            for name in victims:
                lives.start(name)
            lives.check()
            rounds += 1
    finally:
        lives.end()
