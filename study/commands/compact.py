"""gan-study compact"""

from study.commands.common import RESULTS, Recorded, Results, console, folder_of, spelled
from study.results.compact import compact
from study.results.store import Store


def command(study: Recorded, results: Results = RESULTS) -> None:
    """Merge the small files of a study's results into a few large ones, so that questions are answered sooner.

    The study may go on meanwhile, and everybody may read. Example: gan-study compact demo
    """
    report = compact(Store(folder_of(study, results)))
    console.print(f"attempts compacted: {report.attempts:,}" if report.attempts else "nothing to compact")
    console.print(f"rows compacted in all: {report.rows:,}")
    if report.attempts:
        for name, (before, now) in (("files", report.files), ("bytes", report.bytes)):
            console.print(f"{name}: {before:,} before, {now:,} now")
    if report.waiting:
        console.print(f"attempts whose files stay, as there may be more to write to them: {report.waiting:,}")
    if report.left_out:
        console.print(
            f"files that cannot be used: {len(report.left_out):,}; {spelled(results, 'verify', study)} says what to do"
        )
    for told in report.left_out:
        console.print(f"left as it is: {told}")
