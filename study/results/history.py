"""One history out of the histories that several studies have of one trial."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Try:
    """An attempt as one study has it. Rows are told by hashes, in the order of their steps."""

    source: int  # which study
    number: int
    began: int  # microseconds since 1970; 0 where its rows do not tell
    over: bool = False  # whether it ended its trial
    rows: tuple[int, ...] = ()  # all that each row holds, but for the attempt's number
    measured: tuple[int, ...] = ()  # what two runs of the trial agree on

    @property
    def order(self) -> tuple[bool, int, tuple[int, ...]]:
        """One history is told in the order in which attempts began; what ended the trial is the newest."""
        return self.over, self.began, self.rows


@dataclass(frozen=True)
class History:
    """Of one trial: the attempts that are kept, oldest first, and their new numbers."""

    kept: tuple[tuple[Try, int], ...]
    agreeing: tuple[Try, ...] = ()  # ended the trial as another study's attempt did, in every measured value

    def without_rows(self) -> "History":
        """What is left to be known of it once it is made."""
        kept = tuple((_light(each), number) for each, number in self.kept)
        return History(kept, tuple(map(_light, self.agreeing)))

    @property
    def newest(self) -> Try:
        return self.kept[-1][0]

    @property
    def sources(self) -> list[int]:
        """The studies that it is made of."""
        return sorted({each.source for each in (*(each for each, _ in self.kept), *self.agreeing)})

    @property
    def numbers(self) -> Mapping[tuple[int, int], int]:
        """Study and number there -> number here."""
        return {(each.source, each.number): number for each, number in self.kept}


def unite(chains: Sequence[Sequence[Try]]) -> History:
    """What several studies tell of one trial, whatever their order: an attempt that several of them have is kept once,
    at its furthest; of those that ended the trial in several studies with equal values the one that began first.

    chains: the attempts of each study, oldest first.
    """
    furthest = _furthest(chains)
    spare = _spare([[furthest[each] for each in chain] for chain in chains])
    kept = sorted(set(furthest.values()) - set(spare), key=lambda each: each.order)
    alike = [chain for chain in chains if {furthest[each] for each in chain} == set(kept) and _whole(chain, furthest)]
    if alike:  # what is united with its like, or with part of it, stays as it is
        chain = min(alike, key=lambda chain: [each.number for each in chain])
        return History(tuple((furthest[each], each.number) for each in chain), tuple(spare))
    return History(tuple((each, number) for number, each in enumerate(kept, 1)), tuple(spare))


def _light(each: Try) -> Try:
    return replace(each, rows=(), measured=())


def _furthest(chains: Sequence[Sequence[Try]]) -> dict[Try, Try]:
    """Every attempt -> the copy of it that has the most rows."""
    copies: list[list[Try]] = []
    for each in (each for chain in chains for each in chain):
        same = next((group for group in copies if all(_same(each, other) for other in group)), None)
        if same is None:
            copies.append([each])
        else:
            same.append(each)
    return {each: max(group, key=lambda one: (len(one.rows), -one.source)) for group in copies for each in group}


def _same(one: Try, other: Try) -> bool:
    """Copies of one attempt, perhaps from different moments, in two studies."""
    common = min(len(one.rows), len(other.rows))
    return one.source != other.source and one.began == other.began and one.rows[:common] == other.rows[:common]


def _spare(chains: Sequence[Sequence[Try]]) -> list[Try]:
    """Of what ended the trial with equal values: what comes after as many as the study has that has the most."""
    ends: dict[tuple[int, ...], list[set[Try]]] = defaultdict(lambda: [set() for _ in chains])
    for place, chain in enumerate(chains):
        for each in chain:
            if each.over:
                ends[each.measured][place].add(each)
    spare: list[Try] = []
    for found in ends.values():
        spare += sorted(set().union(*found), key=lambda each: each.order)[max(map(len, found)) :]
    return spare


def _whole(chain: Sequence[Try], furthest: Mapping[Try, Try]) -> bool:
    """Whether no other study has more of one of these attempts."""
    return all(len(each.rows) == len(furthest[each].rows) for each in chain)
