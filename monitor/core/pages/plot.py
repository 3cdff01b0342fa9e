"""What a plot of a signal shows, as a value: the readings that were judged, baseline, limits, bands and markers. Pure.

Nothing here knows colours or files. A plot of a latency is in seconds, since people know milliseconds and not ratios to
a baseline; every other one is in the unit of its signal.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias

from monitor.core.incidents.incident import Incident
from monitor.core.judging.judge import base_of
from monitor.core.model import Judgement, State, Tier, Verdict
from monitor.core.rules.rule import Rule, TierRule
from monitor.core.rules.signal import Latency, Signal, Unit, unit_of
from monitor.core.words import percent

Point: TypeAlias = tuple[int, float | None]
"""A grid time with what stood there; None is a gap, and stays one."""

MOST_BYTES = 60_000
"""The largest picture that is shown: it is looked at over a phone's network."""

BEFORE, AFTER = 3600, 900
"""Seconds before the breach and after it that are shown."""

LEAST = 300
"""Seconds that are shown in any case."""


class BandKind(StrEnum):
    """What an alert did for a while."""

    PENDING = "pending"
    FIRING = "firing"
    BLIND = "blind"


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch of time in which an alert pended or fired, or nothing could be seen."""

    kind: BandKind
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Limit:
    """A tier's threshold, in words and along the time (that of a latency moves with its baseline).

    `above`: beyond it is over it. `paged`: it is the limit of the tier that is plotted.
    """

    name: str
    points: tuple[Point, ...]
    above: bool = True
    paged: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened at a moment, such as a deploy or an acknowledgement."""

    at: int
    text: str


@dataclass(frozen=True, slots=True)
class Plot:
    """One signal of one instance from `start` to `end` (grid times, UTC).

    `values` are what was judged and `unjudged` what was read but too little to judge; both have a point for each grid
    time, so that gaps are known. `baseline` is empty where there is none. `step` is the seconds between two points.
    """

    title: str
    subtitle: str
    unit: Unit
    start: int
    end: int
    step: int
    values: tuple[Point, ...]
    unjudged: tuple[Point, ...] = ()
    baseline: tuple[Point, ...] = ()
    limits: tuple[Limit, ...] = ()
    bands: tuple[Band, ...] = ()
    marks: tuple[Mark, ...] = ()
    quantity: str = ""

    @property
    def empty(self) -> bool:
        """Whether there is no reading at all to show."""
        return all(value is None for _, value in (*self.values, *self.unjudged))


@dataclass(frozen=True, slots=True)
class Span:
    """The grid times of a plot: every `step` seconds from `start` to `end`."""

    start: int
    end: int
    step: int

    @property
    def times(self) -> tuple[int, ...]:
        """Every time that is plotted."""
        return tuple(range(self.start, self.end + 1, self.step))


