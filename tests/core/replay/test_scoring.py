"""Known incidents are caught, missed, or nothing can be said; pages in none of them are false."""

from dataclasses import replace

import pytest

from monitor.core.model import Tier
from monitor.core.replay.outcome import KnownIncident, Paged, Replayed, Unread
from monitor.core.replay.scoring import EARLY, Finding, Score, false_pages, incident_of, score, summary
from tests.core.replay.outcomes import END, key, outcome, page

BEGIN, OVER = 10_000, 12_000
KNOWN = KnownIncident("one", BEGIN, OVER)
NAMED = KnownIncident("one", BEGIN, OVER, ("B", "C"))
CAUGHT, MISSED, UNKNOWN = Finding.CAUGHT, Finding.MISSED, Finding.UNKNOWN


def gap(begin: int, end: int, alert: str = "A") -> Replayed:
    return replace(outcome(), unread=(Unread("g", alert, begin, end, "503"),))


CASES = [
    pytest.param(KNOWN, outcome((page(BEGIN + 300),)), CAUGHT, 300, id="a page while it lasts"),
    pytest.param(KNOWN, outcome((page(BEGIN),)), CAUGHT, 0, id="a page at its begin"),
    pytest.param(KNOWN, outcome((page(OVER),)), CAUGHT, 2000, id="a page at its end"),
    pytest.param(KNOWN, outcome((page(OVER + 1),)), MISSED, None, id="a page after its end"),
    pytest.param(KNOWN, outcome((page(BEGIN - EARLY),)), CAUGHT, -EARLY, id="a page before people noticed"),
    pytest.param(KNOWN, outcome((page(BEGIN - EARLY - 1),)), MISSED, None, id="a page too early to be of it"),
    pytest.param(KNOWN, outcome((page(11_000), page(10_500))), CAUGHT, 500, id="the first of several"),
    pytest.param(KNOWN, outcome((page(11_000, key(tier=Tier.BLIND)),)), MISSED, None, id="blindness catches nothing"),
    pytest.param(NAMED, outcome((page(11_000),)), MISSED, None, id="a page of another alert"),
    pytest.param(NAMED, outcome((page(11_000, key(), key("C")),)), CAUGHT, 1000, id="one of its alerts among others"),
    pytest.param(KNOWN, gap(BEGIN - 100, BEGIN + 1), UNKNOWN, None, id="a part of its history was not read"),
    pytest.param(KNOWN, gap(BEGIN - 100, BEGIN), MISSED, None, id="only what lies before it was not read"),
    pytest.param(NAMED, gap(BEGIN, OVER), MISSED, None, id="only another alert was not read"),
    pytest.param(KnownIncident("one", END, END + 9), outcome(), UNKNOWN, None, id="it came after the replay"),
    pytest.param(KnownIncident("one", END - 9, END + 9), outcome(), UNKNOWN, None, id="it ended after the replay"),
    pytest.param(KnownIncident("one", -50, 0), outcome(), UNKNOWN, None, id="it was over before the replay"),
]


@pytest.mark.parametrize(("known", "found", "finding", "waited"), CASES)
def test_a_known_incident(known: KnownIncident, found: Replayed, finding: Finding, waited: int | None) -> None:
    (one,) = score(found, [known])
    assert (one.finding, one.time_to_page, one.caught) == (finding, waited, finding is CAUGHT)
    assert bool(one.why) == (finding is UNKNOWN)
    assert one.page_at == (None if waited is None else known.begin + waited)


PAGES = [
    pytest.param(page(BEGIN - EARLY), False, id="before people noticed"),
    pytest.param(page(OVER + 1), True, id="after every incident"),
    pytest.param(page(11_000), False, id="of an alert that the incident does not name"),
    pytest.param(page(OVER + 1, key(tier=Tier.BLIND)), False, id="of blindness"),
]


@pytest.mark.parametrize(("one", "is_false"), PAGES)
def test_a_false_page(one: Paged, is_false: bool) -> None:  # noqa: FBT001  # a row of a table
    assert false_pages(outcome((one,)), [NAMED]) == ((one,) if is_false else ())


def test_incidents_are_told_in_the_order_in_which_they_began() -> None:
    later = KnownIncident("later", BEGIN + 1, OVER)
    assert [one.incident.name for one in score(outcome(), [later, KNOWN])] == ["one", "later"]


def test_a_page_belongs_to_the_latest_incident_that_had_begun() -> None:
    later = KnownIncident("later", BEGIN + 500, OVER)
    assert incident_of(page(BEGIN + 600), [later, KNOWN]) == later
    assert incident_of(page(OVER + 600), [later, KNOWN]) is None


def test_the_sums() -> None:
    known = [
        KNOWN,
        KnownIncident("two", 50_000, 51_000),
        KnownIncident("three", 60_000, 61_000),
        KnownIncident("four", END, END + 1),
    ]
    found = outcome((page(BEGIN + 100), page(50_300), page(90_000)))
    assert summary(found, score(found, known)) == Score(caught=2, missed=1, unknown=1, false=1, time_to_page=200)
