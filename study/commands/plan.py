"""gan-study plan"""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from study import spec
from study.commands.common import RESULTS, Results, StudyName, console, cores, duration, table
from study.cost import cost, recorded
from study.plan import Planned, build, deferred, summary
from study.results.store import Store, plan_table, write_plan_table
from study.selection import select

HEAD = 10


def command(
    study: StudyName,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of tables.")] = False,
    output: Annotated[Path | None, typer.Option("-o", metavar="FILE.parquet", help="Write the table there.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="For the hours; left out: as run would use.")] = None,
    results: Results = RESULTS,
) -> None:
    """The exact, ordered table of trials and what it will cost. Writes nothing but FILE.parquet.

    Example: gan-study plan demo --json
    """
    chosen = spec.load(study)
    selections, waiting = select(chosen, Store(results / chosen.name), results)
    plan = build(chosen, selections)
    count = workers or max(1, int(cores() / chosen.resources.cpus))
    facts = summary(chosen, plan, deferred(chosen, selections)) | {
        "caution": chosen.measure.caution(),
        "waiting": {phase: str(reason) for phase, reason in waiting.items()},
        "cost": cost(plan, recorded(results / chosen.name), count),
    }
    if output is not None:
        write_plan_table(output, plan_table([planned.row(i) for i, planned in enumerate(plan)]))
    if as_json:
        typer.echo(json.dumps(facts, indent=1))
    else:
        _show(facts, plan, output)


def _show(facts: dict[str, Any], plan: list[Planned], output: Path | None) -> None:
    if plan:
        _show_trials(facts, plan)
    for phase, later in facts["deferred"].items():
        console.print(f"phase {phase}: {later['trials']:,} trials, their settings still to be selected")
        console.print(f"    {facts['waiting'][phase]}")
    console.print(
        f"\n{facts['study']}: {facts['trials']:,} trials{_twice(facts)}, {facts['steps_total']:,} discriminator steps, "
        f"{facts['evaluations_total']:,} evaluations{_time(facts)}"
    )
    if facts["caution"]:
        console.print(facts["caution"])
    if output is not None:
        console.print(f"all of it: {output}")


def _show_trials(facts: dict[str, Any], plan: list[Planned]) -> None:
    searches = [(s["phase"], s["loss"], s["variant"], s["dataset"], s["trials"], s["steps"]) for s in facts["searches"]]
    console.print(table("searches", ("phase", "loss", "variant", "data set", "trials", "steps"), searches))
    first = [(i, p.trial.id, p.search, p.sample, p.trial.seed, _setting(p)) for i, p in enumerate(plan[:HEAD])]
    title = f"\nthe first {len(first)} of {len(plan):,} trials in their order"
    console.print(table(title, ("", "trial", "search", "sample", "seed", "setting"), first))
    console.print()


def _time(facts: dict[str, Any]) -> str:
    """How long it takes; nothing where no setting is known yet."""
    spent = facts["cost"]
    if spent["hours"] is None:
        return ""
    part = f" for the {spent['trials']:,} trials whose settings are known" if facts["deferred"] else ""
    return f"; about {duration(spent['hours'] * 3600)} on {spent['workers']} workers{part} ({spent['basis']})"


def _twice(facts: dict[str, Any]) -> str:
    """What the plan names more than once, of which every trial is run once."""
    return f" ({facts['planned']:,} planned, of which phases share some)" if facts["planned"] > facts["trials"] else ""


def _setting(planned: Planned) -> str:
    return ", ".join(f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}"
                     for name, value in planned.trial.hyperparameters.items())  # fmt: skip
