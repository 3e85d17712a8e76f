"""The front desk: what it prints, what it refuses and how, before anything is queued."""

import errno
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from study.__main__ import COMMANDS, app
from study.errors import DiskFull, StudyError
from study.measures.cnn28 import Cnn28
from tests.commands.command import environment, gan_study

LOSSES = ["mm", "ns", "ls", "wgan", "wgan_gp", "dragan", "began", "vae"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str, tmp_path: Path) -> None:
    done = gan_study(command, "--help", cwd=tmp_path)
    assert done.returncode == 0
    assert "Example: gan-study " + command in " ".join(done.stdout.split())


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys; sys.argv = ['gan-study', '--help']\n"
        "from study.__main__ import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'ray', 'pandas', 'pyarrow', 'duckdb', 'pydantic'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment(), cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_plan_counts_the_demo_and_writes_nothing(tmp_path: Path) -> None:
    done = gan_study("plan", "demo", "--json", cwd=tmp_path)
    facts = json.loads(done.stdout)
    assert done.returncode == 0
    assert facts["study"] == "demo"
    assert facts["trials"] == 32
    assert [(s["loss"], s["dataset"], s["phase"], s["trials"]) for s in facts["searches"]] == [
        (loss, "fashion", "wide", 4) for loss in LOSSES
    ]
    assert facts["steps_total"] == sum(search["steps"] for search in facts["searches"])
    assert facts["evaluations_total"] == 96
    assert facts["cost"]["hours"] > 0
    assert facts["cost"]["basis"].startswith("assumed")
    assert list(tmp_path.iterdir()) == []


def test_plan_writes_its_table_where_it_is_told(tmp_path: Path) -> None:
    done = gan_study("plan", "demo", "-o", "plan.parquet", cwd=tmp_path)
    table = pd.read_parquet(tmp_path / "plan.parquet")
    assert done.returncode == 0
    assert list(table["position"]) == list(range(32))
    assert table["trial"].nunique() == 32
    assert list(table["sample"]) == [sample for sample in range(4) for _ in LOSSES]


