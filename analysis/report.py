"""A study's page: one HTML file that holds all it shows; beside it every figure, every table and the notebooks run."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pandas as pd

from analysis import chapters, formats, frames, kernels, notes, page, provenance, staging, style
from analysis.chapters import Chapter
from analysis.exhibits import manifold
from analysis.exhibits.exhibit import Exhibits, Listing
from analysis.exhibits.overview import overview
from analysis.exhibits.show import in_order
from analysis.tables import searches
from study import __version__
from study.errors import StudyError
from study.results import schema

TEMPLATE, PAGE = "report.html.j2", "report.html"
NOTEBOOKS = (
    "budget_vs_fid",
    "comparisons",
    "table2",
    "seeds",
    "sensitivity",
    "triangles",
    "claims",
)  # as they follow one another on the page
ONLY = {"triangles": manifold.where}  # of studies in which these find a place to be about
LONGEST = ("budget_vs_fid", "sensitivity")  # begin first, one on each core; the others fill what is left
FOLDER = Path(__file__).parent / "notebooks"
ROWS = "rows.zip"  # the study as the page and all notebooks saw it: one that runs goes on meanwhile


def write(folder: Path, out: Path, *, mixed: bool = False, told: Callable[[str, float], None] | None = None) -> Path:
    """The path of the page, report.html in `out`; the study may be finished, running or not yet begun.

    Until all is there, `out` stays as it is; then files of an earlier report that are not of this one leave it. `told`
    hears of every notebook that has run, its name and the seconds it took. Raises StudyError where there is no study in
    `folder`, or one whose rows may not be compared (see `frames.load`), where a notebook's cell fails (that notebook
    then lies in `out`), and where `out` can be no folder or none to write into.
    """
    out = out.resolve()
    _check_folder(out)
    study = frames.load(folder, mixed=mixed)
    names = offered(study)
    paths = [FOLDER / f"{name}.ipynb" for name in sorted(names, key=lambda name: name not in LONGEST)]
    with staging.staged(out) as new:
        study.keep(new / ROWS)
        parameters = {"folder": str(new / ROWS), "out": str(new), "mixed": mixed}
        try:
            executed = kernels.run(paths, new / "notebooks", parameters, told or _quiet, out)
        except StudyError:
            _point(out.glob(kernels.FAILED.format("*")), new / ROWS, folder.resolve())
            raise
        found = [chapters.chapter(name, executed[name]) for name in names]
        (new / PAGE).write_text(html(study, found, new), encoding="utf-8")
        for notebook in (new / "notebooks").iterdir():  # each has been told of the folder of the moment
            text = notebook.read_text(encoding="utf-8")
            notebook.write_text(text.replace(f"/{new.name}", ""), encoding="utf-8")
        staging.publish(new, out, PAGE)
    for name in NOTEBOOKS:
        (out / kernels.FAILED.format(name)).unlink(missing_ok=True)
    return out / PAGE


def offered(study: frames.Study) -> list[str]:
    """The notebooks that are about something in this study, in the order of the page."""
    return [name for name in NOTEBOOKS if name not in ONLY or ONLY[name](study)]


def html(study: frames.Study, found: Sequence[Chapter], out: Path | None = None) -> str:
    """The page of a study and what its notebooks showed. Tables and overview are kept in `out`; None keeps none."""
    ranking, settings = searches.ranking(study), frames.settings(study)
    if out is not None:
        for name, frame in (("settings", settings), ("ranking", ranking)):
            (out / f"{name}.csv").write_text(formats.csv(frame), encoding="utf-8")
    failures, sizes, facts = _failures(study), _sizes(study), _facts(study)
    Exhibits([*failures, *sizes, facts]).kept(out)
    with style.beside(study.losses):
        return page.rendered(
            TEMPLATE,
            study=study,
            counts={status: study.count(status) for status in schema.TRIAL_STATUSES},
            overview=[(place, exhibits.kept(out)) for place, exhibits in overview(study)],
            chapters=found,
            failures=[page.table(one.table, one.title) for one in failures],
            why=formats.spelled("why", study.folder, "TRIAL"),
            sizes=[page.table(one.table, one.title) for one in sizes],
            mixed=notes.mixed(study),
            notes=notes.notes(study, ranking, settings),
            newest=provenance.newest(study),
            commits=provenance.commits(study),
            version=__version__,
            facts=facts.table.itertuples(index=False, name=None),
        )


def _point(notebooks: Iterable[Path], away: Path, towards: Path) -> None:
    """What a failed notebook read is gone with the report: it is to be run again on the study's folder."""
    for notebook in notebooks:
        text = notebook.read_text(encoding="utf-8")
        notebook.write_text(text.replace(str(away), str(towards)), encoding="utf-8")


def _failures(study: frames.Study) -> list[Listing]:
    found = searches.failures(study)
    return [] if found.empty else [Listing("failures", "Kinds of failure", found.astype(str), found)]


def _sizes(study: frames.Study) -> list[Listing]:
    found = in_order(searches.sizes(study))
    return [] if found.empty else [Listing("sizes", "Parameters", formats.readable_sizes(found), found)]


def _facts(study: frames.Study) -> Listing:
    """Where the numbers come from, as rows of what and its value."""
    rows = [*provenance.facts(study), ("page made by", f"gan-study {__version__}")]
    for dataset, fields in provenance.measured(study):
        rows.append((f"metrics on {dataset}", "; ".join(f"{name} {text}" for name, text in fields)))
    frame = pd.DataFrame(rows, columns=["what", "value"], dtype=object)
    return Listing("provenance", "Where the numbers come from", frame, frame)


def _quiet(name: str, seconds: float) -> None:
    """For who wants to hear nothing."""


def _check_folder(out: Path) -> None:
    for path in (out, *out.parents):
        if path.exists() and not path.is_dir():
            raise StudyError(
                f"-o {out}: {path} is a file; name the folder that the page and all beside it are written into, "
                f"such as {path.with_suffix('') if path.suffix else path.with_name(f'{path.name}-report')}"
            )
