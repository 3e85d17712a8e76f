"""What why tells of where a trial's numbers come from, for attempts that ran anywhere, and of older programs."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from study.attempt import begin
from study.commands import recorded, why
from study.errors import StudyError
from study.provenance import keep_code, keep_study
from study.results.store import Store
from tests.conftest import tiny_trial

PLANNED = tiny_trial()
TRIAL = PLANNED.trial.id
MACHINE = {"host": "n1", "processor": "fast", "cores": 8, "accelerator": "NVIDIA H100", "driver": "535.129.03"}
SLURM = {"job_id": "130", "array_job_id": "127", "node": "n1", "partition": "preemptible", "restarts": 2}
OK = {"status": "ok", "fd_cnn28": 1.0, "fingerprint": json.dumps({"extractor": "cnn28", "metrics": {"fd": 1}})}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "results" / "tiny")
    made.write_plan([PLANNED.row(0)], "name: tiny\n")
    return made


@pytest.fixture
def said(store: Store, capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    def tell() -> str:
        why.command(store.folder.name, TRIAL[:6], results=store.folder.parent)
        return capsys.readouterr().out

    return tell


def ran(store: Store, step: int, data: Path | None = None, **where: Any) -> None:
    """One more attempt, with one row."""
    with begin(PLANNED, store, where, data) as made:
        assert made is not None
        made.joules = lambda: 1234.5
        made.add(step, OK)


def place(store: Store, **changed: Any) -> dict[str, Any]:
    """The columns of an attempt on a cluster."""
    return {
        **keep_code(store),
        "study_yaml": keep_study(store, "name: tiny\n"),
        "versions": json.dumps({"python": "3.11.7", "torch": "2.14.1"}),
        "hardware": json.dumps(MACHINE),
        "job": "127_3",
        "slurm": json.dumps(SLURM),
        **changed,
    }


def test_attempts_are_told_by_where_they_ran(store: Store, said: Callable[[], str]) -> None:
    other = {**MACHINE, "host": "n2", "accelerator": "NVIDIA A100"}
    for step, machine in ((10, MACHINE), (20, other), (30, MACHINE)):
        ran(store, step, **place(store, hardware=json.dumps(machine)))
    text = said()
    first, second = text.partition("where attempt 1, 3 ran\n")[2].split("where attempt 2 ran\n")
    for block, host, card in ((first, "n1", "H100"), (second, "n2", "A100")):
        for line in (
            f"    host: {host}", f"    accelerator: NVIDIA {card}", "    driver: 535.129.03", "    torch: 2.14.1",
            "  job: 127_3", "    restarts: 2", "    partition: preemptible",
        ):  # fmt: skip
            assert f"{line}\n" in block
    assert "\nhow it is measured\n  extractor: cnn28\n  metrics:\n    fd: 1\n" in text
    assert "1234" in text.partition("\nhistory\n")[2].partition("\nattempts\n")[0]  # joules
    assert text.endswith(f"\nreproduce it: gan-study reproduce tiny {TRIAL} --results {store.folder.parent}\n")


def test_the_seeds_are_those_of_the_trial_and_of_the_draw(store: Store, said: Callable[[], str]) -> None:
    ran(store, 10, **place(store))
    assert "\nseeds\n  seed: 0\n  setting:\n    space: wide\n    sampler: random\n    search_seed: 0\n" in said()


def test_files_that_are_gone_are_named_all_the_same(store: Store, said: Callable[[], str]) -> None:
    ran(store, 10, **place(store))
    for path in store.provenance.iterdir():
        path.unlink()
    *_, row = store.read(TRIAL)
    text = said()
    for column in ("source", "study_yaml"):
        assert f"{store.provenance_file(column, row[column])} (not there)\n" in text
    assert "tar -xzf" not in text


def test_rows_of_an_older_program_have_what_they_have(store: Store, said: Callable[[], str]) -> None:
    ran(store, 30)
    text = said()
    for line in ("  study: -", "  source: -", "  commit: none, the code was no checkout", "  hardware: -", "  job: -"):
        assert f"{line}\n" in text
    assert "to run it with its own code" not in text
    assert text.endswith(f"\nreproduce it: gan-study reproduce tiny {TRIAL} --results {store.folder.parent}\n")


def test_the_data_folder_is_in_the_command_where_it_is_there(store: Store, said: Callable[[], str]) -> None:
    folder = store.folder / "with space"
    folder.mkdir()
    ran(store, 10, folder)
    assert said().endswith(f" --data '{folder}'\n")
    folder.rmdir()  # of another machine, perhaps
    assert " --data" not in said()


def test_what_was_reproduced_goes_elsewhere_when_it_is_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Store(tmp_path / "reproduced")
    store.write_plan([PLANNED.row(0)], "name: reproduced\n")
    ran(store, 30)
    why.command("reproduced", TRIAL, results=tmp_path)
    assert capsys.readouterr().out.endswith(f" --results {tmp_path} -o {tmp_path}/reproduced-again\n")


def test_a_trial_that_waits_has_nothing_to_reproduce(said: Callable[[], str]) -> None:
    text = said()
    assert text.startswith(f"trial {TRIAL}: waiting\n")
    assert "    learning_rate: 5e-05\n" in text
    assert "reproduce" not in text
    assert "where attempt" not in text


def test_a_traceback_that_is_gone_hides_nothing_after_it(store: Store, said: Callable[[], str]) -> None:
    with begin(PLANNED, store, place(store)) as made:
        assert made is not None
        made.fail(10, OSError("no disk"), {})
    assert "\nno disk" not in said()
    path = store.trace_file(TRIAL, 1)
    path.unlink()
    text = said()
    assert f"\ntraceback ({path})\n(not there: {path})\n" in text
    assert "\nreproduce it: gan-study reproduce tiny" in text


def test_a_marker_that_cannot_be_read_is_named(store: Store, said: Callable[[], str]) -> None:
    ran(store, 10, **place(store))
    ran(store, 20, **place(store))
    store.marker_file(TRIAL, 1).write_bytes(b"")
    copy = store.trial_folder(TRIAL) / "attempt-1 (conflicted copy).json"
    copy.write_bytes(store.marker_file(TRIAL, 2).read_bytes())
    text = said()
    assert f"\n{store.marker_file(TRIAL, 1)} is damaged (" in text
    assert len(text.partition("\nattempts\n")[2].partition("\n\n")[0].splitlines()) == 2  # its head, and attempt 2
    assert "\nreproduce it: gan-study reproduce tiny" in text


def test_trials_that_the_plan_has_not(store: Store, said: Callable[[], str]) -> None:
    """Every row leads to where it comes from, also after the plan was changed."""
    for step in (10, 20, 30):
        ran(store, step, **place(store))
    store.write_plan([], "name: tiny\n")
    text = said()
    assert text.startswith(f"trial {TRIAL}: done; the plan has it not: its rows are in attempts alone\n")
    assert "    learning_rate: 5e-05\n" in text
    assert "where attempt 1, 2, 3 ran" in text
    assert f"\nreproduce it: gan-study reproduce tiny {TRIAL} --results" in text
    with pytest.raises(StudyError, match="'ffff' fits no trial of the plan, nor of any row"):
        why.command(store.folder.name, "ffff", results=store.folder.parent)


def test_the_printed_command_runs_the_code_of_then(tmp_path: Path, data: Path) -> None:
    """Pasted into a shell, with spaces in its paths, and where no `python` is on the PATH."""
    store = Store(tmp_path / "my results" / "tiny")
    store.write_plan([PLANNED.row(0)], "name: tiny\n")
    ran(store, 10, **place(store))
    *_, row = store.read(TRIAL)
    (way,) = [way for way in recorded.code(store, row) if way.startswith("tar ")]
    shown = way.replace(f"reproduce tiny {TRIAL}", "reproduce --help")
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("tar", "gzip"):
        (tools / tool).symlink_to(shutil.which(tool) or tool)
    done = subprocess.run(
        ["/bin/sh", "-c", shown], env={"PATH": str(tools)}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "Run one trial again from its record" in done.stdout
    assert sys.executable in way


def test_results_that_can_only_be_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Code and rows go elsewhere then."""
    ran(store, 10, **place(store))
    *_, row = store.read(TRIAL)
    monkeypatch.setattr(recorded.os, "access", lambda *_: False)  # the superuser may write into every other folder
    (way,) = [way for way in recorded.code(store, row) if way.startswith("tar ")]
    assert f" -C {tempfile.gettempdir()} &&" in way
    assert way.endswith(" -o reproduced")