def _yaml(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    return path


GOOD = (
    "name: mine\ndatasets: {triangles_tiny: {}}\n"
    "phases: [{name: wide, space: wide, settings: 1}]\nmeasure: {real: 200}\n"
)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("losses: [ns, wgna]\n", ["mine.yaml: losses[1]: 'wgna'", "did you mean 'wgan'?", "valid: mm, ns, ls, wgan"]),
        ("widht: 0.5\n", ["mine.yaml: widht: unknown key", "did you mean 'width'?", "valid: name, losses, variant"]),
        ("width: wide\n", ["mine.yaml: width:", "valid number", "'wide'"]),
        ("batch_size: 2000\n", ["batch_size=2000", "1024 training images"]),
        ("resources: {cpu: 1}\n", ["resources.cpu: unknown key", "did you mean 'cpus'?"]),
    ],
)
def test_a_wrong_yaml_is_told_in_one_line_before_anything_happens(change: str, told: list[str], tmp_path: Path) -> None:
    path = _yaml(tmp_path, GOOD + change)
    done = gan_study("plan", path, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1
    for part in told:
        assert part in done.stderr
    assert [entry.name for entry in tmp_path.iterdir()] == ["mine.yaml"]


@pytest.mark.parametrize("command", ["prepare", "run"])
def test_nothing_begins_with_a_wrong_yaml(command: str, tmp_path: Path) -> None:
    done = gan_study(command, _yaml(tmp_path, GOOD + "losses: [gan]\n"), cwd=tmp_path)
    assert done.returncode == 2
    assert "'gan' is not a loss" in done.stderr
    assert [entry.name for entry in tmp_path.iterdir()] == ["mine.yaml"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("plna", "demo"), ["'plna'", "did you mean 'plan'?"]),
        (("plan", "dmeo"), ["'dmeo' is not a preset", "did you mean 'demo'?", "demo-triangles"]),
        (("plan", "missing.yaml"), ["there is no file missing.yaml"]),
        (("list", "loses"), ["'loses'", "did you mean 'losses'?", "presets"]),
        (("list", "spaces", "--params"), ["--params", "spaces", "gan-study list losses --params"]),
        (("plan", "paper"), ["'paper' is not a preset", "paper-wide"]),
        (("list", "losses", "--width", "0.5"), ["--width 0.5", "--params --width 0.5"]),
        (("run", "paper-seeds"), ["phase wide of paper-wide", "has no results yet", "gan-study run paper-wide"]),
        (("train", "--loss", "ls", "--variant", "fixed", "--dataset", "triangles_tiny"), ["'fixed'", "as_printed"]),
        (("status", "demo"), ["no results", "gan-study run demo"]),
        (("train", "--loss", "gan", "--dataset", "triangles_tiny"), ["'gan' is not a loss", "began"]),
        (("train", "--loss", "ns", "--dataset", "triangels"), ["did you mean 'triangles'?"]),
        (("train", "--loss", "ns", "--dataset", "triangles_tiny", "--set", "lr=1"), ["'lr' is not a hyperparameter"]),
        (("train", "--loss", "ns", "--dataset", "triangles_tiny", "--set", "beta1=1"), ["beta1=1.0 of ns: expected"]),
        (("train", "--loss", "ns", "--dataset", "triangles_tiny", "--set", "batch_norm=2"), ["batch_norm=2", "on"]),
        (("train", "--loss", "ns", "--dataset", "triangles_tiny", "--set", "beta1"), ["name=value"]),
        (("train", "--loss", "wgan_gp", "--dataset", "triangles_tiny", "--set", "lambda=1"), ["'penalty_weight'?"]),
        (("run", "demo", "--workers", "999"), ["--workers 999", "at most"]),
    ],
)  # fmt: skip
def test_a_wrong_argument_names_the_value_what_is_valid_and_what_to_do(
    arguments: tuple[str, ...], told: list[str], tmp_path: Path
) -> None:
    done = gan_study(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    for part in told:
        assert part in done.stderr


def test_fashion_that_cannot_be_had_has_an_exit_code_of_its_own(tmp_path: Path) -> None:
    """make demo goes on with triangles on exit code 3 alone."""
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from study.data import idx\n"
        "def refuse(*a, **k): raise OSError('no network')\n"
        "idx.FashionMNIST.download, idx.DEBIAN = refuse, Path('nowhere')\n"
        "sys.argv = ['gan-study', 'prepare', 'demo']\n"
        "from study.__main__ import main\n"
        "main()"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment(), cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 3
    assert "no network" in done.stderr
    assert "dataset-fashion-mnist" in done.stderr


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("losses", [*LOSSES, "penalty_weight=10", "lambda", "as_printed", "k clipped to [0, 1]"]),
        ("datasets", ["fashion", "1x28x28", "60,000 train", "15,625", "celeba", "3x64x64", "162,770 train", "101,250"]),
        (
            "spaces",
            [
                "logU[1e-05, 0.01]",
                "{1, 5}",
                "{on, off}",
                "published has 100 settings",
                "published has 50 settings",
                "dragan as_printed",
            ],
        ),
        ("samplers", ["random", "published"]),
        (
            "metrics",
            [
                "fd_EXTRACTOR",
                "lower",
                "fid",
                "manifold",
                "higher",
                "geometry, images, model",
                "recall_distance_PERCENT",
                "share",
                "L2",
                "measure.manifold",
                "0.75",
                "1024",
                "projection_rate",
            ],
        ),
        ("extractors", ["cnn28", "64", "inception", "2,048"]),
        ("presets", ["demo", "demo-triangles", "paper-wide", "corrected-wide"]),
    ],
)
def test_list_shows_what_there_is(what: str, told: list[str], tmp_path: Path) -> None:
    done = gan_study("list", what, cwd=tmp_path)
    assert done.returncode == 0
    for part in told:
        assert part in done.stdout


PUBLISHED_SIZES = {
    # shape: generator, discriminator without and with batch norm, began's, the vae's encoder
    "mnist": (6_642_241, (6_556_865, 6_559_169), (1_073_601, 1_086_401), (6_687_040, 6_689_344)),
    "cifar10": (8_616_131, (8_524_993, 8_527_297), (1_325_379, 1_342_019), (8_655_168, 8_657_472)),
    "celeba": (33_855_683, (33_690_817, 33_693_121), (4_495_683, 4_561_475), (33_820_992, 33_823_296)),
}


