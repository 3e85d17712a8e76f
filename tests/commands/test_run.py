"""Real runs on a real Ray cluster: interrupted, killed, failing, diverging, run again."""

import io
import itertools
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from study import spec, trial
from study.plan import build
from study.results import Store, connect
from study.results.schema import is_measured
from study.session import Options
from tests.commands.command import gan_study, on_a_terminal, start

pytestmark = pytest.mark.slow


@pytest.fixture
def study_file(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(
        "name: small\nlosses: [began, vae]\ndatasets: {triangles_tiny: {steps: 120, evaluations: 3}}\n"
        "phases: [{name: wide, space: wide, settings: 2}]\nwidth: 0.125\nmeasure: {generated: 200, real: 200}\n"
        "resources: {checkpoint_minutes: 0.005}\n"
    )
    return path


def _measured(folder: Path) -> pd.DataFrame:
    """What two runs of the same study must agree on, bit for bit, in a fixed order."""
    with connect(folder) as database:
        frame = database.table("evaluations").df()
    names = [name for name in frame.columns if is_measured(name)]
    return frame[names].sort_values(["trial", "step"], ignore_index=True)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Callable[[Path], pd.DataFrame]:
    """The rows of a study run in this process, without Ray and without interruption."""

    def run(study_file: Path) -> pd.DataFrame:
        study = spec.load(str(study_file))
        store = Store(tmp_path_factory.mktemp("undisturbed") / study.name)
        plan = build(study, {})
        store.write_plan([planned.row(i) for i, planned in enumerate(plan)], spec.dump(study))
        for planned in plan:
            assert len(list(trial.run(planned, store, Options(data)))) == 3
        return _measured(store.folder)

    return run


def _alive(driver: subprocess.Popen[str]) -> list[str]:
    """What lives of the session that the driver began; a zombie is dead, and waits for a parent that is not ours."""
    listed = subprocess.run(
        ["ps", "-ww", "-eo", "stat,sid,pid,args"], capture_output=True, text=True, check=True
    ).stdout
    lines = (line.split(None, 3) for line in listed.splitlines()[1:])
    return [what for state, session, _, what in lines if session == str(driver.pid) and not state.startswith("Z")]


def _rows_of(driver: subprocess.Popen[str], folder: Path, count: int) -> None:
    """Waits until the run has left so many files of rows."""

    def there() -> bool:
        assert driver.poll() is None, driver.communicate()[0]
        return len(list((folder / "rows").glob("*.parquet"))) >= count

    _wait_for(there, f"{count} files of rows")


def _wait_for(condition: Callable[[], bool], what: str, seconds: float = 120) -> None:
    """Polls, because another process gives no sign but its files."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s"
        time.sleep(0.05)


def _assert_nothing_left(driver: subprocess.Popen[str]) -> None:
    _wait_for(lambda: not _alive(driver), "the end of Ray's processes", 30)
    _wait_for(lambda: not list(Path("/tmp").glob(f"gan-study-{driver.pid}-*")), "the end of Ray's folder", 30)


def test_killed_in_the_middle_and_continued_equals_undisturbed(
    study_file: Path, data: Path, tmp_path: Path, undisturbed: Callable[[Path], pd.DataFrame]
) -> None:
    folder = tmp_path / "results" / "small"
    driver = start("run", study_file, "--workers", "2", "--data", data, cwd=tmp_path)
    _rows_of(driver, folder, 3)
    os.kill(driver.pid, signal.SIGKILL)
    driver.communicate()
    _assert_nothing_left(driver)
    finished = gan_study("run", study_file, "--workers", "2", "--data", data, cwd=tmp_path)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert finished.stderr == ""
    assert "4 done of 4 trials" in finished.stdout
    pd.testing.assert_frame_equal(_measured(folder), undisturbed(study_file), check_exact=True)

    written = {path: path.stat().st_mtime_ns for path in sorted((folder / "rows").iterdir())}
    again = gan_study("run", study_file, "--workers", "2", "--data", data, cwd=tmp_path)
    assert again.returncode == 0
    assert "4 done of 4 trials" in again.stdout
    assert "workers" not in again.stdout  # Ray was not started
    assert {path: path.stat().st_mtime_ns for path in sorted((folder / "rows").iterdir())} == written
    assert not list(folder.glob("trials/*/checkpoint-*"))
    assert len(list((folder / "generators").iterdir())) == 4


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_stops_in_seconds_and_says_how_to_go_on(
    stop: signal.Signals, study_file: Path, data: Path, tmp_path: Path
) -> None:
    """While it runs, longer than anybody looks, `status` sees it, and a second driver is refused."""
    study_file.write_text(study_file.read_text().replace("steps: 120, evaluations: 3", "steps: 8000, evaluations: 200"))
    folder = tmp_path / "results" / "small"
    driver = start("run", study_file, "--workers", "1", "--data", data, cwd=tmp_path)
    _rows_of(driver, folder, 1)
    if stop is signal.SIGTERM:
        second = gan_study("run", study_file, "--workers", "1", "--data", data, cwd=tmp_path)
        status = gan_study("status", study_file, cwd=tmp_path)
        assert second.returncode == 2
        assert "is being run already" in second.stderr
        assert "a driver is at work" in status.stdout
        assert "running now" in status.stdout
    os.kill(driver.pid, stop) if stop is signal.SIGTERM else os.killpg(driver.pid, stop)
    said, _ = driver.communicate(timeout=30)
    assert driver.returncode == 130, said
    assert "stopped: " in said
    assert f"go on with: gan-study run {study_file}" in said
    assert "Traceback" not in said
    _assert_nothing_left(driver)
    status = gan_study("status", study_file, cwd=tmp_path)
    assert "no driver is at work" in status.stdout
    assert f"go on: gan-study run {study_file}" in status.stdout


def test_a_killed_worker_is_retried_and_the_rows_are_readable_at_every_moment_and_stay_the_same(
    study_file: Path, data: Path, tmp_path: Path, undisturbed: Callable[[Path], pd.DataFrame]
) -> None:
    folder = tmp_path / "results" / "small"
    driver = start("run", study_file, "--workers", "2", "--data", data, cwd=tmp_path)
    _rows_of(driver, folder, 1)
    marker = next((folder / "trials").glob("*/attempt-1.json"))
    os.kill(int(re.findall(r'"pid": (\d+)', marker.read_text())[0]), signal.SIGKILL)
    seen = 0
    while driver.poll() is None:
        files = list((folder / "rows").glob("*.parquet"))
        seen = max(seen, sum(len(pd.read_parquet(io.BytesIO(path.read_bytes()))) for path in files))
        time.sleep(0.1)  # else reading takes one of two processors from what is read
    said, _ = driver.communicate()
    assert driver.returncode == 0, said
    assert "4 done of 4 trials" in said
    assert seen >= 11
    pd.testing.assert_frame_equal(_measured(folder), undisturbed(study_file), check_exact=True)


def test_failures_are_rows_counted_loudly_and_repeated_by_retry_alone(
    study_file: Path, data: Path, tmp_path: Path, undisturbed: Callable[[Path], pd.DataFrame]
) -> None:
    folder = tmp_path / "results" / "small"
    store = Store(folder)
    victim = build(spec.load(str(study_file)), {})[1].trial
    obstacle = store.sample_file(victim.id, 80)
    obstacle.mkdir(parents=True)  # a picture cannot be written over a folder: the trial fails at its second evaluation

    first = gan_study("run", study_file, "--workers", "2", "--data", data, cwd=tmp_path)
    assert first.returncode == 1
    assert "3 done, 1 failed of 4 trials" in first.stdout
    assert "FAILED 1 x IsADirectoryError" in first.stdout
    rows = store.read(victim.id)
    assert [(row["attempt"], row["step"], row["status"]) for row in rows] == [
        (1, 40, "ok"),
        (1, 80, "failed"),
        (2, 80, "failed"),
    ]
    assert (folder / rows[-1]["trace"]).read_text().startswith("Traceback")

    again = gan_study("run", study_file, "--workers", "2", "--data", data, cwd=tmp_path)
    assert again.returncode == 1
    assert "gan-study retry" in again.stdout
    assert len(store.read(victim.id)) == 3

    why = gan_study("why", study_file, victim.id[:10], cwd=tmp_path)
    assert "IsADirectoryError" in why.stdout
    assert "Traceback" in why.stdout

    obstacle.rmdir()
    retried = gan_study("retry", study_file, "--workers", "2", "--data", data, cwd=tmp_path)
    assert retried.returncode == 0, retried.stdout
    assert "4 done of 4 trials" in retried.stdout
    pd.testing.assert_frame_equal(_measured(folder), undisturbed(study_file), check_exact=True)
    assert [row["status"] for row in store.read(victim.id)] == ["ok", "failed", "failed", "ok", "ok"]


def test_on_a_terminal_there_is_one_screen(data: Path, tmp_path: Path) -> None:
    path = tmp_path / "short.yaml"
    path.write_text(
        "name: short\nlosses: [ns]\ndatasets: {triangles_tiny: {steps: 60, evaluations: 3}}\n"
        "phases: [{name: wide, space: wide, settings: 1}]\nwidth: 0.125\nmeasure: {generated: 200, real: 200}\n"
    )
    said = on_a_terminal("run", path, "--workers", "1", "--data", data, cwd=tmp_path)
    assert "short: 0 done, 1 running, 0 diverged, 0 failed, 1 left of 1" in said
    assert "best so far" in said
    assert "images/s" in said
    assert "[1/1] done" not in said  # that line is for logs
    assert "short: 1 done of 1 trials" in said


def test_divergence_has_a_status_of_its_own_and_never_wins(data: Path, tmp_path: Path) -> None:
    arguments = (
        "--dataset",
        "triangles_tiny",
        "--steps",
        "30",
        "--evaluations",
        "3",
        "--width",
        "0.125",
        "--data",
        data,
    )
    wild = gan_study(
        "train",
        "--loss",
        "wgan_gp",
        "--set",
        "learning_rate=1000",
        "--set",
        "penalty_weight=1e9",
        *arguments,
        cwd=tmp_path,
    )
    tame = gan_study("train", "--loss", "wgan_gp", *arguments, cwd=tmp_path)
    assert wild.returncode == tame.returncode == 0
    assert "diverged" in wild.stdout
    best = gan_study("best", "train", cwd=tmp_path)
    trials = gan_study(
        "query", "train", "SELECT sample, status FROM trials ORDER BY sample", "--format", "csv", cwd=tmp_path
    )
    assert trials.stdout.splitlines() == ["sample,status", "0,done", "1,diverged"]
    assert "0 (default)" in best.stdout


def test_the_worker_limit_holds_with_fractions_of_a_processor(data: Path, tmp_path: Path) -> None:
    path = tmp_path / "packed.yaml"
    path.write_text(
        "name: packed\nlosses: [ns, vae]\ndatasets: {triangles_tiny: {steps: 40, evaluations: 2}}\n"
        "phases: [{name: wide, space: wide, settings: 2}]\nwidth: 0.0625\nmeasure: {generated: 100, real: 100}\n"
        "resources: {cpus: 0.5}\n"
    )
    done = gan_study("run", path, "--workers", "1", "--data", data, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = gan_study(
        "query", path, "SELECT min(started_at), max(written_at) FROM attempts GROUP BY trial ORDER BY 1",
        "--format", "csv", cwd=tmp_path,
    )  # fmt: skip
    spans = [line.split(",") for line in rows.stdout.splitlines()[1:]]
    assert len(spans) == 4
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans))


def test_repeats_of_one_setting_share_its_number(data: Path, tmp_path: Path) -> None:
    base = (
        "train",
        "--loss",
        "vae",
        "--dataset",
        "triangles_tiny",
        "--steps",
        "4",
        "--width",
        "0.0625",
        "--data",
        data,
    )
    for extra in (("--seed", "0"), ("--seed", "1"), ("--set", "beta1=0.3"), ("--set", "beta1=0.3", "--seed", "1")):
        assert gan_study(*base, *extra, cwd=tmp_path).returncode == 0
    other = (*base[:8], "0.125", *base[9:])
    assert gan_study(*other, cwd=tmp_path).returncode == 0
    rows = gan_study(
        "query", "train", "SELECT sample, seed FROM trials ORDER BY position", "--format", "csv", cwd=tmp_path
    )
    assert rows.stdout.splitlines()[1:] == ["0,0", "0,1", "1,0", "1,1", "2,0"]


def test_a_phase_that_selects_follows_the_phase_it_selects_from(data: Path, tmp_path: Path) -> None:
    """On images of one's own: three published settings of two losses, then the best of each with fresh seeds."""
    noise = np.random.default_rng(0).integers(0, 256, (120, 28, 28), dtype=np.uint8)
    np.savez(tmp_path / "noise.npz", train=noise[:80], test=noise[80:])
    path = tmp_path / "two.yaml"
    path.write_text(
        "name: two\nlosses: [ns, vae]\nvariant: corrected\n"
        "datasets: {noise: {images: noise.npz, size: 28, channels: 1, steps: 6, evaluations: 2}}\n"
        "phases:\n- {name: wide, space: wide, sampler: published, settings: 3}\n"
        "- {name: seeds, select: {phase: wide}, seeds: 2, first_seed: 1}\n"
        "width: 0.0625\nbatch_size: 8\nmeasure: {generated: 50, real: 8}\n"
    )
    planned = json.loads(gan_study("plan", path, "--json", cwd=tmp_path).stdout)
    assert (planned["trials"], planned["deferred"]) == (10, {"seeds": {"trials": 4, "steps": 24, "evaluations": 8}})
    done = gan_study("run", path, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "two: 10 done of 10 trials" in done.stdout
    rows = gan_study(
        "query", path, "SELECT phase, loss, variant, sample, seed, selection_score, score, evidence FROM trials",
        "--format", "json", cwd=tmp_path,
    )  # fmt: skip
    trials = pd.DataFrame(json.loads(rows.stdout))
    wide, seeds = (trials[trials["phase"] == phase] for phase in ("wide", "seeds"))
    best = wide.loc[wide.groupby("loss")["selection_score"].idxmin()].set_index("loss")
    for loss in ("ns", "vae"):
        repeats = seeds[seeds["loss"] == loss]
        assert set(repeats["sample"]) == {best.loc[loss, "sample"]}
        assert sorted(repeats["seed"]) == [1, 2]
        evidence = json.loads(repeats["evidence"].iloc[0])
        assert evidence["selection_score"] == best.loc[loss, "selection_score"]
        assert evidence["settings"] == 3
    assert set(trials["variant"]) == {"as_run"}  # ns has one form, and the vae on grey images too
    again = gan_study("run", path, cwd=tmp_path)
    assert again.returncode == 0
    assert "10 done of 10 trials" in again.stdout
    assert "workers" not in again.stdout  # Ray was not started

    np.savez(tmp_path / "noise.npz", train=noise[40:], test=noise[:40])
    path.write_text(path.read_text().replace("seeds: 2", "seeds: 3"))
    other = gan_study("run", path, cwd=tmp_path)
    assert other.returncode == 2
    assert "noise: its images are not those that" in other.stderr
