"""What a person may ask of the development cluster, as far as it can be told without starting one."""

import string
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.development.__main__ import main
from cluster.development.layout import HOSTS, Layout, Problem, check

NAMES = st.from_regex(r"[a-z][a-z0-9]{0,5}", fullmatch=True).filter(lambda name: name != "ctl")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"name": "my-own"}, "name: 'my-own' cannot be a cluster's name"),
        ({"name": "a" * 14}, "1 to 13 of a-z and 0-9"),
        ({"name": ""}, "cannot be a cluster's name"),
        ({"hosts": ("n1", "N2")}, "hosts: 'N2' cannot be a host's name"),
        ({"hosts": ("ctl",)}, "'ctl' cannot be a host's name"),
        ({"hosts": ("n1", "n1")}, "1 to 50 different names"),
        ({"hosts": ()}, "1 to 50 different names"),
        ({"hosts": tuple(f"n{n}" for n in range(HOSTS + 1))}, "1 to 50 different names"),
        ({"subnet": "10.77.0"}, "write it as 10.77.0.0/24"),
        ({"subnet": "10.77.0.1/24"}, "host bits set; write it as 10.77.0.0/24"),
        ({"subnet": "10.77.0.0/29"}, "must be private and have room for the hosts"),
        ({"subnet": "8.8.8.0/24"}, "must be private"),
        ({"base": Path("/tmp/clusters")}, "is in /tmp, of which every host has its own"),
        ({"base": Path("/dev/shm")}, "is in /dev/shm"),
        ({"base": Path("clusters")}, "must be an absolute path"),
        ({"base": Path("/var/lib") / ("long" * 20)}, "at most 80 characters"),
    ],
)
def test_what_cannot_be_used_is_named(changed: dict[str, object], words: str) -> None:
    with pytest.raises(Problem) as problem:
        check(replace(Layout(), **changed))  # type: ignore[arg-type]
    assert words in str(problem.value)


def test_the_default_can_be_used() -> None:
    check(Layout())
    assert [host.address for host in Layout().workers()] == ["10.77.0.11", "10.77.0.12", "10.77.0.13"]


@given(names=st.lists(NAMES, min_size=1, max_size=HOSTS, unique=True), cluster=NAMES)
def test_hosts_never_share_an_address_or_a_namespace(names: list[str], cluster: str) -> None:
    layout = Layout(cluster, tuple(names))
    check(layout)
    all_hosts = [layout.controller, *layout.workers()]
    for what in ("address", "namespace", "name"):
        assert len({getattr(host, what) for host in all_hosts} | {layout.machine}) == len(all_hosts) + 1
    assert all(set(host.name) <= set(string.ascii_lowercase + string.digits) for host in all_hosts)


def test_a_cluster_that_was_never_started_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    for action in ("status", "cut", "exec"):
        host = ["n1"] if action != "status" else []
        assert main([action, "--folder", "/var/lib/nowhere-at-all", *host]) == 2
        assert capsys.readouterr().err == (
            "error: there is no cluster 'slurm' in /var/lib/nowhere-at-all: make slurm starts one\n"
        )
