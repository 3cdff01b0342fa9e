"""What a drill is judged and shown by: one rule and its procedure, under a routing of its own. Pure."""

from dataclasses import replace

from monitor.core.drill.scenario import Scenario
from monitor.core.procedures.procedure import Procedure, Step
from monitor.core.rules.routing import ENVIRONMENT, Pages, Route, Routing
from monitor.core.rules.rule import Group, Rule
from monitor.core.rules.ruleset import RuleSet

AS_LONG_AS_IT_TAKES = 86_400
"""Seconds in which everything that fires belongs to one incident: a drill has no second one."""

NEVER = 10**9
"""Seconds after which the rule of a drill would be blind: once the drill is over, nobody reads it any more."""

SOON = 5
"""Seconds between two evaluations, and behind now, where a scenario has tiers of its own: it is to be seen soon."""


def route_of(wanted: Route, participants: tuple[str, ...], channel: str) -> Route:
    """Give where a drill takes place and who may act: the configured people, or whom somebody named instead of them.

    Whoever is named may do everything. The record of a drill has the configured responders where nobody was.
    """
    people = participants if participants != wanted.responders else ()
    return Route(channel, people or wanted.responders, people or wanted.commanders, people or wanted.approvers)


def staged_rules(rules: RuleSet, scenario: Scenario, name: str, route: Route, seconds: int) -> RuleSet:
    """Give the rules of a drill: one group with the rule that must page, nobody to escalate to, no other pager.

    `seconds` is its recovery target. Raises KeyError where the rule is not in force.
    """
    group, rule = found(rules, scenario.alert)
    procedure = scenario.procedure or rule.procedure
    acted = replace(rule, procedure=procedure, shadow=False, renamed_from="")
    if scenario.script is not None:
        acted = replace(acted, expect=())
    if scenario.signal is not None:
        acted = replace(acted, signal=scenario.signal, expect=())
    if scenario.tiers:
        acted = replace(acted, tiers=scenario.tiers, overrides=(), requires=None, after_deploy=0)
        group = replace(group, interval=min(group.interval, SOON), query_offset=min(group.query_offset, SOON))
    known = rules.procedures.get(procedure)
    return RuleSet(
        (replace(group, name=name, rules=(acted,), blind_after=NEVER),),
        _routing(rules.routing, scenario, route),
        {procedure: _told(known, scenario, seconds)} if known is not None else {},
        rules.digest,
        rules.versions,
        scenario.releases or rules.releases,
    )


def _told(procedure: Procedure, scenario: Scenario, seconds: int) -> Procedure:
    """Give a procedure in which every step that changes something says what becomes of its commands in this drill.

    Where nothing is rolled back, nothing is held against a recovery target either.
    """
    word = (
        f"Drill: do this on *{scenario.environment}* and nowhere else."
        if scenario.kind.real
        else "Drill: nothing real is broken. Say what you would do, and *do not do it*."
    )
    steps = tuple(replace(one, text=f"{word}\n\n{one.text}") if _changes(one) else one for one in procedure.steps)
    return replace(procedure, recovery_target=seconds if scenario.kind.mitigates else 0, steps=steps)


def _changes(step: Step) -> bool:
    """Whether people are told to change something in it."""
    return bool(step.commands or step.waves or step.tasks) and step.does is None


def bare_rules(rules: RuleSet, route: Route) -> RuleSet:
    """Give the rules by which nothing is judged, where those of a drill are gone: its page can still be shown."""
    environment = rules.routing.environment
    return replace(rules, groups=(), routing=Routing(environment, route, page=Pages()), drills={})


def found(rules: RuleSet, alert: str) -> tuple[Group, Rule]:
    """Give a rule and its group. Raises KeyError where it is not in force."""
    for group in rules.groups:
        for rule in group.rules:
            if rule.alert == alert:
                return group, rule
    raise KeyError(alert)


def _routing(real: Routing, scenario: Scenario, route: Route) -> Routing:
    return Routing(
        environment=scenario.environment or real.environment,
        default=route,
        reopen_within=AS_LONG_AS_IT_TAKES,
        escalation=replace(real.escalation, channel="", rollback_escalate=None),
        page=Pages(),
        group_by=(ENVIRONMENT,),
    )


def target_of(rules: RuleSet, scenario: Scenario) -> int:
    """Give the recovery target in seconds: the scenario's, else that of the procedure."""
    _, rule = found(rules, scenario.alert)
    known = rules.procedures.get(scenario.procedure or rule.procedure)
    return scenario.recovery_target or (known.recovery_target if known is not None else 900)
