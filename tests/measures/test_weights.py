"""Weights that do not ship: taken from where they are, never used unchecked, and asked for with all places named."""

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from study.errors import DataUnavailable, StudyError
from study.measures import EXTRACTORS
from study.measures.weights import fetch, find, kept

CONTENT = b"the published weights"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
OWN = b"weights of one's own"
OWN_SHA256 = hashlib.sha256(OWN).hexdigest()


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """torch.hub's cache, empty; the published weights are CONTENT, and their address leads nowhere."""
    before = torch.hub.get_dir()
    torch.hub.set_dir(str(tmp_path / "hub"))
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    nowhere = (tmp_path / "nowhere.pth").as_uri()
    monkeypatch.setitem(EXTRACTORS, "inception", replace(EXTRACTORS["inception"], sha256=SHA256, url=nowhere))
    yield tmp_path / "hub" / "checkpoints"
    torch.hub.set_dir(before)


def publish(path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_bytes(content)
    monkeypatch.setitem(EXTRACTORS, "inception", replace(EXTRACTORS["inception"], url=path.as_uri()))


def test_what_ships_is_not_fetched(tmp_path: Path) -> None:
    assert fetch("cnn28", None, None, tmp_path) is None
    assert find("cnn28", None, tmp_path) is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", EXTRACTORS["inception"].files)
def test_torch_hubs_cache_is_used(name: str, hub: Path, tmp_path: Path) -> None:
    (hub / name).write_bytes(CONTENT)
    found = fetch("inception", None, None, tmp_path / "data")
    assert found == tmp_path / "data" / "weights" / f"inception-{SHA256[:16]}.pth"
    assert found == kept("inception", SHA256, tmp_path / "data")
    assert found.read_bytes() == CONTENT
    shutil.rmtree(hub)
    assert fetch("inception", None, None, tmp_path / "data") == found  # trials read the copy, whatever becomes of it
    assert find("inception", None, tmp_path / "data") == found
    assert sorted(path.suffix for path in found.parent.iterdir()) == [".lock", ".pth"]


def test_it_is_downloaded_last(hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (hub / EXTRACTORS["inception"].files[0]).write_bytes(b"others")
    publish(tmp_path / "published.pth", CONTENT, monkeypatch)
    found = fetch("inception", None, None, tmp_path)
    assert found is not None
    assert found.read_bytes() == CONTENT
    assert (hub / EXTRACTORS["inception"].files[0]).read_bytes() == b"others"


def test_without_a_network_every_place_is_named(hub: Path, tmp_path: Path) -> None:
    first, second = (hub / name for name in EXTRACTORS["inception"].files)
    second.write_bytes(b"others")
    with pytest.raises(DataUnavailable) as caught:
        fetch("inception", None, None, tmp_path)
    message = str(caught.value)
    path = kept("inception", SHA256, tmp_path)
    for part in (SHA256, f"{path} (not there", f"{first} (not there)", f"{second} (another sha256)", "nowhere.pth ("):
        assert part in message
    assert message.endswith(f"put them at {path}, and run gan-study prepare again")
    assert "\n" not in message
    assert not path.exists()
    path.write_bytes(CONTENT)
    assert fetch("inception", None, None, tmp_path) == path  # the remedy works


def test_another_content_under_the_address_is_refused(
    hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(tmp_path / "published.pth", b"others", monkeypatch)
    with pytest.raises(DataUnavailable, match=r"published\.pth \(invalid hash value"):
        fetch("inception", None, None, tmp_path)
    assert not kept("inception", SHA256, tmp_path).exists()


def test_a_file_of_ones_own(hub: Path, tmp_path: Path) -> None:
    given = tmp_path / "own.pth"
    given.write_bytes(OWN)
    found = fetch("inception", given, OWN_SHA256, tmp_path)
    assert found == kept("inception", OWN_SHA256, tmp_path)
    assert found.read_bytes() == OWN
    given.unlink()
    assert fetch("inception", given, OWN_SHA256, tmp_path) == find("inception", OWN_SHA256, tmp_path) == found
    with pytest.raises(StudyError, match="run gan-study prepare"):
        find("inception", None, tmp_path)  # the published ones are others


def test_a_file_of_ones_own_must_be_the_one_that_was_said(hub: Path, tmp_path: Path) -> None:
    given = tmp_path / "own.pth"
    with pytest.raises(DataUnavailable, match=r"measure\.weights\.path=.*own\.pth: there is no such file"):
        fetch("inception", given, OWN_SHA256, tmp_path)
    given.write_bytes(b"others")
    with pytest.raises(StudyError, match=rf"own\.pth: its sha256 is [0-9a-f]{{64}}, not {OWN_SHA256}"):
        fetch("inception", given, OWN_SHA256, tmp_path)
    assert not kept("inception", OWN_SHA256, tmp_path).exists()


def test_a_file_that_changed_after_preparation_is_noticed_and_put_right(hub: Path, tmp_path: Path) -> None:
    (hub / EXTRACTORS["inception"].files[0]).write_bytes(CONTENT)
    path = fetch("inception", None, None, tmp_path)
    assert path is not None
    path.write_bytes(OWN)
    with pytest.raises(StudyError, match=rf"expected sha256 {SHA256}, found {OWN_SHA256}; run gan-study prepare"):
        find("inception", None, tmp_path)
    assert fetch("inception", None, None, tmp_path) == path
    assert path.read_bytes() == CONTENT


def test_trials_ask_for_preparation(hub: Path, tmp_path: Path) -> None:
    (hub / EXTRACTORS["inception"].files[0]).write_bytes(CONTENT)
    with pytest.raises(StudyError, match=r"the weights of inception are not there; run gan-study prepare"):
        find("inception", None, tmp_path)
