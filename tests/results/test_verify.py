"""Verification names whatever is missing or damaged, and nothing else."""

import random
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from study import durable, plan, source, spec
from study.errors import StudyError
from study.identity import digest
from study.provenance import keep_study
from study.results import artefacts, manifest, rowfile
from study.results.compact import compact
from study.results.manifest import Part
from study.results.store import Store, plan_table, read_plan, read_plan_table, write_plan_table
from study.results.verify import verify
from tests.conftest import run_here, tiny_study
from tests.results import studies
from tests.results.studies import Made
from tests.results.synthetic import PLANNED, TRIALS, done, files, new_store, row, write

PATCH = b"diff --git a/study/cost.py b/study/cost.py\n"


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Store:
    """A study that was really run, out of a checkout with a change: two trials, one attempt of a third that failed, and
    one nobody was at.
    """
    store = Store(tmp_path_factory.mktemp("measured") / "tiny")
    study = tiny_study(losses=["ns"], phases=[{"name": "wide", "space": "wide", "settings": 4}])
    planned = plan.build(study, {})
    store.write_plan([each.row(i) for i, each in enumerate(planned)], spec.dump(study))
    with pytest.MonkeyPatch.context() as checkout:
        checkout.setattr(source, "patch", lambda: PATCH)
        checkout.setattr(source, "origin", lambda: {"commit": "c" * 40, "dirty": True, "diff": source.digest(PATCH)})
        for each in planned[:2]:
            run_here(each, store, data, study_yaml=keep_study(store, spec.dump(study)))
    failed = {"exception": "OSError", "trace": f"trials/{planned[2].trial.id}/trace-1.txt"}
    write(store, row(planned[2], 1, 10, fd=1.0), row(planned[2], 1, 10, "failed", **failed))
    store.sample_file(planned[2].trial.id, 10).write_bytes(next(store.samples.iterdir()).read_bytes())
    durable.write_bytes(store.trace_file(planned[2].trial.id, 1), b"Traceback")
    return store


@pytest.fixture
def loose(measured: Store, tmp_path: Path) -> Store:
    """A copy of it."""
    shutil.copytree(measured.folder, tmp_path / "loose")
    return Store(tmp_path / "loose")


@pytest.fixture(params=["loose", "compacted"])
def whole(request: pytest.FixtureRequest, measured: Store, tmp_path: Path) -> Store:
    """A copy of it, as it was written or compacted."""
    shutil.copytree(measured.folder, tmp_path / "tiny")
    store = Store(tmp_path / "tiny")
    if request.param == "compacted":
        assert compact(store).attempts == 3
    return store


def faults(store: Store) -> list[tuple[str, str]]:
    """Where something is wrong, below the study's folder, and what."""
    return [
        (each.where.replace(f"{store.folder}/", ""), each.what) for each in verify(store, digest).found if each.fault
    ]


def told(store: Store) -> list[str]:
    return [each.what for each in verify(store, digest).found if not each.fault]


def test_a_whole_study_has_no_faults_and_is_not_changed(whole: Store) -> None:
    before = files(whole)
    found = verify(whole, digest)
    assert found.found == []
    assert found.rows == 8
    assert found.files == 2 + 3 + 3 + 7 + 2 + 1 + 2  # 3: of rows, or compacted; 3: of provenance; 2: markers
    assert files(whole) == before


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def change(path: Path) -> None:
    content = path.read_bytes()
    place = len(content) // 2
    path.write_bytes(content[:place] + bytes([content[place] ^ 16]) + content[place + 1 :])


@pytest.mark.parametrize("damage", [Path.unlink, cut, change], ids=["missing", "cut", "changed"])
@pytest.mark.parametrize("pattern", ["provenance/source-*", "provenance/diff-*", "provenance/study-*"])
def test_provenance(damage: Callable[[Path], None], pattern: str, whole: Store) -> None:
    (path,) = whole.folder.glob(pattern)
    damage(path)
    ((where, _),) = faults(whole)
    assert where == str(path.relative_to(whole.folder))


