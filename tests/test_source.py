"""The code's fingerprint, and a frozen copy of it that runs by itself and says where it came from."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from study import __version__, source
from tests.conftest import apart

TELL = (
    "import json; from study import source; "
    "print(json.dumps([source.fingerprint(), source.origin(), str(source.ROOT)]))"
)


def python(code: Path, *arguments: str, cwd: Path) -> str:
    """What a process prints that runs the code in this folder, as a queued job does."""
    environment = {**os.environ, "PYTHONPATH": str(code), "PYTHONSAFEPATH": "1", "PYTHONDONTWRITEBYTECODE": ""}
    return subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=True
    ).stdout


def told(code: Path, cwd: Path) -> Any:
    return json.loads(python(code, "-c", TELL, cwd=cwd))


@pytest.fixture(scope="module")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return source.freeze(tmp_path_factory.mktemp("sources"))


@pytest.fixture
def copy(frozen: Path, tmp_path: Path) -> Path:
    """Code that was copied by hand, and is nobody's checkout."""
    path = shutil.copytree(frozen, tmp_path / "copy")
    (path / source.ORIGIN).unlink()
    return path


def test_a_frozen_copy_runs_anywhere_and_is_the_same_code(frozen: Path, tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()  # in the way, where a job happens to run
    assert python(frozen, "-m", "study", "--version", cwd=tmp_path) == f"{__version__}\n"
    assert "paper-wide" in python(frozen, "-m", "study", "list", "presets", cwd=tmp_path)  # data files are there
    assert told(frozen, tmp_path) == [source.fingerprint(), source.origin(), str(frozen)]
    assert frozen.name == source.fingerprint()
    assert len(frozen.name) == 16
    assert list(frozen.rglob("*.pyc"))  # it has run, and is still the same code
    assert oct(frozen.stat().st_mode & 0o777) == "0o755"


def git(*arguments: str) -> str:
    """What git says of the checkout that the tests run in."""
    return subprocess.run(
        ["git", "-C", str(source.ROOT), *arguments], capture_output=True, text=True, check=True
    ).stdout.strip()


def in_a_checkout() -> bool:
    return (source.ROOT / ".git").exists() and bool(git("ls-files", "study/source.py"))


def test_its_origin_is_the_commit_of_the_checkout(frozen: Path) -> None:
    if not in_a_checkout():
        pytest.skip("the code is no checkout")
    commit, dirty = git("rev-parse", "HEAD"), bool(git("status", "--porcelain", "--untracked-files=no"))
    assert json.loads((frozen / source.ORIGIN).read_text()) == {"commit": commit, "dirty": dirty}


def test_every_tracked_file_of_the_program_is_in_it(frozen: Path) -> None:
    if not in_a_checkout():
        pytest.skip("the code is no checkout")
    there = [name for name in git("ls-files", *source.PACKAGES).splitlines() if (source.ROOT / name).exists()]
    assert "study/source.py" in there
    for name in there:
        assert (frozen / name).read_bytes() == (source.ROOT / name).read_bytes()
    assert {path.name for path in frozen.iterdir()} == {*source.PACKAGES, source.ORIGIN}


def test_a_copy_is_equal_until_a_byte_or_a_name_changes(copy: Path, tmp_path: Path) -> None:
    assert told(copy, tmp_path)[0] == source.fingerprint()
    (copy / "study" / "leftover.pyc").write_bytes(b"0")
    (copy / "study" / ".ipynb_checkpoints").mkdir()
    (copy / "study" / ".ipynb_checkpoints" / "a.py").write_text("1")
    assert told(copy, tmp_path)[0] == source.fingerprint()
    table = next((copy / "search_spaces").glob("*.csv"))
    found = {source.fingerprint()}
    before = table.read_bytes()
    table.write_bytes(before + b"\n")
    found.add(told(copy, tmp_path)[0])
    table.write_bytes(before)
    table.rename(table.with_name("renamed.csv"))
    found.add(told(copy, tmp_path)[0])
    assert len(found) == 3


def test_a_copy_inside_of_somebodys_checkout_has_no_commit(copy: Path, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    (tmp_path / "mine").write_text("1")
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for arguments in (["add", "mine"], [*identity, "commit", "--quiet", "-m", "mine"]):
        subprocess.run(["git", "-C", str(tmp_path), *arguments], check=True)
    assert told(copy, tmp_path)[1] == {"commit": None, "dirty": None}


def test_what_is_frozen_is_never_written_again(frozen: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in frozen.rglob("*.py")}
    assert source.freeze(frozen.parent) == frozen
    assert {path: path.stat().st_mtime_ns for path in frozen.rglob("*.py")} == before
    assert list(frozen.parent.iterdir()) == [frozen]


def test_a_copy_that_cannot_be_finished_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copied, original = list[str](), shutil.copyfile

    def until_full(path: Path, target: Path) -> None:
        copied.append(path.name)
        if len(copied) == 10:
            raise OSError("no space left on device")
        original(path, target)

    monkeypatch.setattr(shutil, "copyfile", until_full)
    with pytest.raises(OSError, match="no space left"):
        source.freeze(tmp_path / "sources")
    assert list((tmp_path / "sources").iterdir()) == []


def freeze_until_rename(folder: Path) -> None:
    """Dies as a kill -9 would, when everything is copied and nothing has its name."""

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "os.rename" and not str(arguments[1]).endswith(source.ORIGIN):
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    source.freeze(folder)


def test_killed_before_the_end_it_is_not_there_and_the_next_call_makes_it(tmp_path: Path) -> None:
    assert apart(freeze_until_rename, tmp_path) == -signal.SIGKILL
    assert not (tmp_path / source.fingerprint()).exists()
    frozen = source.freeze(tmp_path)
    assert (frozen / "study" / "__main__.py").exists()
