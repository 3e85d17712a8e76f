"""A cluster profile: every fault is told with its place, its value and what is allowed, before anything is sent."""

import json
import os
import re
import socket
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster import profile as profiles
from cluster.profile import RAY_SOCKET, Profile
from study import reading
from study.errors import StudyError
from study.parts import Resources

WORKERS: dict[str, Any] = {"partition": "gpu", "time": "4:00:00", "cpus": 4, "memory": "16G", "number": 3}
HEAD: dict[str, Any] = {"partition": "cpu", "time": "90", "cpus": 1, "memory": "2G"}
TOP = "workers, head, device, setup, python, scratch, grace, patience"
KEYS = (
    "partition, account, qos, constraint, time, cpus, memory, options, number, at_once, gpus, gpu_type, trials_per_gpu"
)


def read(content: dict[str, Any]) -> Profile:
    return reading.validate(Profile, content, "my.yaml")


def fault(**changed: Any) -> str:
    """What a profile with these top-level keys is refused with."""
    with pytest.raises(StudyError) as caught:
        read({"workers": WORKERS, **changed})
    return str(caught.value)


def workers(**changed: Any) -> dict[str, Any]:
    return {"workers": {**WORKERS, **changed}}


@pytest.mark.parametrize(
    ("time", "minutes"),
    [
        ("90", 90),
        ("90:00", 90),
        ("90:01", 91),
        ("0:30", 1),
        ("4:00:00", 240),
        ("04:00:01", 241),
        ("2-00:00:00", 2880),
        ("2-12", 3600),
        ("2-12:30", 3630),
        ("0-0:0:1", 1),
    ],
)
def test_a_time_is_any_of_slurms_forms_in_minutes_rounded_up(time: str, minutes: int) -> None:
    assert read({**workers(time=time), "grace": 10}).workers.time == minutes


@pytest.mark.parametrize("time", [14400, 90, 1.5, True])
def test_a_time_without_quotes_is_refused_with_the_trap_that_yaml_sets(time: Any) -> None:
    told = fault(**workers(time=time))
    assert told.startswith("my.yaml: workers.time: a time is written in quotes, such as '4:00:00' or '90' (minutes)")
    assert f"got {time}; YAML reads 4:00:00 without quotes as 14400" in told


def test_yaml_reads_a_time_without_quotes_as_the_trap_says() -> None:
    assert yaml.safe_load("time: 4:00:00") == {"time": 14400}


@pytest.mark.parametrize("time", ["UNLIMITED", "4h", "", "-1", "1:2:3:4", "1-2:3:4:5", " 90", "4:00:00 "])
def test_what_is_no_time_is_told_the_forms(time: str) -> None:
    told = fault(**workers(time=time))
    assert told.startswith(f"my.yaml: workers.time: {time!r} is none of Slurm's forms")
    assert "'2-12:30'" in told


def test_a_time_of_nothing_would_be_none() -> None:
    assert "'0:00:00' is no limit for Slurm" in fault(**workers(time="0:00:00"))


