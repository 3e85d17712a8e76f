"""The notebooks: clean, without a computation in them, and running on studies in every state."""

import ast
import os
import tempfile
from pathlib import Path

import nbformat
import pytest

from analysis import kernels, report
from study.errors import StudyError
from tests.analysis import notebooks
from tests.analysis.manifold import recipe, written
from tests.analysis.synthetic import Recipe, write

COMPUTES = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.For, ast.While, ast.If, ast.IfExp, ast.With,
    ast.Try, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.BinOp, ast.BoolOp, ast.Compare,
    ast.AugAssign, ast.Subscript,
)  # fmt: skip


def code(name: str) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebooks.read(name).cells if cell.cell_type == "code"]


def test_every_notebook_is_in_the_report() -> None:
    assert sorted(report.NOTEBOOKS) == sorted(path.stem for path in notebooks.FOLDER.glob("*.ipynb"))


@pytest.mark.parametrize("name", report.NOTEBOOKS)
def test_a_notebook_is_kept_clean_and_has_parameters(name: str) -> None:
    cells = code(name)
    assert all(not cell.outputs and cell.execution_count is None for cell in cells)
    parameters = [cell.source for cell in cells if "parameters" in notebooks.tags(cell)]
    assert [line.split(" =")[0] for line in parameters[0].splitlines()] == ["folder", "out", "mixed"]


@pytest.mark.parametrize("name", report.NOTEBOOKS)
def test_a_notebook_loads_calls_and_shows(name: str) -> None:
    for cell in code(name):
        nodes = list(ast.walk(ast.parse(cell.source)))
        assert not [node for node in nodes if isinstance(node, COMPUTES)]
        for node in nodes:
            if isinstance(node, ast.Import | ast.ImportFrom):
                assert isinstance(node, ast.ImportFrom)
                assert node.module in ("analysis", "analysis.exhibits")
            if isinstance(node, ast.Assign):
                assert isinstance(node.value, ast.Call | ast.Constant)


def shown(name: str, folder: Path) -> str:
    cells = notebooks.executed(name, folder=str(folder)).cells
    return "\n".join(output.data["text/html"] for cell in cells for output in cell.get("outputs", []))


@pytest.mark.parametrize("name", report.NOTEBOOKS)
def test_a_study_that_has_not_begun_is_told_what_is_missing(name: str, unstarted: Path) -> None:
    text = shown(name, unstarted)
    assert "<img" not in text
    assert text.count('class="missing"') > 0 or name in ("claims", "triangles")


def test_a_study_that_measures_distances_is_told_what_is_missing_of_them(unstarted: Path, tmp_path: Path) -> None:
    waiting = recipe(("mm",), ending=lambda loss, sample, seed: "waiting")
    text = shown("triangles", written(tmp_path, waiting))
    assert "<img" not in text
    assert text.count('class="missing"') == 4
    assert shown("triangles", unstarted) == "\n" * 5


@pytest.mark.parametrize("name", report.NOTEBOOKS)
def test_a_study_of_failures_only_has_no_curve(name: str, tmp_path: Path) -> None:
    folder = write(tmp_path / "study", Recipe(("mm", "vae"), ending=lambda loss, sample, seed: "diverged"))
    assert "U-statistic" not in shown(name, folder)


def test_adaptive_searches_are_left_out_and_the_reason_is_given(tmp_path: Path) -> None:
    folder = write(tmp_path / "study", Recipe(("mm", "vae"), sampler="tpe"))
    text = shown("budget_vs_fid", folder)
    assert "phase wide: its sampler tpe may choose a setting by the scores of those before it" in text
    assert "U-statistic" not in text


def test_papermill_runs_a_notebook_in_a_kernel_of_this_interpreter(demo: Path, tmp_path: Path) -> None:
    """What the kernel shows is what this process shows, to the byte."""
    told: list[str] = []
    parameters = {"folder": str(demo), "out": str(tmp_path), "mixed": False}
    paths = [notebooks.FOLDER / f"{name}.ipynb" for name in ("table2",)]
    found = kernels.run(paths, tmp_path / "notebooks", parameters, lambda name, seconds: told.append(name))
    assert list(found) == told == ["table2"]
    for name, notebook in found.items():
        assert nbformat.read(tmp_path / "notebooks" / f"{name}.ipynb", 4).cells
        outputs = [output.data["text/html"] for cell in notebook.cells for output in cell.get("outputs", [])]
        assert "\n".join(outputs) == shown(name, demo)
    assert (tmp_path / "boxes.pdf").stat().st_size


