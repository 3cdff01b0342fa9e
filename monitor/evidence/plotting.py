"""From what the daemon knows to the plot of a signal: judged readings of a stretch of time, recorded changes, deploys.

The readings come by the way of every evaluation, so that what is plotted is what was judged. It must not know how a
plot is drawn, nor who looks at it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from monitor.core.incidents.events import Firing
from monitor.core.incidents.firing import service_of
from monitor.core.incidents.incident import Incident
from monitor.core.model import AlertKey, Judgement, Labels, State, Tier
from monitor.core.naming import marked
from monitor.core.pages.plot import (
    Band,
    Mark,
    Move,
    Plot,
    Span,
    bands_of,
    baseline_of,
    blind_bands_of,
    cropped,
    limits_of,
    quantity_of,
    response_marks,
    span_of,
    unjudged_of,
    values_of,
)
from monitor.core.rules.rule import Group, Rule, TierRule
from monitor.core.rules.signal import unit_of
from monitor.core.words import clock
from monitor.evaluation.deploys import Deploys
from monitor.evaluation.grid import newest_point
from monitor.evaluation.lookout import SOURCE, group_key
from monitor.evaluation.ranges import Deadline
from monitor.evaluation.reading import Judged, Reader, Waiting
from monitor.ports.metrics import Answer
from monitor.ports.store import Recorded, Store
from monitor.ports.world import Clock
from monitor.rulebook import InForce, RuleBook

MOST_POINTS = 600
"""More than a picture has room for; what is left out is left out evenly."""

MOST_KEPT = 1500
"""Points of a signal that are kept as evidence: six hours at 15 s; of more, every second or third is left."""

PATIENCE = 15.0
"""Seconds that the readings of a plot may take."""


@dataclass(frozen=True, slots=True)
class Unplotted:
    """There is no plot, and why; `again`: later there may be one."""

    why: str
    again: bool = True


Plotted: TypeAlias = Plot | Unplotted


@dataclass(frozen=True, slots=True)
class Looked:
    """What was read of one alert: its rule, what was judged at each time, what the source answered, and the plot."""

    rule: Rule
    tier: TierRule
    queries: Labels
    judged: Sequence[tuple[int, Judgement | None]]
    raw: Mapping[str, Mapping[int, Answer]]
    plot: Plotted


@dataclass(frozen=True, slots=True)
class _Case:
    """One alert with the rules that it is judged by."""

    book: InForce
    group: Group
    rule: Rule
    tier: TierRule
    key: AlertKey


class Plotting:
    """Gives plots; one for the life of the daemon, safe to use from several threads at once."""

    def __init__(self, reader: Reader, deploys: Deploys, store: Store, clock: Clock, book: RuleBook) -> None:
        self._reader = reader
        self._deploys = deploys
        self._store = store
        self._clock = clock
        self._book = book

    def plot(self, incident: Incident, firing: Firing, *, within: float = PATIENCE) -> Plotted:
        """Give the plot of one alert of `incident`, up to 15 min after the breach began or to now. Raises StoreError.

        Reads for at most `within` seconds.
        """
        case = self._case(firing.key)
        if isinstance(case, Unplotted):
            return case
        deadline = Deadline(self._clock, self._clock.monotonic() + within)
        newest = newest_point(case.group, self._clock.now().timestamp(), self._reader.source_time())
        span = span_of(int(firing.since.timestamp()), newest, case.group.interval, MOST_POINTS)
        judged = self._judged(case, span, deadline)
        if isinstance(judged, Unplotted):
            return judged
        return self._drawable(incident, firing, case, span, judged, deadline)

    def look(self, incident: Incident, firing: Firing, until: int, *, within: float) -> "Looked | Unplotted":
        """Give everything that is read of one alert, from 1 h before its breach to `until`. Raises StoreError.

        Reads for at most `within` seconds; what was not answered by then is missing.
        """
        case = self._case(firing.key)
        if isinstance(case, Unplotted):
            return case
        deadline, since = Deadline(self._clock, self._clock.monotonic() + within), int(firing.since.timestamp())
        newest = newest_point(case.group, self._clock.now().timestamp(), self._reader.source_time())
        span = span_of(since, newest, case.group.interval, MOST_KEPT, until - since)
        judged = self._judged(case, span, deadline)
        if isinstance(judged, Unplotted):
            return judged
        raw = self._reader.raw(case.book.plan, case.rule, case.tier.window, span.times, deadline)
        plot = self._drawable(incident, firing, case, span, judged, deadline)
        return Looked(
            case.rule, case.tier, case.book.plan.queries(case.rule.alert, case.tier.window), judged, raw, plot
        )

    def _case(self, key: AlertKey) -> _Case | Unplotted:
        """Find what judges an alert in the rules in force."""
        book = self._book.now
        for group in book.rules.groups:
            for rule in group.rules:
                tier = rule.tier(key.tier, key.labels) if rule.alert == key.alert else None
                if tier is not None:
                    return _Case(book, group, rule, tier, key)
        return Unplotted(f"no rule in force judges {key}", again=False)

    def _judged(
        self, case: _Case, span: Span, deadline: Deadline
    ) -> Sequence[tuple[int, Judgement | None]] | Unplotted:
        points = self._reader.points(case.book.plan, case.rule, span.times, deadline)
        waiting = [one.why for one in points if isinstance(one, Waiting)]
        errors = [one.error for one in points if isinstance(one, Judged) and one.error]
        if errors or len(waiting) == len(points):
            return Unplotted((errors or waiting)[0], again=not errors)
        return [
            (at, one.judgements.get(case.key) if isinstance(one, Judged) else None)
            for at, one in zip(span.times, points, strict=True)
        ]

    def _drawable(
        self,
        incident: Incident,
        firing: Firing,
        case: _Case,
        span: Span,
        judged: Sequence[tuple[int, Judgement | None]],
        deadline: Deadline,
    ) -> Plotted:
        signal, tier = case.rule.signal, case.tier
        plot = Plot(
            title=marked(incident.id, firing.summary),
            subtitle=f"{incident.id} · {firing.key.alert} · {firing.begun} {clock(firing.since)}",
            unit=unit_of(signal),
            start=span.start,
            end=span.end,
            step=span.step,
            values=values_of(signal, tier, judged),
            unjudged=unjudged_of(signal, tier, judged),
            baseline=baseline_of(signal, tier, judged),
            limits=limits_of(case.rule, tier, case.rule.tiers_of(case.key.labels), judged),
            bands=self._bands(case, span),
            marks=(*self._deployed(case, span, deadline), *response_marks(incident)),
            quantity=quantity_of(signal),
        )
        return Unplotted("there is no reading of it to show", again=False) if plot.empty else cropped(plot)

    def _bands(self, case: _Case, span: Span) -> tuple[Band, ...]:
        """Give what the alert did, and when it could not be seen: the source, its group, its rule, or itself."""
        recorded = self._recorded(case.key.alert, span)
        mine = _moves(recorded, case.key)
        unseen = AlertKey(case.key.alert, case.key.labels, Tier.BLIND)
        blind: list[Band] = []
        for key in (unseen, AlertKey(case.key.alert, (), Tier.BLIND), group_key(case.group.name), SOURCE):
            every = recorded if key.alert == case.key.alert else self._recorded(key.alert, span)
            blind += blind_bands_of(_moves(every, key), span.start, span.end)
        return (*bands_of(mine, span.start, span.end), *dict.fromkeys(blind))

    def _recorded(self, alert: str, span: Span) -> Sequence[Recorded]:
        return self._store.transitions(alert, since=span.start - BEFOREHAND)

    def _deployed(self, case: _Case, span: Span, deadline: Deadline) -> tuple[Mark, ...]:
        """Give the release changes of the signal's service; that they cannot be read takes nothing from the plot."""
        service = service_of(case.rule, case.key)
        found = self._deploys.changes(case.book.plan.versions, service, span.end, deadline=deadline.left)
        changes = found if isinstance(found, tuple) else ()
        return tuple(Mark(one.begin, f"{one} deployed") for one in changes if span.start <= one.begin <= span.end)


BEFOREHAND = 86400
"""Seconds before a plot in which a change is looked for that still stands at its beginning."""


def _moves(recorded: Sequence[Recorded], key: AlertKey) -> list[Move]:
    """Give the changes of one alert; that it is unseen is noticed late and holds from when it was last seen."""
    return [
        (one.since if key.tier is Tier.BLIND and one.after is State.FIRING else one.at, one.before, one.after)
        for one in recorded
        if one.key == key
    ]
