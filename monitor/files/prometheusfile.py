"""A Prometheus rule file -> our rules, with Prometheus's own meaning where it differs from ours.

`for` is 0s by default, recording rules are passed over, and an expression that has no limit to split off stays a
condition: a result is a breach, an empty one is clear.
"""

from dataclasses import dataclass, replace

from monitor.core.model import Labels, Tier, labels_of
from monitor.core.rules.rule import Group, Place, Rule, TierRule
from monitor.core.rules.ruletest import Recording
from monitor.core.rules.signal import Condition, Query, Signal
from monitor.files import prometheuskeys as keys
from monitor.files.expressions import expression, kept_labels
from monitor.files.fields import Fields, mapping
from monitor.files.findings import Report
from monitor.files.nodes import Mapping, Node, Scalar, Sequence, WrongError, find
from monitor.files.scalars import duration, label_name, name, number, scalar
from monitor.files.splitting import split
from monitor.files.templates import link, template
from monitor.files.written import Written, WrittenGroup

_LINKS = {"runbook_url": "runbook", "dashboard_url": "dashboard"}
"""Annotations that are links by custom."""
_LEFT_OUT = "it is left out of pages; Prometheus renders more than is rendered here"


def is_prometheus(root: Node) -> bool:
    """Whether the rules of a file are Prometheus's: some have `expr`, and none has `signal`."""
    rules = [rule for group in _items(root, "groups") for rule in _items(group, "rules") if isinstance(rule, Mapping)]
    return any(rule.get("expr") for rule in rules) and not any(rule.get("signal") for rule in rules)


def _items(node: Node, key: str) -> tuple[Node, ...]:
    inner = node.get(key) if isinstance(node, Mapping) else None
    return inner.items if isinstance(inner, Sequence) else ()


def read_prometheus_file(root: Node, report: Report) -> tuple[WrittenGroup, ...]:
    """Give the groups of one file; what is wrong is noted and left out."""
    fields = Fields(root, keys.FILE, report)
    groups = fields.each("groups", lambda node: _group(node, report), "[{name: api, rules: [...]}]")
    return _told_apart(groups, report)


def _group(node: Node, report: Report) -> WrittenGroup:
    fields = Fields(node, keys.GROUP, report)
    interval = fields.take("interval", duration, 0) or 15
    labels = _labels(fields)
    rules = fields.each("rules", lambda one: _rule(one, labels, report), "[{alert: ..., expr: ...}]")
    group = Group(
        name=fields.take("name", name, ""),
        rules=tuple(one.rule for one in rules),
        interval=interval,
        query_offset=fields.take("query_offset", duration, 10),
        blind_after=max(300, 4 * interval),
        limit=int(fields.take("limit", number, 0.0)) or 500,
        max_catch_up=max(3600, 2 * interval),
    )
    word = fields.node.get("name")
    return WrittenGroup(group, word if isinstance(word, Scalar) else None, rules)


def _rule(node: Node, under: Labels, report: Report) -> Written | None:
    fields = Fields(node, keys.RULE, report)
    if fields.has("record"):
        message = "recording rules are Prometheus's own: this one is passed over"
        report.remark(fields.at("record"), "record", message)
        return None
    alert, expr = fields.take("alert", name, ""), fields.take("expr", expression, "")
    if fields.readable and not fields.has("alert"):
        report.error(fields.place, "missing-key", "`alert` is missing in a Prometheus rule", "text: its name")
    labels = {**dict(under), **dict(_labels(fields))}
    tier = _tier_of(labels.pop("tier", "prepare"), fields)
    if not alert or not expr or tier is None:
        return None
    signal, limited = _understood(expr, tier, fields)
    annotations, links = _texts(fields)
    rule = Rule(
        alert=alert,
        signal=signal,
        tiers=(replace(limited, hold=fields.take("for", duration, 0)),),
        service=_service(expr, labels),
        keep_firing_for=fields.take("keep_firing_for", duration, 0),
        optional=isinstance(signal, Condition),
        labels=labels_of(labels),
        annotations=annotations,
        links=links,
        place=fields.at("alert"),
    )
    return Written(rule, fields.node)


def _understood(expr: str, tier: Tier, fields: Fields) -> tuple[Signal, TierRule]:
    """Give the signal and its limit; a remark says why an expression stays whole."""
    parts = split(expr)
    if isinstance(parts, str):
        message = f"{parts}: a result is a breach and an empty one is clear, as in Prometheus"
        fields.report.remark(fields.at("expr"), "condition", message)
        return Condition(expr), TierRule(tier, None, None, 0)
    return Query(parts.query, ()), TierRule(tier, parts.above, parts.below, 0)


