"""The table on one page: every column, its type, its unit and its meaning; one row is one evaluation of one trial."""

import re
from dataclasses import dataclass

import pyarrow as pa

from search_spaces.hyperparameters import HYPERPARAMETERS
from study.errors import StudyError

VERSION = 3  # raised with every new column, which is nullable: an older program leaves such files out, and says so
OLDEST = 2  # what this program still reads: columns that came later are null there
TEXT, COUNT, NUMBER, SWITCH, TIME = pa.string(), pa.int64(), pa.float64(), pa.bool_(), pa.timestamp("us", tz="UTC")
ARROW = {float: NUMBER, int: COUNT, bool: SWITCH}


@dataclass(frozen=True)
class Column:
    """One column. `measured` columns are what two runs of the same trial agree on, bit for bit."""

    name: str
    type: pa.DataType
    unit: str
    meaning: str
    measured: bool = False


IDENTITY = (
    Column("trial", TEXT, "", "hash of the trial's canonical content: equal work has equal ids", True),
    Column("phase", TEXT, "", "phase of the study the trial was first run for"),
    Column("search", TEXT, "", "phase/loss/data set: one loss tried on one data set"),
    Column("sample", COUNT, "", "number of the setting in its search; 0 is the loss's default"),
    Column("space", TEXT, "", "search space that the setting was drawn from; null where a person chose it"),
    Column("sampler", TEXT, "", "that drew the setting; null where a person chose it"),
    Column("search_seed", COUNT, "", "seed of the sampler's draws"),
    Column("loss", TEXT, "", "one of the eight losses", True),
    Column("variant", TEXT, "", "of the loss: as_run, as_printed or corrected", True),
    Column("dataset", TEXT, "", "data set trained on and measured against", True),
    Column("seed", COUNT, "", "number of the repeat with the same setting", True),
    Column("content", TEXT, "json", "everything that makes the trial what it is", True),
)
SETTING = tuple(
    Column(row.name, ARROW[row.kind], "", f"hyperparameter: {row.meaning}", True) for row in HYPERPARAMETERS.values()
)
PROGRESS = (
    Column("attempt", COUNT, "", "1 for the first process that ran the trial, 2 for the next, ..."),
    Column("step", COUNT, "discriminator steps", "when the row was measured", True),
    Column("steps", COUNT, "discriminator steps", "when the trial ends", True),
    Column("generator_updates", COUNT, "updates", "of the generator until then", True),
    Column("images_seen", COUNT, "images", "real images shown until then, repeats counted", True),
    Column(
        "train_seconds",
        NUMBER,
        "seconds",
        "of the training that led to this row; what a killed or failed attempt lost is not in it",
    ),
    Column("evaluation_seconds", NUMBER, "seconds", "of this evaluation"),
    Column(
        "status", TEXT, "", "ok: measured; diverged: a loss or an image is no longer finite; failed: an exception", True
    ),
)
MEASURED = (
    Column("discriminator_loss", NUMBER, "", "mean since the evaluation before (vae: the one loss)", True),
    Column("generator_loss", NUMBER, "", "mean over generator updates since the evaluation before", True),
    Column("k", NUMBER, "", "began: its control variable", True),
    Column("convergence", NUMBER, "", "began: L(x) + abs(gamma L(x) - L(G(z)))", True),
    Column("objective", TEXT, "", "name of the metric column that selection minimises", True),
    Column("reported", TEXT, "", "name of the metric column that is reported where selection has chosen", True),
    Column("fingerprint", TEXT, "json", "how the metrics were made; only equal fingerprints may be compared", True),
    Column("generator_parameters", COUNT, "", "trainable parameters of the generator (vae: decoder)", True),
    Column("discriminator_parameters", COUNT, "", "trainable parameters of the other network", True),
)
PROVENANCE = (
    Column("exception", TEXT, "", "failed: type of the exception"),
    Column("message", TEXT, "", "failed: first line of the exception; diverged: what is not finite"),
    Column("trace", TEXT, "", "failed: the traceback's file, below the study's folder"),
    Column("source", TEXT, "", "hash of the program's files: provenance/source-HASH.tar.gz"),
    Column("commit", TEXT, "", "git commit of the code; null where it is no checkout"),
    Column("dirty", SWITCH, "", "whether tracked files differed from that commit"),
    Column("diff", TEXT, "", "hash of how they differed: provenance/diff-HASH.patch, for git apply; null if not dirty"),
    Column("study_yaml", TEXT, "", "hash of the study that the attempt was of: provenance/study-HASH.yaml"),
    Column("versions", TEXT, "json", "of Python and the packages that numbers depend on"),
    Column("hardware", TEXT, "json", "host, system, kernel, processor, cores, accelerator and its driver, threads"),
    Column("job", TEXT, "", "Slurm's id of the job that the trial ran in; null elsewhere"),
    Column("slurm", TEXT, "json", "what Slurm said of that job: restarts, node, partition, ...; null elsewhere"),
    Column(
        "energy_joules",
        NUMBER,
        "joules",
        "of the machine's processors in this attempt until then, other work included; null where the machine does not "
        "tell",
    ),
    Column("started_at", TIME, "", "when the attempt began"),
    Column("written_at", TIME, "", "when the row was written"),
)
COLUMNS = {column.name: column for column in IDENTITY + SETTING + PROGRESS + MEASURED + PROVENANCE}
SINCE = dict.fromkeys(  # columns that came after OLDEST, and the version in which they did
    ("space", "sampler", "search_seed", "diff", "study_yaml", "slurm", "energy_joules"), 3
)
# Columns that name a file of the study's folder provenance/ by its hash.
FILES = {"source": "source-{}.tar.gz", "diff": "diff-{}.patch", "study_yaml": "study-{}.yaml"}
# Metric columns: float64, nullable, one per metric of the trial and split. Those that end in _selection are measured
# against the images that checkpoints and settings are chosen by, the others against those that are reported.
METRIC = re.compile(
    r"(fid|fd_[a-z0-9_]+|(f1|precision|recall)(_low|_high)?|(precision|recall)_distance_\d\d)(_selection)?"
)

