"""The style of every picture, whatever the user's own settings of matplotlib are."""

import io
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from PIL import Image

from analysis import page
from analysis.figures.drawing import drawing
from analysis.pictures.layout import Layout, laid_out

OWN = {"text.usetex": True, "font.family": "serif", "axes.facecolor": "black", "savefig.bbox": "tight"}


def drawn(path: Path) -> tuple[bytes, bytes]:
    def line(axes: Axes) -> None:
        axes.plot([1, 2], [3, 4], label="a_b")

    figure = laid_out([("one_two", line)], Layout(2.0, "x_1"))
    data = page.png(figure)
    page.keep(figure, data, path)
    return data, path.with_name(f"{path.name}.pdf").read_bytes()


def test_a_users_own_settings_change_no_picture(tmp_path: Path) -> None:
    plain = drawn(tmp_path / "plain")
    with mpl.rc_context(OWN):
        assert drawn(tmp_path / "own") == plain
        assert mpl.rcParams["text.usetex"]  # and are the user's again


def test_what_it_is_drawn_with_stays_as_it_is() -> None:
    before = mpl.get_backend()
    with drawing():
        assert mpl.get_backend() == before
        assert mpl.rcParams["font.size"] == 11


def test_a_picture_that_is_laid_out_once_is_what_matplotlib_would_save() -> None:
    def line(axes: Axes) -> None:
        axes.plot([1, 2], [3, 4])

    one, other = (laid_out([("a", line), ("b", line), ("c", line)], Layout(2.0, "x", "y")) for _ in range(2))
    packed, saved = page.png(one), io.BytesIO()
    assert one.get_layout_engine() is None
    with drawing():
        other.savefig(saved, format="png", dpi=page.DPI)
    want = Image.open(saved).convert("RGB").quantize(dither=Image.Dither.NONE).convert("RGB")
    assert Image.open(io.BytesIO(packed)).convert("RGB").tobytes() == want.tobytes()


def test_panels_whose_scales_differ_say_which_are_logarithmic() -> None:
    def small(axes: Axes) -> None:
        axes.plot([1, 2], [3, 4])

    def wide(axes: Axes) -> None:
        axes.set_yscale("log")

    titles = [axes.get_title("left") for axes in laid_out([("a", small), ("b", wide)], Layout(2.0)).axes]
    assert titles == ["a", "b, log scale"]
    assert [axes.get_title("left") for axes in laid_out([("b", wide)], Layout(2.0)).axes] == ["b"]


def test_a_long_name_is_cut_within() -> None:
    figure = laid_out([("my_very_own_loss_with_a_long_name_v2: 3 failed", lambda axes: axes)], Layout(2.0))
    assert figure.axes[0].get_title("left") == "my_very_own_l…_name_v2: 3 failed"
