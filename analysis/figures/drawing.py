"""How everything is drawn and saved: in one style, whatever a user's own matplotlibrc says."""

from collections.abc import Iterator
from contextlib import contextmanager

import matplotlib as mpl
from matplotlib.figure import Figure

from analysis import style


@contextmanager
def drawing() -> Iterator[None]:
    """Within it matplotlib's defaults hold, with `style.RC`; which screen it would draw on stays as it is."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(style.RC)
        yield


def settle(figure: Figure, dpi: float) -> None:
    """Lays the figure out, once for all files that are made of it: a layout costs as much as drawing what it lays out.

    matplotlib would lay it out anew, and draw it once more for that, whenever it is saved.
    """
    figure.set_dpi(dpi)
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
        figure.set_layout_engine(None)
