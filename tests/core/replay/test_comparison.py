"""Pages gained, lost, earlier, later, by alert, labels and tier and the breach that they are about."""

from dataclasses import replace

import pytest
from hypothesis import given

from monitor.core.model import Tier
from monitor.core.replay.comparison import Minutes, Moved, compare
from monitor.core.replay.outcome import Blind, Replayed
from tests.core.replay.outcomes import END, key, outcome, outcomes, page, stretch

ROLLBACK = key(tier=Tier.ROLLBACK)
BLIND = key(tier=Tier.BLIND)
ONE = outcome((page(400),), (stretch(100, 400, 900),))
ELSEWHERE = key(labels=())
TWO_ALERTS = outcome((page(400, key("B"), key()),), (stretch(100, 400, 900),))
CASES = [
    pytest.param(ONE, ONE, (0, 0, 0, 0, 1), id="the same"),
    pytest.param(ONE, outcome(), (0, 1, 0, 0, 0), id="lost"),
    pytest.param(outcome(), ONE, (1, 0, 0, 0, 0), id="gained"),
    pytest.param(ONE, outcome((page(250),), (stretch(100, 250, 900),)), (0, 0, 1, 0, 0), id="earlier, of one breach"),
    pytest.param(ONE, outcome((page(700),), (stretch(100, 700, 900),)), (0, 0, 0, 1, 0), id="later, of one breach"),
    pytest.param(ONE, outcome((page(950),), (stretch(901, 950, 999),)), (1, 1, 0, 0, 0), id="another breach"),
    pytest.param(ONE, outcome((page(950),), (stretch(900, 950, 999),)), (0, 0, 0, 1, 0), id="breaches that touch"),
    pytest.param(
        ONE, outcome((page(400, ROLLBACK),), (stretch(100, 400, 900, ROLLBACK),)), (1, 1, 0, 0, 0), id="another tier"
    ),
    pytest.param(
        ONE, outcome((page(400, ELSEWHERE),), (stretch(100, 400, 900, ELSEWHERE),)), (1, 1, 0, 0, 0), id="elsewhere"
    ),
    pytest.param(
        ONE, TWO_ALERTS, (0, 0, 0, 0, 1), id="one alert of several"
    ),
    pytest.param(
        outcome((page(400), page(800)), (stretch(100, 400, 900),)),
        outcome((page(780),), (stretch(100, 780, 900),)),
        (0, 1, 1, 0, 0),
        id="the nearest of two pages of one breach",
    ),
    pytest.param(
        ONE,
        outcome((page(400, ROLLBACK, key()),), (stretch(100, 400, 900), stretch(100, 400, 900, ROLLBACK))),
        (1, 1, 0, 0, 0),
        id="raised to a rollback, with the same alert beside it",
    ),
    pytest.param(ONE, outcome((page(400),)), (0, 0, 0, 0, 1), id="a page without its stretch"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "found"), CASES)
def test_what_changes(old: Replayed, new: Replayed, found: tuple[int, ...]) -> None:
    one = compare(old, new)
    assert tuple(map(len, (one.gained, one.lost, one.earlier, one.later, one.same))) == found


def test_how_far_a_page_moves() -> None:
    later = outcome((page(700),), (stretch(100, 700, 900),))
    assert [one.by for one in compare(ONE, later).later] == [300]
    assert [one.by for one in compare(later, ONE).earlier] == [-300]


def test_blind_pages_are_matched_by_the_time_in_which_nothing_was_seen() -> None:
    dark = Blind("g", "A", BLIND.labels, 100, 900, "no series")
    old, new = (replace(outcome((page(at, BLIND),)), blind=(dark,)) for at in (300, 500))
    assert [one.by for one in compare(old, new).later] == [200]


def test_minutes_firing_name_every_alert_the_largest_difference_first() -> None:
    old = outcome(
        (), (stretch(0, 10, 20), stretch(40, 50, None), stretch(0, 0, 100, ROLLBACK), stretch(0, None, 9, key("B")))
    )
    new = outcome((), (stretch(0, 10, 25), stretch(0, 0, 400, ROLLBACK)))
    assert compare(old, new).minutes == (
        Minutes(key(), 10 + END - 50, 15),
        Minutes(ROLLBACK, 100, 400),
    )


def test_a_change_of_minutes_alone_is_a_change() -> None:
    longer = outcome((page(400),), (stretch(100, 400, 901),))
    assert compare(ONE, longer).changed
    assert not compare(ONE, ONE).changed


@given(outcomes(), outcomes())
def test_either_may_be_called_the_old_one(one: Replayed, other: Replayed) -> None:
    there, back = compare(one, other), compare(other, one)
    assert there.gained == back.lost
    assert there.lost == back.gained
    assert sorted(map(_turned, there.earlier), key=repr) == sorted(back.later, key=repr)
    assert sorted(map(_turned, there.same), key=repr) == sorted(back.same, key=repr)


def _turned(moved: Moved) -> Moved:
    return Moved(moved.new, moved.old)


@given(outcomes(), outcomes())
def test_every_page_is_told_once(old: Replayed, new: Replayed) -> None:
    found = compare(old, new)
    both = (*found.earlier, *found.later, *found.same)
    assert sorted((*found.lost, *(one.old for one in both)), key=repr) == sorted(old.pages, key=repr)
    assert sorted((*found.gained, *(one.new for one in both)), key=repr) == sorted(new.pages, key=repr)


@given(outcomes())
def test_nothing_changes_against_itself(one: Replayed) -> None:
    assert not compare(one, one).changed