STATUSES = ("ok", "diverged", "failed")
TRIAL_STATUSES = ("done", "diverged", "failed", "started", "waiting")
REQUIRED = ("trial", "attempt", "step", "steps", "status")  # no row is without them

# Of the plan's table alone.
PLANNED = (
    Column("position", COUNT, "", "place in the plan, from 0"),
    Column("evidence", TEXT, "json", "where a setting was selected from: rule, candidates, trials, scores; else null"),
)
PLAN_COLUMNS = (
    "position", "trial", "phase", "search", "space", "sampler", "search_seed", "sample", "loss", "variant", "dataset",
    "seed", "steps", "objective", "reported", *(column.name for column in SETTING), "evidence", "content",
)  # fmt: skip

# What reading adds to a row. The marks are stored in compacted files, where every attempt at a trial is known.
DERIVED = (
    Column("score", NUMBER, "as the metric", "value of the metric that `reported` names", True),
    Column("selection_score", NUMBER, "as the metric", "of the metric that `objective` names; least is best", True),
    Column("ending", SWITCH, "", "whether the row ended its trial", True),
)
MARKS = (
    Column("counts", SWITCH, "", "newest row of its step, and no end that a later attempt went past"),
    Column("last", SWITCH, "", "of the rows that count, the one that says where the trial stands"),
    Column("best", SWITCH, "", "of the rows that count, the first with the least selection_score"),
)
# One row per attempt: what can be known of it without its rows; kept of those that are compacted.
INDEX = {
    "trial": TEXT, "attempt": COUNT, "rows": COUNT, "counting": COUNT, "dataset": TEXT, "fingerprint": TEXT,
    "step": COUNT, "steps": COUNT, "status": TEXT, "measured_step": COUNT, "train_seconds": NUMBER,
    "evaluation_seconds": NUMBER, "evaluations": COUNT, "exception": TEXT, "message": TEXT,
}  # fmt: skip


def schema(names: list[str]) -> pa.Schema:
    """The schema of rows with these columns. Raises StudyError for a name that is neither a column nor a metric."""
    return pa.schema([field(name) for name in names], metadata={"schema_version": str(VERSION)})


def field(name: str) -> pa.Field:
    for known in (COLUMNS, _OTHERS):
        if name in known:
            return pa.field(name, known[name].type, nullable=name != "position")
    if METRIC.fullmatch(name):
        return pa.field(name, NUMBER)
    raise StudyError(f"{name!r} is neither a column of the results table nor the name of a metric column")


def is_measured(name: str) -> bool:
    """Whether two runs of the same trial must agree on this column."""
    return COLUMNS[name].measured if name in COLUMNS else METRIC.fullmatch(name) is not None


_OTHERS = {column.name: column for column in PLANNED + MARKS}
