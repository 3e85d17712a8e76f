"""Files that change together: all of them or none, those of an earlier time gone, and no others."""

import os
from pathlib import Path

import pytest

from analysis.staging import LIST, publish, staged
from study.errors import StudyError


def published(out: Path, **files: str) -> None:
    """Files by the name without its ending, in a folder where the name has a double underscore."""
    with staged(out) as new:
        for name, text in files.items():
            path = new / f"{name.replace('__', '/')}.txt"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        publish(new, out, "page.txt")


def there(out: Path) -> dict[str, str]:
    files = (path for path in out.rglob("*") if path.is_file())
    return {path.relative_to(out).as_posix(): path.read_text() for path in files}


def test_what_is_of_an_earlier_time_leaves_and_what_is_not_stays(tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_text("own")
    published(tmp_path, page="1", boxes="1", notebooks__seeds="1")
    assert there(tmp_path)[LIST] == "boxes.txt\nnotebooks/seeds.txt\npage.txt\n"
    published(tmp_path, page="2", budget="2")
    assert there(tmp_path) == {"page.txt": "2", "budget.txt": "2", "own.txt": "own", LIST: "budget.txt\npage.txt\n"}


def test_a_list_that_was_changed_removes_nothing_outside(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").touch()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / LIST).write_text(f"../precious.txt\n{tmp_path}/precious.txt\n\nnever.txt\n")
    published(tmp_path / "out", page="1")
    assert (tmp_path / "precious.txt").exists()
    assert there(tmp_path / "out") == {"page.txt": "1", LIST: "page.txt\n"}


def test_what_is_interrupted_changes_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    published(tmp_path, page="1", boxes="1")
    with pytest.raises(KeyboardInterrupt):
        _interrupted(tmp_path)
    assert there(tmp_path) == {"page.txt": "1", "boxes.txt": "1", LIST: "boxes.txt\npage.txt\n"}
    assert not list(tmp_path.glob(".*"))


def test_two_at_once_end_in_a_page_that_is_whole(tmp_path: Path) -> None:
    """The second begins before the first has published, and the first is behind it at the end."""
    with staged(tmp_path) as first, staged(tmp_path) as second:
        for new, text in ((first, "1"), (second, "2")):
            (new / "page.txt").write_text(text)
            (new / f"only{text}.txt").write_text(text)
        publish(second, tmp_path, "page.txt")
        publish(first, tmp_path, "page.txt")
    assert there(tmp_path) == {"page.txt": "1", "only1.txt": "1", LIST: "only1.txt\npage.txt\n"}


def test_the_page_comes_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moved: list[str] = []
    replace = os.replace

    def told(source: Path, target: Path) -> None:
        moved.append(target.name)
        replace(source, target)

    monkeypatch.setattr(os, "replace", told)
    published(tmp_path, page="1", zebra="1", apple="1")
    assert moved == [LIST, "apple.txt", "zebra.txt", "page.txt", LIST]


def test_a_folder_that_cannot_be_made_is_named_with_what_to_do() -> None:
    with (
        pytest.raises(StudyError, match=r"^-o /proc/mine: .*; name a folder that you may write into"),
        staged(Path("/proc/mine")),
    ):
        pass


def _interrupted(out: Path) -> None:
    with staged(out) as new:
        (new / "boxes.txt").write_text("2")
        raise KeyboardInterrupt