@pytest.mark.parametrize(
    ("folder", "damage"),
    [("samples", Path.unlink), ("samples", cut), ("samples", change), ("generators", Path.unlink), ("generators", cut)],
)
def test_pictures_and_weights(folder: str, damage: Callable[[Path], None], whole: Store) -> None:
    path = sorted((whole.folder / folder).iterdir())[0]
    damage(path)
    ((where, what),) = faults(whole)
    assert path.name in where + what
    shutil.rmtree(whole.folder / folder)  # left out on purpose, as an export can do
    assert faults(whole) == []
    assert len(told(whole)) == 1


def test_the_traceback_of_a_failure(whole: Store) -> None:
    (path,) = whole.folder.glob("trials/*/trace-1.txt")
    path.unlink()
    assert [where for where, _ in faults(whole)] == [str(path.relative_to(whole.folder))]


@pytest.mark.parametrize("damage", [Path.unlink, cut, change], ids=["missing", "cut", "changed"])
def test_the_plan(damage: Callable[[Path], None], whole: Store) -> None:
    damage(whole.plan_file)
    assert faults(whole)[0][0] == "plan.parquet"


def test_no_bit_of_the_plan_can_change_unseen(store: Store) -> None:
    """Parquet has no checksum of a value: without one of the file a learning rate becomes another."""
    whole, random_ = store.plan_file.read_bytes(), random.Random(5)
    for _ in range(300):
        changed = bytearray(whole)
        changed[random_.randrange(len(whole))] ^= 1 << random_.randrange(8)
        store.plan_file.write_bytes(changed)
        with pytest.raises(StudyError, match=r"plan\.parquet"):
            read_plan_table(store.plan_file)


@pytest.mark.parametrize(
    ("column", "value"),
    [("learning_rate", 0.5), ("clip", 0.1), ("batch_norm", None), ("loss", "wgan"), ("variant", "as_printed"),
     ("dataset", "mnist"), ("seed", 9), ("steps", 31)],
)  # fmt: skip
def test_a_plan_says_what_its_trials_are(column: str, value: object, store: Store) -> None:
    rows = read_plan(store.plan_file)
    rows[3][column] = value
    write_plan_table(store.plan_file, plan_table(rows))
    assert faults(store) == [("plan.parquet", f"trial {TRIALS[3]}: {column} are not what its content says")]


def test_the_study(whole: Store) -> None:
    whole.study_file.unlink()
    assert faults(whole) == [("study.yaml", "it is missing")]
    whole.study_file.write_bytes(b"")
    assert faults(whole) == [("study.yaml", "it is empty")]
    whole.study_file.write_text("name: [")
    ((where, what),) = faults(whole)
    assert where == "study.yaml"
    assert what.startswith("it cannot be read (")


def test_markers(whole: Store) -> None:
    """Who made an attempt is said nowhere else; what a file's name says may be another attempt."""
    first, second = sorted(whole.markers())
    first.write_bytes(b"")
    second.write_text('{"attempt": 2}')
    copy = shutil.copy(second, second.with_name("attempt-1 (conflicted copy).json"))
    found = dict(faults(whole))
    assert found.keys() == {str(path.relative_to(whole.folder)) for path in (first, second, copy)}
    assert all("damaged" in what for what in found.values())


def test_what_a_check_stumbles_over_hides_nothing_else(store: Store) -> None:
    """Content that is no JSON, in a file that is whole."""
    rows = read_plan(store.plan_file)
    rows[0] |= {"content": "none", "trial": digest("none")}
    write_plan_table(store.plan_file, plan_table(rows))
    damaged = write(store, *done(PLANNED[1]))
    damaged.write_bytes(b"")
    first, *others = faults(store)
    assert first[1].startswith("its plan could not be checked: JSONDecodeError: ")
    assert (f"rows/{damaged.name}", "empty") in others


