"""Known incidents held against pages: caught, missed, how long it took; and pages that nothing stood behind. Pure.

A page belongs to an incident from `EARLY` seconds before its begin (people write down when they noticed, and a monitor
may notice first) to its end, both included. It catches the incident if one of the incident's alerts is on it. Pages of
blindness catch nothing and are never false: they speak of the monitor.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

from monitor.core.model import Tier
from monitor.core.replay.outcome import KnownIncident, Paged, Replayed

EARLY = 900
"""Seconds before the noted begin of an incident from which on a page counts as a page of it."""


class Finding(StrEnum):
    """What became of a known incident; `unknown`: not caught, but a part of it was not replayed."""

    CAUGHT = "caught"
    MISSED = "missed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Scored:
    """One known incident, with the first page that caught it; `why` says what kept it from being judged."""

    incident: KnownIncident
    finding: Finding
    page: Paged | None = None
    why: str = ""

    @property
    def caught(self) -> bool:
        """Whether there was a page of it."""
        return self.finding is Finding.CAUGHT

    @property
    def page_at(self) -> int | None:
        """When the page came."""
        return self.page.at if self.page else None

    @property
    def time_to_page(self) -> int | None:
        """Seconds from the noted begin of the incident to the page; below 0 where the page came first."""
        return self.page.at - self.incident.begin if self.page else None


@dataclass(frozen=True, slots=True)
class Score:
    """How one outcome does on the known incidents; `time_to_page` is the median over those caught, in seconds."""

    caught: int
    missed: int
    unknown: int
    false: int
    time_to_page: float | None


def score(outcome: Replayed, known: Sequence[KnownIncident], early: int = EARLY) -> tuple[Scored, ...]:
    """Give what became of each of the `known` incidents, in the order in which they began."""
    return tuple(sorted((_scored(outcome, one, early) for one in known), key=in_time))


def in_time(one: Scored) -> tuple[int, int, str]:
    """Give by what known incidents are sorted: when they began."""
    return one.incident.begin, one.incident.end, one.incident.name


def false_pages(outcome: Replayed, known: Iterable[KnownIncident], early: int = EARLY) -> tuple[Paged, ...]:
    """Give the pages that fall into no known incident.

    Which alerts an incident names does not matter here: whatever paged meanwhile, something was broken.
    """
    times = tuple(known)
    return tuple(
        page
        for page in outcome.pages
        if page.tier is not Tier.BLIND and not any(_during(page, one, early) for one in times)
    )


def summary(outcome: Replayed, scored: Sequence[Scored]) -> Score:
    """Give the sums of `scored`, and how many pages of `outcome` were false."""
    times = [one.time_to_page for one in scored if one.time_to_page is not None]
    found = [one.finding for one in scored]
    return Score(
        found.count(Finding.CAUGHT),
        found.count(Finding.MISSED),
        found.count(Finding.UNKNOWN),
        len(false_pages(outcome, (one.incident for one in scored))),
        median(times) if times else None,
    )


def incident_of(page: Paged, known: Iterable[KnownIncident], early: int = EARLY) -> KnownIncident | None:
    """Give the known incident that `page` falls into, the latest to begin of several."""
    fitting = (one for one in known if page.tier is not Tier.BLIND and _during(page, one, early))
    return max(fitting, key=lambda one: one.begin, default=None)


def _scored(outcome: Replayed, incident: KnownIncident, early: int) -> Scored:
    catching = (page for page in outcome.pages if _catches(page, incident, early))
    first = min(catching, key=lambda page: page.at, default=None)
    if first is not None:
        return Scored(incident, Finding.CAUGHT, first)
    why = _unseen(outcome, incident)
    return Scored(incident, Finding.UNKNOWN if why else Finding.MISSED, None, why)


def _catches(page: Paged, incident: KnownIncident, early: int) -> bool:
    named = {key.alert for key in page.alerts}
    asked = not incident.alerts or not named.isdisjoint(incident.alerts)
    return page.tier is not Tier.BLIND and asked and _during(page, incident, early)


def _during(page: Paged, incident: KnownIncident, early: int) -> bool:
    return incident.begin - early <= page.at <= incident.end


def _unseen(outcome: Replayed, incident: KnownIncident) -> str:
    """Give why it cannot be said that `incident` was missed, or the empty text."""
    if incident.begin >= outcome.end or incident.end <= outcome.begin:
        return "it lies outside of the replayed time"
    if incident.begin < outcome.begin or incident.end > outcome.end:
        return "a part of it lies outside of the replayed time"
    for gap in outcome.unread:
        concerned = not incident.alerts or gap.alert in incident.alerts
        if concerned and gap.begin < incident.end and incident.begin < gap.end:
            return "a part of its history could not be read"
    return ""
