"""Every picture renders, whatever the study: nothing clipped, nothing written over something else, the same twice."""

import io
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.text import Text

from analysis import captions, pictures
from analysis.captions.words import LIMIT
from analysis.comparison import paper
from analysis.tables import budget, manifold, spread
from analysis.tables.ranks import Ranks

Frame = pd.DataFrame
INF, NAN = np.inf, np.nan
MM_TO_VAE = ("mm", "ns", "ls", "wgan", "wgan_gp", "dragan", "began", "vae")
Size = tuple[tuple[str, ...], tuple[str, ...], int]  # losses, data sets, settings of each
SIZES: dict[str, Size] = {
    "published": (MM_TO_VAE, ("mnist", "fashion", "cifar10", "celeba", "triangles"), 20),
    "several": (("ns", "vae", "other"), ("mnist", "celeba", "own"), 6),
    "small": (("ns", "wgan_gp", "vae"), ("fashion",), 10),
    "least": (("mine_with_a_long_name",), ("own",), 1),
}


@pytest.fixture(params=[pytest.param(name, marks=pytest.mark.slow if name == "published" else ()) for name in SIZES])
def size(request: pytest.FixtureRequest) -> Size:
    return SIZES[request.param]


def settings(size: Size, failing: float = 0.1) -> Frame:
    """As `frames.settings`: scores over several decades, a share of them failed."""
    losses, datasets, count = size
    draw = np.random.default_rng(5)
    where = list(itertools.product(["wide"], datasets, losses, range(1, count + 1)))
    found = pd.DataFrame(where, columns=["phase", "dataset", "loss", "sample"])
    scores = 10 * np.exp(draw.standard_normal(len(found)) * 1.5)
    found["score"] = np.where(draw.random(len(found)) < failing, INF, scores)
    rates, switches = 10 ** draw.uniform(-5, -2, len(found)), pd.array(draw.random(len(found)) < 0.5, dtype="boolean")
    found = found.assign(learning_rate=rates, beta1=draw.random(len(found)), batch_norm=switches)
    return found.assign(choice=found["score"], diverged=0, missing=0, sampler="random", search_seed=0)


def pairs_of(size: Size, *, both: bool) -> Frame:
    losses, datasets, _ = size
    pairs = list((itertools.permutations if both else itertools.combinations)(losses, 2))
    where = [("wide", dataset, *pair) for dataset, pair in itertools.product(datasets, pairs)]
    return pd.DataFrame(where, columns=["phase", "dataset", "first", "second"])


