"""A file of rules/drills -> a scenario. That its rule and procedure exist is checked where all files are known."""

from collections.abc import Mapping
from dataclasses import dataclass

from monitor.core.drill.scenario import Clears, Kind, Load, Scenario, Script, Trigger
from monitor.core.rules.rule import Rule
from monitor.core.rules.service import Releases
from monitor.core.rules.signal import Signal, Unit
from monitor.core.words import lasted_seconds
from monitor.files import drillkeys as keys
from monitor.files.fields import Fields, plain_text
from monitor.files.findings import Report, nearest
from monitor.files.nodes import Mapping as MappingNode
from monitor.files.nodes import Node, WrongError, find
from monitor.files.releasesfile import read_releases
from monitor.files.scalars import name, number, one_of, positive_duration, scalar, text, threshold
from monitor.files.signals import read_signal

LONGEST = 7200


@dataclass(frozen=True, slots=True)
class WrittenScenario:
    """A scenario with the document that it was read from."""

    scenario: Scenario
    node: MappingNode


def read_scenario(root: Node, called: str, report: Report) -> WrittenScenario | None:
    """Give the scenario named `called`, or None where it cannot be told what is rehearsed (the report says why)."""
    fields = Fields(root, keys.SCENARIO, report)
    fields.version()
    kind = fields.take("kind", one_of(*Kind), "")
    target, longest = _times(fields, report)
    trigger = fields.take("trigger", one_of(*Trigger), "")
    alert = fields.take("alert", name, "")
    script, signal = _injected(fields, kind, report)
    if not (kind and trigger and alert):
        return None
    scenario = Scenario(
        name=called,
        title=fields.take("title", name, called),
        trigger=Trigger(trigger),
        alert=alert,
        kind=Kind(kind),
        hypothesis=fields.take("hypothesis", text, "").strip(),
        script=script,
        signal=signal,
        releases=fields.take("releases", lambda node: _releases(node, report), None),
        environment=fields.take("environment", name, ""),
        procedure=fields.take("procedure", name, ""),
        recovery_target=target,
        abort_if=fields.each("abort_if", name, "[a real page]"),
        inject=fields.take("inject", text, "").strip(),
        mend=fields.take("mend", text, "").strip(),
        longest=longest,
        place=fields.at("alert"),
    )
    return WrittenScenario(scenario, fields.node)


def _times(fields: Fields, report: Report) -> tuple[int | None, int]:
    """Read the recovery target and how long it may run: a target that lies after its end could never be missed."""
    target = fields.take("recovery_target", positive_duration, None)
    longest = fields.take("longest", positive_duration, LONGEST)
    if target is not None and target > longest:
        hint = f"at most {lasted_seconds(longest)}, or a `longest` that is longer"
        report.error(fields.at("recovery_target"), "value", "the drill is given up before its recovery target", hint)
    return target, longest


def _injected(fields: Fields, kind: str, report: Report) -> tuple[Script | None, Signal | None]:
    """Read what is played or watched; what does not fit the kind is an error."""
    chosen = fields.only_one(("play", "watch"))
    real = bool(kind) and Kind(kind).real
    if chosen == "play" and real:
        hint = "write `watch:` with a signal of the target, or make it a tabletop drill"
        report.error(fields.at("play"), "value", f"a {kind} drill rolls something back: nothing is played in it", hint)
    if chosen == "watch" and kind and not real:
        hint = "write `play:`, or make it a staging drill"
        report.error(fields.at("watch"), "value", f"nothing is rolled back in a {kind} drill: nothing is watched", hint)
    script = fields.take("play", lambda node: _script(node, report), None) if chosen == "play" else None
    signal = fields.take("watch", lambda node: read_signal(node, report), None) if chosen == "watch" else None
    return script, signal


def _script(node: Node, report: Report) -> Script | None:
    fields = Fields(node, keys.PLAY, report)
    healthy = fields.take("healthy", lambda one: _load(one, report), None)
    broken = fields.take("broken", lambda one: _load(one, report), None)
    clears, after = fields.take("clears", _clears, (Clears.ROLLED_BACK, 0))
    labels = fields.pairs("labels", plain_text)
    if healthy is None or broken is None:
        return None
    return Script(labels, healthy, broken, clears, after)


def _load(node: Node, report: Report) -> Load | None:
    fields = Fields(node, keys.LOAD, report)
    value = fields.take("value", threshold(Unit.NUMBER), None)
    return Load(value, fields.take("requests", number, 10.0)) if value is not None else None


def _clears(node: Node) -> tuple[Clears, int]:
    word = scalar(node, "rolled_back, acknowledged or a duration such as 2m").text
    if word in {Clears.ROLLED_BACK, Clears.ACKNOWLEDGED}:
        return Clears(word), 0
    try:
        return Clears.BY_TIME, positive_duration(node)
    except WrongError as wrong:
        hint = f"one of {Clears.ROLLED_BACK}, {Clears.ACKNOWLEDGED}, or a duration such as 2m"
        raise WrongError(node.place, f"`{word}` clears nothing", hint) from wrong


def _releases(node: Node, report: Report) -> Releases:
    return read_releases(node, report).releases


def check_drills(
    written: tuple[WrittenScenario, ...], rules: Mapping[str, Rule], procedures: tuple[str, ...], report: Report
) -> None:
    """Check that the rules and procedures of drills exist, and that a watched signal is of its rule's kind."""
    for one in written:
        scenario, rule = one.scenario, rules.get(one.scenario.alert)
        if rule is None:
            message = f"there is no rule `{scenario.alert}`"
            report.error(find(one.node, "alert"), "no-rule", message, nearest(scenario.alert, tuple(rules), ""))
        elif scenario.signal is not None and type(scenario.signal) is not type(rule.signal):
            kinds = f"{type(scenario.signal).__name__}, and the rule's is {type(rule.signal).__name__}"
            hint = "the limits stay those of the rule: watch the same kind of signal"
            report.error(find(one.node, "watch"), "value", f"this signal is {kinds}", hint)
        if scenario.procedure and scenario.procedure not in procedures:
            message = f"there is no procedure `{scenario.procedure}`"
            hint = nearest(scenario.procedure, procedures, "")
            report.error(find(one.node, "procedure"), "no-procedure", message, hint)


def check_targets(written: tuple[WrittenScenario, ...], production: str, report: Report) -> None:
    """Check that what is really rolled back is not called as `production` is, whose deploys no drill freezes."""
    for one in written:
        if one.scenario.kind.real and one.scenario.environment in {"", production}:
            message = f"a {one.scenario.kind} drill must not roll back what is called `{production}` as production is"
            hint = "give its target a name of its own, such as `environment: staging`: deploys of that are frozen"
            report.error(find(one.node, "environment"), "value", message, hint)
