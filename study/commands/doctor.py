"""gan-study doctor"""

import importlib
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from cluster import doctor, this_machine
from cluster import profile as profiles
from cluster.finding import Finding, ok, problem
from cluster.probing import Places
from cluster.profile import Profile
from study import spec
from study.commands.common import DATA, RESULTS, Data, Results, console, table
from study.spec import Study

STYLES = {"ok": "green", "warning": "yellow", "problem": "bold red", "unknown": "cyan"}


def command(
    study: Annotated[str | None, typer.Argument(metavar="[STUDY]", help="Check what this study needs, too.")] = None,
    cluster: Annotated[
        str | None, typer.Option("--cluster", metavar="PROFILE", help="A shipped profile's name or a YAML file's path.")
    ] = None,
    results: Results = RESULTS,
    data: Data = DATA,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Check this machine, or a cluster and its nodes, before anything waits; each finding with its remedy.

    Exits with 1 where something is a problem. Example: gan-study doctor demo --cluster development
    """
    chosen = spec.load(study) if study else None
    profile = profiles.load(cluster) if cluster else None
    places = Places(results.absolute(), data.absolute())
    found = []
    for finding in _findings(chosen, study, profile, places):
        found.append(finding)
        if not as_json and not sys.stdout.isatty():
            console.print(f"{finding.verdict}: {finding}")
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in found], indent=1))
    elif sys.stdout.isatty():
        _show(found)
    if any(finding.verdict == "problem" for finding in found):
        raise typer.Exit(1)


def _findings(study: Study | None, named: str | None, profile: Profile | None, places: Places) -> Iterator[Finding]:
    yield from this_machine.environment()
    if profile is None:
        yield from this_machine.hardware(study)
        yield from this_machine.scratch()
    written = list(this_machine.results(places.results))
    yield from written
    if study is not None and named is not None:
        yield _prepared(study, named, places.data)
    if profile is None:
        return
    if study is not None:
        yield from doctor.study_findings(study, profile)
    yield from doctor.cluster_findings(profile, places if written[-1].verdict != "problem" else None)


def _prepared(study: Study, named: str, data: Path) -> Finding:
    missing = importlib.import_module("study.preparation").unprepared(study, data)  # needs torch
    if missing:
        place = "" if data == DATA.absolute() else f" --data {data}"
        return problem("data", f"not in {data}: {', '.join(missing)}", f"gan-study prepare {named}{place}")
    return ok("data", f"all that {study.name} reads is prepared in {data}")


def _show(found: list[Finding]) -> None:
    rows = [(finding.verdict, finding.name, finding.detail, finding.remedy or None) for finding in found]
    made = table("", ("verdict", "check", "what was found", "what to do"), rows)
    for i, finding in enumerate(found):
        made.rows[i].style = "" if finding.verdict == "ok" else STYLES[finding.verdict]
    console.print(made)
    counts = {verdict: sum(finding.verdict == verdict for finding in found) for verdict in STYLES}
    console.print(", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count))