def searches(size: Size) -> Iterator[tuple[str, Any, tuple[Any, ...]]]:
    """Name, arguments of the picture, arguments of its caption."""
    found, metric = settings(size), dict.fromkeys(size[1], "fd_cnn28")
    curves, quartiles = budget.curves(found), spread.quartiles(found)
    tuned = budget.tuning(found)
    one, tuned_one = (rows[rows["dataset"] == size[1][0]] for rows in (curves, tuned))
    yield "budget", (curves, metric), (curves, metric)
    yield "budget", (curves, metric, "median"), (curves, metric, "median")
    yield "budget_bands", (one, metric), (one, metric)
    replaced, finished = budget.published(found), budget.published(found[np.isfinite(found["choice"])])
    yield "published_budget", (replaced, metric, finished), (replaced, metric, finished)
    yield "published_budget", (replaced, metric), (replaced, metric)
    yield "tunings", (tuned, metric), (tuned, metric)
    yield "tuning", (tuned_one, metric), (tuned_one, metric)
    spent = curves.assign(spent=curves["k"] * 1234.5)
    yield "compute", (spent, metric, "GPU-hours"), (spent, metric, "GPU-hours")
    yield "compute", (spent, metric, "GPU-hours", "median"), (spent, metric, "GPU-hours", "median")
    repeated = spent.assign(n=2, low=spent["mean"] * 0.9, high=spent["mean"] * 1.1)
    yield "repeats", (repeated, metric, "GPU-hours"), (repeated, metric, "GPU-hours")
    yield "boxes", (found, quartiles, metric), (quartiles, metric)
    both = pd.concat([found, found[found["sample"] % 2 == 0].assign(phase="narrow")])
    yield "boxes", (both, spread.quartiles(both), metric), (spread.quartiles(both), metric)
    one_loss = found[found["loss"] == size[0][-1]]
    yield "sensitivity", (pd.concat([one_loss, one_loss.assign(beta1=2.0)]), metric), (one_loss, metric)
    stable = found[found["sample"] == 1].assign(
        seeds=20, failed=3, median=found["score"], low=found["score"] * 0.9, high=found["score"] * 1.1
    )
    runs = pd.concat([found.assign(seed=seed) for seed in range(5)])
    yield "seeds", (runs, stable, metric), (stable, metric)
    steps = pd.concat([found.assign(step=step, mean=50.0 / step, low=40.0 / step, high=60.0 / step, n=2)
                       for step in (100, 5000, 100_000)])  # fmt: skip
    steps = steps[steps["sample"] == 1]
    yield "learning", (steps, metric), (steps, metric)
    shares = found[found["sample"] == 1].drop(columns="sample").merge(
        pd.DataFrame({"hyperparameter": ["learning_rate", "k_learning_rate", "clip"], "importance": [0.7, 0.2, 0.1]}),
        how="cross",
    )  # fmt: skip
    shares = shares.assign(low=shares["importance"] / 2, high=shares["importance"] * 1.2)
    yield "importances", (shares,), (shares,)


def comparisons(size: Size) -> Iterator[tuple[str, Any, tuple[Any, ...]]]:
    losses, datasets, count = size
    if len(losses) > 1:
        every, one_way = pairs_of(size, both=True), pairs_of(size, both=False)
        share = np.linspace(0, 1, len(every))
        beats = every.assign(k=5, probability=share, low=share / 2, high=(1 + share) / 2, meaningful=share > 0.8)
        yield "beats", (beats,), (beats,)
        along = pd.concat([beats.assign(k=k, probability=beats["probability"] / k) for k in (1, 5, 20)])
        along = along[along["second"] == "ns"]
        yield "beats_by_budget", (along,), (along,)
        ends = [5.0, NAN, 12.0, 3.0], [2.0, NAN, 4.0, 1.0], [INF, NAN, 20.0, 7.0]
        crossed = one_way.assign(n=count, most=count, probability=0.6)
        for name, values in zip(("budget", "low", "high"), ends, strict=True):
            crossed[name] = np.resize(values, len(crossed))
        yield "crossings", (crossed,), (crossed,)
        likely = one_way.assign(better=0.3, equivalent=0.5, worse=0.2, n=6)
        yield "practical", (likely,), (likely,)
        likely = pd.concat(
            [
                likely,
                likely[likely["dataset"] == datasets[0]].assign(
                    dataset="all", better=0.96, equivalent=0.03, worse=0.01
                ),
            ]
        )
        yield "practical", (likely,), (likely,)
        unknown = likely.assign(better=NAN, equivalent=NAN, worse=NAN)
        yield "practical", (unknown,), (unknown,)
    means = pd.DataFrame({"loss": losses, "mean": np.linspace(0.7, 1.9, len(losses))}).assign(phase="wide")
    means = means.assign(low=means["mean"] - 0.1, high=means["mean"] + 0.2, runs=50, datasets=len(datasets), failed=3)
    means.loc[means.index[-1], ["mean", "low", "high"]] = (INF, NAN, NAN)
    yield "interquartile_means", (means,), (means,)
    profiles = means[["phase", "loss"]].merge(
        pd.DataFrame({"at": [0.3, 1.0, 9.0], "share": [0.1, 0.6, 0.9]}), how="cross"
    )
    profiles = profiles.assign(low=profiles["share"] - 0.1, high=profiles["share"] + 0.1)
    yield "profiles", (profiles,), (profiles,)
    found = ranks(losses, datasets)
    yield "ranks", (found,), (found,)
    where = list(itertools.product(["wide"], losses, datasets, datasets))
    moved = pd.DataFrame(where, columns=["phase", "loss", "chosen_on", "used_on"])
    moved["regret"] = np.resize([1.0, 1.234, 2.5, INF, 33.0, NAN], len(moved))
    yield "transfers", (moved,), (moved,)


