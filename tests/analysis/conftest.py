"""Synthetic studies that several tests read."""

from pathlib import Path

import pytest

from tests.analysis.synthetic import Recipe, write


def mixed_endings(loss: str, sample: int, seed: int) -> str:
    """wgan diverges at sample 1, began fails at sample 2, mm misses its last two settings, vae's default fails once."""
    return {
        ("wgan", 1): "diverged", ("began", 2): "failed", ("mm", 2): "waiting", ("mm", 3): "started",
        ("vae", 0): "failed" if seed == 0 else "done",
    }.get((loss, sample), "done")  # fmt: skip


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight losses, four settings, one seed: 27 done, 1 diverged, 2 failed, 1 started, 1 waiting."""
    return write(tmp_path_factory.mktemp("studies") / "demo", Recipe(ending=mixed_endings, grids=True))


@pytest.fixture(scope="session")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three losses on two data sets, three settings, six seeds."""
    recipe = Recipe(("mm", "began", "vae"), ("fashion", "triangles"), 3, 6, ending=mixed_endings)
    return write(tmp_path_factory.mktemp("studies") / "seeds", recipe)


@pytest.fixture(scope="session")
def unstarted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    recipe = Recipe(ending=lambda loss, sample, seed: "waiting")
    return write(tmp_path_factory.mktemp("studies") / "unstarted", recipe)
