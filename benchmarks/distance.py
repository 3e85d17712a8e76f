"""The Frechet distance against scipy's matrix square root and torch-fidelity's, on the same moments."""

import contextlib
import io

import numpy as np
import torch
from scipy import linalg
from torch_fidelity.metric_fid import fid_statistics_to_metric

from benchmarks.timing import print_table, side_by_side
from study.measures.frechet import frechet_distance
from study.measures.moments import Moments, MomentsStream

DIMENSIONS = (64, 1_024)


def main() -> None:
    rows = []
    for dimension in DIMENSIONS:
        generator = torch.Generator().manual_seed(dimension)
        a, b = (_moments(dimension, shift, generator) for shift in (0.0, 0.3))
        real = a.factor  # a reference is factored once and kept
        assert real.shape == (dimension, dimension)
        works = {
            "ours": lambda a=a, b=b: frechet_distance(Moments(b.count, b.mean, b.covariance), a),
            "torch-fidelity": lambda a=a, b=b: _fidelity(a, b),
            "scipy sqrtm": lambda a=a, b=b: _scipy(a, b),
        }
        seconds = side_by_side(works, rounds=3)
        values = {name: float(work()) for name, work in works.items()}
        for name in works:
            off = abs(values[name] / values["ours"] - 1)
            rows.append(
                (str(dimension), name, f"{seconds[name]:.4f}", f"{seconds[name] / seconds['ours']:.1f}", f"{off:.0e}")
            )
    columns = ("d", "who", "seconds", "times ours", "relative difference")
    print_table("Frechet distance of two feature sets, float64, reference factored beforehand", columns, rows)


def _moments(dimension: int, shift: float, generator: torch.Generator) -> Moments:
    stream = MomentsStream(dimension)
    mixing = torch.randn(dimension, dimension, generator=generator, dtype=torch.float64) / dimension**0.5
    for _ in range(6):
        stream.add(torch.randn(dimension, dimension, generator=generator, dtype=torch.float64) @ mixing + shift)
    return stream.moments()


def _scipy(a: Moments, b: Moments) -> float:
    root = linalg.sqrtm(a.covariance.numpy() @ b.covariance.numpy())
    traces = float(a.covariance.trace() + b.covariance.trace())
    return float((a.mean - b.mean).square().sum()) + traces - 2 * float(np.trace(np.real(root)))


def _fidelity(a: Moments, b: Moments) -> float:
    statistics = [{"mu": m.mean.numpy(), "sigma": m.covariance.numpy()} for m in (a, b)]
    with contextlib.redirect_stderr(io.StringIO()):
        return float(fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"])
