"""Two outcomes of the same history side by side: pages gained, lost, earlier, later, and minutes firing. Pure.

Two pages are the same page where they are of one tier and share an alert (name, labels, tier) whose stretches overlap;
of several that fit, those nearest in time are paired, so that either outcome may be called the old one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from monitor.core.model import AlertKey, Tier
from monitor.core.replay.outcome import Paged, Replayed
from monitor.core.replay.totals import firing_seconds

Span: TypeAlias = tuple[int, int]
Spans: TypeAlias = Mapping[AlertKey, list[Span]]
_Candidate: TypeAlias = tuple[tuple[object, ...], int, int]


@dataclass(frozen=True, slots=True)
class Moved:
    """A page of both outcomes: `by` says how many seconds later it is in the new one (earlier: below 0)."""

    old: Paged
    new: Paged

    @property
    def by(self) -> int:
        """Seconds from the old page to the new one."""
        return self.new.at - self.old.at


@dataclass(frozen=True, slots=True)
class Minutes:
    """For how many seconds one alert fired in each outcome."""

    key: AlertKey
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Compared:
    """What becomes different from `old` to `new`; `same` are pages of both at one time.

    `minutes` names every alert that fired in either, the largest difference first.
    """

    old: Replayed
    new: Replayed
    gained: tuple[Paged, ...]
    lost: tuple[Paged, ...]
    earlier: tuple[Moved, ...]
    later: tuple[Moved, ...]
    same: tuple[Moved, ...]
    minutes: tuple[Minutes, ...]

    @property
    def changed(self) -> bool:
        """Whether any page is another, or any alert fires for longer or shorter."""
        moved = self.gained or self.lost or self.earlier or self.later
        return bool(moved) or any(one.before != one.after for one in self.minutes)


def compare(old: Replayed, new: Replayed) -> Compared:
    """Give what `new` does otherwise than `old`."""
    pairs = _paired(old, new)
    moved = sorted((Moved(old.pages[i], new.pages[j]) for i, j in pairs.items()), key=lambda one: _order(one.new))
    return Compared(
        old=old,
        new=new,
        gained=_others(new.pages, pairs.values()),
        lost=_others(old.pages, pairs.keys()),
        earlier=tuple(one for one in moved if one.by < 0),
        later=tuple(one for one in moved if one.by > 0),
        same=tuple(one for one in moved if one.by == 0),
        minutes=_minutes(old, new),
    )


def _others(pages: tuple[Paged, ...], paired: Iterable[int]) -> tuple[Paged, ...]:
    known = set(paired)
    return tuple(sorted((page for index, page in enumerate(pages) if index not in known), key=_order))


def _paired(old: Replayed, new: Replayed) -> dict[int, int]:
    """Pair pages of `old` with pages of `new`, by their positions: the nearest first, each once."""
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for _, i, j in sorted(_candidates(old, new)):
        if i not in pairs and j not in taken:
            pairs[i] = j
            taken.add(j)
    return pairs


def _candidates(old: Replayed, new: Replayed) -> Iterable[_Candidate]:
    before, after = _spans(old), _spans(new)
    by_key: dict[AlertKey, list[int]] = {}
    for j, page in enumerate(new.pages):
        for key in _keys(page):
            by_key.setdefault(key, []).append(j)
    for i, page in enumerate(old.pages):
        for j in sorted({j for key in _keys(page) for j in by_key.get(key, ())}):
            other = new.pages[j]
            if page.tier is other.tier and _one_breach(page, other, before, after):
                yield _nearness(page, other), i, j


def _nearness(one: Paged, other: Paged) -> tuple[object, ...]:
    """Give by what pairs are sorted: how far apart, then anything that does not depend on which is the old one."""
    return (abs(one.at - other.at), *sorted((_order(one), _order(other))))


def _order(page: Paged) -> tuple[object, ...]:
    return (page.at, page.tier, page.reason, page.alerts, page.incident)


def _one_breach(one: Paged, other: Paged, before: Spans, after: Spans) -> bool:
    shared = set(_keys(one)) & set(_keys(other))
    return any(_overlap(_covering(before, key, one.at), _covering(after, key, other.at)) for key in shared)


def _keys(page: Paged) -> tuple[AlertKey, ...]:
    """Give the alerts of a page; one that names none is like others of its tier at the very same time."""
    return page.alerts or (AlertKey("", (), page.tier),)


def _overlap(one: Span, other: Span) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]


def _covering(spans: Spans, key: AlertKey, at: int) -> Span:
    """Give the stretch of `key` that was going on at `at`, or that moment alone."""
    return next((span for span in spans.get(key, ()) if span[0] <= at <= span[1]), (at, at))


def _spans(outcome: Replayed) -> Spans:
    """Give when each alert was in breach, and when each instance was not seen, latest first."""
    found: dict[AlertKey, list[Span]] = {}
    for one in outcome.alerts:
        end = outcome.end if one.resolved_at is None else one.resolved_at
        found.setdefault(one.key, []).append((one.since, end))
    for gap in outcome.blind:
        key = AlertKey(gap.alert, gap.labels, Tier.BLIND)
        found.setdefault(key, []).append((gap.begin, outcome.end if gap.end is None else gap.end))
    return {key: sorted(spans, reverse=True) for key, spans in found.items()}


def _minutes(old: Replayed, new: Replayed) -> tuple[Minutes, ...]:
    before, after = firing_seconds(old), firing_seconds(new)
    keys = sorted({*before, *after})
    found = (Minutes(key, before.get(key, 0), after.get(key, 0)) for key in keys)
    return tuple(sorted(found, key=lambda one: -abs(one.after - one.before)))
