"""A rule file -> groups of rules: defaults are merged in, keys read, tiers built, each rule held against the lint.

What several files must agree on (names, procedures) is not known here.
"""

from dataclasses import dataclass

from monitor.core.model import Labels, Tier
from monitor.core.rule import Condition, Group, Guards, NoData, Query, Resolve, Rule, Signal, TierRule, Unit, unit_of
from monitor.files import keys
from monitor.files.expressions import kept_labels, label_matched
from monitor.files.fields import Fields, plain_text
from monitor.files.findings import Report
from monitor.files.lint import lint_group, lint_rule
from monitor.files.nodes import Mapping, Node, Scalar, merge
from monitor.files.scalars import boolean, duration, name, names, number, one_of, positive_duration, scalar, threshold
from monitor.files.signals import read_signal
from monitor.files.templates import link, template

_HOLD = {Tier.PREPARE: 300, Tier.ROLLBACK: 0}
"""How long a breach holds by default: the playbook's 5 minutes, and at once."""


@dataclass(frozen=True, slots=True)
class Written:
    """A rule with the mapping it was read from (defaults merged), for places in later findings."""

    rule: Rule
    node: Mapping


@dataclass(frozen=True, slots=True)
class WrittenGroup:
    """A group with its rules as they were written."""

    group: Group
    name: Scalar | None
    rules: tuple[Written, ...]


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
    )
    lint_group(bare, fields)
    rules = fields.each("rules", lambda one: _rule(one, defaults, bare, report), "[{alert: ..., signal: ...}]")
    group = Group(bare.name, tuple(one.rule for one in rules), bare.interval, bare.query_offset, bare.blind_after)
    word = fields.node.get("name")
    return WrittenGroup(group, word if isinstance(word, Scalar) else None, rules)


def _rule(node: Node, defaults: Mapping, group: Group, report: Report) -> Written | None:
    merged = merge(defaults, node) if isinstance(node, Mapping) else node
    fields = Fields(merged, keys.RULE, report)
    alert = fields.take("alert", name, "")
    signal = fields.take("signal", lambda inner: read_signal(inner, report), None)
    guards = fields.take("guards", lambda inner: _guards(inner, Guards(), signal, report), Guards())
    tiers = _tiers(fields, signal, guards)
    if fields.readable and not fields.has("prepare") and not fields.has("rollback"):
        report.error(
            fields.place, "missing-key", "`prepare` or `rollback` is missing in a rule", "add rollback: {above: ...}"
        )
    rule = _described(fields, alert, signal, tiers)
    if rule is None:
        return None
    lint_rule(rule, group, fields)
    return Written(rule, fields.node)


def _tiers(fields: Fields, signal: Signal | None, guards: Guards) -> tuple[TierRule, ...]:
    report = fields.report
    prepare = fields.take("prepare", lambda node: _tier(node, Tier.PREPARE, signal, guards, report), None)
    rollback = fields.take("rollback", lambda node: _tier(node, Tier.ROLLBACK, signal, guards, report), None)
    return tuple(tier for tier in (prepare, rollback) if tier is not None)


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


def _known_labels(signal: Signal | None, labels: Labels) -> tuple[str, ...] | None:
    """Give the labels that templates can read; None where only the data can tell."""
    if signal is None:
        return None
    by: tuple[str, ...] | None = signal.by
    if isinstance(signal, Query) and not by:
        by = kept_labels(signal.expr)
    return None if by is None else (*by, *(name for name, _ in labels))


def _service_of(signal: Signal | None) -> str:
    """Give the template of the service where the rule names none: its `service` or `job` label."""
    by = signal.by if signal else ()
    for label in ("service", "job"):
        if label in by:
            return f"{{{{ $labels.{label} }}}}"
    selected = getattr(signal, "requests", None) or getattr(signal, "histogram", None) or getattr(signal, "probe", None)
    for label in ("service", "job"):
        if selected and (value := label_matched(selected, label)):
            return value
    return ""


def _guards(node: Node, under: Guards, signal: Signal | None, report: Report) -> Guards:
    fields = Fields(node, keys.GUARDS, report)
    counted = {"ErrorRatio": ("min_requests", "min_failures"), "Latency": ("min_requests",)}.get(
        type(signal).__name__, ()
    )
    for key, _ in fields.node.items:
        if signal is not None and key.text in keys.GUARDS.names() and key.text not in counted:
            message = f"`{key.text}` cannot be counted by this kind of signal"
            report.error(key.place, "value", message, "leave it out; put a condition on traffic into the expression")
    return Guards(
        min_requests=fields.take("min_requests", number, under.min_requests),
        min_failures=fields.take("min_failures", number, under.min_failures),
    )


def _tier(node: Node, which: Tier, signal: Signal | None, guards: Guards, report: Report) -> TierRule | None:
    fields = Fields(node, keys.TIER, report)
    limit = threshold(unit_of(signal) if signal else Unit.NUMBER)
    side = fields.only_one(("above", "below"))
    above, below = fields.take("above", limit, None), fields.take("below", limit, None)
    if isinstance(signal, Query) and fields.has("window"):
        report.error(fields.at("window"), "value", "a query carries its windows inside its expression", "leave it out")
    window = 0 if signal is None or isinstance(signal, Query | Condition) else signal.window
    tier = TierRule(
        tier=which,
        above=above,
        below=below,
        hold=fields.take("for", duration, _HOLD[which]),
        clear=fields.take("clear", limit, None),
        window=fields.take("window", positive_duration, window) if window else 0,
        guards=fields.take("guards", lambda inner: _guards(inner, guards, signal, report), guards),
    )
    return tier if side and (above is not None or below is not None) else None
