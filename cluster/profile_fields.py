"""The types of a profile's YAML values, with the traps of YAML and of sbatch told where somebody falls into one."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema

from cluster.slurm_time import seconds
from study.errors import did_you_mean

FORMS = "'90' (minutes), '90:00' (minutes and seconds), '4:00:00', '2-12' (days and hours), '2-12:30' or '2-12:30:00'"
MEMORY = r"^[1-9][0-9]*[MGT]$"

# What sbatch would take twice, and the key that says it; None: the harness itself sets it.
OURS: dict[str, str | None] = {
    "partition": "partition", "account": "account", "qos": "qos", "constraint": "constraint", "time": "time",
    "time-min": "time", "cpus-per-task": "cpus", "cpus-per-gpu": "cpus", "mem": "memory", "mem-per-cpu": "memory",
    "mem-per-gpu": "memory", "gpus": "gpus", "gpus-per-node": "gpus", "gpus-per-task": "gpus",
    "gpus-per-socket": "gpus", "gres": "gpus (and gpu_type)", "array": "number",
    **dict.fromkeys(
        ("nodes", "ntasks", "ntasks-per-node", "ntasks-per-gpu", "job-name", "output", "error", "input", "open-mode",
         "signal", "requeue", "no-requeue", "export", "export-file", "wrap", "parsable", "wait", "chdir", "dependency",
         "test-only", "clusters", "help", "usage", "version"),
    ),
}  # fmt: skip


def _minutes(value: object) -> object:
    """Slurm's forms of a time, in minutes. A bare number is refused: YAML reads 4:00:00 without quotes as 14400."""
    if not isinstance(value, str):
        trap = "; YAML reads 4:00:00 without quotes as 14400, which Slurm takes for minutes" if value else ""
        raise ValueError(f"a time is written in quotes, such as '4:00:00' or '90' (minutes), got {value!r:.40}{trap}")
    length = seconds(value)
    if length is None:
        raise ValueError(f"{value!r:.40} is none of Slurm's forms of a time: {FORMS}")
    if not length:
        raise ValueError(f"{value!r} is no limit for Slurm; give the time after which a job may be ended: {FORMS}")
    return -(-length // 60)


def _memory(value: object) -> object:
    if not isinstance(value, str) or not re.fullmatch(MEMORY, value):
        raise ValueError(f"a whole number with M, G or T is expected, such as 16G, got {value!r:.40}")
    return value


def _one_line(value: str) -> str:
    if not value.strip():
        raise ValueError(f"must not be empty, got {value!r}; leave the key out instead")
    if not value.isprintable():
        raise ValueError(f"must be one line, got {value!r:.80}")
    return value


def _options(options: object) -> object:
    for key, value in options.items() if isinstance(options, dict) else []:
        _option(str(key), value)
    return options


def _option(key: str, value: object) -> None:
    """Raises ValueError for an option that sbatch does not know by that name, or that is ours to set."""
    if key.startswith("-"):
        raise ValueError(f"{key}: leave the dashes before the name out{did_you_mean('', [], key.lstrip('-'))}")
    if not re.fullmatch(r"[a-z][a-z0-9]+(-[a-z0-9]+)*", key):
        hint = key.lower().replace("_", "-") if len(key) > 1 else ""
        raise ValueError(f"{key} is no long option of sbatch{did_you_mean('', [], hint)}")
    for ours, instead in OURS.items():  # sbatch completes what is begun: part is partition
        if key == ours or (ours.startswith(key) and key not in OURS):
            told = f"the profile's key {instead} says it" if instead else "it is the harness's to set"
            raise ValueError(f"{key}: {told}; leave it out of options")
    if not isinstance(value, str | int | float) or value is False:
        raise ValueError(f"{key}: a text, a number or, for what takes no value, true is expected, got {value!r:.40}")
    if not str(value).isprintable():
        raise ValueError(f"{key}: must be one line, got {value!r:.80}")


Minutes = Annotated[
    int,
    BeforeValidator(_minutes),
    PlainSerializer(str),  # minutes, as Slurm reads a bare number: what is dumped can be read again
    WithJsonSchema({"type": "string", "pattern": r"^[0-9]+(-[0-9]+)?(:[0-9]+){0,2}$"}),
]
Memory = Annotated[
    str, BeforeValidator(_memory), Field(description="of the node: 16G", json_schema_extra={"pattern": MEMORY})
]
Text = Annotated[str, AfterValidator(_one_line), Field(json_schema_extra={"minLength": 1})]
Options = Annotated[dict[str, Any], BeforeValidator(_options)]