def ranks(losses: tuple[str, ...], datasets: tuple[str, ...]) -> Ranks:
    frame = pd.DataFrame({"loss": losses, "rank": np.linspace(1.2, max(1.2, len(losses) - 0.3), len(losses))})
    tested = len(losses) > 2
    return Ranks(
        phase="wide", frame=frame, critical_difference=2.1 if tested else NAN, statistic=NAN, p_value=NAN,
        datasets=datasets, losses=losses, cliques=(losses[:3], losses[2:6]) if tested else (), power=0.02, seed=1,
        sentence="With few data sets and many losses there is almost no power. " * 5,
    )  # fmt: skip


Drawn = tuple[str, Figure, str]


def drawn(size: Size, made: Callable[..., Any]) -> Iterator[Drawn]:
    for name, shown, told in made(size):
        yield name, getattr(pictures, name)(*shown), getattr(captions, name)(*told)


def of_qualities(size: Size) -> Iterator[tuple[str, Any, tuple[Any, ...]]]:
    """F1, precision and recall, of the first data set; with published points up to a budget of 70, and without."""
    found, draw = settings(size), np.random.default_rng(6)
    found = found[found["dataset"] == size[1][0]].assign(seeds=1, done=1, by="f1")
    for name in ("f1", "precision", "recall"):
        found[name] = np.where(np.isinf(found["score"]), 0.0, draw.random(len(found)) ** 2)
    found = found.assign(choice=found["f1"], failed=np.isinf(found["score"]).astype(int), sample=found["sample"] - 1)
    curves = manifold.curves(found)
    if len(curves):
        yield "qualities", (curves, paper.triangles()), (curves,)
        yield "qualities", (curves[curves["quality"] != "f1"],), (curves[curves["quality"] != "f1"],)
        for name in ("f1", "recall"):
            yield "quality_bands", (curves[curves["quality"] == name],), (curves[curves["quality"] == name],)
    yield "score_against_f1", (found, "fd_cnn28"), (found, "fd_cnn28")


@pytest.mark.parametrize("made", [searches, comparisons, of_qualities], ids=["searches", "comparisons", "qualities"])
def test_nothing_is_clipped_and_no_words_overlap(size: Size, made: Callable[..., Any]) -> None:
    for name, figure, caption in drawn(size, made):
        assert 20 < len(caption) <= LIMIT, f"{name}: {len(caption)} characters: {caption}"
        assert "nan" not in caption, caption
        _check(name, figure)


def test_panels_of_losses_with_long_names_have_whole_titles() -> None:
    found = settings((("mine_with_a_long_name", "another_quite_long_name", "wgan_gp"), ("fashion",), 24), failing=0.5)
    _check("budget_bands", pictures.budget_bands(budget.curves(found), "fid"))


def test_equal_frames_make_equal_files() -> None:
    found = settings(SIZES["small"])
    for make in (
        lambda: pictures.budget_bands(budget.curves(found), "fid"),
        lambda: pictures.boxes(found, spread.quartiles(found), "fid"),
        lambda: pictures.sensitivity(found, "fid"),
    ):
        for form in ("png", "pdf"):
            assert _file(make(), form) == _file(make(), form)


def test_a_study_of_failures_only_has_pictures_that_say_so() -> None:
    found = settings(SIZES["small"], failing=1.1)
    for figure in (
        pictures.budget(budget.curves(found), "fid"),
        pictures.boxes(found, spread.quartiles(found), "fid"),
        pictures.tuning(budget.tuning(found), "fid"),
    ):
        assert "nothing finite" in "".join(text.get_text() for text in _texts(figure))


