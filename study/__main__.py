"""The front desk: the command gan-study. Parses, calls, prints; loads a command when it runs."""

import atexit
import importlib
import os
import sys
import warnings
from keyword import iskeyword
from typing import Any, NoReturn, cast

import typer
from typer.core import TyperCommand, TyperGroup

from study import __version__
from study.errors import DataUnavailable, StudyError, did_you_mean

WRONG_INPUT, NO_DATA = 2, 3  # exit codes beside 0, 1 (trials failed) and 130 (Ctrl-C)

COMMANDS = {
    "plan": "The exact, ordered table of a study's trials, and what it will cost.",
    "prepare": "Fetch, check and convert what a study's trials read.",
    "run": "Run what is missing of a study on this machine.",
    "retry": "Run the failed trials of a study again.",
    "submit": "Send what is missing of a study to a Slurm cluster.",
    "train": "Run one trial in this process.",
    "status": "Where a study stands.",
    "cancel": "Cancel a study's jobs on a cluster.",
    "best": "The best setting of every loss on every data set.",
    "why": "Everything about one trial: configuration, history, traceback, log.",
    "reproduce": "Run one trial again from its record, and compare every number.",
    "describe": "The dictionary of the results table: every column, its type, unit and meaning.",
    "query": "Ask a study's results in SQL.",
    "compact": "Merge the small files of a study's results into a few large ones.",
    "verify": "Check every file, count and reference of a study's results.",
    "compare": "Lay a study's tables beside the published ones, or beside another study's.",
    "claims": "Which of the published study's claims a study's results support.",
    "report": "Write a study's page with pictures.",
    "merge": "Unite studies into a new one.",
    "export": "Write a study as one archive that pandas alone can read.",
    "import": "Make an exported archive a study again.",
    "list": "What there is: losses, datasets, spaces, samplers, metrics, extractors, presets, profiles.",
    "head": "Drive a submitted study on whatever workers come; started by submit.",
    "worker": "Offer this machine to a submitted study; started by submit.",
    "doctor": "Check this machine, or a cluster, before anything waits.",
    "schema": "The JSON schema of a study's YAML, for editors.",
}


class FrontDesk(TyperGroup):
    """Lists commands from the table above and imports one only when it is called: --help stays quick."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand | None:
        return TyperCommand(cmd_name, help=COMMANDS[cmd_name]) if cmd_name in COMMANDS else None

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, TyperCommand | None, list[str]]:
        name, rest = args[0], args[1:]
        if name not in COMMANDS:
            hint = did_you_mean(name, COMMANDS)
            raise StudyError(f"gan-study has no command {name!r}{hint}; it has {', '.join(COMMANDS)}")
        return name, _load(name), rest

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except RuntimeError as error:
            if str(error) != "Query interrupted":  # what DuckDB makes of Ctrl-C
                raise
            raise KeyboardInterrupt from error
        except StudyError as error:
            typer.echo(f"gan-study: {error}", err=True)
            raise typer.Exit(NO_DATA if isinstance(error, DataUnavailable) else WRONG_INPUT) from error
        except BrokenPipeError:  # somebody had enough of what is printed
            raise
        except OSError as error:
            typer.echo(f"gan-study: {_of_the_system(error)}", err=True)
            raise typer.Exit(WRONG_INPUT) from error


def _of_the_system(error: OSError) -> str:
    """Which file it is about, where it is about one: the one that was to be, where two are named."""
    name = error.filename2 or error.filename
    return f"{name}: {error.strerror}" if name and error.strerror else str(error) or type(error).__name__


app = typer.Typer(cls=FrontDesk, no_args_is_help=True, add_completion=False, rich_markup_mode="rich")


@app.callback(
    invoke_without_command=True, epilog="Example: gan-study plan demo; gan-study run demo; gan-study report demo"
)
def desk(
    version: bool = typer.Option(False, "--version", help="Print the version and leave."),
) -> None:
    """Large, fair, believable comparisons of generative models.

    STUDY is the name of a preset (gan-study list presets) or the path of a YAML file.
    """
    if version:
        typer.echo(__version__)
        raise typer.Exit


def _load(name: str) -> TyperCommand:
    module = importlib.import_module(f"study.commands.{name}{'_' if iskeyword(name) else ''}")
    alone = typer.Typer(add_completion=False, rich_markup_mode="rich")
    alone.command(name)(module.command)
    return cast(TyperCommand, typer.main.get_command(alone))


def main() -> None:
    warnings.formatwarning = _told
    try:
        app(prog_name="gan-study")
    except SystemExit as end:
        if "ray" in sys.modules and isinstance(end.code, int):
            _leave(end.code)
        raise


def _leave(code: int) -> NoReturn:
    """Ends this process in order, but without taking the interpreter apart: Ray's C++ keeps objects until the end, and
    DuckDB's bindings then tell the user in forty lines that theirs are among them.
    """
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _told(message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None) -> str:
    """A warning of ours as a line for the user of a command; anybody else's says where it is from."""
    where = "" if category is UserWarning else f"{filename}:{lineno}: {category.__name__}: "
    return f"gan-study: {where}{message}\n"


if __name__ == "__main__":
    main()
