"""From a row back to its numbers: the command that why prints gives the same ones, and what differs is named."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer

from study import source
from study.commands import reproduce, train, why
from study.errors import StudyError
from study.identity import from_content
from study.plan import Planned
from study.results import schema
from study.results.rowfile import Row
from study.results.store import Store, read_plan
from tests.commands.command import environment, gan_study
from tests.test_trial import measured

SHORT: dict[str, Any] = {"steps": 12, "evaluations": 3, "width": 0.0625}
WILD = ["learning_rate=1000", "penalty_weight=1e9"]


def trained(results: Path, data: Path, loss: str = "ns", **more: Any) -> str:
    """Runs gan-study train in this process; the trial's id. A failure is no concern of this."""
    with suppress(typer.Exit):
        train.command(loss, "triangles_tiny", **{**SHORT, **more}, results=results, data=data)
    (trial,) = {row.name for row in (results / train.STUDY / "trials").iterdir()}
    return trial


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory, data: Path) -> SimpleNamespace:
    """A trial, and the folder where it was reproduced; both are only read."""
    results = tmp_path_factory.mktemp("original") / "results"
    made = SimpleNamespace(results=results, trial=trained(results, data), data=data, again=results / "reproduced")
    reproduce.command(train.STUDY, made.trial, results=results, data=data)
    return made


@pytest.fixture
def copy(original: SimpleNamespace, tmp_path: Path) -> SimpleNamespace:
    """The same, to be changed by `edit`: what is in the copied rows is another record of the same trial."""
    shutil.copytree(original.results, tmp_path / "results")
    made = SimpleNamespace(**{**vars(original), "results": tmp_path / "results"})
    made.store, made.again = Store(made.results / train.STUDY), made.results / "reproduced"

    def edit(step: int | None = None, **changed: Any) -> None:
        rows = [{**row, **(changed if step in (None, row["step"]) else {})} for row in made.store.read(made.trial)]
        made.store.write(made.trial, 1, rows)

    made.edit = edit
    return made


def told(where: SimpleNamespace, capsys: pytest.CaptureFixture[str], **options: Any) -> tuple[int, str]:
    """The exit code and the words of gan-study reproduce."""
    capsys.readouterr()
    try:
        reproduce.command(train.STUDY, where.trial, results=where.results, data=where.data, **options)
    except typer.Exit as end:
        return end.exit_code, capsys.readouterr().out
    return 0, capsys.readouterr().out


def shell(command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """What a person gets who pastes the command into a shell where gan-study is installed."""
    programs = cwd / "programs"
    programs.mkdir(exist_ok=True)
    for name, words in (("gan-study", f"{sys.executable} -m study"), ("python", sys.executable)):
        (programs / name).write_text(f'#!/bin/sh\nexec {words} "$@"\n')
        (programs / name).chmod(0o755)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-c", command], cwd=cwd, env={**environment(), "PATH": path}, capture_output=True, text=True,
        timeout=300,
    )  # fmt: skip


def last_command(said: str) -> str:
    *_, last = said.strip().splitlines()
    assert last.startswith("reproduce it: ")
    return last.removeprefix("reproduce it: ")


def counting(store: Store, trial: str) -> list[Row]:
    """The rows of evaluations, each by its newest attempt."""
    by_step = {row["step"]: row for row in store.read(trial) if row["status"] != "failed"}
    return [by_step[step] for step in sorted(by_step)]


def assert_kept(store: Store, trial: str) -> None:
    """Every file of provenance that a row names is there."""
    for row in store.read(trial):
        named = {column: row.get(column) for column in schema.FILES}
        assert named["source"]
        assert named["study_yaml"]
        assert (named["diff"] is not None) == bool(row["dirty"])
        assert all(store.provenance_file(column, digest).is_file() for column, digest in named.items() if digest)


