"""Plots of typical cases, for the tests and for eyes: `python -m tests.pictures.plots FOLDER` draws them all."""

import math
import random
import sys
from collections.abc import Callable
from pathlib import Path

from monitor.core.pages.plot import Band, BandKind, Limit, Mark, Plot, Point
from monitor.core.rules.signal import Unit

SINCE = 1_741_057_200
"""2025-03-04 03:00 UTC: when the breach of every case begins."""
STEP = 15
START = SINCE - 3600


def drawn_from(value: Callable[[int, random.Random], float | None], end: int, step: int = STEP) -> tuple[Point, ...]:
    """Readings from a function of the time since the breach, always the same."""
    rng = random.Random(7)
    return tuple((at, value(at - SINCE, rng)) for at in range(START, end + 1, step))


def level(name: str, value: float, points: tuple[Point, ...], *, above: bool = True, paged: bool = False) -> Limit:
    return Limit(name, tuple((at, value) for at, _ in points), above, paged)


def held(hold: int, end: int) -> tuple[Band, ...]:
    """What an alert with a hold does."""
    return (Band(BandKind.PENDING, SINCE, SINCE + hold), Band(BandKind.FIRING, SINCE + hold, end))


def error_ratio() -> Plot:
    end = SINCE + 345
    points = drawn_from(
        lambda t, r: abs(r.gauss(0.003, 0.001)) if t < 0 else min(0.062, 0.02 + t * 0.0004) + r.gauss(0, 0.002), end
    )
    limits = (level("prepare over 2 %", 0.02, points, paged=True), level("roll back over 25 %", 0.25, points))
    marks = (Mark(SINCE - 130, "transactions 2.14.0 deployed"),)
    return Plot(
        "API: 6.2 % of requests to critical APIs fail",
        "INC-0142 · CriticalApiErrorRate · since 03:00 UTC",
        Unit.RATIO,
        START,
        end,
        STEP,
        points,
        limits=limits,
        bands=held(300, end),
        marks=marks,
        quantity="failed",
    )


def login_now() -> Plot:
    end = SINCE + 15
    points = drawn_from(lambda t, r: abs(r.gauss(0.004, 0.002)) if t < 0 else 0.62, end)
    limits = (level("roll back over 20 %", 0.2, points, paged=True),)
    marks = (Mark(SINCE - 120, "auth 2.14.0 deployed"),)
    return Plot(
        "login: 62 % of /login requests fail",
        "INC-0007 · LoginFailing · since 03:00 UTC",
        Unit.RATIO,
        START,
        end,
        STEP,
        points,
        limits=limits,
        bands=(Band(BandKind.FIRING, SINCE, end),),
        marks=marks,
    )


def latency() -> Plot:
    end = SINCE + 600
    base = drawn_from(lambda t, _: 0.39 + 0.01 * math.sin(t / 900), end)
    points = drawn_from(
        lambda t, r: 0.38 + r.gauss(0, 0.02) if t < 0 else 0.38 + min(0.45, t * 0.0015) + r.gauss(0, 0.03), end
    )
    limit = Limit("prepare over baseline + 50 %", tuple((at, 1.5 * (one or 0)) for at, one in base), paged=True)
    marks = (
        Mark(SINCE - 400, "web 2.14.0 deployed"),
        Mark(SINCE + 330, "acknowledged by Ana"),
        Mark(SINCE + 480, "rollback started"),
    )
    return Plot(
        "transactions: p95 820 ms, 2.1 times the baseline",
        "INC-0143 · CriticalApiLatency · since 03:00 UTC",
        Unit.SLOWER,
        START,
        end,
        STEP,
        points,
        baseline=base,
        limits=(limit,),
        bands=held(300, end),
        marks=marks,
        quantity="p95",
    )


def availability() -> Plot:
    end = SINCE + 300
    points = drawn_from(lambda t, _: 1.0 if t < 0 else 0.75 if t < 120 else 0.25, end, 60)
    limits = (level("prepare under 90 %", 0.9, points, above=False, paged=True),)
    return Plot(
        "billing admin: 25 % up",
        "INC-0144 · BillingAdminDown · since 03:00 UTC",
        Unit.UP,
        START,
        end,
        60,
        points,
        limits=limits,
        bands=held(240, end),
    )


def gaps() -> Plot:
    end = SINCE + 900

    def value(t: int, r: random.Random) -> float | None:
        return (
            None
            if -1500 < t < -900 or 200 < t < 520
            else abs(r.gauss(0.004, 0.001))
            if t < 0
            else 0.05 + r.gauss(0, 0.004)
        )

    points = drawn_from(value, end)
    limits = (level("prepare over 2 %", 0.02, points, paged=True),)
    bands = (*held(600, end), Band(BandKind.BLIND, SINCE - 1500, SINCE - 900))
    return Plot(
        "API: 5 % of requests to critical APIs fail",
        "INC-0145 · CriticalApiErrorRate · since 03:00 UTC",
        Unit.RATIO,
        START,
        end,
        STEP,
        points,
        limits=limits,
        bands=bands,
    )


