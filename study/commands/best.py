"""gan-study best"""

import typer

from analysis import formats, frames, notes
from analysis.tables import searches
from study.commands.common import RESULTS, Mixed, Recorded, Results, console, folder_of


def command(study: Recorded, mixed: Mixed = False, results: Results = RESULTS) -> None:
    """The best setting per loss and data set, with its error over seeds and everything that did not finish.

    Example: gan-study best demo
    """
    chosen = frames.load(folder_of(study, results), mixed=mixed)
    ranking = searches.ranking(chosen)
    for dataset in ranking["dataset"].unique():
        console.print(f"{chosen.name} on {dataset}: {chosen.objective(dataset)}, lower is better")
    typer.echo(formats.text(formats.readable_ranking(ranking)))
    typer.echo("\nthe settings")
    for row in formats.readable_settings(ranking).to_dict("records"):
        facts = [
            f"{name} {value}" for name, value in row.items() if name not in ("rank", "loss") and value != formats.NONE
        ]
        console.print(f"{row['loss']}: {', '.join(facts)}")
    typer.echo()
    for note in notes.notes(chosen, ranking, frames.settings(chosen)):
        console.print(f"- {note}")
