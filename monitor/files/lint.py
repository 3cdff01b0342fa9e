"""What can be read and will still not do what it says: each check of a rule or group, one function each.

Only what can be told without data stands here. Errors are contradictions; warnings are traps.
"""

from monitor.core.model import Tier
from monitor.core.rule import Availability, ErrorRatio, Group, Latency, Place, Query, Rule, TierRule
from monitor.files.expressions import filters_of, kept_labels
from monitor.files.fields import Fields
from monitor.files.nodes import Mapping

_PASSING = frozenset(
    {
        "pod", "pod_name", "pod_ip", "kubernetes_pod_name", "container", "container_id", "container_name", "replica",
        "replicaset", "pod_template_hash", "version", "image", "image_id", "image_tag", "release", "revision", "commit",
    }
)  # fmt: skip
"""Labels whose values change with each deploy."""


def lint_group(group: Group, fields: Fields) -> None:
    """Check what a group says about time."""
    if group.blind_after < 2 * group.interval:
        message = f"blind after {group.blind_after}s is less than two intervals of {group.interval}s"
        fields.report.error(fields.at("blind_after"), "blind-after", message, f"write {4 * group.interval}s or more")


def lint_rule(rule: Rule, group: Group, fields: Fields) -> None:
    """Check one rule."""
    for tier in rule.tiers:
        _reachable(rule, tier, fields)
        _clear_side(tier, fields)
        _hold(tier, group, fields)
        _window(tier, group, fields)
    _milder(rule, fields)
    _by(rule, fields)
    if isinstance(rule.signal, Query):
        _query(rule.signal, fields)


def _reachable(rule: Rule, tier: TierRule, fields: Fields) -> None:
    """A share is never above 100 % nor below 0."""
    share = isinstance(rule.signal, ErrorRatio | Availability)
    if share and tier.above == 1:
        fields.report.error(fields.at(tier.tier, "above"), "never", "a share is never above 100 %", "write less")
    if tier.below == 0 and not isinstance(rule.signal, Query | Latency):
        fields.report.error(fields.at(tier.tier, "below"), "never", "a share is never below 0", "write more")


def _clear_side(tier: TierRule, fields: Fields) -> None:
    if tier.clear is None:
        return
    place = fields.at(tier.tier, "clear")
    if tier.above is not None and tier.clear > tier.above:
        message = "`clear` is over `above`: it would be clear and breaching at once"
        fields.report.error(place, "clear-side", message, "`clear` is not more than `above`")
    if tier.below is not None and tier.clear < tier.below:
        message = "`clear` is under `below`: it would be clear and breaching at once"
        fields.report.error(place, "clear-side", message, "`clear` is not less than `below`")


def _hold(tier: TierRule, group: Group, fields: Fields) -> None:
    if 0 < tier.hold < group.interval:
        message = f"`for: {tier.hold}s` is shorter than the group's interval of {group.interval}s"
        fields.report.error(
            fields.at(tier.tier, "for"), "for-short", message, f"write 0s, or {group.interval}s and more"
        )


def _window(tier: TierRule, group: Group, fields: Fields) -> None:
    """A window lengthens what it sees: a short fault breaches for as long as the window looks back at it."""
    if tier.hold >= group.interval and tier.window * 2 >= tier.hold:
        own = isinstance(tier_node := fields.node.get(tier.tier), Mapping) and tier_node.get("window") is not None
        place = fields.at(tier.tier, "window") if own else _in_signal(fields, "window")
        message = (
            f"a window of {tier.window}s is half of `for` ({tier.hold}s) or more: a short spike could hold that long"
        )
        fields.report.warning(
            place, "window-long", message, f"a window under {(tier.hold + 1) // 2}s, or a longer `for`"
        )


def _in_signal(fields: Fields, key: str) -> Place:
    """Give the place of `key` in the signal, whatever kind it is."""
    signal = fields.node.get("signal")
    kind = signal.items[0][0].text if isinstance(signal, Mapping) and signal.items else ""
    return fields.at("signal", kind, key)


def _milder(rule: Rule, fields: Fields) -> None:
    prepare, rollback = rule.tier(Tier.PREPARE), rule.tier(Tier.ROLLBACK)
    if prepare is None or rollback is None or prepare.limit is None or rollback.limit is None:
        return
    if (prepare.above is None) != (rollback.above is None):
        message = "`prepare` and `rollback` look to different sides (`above`, `below`)"
        fields.report.error(fields.at("rollback"), "milder", message, "use the same side in both")
        return
    milder = rollback.limit < prepare.limit if rollback.above is not None else rollback.limit > prepare.limit
    if milder:
        message = "`rollback` has a milder limit than `prepare`: it would be called first"
        fields.report.error(
            fields.at("rollback", "above" if rollback.above is not None else "below"), "milder", message
        )


def _by(rule: Rule, fields: Fields) -> None:
    for label in rule.signal.by:
        if label in _PASSING or (label == "instance" and _PASSING & set(rule.signal.by)):
            message = f"`{label}` changes with each deploy: every deploy makes new alerts and forgets the old ones"
            hint = "tell instances apart by what stays: job, service, route"
            fields.report.warning(_in_signal(fields, "by"), "by-passing", message, hint)


def _query(query: Query, fields: Fields) -> None:
    place = fields.at("signal", "query", "expr")
    filters = filters_of(query.expr)
    if filters and query.absent is None:
        listed = ", ".join(f"`{operator}`" for operator in filters)
        message = f"{listed} drops samples: while all is well the answer is empty, and that reads as no data"
        hint = "compare with `above` or `below` in the tier, or give `absent: 0`"
        fields.report.warning(place, "query-filter", message, hint)
    kept = kept_labels(query.expr)
    for label in query.by if kept is not None else ():
        if label not in (kept or ()):
            message = f"the expression does not keep the label `{label}`"
            fields.report.error(fields.at("signal", "query", "by"), "by-lost", message, "aggregate `by` it too")
    if kept and query.by and set(kept) - set(query.by):
        lost = ", ".join(label for label in kept if label not in query.by)
        message = f"the expression is told apart by `{lost}`, and `by` is not: samples would fall into one instance"
        fields.report.warning(place, "by-mixed", message, f"write by: [{', '.join(kept)}]")