def test_list_counts_parameters_as_published(tmp_path: Path) -> None:
    done = gan_study("list", "losses", "--params", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = [line.replace(", ", "+").split() for line in done.stdout.splitlines()]
    found = {(line[0], line[1].partition("+")[0]): [int(cell.replace(",", "")) for cell in line[2:5]]
             for line in lines if line and line[0] in LOSSES}  # fmt: skip
    for dataset, (generator, discriminator, began, encoder) in PUBLISHED_SIZES.items():
        for loss in LOSSES:
            other = {"began": began, "vae": encoder}.get(loss, discriminator)
            assert found[loss, dataset] == [generator, *other]


def test_schema_is_json_with_the_valid_names(tmp_path: Path) -> None:
    done = gan_study("schema", cwd=tmp_path)
    schema = json.loads(done.stdout)
    assert schema["properties"]["losses"]["items"]["enum"] == LOSSES
    assert schema["additionalProperties"] is False


def test_train_resumes_and_then_does_nothing(data: Path, tmp_path: Path) -> None:
    arguments = (
        "train", "--loss", "wgan_gp", "--dataset", "triangles_tiny", "--steps", "4", "--evaluations", "2",
        "--width", "0.0625", "--set", "penalty_weight=1", "--data", data,
    )  # fmt: skip
    first = gan_study(*arguments, cwd=tmp_path)
    again = gan_study(*arguments, cwd=tmp_path)
    assert first.returncode == again.returncode == 0
    assert "step 2 of 4: ok, fd_cnn28" in first.stdout
    assert "step 4 of 4: ok, fd_cnn28" in first.stdout
    assert "step" not in again.stdout.replace("steps", "")
    rows = gan_study(
        "query", "train", "SELECT sample, penalty_weight, status FROM trials", "--format", "csv", cwd=tmp_path
    )
    assert rows.stdout.splitlines() == ["sample,penalty_weight,status", "1,1.0,done"]


def test_too_few_images_of_ones_own_are_told_before_anything_runs(tmp_path: Path) -> None:
    """Of 60 images six are put aside for each split that is measured against."""
    noise = np.random.default_rng(0).integers(0, 256, (60, 28, 28), dtype=np.uint8)
    np.savez(tmp_path / "mine.npz", noise)
    text = (
        "name: mine\nlosses: [vae]\n"
        "datasets: {squares: {images: mine.npz, size: 28, channels: 1, steps: 4, evaluations: 2}}\n"
        "phases: [{name: wide, space: wide, settings: 1}]\nbatch_size: 8\nmeasure: {real: %d}\n"
    )
    few = gan_study("run", _yaml(tmp_path, text % 7), cwd=tmp_path)
    assert few.returncode == 2
    assert "measure.real=7: the split test of squares has 6 images" in few.stderr
    enough = gan_study("prepare", _yaml(tmp_path, text % 6), cwd=tmp_path)
    assert enough.returncode == 0, enough.stderr
    assert "squares train images: there" in enough.stdout


def test_compare_lays_a_study_beside_the_paper(data: Path, tmp_path: Path) -> None:
    for loss in ("ns", "vae"):
        trains = ("train", "--loss", loss, "--dataset", "triangles_tiny", "--steps", "2", "--width", "0.0625")
        assert gan_study(*trains, "--data", data, cwd=tmp_path).returncode == 0
    done = gan_study("compare", "train", "paper", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "triangles_tiny: there are no numbers published" in done.stdout
    assert (tmp_path / "results" / "train" / "compare" / "compare.html").is_file()
    same = gan_study("compare", "train", "train", cwd=tmp_path)
    assert "nothing known makes it unfair" in same.stdout
    wrong = gan_study("compare", "train", "papre", cwd=tmp_path)
    assert wrong.returncode == 2
    assert "the published numbers are called paper" in wrong.stderr


def test_brackets_in_messages_and_cells_are_shown_as_they_are(data: Path, tmp_path: Path) -> None:
    trains = (
        "train",
        "--loss",
        "vae",
        "--dataset",
        "triangles_tiny",
        "--steps",
        "1",
        "--width",
        "0.0625",
        "--data",
        data,
    )
    done = gan_study(*trains, "--results", "r [b]", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "r [b]/train/samples" in done.stdout
    asked = gan_study("query", "train", "SELECT '[/bold] hi' AS x, [1, 2] AS l", "--results", "r [b]", cwd=tmp_path)
    assert "[/bold] hi" in asked.stdout
    assert "[1, 2]" in asked.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("plan", "demo", "-o", "file/x.parquet"),
        ("run", "demo", "--results", "file"),
        ("prepare", "demo", "--data", "file"),
    ],
)
def test_a_file_where_a_folder_should_be_is_told_in_one_line(arguments: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = gan_study(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "file" in done.stderr


def test_damaged_weights_are_named(tmp_path: Path) -> None:
    (tmp_path / "weights").write_bytes(b"garbage")
    with pytest.raises(StudyError, match=r"weights: expected the weights of cnn28.*cnn28_training"):
        Cnn28(tmp_path / "weights")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.EROFS, "Read-only file system", "results/a"), "results/a: Read-only file system"),
        (OSError(errno.ENOTEMPTY, "Directory not empty", ".a.aside", None, "a"), "a: Directory not empty"),
        (OSError(errno.ESTALE, "Stale file handle"), f"[Errno {errno.ESTALE}] Stale file handle"),
        (OSError("no network"), "no network"),
        (DiskFull("a cannot be written: the disk is full"), "a cannot be written: the disk is full"),
    ],
)
def test_what_the_system_refuses_is_one_line(error: OSError, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def command() -> None:
        raise error

    monkeypatch.setattr("study.commands.schema.command", command)
    done = CliRunner().invoke(app, ["schema"])
    assert (done.exit_code, done.stdout, done.stderr) == (2, "", f"gan-study: {told}\n")
