"""What one outcome comes to in numbers: pages by tier, how long something fired. Pure; no words."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from monitor.core.model import AlertKey, Tier
from monitor.core.replay.outcome import Replayed, Stretch

WEEK = 7 * 86400


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums of an outcome.

    `firing` is the time in which anything fired, in seconds, each second once; `first_page` is the first
    that tells of a fault and not of blindness, None without any; `per_week` is their number scaled to seven days.
    """

    pages: int
    by_tier: Mapping[Tier, int]
    firing: int
    first_page: int | None
    per_week: float


def totals(outcome: Replayed) -> Totals:
    """Give the sums of `outcome`."""
    pages = outcome.pages
    fired = [span for one in outcome.alerts if (span := fired_span(one, outcome)) is not None]
    return Totals(
        len(pages),
        Counter(page.tier for page in pages),
        sum(end - begin for begin, end in united(fired)),
        min((page.at for page in pages if page.tier is not Tier.BLIND), default=None),
        len(pages) * WEEK / max(outcome.end - outcome.begin, 1),
    )


def fired_span(stretch: Stretch, outcome: Replayed) -> tuple[int, int] | None:
    """Give from when to when `stretch` fired within the replayed time; None where it never did."""
    if stretch.fired_at is None:
        return None
    begin = max(stretch.fired_at, outcome.begin)
    return begin, max(outcome.end if stretch.resolved_at is None else stretch.resolved_at, begin)


def firing_seconds(outcome: Replayed) -> Mapping[AlertKey, int]:
    """Give for how long each alert fired that ever did."""
    seconds: Counter[AlertKey] = Counter()
    for one in outcome.alerts:
        span = fired_span(one, outcome)
        if span is not None:
            seconds[one.key] += span[1] - span[0]
    return seconds


def united(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Give the spans of time that `spans` cover together, in order, none touching the next."""
    joined: list[tuple[int, int]] = []
    for begin, end in sorted(spans):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return joined
