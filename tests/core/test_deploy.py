"""Release changes from the versions that were seen, and the warm-up after them. Times are minutes after 03:00 UTC."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.judging.deploy import LONGEST, Change, changes, warm_from, warming_up

THREE = 1_741_057_200


def seen(*moves: tuple[float, str]) -> list[tuple[int, frozenset[str]]]:
    return [(THREE + round(60 * minute), frozenset(versions.split())) for minute, versions in moves]


def minute(at: int | None) -> float | None:
    return None if at is None else (at - THREE) / 60


CHANGES: list[tuple[str, list[tuple[float, str]], list[tuple[str, float, float | None]]]] = [
    ("nothing was seen", [], []),
    ("what ran at first is no change", [(0, "1")], []),
    ("all at once", [(0, "1"), (2, "2")], [("2", 2, 2)]),
    ("one after the other", [(0, "1"), (2, "1 2"), (5, "2")], [("2", 2, 5)]),
    ("still going on", [(0, "1"), (2, "1 2")], [("2", 2, None)]),
    ("given up", [(0, "1"), (2, "1 2"), (5, "1")], [("2", 2, 5)]),
    ("rolled back", [(0, "1"), (2, "1 2"), (5, "2"), (8, "1 2"), (9, "1")], [("2", 2, 5), ("1", 8, 9)]),
    ("rolled back in the middle", [(0, "1"), (2, "1 2"), (5, "2"), (8, "1")], [("2", 2, 5), ("1", 8, 8)]),
    ("yet another version", [(0, "1"), (2, "1 2"), (4, "1 2 3"), (6, "3")], [("2", 2, 4), ("3", 4, 6)]),
    ("an old one leaves last", [(0, "1 2"), (2, "1 2 3"), (4, "1 3"), (6, "3")], [("3", 2, 6)]),
    ("an old one leaves of itself", [(0, "1 2"), (2, "2")], []),
    ("two at once", [(0, "1"), (2, "2 3")], [("2, 3", 2, 2)]),
    ("unseen for a while", [(0, "1"), (2, ""), (4, "1")], []),
    ("changed while unseen", [(0, "1"), (2, ""), (4, "2")], [("2", 4, 4)]),
    ("unseen at first", [(0, ""), (2, "1"), (4, "2")], [("2", 4, 4)]),
    ("unseen in the middle", [(0, "1"), (2, "1 2"), (3, ""), (5, "2")], [("2", 2, 5)]),
]


@pytest.mark.parametrize(("moves", "expected"), [row[1:] for row in CHANGES], ids=[row[0] for row in CHANGES])
def test_the_changes(moves: list[tuple[float, str]], expected: list[tuple[str, float, float | None]]) -> None:
    found = changes("auth", seen(*moves))
    assert [(one.version, minute(one.begin), minute(one.end)) for one in found] == expected
    assert {one.service for one in found} <= {"auth"}


WARM: list[tuple[str, list[tuple[float, str]], float, str]] = [
    ("before", [(0, "1"), (2, "2")], 1.9, ""),
    ("at its beginning", [(0, "1"), (2, "2")], 2, "warming up after auth 2 until 03:05 UTC"),
    ("just under", [(0, "1"), (2, "2")], 4.9, "warming up after auth 2 until 03:05 UTC"),
    ("over", [(0, "1"), (2, "2")], 5, ""),
    (
        "not ended",
        [(0, "1"), (2, "1 2")],
        16.9,
        "warming up while auth 2 rolls out, until 03:17 UTC at the latest",
    ),
    ("not ended for 15 minutes", [(0, "1"), (2, "1 2")], 17, ""),
    ("counted from the end", [(0, "1"), (2, "1 2"), (6, "2")], 8.9, "warming up after auth 2 until 03:09 UTC"),
    ("over after the end", [(0, "1"), (2, "1 2"), (6, "2")], 9, ""),
    (
        "15 minutes from the beginning",
        [(0, "1"), (2, "1 2"), (16, "2")],
        16.9,
        "warming up after auth 2 until 03:17 UTC",
    ),
    ("no longer than that", [(0, "1"), (2, "1 2"), (16, "2")], 17, ""),
    ("an end beyond that", [(0, "1"), (2, "1 2"), (30, "2")], 31, ""),
    ("the later of two", [(0, "1"), (2, "2"), (4, "3")], 4.5, "warming up after auth 3 until 03:07 UTC"),
]


@pytest.mark.parametrize(("moves", "at", "why"), [row[1:] for row in WARM], ids=[row[0] for row in WARM])
def test_warming_up_for_3_minutes(moves: list[tuple[float, str]], at: float, why: str) -> None:
    now = THREE + round(60 * at)
    known = changes("auth", [move for move in seen(*moves) if move[0] <= now])
    assert warming_up(known, 180, now) == why


MOVES = st.lists(st.tuples(st.integers(0, 10_000), st.frozensets(st.sampled_from("1234"), max_size=3)), max_size=12)


@given(MOVES, st.integers(0, 10_000))
def test_what_comes_later_changes_nothing_but_ends(moves: Sequence[tuple[int, frozenset[str]]], now: int) -> None:
    moves = sorted(dict(moves).items())
    all_of_them = changes("auth", moves)
    until_now = changes("auth", [move for move in moves if move[0] <= now])
    assert until_now == tuple(
        Change(one.service, one.version, one.begin, one.end if one.end is None or one.end <= now else None)
        for one in all_of_them
        if one.begin <= now
    )


@given(MOVES, st.integers(0, 3600))
def test_no_warm_up_is_longer_than_15_minutes(moves: Sequence[tuple[int, frozenset[str]]], after_deploy: int) -> None:
    for change in changes("auth", sorted(dict(moves).items())):
        assert change.begin <= warm_from(change, after_deploy) <= change.begin + LONGEST