def made(path: Path, *sources: str) -> Path:
    """A notebook of these cells behind one of parameters."""
    parameters = nbformat.v4.new_code_cell('folder = ""', metadata={"tags": ["parameters"]})
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [parameters, *map(nbformat.v4.new_code_cell, sources)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
    return path


def test_what_a_kernel_is_reached_by_lies_where_the_system_clears_up(tmp_path: Path) -> None:
    said = tmp_path / "said"
    asking = (
        f"import ipykernel.connect, pathlib\npathlib.Path({str(said)!r}).write_text(ipykernel.get_connection_file())"
    )
    kernels.run([made(tmp_path / "asking.ipynb", asking)], tmp_path / "out", {}, lambda name, seconds: None)
    reached = Path(said.read_text()).parent
    assert reached.parent.parent == Path(tempfile.gettempdir())
    assert reached.parent.name.startswith("gan-study-report-")
    assert not reached.exists()


def test_a_kernel_looks_for_garbage_seldom(tmp_path: Path) -> None:
    said = tmp_path / "said"
    asking = f"import gc, pathlib\npathlib.Path({str(said)!r}).write_text(str(gc.get_threshold()[0]))"
    kernels.run([made(tmp_path / "asking.ipynb", asking)], tmp_path / "out", {}, lambda name, seconds: None)
    assert int(said.read_text()) == 50_000


def test_a_users_own_startup_files_are_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    startup = tmp_path / "ipython" / "profile_default" / "startup" / "00.py"
    startup.parent.mkdir(parents=True)
    startup.write_text("raise SystemExit(1)")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("PYTHONSTARTUP", str(startup))
    found = kernels.run([made(tmp_path / "quiet.ipynb", "1 + 1")], tmp_path / "out", {}, lambda name, seconds: None)
    assert found["quiet"].cells[-1].outputs[0].data["text/plain"] == "2"


@pytest.mark.parametrize(("option", "reason"), [
    ("matplotlib=nonsense", "nonsense"), ("exec_lines=import time; time.sleep(3600)", "1 seconds"),
])  # fmt: skip
def test_a_kernel_that_does_not_start_is_told_with_its_reason(
    option: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernels, "SELDOM", f"--IPKernelApp.{option}")
    monkeypatch.setattr(kernels, "START_S", kernels.START_S if "nonsense" in option else 1)
    with pytest.raises(StudyError, match=f"notebook quiet: its kernel did not start: .*{reason}.*; .*try again"):
        kernels.run([made(tmp_path / "quiet.ipynb", "1 + 1")], tmp_path / "out", {}, lambda name, seconds: None)


def test_an_error_names_notebook_cell_and_exception_and_ends_the_other_kernel(tmp_path: Path) -> None:
    """The first fails as soon as the second, which would go on for an hour, has written which process it is."""
    number = tmp_path / "number"
    failing = f"import pathlib, time\nwhile not pathlib.Path({str(number)!r}).exists(): time.sleep(0.05)\n1 / 0"
    lasting = f"import os, pathlib, time\npathlib.Path({str(number)!r}).write_text(str(os.getpid()))\ntime.sleep(3600)"
    paths = [made(tmp_path / "broken.ipynb", failing), made(tmp_path / "lasting.ipynb", lasting)]
    with pytest.raises(
        StudyError, match=r"notebook broken, cell 3: ZeroDivisionError: division by zero; .*/out/broken.failed.ipynb$"
    ):
        kernels.run(paths, tmp_path / "out", {"folder": "x"}, lambda name, seconds: None)
    assert "ZeroDivisionError" in (tmp_path / "out" / "broken.failed.ipynb").read_text()
    with pytest.raises(ProcessLookupError):
        os.kill(int(number.read_text()), 0)