def lost(store: Store) -> dict[str, str]:
    """Trial -> what says that its rows are lost."""
    return {
        where.removeprefix("trial "): what.partition("there are ")[2].partition(", of which")[0]
        for where, what in faults(store)
        if "its rows are lost" in what
    }


EVERYTHING = "pictures of steps 10, 20, 30 and the weights of its end"


def test_rows_that_are_lost(loose: Store) -> None:
    """Pictures and weights are there: an attempt writes them before the rows."""
    trial = min(path.stem for path in loose.generators.iterdir())
    rows, path = loose.read(trial), loose.row_file(trial, 1)
    path.unlink()
    assert lost(loose) == {trial: EVERYTHING}
    loose.write(trial, 1, rows[:2])
    assert lost(loose) == {trial: "the weights of its end"}
    loose.generator_file(trial).unlink()
    assert faults(loose) == []  # a kill may have come between the picture and its row
    path.unlink()
    assert lost(loose) == {trial: "pictures of steps 10, 20, 30"}


def test_compacted_rows_that_are_lost(loose: Store) -> None:
    """Nothing names the folder once its manifest is gone with it."""
    compact(loose)
    shutil.rmtree(loose.compacted)
    assert lost(loose) == {path.stem: EVERYTHING for path in loose.generators.iterdir()}
    assert all("or the folder compacted" in each.remedy for each in verify(loose, digest).found if each.fault)


def test_rows_are_not_lost_that_a_kill_came_before(loose: Store) -> None:
    """Weights, then the row: what was killed between leaves a heartbeat, or a checkpoint."""
    trial = min(path.stem for path in loose.generators.iterdir())
    loose.write(trial, 1, loose.read(trial)[:2])
    assert lost(loose) == {trial: "the weights of its end"}
    for left in (loose.heartbeat_file(trial), loose.trial_folder(trial) / "checkpoint-20.pt"):
        left.write_bytes(b"")
        assert faults(loose) == []
        left.unlink()
    with durable.lock(loose.trial_lock(trial), wait=False):  # as a process does that runs now
        assert faults(loose) == []
    last = loose.read(trial)[-1]
    loose.write(
        trial, 1, [*loose.read(trial), {**last, "status": "failed", "fd_cnn28": None, "fd_cnn28_selection": None}]
    )
    assert faults(loose) == []  # a disk was full, say
    durable.write_json(loose.marker_file(trial, 2), {"attempt": 2})
    assert lost(loose) == {trial: "the weights of its end"}


def test_studies_of_killed_attempts_are_whole(tmp_path: Path) -> None:
    trials = [row["trial"] for row in studies.plan()]
    histories = {
        trials[0]: [Made(0, 0, 0), Made(1, 0, 1), Made(2, 1, 1, "failed"), Made(3, 2, 1)],
        trials[1]: [Made(0, 0, 2, "failed"), Made(5, 1, 0)],
        trials[2]: [Made(0, 0, 1), Made(2, 0, 2, "diverged")],
        trials[3]: [Made(0, 0, 2)],
    }
    store = studies.study(tmp_path / "killed", histories)
    store.sample_file(trials[3], studies.STEPS[2]).write_bytes(b"")  # the kill came before its row
    for _ in range(2):
        assert lost(store) == {}
        assert "the traceback of an attempt without a row of its failure" not in told(store)
        compact(store)


def test_a_traceback_without_a_row_is_told(whole: Store) -> None:
    """The process may have been killed as it failed."""
    (path,) = whole.folder.glob("trials/*/trace-1.txt")
    shutil.copy(path, path.with_name("trace-2.txt"))
    assert faults(whole) == []
    assert told(whole) == ["the traceback of an attempt without a row of its failure"]


