"""The sentences that stand first in every report."""

from dataclasses import replace

import pytest

from monitor.core.model import Tier
from monitor.core.replay import sentences
from monitor.core.replay.comparison import compare
from monitor.core.replay.outcome import Blind, KnownIncident, Replayed, Unread
from monitor.core.replay.scoring import score
from monitor.core.replay.totals import firing_seconds, totals
from tests.core.replay.outcomes import END, key, outcome, page, stretch

ROLLBACK = key(tier=Tier.ROLLBACK)


def apart(*firsts: int, hold: int = 60) -> Replayed:
    """A page for each breach that begins at one of `firsts`."""
    return outcome(tuple(page(at + hold) for at in firsts), tuple(stretch(at, at + hold, at + 900) for at in firsts))


PAGES = [
    pytest.param(outcome(), "no page in 7 days", id="none"),
    pytest.param(apart(0), "1 page in 7 days, to prepare", id="one"),
    pytest.param(apart(0, 5000), "2 pages in 7 days, all to prepare", id="of one kind"),
    pytest.param(
        outcome((page(0), page(9), page(9, ROLLBACK))), "3 pages in 7 days: 1 to roll back, 2 to prepare", id="of both"
    ),
    pytest.param(replace(outcome(), end=86400), "no page in 24 h", id="a day"),
    pytest.param(replace(outcome(), end=END - 10), "no page in 7 days", id="to now, which ends a few seconds before"),
    pytest.param(replace(outcome(), end=3590), "no page in 1 h", id="an hour to now"),
    pytest.param(replace(outcome(), end=86400 + 30), "no page in 24 h", id="some seconds more"),
    pytest.param(replace(outcome(), end=5000), "no page in 1 h 23 min", id="an odd time"),
]


@pytest.mark.parametrize(("found", "said"), PAGES)
def test_how_many_pages(found: Replayed, said: str) -> None:
    assert sentences.pages(found) == said


CHANGES = [
    pytest.param(apart(0), apart(0), "The same pages in 7 days (1 page)", id="nothing"),
    pytest.param(apart(0), apart(0, 5000, 9000), "2 pages more in 7 days (1 before, 3 after)", id="more"),
    pytest.param(apart(0, 5000), apart(0), "1 page less in 7 days (2 before, 1 after)", id="less"),
    pytest.param(apart(0), apart(5000, 9000), "2 pages more, 1 less in 7 days (1 before, 2 after)", id="both"),
    pytest.param(apart(0), apart(0, hold=90), "1 page later in 7 days (1 before, 1 after)", id="later"),
    pytest.param(
        apart(0, 5000), apart(0, hold=30), "1 page less, 1 earlier in 7 days (2 before, 1 after)", id="less and earlier"
    ),
]


@pytest.mark.parametrize(("old", "new", "said"), CHANGES)
def test_what_a_change_brings(old: Replayed, new: Replayed, said: str) -> None:
    assert sentences.change(compare(old, new)) == said


ONE, TWO = KnownIncident("one", 0, 900), KnownIncident("two", 5000, 5900)
LATE = KnownIncident("late", END, END + 60)
JUDGED = [
    pytest.param(apart(0), (), "", id="none are known"),
    pytest.param(apart(0), (ONE,), "The known incident was caught, and no page was false", id="the only one"),
    pytest.param(apart(), (ONE,), "The known incident was missed, and no page was false", id="the only one, missed"),
    pytest.param(apart(0, 5000), (ONE, TWO), "All 2 known incidents were caught, and no page was false", id="all"),
    pytest.param(
        apart(0, 9000), (ONE, TWO), "1 of 2 known incidents was missed, and 1 page was false", id="one of two"
    ),
    pytest.param(
        apart(0),
        (ONE, TWO, LATE),
        "1 of 3 known incidents caught, 1 missed, and of 1 nothing can be said, and no page was false",
        id="one after the end",
    ),
]


@pytest.mark.parametrize(("found", "known", "said"), JUDGED)
def test_what_became_of_known_incidents(found: Replayed, known: tuple[KnownIncident, ...], said: str) -> None:
    assert sentences.judged(found, score(found, known)) == said


