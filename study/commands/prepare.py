"""gan-study prepare"""

from study import spec
from study.commands.common import DATA, Data, StudyName, console
from study.preparation import prepare_study


def command(study: StudyName, data: Data = DATA) -> None:
    """Fetch, check and convert data sets, extractor weights and reference statistics, once.

    Says for each file where it came from, its sha256 and its size. Example: gan-study prepare demo
    """
    chosen = spec.load(study)
    if chosen.measure.caution():
        console.print(chosen.measure.caution())
    for thing in prepare_study(chosen, data):
        state = "made now" if thing.made else "there"
        console.print(f"{thing.name}: {state}, {thing.size_bytes:,} bytes, sha256 {thing.sha256}")
        console.print(f"    {thing.path} from {thing.origin}")
