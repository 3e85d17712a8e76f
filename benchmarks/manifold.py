"""The metric manifold: projections, inversions and whole evaluations, where their time goes and what effort buys."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from unittest import mock

import torch
from torch import Tensor

from benchmarks.timing import print_table
from search_spaces import WIDE
from study import spec
from study.data import triangles
from study.data.catalogue import find
from study.measures import descent, inversion, load_metric, projection
from study.measures.contracts import Generated, Real
from study.measures.descent import Descent
from study.measures.inversion import Inverting
from study.measures.moments import Moments
from study.measures.polygons import Polygons
from study.measures.projection import Projecting
from study.models.networks import Size
from study.models.training import Recipe, Training
from study.parts import Manifold

USUAL = Manifold()
REDUCED = spec.load("triangles").measure.manifold or USUAL  # the preset's
PROJECTED = 1_024
INVERTED = {1.0: (64, 8), 0.25: (256, 20)}  # width: images and steps; time is by image and step, but for the starts
COMPARED = 64  # images, where effort is compared
NEAR = {"fewer": (40, 3), "usual": (80, 5), "more": (160, 10)}  # steps of projection and restarts
RANGE = {"fewer": (50, 3), "usual": (100, 5), "more": (200, 10)}  # of inversion: a quarter of the usual steps
LAST_LAYER = 10.0  # an untrained generator's images hardly leave 0.5: with logits ten times as large they do


@dataclass
class Clock:
    """Seconds that were spent in functions, those within others too, and how often they were called."""

    seconds: dict[str, float] = field(default_factory=dict)

    def around(self, name: str, function: Callable[..., object]) -> Callable[..., object]:
        def timed(*given: object, **named: object) -> object:
            start = time.perf_counter()
            try:
                return function(*given, **named)
            finally:
                self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start

        return timed


def main() -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        _speed()
        _evaluation()
        _effort()
        _halving()
    finally:
        torch.set_num_threads(threads)


def _speed() -> None:
    """1,024 projections, and of the inversions as many image-steps as tell how long all take."""
    rows = []
    clock, geometry, made = Clock(), _geometry(), _generated(PROJECTED)
    with (
        mock.patch.object(projection, "descend", clock.around("descent", descent.descend)),
        mock.patch.object(projection._Search, "refine", clock.around("search", projection._Search.refine)),
    ):
        seconds, _ = _timed(lambda: _project(made, geometry, USUAL.projection_steps, USUAL.restarts))
    rows.append(("projection", f"{PROJECTED:,}, {USUAL.projection_steps} steps, all measured", f"{seconds:.1f}",
                 f"{PROJECTED / seconds:.1f}", _shares(clock, seconds)))  # fmt: skip
    for width, (images, steps) in INVERTED.items():
        model, clock = _model(width), Clock()
        tests = _tests(images)
        with (
            mock.patch.object(inversion, "descend", clock.around("descent", descent.descend)),
            mock.patch.object(model, "differentiable", clock.around("forward passes", model.differentiable)),
            mock.patch.object(model, "sample", clock.around("starts", model.sample)),
        ):
            seconds, _ = _timed(partial(_invert, tests, model, steps, USUAL.restarts))
        descended = clock.seconds["descent"] / images / steps * USUAL.samples * USUAL.inversion_steps
        whole = descended + seconds - clock.seconds["descent"]
        what = (
            f"{images} images, {steps} steps measured in {seconds:.1f} s; scaled to 1,024 and {USUAL.inversion_steps}"
        )
        rows.append((f"inversion, width {width}", what, f"{whole:.1f}", f"{USUAL.samples / whole:.2f}",
                     f"{_shares(clock, seconds)} (of what was measured)"))  # fmt: skip
    columns = ("what", "how many", "seconds for 1,024", "images/s", "where the time goes")
    print_table("the usual constants, 5 restarts, on one thread", columns, rows)


def _evaluation() -> None:
    """What an evaluation of the reduced setting takes: projections, and inversions for two splits."""
    model, tests = _model(0.25), _tests(2 * REDUCED.samples)
    geometry: Callable[[str], Polygons] = partial(Polygons, find("triangles").options)
    nothing = Moments(2, torch.zeros(1), torch.eye(1))
    made = Generated(nothing, model.sample(model.latents(REDUCED.samples, "evaluation")).clone(), model)
    metric = load_metric("manifold", REDUCED.model_dump(), geometry)
    rows = []
    for name, real in zip(("first split", "second split"), torch.split(tests, REDUCED.samples), strict=True):
        seconds, _ = _timed(lambda real=real: metric(made, Real(nothing, real)))
        rows.append((name, f"{seconds:.1f}"))
    what = f"{REDUCED.samples} samples, {REDUCED.restarts} restarts, {REDUCED.projection_steps} and "
    print_table(f"an evaluation of width 0.25: {what}{REDUCED.inversion_steps} steps", ("split", "seconds"), rows)


def _effort() -> None:
    rows = []
    geometry, made, model = _geometry(), _generated(COMPARED), _model(0.25)
    own = model.sample(model.latents(COMPARED, "own")).clone()  # to be recovered: an untrained one makes no triangle
    for name, (steps, restarts) in NEAR.items():
        seconds, found = _timed(partial(_project, made, geometry, steps, restarts))
        rows.append(("projection", name, str(steps), str(restarts), *_quality(found, seconds)))
    for name, (steps, restarts) in RANGE.items():
        seconds, found = _timed(partial(_invert, own, model, steps, restarts))
        rows.append(("inversion, width 0.25", name, str(steps), str(restarts), *_quality(found, seconds)))
    columns = ("what", "effort", "steps", "restarts", "seconds", "mean L2", "share within delta")
    print_table(
        f"quality beside effort, {COMPARED} images: blurred noisy triangles, and a generator's own", columns, rows
    )


def _halving() -> None:
    """Beside the plain form: all starts to the end."""
    rows = []
    geometry, made, model = _geometry(), _generated(COMPARED), _model(0.25)
    own = model.sample(model.latents(COMPARED, "own")).clone()  # to be recovered: an untrained one makes no triangle
    works = {
        "projection": (projection, partial(_project, made, geometry, USUAL.projection_steps, USUAL.restarts)),
        "inversion, width 0.25, 100 steps": (inversion, partial(_invert, own, model, 100, USUAL.restarts)),
    }
    for name, (module, work) in works.items():
        seconds, found = _timed(work)
        with mock.patch.object(module, "descend", _plain):
            slower, plain = _timed(work)
        less, more = float((plain - found).clamp_min(0).mean()), float((found - plain).clamp_min(0).mean())
        mean = f"{float(found.mean()):.4f}", f"{float(plain.mean()):.4f}"
        rows.append(
            (name, f"{seconds:.1f}", f"{slower:.1f}", f"{slower / seconds:.2f}", *mean, f"{less:.4f}", f"{more:.4f}")
        )
    columns = ("what", "seconds", "without", "ratio", "mean L2", "without", "halving nearer by", "further by (mean)")
    print_table(f"starts halved after each quarter, and without: all {USUAL.restarts} to the end", columns, rows)


def _plain(
    starts: Tensor,
    squares: Callable[[Tensor], Tensor],
    valid: Callable[[Tensor], Tensor],
    steps: int,
    rate: float,
) -> Tensor:
    """Every start by itself: with one of each problem there is nothing to halve."""
    alone = starts.transpose(0, 1)
    found = torch.cat([descent.descend(each[:, None], squares, valid, steps, rate) for each in alone], 1)
    with torch.no_grad():
        best = squares(found).argmin(1)
    return found[torch.arange(len(found)), best][:, None]


def _quality(distances: Tensor, seconds: float) -> tuple[str, str, str]:
    return (
        f"{seconds:.1f}",
        f"{float(distances.mean()):.4f}",
        f"{float((distances <= USUAL.delta).double().mean()):.3f}",
    )


def _shares(clock: Clock, whole: float) -> str:
    return ", ".join(f"{name} {seconds / whole:.0%}" for name, seconds in clock.seconds.items())


def _timed(work: Callable[[], Tensor]) -> tuple[float, Tensor]:
    start = time.perf_counter()
    found = work()
    return time.perf_counter() - start, found


def _project(images: Tensor, geometry: Polygons, steps: int, restarts: int) -> Tensor:
    how = Projecting(USUAL.members, Descent(restarts, steps, USUAL.projection_rate), USUAL.rounds)
    return projection.nearest(images, geometry, how).distances


def _invert(images: Tensor, model: Training, steps: int, restarts: int) -> Tensor:
    how = Inverting(USUAL.latents, Descent(restarts, steps, USUAL.inversion_rate))
    return inversion.invert(images, model, how).distances


def _geometry() -> Polygons:
    return Polygons(find("triangles").options, USUAL.family)


def _tests(count: int) -> Tensor:
    points = triangles.polygons(range(60_000, 60_000 + count), find("triangles").options)
    return torch.from_numpy(triangles.rasterise(points))[:, None].float() / 64


def _generated(count: int) -> Tensor:
    """Triangles, blurred and with smooth noise: near the valid ones as a trained generator's are."""
    smooth = torch.randn(count, 1, 28, 28, generator=torch.Generator().manual_seed(1))
    blurred, smooth = (
        torch.nn.functional.avg_pool2d(each, 3, 1, 1, count_include_pad=False) for each in (_tests(count), smooth)
    )
    return (blurred + 0.1 * smooth).clamp(0, 1)


def _model(width: float) -> Training:
    """Untrained: it costs what a trained one does. Batch norm knows its averages."""
    setting = WIDE.default("ns", "as_run")
    recipe = Recipe("benchmark", "ns", "as_run", setting, Size((1, 28, 28), width, True, 0.0), 16)
    model = Training(recipe, torch.zeros(16, 1, 28, 28).byte(), 64)
    with torch.no_grad():
        next(reversed([*model.nets.generator.parameters()][:-1])).mul_(LAST_LAYER)
        model.nets.generator(model.latents(512, "averages"))
    return model
