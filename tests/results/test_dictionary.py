"""The dictionary has every column of every view under the meaning that it has there."""

from functools import partial

import pytest

from study import parts
from study.data.catalogue import find
from study.measures import MANIFOLD, METRICS, load_metric
from study.measures.contracts import Picturing
from study.measures.polygons import Polygons
from study.results import Store, connect, dictionary, metrics, schema
from study.results.query import VIEWS
from tests.analysis import synthetic
from tests.analysis.synthetic import Recipe


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """One loss, two settings; the second diverges."""
    folder = tmp_path_factory.mktemp("results") / "small"
    recipe = Recipe(("ns",), settings=2, ending=lambda loss, sample, seed: "diverged" if sample else "done")
    return Store(synthetic.write(folder, recipe))


def test_every_column_of_every_view_is_there_once(store: Store) -> None:
    entries = dictionary.of_study(store.folder)
    with connect(store.folder) as database:
        columns = {view: database.table(view).columns for view in VIEWS}
        types = {view: dict(zip(columns[view], map(str, database.table(view).types), strict=True)) for view in VIEWS}
    for view in VIEWS:
        told = [entry.column.name for entry in entries if view in entry.views]
        assert sorted(told) == sorted(columns[view])
    spelled = {
        "VARCHAR": "string", "VARCHAR[]": "list<item: string>", "BIGINT": "int64", "DOUBLE": "double",
        "BOOLEAN": "bool", "TIMESTAMP WITH TIME ZONE": "timestamp[us, tz=UTC]",
    }  # fmt: skip
    for entry in entries:
        assert {spelled[types[view][entry.column.name]] for view in entry.views} == {entry.facts["type"]}, entry
        assert entry.column.meaning


def test_a_name_with_two_meanings_has_two_entries() -> None:
    found = [(entry.column.name, entry.views) for entry in dictionary.general()]
    assert [views for name, views in found if name == "status"] == [("evaluations", "best", "attempts"), ("trials",)]
    assert [views for name, views in found if name == "score"] == [
        ("evaluations", "best", "attempts"), ("trials",), ("settings",)
    ]  # fmt: skip
    assert len(set(found)) == len(found)


def test_metric_columns_are_a_pattern_without_a_study_and_names_with_one(store: Store) -> None:
    general = [entry.column.name for entry in dictionary.general()]
    patterns = [name for name in general if "_selection" in name and name != "selection_score"]
    assert patterns == [
        "fid, fd_EXTRACTOR, ..._selection", "f1, ..._selection", "precision, ..._selection", "recall, ..._selection",
        "f1_low, f1_high, precision_low, precision_high, recall_low, recall_high, ..._selection",
        "precision_distance_PERCENT, ..._selection", "recall_distance_PERCENT, ..._selection",
    ]  # fmt: skip
    ours = [entry.column.name for entry in dictionary.of_study(store.folder)]
    assert [name for name in ours if name not in general] == ["fd_cnn28", "fd_cnn28_selection"]
    assert [name for name in general if name not in ours] == patterns
    at = general.index(patterns[0])
    after = general[at + len(patterns)]
    assert ours[at - 1 : at + 3] == [general[at - 1], "fd_cnn28", "fd_cnn28_selection", after]


def test_every_metric_column_has_one_meaning_and_its_unit() -> None:
    """Shares are shares, distances are L2; a twin says that it is against the other split."""
    units = {"fid": "Fréchet distance", "fd_cnn28": "Fréchet distance"}
    units |= {name: "L2" if "distance" in name else "share" for name in MANIFOLD}
    for name, unit in units.items():
        for end in ("", "_selection"):
            assert schema.METRIC.fullmatch(name + end)
            found = metrics.described(name + end)
            assert (found.name, found.type, found.unit, found.measured) == (name + end, schema.NUMBER, unit, True)
            assert found.meaning.endswith(metrics.TWIN) == bool(end)
            assert sum(pattern.fullmatch(name) is not None for pattern in metrics.KINDS) == 1
    with pytest.raises(ValueError, match="not enough values"):
        metrics.described("precision_lowest")


def test_what_has_a_picture_is_told_by_its_columns() -> None:
    """The table of metrics with pictures, which reads no metric, says what they say."""
    for name, entry in METRICS.items():
        constants = {"manifold": parts.Manifold().model_dump()}.get(name, {})
        made = load_metric(name, constants, partial(Polygons, find("triangles").options))
        assert isinstance(made, Picturing) == (name in metrics.PICTURED)
        if name in metrics.PICTURED:
            assert metrics.PICTURED[name] in entry.columns
    assert metrics.PICTURED.keys() <= METRICS.keys()


def test_counts_and_examples_are_of_the_study(store: Store) -> None:
    """done: rows at 100, 200 and 300; diverged: at 100, 200 and its end; the trials' view is named first."""
    found = {(entry.column.name, entry.views[0]): entry for entry in dictionary.of_study(store.folder)}
    assert (found["fd_cnn28", "evaluations"].rows, found["step", "evaluations"].rows) == (5, 6)
    assert (found["status", "trials"].rows, found["message", "trials"].rows) == (2, 1)
    assert found["message", "trials"].example == "generator_loss is nan"
    assert found["loss", "trials"].example == "ns"
    content = found["content", "trials"].example
    assert content is not None
    assert content.endswith("...")
    assert len(content) == dictionary.SHORT
    assert (found["job", "evaluations"].rows, found["job", "evaluations"].example) == (0, None)


def test_measured_and_since_are_the_schemas() -> None:
    facts = {entry.column.name: entry.facts for entry in dictionary.general()}
    assert all(facts[name]["measured"] == schema.is_measured(name) for name in schema.COLUMNS)
    assert {name for name, fact in facts.items() if fact["since"] == 3} == set(schema.SINCE)
    assert set(schema.SINCE) <= set(schema.COLUMNS)


def test_markdown_is_a_table_that_pipes_do_not_break(store: Store) -> None:
    text = dictionary.markdown(dictionary.of_study(store.folder), study=True)
    views, columns = text.split("\n\n")
    assert views.count("\n") == 1 + len(VIEWS)
    header = columns.splitlines()[0]
    assert header == "| column | views | type | unit | meaning | measured | since | rows | example |"
    assert {line.replace("\\|", "").count("|") for line in columns.splitlines()} == {header.count("|")}
