"""Outcomes whose every name tries to become something else, and one as large as they come."""

import random

from monitor.core.model import AlertKey, State, Tier
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

WEEK = 7 * 86400
EVIL = (
    "\"'><script>alert(1)</script>",
    "</title></style></svg><img src=x onerror=alert(1)>",
    "@everyone #1 !2 ~label | x | [a](javascript:alert(1)) `code` **bold** <!-- -->",
    "https://evil.example/\u202etxt.exe\n\n# heading",
    "&lt;b&gt; ]]> %% {{ $labels.job }} \x00\x1b[31m",
)


def hostile() -> tuple[Replayed, Compared, tuple[Scored, ...], tuple[Variant, ...]]:
    """Everything that a report shows, with those names everywhere."""
    traces, alerts, pages, blind, unread, little = [], [], [], [], [], []
    for index, evil in enumerate(EVIL):
        key = AlertKey(evil, (("job", evil),), Tier.PREPARE)
        times, row = tuple(range(0, WEEK, 600)), tuple(0.1 for _ in range(0, WEEK, 600))
        bands = (Band(State.PENDING, 1000, 1300), Band(State.FIRING, 1300, 9000))
        traces.append(Trace(key, evil, Unit.RATIO, times, row, row, row, (), bands))
        alerts.append(Stretch(evil, key, 1000, 1300, 9000, 0.5, 3))
        pages.append(Paged(1300 + index, evil, Tier.PREPARE, (key,), evil))
        blind.append(Blind(evil, evil, key.labels, 20_000, None, evil))
        unread.append(Unread(evil, evil, 40_000, 50_000, evil))
        little.append(Insufficient(evil, key, 3))
    found = Replayed(0, WEEK, 600, *map(tuple, (alerts, pages, blind, little, unread, traces)))  # type: ignore[arg-type]
    empty = Replayed(0, WEEK, 600, (), (), (), (), ())
    known = [KnownIncident(evil, 1000 + index, 9000) for index, evil in enumerate(EVIL)]
    variants = tuple(Variant((f"{evil}={evil}",), found) for evil in EVIL)
    return found, compare(empty, found), score(found, known), variants


def crowded(alerts: int = 20, tiers: int = 2) -> Replayed:
    """A week of so many alerts, each with two tiers that read other windows, at its noisiest."""
    rng = random.Random(5)
    times = tuple(range(0, WEEK + 1, 60))
    traces: list[Trace] = []
    stretches: list[Stretch] = []
    for number in range(alerts):
        for tier in (Tier.PREPARE, Tier.ROLLBACK)[:tiers]:
            key = AlertKey(f"Alert{number}", (("job", f"service-{number}"),), tier)
            row = tuple(rng.random() * 0.1 for _ in times)
            starts = sorted(rng.sample(range(0, WEEK - 3600, 3600), 40))
            bands = tuple(Band(State.FIRING, at, at + 900) for at in starts)
            limits = (0.08,) * len(times)
            traces.append(Trace(key, "g", Unit.RATIO, times, row, limits, limits, (), bands))
            stretches += [Stretch("g", key, at, at, at + 900, 0.1, 15) for at in starts]
    pages = [Paged(one.since, "prepare_opens", one.key.tier, (one.key,), "INC-1") for one in stretches]
    pages.sort(key=lambda one: one.at)
    return Replayed(0, WEEK, 60, tuple(stretches), tuple(pages), (), (), (), tuple(traces))