def _tier_of(word: str, fields: Fields) -> Tier | None:
    if word in (Tier.PREPARE, Tier.ROLLBACK):
        return Tier(word)
    fields.report.error(fields.at("labels", "tier"), "value", f"`{word}` is no tier", "write prepare or rollback")
    return None


def _service(expr: str, labels: dict[str, str]) -> str:
    """Give the template of the service: a label of the instances, as far as the expression tells, or of the rule."""
    kept = kept_labels(expr)
    for label in ("service", "job"):
        if label in labels:
            return labels[label]
        if kept is not None and label in kept:
            return f"{{{{ $labels.{label} }}}}"
    return "{{ $labels.job }}" if kept is None else ""


def recordings(root: Node, interval: int) -> tuple[Recording, ...]:
    """Give the recording rules of one file, for whoever must stand in for Prometheus every `interval` seconds."""
    found: list[Recording] = []
    for rule in (rule for group in _items(root, "groups") for rule in _items(group, "rules")):
        record, expr = (rule.get(key) if isinstance(rule, Mapping) else None for key in ("record", "expr"))
        if isinstance(record, Scalar) and isinstance(expr, Scalar):
            labels = rule.get("labels") if isinstance(rule, Mapping) else None
            pairs = labels.items if isinstance(labels, Mapping) else ()
            own = labels_of({key.text: word.text for key, word in pairs if isinstance(word, Scalar)})
            found.append(Recording(record.text, expr.text, own, interval))
    return tuple(found)


# --- labels and texts ---------------------------------------------------------------------------------------------


def _labels(fields: Fields) -> Labels:
    found: dict[str, str] = {}
    for key, word in _pairs(fields, "labels"):
        if "{{" in word.text:
            message = f"the label `{key}` is a template, and labels are plain here"
            fields.report.warning(word.place, "template", message, "it is left out")
        else:
            found[key] = word.text
    return labels_of(found)


def _texts(fields: Fields) -> tuple[Labels, Labels]:
    """Give the annotations that can be rendered, and those of them that are links."""
    found: dict[str, str] = {}
    links: dict[str, str] = {}
    for key, word in _pairs(fields, "annotations"):
        try:
            found[key] = template(word, None)
        except WrongError as wrong:
            hint = f"{wrong.hint}; {_LEFT_OUT}" if wrong.hint else _LEFT_OUT
            fields.report.warning(wrong.place, wrong.code, wrong.message, hint)
            continue
        if key in _LINKS:
            links |= _link(_LINKS[key], word, fields.report)
    return labels_of(found), labels_of(links)


def _link(key: str, word: Scalar, report: Report) -> dict[str, str]:
    try:
        return {key: link(word, None)}
    except WrongError as wrong:
        report.warning(wrong.place, wrong.code, wrong.message, wrong.hint)
        return {}


def _pairs(fields: Fields, key: str) -> tuple[tuple[str, Scalar], ...]:
    """Give the names and words of a mapping; Prometheus takes any word for a text."""
    node = fields.node.get(key)
    if node is None:
        return ()
    found: list[tuple[str, Scalar]] = []
    try:
        for word, value in mapping(node, key).items:
            found.append((label_name(word), scalar(value, "a text")))
    except WrongError as wrong:
        fields.report.wrong(wrong)
    return tuple(found)


# --- names --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _First:
    """The first rule of a name: what others are told apart from."""

    marks: frozenset[tuple[str, str]]
    place: Place


def _told_apart(groups: tuple[WrittenGroup, ...], report: Report) -> tuple[WrittenGroup, ...]:
    """Give the groups with names that are unique: Prometheus lets rules of one name differ by their labels."""
    seen: dict[str, _First] = {}
    found: list[WrittenGroup] = []
    for written in groups:
        rules = tuple(_named(one, seen, report) for one in written.rules)
        found.append(
            replace(written, group=replace(written.group, rules=tuple(one.rule for one in rules)), rules=rules)
        )
    return tuple(found)


def _named(one: Written, seen: dict[str, _First], report: Report) -> Written:
    marks = frozenset((*one.rule.labels, ("tier", one.rule.tiers[0].tier.value)))
    first = seen.setdefault(one.rule.alert, _First(marks, one.rule.place))
    own = sorted(marks - first.marks)
    if not own:
        return one
    marked = ", ".join(f'{label}="{value}"' for label, value in own)
    alert = f"{one.rule.alert}{{{marked}}}"
    message = f"the alert `{one.rule.alert}` stands twice: this one is called `{alert}`"
    report.remark(find(one.node, "alert"), "renamed", message, f"the first one stands at {first.place}")
    return replace(one, rule=replace(one.rule, alert=alert))
