"""gan-study status"""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer
from rich.console import RenderableType
from rich.live import Live

from cluster.progress import Progress
from study.commands.common import RESULTS, Results, StudyName, console
from study.commands.page import FOLDED, page
from study.commands.survey import Survey

REFRESH = 5.0  # seconds
REST = 4  # times as long as a look took


def command(
    study: StudyName,
    watch: Annotated[bool, typer.Option("--watch", help="Again and again, until nothing is at work any more.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Every line of long lists.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object; with --watch one a line.")] = False,
    results: Results = RESULTS,
) -> None:
    """Where a study stands: done, running (where, since when, how fast), diverged, failed, lost, started, waiting.

    With its jobs, the hours it took and will take, and when it will be done. Example: gan-study status demo --watch
    """
    survey = Survey(study, results)
    most = None if everything else FOLDED
    if not watch:
        found = survey.look()
        typer.echo(_json(found, 1)) if as_json else console.print(page(found, most))
        return
    try:
        if console.is_terminal and not as_json:
            _screen(survey, most)
        else:
            _lines(survey, most, as_json)
    except KeyboardInterrupt:
        return


def _looks(survey: Survey) -> Iterator[Progress]:
    """The study as it stands, every few seconds, until nothing is at work any more."""
    while True:
        began = time.monotonic()
        found = survey.look()
        yield found
        if found.over:
            return
        time.sleep(max(REFRESH, REST * (time.monotonic() - began)))


def _lines(survey: Survey, most: int | None, as_json: bool) -> None:
    """A page after the other, for a log or a pipe."""
    for found in _looks(survey):
        if as_json:
            typer.echo(_json(found, None))
        else:
            console.print(f"--- {datetime.now():%Y-%m-%d %H:%M:%S} ---")
            console.print(page(found, most))


def _screen(survey: Survey, most: int | None) -> None:
    """One page that changes, cut to the terminal's height; the last one stays there, whole."""
    found = None
    try:
        with Live(console=console, auto_refresh=False, transient=True, vertical_overflow="crop") as live:
            for found in _looks(survey):
                live.update(_fitting(found, most), refresh=True)
    finally:
        if found is not None:
            console.print(page(found, most))


def _fitting(found: Progress, most: int | None) -> RenderableType:
    """The page with as much of its lists as fits on the screen."""
    for lines, searches in ((most, True), (FOLDED, True), (FOLDED, False), (5, False), (2, False), (0, False)):
        shown = page(found, lines, searches)
        if len(console.render_lines(shown)) < console.height:
            return shown
    return shown


def _json(found: Progress, indent: int | None) -> str:
    return json.dumps({**asdict(found), "left": found.left, "over": found.over}, indent=indent)
