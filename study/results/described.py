"""Whether the texts that say what a study is are whole: the study, its plan, and who made which attempt."""

import json
from typing import Any

import yaml

from study.errors import StudyError
from study.results import schema
from study.results.findings import COPY, Digest, Findings
from study.results.folder import Folder
from study.results.markers import read_marker
from study.results.store import read_plan_table

NAMES = ("loss", "variant", "dataset", "seed")
SETTING = tuple(column.name for column in schema.SETTING)
CONTENT = (*NAMES, "steps", *SETTING)  # columns of the plan that say what the content says too


def study(folder: Folder, findings: Findings) -> None:
    """The study that the plan is of."""
    findings.files += 1
    if not folder.study_file.exists():
        findings.fault(folder.study_file, "it is missing", COPY)
        return
    try:
        content = yaml.safe_load(folder.study_file.read_text())
    except (OSError, ValueError, yaml.YAMLError) as error:
        findings.fault(folder.study_file, f"it cannot be read ({' '.join(str(error).split())})", COPY)
        return
    if not isinstance(content, dict) or not content:
        findings.fault(folder.study_file, "it is no study" if content else "it is empty", COPY)


def plan(folder: Folder, digest: Digest, findings: Findings) -> None:
    """The plan's table: a line's content is that of its trial, and its other columns say what the content says."""
    findings.files += 1
    try:
        table = read_plan_table(folder.plan_file)
    except (StudyError, FileNotFoundError) as error:
        findings.fault(folder.plan_file, str(error), COPY)
        return
    columns = {name: table[name].to_pylist() for name in ("trial", "content", *CONTENT)}
    for i, (trial, content) in enumerate(zip(columns["trial"], columns["content"], strict=True)):
        if content is None or digest(content) != trial:
            findings.fault(folder.plan_file, f"the content of trial {trial} is that of another trial", COPY)
        elif wrong := [name for name, value in _values(content).items() if columns[name][i] != value]:
            told = f"trial {trial}: {', '.join(wrong)} are not what its content says"
            findings.fault(folder.plan_file, told, COPY)


def _values(content: str) -> dict[str, Any]:
    """What a trial's content says of these columns."""
    told = json.loads(content)
    values = {name: told["hyperparameters"].get(name) for name in SETTING}
    return values | {name: told[name] for name in NAMES} | {"steps": told["evaluations"][-1]}


def markers(folder: Folder, findings: Findings) -> None:
    """Who made which attempt."""
    for path in sorted(folder.trial_folder("").glob("*/attempt-*.json")):
        findings.files += 1
        try:
            read_marker(path)
        except StudyError as error:
            findings.fault(path, str(error).removeprefix(f"{path} ").partition(";")[0], f"{COPY}, or remove it")
