"""Which other pagers are called for an incident, when, and what they are told of it. Pure.

Slack (or the console) shows every incident; other pagers are called by `page:` of routing.yaml, and, whatever it says,
where a page was refused or not taken in time. What they are told is a function of the incident as it stands.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from monitor.core.incidents.events import AlertFired
from monitor.core.incidents.incident import Incident
from monitor.core.incidents.response import Response
from monitor.core.model import Tier
from monitor.core.pages.happenings import happenings, over
from monitor.core.pages.posts import Happening
from monitor.core.rules.routing import Pages
from monitor.core.words import clock, lasted


class Stance(StrEnum):
    """How an incident stands, as other pagers understand it."""

    TRIGGERED = "triggered"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Because(StrEnum):
    """Why another destination is called though `page:` does not name it; and why Slack is told a story later."""

    REFUSED = "refused"
    NOT_TAKEN = "not_taken"
    CALLED_MEANWHILE = "called_meanwhile"


CALLS = frozenset(
    {
        Happening.PREPARE_OPENS,
        Happening.ROLLBACK_OPENS,
        Happening.BLIND_OPENS,
        Happening.RAISED,
        Happening.BACK,
        Happening.CALLED_AGAIN,
        Happening.UNACKNOWLEDGED,
    }
)
"""The happenings that page: they call the pagers of their tier, and somebody else where Slack does not take them."""

PATIENCE: Mapping[Tier, timedelta] = {
    Tier.ROLLBACK: timedelta(seconds=30),
    Tier.BLIND: timedelta(seconds=30),
    Tier.PREPARE: timedelta(seconds=120),
}
"""How long Slack may take to accept a page before the other pagers are called."""

BACK_CALLS_AFTER = timedelta(minutes=10)
"""A breach that comes back calls the pagers at most so often."""


@dataclass(frozen=True, slots=True)
class Call:
    """What another pager is told. `key` and `tier` are the same for everything told of one page; `by` has it."""

    key: str
    stance: Stance
    incident: str
    environment: str
    tier: Tier
    since: datetime
    by: str = ""


@dataclass(frozen=True, slots=True)
class Called:
    """One call to be made: whom, why, the number of the page that it belongs to (0: the opening), and its tier."""

    pager: str
    happening: Happening
    n: int
    tier: Tier


def stance(incident: Incident) -> Stance:
    """Give how `incident` stands: recovered or ended it calls nobody any more."""
    if incident.ended_at is not None or incident.recovered_at is not None:
        return Stance.RESOLVED
    owned = incident.acknowledged_by is not None or incident.commander is not None
    return Stance.ACKNOWLEDGED if owned else Stance.TRIGGERED


def rings(incident: Incident, happening: str, decided_at: datetime) -> bool:
    """Whether a call that was not told yet must ring though somebody has the incident.

    A breach that is back calls by its tier, and an acknowledgement from before it is kept: told as acknowledged at
    once, a page that a pager has never heard of would ring nowhere.
    """
    since = incident.acknowledged_at
    return happening == Happening.BACK and (since is None or since < decided_at)


def call(incident: Incident, n: int, tier: Tier, *, superseded: bool, ringing: bool = False) -> Call:
    """Give what is told of page `n` of `incident`, made at `tier`; one that a later call took the place of is over.

    `ringing`: it is told as triggered for as long as it is not over.
    """
    owner = incident.acknowledged_by or incident.commander
    now = Stance.RESOLVED if superseded else stance(incident)
    return Call(
        key=f"{incident.environment}/{incident.id}{f'/{n}' if n else ''}",
        stance=Stance.TRIGGERED if ringing and now is Stance.ACKNOWLEDGED else now,
        incident=incident.id,
        environment=incident.environment,
        tier=tier,
        since=min((one.since for one in incident.alerts), default=incident.opened_at),
        by=owner.name if owner else "",
    )


@dataclass(frozen=True, slots=True)
class PageName:
    """What the key of a page says: of which environment's incident it is, and its number (0: the opening)."""

    environment: str
    incident: str
    n: int


_KEY = re.compile(r"(?P<environment>.+)/(?P<incident>[A-Z]{1,10}-\d{1,9})(?:/(?P<n>\d{1,9}))?", re.ASCII | re.DOTALL)


def page_name(key: str) -> PageName | None:
    """Read the key that `call` gave a page; None where it is none of ours."""
    found = _KEY.fullmatch(key)
    return PageName(found["environment"], found["incident"], int(found["n"] or 0)) if found else None


def calls(response: Response, pages: Pages, last: datetime | None, at: datetime) -> tuple[Called, ...]:
    """Give the calls that `response` owes by `pages`; `last` is when the incident's last one was decided."""
    found: list[Called] = []
    for happening, n, tier in _paging(response):
        if happening is Happening.BACK and last is not None and at - last < BACK_CALLS_AFTER:
            continue
        found += [Called(pager, happening, n, tier) for pager in pages.others(tier)]
    return tuple(found)


def _paging(response: Response) -> list[tuple[Happening, int, Tier]]:
    """Give what pages in `response`, each happening once: with its number, as its post has it, and its tier."""
    if response.before is None:
        opens = {Tier.ROLLBACK: Happening.ROLLBACK_OPENS, Tier.BLIND: Happening.BLIND_OPENS}
        opening = (opens.get(response.after.tier, Happening.PREPARE_OPENS), 0, response.after.tier)
        return [] if over(response.after) else [opening]
    found: dict[Happening, tuple[int, Tier]] = {}
    for one in happenings(response):
        if one.what in CALLS and not one.quiet:
            tier = one.event.firing.key.tier if isinstance(one.event, AlertFired) else one.incident.tier
            n, worst = found.get(one.what, (one.n, tier))
            found[one.what] = (n, Tier.ROLLBACK if Tier.ROLLBACK in {worst, tier} else worst)
    return [(happening, n, tier) for happening, (n, tier) in found.items()]


def to_be_told(response: Response) -> bool:
    """Whether pagers that were called before must be told how the incident stands now."""
    if response.before is None:
        return False
    changed = stance(response.before) is not stance(response.after)
    return changed or any(happening in CALLS for happening, _, _ in _paging(response))


def story(late: timedelta, problem: str, told: Mapping[str, datetime | None], incident: Incident) -> str:
    """Give what happened while Slack did not take a page: who was called when (None: did not answer), who has it."""
    words = [f"This page could not be posted here for {lasted(late)}{f': {problem}' if problem else ''}."]
    reached = [f"{name} at {clock(at)}" if at else f"{name} (has not taken it)" for name, at in told.items()]
    words += [f"Called meanwhile: {', '.join(reached)}."] if reached else ["Nobody else was called."]
    if incident.acknowledged_by is not None and incident.acknowledged_at is not None:
        words.append(f"Acknowledged by {incident.acknowledged_by.name} at {clock(incident.acknowledged_at)}.")
    if incident.recovered_at is not None:
        words.append(f"Recovered {clock(incident.recovered_at)}.")
    return " ".join(words)