# What is written, where it stands, and what the line must hold.
VALUES: list[tuple[dict[str, Any], str, list[str]]] = [
    ({"wokers": {}}, "wokers", ["unknown key", "did you mean 'workers'?", f"valid: {TOP}"]),
    (workers(parition="x"), "workers.parition", ["did you mean 'partition'?", f"valid: {KEYS}"]),
    ({"head": {**HEAD, "gpus": 1}}, "head.gpus", ["unknown key", "valid: partition, account"]),
    ({"head": "gpu"}, "head", ["a mapping with the keys partition, account", "'gpu'"]),
    (workers(partition=""), "workers.partition", ["must not be empty", "''"]),
    (workers(account="a\nb"), "workers.account", ["one line", r"'a\nb'"]),
    (workers(time=None), "workers.time", ["in quotes", "None"]),
    (workers(cpus=0), "workers.cpus", ["greater than or equal to 1", "got 0"]),
    (workers(cpus="4"), "workers.cpus", ["valid integer", "'4'"]),
    (workers(memory=16), "workers.memory", ["M, G or T", "16G", "got 16"]),
    (workers(memory="16GB"), "workers.memory", ["M, G or T", "'16GB'"]),
    (workers(memory="16g"), "workers.memory", ["M, G or T", "'16g'"]),
    (workers(memory="0G"), "workers.memory", ["M, G or T", "'0G'"]),
    (workers(number=0), "workers.number", ["greater than or equal to 1"]),
    (workers(at_once=4), "workers", ["at_once=4 is more than number=3"]),
    (workers(trials_per_gpu=2), "workers", ["trials_per_gpu=2", "no GPU", "gpus"]),
    (workers(gpu_type="a100"), "workers", ["gpu_type='a100'", "no GPU"]),
    ({"device": "cuda"}, "profile", ["device=cuda", "workers.gpus"]),
    ({"device": "gpu"}, "device", ["'cuda' or 'cpu'", "'gpu'"]),
    ({**workers(time="30"), "grace": 901}, "profile", ["grace=901", "workers.time=30 minutes"]),
    ({"head": {**HEAD, "time": "20"}, "grace": 601}, "profile", ["grace=601", "head.time=20 minutes"]),
    ({"grace": 5}, "grace", ["greater than or equal to 10"]),
    ({"scratch": "tmp"}, "scratch", ["'tmp'", "begin with a slash"]),
    ({"scratch": "/scratch/$USER"}, "scratch", ["variables", "/tmp"]),
    ({"scratch": "/a/very/long/path/of/a/scratch/folder"}, "profile", ["37 bytes", "107", "/tmp"]),
    ({"python": "python\nrm"}, "python", ["one line"]),
    ({"python": "  "}, "python", ["must not be empty"]),
    ({"setup": "module load cuda"}, "setup", ["valid list", "'module load cuda'"]),
    ({"patience": 0}, "patience", ["greater than or equal to 1"]),
    (workers(options=["exclude"]), "workers.options", ["valid dictionary"]),
    (workers(options={"--exclude": "n"}), "workers.options", ["leave the dashes", "did you mean 'exclude'?"]),
    (workers(options={"mail_user": "me"}), "workers.options", ["did you mean 'mail-user'?"]),
    (workers(options={"p": "gpu"}), "workers.options", ["p is no long option"]),
    (workers(options={3: "gpu"}), "workers.options", ["3 is no long option"]),
    (workers(options={"exclude": ["a"]}), "workers.options", ["exclude: a text, a number", "['a']"]),
    (workers(options={"exclusive": None}), "workers.options", ["exclusive", "true is expected", "None"]),
    (workers(options={"exclusive": False}), "workers.options", ["exclusive", "true is expected", "False"]),
    (workers(options={"comment": "a\nb"}), "workers.options", ["comment: must be one line"]),
]


@pytest.mark.parametrize(("changed", "place", "words"), VALUES, ids=[f"{c!r:.60}" for c, _, _ in VALUES])
def test_a_wrong_value_is_told_with_its_place(changed: dict[str, Any], place: str, words: list[str]) -> None:
    line = fault(**changed)
    assert line.startswith(f"my.yaml: {place}: ")
    assert "\n" not in line
    for word in words:
        assert word in line


@pytest.mark.parametrize(
    ("option", "instead"),
    [
        ("partition", "the profile's key partition"),
        ("part", "the profile's key partition"),
        ("mem", "the profile's key memory"),
        ("mem-per-cpu", "the profile's key memory"),
        ("cpus-per-task", "the profile's key cpus"),
        ("gres", "the profile's key gpus (and gpu_type)"),
        ("array", "the profile's key number"),
        ("output", "the harness's to set"),
        ("signal", "the harness's to set"),
        ("requeue", "the harness's to set"),
        ("job-name", "the harness's to set"),
        ("open-m", "the harness's to set"),
    ],
)
def test_an_option_that_is_said_elsewhere_is_refused(option: str, instead: str) -> None:
    """sbatch takes the last of two, and completes what is begun."""
    assert f"workers.options: {option}: " in fault(**workers(options={option: "x"}))
    assert instead in fault(**workers(options={option: "x"}))


def test_options_pass_as_they_are() -> None:
    options = {
        "exclude": "n[1-3]",
        "mail-type": "FAIL",
        "exclusive": True,
        "nice": 100,
        "nodelist": "n1",
        "begin": "now",
    }
    assert read(workers(options=options)).workers.options == options


def test_faults_are_told_together() -> None:
    told = fault(**workers(cpus=0, memory=3), device="x").splitlines()
    assert [line.split(": ")[1] for line in told] == ["workers.cpus", "workers.memory", "device"]


