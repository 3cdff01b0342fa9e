"""A week of a small shop as a replay would find it: noise, spikes, gaps, three incidents, under old and new rules."""

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from monitor.core.model import AlertKey, Labels, State, Tier
from monitor.core.replay.comparison import Compared, compare
from monitor.core.replay.outcome import (
    Band,
    Blind,
    Insufficient,
    KnownIncident,
    Paged,
    Replayed,
    Stretch,
    Trace,
    Unread,
    Variant,
)
from monitor.core.replay.scoring import Scored, score
from monitor.core.rules.signal import Unit

BEGIN = 1_795_046_400
"""2026-11-19 00:00 UTC, a Thursday."""
DAY, HOUR = 86400, 3600
WEEK = 7 * DAY
STEP = 30


@dataclass(frozen=True)
class Judged:
    """A tier as the generator knows it."""

    tier: Tier
    limit: float
    hold: int
    clear: float | None = None
    keep: int = 120
    above: bool = True

    def over(self, value: float, limit: float) -> bool:
        return value > limit if self.above else value < limit


@dataclass(frozen=True)
class Watched:
    """One instance of an alert with what it reads."""

    group: str
    alert: str
    labels: Labels
    unit: Unit
    values: tuple[float | None, ...]
    tiers: tuple[Judged, ...]
    baselines: tuple[float | None, ...] = ()


def times(span: int = WEEK) -> range:
    return range(BEGIN, BEGIN + span + 1, STEP)


def bands(watched: Watched, tier: Judged) -> Iterator[Band]:
    """What an alert does: a hold, then firing, then recovering; nothing is held against gaps."""
    state, since, begin, clear_since = State.INACTIVE, 0, BEGIN, 0
    for at, value in zip(times(), watched.values, strict=True):
        after = state
        if value is None:
            continue
        if tier.over(value, tier.limit):
            since = at if state is State.INACTIVE else since
            held = state in (State.INACTIVE, State.PENDING) and at - since < tier.hold
            after = State.PENDING if held else State.FIRING
        elif not tier.over(value, tier.clear if tier.clear is not None else tier.limit):
            clear_since = clear_since if state is State.RECOVERING else at
            ends = state is not State.FIRING and (state is not State.RECOVERING or at - clear_since >= tier.keep)
            after = State.INACTIVE if ends else State.RECOVERING
        if after is not state:
            if state is not State.INACTIVE:
                yield Band(state, begin, at)
            state, begin = after, at
    if state is not State.INACTIVE:
        yield Band(state, begin, BEGIN + WEEK)


