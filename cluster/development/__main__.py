"""python -m cluster.development up|down|status|cut|heal|kill|revive|exec: one function call each."""

import argparse
import os
import sys
from pathlib import Path

from cluster.development import hosts, life, machine, watch
from cluster.development.layout import BASE, Layout, Problem, check_name, load

USE = """Hosts: {hosts}. To use them:

    export SLURM_CONF={configuration}
    gan-study doctor --cluster development

What can happen to them: {python} -m cluster.development --help
To remove every trace:   {down}"""


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0, that of the command of exec, 130 after Ctrl-C, or 2 with a message where it cannot be done."""
    options = _parser().parse_args(arguments)
    try:
        return _act(options)
    except Problem as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def _act(options: argparse.Namespace) -> int:
    check_name(options.name, options.folder)
    if options.action == "up":
        return _up(Layout(options.name, tuple(options.hosts.split(",")), options.subnet, options.folder))
    layout = load(options.name, options.folder)
    if options.action == "down":
        return _down(layout or Layout(options.name, base=options.folder))
    if layout is None:
        raise Problem(f"there is no cluster {options.name!r} in {options.folder}: make slurm starts one")
    if options.action == "status":
        return _status(layout)
    machine.require()
    if options.action == "exec":
        command = hosts.inside(layout, options.host, options.command[options.command[:1] == ["--"] :])
        os.execvpe(command[0], command, hosts.environment(layout))
    happen = {"cut": life.cut, "heal": life.heal, "kill": life.kill, "revive": life.revive}
    happen[options.action](layout, options.host)
    return 0


def _up(layout: Layout) -> int:
    if not life.up(layout):
        print("It is up already.")
    python = Path(sys.executable).name
    down = f"{python} -m cluster.development down --name {layout.name} --folder {layout.base}"
    print(
        USE.format(
            hosts=", ".join(layout.hosts),
            configuration=layout.configuration,
            python=python,
            down="make slurm-down" if layout == Layout() else down,
        )
    )
    return 0


def _down(layout: Layout) -> int:
    there = life.down(layout)
    print("\n".join(f"removed: {trace}" for trace in there) or f"There is no cluster {layout.name!r}.")
    return 0


def _status(layout: Layout) -> int:
    known = watch.states(layout)
    for host in layout.workers():
        print(f"{host.name}\t{host.address}\t{known.get(host.name, 'unknown')}")
    return 0


def _parser() -> argparse.ArgumentParser:
    default = Layout()
    parser = argparse.ArgumentParser(prog="python -m cluster.development", description=sys.modules[__name__].__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    for name, text in (
        ("up", "starts it; remains of one that was killed are removed first"),
        ("down", "removes every trace of it"),
        ("status", "what Slurm says of each host"),
        ("cut", "pulls a host's network cable"),
        ("heal", "puts it back"),
        ("kill", "kills all processes of a host, its slurmd included; ctl is the host of slurmctld, and ends in peace"),
        ("revive", "boots a killed host"),
        ("exec", "runs a command, or else a shell, in a host: exec n1 -- ss -ltnp"),
    ):
        action = actions.add_parser(name, help=text, description=text)
        action.add_argument("--name", default=default.name, help="of the cluster (default: %(default)s)")
        action.add_argument("--folder", type=Path, default=BASE, help="where clusters keep their files (%(default)s)")
        if name == "up":
            action.add_argument("--hosts", default=",".join(default.hosts), help="their names (%(default)s)")
            action.add_argument("--subnet", default=default.subnet, help="for their addresses (%(default)s)")
        if name in ("cut", "heal", "kill", "revive", "exec"):
            action.add_argument("host")
        if name == "exec":
            action.add_argument("command", nargs=argparse.REMAINDER, help="after --")
    return parser


if __name__ == "__main__":
    sys.exit(main())
