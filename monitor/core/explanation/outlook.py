"""What time alone will make of an alert, if what is read of it stays: when it fires, gives up or resolves.

Pure; the state itself is moved by `core.judging.evaluate` alone, and a test holds every word here to its `step`.
"""

from dataclasses import dataclass
from enum import StrEnum

from monitor.core.judging.evaluate import Heard, gap_tolerance_of, heard
from monitor.core.model import Alert, State, Verdict
from monitor.core.rules.rule import Group, Resolve, Rule, TierRule


class Course(StrEnum):
    """Where an alert is heading."""

    WOULD_FIRE = "would_fire"
    FIRES = "fires"
    GIVES_UP = "gives_up"
    KEEPS_FIRING = "keeps_firing"
    WAITS_FOR_PERSON = "waits_for_person"
    RESOLVES = "resolves"
    WAITS_FOR_DATA = "waits_for_data"


@dataclass(frozen=True, slots=True)
class Outlook:
    """`course`, when (a grid time; None: by time alone never), and how many seconds `of` how many are done.

    `would_fire`: when a breach that begins with the next evaluation fires. `fires`, `gives_up`, `resolves`: when it
    does so if what is heard now goes on. `keeps_firing`: it takes clear readings for `of` seconds.
    `waits_for_data`: what recovers waits for readings.
    """

    course: Course
    at: int | None = None
    done: int = 0
    of: int = 0


def outlook(rule: Rule, tier: TierRule, group: Group, alert: Alert | None, verdict: Verdict, at: int) -> Outlook:
    """Give what becomes of `alert` (None: inactive), as grid time `at` with its `verdict` left it."""
    now, interval = heard(verdict, rule.no_data), group.interval
    if alert is None or alert.state is State.INACTIVE:
        first = at + interval
        return Outlook(Course.WOULD_FIRE, _on_grid(first + tier.hold, first, interval), 0, tier.hold)
    if alert.state is State.PENDING:
        if now is Heard.MISSING:
            tolerated = gap_tolerance_of(rule, interval)
            left = max(0, (tolerated - alert.missing) // interval + 1) * interval
            return Outlook(Course.GIVES_UP, at + left, alert.missing, tolerated)
        done = max(0, at - alert.since - alert.held)
        return Outlook(
            Course.FIRES, _on_grid(alert.since + alert.held + tier.hold, at + interval, interval), done, tier.hold
        )
    if rule.resolve is Resolve.BY_PERSON:
        return Outlook(Course.WAITS_FOR_PERSON)
    if alert.state is State.FIRING:
        return Outlook(Course.KEEPS_FIRING, None, 0, rule.keep_firing_for)
    began = alert.clear_since if alert.clear_since is not None else at
    done = max(0, at - began - alert.held)
    if now is Heard.MISSING:
        return Outlook(Course.WAITS_FOR_DATA, None, done, rule.keep_firing_for)
    ends = _on_grid(began + alert.held + rule.keep_firing_for, at + interval, interval)
    return Outlook(Course.RESOLVES, ends, done, rule.keep_firing_for)


def _on_grid(due: int, earliest: int, interval: int) -> int:
    """Give the first grid time at or after `due` that is yet to come."""
    return max(earliest, -(-due // interval) * interval)
