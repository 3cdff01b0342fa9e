"""Runs of versions, which breaches count against them, and the last known good one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.judging.deploy import Seen
from monitor.core.releases.runs import LINGER, SLACK, Breach, Good, Run, Sought, blamed, last_known_good, runs

HOUR, DAY = 3600, 86_400


def seen(*moves: tuple[int, str]) -> tuple[Seen, ...]:
    return tuple((at, frozenset(versions.split())) for at, versions in moves)


RUNS = [
    ("nothing was seen", seen(), 100, []),
    ("one from the start", seen((0, "1")), 100, [Run("1", 0, 100, first=True)]),
    ("a mixture is nobody's run", seen((0, "1"), (40, "1 2"), (60, "2")), 100, [("1", 0, 40), ("2", 60, 100)]),
    ("unseen for a while", seen((0, "1"), (40, ""), (60, "1")), 100, [("1", 0, 40), ("1", 60, 100)]),
    ("unseen at first", seen((0, ""), (40, "1")), 100, [Run("1", 40, 100, first=True)]),
    ("it comes back", seen((0, "1"), (40, "2"), (60, "1")), 70, [("1", 0, 40), ("2", 40, 60), ("1", 60, 70)]),
]


@pytest.mark.parametrize(("moves", "until", "expected"), [row[1:] for row in RUNS], ids=[row[0] for row in RUNS])
def test_runs(moves: tuple[Seen, ...], until: int, expected: list[object]) -> None:
    found = runs(moves, until)
    assert [
        one if isinstance(want, Run) else (one.version, one.begin, one.end)
        for one, want in zip(found, expected, strict=True)
    ] == expected


ROLLOUT = seen((0, "1"), (1000, "1 2"), (1200, "2"), (9000, "1"))
BLAMED = [
    ("while it ran", Breach("A", 500, 600), {"1"}),
    ("in a rollout the new one", Breach("A", 1100, 1300), {"2"}),
    ("as soon as the new one is seen", Breach("A", 1000, 1300), {"2"}),
    ("a release that fails before it is seen", Breach("A", 1000 - SLACK, 1300), {"2"}),
    ("a release long after it began", Breach("A", 999 - SLACK, 1300), {"1"}),
    ("a rollback right after it began", Breach("A", 8990, 9100), {"2"}),
    ("until a rollback", Breach("A", 2000, 9000), {"2"}),
    ("a rollback has half an hour to help", Breach("A", 2000, 9000 + LINGER), {"2"}),
    ("a rollback that does not help", Breach("A", 2000, 9001 + LINGER), {"1", "2"}),
    ("it still lasts", Breach("A", 2000), {"1", "2"}),
    ("before anything was seen", Breach("A", -100, -50), set()),
    ("just before anything was seen", Breach("A", -10, 50), set()),
]


@pytest.mark.parametrize(("breach", "expected"), [row[1:] for row in BLAMED], ids=[row[0] for row in BLAMED])
def test_a_breach_counts_against_a_version(breach: Breach, expected: set[str]) -> None:
    assert set(blamed(ROLLOUT, runs(ROLLOUT, 20_000), [breach])) == expected


def test_a_release_that_is_seen_after_a_gap_fails_before_it_is_seen() -> None:
    moves = seen((0, "1"), (1000, ""), (1010, "2"))
    assert set(blamed(moves, runs(moves, 1100), [Breach("A", 995)])) == {"2"}


def good(moves: tuple[Seen, ...], until: int, *breaches: Breach, proven: int = DAY) -> str:
    found = last_known_good(moves, until, breaches, Sought(until, frozenset({"bad"}), proven))
    return found.version if isinstance(found, Good) else found


GOOD = [
    ("the one before", seen((0, "1")), (), "1"),
    ("the last that is proven, not the longest", seen((0, "1"), (8 * DAY, "2")), (), "2"),
    ("a short one is passed over", seen((0, "1"), (9 * DAY, "2")), (), "1"),
    ("none is proven: the longest", seen((0, ""), (9 * DAY, "1"), (9 * DAY + 6 * HOUR, "2")), (), "2"),
    ("one that broke is passed over", seen((0, "1"), (5 * DAY, "2")), (Breach("A", 6 * DAY, 7 * DAY),), "1"),
    ("the bad one came before too", seen((0, "1"), (5 * DAY, "bad"), (9 * DAY, "1")), (), "1"),
    ("nothing else ran", seen((0, "bad")), (), "no other version was seen to run alone"),
    ("nothing ran alone", seen((0, "1 2")), (), "no other version was seen to run alone"),
    (
        "every one broke",
        seen((0, "1"), (5 * DAY, "2")),
        (Breach("A", 6 * DAY, 7 * DAY), Breach("B", 3 * HOUR, 4 * HOUR)),
        "every version before ran during a breach; 1 ran 5 d 0 h, with B on 01 Jan 03:00 UTC",
    ),
]


@pytest.mark.parametrize(("moves", "breaches", "expected"), [row[1:] for row in GOOD], ids=[row[0] for row in GOOD])
def test_the_last_known_good_version(moves: tuple[Seen, ...], breaches: tuple[Breach, ...], expected: str) -> None:
    assert good(moves, 9 * DAY + 20 * HOUR, *breaches) == expected


def test_proven_as_long_as_is_seen_means_the_longest() -> None:
    assert good(seen((0, "1"), (8 * DAY, "2")), 10 * DAY, proven=14 * DAY) == "1"


def test_how_long_it_ran_is_told() -> None:
    found = last_known_good(seen((0, "1"), (100, "2"), (200, "1")), 500, (), Sought(350, frozenset(), 120))
    assert found == Good("1", 250, 200, 350, at_least=True)
    later = last_known_good(seen((0, "0"), (100, "2"), (200, "3")), 350, (), Sought(200, frozenset({"3"}), 120))
    assert later == Good("2", 100, 100, 200)


MOVES = st.lists(st.tuples(st.integers(0, 1000), st.sampled_from(["", "1", "2", "1 2", "3", "bad"])), max_size=8)
BREACHES = st.lists(st.tuples(st.integers(0, 1000), st.integers(1, 300)), max_size=4)


@settings(deadline=None)
@given(MOVES, BREACHES, st.integers(1, 500))
def test_a_good_version_ran_alone_and_no_breach_began_under_it(
    moves: list[tuple[int, str]], breaches: list[tuple[int, int]], proven: int
) -> None:
    history = seen(*sorted(dict(moves).items()))
    fired = [Breach("A", 10 * begin, 10 * begin + lasted) for begin, lasted in breaches]
    found = last_known_good(history, 1001, fired, Sought(1001, frozenset({"bad"}), proven))
    if isinstance(found, str):
        return
    own = [run for run in runs(history, 1001) if run.version == found.version]
    assert found.version != "bad"
    assert found.ran == sum(run.end - run.begin for run in own) > 0
    assert found.last == own[-1].end <= 1001
    assert not [one for one in fired for run in own if run.begin < one.begin < run.end - SLACK]
    rivals = {run.version for run in runs(history, 1001) if run.version not in blamed(history, own, fired)} - {"bad"}
    if not fired and found.ran < proven:
        totals = [sum(run.end - run.begin for run in runs(history, 1001) if run.version == one) for one in rivals]
        assert found.ran == max(totals), "where none is proven, none ran longer"
