"""What makes a comparison unfair, in plain sentences with both values: one per data set and cause."""

import json
from dataclasses import dataclass

from analysis.comparison.facts import Facts
from analysis.comparison.sides import Side
from analysis.formats import listed
from study.results.fingerprints import differing


@dataclass(frozen=True)
class Cause:
    """A fact in which both sides should agree. `scale`: where they do not, their numbers are on different scales."""

    fact: str
    what: str
    why: str
    scale: bool = False


CAUSES = (
    Cause("metric", "the metric is", "the scales differ, and only the order of the losses can be compared", True),
    Cause("weights", "the extractor's weights are", "the scales differ", True),
    Cause("generated", "generated images per evaluation:", "a Fréchet distance of fewer images is larger"),
    Cause("real", "real images per evaluation:", "a Fréchet distance of fewer images is larger"),
    Cause("reporting", "the split that is reported is", "other real images give other numbers"),
    Cause("selection", "the split that chooses is", "chosen by the images that are reported, a minimum flatters"),
    Cause("quantised", "generated images rounded to 256 levels:", "rounding changes an image's features"),
    Cause("width", "the width of every hidden layer is", "smaller networks are another architecture"),
    Cause("steps", "discriminator steps:", "longer training gives other numbers"),
    Cause("evaluations", "checkpoints measured:", "a score is the least of them, and more of them give a lower one"),
    Cause("batch_size", "the batch size is", "it changes the training"),
    Cause("batch_norm_decay", "the decay of batch norm's averages is", "it changes what is generated"),
    Cause("space", "the search space is", "the settings of another space have other scores"),
    Cause("sampler", "the sampler that chose the settings is", "both sides tried other settings"),
    Cause("settings", "settings of a loss:", "the least and the best of more are lower, so minima are not comparable"),
    Cause("candidates", "the best setting was chosen among", "the best of more settings is better"),
    Cause("seeds", "seeds of the best setting:", "a mean and a deviation of few seeds are uncertain"),
    Cause("variants", "variants other than as_run:", "they compute another loss"),
)


def comparable(ours: Facts, theirs: Facts) -> bool:
    """Whether a difference between numbers of both sides means anything: one metric, made in one way.

    The published side has no fingerprint; there the metric and its weights decide.
    """
    same = all(ours[cause.fact] == theirs[cause.fact] for cause in CAUSES if cause.scale)
    return same and ("fingerprint" not in theirs or _reported(ours) == _reported(theirs))


def _reported(facts: Facts) -> list[dict[str, object]]:
    """How the reported numbers were made; which images chose them is no matter of their scale."""
    made = [json.loads(one) for one in facts["fingerprint"].split("\n") if one]
    return [{name: value for name, value in one.items() if name != "selection"} for one in made]


def sentences(ours: Side, theirs: Side, *, mixed: bool = False) -> dict[str, list[str]]:
    """Data set -> what makes its numbers incomparable or the comparison unfair; one that says so where nothing does."""
    found: dict[str, list[str]] = {}
    for dataset in dict.fromkeys([*ours.facts, *theirs.facts]):
        if dataset in ours.facts and dataset in theirs.facts:
            found[dataset] = [
                *_of_both(dataset, ours, theirs),
                *_incomparable(dataset, comparable(ours.facts[dataset], theirs.facts[dataset]), mixed),
            ] or [_fair(dataset, theirs)]
        elif dataset in ours.facts:
            found[dataset] = [f"{dataset}: there are no numbers {theirs.where}, so there is nothing to compare with."]
    return found


def _of_both(dataset: str, ours: Side, theirs: Side) -> list[str]:
    mine, other = ours.facts[dataset], theirs.facts[dataset]
    told = [
        f"{dataset}: {cause.what} {mine[cause.fact]} {ours.where} and {other[cause.fact]} {theirs.where}; {cause.why}."
        for cause in CAUSES
        if cause.fact in mine and cause.fact in other and mine[cause.fact] != other[cause.fact]
    ]
    return told + _made(dataset, mine, other) + [*ours.warnings.get(dataset, []), *theirs.warnings.get(dataset, [])]


def _made(dataset: str, ours: Facts, theirs: Facts) -> list[str]:
    """The fields of both fingerprints that differ, and that no cause names."""
    if ours["metric"] != theirs["metric"] or not ours.get("fingerprint") or not theirs.get("fingerprint"):
        return []
    made = [json.loads(one) for side in (ours, theirs) for one in side["fingerprint"].split("\n")]
    fields = [name for name in differing(made) if name not in ours]
    if not fields:
        return []
    return [f"{dataset}: the metrics were made differently ({listed(fields)}), so the scales differ."]


def _incomparable(dataset: str, same: bool, mixed: bool) -> list[str]:
    if same:
        return []
    if mixed:
        return [f"{dataset}: differences between numbers of different making mean little; --mixed asked for them."]
    return [f"{dataset}: no difference is given between numbers of different making; --mixed gives them all the same."]


def _fair(dataset: str, theirs: Side) -> str:
    return (
        f"{dataset}: nothing known makes it unfair; metric, splits, counts, schedule, networks, variants and numbers "
        f"of settings and seeds are as {theirs.where}."
    )
