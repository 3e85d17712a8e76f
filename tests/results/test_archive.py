"""One archive: read by pandas alone, taken back whole, and refused where a byte is not as it was written."""

import hashlib
import importlib.metadata
import io
import json
import re
import shutil
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from analysis import frames
from study.errors import StudyError
from study.results import archive, packing, schema
from study.results.archive import export
from study.results.compact import compact
from study.results.query import VIEWS, connect, load
from study.results.restore import Restored, restore
from study.results.store import Store
from tests.analysis import synthetic
from tests.analysis.synthetic import Recipe
from tests.results.studies import Made, contents, plan, study, views

FIRST, SECOND, THIRD, _ = (row["trial"] for row in plan())
HISTORIES = {
    FIRST: [Made(1, count=1), Made(2, 1, 2)],
    SECOND: [Made(3, count=2, ending="failed"), Made(4, 2, 0)],
    THIRD: [Made(5, count=1, ending="diverged")],
}
READ_TOO = """
import json
tables = {path.stem: pd.read_parquet(path) for path in __import__("pathlib").Path(".").glob("*.parquet")}
chosen = tables["evaluations"].query("status == 'ok'").sort_values("selection_score").drop_duplicates("trial")
done = tables["trials"].query("status == 'done'")[["trial", "loss", "sample"]]
means = done.merge(chosen[["trial", "score"]], on="trial").groupby(["loss", "sample"])["score"].mean()
print(json.dumps({
    "sizes": {name: table.shape for name, table in tables.items()},
    "columns": {name: list(table.columns) for name, table in tables.items()},
    "kinds": sorted({type(value).__name__ for table in tables.values() for value in table.iloc[0]}),
    "best": {row["loss"]: [row["sample"], row["score"]] for row in best.to_dict("records")},
    "means": {f"{loss} {sample}": mean for (loss, sample), mean in means.items()},
    "diverged": endings["diverged"].droplevel("dataset").to_dict(),
    "learning": learning.loc[("fashion", "ns")].to_dict(),
}))
"""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A study that is running, with every ending, several attempts, and a trial that waits."""
    return study(tmp_path / "here" / "mine", HISTORIES)


def unpacked(path: Path, folder: Path) -> Path:
    with zipfile.ZipFile(path) as packed:
        packed.extractall(folder)
    (found,) = folder.iterdir()
    return found


def back(path: Path, results: Path) -> Restored:
    return restore(path, results, lambda name, text: (name, text))


@pytest.fixture(scope="session")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a fresh environment that has pandas, pyarrow and what they need, and nothing else."""
    folder = tmp_path_factory.mktemp("alone")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    for name in _needed("pandas") | _needed("pyarrow"):
        files = importlib.metadata.files(name) or []
        for top in {file.parts[0] for file in files if file.parts[0] != ".."}:
            there = Path(importlib.metadata.distribution(name).locate_file(top))
            if not (packages / top).exists():
                (packages / top).symlink_to(there)
    return folder / "bin" / "python"


def _needed(name: str) -> set[str]:
    """The distribution and all that it requires here."""
    wanted = {name}
    for requirement in importlib.metadata.requires(name) or []:
        package, _, condition = requirement.partition(";")
        if "extra" not in condition and "win32" not in condition and "emscripten" not in condition:
            wanted |= _needed(re.split(r"[^\w.-]", package.strip())[0])
    return wanted


