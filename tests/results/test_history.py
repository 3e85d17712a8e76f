"""Histories of one trial become one, whoever is united with whom first."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from study.results.history import History, Try, unite

Chain = tuple[Try, ...]


@st.composite
def studies(draw: st.DrawFn, count: int = 3) -> list[Chain]:
    """What so many studies know of one trial: of some attempts the same, of killed ones perhaps the beginning.

    No study has an attempt that began after another had ended the trial.
    """
    known = []
    for began in draw(st.lists(st.integers(1, 50), min_size=1, max_size=6, unique=True)):
        over = draw(st.booleans())
        measured = (1, 2, 3) if over else tuple(range(draw(st.integers(0, 2))))
        known.append(Try(0, 0, began, over, tuple(100 * began + row for row in measured), measured))
    chains = []
    for source in range(count):
        told = draw(st.lists(st.sampled_from(known), unique=True, max_size=len(known)))
        ends = [each for each in told if each.over][:1]
        others = [each if each.over else _cut(each, draw(st.integers(0, 3))) for each in told if not each.over]
        chain = [*sorted(others, key=lambda each: each.began), *ends]
        chains.append(tuple(replace(each, source=source, number=number) for number, each in enumerate(chain, 1)))
    return chains


def _cut(each: Try, rows: int) -> Try:
    return replace(each, rows=each.rows[:rows], measured=each.measured[:rows])


def again(history: History, source: int) -> Chain:
    """What came out of a merge, as a study of its own."""
    return tuple(replace(each, source=source, number=number) for each, number in history.kept)


def content(history: History) -> list[tuple[int, int, bool, tuple[int, ...]]]:
    return [(number, each.began, each.over, each.rows) for each, number in history.kept]


@settings(max_examples=300, deadline=None)
@given(studies())
def test_the_order_of_merges_changes_nothing(chains: list[Chain]) -> None:
    one, two, three = chains
    assert content(unite([one, two])) == content(unite([two, one]))
    first, last = again(unite([one, two]), 3), again(unite([two, three]), 4)
    assert content(unite([first, three])) == content(unite([one, last])) == content(unite([one, two, three]))


@settings(max_examples=200, deadline=None)
@given(studies(count=1))
def test_a_study_united_with_itself_stays_as_it_is(chains: list[Chain]) -> None:
    (chain,) = chains
    copied = tuple(replace(each, source=1) for each in chain)
    assert content(unite([chain, copied])) == content(unite([chain])) == content(unite([chain, copied[:1]]))
    assert [(number, each.rows) for each, number in unite([chain, copied]).kept] == [
        (each.number, each.rows) for each in chain
    ]


@settings(max_examples=200, deadline=None)
@given(studies())
def test_nothing_that_was_measured_is_lost(chains: list[Chain]) -> None:
    history = unite(chains)
    kept = [each for each, _ in history.kept]
    for each in (each for chain in chains for each in chain):
        assert any(
            set(each.rows) <= set(other.rows) or (each.over and other.over and each.measured == other.measured)
            for other in kept
        )
    rows = [row for each in kept for row in each.rows]
    assert len(rows) == len(set(rows))
    assert len({number for _, number in history.kept}) == len(kept)


def test_what_ended_the_trial_is_the_newest() -> None:
    done = Try(0, 1, began=1, over=True, rows=(1, 2, 3), measured=(1, 2, 3))
    failed = Try(1, 1, began=5, rows=(4,), measured=(9,))
    assert [each for each, _ in unite([[done], [failed]]).kept] == [failed, done]
    assert unite([[done], [failed]]).newest == done


def test_of_equal_ends_the_one_that_began_first_is_kept_and_the_other_told() -> None:
    ends = [Try(source, 1, began, True, (began,), (1, 2, 3)) for source, began in enumerate((7, 3, 5))]
    history = unite([[each] for each in ends])
    assert [each for each, _ in history.kept] == [ends[1]]
    assert set(history.agreeing) == {ends[0], ends[2]}
    assert history.sources == [0, 1, 2]


def test_two_failures_that_look_alike_are_two() -> None:
    """At step 0, with equal values: they count as two when somebody counts failures."""
    chain = [Try(0, number, began, False, (began,), (0,)) for number, began in ((1, 1), (2, 2))]
    other = [Try(1, 1, 3, False, (3,), (0,))]
    assert [each.began for each, _ in unite([chain, other]).kept] == [1, 2, 3]


def test_an_attempt_that_has_gone_on_since_it_was_copied_is_one() -> None:
    early = [Try(0, 1, 1, False, (1,), (1,))]
    late = [Try(1, 1, 1, False, (1, 2), (1, 2)), Try(1, 2, 4, False, (3,), (3,))]
    assert [each for each, _ in unite([early, late]).kept] == late
    assert [each for each, _ in unite([[replace(early[0], rows=())], late]).kept] == late  # killed before its first row


def test_numbers_with_gaps_stay() -> None:
    chain = [Try(0, 2, 1, False, (1,), (1,)), Try(0, 5, 2, False, (2,), (2,))]
    assert [number for _, number in unite([chain, [replace(chain[0], source=1)]]).kept] == [2, 5]
    assert [number for _, number in unite([chain, [Try(1, 1, 9, False, (3,), (3,))]]).kept] == [1, 2, 3]
