"""Runs notebooks with papermill, two at a time, in quiet kernels of this very interpreter that end with it."""

import logging
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from subprocess import STDOUT
from typing import Any

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode
from papermill import execute_notebook
from papermill.exceptions import PapermillExecutionError

from study.errors import StudyError

AT_ONCE = 2
# A figure is thousands of objects, and none is garbage before it is saved: looking often takes a tenth of the time.
SELDOM = "--IPKernelApp.code_to_run=import gc; gc.set_threshold(50_000, 20, 20)"
START_S = 600  # of patience: on a busy node, or where packages lie on a slow network drive, imports take minutes
FAILED = "{}.failed.ipynb"  # the name that a notebook then gets
KERNEL = "python3"  # where no folder of kernels is searched, ipykernel's own: sys.executable


def run(
    notebooks: Iterable[Path],
    out: Path,
    parameters: Mapping[str, object],
    told: Callable[[str, float], None],
    failed: Path | None = None,
) -> dict[str, NotebookNode]:
    """Executed notebooks by name, in the order given; each lies in `out` too. `told` hears a name and its seconds.

    Raises StudyError where a kernel does not start or dies and where a cell of one fails, and ends the others; the
    notebook of that cell goes into the folder `failed`, which exists (None: it stays in `out`). On an interrupt no
    kernel is left behind.
    """
    logging.getLogger("papermill").setLevel(logging.CRITICAL)  # it would tell of the kernels that are ended here
    out.mkdir(parents=True, exist_ok=True)
    kernels: list[AsyncKernelManager] = []
    # What kernels are reached by lies where the system clears up if this process is killed.
    with tempfile.TemporaryDirectory(prefix="gan-study-report-") as reached, ThreadPoolExecutor(AT_ONCE) as pool:
        futures = {}
        for path in notebooks:
            place = _Place(kernels, Path(reached, path.stem), failed or out)
            futures[path.stem] = pool.submit(_run, path, out / path.name, parameters, place, told)
        try:
            pending = set(futures.values())
            while pending:
                done, pending = wait(pending, return_when=FIRST_COMPLETED)
                for future in done:
                    future.result()
        except BaseException:
            _end(futures.values(), kernels)
            raise
    return {name: future.result() for name, future in futures.items()}


@dataclass(frozen=True)
class _Place:
    """Where a kernel enters itself when it starts; the folder that it makes for what is its own; that of failures."""

    kernels: list[AsyncKernelManager]
    folder: Path
    failed: Path

    @property
    def said(self) -> Path:
        """The file of what it prints, beside what its cells show."""
        return self.folder / "said"


def _run(
    notebook: Path,
    out: Path,
    parameters: Mapping[str, object],
    place: _Place,
    told: Callable[[str, float], None],
) -> NotebookNode:
    began = time.monotonic()
    try:
        executed = execute_notebook(
            notebook, out, dict(parameters), kernel_name=KERNEL, progress_bar=False,
            request_save_on_cell_execute=False, kernel_manager_class=_at(place), extra_arguments=[SELDOM],
            start_timeout=START_S,
        )  # fmt: skip
    except PapermillExecutionError as error:
        kept = out.replace(place.failed / FAILED.format(out.stem))
        raise StudyError(
            f"notebook {notebook.stem}, cell {error.exec_count}: {error.ename}: {error.evalue}; "
            f"its traceback is in {kept}"
        ) from error
    except DeadKernelError as error:
        raise StudyError(f"notebook {notebook.stem}: its kernel died; a likely reason is too little memory") from error
    except RuntimeError as error:  # all that nbclient says of a kernel that does not answer
        raise StudyError(
            f"notebook {notebook.stem}: its kernel did not start: {str(error).rstrip('.')}{_last(place.said)}; "
            "try again when the machine is less busy; python -m ipykernel_launcher starts one by hand, to see more"
        ) from error
    told(notebook.stem, time.monotonic() - began)
    return executed


def _at(place: _Place) -> type[AsyncKernelManager]:
    """A class of kernel managers of which each adds itself to `place.kernels`; its files lie in `place.folder`."""

    class Kernel(AsyncKernelManager):
        async def start_kernel(self, **options: Any) -> None:  # type: ignore[override]  # as AsyncKernelManager has it
            """A user's own kernel called python3 would be another interpreter, and a user's startup files may do all.

            What a kernel prints is kept for the case that it does not start.
            """
            place.folder.mkdir(parents=True)
            self.kernel_spec_manager = KernelSpecManager(kernel_dirs=[])
            self.connection_file = str(place.folder / "connection.json")
            mine = {name: value for name, value in os.environ.items() if name != "PYTHONSTARTUP"}
            mine["IPYTHONDIR"] = str(place.folder)
            with place.said.open("wb") as said:
                await super().start_kernel(**options | {"env": mine}, stdout=said, stderr=STDOUT)
            place.kernels.append(self)

    return Kernel


def _last(said: Path) -> str:
    """The last line in a file, which may not be there, that is more than a warning."""
    lines = said.read_text(encoding="utf-8", errors="replace").split("\n") if said.exists() else []
    told = (line.strip() for line in reversed(lines) if line.strip() and "WARNING" not in line)
    return next((f"; it said: {line}" for line in told), "")


def _end(futures: Iterable[Future[NotebookNode]], kernels: list[AsyncKernelManager]) -> None:
    """Until no thread waits for a kernel: one may just be starting."""
    left = [future for future in futures if not future.cancel()]
    while left:
        for kernel in list(kernels):
            process = getattr(kernel.provisioner, "process", None)
            if process is not None:
                process.kill()
        _, rest = wait(left, timeout=0.2)
        left = list(rest)