def test_no_bit_of_a_picture_can_change_unseen(whole: Store) -> None:
    path, random_ = min(whole.samples.iterdir()), random.Random(7)
    content = path.read_bytes()
    assert artefacts.is_picture(path)
    for _ in range(300):
        changed = bytearray(content)
        changed[random_.randrange(len(content))] ^= 1 << random_.randrange(8)
        path.write_bytes(changed)
        assert not artefacts.is_picture(path)
    (whole.samples / "folder.png").mkdir()
    assert not artefacts.is_picture(whole.samples / "folder.png")


def test_what_was_left_behind_is_no_fault(whole: Store) -> None:
    (whole.rows / ".0123456789abcdef.001.parquet.x.aside").write_bytes(b"half")
    compacted = whole.manifest_file.exists()
    if compacted:
        (whole.compacted / "000002-abcdef-0.parquet").write_bytes(b"half")
    assert faults(whole) == []
    assert len(told(whole)) == 1 + compacted


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return new_store(tmp_path / "synthetic")


def test_whole_rows_have_no_faults(store: Store) -> None:
    write(store, *done(PLANNED[0]))
    write(store, row(PLANNED[1], 1, 10, fd=1.0), row(PLANNED[1], 1, 10, "failed"))
    write(store, row(PLANNED[1], 2, 20, fd=1.0), row(PLANNED[1], 2, 30, "diverged"))
    assert faults(store) == []
    compact(store)
    assert faults(store) == []


FIRST = done(PLANNED[0])
WRONG = {
    "in the order of their steps": FIRST[::-1],
    "it has a row twice": [*FIRST, FIRST[-1]],
    "a row has no status": [*FIRST[:2], {**FIRST[2], "status": None}],
    "a row has no step": [*FIRST[:2], {**FIRST[2], "step": None}],
    "a row has the status 'maybe'": [*FIRST[:2], {**FIRST[2], "status": "maybe"}],
    "measured in more than one way": [*FIRST[:2], {**FIRST[2], "fingerprint": "{}"}],
    "is that of another trial": [{**each, "content": PLANNED[1].trial.content} for each in FIRST],
}


@pytest.mark.parametrize("what", WRONG)
def test_rows_that_cannot_be(what: str, store: Store) -> None:
    rows = WRONG[what]
    path = store.row_file(rows[0]["trial"], rows[0]["attempt"])
    write_plan_table(path, rowfile.table_of(rows, list(rows[0])))  # whole, and as no attempt of this program writes it
    ((where, told), *_) = faults(store)
    assert where == str(path.relative_to(store.folder))
    assert what in told


def test_files_that_are_not_whole(store: Store) -> None:
    paths = [write(store, *done(planned)) for planned in PLANNED[:5]]
    cut(paths[0])
    change(paths[1])
    paths[2].write_bytes(b"")
    pq.write_table(pa.table({"a": [1]}), paths[3])
    shutil.copy(paths[4], store.row_file(TRIALS[5], 1))
    shutil.copy(paths[4], store.rows / "notes.parquet")
    store.row_file(TRIALS[6], 1).symlink_to("nowhere")
    found = dict(faults(store))
    others = [f"{TRIALS[5]}.001.parquet", f"{TRIALS[6]}.001.parquet", "notes.parquet"]
    names = [path.name for path in paths[:4]] + others
    assert found.keys() == {f"rows/{name}" for name in names}
    assert found[f"rows/{TRIALS[5]}.001.parquet"].startswith(f"a copy of {paths[4].name}")
    assert verify(store, digest).rows == 3


def test_an_evaluation_is_missing_before_a_later_one(store: Store) -> None:
    write(store, row(PLANNED[0], 1, 10, fd=1.0))
    write(store, row(PLANNED[0], 2, 30, fd=1.0))
    expected = [(f"trial {TRIALS[0]}", "measured at step 30 and not at 20")]
    assert faults(store) == expected
    compact(store)
    assert faults(store) == expected
    write(store, row(PLANNED[1], 1, 10, fd=1.0), row(PLANNED[1], 1, 15, fd=1.0))
    assert (f"trial {TRIALS[1]}", "measured at step 15, which its plan has not") in faults(store)