def counts() -> Plot:
    end = SINCE + 60
    points = drawn_from(lambda t, _: 0.0 if t < 0 else 3.0 if t > 15 else 1.0, end)
    limits = (level("roll back over 0", 0.0, points, paged=True),)
    return Plot(
        "data integrity: 3 ledger entries do not balance",
        "INC-0146 · DataIntegrityAtRisk · since 03:00 UTC",
        Unit.NUMBER,
        START,
        end,
        STEP,
        points,
        limits=limits,
        bands=(Band(BandKind.FIRING, SINCE, end),),
    )


def sparse() -> Plot:
    end = SINCE + 450
    seen = drawn_from(lambda t, r: None if r.random() < 0.8 else 0.0 if t < 0 else 0.4, end, 60)
    little = drawn_from(lambda _, r: None if r.random() < 0.6 else 0.5 if r.random() < 0.3 else 0.0, end, 60)
    limits = (level("roll back over 25 %", 0.25, seen, paged=True), level("prepare over 10 %", 0.1, seen))
    return Plot(
        "invoices: 40 % of generations fail",
        "INC-0147 · InvoiceGenerationFailing · since before 03:00 UTC",
        Unit.RATIO,
        START,
        end,
        60,
        seen,
        unjudged=little,
        limits=limits,
        bands=(Band(BandKind.FIRING, SINCE, end),),
    )


def outlier() -> Plot:
    end = SINCE + 330
    points = drawn_from(lambda t, r: 480_000.0 if t == -1800 else 120 + r.gauss(0, 8) + (0 if t < 0 else 130), end)
    limits = (level("prepare over 200", 200.0, points, paged=True),)
    return Plot(
        "queue: 250 messages wait",
        "INC-0148 · QueueTooLong · since 03:00 UTC",
        Unit.NUMBER,
        START,
        end,
        STEP,
        points,
        limits=limits,
        bands=held(300, end),
    )


def long_names() -> Plot:
    end = SINCE + 345
    points = drawn_from(lambda t, r: abs(r.gauss(0.003, 0.001)) if t < 0 else 0.9 + r.gauss(0, 0.02), end)
    limits = (level("prepare over 2 %", 0.02, points, paged=True), level("roll back over 25 %", 0.25, points))
    marks = tuple(
        Mark(
            SINCE - 1400 + 200 * n,
            f"partner-registry-reconciliation-worker-eu-central-1 release-2025.03.0{n}-rc.17 deployed",
        )
        for n in range(7)
    )
    return Plot(
        "partner-registry-reconciliation: $x_{i}$ 90 % of {POST /api/v2/{id}/all} fail \N{FIRE} in eu-central-1",
        "INC-0149 · PartnerRegistryReconciliationErrorRateFarTooHighForTooLong · since before 03:00 UTC",
        Unit.RATIO,
        START,
        end,
        STEP,
        points,
        limits=limits,
        bands=held(300, end),
        marks=marks,
    )


def noisy() -> Plot:
    """As much ink as a plot can have."""
    end = START + 599 * STEP
    rng = random.Random(3)
    points = tuple((at, rng.random() * 1e6) for at in range(START, end + 1, STEP))
    limits = (level("prepare over 500000", 5e5, points, paged=True), level("roll back over 900000", 9e5, points))
    bands = tuple(
        Band(list(BandKind)[n % 3], START + n * 300, START + n * 300 + 200) for n in range((end - START) // 300)
    )
    marks = tuple(Mark(START + 1000 * n, f"auth 2.{n}.0 deployed") for n in range(6))
    return Plot(
        "noise",
        "INC-0150 · Noise · since 03:00 UTC",
        Unit.NUMBER,
        START,
        end,
        STEP,
        points,
        unjudged=tuple((at, rng.random() * 1e6) for at, _ in points),
        baseline=tuple((at, rng.random() * 1e6) for at, _ in points),
        limits=limits,
        bands=bands,
        marks=marks,
    )


CASES: dict[str, Callable[[], Plot]] = {
    case.__name__: case
    for case in (error_ratio, login_now, latency, availability, gaps, counts, sparse, outlier, long_names, noisy)
}

if __name__ == "__main__":
    from monitor.adapters.plot.png import png

    for name, case in CASES.items():
        drawn = png(case())
        Path(sys.argv[1], f"{name}.png").write_bytes(drawn)
        sys.stdout.write(f"{name}: {len(drawn)} bytes\n")
