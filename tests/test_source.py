"""The code's fingerprint, where it came from, and copies of it: one frozen, that runs by itself, and one to keep."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
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


def output(code: Path, program: str, cwd: Path) -> bytes:
    """The bytes that such a process prints."""
    environment = {**os.environ, "PYTHONPATH": str(code), "PYTHONSAFEPATH": "1"}
    return subprocess.run([sys.executable, "-c", program], cwd=cwd, env=environment, capture_output=True).stdout


def patch_of(code: Path, cwd: Path) -> bytes | None:
    """What the code in this folder says of how it differs from its commit."""
    write = (
        "import sys; from study.source import patch; sys.stdout.buffer.write(b'none' if patch() is None else patch())"
    )
    found = output(code, write, cwd)
    return None if found == b"none" else found


def run_git(*arguments: str) -> None:
    subprocess.run(["git", "-c", "protocol.file.allow=always", *arguments], check=True)


def commit(folder: Path, what: str, **settings: str) -> None:
    """Makes the folder a checkout, where it is none, with one more commit."""
    run_git("init", "--quiet", str(folder))
    (folder / ".git" / "info" / "exclude").write_text("__pycache__/\n")
    for name, value in {"user.name": "a", "user.email": "a@b", **settings}.items():
        run_git("-C", str(folder), "config", name, value)
    run_git("-C", str(folder), "add", what)
    run_git("-C", str(folder), "commit", "--quiet", "-m", "mine")


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a checkout."""
    paths = (path for path in folder.rglob("*") if path.is_file() and not {".git", "__pycache__"} & set(path.parts))
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


@pytest.fixture(scope="module")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return source.freeze(tmp_path_factory.mktemp("sources"))


@pytest.fixture
def copy(frozen: Path, tmp_path: Path) -> Path:
    """Code that was copied by hand, and is nobody's checkout."""
    path = shutil.copytree(frozen, tmp_path / "copy")
    (path / source.ORIGIN).unlink()
    (path / source.PATCH).unlink(missing_ok=True)
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
    said = json.loads((frozen / source.ORIGIN).read_text())
    assert (said["commit"], said["dirty"]) == (commit, dirty)
    assert (said["diff"] is not None) == dirty == (frozen / source.PATCH).exists()


def test_every_tracked_file_of_the_program_is_in_it(frozen: Path) -> None:
    if not in_a_checkout():
        pytest.skip("the code is no checkout")
    there = [name for name in git("ls-files", *source.PACKAGES).splitlines() if (source.ROOT / name).exists()]
    assert "study/source.py" in there
    for name in there:
        assert (frozen / name).read_bytes() == (source.ROOT / name).read_bytes()
    assert {path.name for path in frozen.iterdir()} - {source.PATCH} == {*source.PACKAGES, source.ORIGIN}


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
    (tmp_path / "mine").write_text("1")
    commit(tmp_path, "mine")
    (tmp_path / "mine").write_text("2")
    assert told(copy, tmp_path)[1] == {"commit": None, "dirty": None, "diff": None}
    assert patch_of(copy, tmp_path) is None


def test_what_was_not_committed_is_a_patch_whatever_git_is_set_to(copy: Path, tmp_path: Path) -> None:
    """Text, bytes, a file that is gone, one that is new; on the commit the patch gives the very same files."""
    settings = {"diff.noprefix": "true", "color.ui": "always", "diff.submodule": "log", "diff.external": "false"}
    (copy / "study" / "kept.bin").write_bytes(bytes(range(256)))
    commit(copy, ".", **settings)
    clean = told(copy, tmp_path)[1]
    assert (clean["dirty"], clean["diff"]) == (False, None)
    assert patch_of(copy, tmp_path) == b""
    clone = tmp_path / "clone"
    run_git("clone", "--quiet", str(copy), str(clone))
    (copy / "study" / "errors.py").write_text((copy / "study" / "errors.py").read_text() + "# ünsaved\n")
    (copy / "study" / "kept.bin").write_bytes(bytes(reversed(range(256))))
    (copy / "study" / "cost.py").unlink()
    (copy / "study" / "new.py").write_text("1\n")
    run_git("-C", str(copy), "add", "study/new.py")
    (copy / "untracked").write_text("not of the program")
    said = told(copy, tmp_path)[1]
    assert (said["commit"], said["dirty"]) == (clean["commit"], True)
    patch = patch_of(copy, tmp_path)
    assert patch is not None
    assert source.digest(patch) == said["diff"]
    (tmp_path / "diff.patch").write_bytes(patch)
    run_git("-C", str(clone), "checkout", "--quiet", said["commit"])
    run_git("-C", str(clone), "apply", str(tmp_path / "diff.patch"))
    (copy / "untracked").unlink()
    assert contents(clone) == contents(copy)
    assert not (clone / "study" / "cost.py").exists()


