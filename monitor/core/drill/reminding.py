"""Whom time reminds of the next drill: when, once, and in which words. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from monitor.core.daily import newest
from monitor.core.drill.cadence import Cadence, Due, Standing, Why
from monitor.core.drill.duty import Reminded

OVERDUE_EVERY = 7
"""Days between two notices that a drill is overdue: one is forgotten, and one every morning is no longer read."""

ASTRAY = timedelta(days=30)
"""What was told so much later than now was told by a clock that was wrong: it does not count. A smaller step back does
not make anything be told again."""


def owed(next_one: Due, now: datetime, cadence: Cadence, told: Iterable[Reminded]) -> int | None:
    """Give of how many days before (negative: after) the due day people are to be told now; None: of none.

    The newest reminder only: those that nobody was there to tell are left out. `told` are those of before.
    """
    left = (next_one.day - newest(now, cadence.at, cadence.zone)).days
    reached = [days for days in cadence.remind if left <= days]
    wanted = -1 - (-left - 1) // OVERDUE_EVERY * OVERDUE_EVERY if left < 0 else min(reached, default=None)
    if wanted is None:
        return None
    done = any(one.day == next_one.day and one.days <= wanted and one.at <= now + ASTRAY for one in told)
    return None if done else wanted


def sentence(stands: Standing, now: datetime) -> str:
    """Give when the next drill is due and why, in a sentence."""
    return f"The next drill is {_when(stands, now)}."


def notice(stands: Standing, scenarios: Sequence[str], now: datetime) -> str:
    """Give what people are told; `scenarios` are those that count."""
    word, _, rest = _when(stands, now).partition(" ")
    return f"DRILL {word.upper()} {rest}. {mend(scenarios)}"


def _when(stands: Standing, now: datetime) -> str:
    left, by = stands.due.left(now, stands.cadence), f"{stands.due.day:%a %d %b %Y} ({stands.cadence.zone})"
    if left < 0:
        return f"overdue for {_days(-left)}: it was due by {by}, {_because(stands)}"
    return f"due {f'in {_days(left)}' if left else 'today'}, by {by}, {_because(stands)}"


def mend(scenarios: Sequence[str]) -> str:
    """Give what to do about it; `scenarios` are those that count."""
    if not scenarios:
        return (
            "Only drills of the kinds staging and production-canary count, and rules/drills has none: "
            "write one (docs/drills.md)."
        )
    others = f" (or {', '.join(scenarios[1:])})" if scenarios[1:] else ""
    return f"Hold one: rollback-monitor drill start --scenario {scenarios[0]}{others}."


def _because(stands: Standing) -> str:
    cadence = stands.cadence
    match stands.due.why:
        case Why.MIGRATION:
            return f"{_days(cadence.after_migration)} after the migration {stands.due.about}"
        case Why.QUARTER:
            return f"{_months(cadence.months)} after {stands.due.about}, the last that passed"
        case Why.FIRST:
            if stands.known_since is None:
                return f"{_months(cadence.months)} from now: the monitor has not run here yet"
            return (
                f"{_months(cadence.months)} after the monitor began on {stands.known_since:%d %b %Y}: none has passed"
            )


def _days(days: int) -> str:
    return "1 day" if days == 1 else f"{days} days"


def _months(months: int) -> str:
    return "1 month" if months == 1 else f"{months} months"
