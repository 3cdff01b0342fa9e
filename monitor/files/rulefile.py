"""A rule file -> groups of rules: defaults are merged in, keys read, tiers built, each rule held against the lint.

What several files must agree on (names, procedures) is not known here.
"""

from dataclasses import replace

from monitor.core.model import Labels, Tier, labels_of
from monitor.core.rules.rule import Group, Guards, NoData, Requires, Resolve, Rule, TierRule
from monitor.core.rules.signal import Condition, Latency, Query, Signal, Unit
from monitor.files import keys
from monitor.files.expressions import expression, kept_labels, label_matched
from monitor.files.fields import Fields, mapping, plain_text
from monitor.files.findings import Report
from monitor.files.lint import lint_group, lint_rule
from monitor.files.nodes import Mapping, Node, Scalar, WrongError, merge
from monitor.files.scalars import (
    boolean,
    duration,
    label_name,
    name,
    names,
    one_of,
    positive_duration,
    scalar,
    text,
    threshold,
    whole_number,
)
from monitor.files.signals import read_signal
from monitor.files.templates import link, template
from monitor.files.tiers import read_guards, read_overrides, read_tiers
from monitor.files.written import Written, WrittenGroup

_LONGEST_WARM_UP = 900
"""A release change is over for `after_deploy` 15 minutes after it began, whatever stands there."""
_SELECTORS = ("requests", "histogram", "probe", "counter")
"""The fields of signals that hold the selector of what is watched."""


def read_rule_file(root: Node, report: Report) -> tuple[WrittenGroup, ...]:
    """Give the groups of one file; what is wrong is noted and left out."""
    fields = Fields(root, keys.RULE_FILE, report)
    fields.version()
    defaults = fields.take("defaults", lambda node: _defaults(node, report), Mapping((), root.place))
    return fields.each("groups", lambda node: _group(node, defaults, report), "[{name: api, rules: [...]}]")


def _defaults(node: Node, report: Report) -> Mapping:
    fields = Fields(node, keys.DEFAULTS, report)
    known = set(keys.DEFAULTS.names())
    return Mapping(tuple(pair for pair in fields.node.items if pair[0].text in known), fields.place)


def _group(node: Node, defaults: Mapping, report: Report) -> WrittenGroup:
    fields = Fields(node, keys.GROUP, report)
    interval = fields.take("interval", positive_duration, 15)
    bare = Group(
        name=fields.take("name", name, ""),
        rules=(),
        interval=interval,
        query_offset=fields.take("query_offset", duration, 10),
        blind_after=fields.take("blind_after", positive_duration, 300),
        limit=fields.take("limit", whole_number, 500),
        max_catch_up=fields.take("max_catch_up", positive_duration, 3600),
    )
    lint_group(bare, fields)
    rules = fields.each("rules", lambda one: _rule(one, defaults, bare, report), "[{alert: ..., signal: ...}]")
    group = replace(bare, rules=tuple(one.rule for one in rules))
    word = fields.node.get("name")
    return WrittenGroup(group, word if isinstance(word, Scalar) else None, rules)


def _rule(node: Node, defaults: Mapping, group: Group, report: Report) -> Written | None:
    merged = merge(defaults, node) if isinstance(node, Mapping) else node
    fields = Fields(merged, keys.RULE, report)
    alert = fields.take("alert", name, "")
    signal = fields.take("signal", lambda inner: read_signal(inner, report), None)
    guards = fields.take("guards", lambda inner: read_guards(inner, Guards(), signal, report), Guards())
    tiers = read_tiers(fields, signal, guards)
    overrides = read_overrides(fields, signal, _instance_labels(signal))
    if fields.readable and not fields.has("prepare") and not fields.has("rollback"):
        report.error(
            fields.place, "missing-key", "`prepare` or `rollback` is missing in a rule", "add rollback: {above: ...}"
        )
    rule = _described(fields, alert, signal, tiers)
    if rule is None:
        return None
    rule = replace(_conditioned(rule, fields), overrides=tuple(one.override for one in overrides))
    lint_rule(rule, group, fields, overrides)
    return Written(rule, fields.node)