def test_what_was_caught_before() -> None:
    old, new = apart(0, 9000), apart(0, 5000)
    told = sentences.judged(new, score(new, (ONE, TWO)), compare(old, new))
    assert told == "All 2 known incidents were caught (1 before), and no page was false (1 before)"
    back = sentences.judged(old, score(old, (ONE, TWO)), compare(new, old))
    assert back == "1 of 2 known incidents was missed (0 before), and 1 page was false (0 before)"


def test_what_could_not_be_read_is_said() -> None:
    gaps = tuple(Unread("g", alert, begin, 7200, "503") for alert, begin in (("A", 0), ("B", 3600)))
    assert sentences.unread(replace(outcome(), unread=gaps)) == (
        "2 h 00 min of the history could not be read (A, B): nothing is known of it"
    )
    assert sentences.unread(outcome()) == ""
    assert sentences.halted(replace(outcome(), complete=False)).startswith("The replay was stopped")


def test_no_page_is_no_health_where_nothing_was_read() -> None:
    stopped = replace(outcome(), end=0, complete=False)
    assert sentences.pages(stopped) == sentences.change(compare(stopped, stopped)) == sentences.NOTHING
    assert sentences.halted(stopped) == "The replay was stopped before any of it was read"


def test_what_fires_in_the_shadow_is_named() -> None:
    several = replace(outcome(), shadowed=("A", "B", "C", "D"))
    assert sentences.shadowed(several) == "A, B, C and 1 more fired in the shadow, where they page nobody"
    assert sentences.shadowed(outcome()) == ""


def test_the_rate_is_told_where_the_period_is_no_week() -> None:
    month = replace(apart(0, 5000, 9000), end=28 * 86400)
    assert sentences.rate(month) == "0.75 a week"
    assert sentences.rate(apart(0)) == sentences.rate(replace(apart(0), end=86400)) == ""


def test_the_sums_count_every_second_of_firing_once() -> None:
    two = outcome((), (stretch(0, 10, 50), stretch(0, 30, 70, ROLLBACK), stretch(0, END - 5, None, key("B"))))
    assert totals(two).firing == 60 + 5


def test_the_first_page_is_one_of_a_rule_and_none_of_blindness() -> None:
    blind = page(10, key(tier=Tier.BLIND), reason="blind_opens")
    assert totals(outcome((blind, page(50)))).first_page == 50
    assert totals(outcome((blind,))).first_page is None
    assert totals(outcome((blind, page(50)))).pages == 2


def test_what_fired_before_the_replayed_time_is_not_counted() -> None:
    late = replace(outcome((), (stretch(0, 10, 900), stretch(0, 10, 300, ROLLBACK))), begin=600)
    assert totals(late).firing == 300
    assert firing_seconds(late) == {key(): 300, ROLLBACK: 0}


def test_what_fires_within_something_longer_adds_nothing() -> None:
    assert totals(outcome((), (stretch(0, 0, 100), stretch(5, 10, 20, ROLLBACK)))).firing == 100


def test_time_without_data_is_told_once_for_all_that_it_befell() -> None:
    dark = [Blind("g", alert, (), begin, end, "no series") for alert, begin, end in [("A", 0, 600), ("B", 300, 900)]]
    half = replace(outcome(), blind=(*dark, Blind("g", "", (), END - 60, None, "no answer")))
    assert sentences.unwatched(half) == "For 16 min data were missing (A, B, g): no page then is no health"
    assert sentences.doubts(half) == [sentences.unwatched(half)]
    assert sentences.doubts(outcome()) == []


@pytest.mark.parametrize(
    ("parts", "found"),
    [
        (("no page in 7 days", "", "none"), "No page in 7 days, none."),
        (("3 h are gone",), "3 h are gone."),
        (("",), ""),
    ],
)
def test_a_sentence_that_stands_alone(parts: tuple[str, ...], found: str) -> None:
    assert sentences.whole(*parts) == found