def test_rows_of_strangers_are_no_fault(store: Store) -> None:
    content = PLANNED[0].trial.content.replace('"seed":0', '"seed":7')
    write(store, *({**each, "trial": digest(content), "content": content} for each in FIRST))
    assert faults(store) == []
    assert f"3 rows are of trials that it has not, such as {digest(content)}" in told(store)


@pytest.fixture
def compacted(store: Store) -> Store:
    for planned in PLANNED:
        write(store, *done(planned))
    compact(store)
    return store


@pytest.mark.parametrize("damage", [Path.unlink, cut, change], ids=["missing", "cut", "changed"])
@pytest.mark.parametrize("kind", ["segment", "index"])
def test_compacted_files(damage: Callable[[Path], None], kind: str, compacted: Store) -> None:
    found = manifest.read(compacted)
    assert found.index is not None
    part = found.index if kind == "index" else found.segments[0]
    damage(compacted.compacted / part.file)
    assert next(iter(faults(compacted)))[0] == f"compacted/{part.file}"


def test_a_manifest_that_is_gone(compacted: Store) -> None:
    compacted.manifest_file.unlink()
    where, what = faults(compacted)[0]
    assert where == "compacted/manifest.json"
    assert "is gone" in what


def test_a_manifest_that_is_older_than_what_is_beside_it(compacted: Store) -> None:
    old = compacted.manifest_file.read_bytes()
    write(compacted, *done(PLANNED[0], attempt=2))
    compact(compacted)
    newest = manifest.read(compacted).segments[0].file
    compacted.manifest_file.write_bytes(old)
    ((where, what),) = faults(compacted)
    assert where == f"compacted/{newest}"
    assert f"only it has some rows of attempt 2 at trial {TRIALS[0]}" in what


@pytest.mark.parametrize("damage", [cut, change], ids=["cut", "changed"])
def test_a_damaged_manifest(damage: Callable[[Path], None], compacted: Store) -> None:
    damage(compacted.manifest_file)
    assert faults(compacted)  # of itself, or of what it no longer names right


def forge(store: Store, change: Callable[[pa.Table], pa.Table]) -> None:
    """Another segment, which the manifest names as it is."""
    found = manifest.read(store)
    path = store.compacted / found.segments[0].file
    table = change(pq.read_table(path)).replace_schema_metadata({"schema_version": "3"})
    pq.write_table(table, path)
    part = Part(path.name, durable.sha256(path), len(table))
    durable.write_json(store.manifest_file, asdict(replace(found, segments=(part,))))


def unmark(table: pa.Table) -> pa.Table:
    return table.set_column(table.column_names.index("best"), "best", pc.invert(table["best"]))


def fill(table: pa.Table, name: str, value: object) -> pa.Table:
    """The same value on every row."""
    at = table.column_names.index(name)
    return table.set_column(at, name, pa.array([value] * len(table), table.schema.field(name).type))


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda table: fill(table, "status", "maybe"), "a row has the status 'maybe'"),
        (lambda table: fill(table, "status", None), "a row has no status"),
        (lambda table: fill(table, "steps", None), "a row has no steps"),
        (lambda table: table.slice(1), "does not say what the compacted rows are"),
        (lambda table: table.take(pa.array([1, 0, *range(2, len(table))])), "not in the order of trial, attempt"),
        (unmark, "its columns counts, last, best are not what its rows make of them"),
        (lambda table: fill(table, "trial", TRIALS[0]), "is that of another trial"),
        (lambda table: table.drop_columns(["status"]), "no column status"),
    ],
    ids=["status", "no status", "no steps", "fewer", "order", "marks", "content", "columns"],
)  # fmt: skip
def test_segments_that_are_whole_and_wrong(change: Callable[[pa.Table], pa.Table], what: str, compacted: Store) -> None:
    forge(compacted, change)
    assert any(what in told for _, told in faults(compacted))
