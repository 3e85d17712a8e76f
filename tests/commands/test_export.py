"""What export and import say is to be done next can be pasted into a shell."""

import shlex
from pathlib import Path

from tests.commands.command import gan_study
from tests.results.studies import study


def test_next_steps_are_quoted_and_name_the_results(tmp_path: Path) -> None:
    study(tmp_path / "my results" / "mine", {})
    there = ("--results", "my results")
    (tmp_path / "mine now.zip").write_text("what was there before")
    done = gan_study("export", "mine", "-o", "mine now.zip", *there, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (told,) = (line for line in done.stdout.splitlines() if line.startswith("again a study: "))
    assert told == "again a study: gan-study import 'mine now.zip' --results 'my results'"
    words = shlex.split(told.partition(": ")[2])[1:]
    refused = gan_study(*words, cwd=tmp_path)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == ("gan-study: my results/mine is there already; give the study another name: -o NAME\n")