def test_a_moved_submodule_is_in_the_patch_and_what_lies_about_in_it_is_not(copy: Path, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    for text in "12":
        (inner / "file").write_text(text)
        commit(inner, "file")
    run_git("-C", str(copy), "init", "--quiet")
    run_git("-C", str(copy), "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner), "inner")
    commit(copy, ".")
    (copy / "inner" / "file").write_text("3")
    assert patch_of(copy, tmp_path) == b""
    run_git("-C", str(copy / "inner"), "checkout", "--quiet", "--force", "HEAD~1")
    patch = patch_of(copy, tmp_path)
    assert patch is not None
    (tmp_path / "diff.patch").write_bytes(patch)
    run_git("-C", str(copy), "apply", "--check", "--reverse", str(tmp_path / "diff.patch"))
    assert patch.count(b"Subproject commit") == 2


def test_a_frozen_copy_keeps_the_patch_of_the_checkout(copy: Path, tmp_path: Path) -> None:
    commit(copy, ".")
    (copy / "study" / "errors.py").write_text((copy / "study" / "errors.py").read_text() + "# unsaved\n")
    patch, said = patch_of(copy, tmp_path), told(copy, tmp_path)
    freeze = "import sys; from pathlib import Path; from study import source; print(source.freeze(Path(sys.argv[1])))"
    frozen = Path(python(copy, "-c", freeze, str(tmp_path / "sources"), cwd=tmp_path).strip())
    assert patch_of(frozen, tmp_path) == patch
    assert patch
    assert told(frozen, tmp_path)[:2] == said[:2]


def test_the_kept_archive_is_the_program_and_always_the_same_bytes(tmp_path: Path) -> None:
    archive = source.archive()
    assert archive == source.archive()
    assert source.fingerprint_of(archive) == source.fingerprint()
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(tmp_path, filter="data")
    (code,) = tmp_path.iterdir()
    assert code.name == f"source-{source.fingerprint()}"
    assert python(code, "-m", "study", "--version", cwd=tmp_path) == f"{__version__}\n"
    assert told(code, tmp_path)[0] == source.fingerprint()


def test_an_archive_with_another_byte_is_of_other_code(copy: Path, tmp_path: Path) -> None:
    """And one that was cut off is none."""
    write = "import sys; from study import source; sys.stdout.buffer.write(source.archive())"
    (copy / "study" / "errors.py").write_text((copy / "study" / "errors.py").read_text() + "#\n")
    other = output(copy, write, tmp_path)
    assert source.fingerprint_of(other) == told(copy, tmp_path)[0] != source.fingerprint()
    for damaged in (b"", other[:1000], other[:-1000], b"no archive"):
        with pytest.raises((tarfile.TarError, OSError, EOFError)):
            source.fingerprint_of(damaged)


def test_a_checkout_that_changes_is_kept_as_it_was_when_the_process_began(copy: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from study import source; source.fingerprint()\n"
        "path = source.ROOT / 'study' / 'errors.py'; path.write_text(path.read_text() + '#')\n"
        "assert source.fingerprint_of(source.archive()) == source.fingerprint()\n"
        "print(source.freeze(Path(sys.argv[1])))"
    )
    before = told(copy, tmp_path)[0]
    frozen = Path(python(copy, "-c", code, str(tmp_path / "sources"), cwd=tmp_path).strip())
    assert frozen.name == told(frozen, tmp_path)[0] == before != told(copy, tmp_path)[0]


def test_what_is_frozen_is_never_written_again(frozen: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in frozen.rglob("*.py")}
    assert source.freeze(frozen.parent) == frozen
    assert {path: path.stat().st_mtime_ns for path in frozen.rglob("*.py")} == before
    assert list(frozen.parent.iterdir()) == [frozen]


def test_a_copy_that_cannot_be_finished_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written, original = list[str](), Path.write_bytes

    def until_full(path: Path, content: bytes) -> int:
        written.append(path.name)
        if len(written) == 10:
            raise OSError("no space left on device")
        return original(path, content)

    monkeypatch.setattr(Path, "write_bytes", until_full)
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