def test_what_is_left_out() -> None:
    least = read({"workers": WORKERS})
    assert (least.head, least.device, least.setup, least.python) == (None, None, [], None)
    assert (least.scratch, least.grace, least.patience) == ("/tmp", 90, 15)
    assert (least.workers.gpus, least.workers.gres, least.workers.trials_per_gpu) == (0, None, None)
    assert list(least.roles()) == ["workers"]
    assert list(read({"workers": WORKERS, "head": HEAD}).roles()) == ["workers", "head"]


def test_slots_are_of_gpus_or_of_processors() -> None:
    assert read(workers(gpus=2, trials_per_gpu=4)).slots(Resources()) == 8
    assert read(workers(cpus=5)).slots(Resources(cpus=2.0)) == 2
    assert read(workers(cpus=1)).slots(Resources(cpus=0.25)) == 4
    assert read(workers(cpus=1)).slots(Resources(cpus=2.0)) == 0


def test_what_slurm_gets_of_a_gpu_and_of_memory() -> None:
    assert read(workers(gpus=2)).workers.gres == "gpu:2"
    assert read(workers(gpus=2, gpu_type="a100")).workers.gres == "gpu:a100:2"
    assert [read(workers(memory=text)).workers.memory_mb for text in ("500M", "2G", "1T")] == [500, 2048, 1048576]


def test_the_longest_scratch_leaves_room_for_the_sockets() -> None:
    """The kernel takes the longest socket's path below the longest scratch path that passes, and not a byte more."""
    room = read({"workers": WORKERS}).socket_room()
    longest = "/" + "x" * (room - 1)
    assert read({"workers": WORKERS, "scratch": longest}).scratch == longest
    assert f"is {room + 1} bytes long" in fault(scratch=longest + "x")
    path = f"{longest}/gsw-{os.getuid()}-12345678-99{RAY_SOCKET}"
    with socket.socket(socket.AF_UNIX) as end:
        with pytest.raises(FileNotFoundError):  # nothing is there, but the path is one
            end.bind(path)
        with pytest.raises(OSError, match="too long"):
            end.bind(f"{path}x")


def test_a_submission_can_keep_it_as_plain_values() -> None:
    for name in profiles.profiles():
        chosen = profiles.load(name)
        assert Profile.model_validate(json.loads(json.dumps(chosen.model_dump()))) == chosen


def test_a_name_or_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({"workers": WORKERS}))
    assert profiles.load("mine.yaml") == read({"workers": WORKERS})
    with pytest.raises(StudyError, match=r"'mine' is not a cluster profile; did you mean 'mine\.yaml'\?"):
        profiles.load("mine")
    with pytest.raises(StudyError, match=r"'develpment' is not a cluster profile; did you mean 'development'\?"):
        profiles.load("develpment")
    with pytest.raises(StudyError, match=r"there is no file other\.yaml; write one, or name a cluster profile: .*cpu"):
        profiles.load("other.yaml")
    (tmp_path / "twice.yaml").write_text("workers: {}\nworkers: {}\n")
    with pytest.raises(StudyError, match=r"twice\.yaml is no YAML: .*'workers' stands twice"):
        profiles.load("twice.yaml")


@pytest.mark.parametrize("name", profiles.profiles())
def test_every_shipped_profile_loads_and_explains_each_line(name: str) -> None:
    lines = profiles.profiles()[name].read_text().splitlines()
    assert profiles.load(name).workers.number >= 1
    assert lines[0].startswith("# ")
    for line in lines[1:]:
        assert re.search(r"\s# \S+ \S+", line), f"no comment: {line}"


def test_the_shipped_profiles_show_every_key() -> None:
    text = "\n".join(path.read_text() for path in profiles.profiles().values())
    for part in (Profile, *(type(job) for job in profiles.load("development").roles().values())):
        for key in part.model_fields:
            assert re.search(rf"^\s*{key}:", text, re.MULTILINE), key


def test_the_json_schema_says_what_an_editor_needs() -> None:
    schema = Profile.model_json_schema()
    part = schema["$defs"]["Workers"]
    assert list(schema["properties"]) == TOP.split(", ")
    assert list(part["properties"]) == KEYS.split(", ")
    assert schema["additionalProperties"] is part["additionalProperties"] is False
    assert part["properties"]["time"]["type"] == "string"
    for time in ("90", "90:00", "4:00:00", "2-12", "2-12:30:00"):
        assert re.search(part["properties"]["time"]["pattern"], time)
    assert re.search(part["properties"]["memory"]["pattern"], "16G")
