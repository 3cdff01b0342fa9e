"""What a life gave, as the values that every report is made of. Pure but for the store that it reads."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from monitor.core.incidents.events import AlertFired, Event
from monitor.core.incidents.incident import Incident, fold
from monitor.core.model import AlertKey, State, Transition
from monitor.core.naming import incident_id
from monitor.core.pages.happenings import happened
from monitor.core.pages.posts import Happening
from monitor.core.replay.outcome import Blind, Case, Insufficient, Paged, Stretch, Unread
from monitor.core.rules.ruleset import RuleSet
from monitor.ports.store import Post, PostKind, Store
from monitor.workbench.replay.folding import Folded
from monitor.workbench.replay.verdicts import Code

PAGES = frozenset(
    {
        Happening.PREPARE_OPENS,
        Happening.ROLLBACK_OPENS,
        Happening.BLIND_OPENS,
        Happening.RAISED,
        Happening.ROLLBACK_JOINS,
        Happening.SERVICE_JOINS,
        Happening.BACK,
    }
)
"""What is posted to a channel and says that something is wrong; lines in a thread and good news are no pages."""


@dataclass(frozen=True, slots=True)
class Span:
    """The stretch that was asked for: grid times from `begin` to `end`."""

    begin: int
    end: int

    def holds(self, at: int) -> bool:
        """Whether `at` is within."""
        return self.begin <= at <= self.end


# --- alerts -----------------------------------------------------------------------------------------------------------


def stretches(folded: Folded, span: Span) -> list[Stretch]:
    """Give each stretch of each alert that was not over before the span."""
    by_key: dict[AlertKey, list[Transition]] = {}
    for one in folded.transitions:
        by_key.setdefault(one.alert.key, []).append(one)
    found = [stretch for key, moves in by_key.items() for stretch in _stretches(folded, key, moves, span)]
    return [one for one in found if one.resolved_at is None or one.resolved_at >= span.begin]


def _stretches(folded: Folded, key: AlertKey, moves: Sequence[Transition], span: Span) -> Iterable[Stretch]:
    since, fired_at = 0, None
    for one in moves:
        if one.before is State.INACTIVE:
            since, fired_at = one.alert.since, None
        if one.after is State.FIRING and fired_at is None:
            fired_at = one.at
        if one.after is State.INACTIVE:
            peak = one.alert.peak
            yield Stretch(folded.group.name, key, since, fired_at, one.at, peak, _points(folded, since, one.at))
    alert = folded.alerts.get(key)
    if alert is not None:
        until = span.end + folded.grid.step
        yield Stretch(folded.group.name, key, since, fired_at, None, alert.peak, _points(folded, since, until))


def _points(folded: Folded, since: int, until: int) -> int:
    """Count the grid times from `since` to before `until`."""
    return max(1, (until - since) // folded.grid.step)


def insufficient(folded: Folded, span: Span) -> list[Insufficient]:
    """Give at how many points of the span there was too little to judge by."""
    begin = max(0, folded.grid.index(span.begin))
    counts = {key: int(np.sum(one.codes[begin:] == Code.INSUFFICIENT)) for key, one in folded.tracks.items()}
    return [Insufficient(folded.group.name, key, count) for key, count in sorted(counts.items()) if count]


def unread(folded: Folded, span: Span) -> list[Unread]:
    """Give the parts of the span that were not answered, neighbours with the same reason as one."""
    found: list[Unread] = []
    for hole in folded.unread:
        begin, end = folded.grid.time(hole.begin), min(folded.grid.time(hole.end - 1), span.end)
        last = found[-1] if found else None
        if last is not None and last.why == hole.why and begin <= last.end + folded.grid.step:
            found[-1] = Unread(last.group, last.alert, last.begin, max(last.end, end), last.why)
        elif end >= span.begin:
            found.append(Unread(folded.group.name, folded.rule.alert, max(begin, span.begin), end, hole.why))
    return found


@dataclass(frozen=True, slots=True)
class Happenings:
    """What one episode brought: pages, incidents, and what was unwatched."""

    pages: tuple[Paged, ...]
    cases: tuple[Case, ...]
    blind: tuple[Blind, ...]

    def numbered_from(self, count: int) -> "Happenings":
        """Give the same with its incidents numbered after `count` others."""
        names = {one.incident: incident_id(count + number) for number, one in enumerate(self.cases, start=1)}
        return replace(
            self,
            pages=tuple(replace(one, incident=names.get(one.incident, one.incident)) for one in self.pages),
            cases=tuple(replace(one, incident=names[one.incident]) for one in self.cases),
        )


def happenings_of(store: Store, moves: Iterable[Transition], rules: RuleSet, span: Span) -> Happenings:
    """Give what the store and the transitions of blindness tell of the span."""
    late = offsets(rules)
    return Happenings(tuple(pages(store, span, late)), tuple(cases(store, span)), tuple(blind(rules, moves, span)))


# --- incidents --------------------------------------------------------------------------------------------------------


def offsets(rules: RuleSet) -> dict[str, int]:
    """Give how many seconds after a grid time each rule, or group, is evaluated."""
    found = {rule.alert: group.query_offset for group in rules.groups for rule in group.rules}
    return {**{group.name: group.query_offset for group in rules.groups}, **found}


def pages(store: Store, span: Span, late: Mapping[str, int]) -> list[Paged]:
    """Give the pages of the span in order; `late` says how many seconds after its grid time an alert is heard of."""
    found = []
    for incident in store.incidents():
        told = [
            post
            for post in store.posts(incident.id)
            if post.kind in (PostKind.ROOT, PostKind.BROADCAST) and post.reason in PAGES
        ]
        events = _with_before(incident.id, store.events(incident.id)) if told else []
        for post in told:
            page = _page(incident, events, post)
            if span.holds(page.at - min((late.get(key.alert, 0) for key in page.alerts), default=0)):
                found.append(page)
    return sorted(found, key=lambda page: (page.at, page.incident))


def _with_before(name: str, events: Sequence[Event]) -> list[tuple[Incident | None, Event]]:
    """Give each event with the incident as it was before it; None before the first."""
    found: list[tuple[Incident | None, Event]] = []
    before: Incident | None = None
    for event in events:
        found.append((before, event))
        before = fold(name, [event], before)
    return found


def _page(incident: Incident, events: Sequence[tuple[Incident | None, Event]], post: Post) -> Paged:
    """Give a page with the alerts that it was about: those that one decision brought, and that mean the same."""
    first = post.n - 1 if post.n else 0
    keys: dict[AlertKey, None] = {}
    for before, event in events[first:]:
        if event.at != events[first][1].at:
            break
        if isinstance(event, AlertFired) and (not post.n or (before and happened(before, event) == post.reason)):
            keys[event.firing.key] = None
    tiers = [key.tier for key in keys]
    worst = max(tiers, key=("blind", "prepare", "rollback").index) if tiers else incident.tier
    return Paged(_seconds(post.decided_at), post.reason, worst, tuple(keys), incident.id)


def cases(store: Store, span: Span) -> list[Case]:
    """Give the incidents that were open at any time of the span, oldest first."""
    found = [
        Case(
            one.id,
            one.tier,
            _seconds(one.opened_at),
            _seconds(one.recovered_at) if one.recovered_at else None,
            _seconds(one.ended_at) if one.ended_at else None,
            tuple(dict.fromkeys(alert.key for alert in one.alerts)),
        )
        for one in reversed(store.incidents())
    ]
    return [one for one in found if one.begin <= span.end and (one.ended_at is None or one.ended_at >= span.begin)]


def blind(rules: RuleSet, moves: Iterable[Transition], span: Span) -> list[Blind]:
    """Give what was unwatched in the span, and why, in order."""
    groups = {rule.alert: group for group in rules.groups for rule in group.rules}
    open_ones: dict[AlertKey, tuple[int, str]] = {}
    found: list[Blind] = []

    def told(key: AlertKey, since: int, end: int | None, why: str) -> None:
        group = groups.get(key.alert)
        offset = group.query_offset if group is not None else 0
        over = None if end is None else end - offset
        if over is None or over >= span.begin:
            name = group.name if group is not None else key.alert
            found.append(Blind(name, key.alert, key.labels, max(since - offset, span.begin), over, why))

    for one in moves:
        if one.after is State.FIRING:
            open_ones[one.alert.key] = one.alert.since, one.judgement.why if one.judgement else ""
        elif one.alert.key in open_ones:
            since, why = open_ones.pop(one.alert.key)
            told(one.alert.key, since, one.at, why)
    for key, (since, why) in open_ones.items():
        told(key, since, None, why)
    return sorted(found, key=lambda one: (one.begin, one.alert, one.labels))


def _seconds(at: datetime) -> int:
    return int(at.timestamp())
