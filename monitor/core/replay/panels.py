"""Traces put together to what is drawn: a panel for each row of readings, with all tiers that are held to it. Pure.

A latency is drawn in seconds, since people know milliseconds and not ratios to a baseline; everything else is drawn in
the unit of its signal.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from monitor.core.model import AlertKey, Labels, State, Tier
from monitor.core.replay.outcome import Band, Paged, Replayed, Stretch, Trace
from monitor.core.rules.signal import Unit

Row: TypeAlias = tuple[float | None, ...]


class Axis(StrEnum):
    """What the numbers of a panel are: shares of 1, multiples of a baseline, seconds, or plain numbers."""

    SHARE = "share"
    TIMES = "times"
    SECONDS = "seconds"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Limit:
    """A tier's limit along the time, and the value below (or above) which it is clear again."""

    tier: Tier
    values: Row
    clears: Row


@dataclass(frozen=True, slots=True)
class Panel:
    """One row of values with the limits that it is held against, and what the alerts of these tiers did."""

    axis: Axis
    unit: Unit
    times: tuple[int, ...]
    values: Row
    baselines: Row
    limits: tuple[Limit, ...]
    bands: tuple[tuple[Tier, tuple[Band, ...]], ...]


@dataclass(frozen=True, slots=True)
class Instance:
    """Everything that a replay found of one instance of an alert, worst first where there are several tiers."""

    group: str
    alert: str
    labels: Labels
    panels: tuple[Panel, ...]
    stretches: tuple[Stretch, ...]
    pages: tuple[Paged, ...]
    insufficient: int
    """Grid points at which there was too little to judge it by, in the tier that has most of them."""

    @property
    def unit(self) -> Unit:
        """The unit of its values; a plain number where nothing was traced."""
        return self.panels[0].unit if self.panels else Unit.NUMBER


def instances(outcome: Replayed) -> tuple[Instance, ...]:
    """Give every instance that did anything or was traced: those with the most pages first, quiet ones last."""
    found = {_identity(trace.group, trace.key): None for trace in outcome.traces}
    found |= {_identity(one.group, one.key): None for one in outcome.alerts}
    paged = _pages(outcome)
    every = [_instance(outcome, identity, paged.get(identity[1:], ())) for identity in found]
    return tuple(sorted(every, key=_rank))


_Identity: TypeAlias = tuple[str, str, Labels]


def _identity(group: str, key: AlertKey) -> _Identity:
    return group, key.alert, key.labels


def _pages(outcome: Replayed) -> dict[tuple[str, Labels], tuple[Paged, ...]]:
    """Give the pages of each instance; those that say that it is not seen are told with the blindness."""
    found: dict[tuple[str, Labels], dict[int, Paged]] = {}
    for index, page in enumerate(outcome.pages):
        for key in page.alerts:
            if key.tier is not Tier.BLIND:
                found.setdefault((key.alert, key.labels), {})[index] = page
    return {identity: tuple(pages.values()) for identity, pages in found.items()}


def _instance(outcome: Replayed, identity: _Identity, pages: tuple[Paged, ...]) -> Instance:
    traces = [one for one in outcome.traces if _identity(one.group, one.key) == identity]
    little = [one.evaluations for one in outcome.insufficient if _identity(one.group, one.key) == identity]
    return Instance(
        *identity,
        panels=tuple(_panel(one) for one in _together(sorted(traces, key=lambda one: _SEVERITY[one.key.tier]))),
        stretches=tuple(one for one in outcome.alerts if _identity(one.group, one.key) == identity),
        pages=pages,
        insufficient=max(little, default=0),
    )


_SEVERITY = {Tier.ROLLBACK: 0, Tier.PREPARE: 1, Tier.BLIND: 2}


def _rank(one: Instance) -> tuple[object, ...]:
    fired = any(stretch.fired_at is not None for stretch in one.stretches)
    return (-len(one.pages), not fired, not one.stretches, one.alert, one.labels)


def _together(traces: Iterable[Trace]) -> list[list[Trace]]:
    """Put traces of the same readings together."""
    found: list[list[Trace]] = []
    for trace in traces:
        fitting = next((one for one in found if _alike(one[0], trace)), None)
        if fitting is None:
            found.append([trace])
        else:
            fitting.append(trace)
    return found


def _alike(one: Trace, other: Trace) -> bool:
    """Whether both tiers read the same: a guard may keep one of them from judging a value that the other judged."""
    if (one.unit, one.times) != (other.unit, other.times) or _differ(one.baselines, other.baselines):
        return False
    return not _differ(one.values, other.values)


def _differ(one: Row, other: Row) -> bool:
    if len(one) != len(other):
        return True
    pairs = zip(one, other, strict=True)
    return any(a != b for a, b in pairs if a is not None and b is not None)


def _panel(traces: Sequence[Trace]) -> Panel:
    first, in_seconds = traces[0], any(base is not None for base in traces[0].baselines)
    values, base = _merged([one.values for one in traces]), first.baselines

    def shown(row: Row) -> Row:
        return _seconds(row, base) if in_seconds else row

    return Panel(
        axis=Axis.SECONDS if in_seconds else _AXES[first.unit],
        unit=first.unit,
        times=first.times,
        values=shown(values),
        baselines=base if in_seconds else (),
        limits=tuple(Limit(one.key.tier, shown(one.limits), shown(one.clears)) for one in traces),
        bands=tuple((one.key.tier, one.bands) for one in traces),
    )


_AXES = {Unit.RATIO: Axis.SHARE, Unit.UP: Axis.SHARE, Unit.SLOWER: Axis.TIMES, Unit.NUMBER: Axis.NUMBER}


def _merged(rows: Sequence[Row]) -> Row:
    """Give what any of the rows says."""
    return tuple(next((one for one in column if one is not None), None) for column in zip(*rows, strict=True))


def _seconds(row: Row, base: Row) -> Row:
    """Give how much slower something is than its baseline in seconds; a limit without a baseline is none."""
    return tuple(None if value is None or b is None else (1 + value) * b for value, b in zip(row, base, strict=True))


def bands_of(stretches: Iterable[Stretch], end: int) -> tuple[Band, ...]:
    """Give what alerts did, from their stretches alone: pending up to where they fired, then firing."""
    found: list[Band] = []
    for one in stretches:
        until = end if one.resolved_at is None else one.resolved_at
        fired = until if one.fired_at is None else one.fired_at
        found.append(Band(State.PENDING, one.since, fired))
        if one.fired_at is not None:
            found.append(Band(State.FIRING, fired, until))
    return tuple(one for one in found if one.end > one.begin or one.state is State.FIRING)
