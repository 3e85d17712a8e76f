"""Where the figures put what a frame says: positions, colours, labels, edges. How they look is for eyes."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import same_color, to_hex
from matplotlib.figure import Figure

from analysis import scales, style
from analysis.comparison import paper
from analysis.comparison.sides import SHARES
from analysis.figures import (
    budgets,
    comparisons,
    heatmaps,
    hyperparameters,
    learning,
    marks,
    ranges,
    ranks,
    shares,
    spreads,
)
from analysis.tables import budget, spread

INF, NAN = np.inf, np.nan


@pytest.fixture
def axes() -> Axes:
    return Figure().add_subplot()


def frame(columns: str, *rows: tuple[Any, ...]) -> pd.DataFrame:
    """Rows of one phase and data set."""
    return pd.DataFrame(rows, columns=columns.split()).assign(phase="wide", dataset="fashion")


def settings(scores: dict[str, list[float]], phase: str = "wide", first: int = 1) -> pd.DataFrame:
    """As `frames.settings` has them, of these scores by loss; none is the default where `first` is not 0."""
    rows = [(loss, i, score) for loss, of_loss in scores.items() for i, score in enumerate(of_loss, first)]
    found = frame("loss sample score", *rows).assign(diverged=0, sampler="random", search_seed=0, phase=phase)
    return found.assign(choice=found["score"], missing=0)


def lines(axes: Axes) -> dict[str, tuple[list[float], list[float]]]:
    """Points of the labelled lines."""
    found = {}
    for line in axes.get_lines():
        if not str(line.get_label()).startswith("_"):
            found[str(line.get_label())] = (_floats(line.get_xdata()), _floats(line.get_ydata()))
    return found


def _floats(values: Any) -> list[float]:
    return [float(value) for value in np.asarray(values, dtype=float)]


# ---- against a budget


def test_a_budget_line_has_the_loss_s_style_and_begins_where_the_mean_is_finite(axes: Axes) -> None:
    curves = budget.curves(settings({"ns": [3.0, 1.0, 2.0], "wgan": [4.0, INF, 2.0]}))
    budgets.budget_curves(curves, axes)
    found = lines(axes)
    assert found["ns"] == ([1, 2, 3], pytest.approx([2.0, 4 / 3, 1.0]))
    assert found["wgan: 1/3 failed"] == ([2, 3], pytest.approx([8 / 3, 2.0]))
    solid = {str(line.get_label()): line for line in axes.get_lines()}
    assert solid["ns"].get_color() == style.of("ns").color
    assert solid["ns"].get_marker() == style.of("ns").marker
    dotted = [line for line in axes.get_lines() if line.get_linestyle() == ":"]
    assert [_floats(line.get_xdata()) for line in dotted] == [[1, 2]]
    assert [_floats(line.get_ydata()) for line in dotted] == [[4.0, 2.0]]  # the medians of the best of 1 and of 2


def test_a_median_is_drawn_where_it_is_finite_and_nothing_is_dotted(axes: Axes) -> None:
    curves = budget.curves(settings({"wgan": [4.0, INF, INF, 2.0, 3.0]}))
    budgets.budget_curves(curves, axes, statistic="median")
    assert lines(axes)["wgan: 2/5 failed"] == ([1, 2, 3, 4, 5], [4, 3, 2, 2, 2])
    assert not [line for line in axes.get_lines() if line.get_linestyle() == ":"]


def test_a_highlighted_loss_is_in_colour_with_its_band_and_the_others_grey(axes: Axes) -> None:
    curves = budget.curves(settings({"ns": [3.0, 1.0, 2.0], "wgan": [4.0, 6.0, 2.0]}))
    budgets.budget_curves(curves, axes, highlight="wgan")
    colors = {str(line.get_label()): str(line.get_color()) for line in axes.get_lines()}
    assert colors == {"ns": style.QUIET, "wgan": style.of("wgan").color}
    (band,) = axes.collections
    corners = {tuple(map(float, point)) for point in band.get_paths()[0].vertices}
    assert {(1.0, 2.0), (1.0, 6.0), (3.0, 2.0)} <= corners
    assert same_color(to_hex(band.get_facecolor()[0]), style.of("wgan").color)


def test_an_infinite_end_of_a_band_is_drawn_beyond_the_axes_and_does_not_stretch_them(axes: Axes) -> None:
    tuned = frame(
        "loss k median low high level n failed",
        ("ns", 1, 5.0, 2.0, INF, 0.95, 2, 0),
        ("ns", 2, 4.0, 0.0, INF, 0.95, 2, 0),
    )
    budgets.tuning_curves(tuned, axes, highlight="ns")
    assert lines(axes)["ns"] == ([1, 2], [5, 4])
    assert axes.collections[0].get_paths()[0].vertices[:, 1].max() == marks.FAR
    assert axes.get_ylim()[1] < 6


def test_the_published_form_has_a_stroke_of_one_deviation_and_no_line_for_what_is_infinite(axes: Axes) -> None:
    rows = [("ns", 1, 6.0, 2.0, 2, 0), ("ns", 2, 5.0, 1.0, 2, 0), ("mm", 1, INF, NAN, 2, 1), ("mm", 2, INF, NAN, 2, 1)]
    budgets.published_curves(frame("loss k mean deviation n failed", *rows), axes)
    assert lines(axes) == {"mm: 1/2 failed": ([], []), "ns": ([1, 2], [6, 5])}
    strokes = axes.collections[0].get_segments()
    assert [_floats(segment[:, 1]) for segment in strokes] == [[4, 8], [4, 6]]
    assert axes.get_ylim()[1] > 8


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        ({"ns": [1.0, INF], "mm": [INF]}, "every k is infinite:\na setting of each loss failed"),
        ({}, "no setting finished"),
    ],
)
def test_a_published_form_without_a_line_says_why(axes: Axes, scores: dict[str, list[float]], words: str) -> None:
    found = settings(scores) if scores else settings({"ns": [1.0]}).iloc[:0]
    budgets.published_curves(budget.published(found), axes)
    assert [text.get_text() for text in axes.texts] == [words]
    assert not axes.xaxis.get_visible()


def test_the_published_form_is_not_pressed_together_by_lower_ends_near_zero(axes: Axes) -> None:
    rows = [("ns", 1, 60.0, 59.99, 2, 0), ("ns", 2, 20.0, 19.99, 2, 0)]
    budgets.published_curves(frame("loss k mean deviation n failed", *rows), axes)
    assert axes.get_yscale() == "log"
    assert 8 < axes.get_ylim()[0] < 10


def test_one_budget_has_one_tick(axes: Axes) -> None:
    budgets.budget_curves(budget.curves(settings({"ns": [3.0]})), axes)
    assert _floats(axes.get_xticks()) == [1]


def test_a_highlighted_loss_without_a_finite_number_says_so(axes: Axes) -> None:
    curves = budget.curves(settings({"ns": [1.0, 2.0], "mm": [INF, INF]}))
    budgets.budget_curves(curves, axes, highlight="mm", statistic="median")
    assert [text.get_text() for text in axes.texts] == ["no finite median"]


def test_curves_against_compute_stand_at_what_was_spent(axes: Axes) -> None:
    rows = [("vae", 1500.0, 9.0, 9.0, 3, 0), ("vae", 3000.0, 7.0, 7.0, 3, 0)]
    budgets.compute_curves(frame("loss spent mean median n failed", *rows), axes)
    assert lines(axes)["vae"] == ([1500, 3000], [9, 7])
    axes.figure.draw_without_rendering()
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["1k", "1.5k", "2k", "2.5k", "3k", "3.5k"]


def test_hours_of_a_small_study_are_fractions(axes: Axes) -> None:
    axes.set_xlim(0, 0.3)
    scales.amounts(axes)
    axes.figure.draw_without_rendering()
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["0", "0.1", "0.2", "0.3"]


def test_repeats_of_searches_are_counted_and_have_a_band_where_there_are_two(axes: Axes) -> None:
    rows = [("ns", 5.0, 9.0, 8.0, 10.0, 2, 3), ("ns", 10.0, 7.0, 6.0, 8.0, 2, 3), ("mm", 5.0, 4.0, NAN, NAN, 1, 0)]
    budgets.replica_curves(frame("loss spent mean low high n failed", *rows), axes)
    assert lines(axes) == {"mm: 1 repeat": ([5], [4]), "ns: 2 repeats": ([5, 10], [9, 7])}
    bands = [band for band in axes.collections if len(band.get_paths())]
    assert [band.get_paths()[0].vertices[:, 1].max() for band in bands] == [10.0]


def test_where_nothing_is_finite_the_axes_say_so(axes: Axes) -> None:
    budgets.budget_curves(budget.curves(settings({"ns": [INF, INF]})), axes)
    assert [text.get_text() for text in axes.texts] == ["nothing finite: too many\nsettings diverged or failed"]


# ---- F1, precision and recall


def of_quality(*rows: tuple[Any, ...]) -> pd.DataFrame:
    return frame("loss k mean low median high n failed", *rows).assign(quality="f1", by="f1")


def test_published_points_are_hollow_in_the_colour_of_their_loss_where_they_were_read(axes: Axes) -> None:
    curves = of_quality(("ns", 1, 0.2, 0.0, 0.2, 0.4, 2, 1), ("ns", 2, 0.4, 0.4, 0.4, 0.4, 2, 1))
    published = pd.DataFrame({"loss": ["ns", "ns", "began"], "budget": [5, 70, 70], "value": [0.76, 0.88, 0.07]})
    shares.quality_curves(curves, axes, published=published)
    assert lines(axes)["ns: 1/2 failed"] == ([1, 2], [0.2, 0.4])
    points = {line.get_markeredgecolor(): np.asarray(line.get_xydata()).tolist()
              for line in axes.get_lines() if line.get_markerfacecolor() == "white"}  # fmt: skip
    assert points == {style.of("ns").color: [[5, 0.76], [70, 0.88]], style.of("began").color: [[70, 0.07]]}
    assert axes.get_xscale() == "log"
    assert axes.get_xlim()[0] < 1
    assert axes.get_xlim()[1] > 70
    assert axes.get_ylim()[0] < 0 < 0.88 < axes.get_ylim()[1]


def test_without_published_points_budgets_are_counted_evenly_and_shares_begin_at_none(axes: Axes) -> None:
    curves = of_quality(("ns", 1, 0.02, 0.0, 0.02, 0.04, 2, 0), ("ns", 2, 0.04, 0.04, 0.04, 0.04, 2, 0))
    shares.quality_curves(curves, axes, highlight="ns", statistic="median")
    assert (axes.get_xscale(), axes.get_yscale()) == ("linear", "linear")
    assert axes.get_ylim()[0] <= 0
    assert axes.get_ylim()[1] == pytest.approx(0.042)
    (band,) = axes.collections
    corners = {tuple(map(float, point)) for point in band.get_paths()[0].vertices}
    assert {(1.0, 0.0), (1.0, 0.04)} <= corners


def test_a_setting_stands_at_its_score_and_its_f1_the_default_in_a_diamond(axes: Axes) -> None:
    rows = frame("loss sample score f1 done", ("ns", 0, 20.0, 0.5, 1), ("ns", 1, 4.0, 0.8, 1), ("mm", 1, INF, 0.0, 0),
                 ("mm", 0, 9.0, 0.1, 1)).assign(seeds=1, sampler=["random", "random", "random", None])  # fmt: skip
    shares.score_scatter(rows, axes)
    points = [np.asarray(found.get_offsets()).tolist() for found in axes.collections]
    assert points == [[[9.0, 0.1]], [[20.0, 0.5], [4.0, 0.8]], [[20.0, 0.5]]]
    assert same_color(axes.collections[1].get_facecolor()[0][:3], style.of("ns").color)
    assert axes.collections[2].get_facecolor().size == 0


def test_settings_that_all_failed_leave_words(axes: Axes) -> None:
    rows = frame("loss sample score f1 done", ("ns", 1, INF, 0.0, 0)).assign(seeds=1, sampler="random")
    shares.score_scatter(rows, axes)
    assert [text.get_text() for text in axes.texts] == [shares.NOTHING]


# ---- boxes and strips


def boxed(scores: dict[str, list[float]], axes: Axes, published: pd.DataFrame | None = None) -> Axes:
    found = settings(scores, first=0)
    return spreads.score_boxes(found, spread.quartiles(found), axes, published)


def test_scores_over_more_than_a_decade_get_a_logarithmic_axis() -> None:
    assert boxed({"mm": [1.0, 5.0]}, Figure().add_subplot()).get_xscale() == "linear"
    assert boxed({"mm": [1.0, 50.0]}, Figure().add_subplot()).get_xscale() == "log"


def test_a_box_says_how_many_failed_and_are_missing(axes: Axes) -> None:
    boxed({"mm": [1.0, 5.0, INF, INF, NAN]}, axes)
    assert [text.get_text() for text in axes.texts] == ["4 run, 1 missing\n2 failed"]


def test_losses_stand_in_the_order_of_the_table_from_the_top_unknown_ones_last(axes: Axes) -> None:
    boxed({"mine": [2.0], "vae": [1.0], "ns": [3.0]}, axes)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["mine", "vae", "ns"]
    points = [(float(x), float(y)) for marks_of in axes.collections for x, y in marks_of.get_offsets()]
    assert {(2.0, 0.0), (1.0, 1.0), (3.0, 2.0)} <= set(points)


def test_a_box_has_the_quartiles_and_runs_off_where_the_third_is_infinite(axes: Axes) -> None:
    boxed({"ns": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]}, axes)
    (box,) = axes.patches
    assert {float(x) for x in box.get_path().vertices[:, 0]} == {3.0, 7.0}
    other = Figure().add_subplot()
    boxed({"ns": [1.0, 2.0, 3.0, 4.0, INF, INF, INF, INF, INF]}, other)
    assert other.patches[0].get_path().vertices[:, 0].max() > other.get_xlim()[1]


def test_the_default_is_an_open_diamond(axes: Axes) -> None:
    boxed({"ns": [4.0, 2.0]}, axes)
    diamond = axes.collections[1]
    assert _floats(diamond.get_offsets()[0]) == [4.0, 0.0]
    assert len(diamond.get_facecolor()) == 0


def test_a_second_phase_stands_below_the_larger_one_unfilled(axes: Axes) -> None:
    both = pd.concat([settings({"ns": [1.0] * 8}, "narrow"), settings({"ns": [2.0] * 9})])
    spreads.score_boxes(both, spread.quartiles(both), axes)
    middles = {
        float(patch.get_path().vertices[:, 0].mean()): float(patch.get_path().vertices[:4, 1].mean())
        for patch in axes.patches
    }
    assert middles == {1.0: pytest.approx(-0.22), 2.0: pytest.approx(0.2)}
    assert {patch.get_path().vertices[0, 0]: patch.get_facecolor()[3] for patch in axes.patches} == {
        1.0: 0.0,
        2.0: 0.25,
    }


def test_the_published_quartiles_stand_below_ours_in_grey(axes: Axes) -> None:
    cells = paper.side().cells
    theirs = cells[(cells["dataset"] == "fashion") & cells["quantity"].isin(SHARES)]
    boxed({"ns": [30.0, 60.0]}, axes, theirs)
    grey = [line for line in axes.get_lines() if line.get_color() == style.THEIRS]
    assert _floats(grey[0].get_xdata()) == [22.4, 67.5]  # published minimum and median of ns
    assert _floats(grey[-1].get_xdata()) == [36.0]
    assert {float(y) for line in grey for y in np.asarray(line.get_ydata())} == {-0.3}


def test_seeds_are_points_failed_ones_crosses_at_the_edge_the_median_a_stroke(axes: Axes) -> None:
    runs = frame("loss seed score", ("ns", 0, 3.0), ("ns", 1, INF), ("ns", 2, 5.0))
    stable = frame("loss seeds failed median low high", ("ns", 3, 1, 5.0, 3.0, INF))
    spreads.seed_strips(runs, stable, axes)
    assert sorted(float(x) for x in axes.collections[0].get_offsets()[:, 0]) == [3, 5]
    assert _floats(axes.collections[1].get_segments()[0][:, 0]) == [5, 5]
    assert axes.collections[2].get_paths()[0].vertices[:, 0].min() == 3.0
    (crosses,) = axes.get_lines()
    assert _floats(crosses.get_xdata()) == [marks.EDGE]
    assert [text.get_text() for text in axes.texts] == ["3 seeds\n1 failed"]


# ---- hyperparameters


def test_a_hyperparameter_over_decades_is_logarithmic_and_failures_are_crosses_on_top(axes: Axes) -> None:
    rates = [1e-5, 1e-4, 1e-3, 1e-2, 1e-1]
    found = settings({"ns": [5.0, 4.0, 3.0, 4.0, INF]}).assign(learning_rate=rates)
    hyperparameters.score_against(found, "learning_rate", axes)
    assert axes.get_xscale() == "log"
    assert [_floats(point) for point in axes.collections[0].get_offsets()] == [
        [1e-5, 5],
        [1e-4, 4],
        [1e-3, 3],
        [1e-2, 4],
    ]
    assert same_color(axes.collections[0].get_facecolor()[0][:3], style.of("ns").color)
    assert [_floats(line.get_xdata()) for line in axes.get_lines()] == [[0.1]]
    assert axes.get_xlabel() == "learning rate"


def test_a_hyperparameter_between_0_and_1_is_linear(axes: Axes) -> None:
    found = settings({"ns": [5.0] * 5}).assign(beta1=[0.001, 0.2, 0.5, 0.7, 0.9])
    assert hyperparameters.score_against(found, "beta1", axes).get_xscale() == "linear"


def test_a_switch_is_two_columns(axes: Axes) -> None:
    found = settings({"ns": [5.0, 4.0, 3.0]}).assign(batch_norm=pd.array([True, False, pd.NA], dtype="boolean"))
    hyperparameters.score_against(found, "batch_norm", axes)
    assert [label.get_text() for label in axes.get_xticklabels()] == ["off", "on"]
    assert [round(float(x)) for x in axes.collections[0].get_offsets()[:, 0]] == [1, 0]


def test_several_data_sets_have_the_colours_of_data_sets(axes: Axes) -> None:
    both = pd.concat([settings({"ns": [5.0]}), settings({"ns": [6.0]}).assign(dataset="mnist")]).assign(clip=[0.1, 0.2])
    hyperparameters.score_against(both, "clip", axes)
    assert [str(points.get_label()) for points in axes.collections] == ["mnist", "fashion"]
    assert all(same_color(c.get_facecolor()[0][:3], style.of_dataset(str(c.get_label()))[0]) for c in axes.collections)


def test_importance_bars_have_the_greatest_on_top_and_intervals(axes: Axes) -> None:
    rows = [("wgan", "clip", 0.2, 0.1, 0.3), ("wgan", "learning_rate", 0.8, 0.7, 0.9)]
    hyperparameters.importance_bars(frame("loss hyperparameter importance low high", *rows), axes)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["clip", "learning rate"]
    assert [bar.get_width() for bar in axes.patches] == [0.2, 0.8]
    assert [_floats(segment[:, 0]) for segment in axes.collections[0].get_segments()] == [[0.1, 0.3], [0.7, 0.9]]


def test_importances_of_several_data_sets_stand_one_below_the_other_in_a_row(axes: Axes) -> None:
    of = {"mnist": (0.2, 0.8), "celeba": (0.4, 0.6)}
    rows = [
        ("wgan", name, *row)
        for name, (clip, rate) in of.items()
        for row in (("clip", clip, 0.0, 0.5), ("learning_rate", rate, NAN, NAN))
    ]
    columns = ["loss", "dataset", "hyperparameter", "importance", "low", "high"]
    hyperparameters.importance_points(pd.DataFrame(rows, columns=columns), axes)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["clip", "learning rate"]
    assert [_floats(line.get_xdata()) for line in axes.get_lines()] == [[0.2, 0.8], [0.4, 0.6]]
    upper, lower = (_floats(line.get_ydata()) for line in axes.get_lines())
    assert [0 < u < 0.5 and -0.5 < w < 0 for u, w in [(upper[0], lower[0]), (upper[1] - 1, lower[1] - 1)]] == [
        True,
        True,
    ]
    colors = [style.of_dataset(name)[0] for name in of]
    assert all(same_color(line.get_color(), color) for line, color in zip(axes.get_lines(), colors, strict=True))


# ---- losses against each other


def test_a_heatmap_of_beats_has_the_number_in_each_cell_and_a_frame_where_meaningful(axes: Axes) -> None:
    rows = [("ns", "mm", 0.9, True), ("mm", "ns", 0.1, False)]
    heatmaps.beats_heatmap(frame("first second probability meaningful", *rows), axes)
    at = {text.get_position(): text.get_text() for text in axes.texts}
    assert at == {(1.5, 0.5): ".10", (0.5, 1.5): ".90"}  # x is the column, y the row; mm is the first of both
    frames = [patch for patch in axes.patches if not patch.get_fill()]
    assert [(patch.get_x(), patch.get_y()) for patch in frames] == [(0.04, 1.04)]


@pytest.mark.parametrize(
    ("share", "words"), [(0.734, ".73"), (0.0, "0"), (1.0, "1"), (0.001, "<.01"), (0.999, ">.99"), (NAN, "")]
)
def test_probabilities_in_cells(share: float, words: str) -> None:
    assert heatmaps.probability(share) == words


def test_a_heatmap_of_transfer_has_infinity_in_the_darkest_colour(axes: Axes) -> None:
    rows = [("ns", "mnist", "fashion", INF), ("ns", "fashion", "mnist", 12.3), ("ns", "mnist", "mnist", 1.0)]
    heatmaps.transfer_heatmap(frame("loss chosen_on used_on regret", *rows), axes)
    assert {text.get_position(): text.get_text() for text in axes.texts} == {
        (0.5, 0.5): "1.00", (1.5, 0.5): "∞", (0.5, 1.5): "12",
    }  # fmt: skip


def test_the_probability_along_the_budget_is_named_by_the_pair_or_by_the_first_alone(axes: Axes) -> None:
    rows = [("mm", "ns", 1, 0.6, 0.4, 0.8), ("mm", "ns", 2, 0.7, NAN, NAN)]
    found = frame("first second k probability low high", *rows)
    comparisons.beats_by_budget(found, axes)
    assert lines(axes)["mm"] == ([1, 2], [0.6, 0.7])
    other = Figure().add_subplot()
    comparisons.beats_by_budget(pd.concat([found, found.assign(second="vae")]), other)
    assert list(lines(other)) == ["mm against ns", "mm against vae"]


def test_a_crossing_that_may_lie_beyond_what_was_run_reaches_the_edge(axes: Axes) -> None:
    rows = [("mm", "ns", 5.0, 2.0, INF, 20), ("ns", "ls", NAN, NAN, NAN, 20)]
    comparisons.crossing_budgets(frame("first second budget low high most", *rows), axes)
    beyond = 20 * 1.08 + 1
    assert _floats(axes.collections[0].get_segments()[0][:, 0]) == [2, beyond]
    crossed, never = axes.get_lines()
    assert (_floats(crossed.get_xdata()), crossed.get_markerfacecolor()) == ([5], style.of("mm").color)
    assert (_floats(never.get_xdata()), never.get_markerfacecolor()) == ([beyond], "white")
    assert [label.get_text() for label in axes.get_yticklabels()] == ["ns beats ls", "mm beats ns"]
    assert axes.get_xticklabels()[-1].get_text() == "> 20"


def test_an_interquartile_mean_that_is_infinite_is_a_cross_at_the_edge(axes: Axes) -> None:
    rows = [("mm", 1.2, 1.0, 1.4, 50, 0), ("ns", INF, NAN, NAN, 50, 20)]
    comparisons.interquartile_means(frame("loss mean low high runs failed", *rows), axes)
    dot, cross = axes.get_lines()
    assert (_floats(dot.get_xdata()), _floats(dot.get_ydata())) == ([1.2], [1])
    assert (_floats(cross.get_xdata()), _floats(cross.get_ydata())) == ([marks.EDGE], [0])
    assert [text.get_text() for text in axes.texts] == ["50 runs", "50 runs\n20 failed"]


def test_a_profile_is_a_step_function(axes: Axes) -> None:
    rows = [("mm", 0.5, 0.2, 0.1, 0.3), ("mm", 1.0, 0.6, 0.5, 0.7)]
    comparisons.profiles(frame("loss at share low high", *rows), axes)
    assert lines(axes)["mm"] == ([0.5, 1.0], [0.2, 0.6])
    assert axes.get_lines()[0].get_drawstyle() == "steps-post"


def test_practical_bars_stack_to_one_with_numbers_where_they_fit(axes: Axes) -> None:
    rows = [("mm", "ns", 0.25, 0.7, 0.05), ("mm", "vae", NAN, NAN, NAN)]
    comparisons.practical_bars(frame("first second better equivalent worse", *rows), axes)
    assert [(bar.get_x(), round(bar.get_width(), 9)) for bar in axes.patches] == [(0, 0.25), (0.25, 0.7), (0.95, 0.05)]
    assert [text.get_text() for text in axes.texts] == ["25 %", "70 %"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["mm against ns"]


def test_a_critical_difference_diagram_joins_cliques_and_names_ranks(axes: Axes) -> None:
    found = frame("loss rank", ("ns", 1.5), ("mm", 1.75), ("vae", 2.75))
    ranks.critical_difference(found, 1.2, [["ns", "mm"]], axes)
    words = [text.get_text() for text in axes.texts]
    assert {"ns  1.50", "mm  1.75", "2.75  vae", "critical difference 1.20"} <= set(words)
    thick = [line for line in axes.get_lines() if line.get_linewidth() == 4]
    assert [_floats(line.get_xdata()) for line in thick] == [[1.5 - 0.04, 1.75 + 0.04]]
    bar = next(line for line in axes.get_lines() if line.get_marker() == "|")
    assert _floats(bar.get_xdata()) == [1, 2.2]


def test_a_critical_difference_diagram_without_a_test_has_no_bar(axes: Axes) -> None:
    ranks.critical_difference(frame("loss rank", ("ns", 1.0)), NAN, [], axes)
    assert "critical" not in "".join(text.get_text() for text in axes.texts)


# ---- the rest


def test_learning_curves_shade_from_the_least_to_the_greatest_seed(axes: Axes) -> None:
    learning.learning_curves(
        frame("loss step mean low high n", ("ns", 100, 5.0, 4.0, 6.0, 2), ("ns", 200, 3.0, 2.0, 4.0, 2)), axes
    )
    assert lines(axes)["ns"] == ([100, 200], [5, 3])
    assert axes.collections[0].get_paths()[0].vertices[:, 1].min() == 2.0


def test_a_range_that_is_not_known_to_its_end_runs_dashed_off_the_edge(axes: Axes) -> None:
    ranges.span(axes, {"minimum": 2.0, "first quartile": 3.0, "median": NAN}, (0.0, 9.0), "#000000", filled=True)
    dashed = [line for line in axes.get_lines() if line.get_linestyle() == "--"]
    assert [_floats(line.get_xdata()) for line in dashed] == [[3.0, 9.0]]


def test_unknown_losses_and_data_sets_have_a_look_that_depends_on_their_name_only() -> None:
    assert style.of("mine") == style.of("mine") != style.of("other")
    assert style.of_dataset("mine") == style.of_dataset("mine")
    assert style.ordered_datasets(["own", "celeba", "mnist"]) == ["mnist", "celeba", "own"]


def test_colours_of_losses_and_of_data_sets_are_apart() -> None:
    losses = {look.color for look in style.STYLES.values()}
    assert len(losses) == len(style.STYLES)
    assert not losses & {color for color, _ in style.DATASETS.values()}
