"""The clock of an incident or a drill: T0 to T12, and how long it took from one to the other. Pure."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from monitor.core.incidents.events import Acknowledged, AlertFired, Ended, Event, Opened, ProcedureStarted
from monitor.core.incidents.incident import Incident, fold
from monitor.core.incidents.procedureevents import Reopened, TargetsPinned
from monitor.core.model import Tier
from monitor.core.procedures.progress import Progress, rolled_back

SLACK_TIME = re.compile(r"\d{10}\.\d{6}")
"""Slack's name of a message is the time at which it took it."""

Steps: TypeAlias = Sequence[tuple[Event, Incident]]
"""Every event with the incident as it left it."""


@dataclass(frozen=True, slots=True)
class Moments:
    """When what happened; None: it did not, or nobody knows. `injected` is for drills."""

    injected: datetime | None = None
    first_breach: datetime | None = None
    fired: datetime | None = None
    paged: datetime | None = None
    acknowledged: datetime | None = None
    commanded: datetime | None = None
    frozen: datetime | None = None
    pinned: datetime | None = None
    first_back: datetime | None = None
    all_back: datetime | None = None
    clear: datetime | None = None
    verified: datetime | None = None
    ended: datetime | None = None

    @property
    def began(self) -> datetime | None:
        """What everything is measured from: the injection of a drill, else the first breach."""
        return self.injected or self.first_breach


NAMES = {
    "injected": ("T0", "Injected (drills only)"),
    "first_breach": ("T1", "First breach"),
    "fired": ("T2", "Rule fired"),
    "paged": ("T3", "Slack accepted the page"),
    "acknowledged": ("T4", "Acknowledged"),
    "commanded": ("T5", "Commander named"),
    "frozen": ("T6", "Deploys frozen"),
    "pinned": ("T7", "Target pinned"),
    "first_back": ("T8", "First service rolled back"),
    "all_back": ("T9", "Last service at its target"),
    "clear": ("T10", "Signals clear"),
    "verified": ("T11", "Verified"),
    "ended": ("T12", "Ended"),
}
"""The moments in their order, with the letter and the words that they have."""


def accepted_at(names: Iterable[str | None]) -> datetime | None:
    """Give when Slack took the first of the messages with these names; None where no name is a time of Slack's."""
    times = [datetime.fromtimestamp(float(one), UTC) for one in names if one and SLACK_TIME.fullmatch(one)]
    return min(times, default=None)


def walked(incident: str, events: Iterable[Event]) -> Steps:
    """Give every event with the incident as it left it."""
    steps: list[tuple[Event, Incident]] = []
    for event in events:
        steps.append((event, fold(incident, [event], steps[-1][1] if steps else None)))
    return steps


def moments(steps: Steps, *, paged: datetime | None = None, injected: datetime | None = None) -> Moments:
    """Give when what happened; what was undone again (a clear signal that came back) counts the last time."""
    events = [event for event, _ in steps]
    after = steps[-1][1] if steps else None
    fired = [one for one in events if isinstance(one, AlertFired)]
    seen = [one.firing for one in fired if one.firing.key.tier is not Tier.BLIND] or [one.firing for one in fired]
    found = Moments(
        injected=injected,
        first_breach=min((one.since for one in seen), default=None),
        fired=min((one.fired_at for one in seen), default=_first(events, Opened)),
        paged=paged,
        acknowledged=_first(events, Acknowledged, ProcedureStarted),
        commanded=_first(events, ProcedureStarted),
        frozen=_first(events, ProcedureStarted),
        pinned=_first(events, TargetsPinned),
        clear=after.recovered_at if after else None,
        ended=after.ended_at if after else None,
    )
    return replace(
        found,
        first_back=_since(steps, lambda one: any(service.at_target for service in one.services), first=True),
        all_back=_since(steps, rolled_back),
        verified=_since(steps, lambda one: one.green and bool(one.results)),
    )


def _first(events: Iterable[Event], *kinds: type[Event]) -> datetime | None:
    return next((one.at for one in events if isinstance(one, kinds)), None)


def _since(steps: Steps, holds: Callable[[Progress], bool], *, first: bool = False) -> datetime | None:
    """Give since when something holds of the procedure to the end of it, or when it `first` did; None: it does not."""
    since: datetime | None = None
    for event, incident in steps:
        if isinstance(event, Ended | Reopened) or incident.progress is None:
            continue
        now = holds(incident.progress)
        if now and since is None:
            since = event.at
        elif not now and not first:
            since = None
    return since


@dataclass(frozen=True, slots=True)
class Took:
    """How long something took, from one moment to another; None where one of them is not known."""

    what: str
    span: timedelta | None
    between: str


def durations(found: Moments) -> tuple[Took, ...]:
    """Give the times that are compared with those of other incidents and drills."""
    start = "T0" if found.injected else "T1"
    return (
        _took("Time to detect", found.began, found.fired, f"{start} to T2"),
        _took("Time to page", found.fired, found.paged, "T2 to T3"),
        _took("Time to acknowledge", found.paged or found.fired, found.acknowledged, _from(found, "T4")),
        _took("Time to command", found.paged or found.fired, found.commanded, _from(found, "T5")),
        _took("Decision", found.commanded, found.pinned, "T5 to T7"),
        _took("Execution", found.pinned, found.all_back, "T7 to T9"),
        _took("Time to mitigate", found.began, found.clear, f"{start} to T10"),
        _took("Time to verify", found.clear, found.verified, "T10 to T11"),
        _took("From beginning to end", found.began, found.ended, f"{start} to T12"),
    )


def _from(found: Moments, to: str) -> str:
    return f"{'T3' if found.paged else 'T2'} to {to}"


def _took(what: str, begin: datetime | None, end: datetime | None, between: str) -> Took:
    return Took(what, end - begin if begin is not None and end is not None else None, between)


def mitigated_within(found: Moments, target: int) -> bool | None:
    """Whether it was mitigated within `target` seconds; None where that is not known."""
    if found.began is None or found.clear is None:
        return None
    return found.clear - found.began <= timedelta(seconds=target)