def test_a_fresh_environment_with_pandas_alone_reads_it(alone: Path, tmp_path: Path) -> None:
    ending = {("wgan", 1): "diverged", ("began", 0): "failed", ("vae", 2): "started"}
    recipe = Recipe(
        losses=("ns", "wgan", "began", "vae"), settings=3, seeds=2,
        ending=lambda loss, sample, seed: ending.get((loss, sample), "done"),
    )  # fmt: skip
    folder = synthetic.write(tmp_path / "demo", recipe)
    export(Store(folder), tmp_path / "demo.zip")
    place = unpacked(tmp_path / "demo.zip", tmp_path / "there")
    for name in ("study", "duckdb", "analysis"):
        gone = subprocess.run([alone, "-c", f"import {name}"], cwd=place, capture_output=True, text=True, check=False)
        assert "ModuleNotFoundError" in gone.stderr
    (code,) = re.findall(r"```python\n(.*?)```", (place / "README.md").read_text(), re.S)
    ran = subprocess.run([alone, "-c", code + READ_TOO], cwd=place, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    for view in VIEWS:
        frame = load(folder, view)
        assert (found["sizes"][view], found["columns"][view]) == (list(frame.shape), list(frame.columns)), view
    assert set(found["kinds"]) <= {
        "str",
        "int",
        "int64",
        "float",
        "float64",
        "bool",
        "NoneType",
        "NaTType",
        "Timestamp",
    }
    settings = frames.settings(frames.load(folder))
    best = settings.dropna(subset="choice").drop_duplicates("loss").set_index("loss")
    assert found["best"] == {loss: [row["sample"], row["score"]] for loss, row in best.iterrows()}
    assert best["sample"].nunique() > 1
    means = settings.dropna(subset="mean").set_index(["loss", "sample"])["mean"]
    assert found["means"] == pytest.approx({f"{loss} {sample}": mean for (loss, sample), mean in means.items()})
    assert found["diverged"] == {"began": 0, "ns": 0, "vae": 0, "wgan": 1 / 3}
    curve = load(folder, where="loss = 'ns'").groupby("step")["score"].median()
    assert found["learning"] == pytest.approx({str(step): score for step, score in curve.items()})


def test_it_becomes_a_study_again_with_the_same_answers(store: Store, tmp_path: Path) -> None:
    export(store, tmp_path / "mine.zip", generators=True)
    made = back(tmp_path / "mine.zip", tmp_path / "there")
    assert (made.folder, made.rows) == (tmp_path / "there" / "mine", 8)
    assert views(made.folder) == views(store.folder)
    before, after = contents(store.folder), contents(made.folder)
    for name, content in before.items():
        if not name.startswith(("rows/", "plan.parquet")) and not name.endswith("log.txt"):
            assert after[name] == content, name
    logs = {name for name in after if name.endswith("log.txt")}
    assert logs == {f"trials/{SECOND}/log.txt"}  # of what failed
    assert not list(made.folder.glob(".*"))
    export(Store(made.folder), tmp_path / "again.zip", generators=True)
    assert (tmp_path / "again.zip").read_bytes() == (tmp_path / "mine.zip").read_bytes()


def test_equal_content_gives_equal_bytes(store: Store, tmp_path: Path) -> None:
    export(store, tmp_path / "one.zip")
    compact(store)
    export(store, tmp_path / "other.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "other.zip").read_bytes()


def test_what_is_in_it(store: Store, tmp_path: Path) -> None:
    written = export(store, tmp_path / "mine.zip")
    assert (written.rows, written.pictured, written.evaluations) == (8, 7, 7)
    assert written.size == (tmp_path / "mine.zip").stat().st_size
    place = unpacked(tmp_path / "mine.zip", tmp_path / "there")
    manifest = json.loads((place / "MANIFEST.json").read_text())
    assert manifest["files"] == {
        str(path.relative_to(place)): {
            "bytes": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()
        }
        for path in place.rglob("*") if path.is_file() and path.name != "MANIFEST.json"
    }  # fmt: skip
    assert not (place / "generators").exists()
    assert (place / f"trials/{SECOND}/trace-1.txt").read_text().startswith("failed")
    dictionary = pd.read_csv(place / "dictionary.csv")
    for view in VIEWS:
        named = dictionary[dictionary["views"].str.split(", ").map(lambda views, view=view: view in views)]
        table = pd.read_parquet(place / f"{view}.parquet")
        assert set(named["column"]) == set(table.columns), view
        assert named["meaning"].notna().all()
        kinds = dict(zip(named["column"], named["type"], strict=True))
        for column, values in table.items():
            if kinds[str(column)] == "string":
                assert pd.api.types.is_string_dtype(values) or values.isna().all()
            if kinds[str(column)] in ("double", "int64"):
                assert pd.api.types.is_numeric_dtype(values) or values.isna().all()
    environment = json.loads((place / "environment.json").read_text())
    assert environment["hardware"] == [{"hardware": {"host": "one"}, "trials": 3}]
    assert environment["code"][0]["commit"] == "0123456789abcdef"


def test_the_page_says_how_far_it_is(store: Store, tmp_path: Path) -> None:
    export(store, tmp_path / "mine.zip")
    page = (unpacked(tmp_path / "mine.zip", tmp_path / "there") / "README.md").read_text()
    assert "1 done, 1 diverged, 1 failed, 1 waiting. The last row was written at 2026-11-01 00:0" in page
    assert "**The study is not finished**: 1 of its trials have not ended" in page
    assert "commit 0123456789abcdef" in page
    assert "`study_yaml`" in page


def test_the_page_says_what_may_not_be_compared(tmp_path: Path) -> None:
    other = Recipe(losses=("ns",), settings=1, phase="other", measure=synthetic.MEASURE | {"real": 2000})
    folder = synthetic.write(tmp_path / "mine", Recipe(losses=("ns",), settings=1), other)
    export(Store(folder), tmp_path / "mine.zip")
    page = (unpacked(tmp_path / "mine.zip", tmp_path / "there") / "README.md").read_text()
    assert "**The rows of fashion were measured in 2 ways**, and only those of one fingerprint may be comp" in page
    assert "the ways differ in real." in page
    assert "The study is not finished" not in page


def test_a_study_that_has_not_begun(tmp_path: Path) -> None:
    store = study(tmp_path / "new", {})
    assert export(store, tmp_path / "new.zip").rows == 0
    made = back(tmp_path / "new.zip", tmp_path / "there")
    assert views(made.folder) == views(store.folder)
    assert not (made.folder / "compacted").exists()


def test_rows_that_cannot_be_read_are_no_archive(store: Store, tmp_path: Path) -> None:
    damaged = store.row_file(FIRST, 2)
    damaged.write_bytes(b"")
    with pytest.raises(StudyError, match=r"left out 1 of 4 files: .*\(empty\); bring the whole files back, or move"):
        export(store, tmp_path / "mine.zip")
    assert not (tmp_path / "mine.zip").exists()


def test_a_marker_that_cannot_be_read_is_named(store: Store, tmp_path: Path) -> None:
    """A copy that a synchronising program made is none."""
    whole = store.marker_file(FIRST, 1)
    shutil.copy(whole, whole.with_name("attempt-9 (conflicted copy).json"))
    export(store, tmp_path / "mine.zip")
    whole.write_bytes(b"")
    with pytest.raises(
        StudyError, match=r"attempt-1\.json is damaged \(JSONDecodeError.*: it said who made this attem"
    ):
        export(store, tmp_path / "mine.zip")


def test_an_export_that_fails_leaves_the_archive_before_it(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(store, tmp_path / "mine.zip")
    before = contents(tmp_path)

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(archive.readme, "page", full)
    with pytest.raises(OSError, match="no space"):
        export(store, tmp_path / "mine.zip")
    assert contents(tmp_path) == before


def test_many_rows_are_many_groups_and_the_same_rows(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(store, tmp_path / "one.zip")
    monkeypatch.setattr(archive.tables, "PORTION", 1)
    monkeypatch.setattr(archive.tables, "GROUP", 2)
    export(store, tmp_path / "other.zip")
    one, other = (unpacked(tmp_path / name, tmp_path / name[:3]) for name in ("one.zip", "other.zip"))
    for view in VIEWS:
        pd.testing.assert_frame_equal(*(pd.read_parquet(place / f"{view}.parquet") for place in (one, other)))
    made = back(tmp_path / "other.zip", tmp_path / "there")
    assert views(made.folder) == views(store.folder)


def _flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def _cut(path: Path, size: int) -> None:
    path.write_bytes(path.read_bytes()[:size])


def _repack(path: Path, change: Callable[[dict[str, bytes]], None]) -> None:
    """The same archive with other files, sealed as export seals it."""
    with zipfile.ZipFile(path) as packed:
        files = {name: packed.read(name) for name in packed.namelist()}
    change(files)
    with path.open("w+b") as file:
        with zipfile.ZipFile(file, "w") as packed:
            packed.comment = packing.SEAL + b"0" * packing.DIGITS
            for name, content in files.items():
                packed.writestr(name, content)
        packing.seal(file)


def _listed(files: dict[str, bytes], name: str, content: bytes) -> None:
    """Adds a file, also to the manifest."""
    manifest = json.loads(files["mine/MANIFEST.json"])
    manifest["files"][name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    files["mine/MANIFEST.json"] = json.dumps(manifest).encode()
    files[f"mine/{name}"] = content


def _said(files: dict[str, bytes], **changed: Any) -> None:
    files["mine/MANIFEST.json"] = json.dumps(json.loads(files["mine/MANIFEST.json"]) | changed).encode()


def refused(path: Path, results: Path) -> str:
    """The error of an import, which has left nothing behind."""
    with pytest.raises(StudyError) as caught:
        back(path, results)
    assert not results.exists() or not list(results.iterdir())
    return str(caught.value)


def test_a_changed_byte_anywhere_is_refused(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "mine.zip"
    size = export(store, path).size
    whole = path.read_bytes()
    for at in np.random.default_rng(5).integers(0, size, 40):
        path.write_bytes(whole)
        _flip(path, int(at))
        assert str(path) in refused(path, tmp_path / "there")
    path.write_bytes(whole)
    with zipfile.ZipFile(path) as packed:
        about = packed.getinfo("mine/attempts.parquet")
    _flip(path, about.header_offset + 500)
    assert "is damaged in mine/attempts.parquet: bytes were changed" in refused(path, tmp_path / "there")


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.99])
def test_an_archive_that_was_cut_off_is_refused(share: float, store: Store, tmp_path: Path) -> None:
    path = tmp_path / "mine.zip"
    _cut(path, int(share * export(store, path).size))
    assert "does not end as gan-study export writes it" in refused(path, tmp_path / "there")


def test_other_files_are_refused(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "other.zip"
    path.write_bytes(b"a letter to somebody" * 9)
    assert "another kind of file" in refused(path, tmp_path / "there")
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("letter.txt", "to somebody")
    assert "does not end as gan-study export writes it" in refused(path, tmp_path / "there")
    with pytest.raises(FileNotFoundError):
        back(tmp_path / "nowhere.zip", tmp_path / "there")


def _changes() -> Iterator[tuple[str, Callable[[dict[str, bytes]], None]]]:
    for name in ("../outside.txt", "samples/../../outside.png", "/tmp/outside.txt", "rows/x.parquet", ".hidden",
                 f"trials/{FIRST}/lock", "samples/a\\b.png"):  # fmt: skip
        yield "which no study has", lambda files, name=name: _listed(files, name, b"out")
    yield "samples/extra.png is not in its MANIFEST.json", lambda files: files.update({"mine/samples/extra.png": b""})
    yield "study.yaml is not in it", lambda files: files.pop("mine/study.yaml") and None
    yield "plan.parquet is not what MANIFEST.json says", lambda files: files.update({"mine/plan.parquet": b"PAR1"})
    yield (
        "no table of gan-study export",
        lambda files: _listed(files, "attempts.parquet", files["mine/best.parquet"][:99]),
    )
    yield (
        "'../../x' is no trial's id",
        lambda files: _listed(files, "processes.jsonl", b'{"trial": "../../x", "attempt": 1}\n'),
    )
    yield "is no manifest of gan-study export", lambda files: files.update({"mine/MANIFEST.json": b"{}"})
    yield "has no MANIFEST.json", lambda files: files.pop("mine/MANIFEST.json") and None
    yield "archive of version 2 with rows of schema version 3; this", lambda files: _said(files, archive=2)
    yield "use another gan-study", lambda files: _said(files, schema_version=schema.VERSION + 1)


@pytest.mark.parametrize(("words", "change"), list(_changes()), ids=[str(i) for i, _ in enumerate(_changes())])
def test_what_export_would_not_write_is_refused(
    words: str, change: Callable[[dict[str, bytes]], None], store: Store, tmp_path: Path
) -> None:
    path = tmp_path / "mine.zip"
    export(store, path)
    _repack(path, change)
    assert words in refused(path, tmp_path / "there" / "deep")
    assert {each.name for each in tmp_path.iterdir()} <= {"here", "mine.zip", "there"}


@pytest.mark.parametrize("top", ["..", ".", "", "a b", "-x"])
def test_the_folder_in_it_has_a_name(top: str, store: Store, tmp_path: Path) -> None:
    path = tmp_path / "mine.zip"
    export(store, path)

    def change(files: dict[str, bytes]) -> None:
        for name in list(files):
            files[f"{top}/{name.partition('/')[2]}"] = files.pop(name)

    _repack(path, change)
    assert "has no MANIFEST.json" in refused(path, tmp_path / "there" / "deep")


def test_a_study_that_is_there_stays(store: Store, tmp_path: Path) -> None:
    export(store, tmp_path / "mine.zip")
    before = contents(tmp_path)
    with pytest.raises(FileExistsError, match="take another name"):
        back(tmp_path / "mine.zip", tmp_path / "here")
    assert contents(tmp_path) == before


def test_columns_that_are_not_there_yet_are_null(store: Store, tmp_path: Path) -> None:
    """As in an archive of an earlier program of the same schema."""
    path = tmp_path / "mine.zip"
    export(store, path)

    def change(files: dict[str, bytes]) -> None:
        sink = io.BytesIO()
        pq.write_table(pq.read_table(io.BytesIO(files["mine/attempts.parquet"])).drop_columns("energy_joules"), sink)
        _listed(files, "attempts.parquet", sink.getvalue())

    _repack(path, change)
    assert views(back(path, tmp_path / "there").folder) == views(store.folder)


def test_nothing_is_warned_of(store: Store, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        export(store, tmp_path / "mine.zip")
        made = back(tmp_path / "mine.zip", tmp_path / "there")
        with connect(made.folder):
            pass
    shutil.rmtree(made.folder)


@pytest.mark.parametrize(
    ("folder", "name"), [("My Study (copy)", "my-study-copy"), ("Demo.v1", "demo-v1"), ("(", "study"), ("a-", "a-")]
)
def test_a_folder_of_any_name_goes_out_and_comes_back(folder: str, name: str, tmp_path: Path) -> None:
    """The archive's name is one that a study can have."""
    store = study(tmp_path / folder, {FIRST: [Made(1)]})
    export(store, tmp_path / "mine.zip")
    made = back(tmp_path / "mine.zip", tmp_path / "there")
    assert made.folder == tmp_path / "there" / name
    assert views(made.folder) == views(store.folder)