def _described(fields: Fields, alert: str, signal: Signal | None, tiers: tuple[TierRule, ...]) -> Rule | None:
    """Read what says how the alert behaves and looks; None where there is no alert to speak of."""
    labels = fields.pairs("labels", plain_text)
    known = _known_labels(signal, labels)

    def templated(node: Node) -> str:
        return template(scalar(node, "a text"), known)

    rule = Rule(
        alert=alert,
        signal=signal or Query("", ()),
        tiers=tiers,
        service=fields.take("service", templated, _service_of(signal)),
        suspects=fields.take("suspects", names, ()),
        route_label=fields.take("route_label", label_name, ""),
        keep_firing_for=fields.take("keep_firing_for", duration, 0),
        no_data=NoData(fields.take("no_data", one_of("hold", "clear", "breach"), "hold")),
        resolve=Resolve(fields.take("resolve", one_of("by_signal", "by_person"), "by_signal")),
        optional=fields.take("optional", boolean, default=False),
        gap_tolerance=fields.take("gap_tolerance", duration, None),
        labels=labels,
        annotations=fields.pairs("annotations", lambda word: template(word, known)),
        links=fields.pairs("links", lambda word: link(word, known)),
        procedure=fields.take("procedure", name, "rollback"),
        place=fields.at("alert"),
    )
    return rule if alert and signal and tiers else None


def _conditioned(rule: Rule, fields: Fields) -> Rule:
    """Give `rule` with what says when it may speak at all, and what must be there."""
    by = _instance_labels(rule.signal)
    return replace(
        rule,
        requires=fields.take("requires", lambda node: _requires(node, fields.report), None),
        expect=_expect(fields, by),
        after_deploy=_after_deploy(rule, fields),
        shadow=fields.take("shadow", boolean, default=False),
        renamed_from=fields.take("renamed_from", name, ""),
    )


def _requires(node: Node, report: Report) -> Requires | None:
    fields = Fields(node, keys.REQUIRES, report)
    limit = threshold(Unit.NUMBER)
    side = fields.only_one(("above", "below"))
    expr = fields.take("expr", expression, "")
    above, below = fields.take("above", limit, None), fields.take("below", limit, None)
    return Requires(expr, above, below) if expr and side and (above is not None or below is not None) else None


def _expect(fields: Fields, by: tuple[str, ...] | None) -> tuple[Labels, ...]:
    found: dict[Labels, None] = {}

    def once(node: Node) -> None:
        labels = _expected(node, by)
        if labels in found:
            raise WrongError(node.place, "this instance stands twice")
        found[labels] = None

    fields.each("expect", once, "[{job: auth}]")
    return tuple(found)


def _expected(node: Node, by: tuple[str, ...] | None) -> Labels:
    """Give the labels of an instance that must exist: exactly the signal's `by`."""
    found = labels_of({label_name(key): text(value) for key, value in mapping(node, "labels").items})
    names = tuple(label for label, _ in found)
    if by is not None and set(names) != set(by):
        wanted = ", ".join(f"{label}: ..." for label in by)
        message = f"an instance has the labels {', '.join(by)}" if by else "there is one instance, and it has no labels"
        raise WrongError(node.place, message, f"write {{{wanted}}}", "expect-labels")
    return found


def _after_deploy(rule: Rule, fields: Fields) -> int:
    found = fields.take("after_deploy", duration, 0)
    wrong, hint = "", "leave it out"
    if not isinstance(rule.signal, Latency):
        wrong = "`after_deploy` is the warm-up of a latency, and this is none"
    elif not any(tier.tier is Tier.PREPARE for tier in rule.every_tier):
        wrong = "`after_deploy` keeps `prepare` from starting, and there is no `prepare`"
    elif found > _LONGEST_WARM_UP:
        wrong, hint = "a warm-up ends 15 minutes after the release change began", "write 15m or less"
    if wrong and fields.has("after_deploy"):
        fields.report.error(fields.at("after_deploy"), "value", wrong, hint)
        return 0
    return found


def _instance_labels(signal: Signal | None) -> tuple[str, ...] | None:
    """Give the labels that instances have; None where only the data can tell."""
    if signal is None or isinstance(signal, Condition):
        return None
    return kept_labels(signal.expr) if isinstance(signal, Query) and not signal.by else signal.by


def _known_labels(signal: Signal | None, labels: Labels) -> tuple[str, ...] | None:
    """Give the labels that templates can read; None where only the data can tell."""
    by = _instance_labels(signal)
    return None if by is None else (*by, *(name for name, _ in labels))


def _service_of(signal: Signal | None) -> str:
    """Give the template of the service where the rule names none: its `service` or `job` label."""
    by = signal.by if signal else ()
    for label in ("service", "job"):
        if label in by:
            return f"{{{{ $labels.{label} }}}}"
    selected = next((getattr(signal, name) for name in _SELECTORS if hasattr(signal, name)), "")
    for label in ("service", "job"):
        if selected and (value := label_matched(selected, label)):
            return value
    return ""
