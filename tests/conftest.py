"""What tests share: prepared data, tiny studies, trials run without Ray, and functions run in other processes."""

import multiprocessing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from search_spaces.dimensions import Value
from study import identity, plan, spec
from study.data.catalogue import find
from study.data.prepare import prepare
from study.plan import Planned
from study.results.rowfile import Row
from study.results.store import Store
from study.session import Options
from study.trial import run

TINY: dict[str, Any] = {
    "name": "tiny",
    "losses": ["ns", "vae"],
    "datasets": {"triangles_tiny": {"steps": 30, "evaluations": 3}},
    "phases": [{"name": "wide", "space": "wide", "settings": 2}],
    "width": 0.0625,
    "batch_size": 16,
    "batch_norm_decay": 0.9,
    "measure": {"generated": 100, "real": 100},
}
torch.set_num_threads(1)  # tiny networks, and other work on the same cores: more threads only wait for each other
# Each process that it starts is a copy of one that has imported all this already (torch's first optimiser imports
# torch._dynamo, which takes seconds), and shares nothing with this one.
APART = multiprocessing.get_context("forkserver")
APART.set_forkserver_preload(["torch._dynamo", "tests.conftest"])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, so that all processes end together: studies on Slurm, which mostly wait, then real runs."""
    items.sort(key=lambda item: sum(item.get_closest_marker(name) is None for name in ("slow", "slurm")))
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def tiny_study(**changed: Any) -> spec.Study:
    """A study of two losses with 30 steps each; top-level keys can be changed."""
    return spec.validate({**TINY, **changed}, "tiny")


def tiny_trial(loss: str = "ns", hyperparameters: Mapping[str, Value] | None = None, **changed: Any) -> Planned:
    """The default trial of a loss, with hyperparameters and the study's top-level keys changed."""
    (planned,) = plan.build(
        tiny_study(losses=[loss], phases=[{"name": "wide", "space": "wide", "settings": 1}], **changed), {}
    )
    row = planned.row(0)
    content = {**yaml.safe_load(row["content"])}
    content["hyperparameters"] = {**planned.trial.hyperparameters, **(hyperparameters or {})}
    return plan.from_row({**row, "content": identity.canonical(content)})


def run_here(planned: Planned, store: Store, data: Path, **options: Any) -> list[Row]:
    """The rows of a trial that is run to its end, or to its next failure, in this process."""
    return list(run(planned, store, Options(data, **options)))


def apart(function: Callable[..., object], *arguments: object) -> int | None:
    """The exit code of a process that calls the function; minus the signal's number where one killed it."""
    process = APART.Process(target=function, args=arguments)
    process.start()
    process.join(120)
    return process.exitcode


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder where triangles_tiny is prepared."""
    folder = tmp_path_factory.mktemp("data")
    prepare(find("triangles_tiny"), folder)
    return folder


@pytest.fixture
def tiny_yaml(tmp_path: Path) -> Callable[..., Path]:
    """Writes a tiny study as YAML, its top-level keys changed by keyword, and returns the file's path."""

    def write(**changed: Any) -> Path:
        path = tmp_path / f"{changed.get('name', TINY['name'])}.yaml"
        path.write_text(yaml.safe_dump({**TINY, **changed}, sort_keys=False))
        return path

    return write