def test_a_data_set_on_which_no_setting_finished_keeps_its_panel_in_the_published_form() -> None:
    found = settings((("ns", "mm"), ("mnist", "fashion"), 3), failing=0)
    found.loc[found["dataset"] == "fashion", ["score", "choice"]] = INF
    finished = budget.published(found[np.isfinite(found["choice"])])
    figure = pictures.published_budget(budget.published(found), "fid", finished)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["mnist", "fashion"]
    assert [[text.get_text() for text in axes.texts] for axes in figure.axes] == [[], ["no setting finished"]]


def test_importances_have_a_panel_per_loss_whatever_the_data_sets() -> None:
    rows = [(loss, name, "clip", 1.0, 0.5, 1.0) for loss in ("mm", "wgan") for name in ("mnist", "celeba")]
    found = pd.DataFrame(rows, columns=["loss", "dataset", "hyperparameter", "importance", "low", "high"])
    for frame, keys in ((found, ["mnist", "celeba"]), (found[found["dataset"] == "celeba"], [])):
        figure = pictures.importances(frame)
        assert [axes.get_title(loc="left") for axes in figure.axes] == ["mm", "wgan"]
        assert [text.get_text() for legend in figure.legends for text in legend.get_texts()] == keys


def test_panels_name_the_metric_where_data_sets_differ_in_it() -> None:
    found = settings((("ns",), ("fashion", "mnist"), 3))
    figure = pictures.budget(budget.curves(found), {"mnist": "fid", "fashion": "fd_cnn28"})
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["mnist: fid", "fashion: fd_cnn28"]
    figure = pictures.budget(budget.curves(found), {"mnist": "fid", "fashion": "fid"})
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["mnist", "fashion"]


def test_the_legend_has_the_failed_share_over_all_data_sets() -> None:
    found = settings((("ns",), ("fashion", "mnist"), 4), failing=0)
    found.loc[[0, 1, 5], ["score", "choice"]] = INF
    figure = pictures.budget(budget.curves(found), "fid")
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["ns: 3/8 failed"]


def _check(name: str, figure: Figure) -> None:
    """Fails where words leave the picture, or lie over each other."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    written = _texts(figure)
    texts = [(text.get_text(), text.get_window_extent()) for text in written]
    width, height = canvas.get_width_height()
    for words, box in texts:
        inside = box.x0 >= -1 and box.y0 >= -1 and box.x1 <= width + 1 and box.y1 <= height + 1
        assert inside, f"{name}: {words!r} is clipped"
    upright = [place for place, text in zip(texts, written, strict=True) if text.get_rotation() in (0, 90)]
    for (one, a), (other, b) in itertools.combinations(upright, 2):
        over = min(a.x1, b.x1) - max(a.x0, b.x0) > 1 and min(a.y1, b.y1) - max(a.y0, b.y0) > 3
        assert not over, f"{name}: {one!r} lies over {other!r}"


def _texts(figure: Figure) -> list[Text]:
    """What is written and can be seen; numbers along an axis only where they are within it."""
    found = list(figure.texts)
    for legend in figure.findobj(Legend):
        found += legend.get_texts()
    for axes in figure.axes:
        found += [*axes.texts, axes.title, axes._left_title]
        for axis in (axes.xaxis, axes.yaxis) if axes.axison else ():
            if not axis.get_visible():
                continue
            ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
            found += [axis.label, *(tick.label1 for tick in ticks if _within(axis, tick.get_loc()))]
    return [text for text in found if text.get_visible() and text.get_text().strip()]


def _within(axis: Any, place: float) -> bool:
    low, high = sorted(axis.get_view_interval())
    return bool(low <= place <= high)


def _file(figure: Figure, form: str) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format=form, metadata={"CreationDate": None} if form == "pdf" else {})
    return buffer.getvalue()