def stretches(watched: Watched, tier: Judged, found: Sequence[Band]) -> Iterator[Stretch]:
    key = AlertKey(watched.alert, watched.labels, tier.tier)
    run: list[Band] = []
    for one in [*found, None]:
        if run and (one is None or one.begin != run[-1].end or one.state is State.PENDING):
            since, end = run[0].begin, run[-1].end
            fired = next((band.begin for band in run if band.state is State.FIRING), None)
            inside = watched.values[(since - BEGIN) // STEP : (end - BEGIN) // STEP + 1]
            known = [value for value in inside if value is not None]
            peak = (max if tier.above else min)(known)
            resolved = end if end < BEGIN + WEEK else None
            yield Stretch(watched.group, key, since, fired, resolved, peak, (end - since) // STEP + 1)
            run = []
        if one is not None:
            run.append(one)


def replayed(watched: Sequence[Watched]) -> Replayed:
    """What the rules find in what they watch."""
    alerts: list[Stretch] = []
    traces: list[Trace] = []
    for one in watched:
        for tier in one.tiers:
            found = tuple(bands(one, tier))
            alerts += stretches(one, tier, found)
            row = tuple(tier.limit for _ in one.values)
            clears = tuple(tier.clear if tier.clear is not None else tier.limit for _ in one.values)
            key = AlertKey(one.alert, one.labels, tier.tier)
            traces.append(
                Trace(key, one.group, one.unit, tuple(times()), one.values, row, clears, one.baselines, found)
            )
    alerts.sort(key=lambda each: each.since)
    fired = sorted((each for each in alerts if each.fired_at is not None), key=lambda each: each.fired_at or 0)
    pages = tuple(
        Paged(each.fired_at or 0, f"{each.key.tier}_opens", each.key.tier, (each.key,), f"INC-{number:04}")
        for number, each in enumerate(fired, 1)
    )
    return Replayed(BEGIN, BEGIN + WEEK, STEP, tuple(alerts), pages, (), (), (), tuple(traces))


# --- the shop ---------------------------------------------------------------------------------------------------------


def by_day(at: int) -> float:
    """How much traffic there is: little at night, most in the afternoon."""
    return 0.55 - 0.45 * math.cos(2 * math.pi * ((at % DAY) / DAY - 0.1))


def row(value: Callable[[int, random.Random], float | None], seed: int) -> tuple[float | None, ...]:
    rng = random.Random(seed)
    return tuple(value(at - BEGIN, rng) for at in times())


def within(t: int, begin: float, minutes: float) -> float:
    """How far into a fault `t` is, from 0 to 1; -1 outside."""
    share = (t - begin * DAY) / (minutes * 60)
    return share if 0 <= share <= 1 else -1


def hump(t: int, begin: float, minutes: float) -> float:
    """A fault that grows and goes."""
    share = within(t, begin, minutes)
    return math.sin(share * math.pi) if share >= 0 else 0.0


def api_errors(t: int, rng: random.Random) -> float | None:
    if within(t, 4.9, 95) >= 0:
        return None
    noise = abs(rng.gauss(0.004, 0.0025)) * (1.7 - by_day(t))
    spike = 0.035 * rng.random() if rng.random() < 0.002 else 0.0
    slow_fault = 0.016 * min(1.0, 3 * hump(t, 3.39, 150))
    nightly = 0.036 * hump(t, int(t / DAY) + 0.104, 9) if int(t / DAY) % 2 else 0.0
    return noise + spike + slow_fault + nightly + 0.31 * min(1.0, 2.5 * hump(t, 1.605, 26))


def login_errors(t: int, rng: random.Random) -> float | None:
    return abs(rng.gauss(0.006, 0.004)) + (0.66 if within(t, 1.606, 22) >= 0 else 0.0) + 0.08 * (rng.random() < 0.0006)


def registry_errors(t: int, rng: random.Random) -> float | None:
    night = by_day(t) < 0.2
    if night and rng.random() < 0.4:
        return None
    return min(1.0, abs(rng.gauss(0.012, 0.008)) + (0.05 * hump(t, 5.2, 55)))


def slower(t: int, rng: random.Random) -> float | None:
    return rng.gauss(-0.02, 0.07) + 0.1 * (by_day(t) - 0.5) + 1.35 * hump(t, 5.62, 38) + 0.42 * hump(t, 2.58, 70)


def baseline(t: int, _: random.Random) -> float | None:
    return 0.31 + 0.06 * by_day(t // 300 * 300) + 0.004 * math.sin(t / 9000)


def admin_up(t: int, rng: random.Random) -> float | None:
    if within(t, 6.31, 17) >= 0:
        return 0.25
    return 0.75 if rng.random() < 0.0025 else 1.0


def unbalanced(t: int, _: random.Random) -> float | None:
    return 2.0 if within(t, 1.612, 15) >= 0 else 0.0


def queue(t: int, rng: random.Random) -> float | None:
    burst = 41_000.0 if 2.2 * DAY <= t < 2.2 * DAY + 90 else 0.0
    return max(0.0, 120 + 260 * by_day(t) + rng.gauss(0, 25) + burst)


PREPARE, ROLLBACK = Tier.PREPARE, Tier.ROLLBACK


@lru_cache(maxsize=1)
def rows() -> dict[str, tuple[float | None, ...]]:
    functions = (api_errors, login_errors, registry_errors, slower, baseline, admin_up, unbalanced, queue)
    return {one.__name__: row(one, seed) for seed, one in enumerate(functions, 3)}


def shop(api: float, hold: int) -> tuple[Watched, ...]:
    """What is watched, with the limit and the hold of the critical APIs' error rate."""
    read = rows()
    error = (Judged(PREPARE, api, hold, api * 0.75), Judged(ROLLBACK, 0.25, 30))
    return (
        Watched(
            "critical-apis", "CriticalApiErrorRate", (("job", "transactions"),), Unit.RATIO, read["api_errors"], error
        ),
        Watched(
            "critical-apis",
            "CriticalApiErrorRate",
            (("job", "partner-registry"),),
            Unit.RATIO,
            read["registry_errors"],
            (Judged(PREPARE, 0.05, 300, 0.04), Judged(ROLLBACK, 0.25, 30)),
        ),
        Watched(
            "critical-apis",
            "CriticalApiLatency",
            (("job", "transactions"),),
            Unit.SLOWER,
            read["slower"],
            (Judged(PREPARE, 0.5, 300),),
            read["baseline"],
        ),
        Watched(
            "critical-apis",
            "LoginFailing",
            (("job", "auth"),),
            Unit.RATIO,
            read["login_errors"],
            (Judged(ROLLBACK, 0.2, 0),),
        ),
        Watched(
            "billing", "BillingAdminDown", (), Unit.UP, read["admin_up"], (Judged(PREPARE, 0.5, 300, above=False),)
        ),
        Watched(
            "billing",
            "DataIntegrityAtRisk",
            (("ledger", "main"),),
            Unit.NUMBER,
            read["unbalanced"],
            (Judged(ROLLBACK, 0, 0),),
        ),
        Watched(
            "billing",
            "QueueTooLong",
            (("queue", "invoices"),),
            Unit.NUMBER,
            read["queue"],
            (Judged(PREPARE, 900, 300),),
        ),
    )


def known(name: str, begin: float, end: float, *alerts: str) -> KnownIncident:
    return KnownIncident(name, BEGIN + int(begin * DAY), BEGIN + int(end * DAY), alerts)


KNOWN = (
    known("INC-71 auth certificate", 1.604, 1.625, "LoginFailing", "CriticalApiErrorRate"),
    known("INC-72 slow leak in transactions", 3.4, 3.49, "CriticalApiErrorRate"),
    known("INC-73 reindexing", 5.62, 5.65),
)


def whole(api: float, hold: int) -> Replayed:
    """The week under one set of rules, with what could not be read and what was not seen."""
    found = replayed(shop(api, hold))
    gap = (BEGIN + int(4.9 * DAY), BEGIN + int(4.9 * DAY) + 95 * 60)
    night = (BEGIN + int(2.05 * DAY), BEGIN + int(2.05 * DAY) + 40 * 60)
    registry = AlertKey("CriticalApiErrorRate", (("job", "partner-registry"),), PREPARE)
    return replace(
        found,
        unread=(Unread("critical-apis", "CriticalApiErrorRate", *gap, "the source answered 503"),),
        blind=(Blind("critical-apis", "CriticalApiErrorRate", registry.labels, *night, "no series"),),
        insufficient=(Insufficient("critical-apis", registry, 512),),
    )


@dataclass(frozen=True)
class Case:
    """Everything that a report is made of."""

    outcome: Replayed
    compared: Compared
    scored: tuple[Scored, ...]
    variants: tuple[Variant, ...]


@lru_cache(maxsize=1)
def case() -> Case:
    """The week under the new rules (1.5 % for 10 minutes), the old ones (3 % for 2), and what lies around them."""
    new, old = whole(0.015, 600), whole(0.03, 120)
    alert = "CriticalApiErrorRate.prepare"
    limits, holds = {"1%": 0.01, "1.5%": 0.015, "2%": 0.02, "3%": 0.03}, {"2m": 120, "5m": 300, "10m": 600}
    variants = tuple(
        Variant(
            (f"{alert}.above={said}", f"{alert}.for={held}"),
            new if (limit, hold) == (0.015, 600) else lean(limit, hold),
        )
        for said, limit in limits.items()
        for held, hold in holds.items()
    )
    return Case(new, compare(old, new), score(new, KNOWN), variants)


def lean(limit: float, hold: int) -> Replayed:
    return replace(whole(limit, hold), traces=())
