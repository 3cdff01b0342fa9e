"""The rehearsal that every team can hold on its first day, whatever its rules are: a page in a drill, and nothing more.

Where rules/drills has no rehearsal of its own, the first rule that can be played is. It proves the way of a page, not
the time that a rule takes: nothing is held for minutes, and no traffic is asked for. Pure.
"""

from collections.abc import Iterator
from dataclasses import replace

from monitor.core.drill.scenario import Clears, Kind, Load, Scenario, Script, Trigger
from monitor.core.model import Tier
from monitor.core.rules.rule import Resolve, Rule, TierRule
from monitor.core.rules.ruleset import RuleSet
from monitor.core.rules.signal import Availability, Condition, Count, ErrorRatio, Latency, Query

NAME = "rehearsal"
"""What the scenario is called, and its file in rules/drills where there is one."""

WINDOW = 30
"""Seconds over which it is judged, so that a fault is seen as soon as it can be."""

FAILS_FOR, LONGEST = 90, 600
"""Seconds after which what is played is healthy again, and after which a rehearsal that nobody ends is given up."""

REQUESTS, USUAL = 20.0, 0.1
"""Requests a second, and the seconds that one takes while nothing is wrong."""

HYPOTHESIS = "A page reaches the channel of drills, its buttons work, and somebody acknowledges it and takes command."


def with_rehearsal(rules: RuleSet) -> RuleSet:
    """Give `rules` with a rehearsal among their drills, where they have none and one can be played."""
    made = None if NAME in rules.drills else rehearsal(rules)
    return replace(rules, drills={**rules.drills, NAME: made}) if made is not None else rules


def rehearsal(rules: RuleSet) -> Scenario | None:
    """Give a rehearsal of the first rule that can be played: one that rolls back at once before one that prepares.

    None where there is no such rule.
    """
    every = [rule for group in rules.groups for rule in group.rules]
    playable = [(rule, tier, script) for rule in every for tier, script in _plays(rule)]
    ready = [one for one in playable if one[0].procedure in rules.procedures] or playable  # it is to be started too
    found = min(
        ready, key=lambda one: (one[1].tier is not Tier.ROLLBACK, one[0].resolve is not Resolve.BY_SIGNAL), default=None
    )
    if found is None:
        return None
    rule, tier, script = found
    return Scenario(
        name=NAME,
        title="Rehearsal of a page",
        trigger=Trigger.LATENCY if isinstance(rule.signal, Latency) else Trigger.ERRORS,
        alert=rule.alert,
        kind=Kind.PAGER,
        hypothesis=HYPOTHESIS,
        script=script,
        tiers=(tier,),
        longest=LONGEST,
    )


def _plays(rule: Rule) -> Iterator[tuple[TierRule, Script]]:
    """Give the tiers of a rule that can be played, as they are judged in a rehearsal, each with what is played."""
    for tier in rule.tiers:
        loads = _loads(rule, tier)
        if loads is not None:
            at_once = TierRule(tier.tier, tier.above, tier.below, 0, window=WINDOW if tier.window else 0)
            yield at_once, Script((), *loads, clears=Clears.BY_TIME, after=FAILS_FOR)


def _loads(rule: Rule, tier: TierRule) -> tuple[Load, Load] | None:
    """Give what is healthy and what is broken under a limit; None where nothing can be on its other side."""
    signal, limit, below = rule.signal, tier.limit or 0.0, tier.above is None
    match signal:
        case ErrorRatio() | Availability():
            return _both(1.0, 0.0) if below else _both(0.0, 1.0)
        case Latency():
            base = max(USUAL, signal.baseline.fixed or 0.0, signal.baseline.ceiling or 0.0)
            return None if below else _both(USUAL, 4 * base * (1 + limit))
        case Count():
            return None if below else _both(0.0, 8 * (limit + 1) * 60 / WINDOW)
        case Query():
            far = max(1.0, abs(limit))
            return _both(limit + far, limit - far) if below else _both(limit - far, limit + far)
        case Condition():
            return _both(0.0, 1.0)


def _both(healthy: float, broken: float) -> tuple[Load, Load]:
    return Load(healthy, REQUESTS), Load(broken, REQUESTS)
