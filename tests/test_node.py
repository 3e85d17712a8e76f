"""What a worker's program and its trials tell each other through a folder of their machine."""

import os
import time
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from study.node import DEADLINE, FOLDER, LIFETIME, MEASURING, NOWHERE, PARKED, RUNNING, Node
from tests.conftest import APART


@pytest.fixture
def node(tmp_path: Path) -> Node:
    made = Node(tmp_path / "node")
    made.clear()
    return made


def test_it_is_found_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (FOLDER, DEADLINE, LIFETIME):
        monkeypatch.delenv(name, raising=False)
    assert Node.here() == NOWHERE
    monkeypatch.setenv(FOLDER, str(tmp_path))
    assert Node.here() == Node(tmp_path)
    monkeypatch.setenv(DEADLINE, str(time.time() + 100))
    assert 99 < Node.here().seconds_left() <= 100
    monkeypatch.setenv(LIFETIME, "3600.5")
    assert (Node.here().folder, Node.here().lifetime) == (tmp_path, 3600.5)


def test_a_machine_of_ones_own_has_no_end_and_keeps_no_books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with NOWHERE.occupied("a"):
        NOWHERE.tell("a", PARKED)
        assert not NOWHERE.stopping()
    assert NOWHERE.seconds_left() == float("inf")
    assert list(tmp_path.iterdir()) == []


def test_who_asks_to_stop_is_heard_until_the_folder_is_made_anew(node: Node) -> None:
    assert not node.stopping()
    Node(node.folder).stop()
    assert node.stopping()
    with node.occupied("a"):
        node.clear()
        assert not node.stopping()
        assert node.trials() == {}


def test_trials_are_listed_with_what_they_are_at(node: Node) -> None:
    assert node.trials() == {}
    with node.occupied("a"), node.occupied("b"):
        assert node.trials() == {"a": RUNNING, "b": RUNNING}
        node.tell("b", MEASURING)
        assert node.trials() == {"a": RUNNING, "b": MEASURING}
    assert node.trials() == {}
    with pytest.raises(KeyError), node.occupied("a"):
        raise KeyError
    assert node.trials() == {}


def occupy(folder: Path, pipe: Connection) -> None:
    node = Node(folder)
    with node.occupied("elsewhere"):
        node.tell("elsewhere", PARKED)
        pipe.send(os.getpid())
        pipe.recv()


def test_a_trial_whose_process_was_killed_is_not_counted(node: Node) -> None:
    ours, theirs = APART.Pipe()
    process = APART.Process(target=occupy, args=(node.folder, theirs))
    process.start()
    pid = ours.recv()
    assert node.trials() == {"elsewhere": PARKED}
    process.kill()
    process.join(60)
    assert node.trials() == {}
    assert node.folder is not None
    assert (node.folder / "trials" / f"{pid}.elsewhere").exists()  # nobody removed it