def span_of(since: int, newest: int, interval: int, most: int, after: int = AFTER) -> Span:
    """Give what is shown of a breach that began at `since`: from 1 h before it to `after` s after it, or to `newest`.

    Every time lies on the grid of the evaluations, so that what is shown is what was judged; where there would be more
    than `most` of them, every second, third ... one is left, counted back from the end.
    """
    end = max(min(newest, since + after), since) // interval * interval
    seconds = max(end - (since - BEFORE), LEAST)
    step = interval * max(1, -(-seconds // ((most - 1) * interval)))
    return Span(end - seconds // step * step, end, step)


# --- series -----------------------------------------------------------------------------------------------------------

Judged: TypeAlias = Sequence[tuple[int, Judgement | None]]
"""What was judged at each time; None where nothing was answered."""

SEEN = frozenset({Verdict.BREACH, Verdict.BETWEEN, Verdict.CLEAR})


def values_of(signal: Signal, tier: TierRule, judged: Judged) -> tuple[Point, ...]:
    """Give the values that led to a verdict, a gap for every other time."""
    return tuple((at, _shown(signal, tier, one) if one and one.verdict in SEEN else None) for at, one in judged)


def unjudged_of(signal: Signal, tier: TierRule, judged: Judged) -> tuple[Point, ...]:
    """Give the values that were read but could not be judged, such as one failure of two requests."""
    return tuple(
        (at, _shown(signal, tier, one) if one and one.verdict is Verdict.INSUFFICIENT else None) for at, one in judged
    )


def baseline_of(signal: Signal, tier: TierRule, judged: Judged) -> tuple[Point, ...]:
    """Give the seconds that a latency was held against; nothing for any other signal, or where there never were any."""
    if not isinstance(signal, Latency):
        return ()
    found = tuple((at, _base(signal, tier, one)) for at, one in judged)
    return found if any(base is not None for _, base in found) else ()


def _shown(signal: Signal, tier: TierRule, one: Judgement) -> float | None:
    """Give what is drawn of a judgement: its value, or the seconds behind it."""
    base = _base(signal, tier, one)
    if not isinstance(signal, Latency):
        return one.value
    return None if one.value is None or base is None else (1 + one.value) * base


def _base(signal: Signal, tier: TierRule, one: Judgement | None) -> float | None:
    return base_of(signal, tier, one.baseline) if isinstance(signal, Latency) and one is not None else None


def limits_of(rule: Rule, tier: TierRule, tiers: Sequence[TierRule], judged: Judged) -> tuple[Limit, ...]:
    """Give the limits that the plotted value can be held against: those of the tiers that read the same window."""
    comparable = [one for one in tiers if one.window == tier.window and one.limit is not None]
    return tuple(_limit(rule.signal, one, judged, paged=one.tier is tier.tier) for one in comparable)


def _limit(signal: Signal, tier: TierRule, judged: Judged, *, paged: bool) -> Limit:
    limit = tier.limit or 0.0
    points: tuple[Point, ...] = tuple((at, limit) for at, _ in judged)
    if isinstance(signal, Latency):
        points = tuple(
            (at, None if base is None else (1 + limit) * base) for at, base in baseline_of(signal, tier, judged)
        )
    side = "over" if tier.above is not None else "under"
    return Limit(f"{NAMES[tier.tier]} {side} {_said(limit, unit_of(signal))}", points, tier.above is not None, paged)


NAMES = {Tier.PREPARE: "prepare", Tier.ROLLBACK: "roll back", Tier.BLIND: "blind"}


def _said(limit: float, unit: Unit) -> str:
    match unit:
        case Unit.RATIO | Unit.UP:
            return percent(limit)
        case Unit.SLOWER:
            return f"baseline + {percent(limit)}"
        case Unit.NUMBER:
            return f"{limit:.4g}"


def quantity_of(signal: Signal) -> str:
    """Give the word for what is plotted, where the rule's words may not say it."""
    match unit_of(signal), signal:
        case Unit.RATIO, _:
            return "failed"
        case Unit.UP, _:
            return "up"
        case _, Latency(quantile=quantile):
            return f"p{100 * quantile:.4g}"
        case _:
            return ""


# --- bands and marks --------------------------------------------------------------------------------------------------

Move: TypeAlias = tuple[int, State, State]
"""A recorded change of an alert: grid time, state before, state after."""

BAND_OF = {State.PENDING: BandKind.PENDING, State.FIRING: BandKind.FIRING, State.RECOVERING: BandKind.FIRING}


def bands_of(moves: Sequence[Move], start: int, end: int) -> tuple[Band, ...]:
    """Give what one alert did between `start` and `end`, from its recorded changes in order; what goes on ends there.

    While it recovers it still fires.
    """
    bands: list[Band] = []
    edges = [*moves, (end, moves[-1][2], State.INACTIVE)] if moves else []
    since = start
    for at, before, _ in edges:
        kind, begin, until = BAND_OF.get(before), max(since, start), min(at, end)
        if kind is not None and until > begin:
            bands.append(Band(kind, begin, until))
        since = at
    return _joined(bands)


def blind_bands_of(moves: Sequence[Move], start: int, end: int) -> tuple[Band, ...]:
    """Give when nothing could be seen, from the recorded changes of a blind alert."""
    return tuple(Band(BandKind.BLIND, one.begin, one.end) for one in bands_of(moves, start, end))


def _joined(bands: Iterable[Band]) -> tuple[Band, ...]:
    """Join neighbours of one kind, such as firing and recovering."""
    joined: list[Band] = []
    for one in bands:
        if joined and (joined[-1].kind, joined[-1].end) == (one.kind, one.begin):
            one = Band(one.kind, joined.pop().begin, one.end)  # noqa: PLW2901  # the longer one
        joined.append(one)
    return tuple(joined)


def response_marks(incident: Incident) -> tuple[Mark, ...]:
    """Give what people did that a plot shows: who acknowledged, and who started the procedure."""
    who = incident.acknowledged_by.name if incident.acknowledged_by is not None else ""
    told = ((incident.acknowledged_at, f"acknowledged by {who}"), (incident.started_at, "rollback started"))
    return tuple(Mark(int(at.timestamp()), text) for at, text in told if at is not None)


def cropped(plot: Plot) -> Plot:
    """Give `plot` without what lies before its first reading: a young Prometheus, or a new service, has no history.

    A gap that was told as blindness, and all later gaps, stay; so do the last `LEAST` seconds.
    """
    known = [at for at, value in (*plot.values, *plot.unjudged) if value is not None]
    first = min([*known, *(band.begin for band in plot.bands)], default=plot.start)
    steps = max(-(-(plot.end - first) // plot.step) + 1, -(-LEAST // plot.step))
    start = max(plot.start, plot.end - steps * plot.step)
    return replace(
        plot,
        start=start,
        values=_from(plot.values, start),
        unjudged=_from(plot.unjudged, start),
        baseline=_from(plot.baseline, start),
        limits=tuple(replace(limit, points=_from(limit.points, start)) for limit in plot.limits),
        marks=tuple(mark for mark in plot.marks if mark.at >= start),
    )


def _from(points: Sequence[Point], start: int) -> tuple[Point, ...]:
    return tuple(point for point in points if point[0] >= start)