@pytest.mark.slow
def test_a_run_and_a_retry_lead_to_everything_and_the_printed_command_gives_the_same_numbers(
    data: Path, tmp_path: Path, tiny_yaml: Callable[..., Path]
) -> None:
    """An obstacle fails the second evaluation of one of two trials: attempts of two commands, of Ray's processes."""
    study = tiny_yaml(losses=["ns"], resources={"retries": 0})
    plan = gan_study("plan", study, "-o", "plan.parquet", cwd=tmp_path)
    assert plan.returncode == 0, plan.stderr
    store = Store(tmp_path / "results" / "tiny")
    trials = [row["trial"] for row in read_plan(tmp_path / "plan.parquet")]
    obstacle = store.sample_file(trials[1], 20)
    obstacle.mkdir(parents=True)
    assert gan_study("run", study, "--data", data, cwd=tmp_path).returncode == 1
    obstacle.rmdir()
    retried = gan_study("retry", study, "--data", data, cwd=tmp_path)
    assert retried.returncode == 0, retried.stdout + retried.stderr
    for trial in trials:
        assert_kept(store, trial)
        assert {row["study_yaml"] for row in store.read(trial)} == {source.digest(store.study_file.read_bytes())}
        assert {(row["space"], row["sampler"], row["search_seed"]) for row in store.read(trial)} == {
            ("wide", "random", 0)
        }
    assert {row["attempt"] for row in store.read(trials[1])} == {1, 2}
    said = gan_study("why", study, trials[1], cwd=tmp_path).stdout
    command = last_command(said)
    assert command == f"gan-study reproduce tiny {trials[1]} --data {data}"
    done = shell(command, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    again = Store(tmp_path / "results" / "reproduced")
    assert measured(counting(again, trials[1])) == measured(counting(store, trials[1]))
    assert_kept(again, trials[1])


def test_why_shows_it_all_and_ends_with_the_command(
    original: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    why.command(train.STUDY, original.trial[:8], results=original.results)
    said = capsys.readouterr().out
    store = Store(original.results / train.STUDY)
    *_, row = store.read(original.trial)
    assert_kept(store, original.trial)
    for column in schema.FILES:
        assert not row[column] or f"{store.provenance_file(column, row[column])}\n" in said
    assert "(not there)" not in said
    versions, hardware, fingerprint = (json.loads(row[name]) for name in ("versions", "hardware", "fingerprint"))
    for line in (
        f"    torch: {versions['torch']}", f"    host: {hardware['host']}", f"  data: {original.data}", "  slurm: -",
        f"  dataset_sha256: {fingerprint['dataset_sha256']}", "  seed: 0", "    learning_rate: 5e-05",
    ):  # fmt: skip
        assert f"{line}\n" in said
    assert "{" not in said.partition("log of all its attempts")[0]  # no JSON in what a person reads
    if row["commit"]:
        assert f"  commit: {row['commit']}" in said
        assert f"git checkout {row['commit']}" in said
    command = last_command(said)
    options = f"--results {original.results} --data {original.data}"
    assert command == f"gan-study reproduce train {original.trial} {options}"


def test_the_printed_command_gives_the_same_numbers_and_again_only_compares(
    original: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    first, again = Store(original.results / train.STUDY), Store(original.again)
    assert measured(counting(again, original.trial)) == measured(counting(first, original.trial))
    assert_kept(again, original.trial)
    files = {path: path.stat().st_mtime_ns for path in original.again.rglob("*") if path.name != "driver.lock"}
    code, said = told(original, capsys)
    assert code == 0
    assert "it has run before, with this code" in said
    assert f"equal: trial {original.trial}" in said
    assert "rows: 3" in said
    assert "otherwise than on record" not in said
    assert {path: path.stat().st_mtime_ns for path in original.again.rglob("*") if path.name != "driver.lock"} == files


def test_a_value_that_was_changed_is_named_with_its_step(
    copy: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    (value,) = (row["fd_cnn28"] for row in copy.store.read(copy.trial) if row["step"] == 8)
    copy.edit(8, fd_cnn28=value + 1.5, generator_loss=None)
    code, said = told(copy, capsys)
    assert code == 1
    assert f"DIFFERENT: trial {copy.trial} at 1 of 3 steps" in said
    assert re.search(rf"step 8: fd_cnn28 was {value + 1.5}, is {value} \(-1\.5, -\S+ of it\)\n", said)
    assert "step 8: generator_loss was null, is " in said
    assert said.count("step 8: ") == 2
    assert "step 4: " not in said


def test_what_is_otherwise_than_on_record_is_said_before_it_runs(
    copy: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    *_, row = copy.store.read(copy.trial)
    versions, hardware = json.loads(row["versions"]), json.loads(row["hardware"])
    copy.store.provenance_file("source", row["source"]).rename(copy.store.provenance_file("source", "5" * 16))
    copy.edit(
        source="5" * 16, commit="c" * 40, dirty=True, diff="d" * 16, versions=json.dumps({**versions, "torch": "1.0"}),
        hardware=json.dumps({**hardware, "host": "n1", "processor": "fast"}),
    )  # fmt: skip
    code, said = told(copy, capsys)
    assert code == 0
    mark = "otherwise than on record: "
    assert [line.removeprefix(mark) for line in said.splitlines() if line.startswith(mark)] == [
        f"source: was {'5' * 16}, is {source.fingerprint()} here",
        f"versions: torch was 1.0, is {versions['torch']} here",
        f"hardware: host was n1, is {hardware['host']} here; processor was fast, is {hardware['processor']} here",
    ]
    unpack = f"tar -xzf {copy.store.provenance}/source-{'5' * 16}.tar.gz -C {copy.results} && "
    assert f"the code on record: {unpack}" in said
    assert f"the code on record: git checkout {'c' * 40}  # in its checkout" in said  # the diff is not there
    why.command(train.STUDY, copy.trial, results=copy.results)
    said = capsys.readouterr().out
    assert f"diff: {copy.store.provenance_file('diff', 'd' * 16)} (not there)" in said
    assert last_command(said).startswith(unpack)


@pytest.mark.slow
def test_other_code_is_unpacked_and_gives_the_same_numbers(data: Path, tmp_path: Path) -> None:
    """A study of a program that has changed since: why prints how to run it with the one that it kept."""
    code = source.freeze(tmp_path / "sources")
    errors = code / "study" / "errors.py"
    errors.write_text(f"{errors.read_text()}# another program\n")
    words = ("--steps", "4", "--width", "0.0625", "--data", str(data))
    made = subprocess.run(
        [sys.executable, "-m", "study", "train", "--loss", "vae", "--dataset", "triangles_tiny", *words], cwd=tmp_path,
        env={**environment(), "PYTHONPATH": str(code), "PYTHONSAFEPATH": "1"}, capture_output=True, text=True,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    (trial,) = (path.name for path in (tmp_path / "results" / "train" / "trials").iterdir())
    command = last_command(gan_study("why", "train", trial, cwd=tmp_path).stdout)
    assert command.startswith("tar -xzf results/train/provenance/source-")
    errors.unlink()  # only what was kept is left of it
    done = shell(command, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"equal: trial {trial}" in done.stdout
    assert "otherwise" not in done.stdout
    first, again = (Store(tmp_path / "results" / name).read(trial) for name in ("train", "reproduced"))
    assert {row["source"] for row in first} == {row["source"] for row in again} != {source.fingerprint()}


@pytest.mark.parametrize("again", [False, True])
def test_a_failure_fails_in_the_same_way_or_does_not(
    again: bool, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A picture cannot be written over a folder: the trial fails at its second evaluation."""
    wanted = SimpleNamespace(results=tmp_path / "results", data=data)
    probe = trained(tmp_path / "probe", data, seed=1)
    store, other = Store(wanted.results / "train"), Store(tmp_path / "again")
    store.sample_file(probe, 8).mkdir(parents=True)
    wanted.trial = trained(wanted.results, data, seed=1)
    assert [row["status"] for row in store.read(wanted.trial)] == ["ok", "failed"]
    if again:
        other.sample_file(wanted.trial, 8).mkdir(parents=True)
    for _ in range(2):
        code, said = told(wanted, capsys, output=other.folder)
        assert "on record it failed at step 8: IsADirectoryError: " in said
        assert code == (0 if again else 1)
        assert ("equal: trial" in said) == again
        assert ("here it failed at step 8: IsADirectoryError" in said) == again
        assert ("here it did not fail" in said) != again
        assert ("step 8: no row now" in said) != again
        assert ("step 8: a row that is not on record" in said) != again
    assert "it has run before" in said
    assert [row["step"] for row in other.read(wanted.trial)] == [4, 8]  # not beyond what can be compared


def test_a_divergence_is_reproduced(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wild = SimpleNamespace(results=tmp_path / "wild", data=data)
    wild.trial = trained(wild.results, data, "wgan_gp", settings=WILD)
    statuses = [row["status"] for row in Store(wild.results / "train").read(wild.trial)]
    assert statuses[-1] == "diverged"
    code, said = told(wild, capsys)
    assert (code, f"rows: {len(statuses)}" in said) == (0, True)
    assert [row["status"] for row in Store(wild.results / "reproduced").read(wild.trial)] == statuses


def test_an_interrupted_trial_is_reproduced_as_far_as_it_went(
    copy: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    """And further, once the study has gone on."""
    rows, other = copy.store.read(copy.trial), Store(copy.results / "other")
    for count in (1, 2):
        copy.store.write(copy.trial, 1, rows[:count])
        code, said = told(copy, capsys, output=other.folder)
        assert (code, f"rows: {count}" in said) == (0, True)
        assert len(other.read(copy.trial)) == count
    assert {row["attempt"] for row in other.read(copy.trial)} == {1, 2}


def test_threads_are_those_on_record(copy: SimpleNamespace, capsys: pytest.CaptureFixture[str]) -> None:
    row, *_ = copy.store.read(copy.trial)
    copy.store.write(copy.trial, 1, [{**row, "hardware": json.dumps({**json.loads(row["hardware"]), "threads": 2})}])
    other = Store(copy.results / "other")
    _, said = told(copy, capsys, output=other.folder)
    assert "threads: 2" in said
    assert {json.loads(row["hardware"])["threads"] for row in other.read(copy.trial)} == {2}


def mistaken(where: SimpleNamespace, **options: Any) -> str:
    arguments = {"trial": where.trial, "results": where.results, "data": where.data, **options}
    with pytest.raises(StudyError) as told:
        reproduce.command(train.STUDY, **arguments)
    return str(told.value)


def test_mistakes_are_told_in_one_line(copy: SimpleNamespace, tmp_path: Path) -> None:
    assert "'ffff' fits no trial of the plan" in mistaken(copy, trial="ffff")
    for folder in (copy.store.folder, copy.store.folder / "in", copy.results):
        assert f"{folder} is the folder of the study itself, or in it, or around it" in mistaken(copy, output=folder)
    other = Store(tmp_path / "another")
    other.write_plan([], "name: mine\n")
    assert "is the folder of the study mine" in mistaken(copy, output=other.folder)
    (known,) = {row["content"] for row in copy.store.read(copy.trial)}
    waiting = Planned("wide", 3, from_content(known.replace('"seed":0', '"seed":7')))
    copy.store.write_plan([waiting.row(0)], "name: train\n")
    assert "has no rows yet" in mistaken(copy, trial=waiting.trial.id)
    assert "gan-study run train" in mistaken(copy, trial=waiting.trial.id)


def test_an_accelerator_that_is_not_here_is_asked_for(copy: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    *_, row = copy.store.read(copy.trial)
    copy.edit(hardware=json.dumps({**json.loads(row["hardware"]), "accelerator": "NVIDIA H100"}))
    assert "the trial ran on NVIDIA H100, and this machine has no CUDA device" in mistaken(copy)


def test_other_images_are_refused_before_anything_runs(copy: SimpleNamespace) -> None:
    *_, row = copy.store.read(copy.trial)
    copy.edit(fingerprint=json.dumps({**json.loads(row["fingerprint"]), "dataset_sha256": "0" * 64}))
    other = copy.results / "other"
    assert f"triangles_tiny: its images are not those that {copy.store.folder} was measured with" in mistaken(
        copy, output=other
    )
    assert not other.exists()


def test_content_that_this_program_reads_otherwise_is_left_to_its_own(copy: SimpleNamespace) -> None:
    *_, row = copy.store.read(copy.trial)
    for content in (row["content"].replace('"width"', '"breadth"'), row["content"].replace('"seed":0', '"seed":1')):
        copy.edit(content=content)
        told = mistaken(copy)
        assert "take its own code: tar -xzf" in told
        assert "\n" not in told


def test_a_trial_that_the_plan_has_not_any_more(copy: SimpleNamespace, capsys: pytest.CaptureFixture[str]) -> None:
    """Its rows say all that it takes."""
    copy.store.write_plan([], "name: train\n")
    code, said = told(copy, capsys)
    assert code == 0
    assert f"equal: trial {copy.trial} has the same numbers" in said
