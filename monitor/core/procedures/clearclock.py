"""How long a signal that paged has been clear: one clock a signal, moved by its readings. Pure.

Time is only credited between two readings, one interval apart, that both say "clear": what was not seen never counts,
and a breach sets the clock back. This module must not know where readings come from nor what is done when they hold.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from monitor.core.judging.evaluate import Heard, heard
from monitor.core.judging.latency import enough
from monitor.core.model import Judgement, Verdict
from monitor.core.rules.rule import Rule, TierRule


class Seen(StrEnum):
    """What one reading says to the clock: it is clear; too quiet to tell; not to be told; still (nearly) breaching."""

    CLEAR = "clear"
    QUIET = "quiet"
    UNSEEN = "unseen"
    BREACH = "breach"


RUNS = frozenset({Seen.CLEAR, Seen.QUIET})
"""Readings between which the clock runs."""


def seen(judgement: Judgement, rule: Rule, tier: TierRule) -> Seen:
    """Give what `judgement` says to the clock of its signal.

    Between the limit and `clear` it is not clear yet. Too little traffic is quiet, unless the few requests that came
    were over the limit; every other reading that proves nothing (a warm-up, a breach without proof, no baseline, a
    condition that is not met) counts neither way.
    """
    match heard(judgement.verdict, rule.no_data):
        case Heard.CLEAR:
            return Seen.CLEAR
        case Heard.BREACH | Heard.BETWEEN:
            return Seen.BREACH
        case Heard.MISSING:
            return Seen.QUIET if _quiet(judgement, tier) else Seen.UNSEEN


def _quiet(judgement: Judgement, tier: TierRule) -> bool:
    if judgement.verdict is not Verdict.INSUFFICIENT or judgement.requests is None:
        return False
    needed = max(1.0, tier.guards.min_requests)
    return not enough(judgement.requests, needed) and not _over(judgement.value, tier)


def _over(value: float | None, tier: TierRule) -> bool:
    if value is None or tier.limit is None:
        return False
    return value > tier.limit if tier.above is not None else value < tier.limit


@dataclass(frozen=True, slots=True)
class ClearClock:
    """One signal's clock, as its last reading (grid time `last`) left it.

    `clear` are the seconds seen to be clear since the last breach, `quiet` those in which there was too little traffic
    to tell. `since` is the reading at which that stretch began; None: it is not clear.
    """

    clear: int = 0
    quiet: int = 0
    since: int | None = None
    last: int | None = None
    seen: Seen = Seen.UNSEEN

    def held(self, *, proven: bool) -> int:
        """Give the seconds that count: quiet ones only where something else has `proven` that it works."""
        return self.clear + (self.quiet if proven else 0)


NEVER_READ = ClearClock()
"""The clock of a signal that was not read yet."""


def tick(clock: ClearClock, at: int, one: Seen, interval: int) -> ClearClock:
    """Give `clock` after the reading of grid time `at`; what is not newer than its last one is nothing new."""
    if clock.last is not None and at <= clock.last:
        return clock
    if one is Seen.BREACH:
        return ClearClock(last=at, seen=one)
    if one is Seen.UNSEEN:
        return replace(clock, last=at, seen=one)
    moved = replace(clock, last=at, seen=one, since=at if clock.since is None else clock.since)
    if clock.last is None or clock.seen not in RUNS or at - clock.last > interval:
        return moved
    passed = at - clock.last
    if one is Seen.CLEAR and clock.seen is Seen.CLEAR:
        return replace(moved, clear=clock.clear + passed)
    return replace(moved, quiet=clock.quiet + passed)
