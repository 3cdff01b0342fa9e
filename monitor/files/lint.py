"""What can be read and will still not do what it says: each check of a rule or group, one function each.

Only what can be told without data stands here. Errors are contradictions; warnings are traps.
"""

from dataclasses import dataclass, field, replace

from monitor.core.model import Tier
from monitor.core.rules.rule import Group, Place, Rule, TierRule
from monitor.core.rules.signal import Availability, Count, ErrorRatio, Query
from monitor.files.expressions import filters_of, kept_labels
from monitor.files.fields import Fields
from monitor.files.nodes import Mapping, find
from monitor.files.tiers import WrittenOverride

_PASSING = frozenset(
    {
        "pod", "pod_name", "pod_ip", "kubernetes_pod_name", "container", "container_id", "container_name", "replica",
        "replicaset", "pod_template_hash", "version", "image", "image_id", "image_tag", "release", "revision", "commit",
    }
)  # fmt: skip
"""Labels whose values change with each deploy."""


@dataclass(frozen=True, slots=True)
class _Desk:
    """Where a rule's findings go: each once, at what a person wrote.

    Under an override that is the override's own text (`own`), and what was said of the rule is not said again.
    """

    fields: Fields
    own: Mapping | None = None
    said: set[tuple[str, str]] = field(default_factory=set)

    def at(self, *path: str) -> Place:
        return self.fields.at(*path) if self.own is None else find(self.own, *path)

    def stands(self, *path: str) -> bool:
        """Whether a person wrote something at `path`, right or wrong."""
        return any(find(node, *path) != find(node, *path[:-1]) for node in (self.fields.node, self.own) if node)

    def in_signal(self, key: str) -> Place:
        """Give the place of `key` in the signal, whatever kind it is."""
        signal = self.fields.node.get("signal")
        kind = signal.items[0][0].text if isinstance(signal, Mapping) and signal.items else ""
        return self.fields.at("signal", kind, key)

    def error(self, place: Place, code: str, message: str, hint: str = "") -> None:
        if (code, message) not in self.said:
            self.fields.report.error(place, code, message, hint)
        self.said.add((code, message))

    def warning(self, place: Place, code: str, message: str, hint: str = "") -> None:
        if (code, message) not in self.said:
            self.fields.report.warning(place, code, message, hint)
        self.said.add((code, message))


def lint_group(group: Group, fields: Fields) -> None:
    """Check what a group says about time."""
    if group.blind_after < 2 * group.interval:
        message = f"blind after {group.blind_after}s is less than two intervals of {group.interval}s"
        fields.report.error(fields.at("blind_after"), "blind-after", message, f"write {4 * group.interval}s or more")
    if group.max_catch_up < group.interval:
        message = f"`max_catch_up` of {group.max_catch_up}s is less than an interval of {group.interval}s"
        fields.report.error(fields.at("max_catch_up"), "catch-up-short", message, "write 1h")


def lint_rule(rule: Rule, group: Group, fields: Fields, overrides: tuple[WrittenOverride, ...]) -> None:
    """Check one rule, and it again under each of its overrides."""
    desk = _Desk(fields)
    _tiers(rule, group, desk)
    for one in overrides:
        under = replace(rule, tiers=one.override.tiers, overrides=())
        _tiers(under, group, _Desk(fields, one.own, set(desk.said)))
    _by(rule, desk)
    if isinstance(rule.signal, Query):
        _query(rule.signal, desk)
    if rule.requires is not None:
        _requires(rule.requires.expr, desk)
    if rule.renamed_from and rule.renamed_from == rule.alert:
        desk.error(desk.at("renamed_from"), "renamed", "a rule is not renamed from its own name", "leave it out")


def _tiers(rule: Rule, group: Group, desk: _Desk) -> None:
    for tier in rule.tiers:
        _reachable(rule, tier, desk)
        _clear_side(tier, desk)
        _hold(tier, group, desk)
        _window(tier, group, desk)
        _proof(rule, tier, desk)
    _milder(rule, desk)


def _reachable(rule: Rule, tier: TierRule, desk: _Desk) -> None:
    """A share is never above 100 % nor below 0, and events are never fewer than none."""
    share = isinstance(rule.signal, ErrorRatio | Availability)
    if share and tier.above == 1:
        desk.error(desk.at(tier.tier, "above"), "never", "a share is never above 100 %", "write less")
    if share and tier.below == 0:
        desk.error(desk.at(tier.tier, "below"), "never", "a share is never below 0", "write more")
    if isinstance(rule.signal, Count) and tier.below is not None and tier.below <= 0:
        desk.error(desk.at(tier.tier, "below"), "never", "a count is never below 0", "write more")
    if isinstance(rule.signal, Count) and tier.above is not None and tier.above < 0:
        desk.error(desk.at(tier.tier, "above"), "always", "a count is always above that", "write 0 or more")


def _clear_side(tier: TierRule, desk: _Desk) -> None:
    if tier.clear is None:
        return
    place = desk.at(tier.tier, "clear")
    if tier.above is not None and tier.clear > tier.above:
        message = f"`clear` is over `above`{_under(desk)}: it would be clear and breaching at once"
        desk.error(place, "clear-side", message, "`clear` is not more than `above`")
    if tier.below is not None and tier.clear < tier.below:
        message = f"`clear` is under `below`{_under(desk)}: it would be clear and breaching at once"
        desk.error(place, "clear-side", message, "`clear` is not less than `below`")


def _under(desk: _Desk) -> str:
    return "" if desk.own is None else " under this override"


def _hold(tier: TierRule, group: Group, desk: _Desk) -> None:
    if 0 < tier.hold < group.interval:
        message = f"`for: {tier.hold}s` is shorter than the group's interval of {group.interval}s"
        desk.error(desk.at(tier.tier, "for"), "for-short", message, f"write 0s, or {group.interval}s and more")


def _window(tier: TierRule, group: Group, desk: _Desk) -> None:
    """A window lengthens what it sees: a short fault breaches for as long as the window looks back at it."""
    if tier.hold >= group.interval and tier.window * 2 >= tier.hold:
        written = desk.fields.node.get(tier.tier)
        own = desk.own is not None or (isinstance(written, Mapping) and written.get("window") is not None)
        place = desk.at(tier.tier, "window") if own else desk.in_signal("window")
        message = (
            f"a window of {tier.window}s is half of `for` ({tier.hold}s) or more: a short spike could hold that long"
        )
        desk.warning(place, "window-long", message, f"a window under {(tier.hold + 1) // 2}s, or a longer `for`")


def _proof(rule: Rule, tier: TierRule, desk: _Desk) -> None:
    """A ratio of few requests jumps: at once and without proof, one reading of bad luck rolls back."""
    if (
        tier.tier is Tier.ROLLBACK
        and isinstance(rule.signal, ErrorRatio)
        and tier.above is not None
        and tier.hold == 0
        and tier.confidence is None
        and not desk.stands(tier.tier, "confidence")
    ):
        message = "a ratio that rolls back with `for: 0s` and no `confidence`: a few unlucky requests are enough"
        desk.warning(desk.at(tier.tier), "no-proof", message, "add confidence: 99%, or a `for`")


def _milder(rule: Rule, desk: _Desk) -> None:
    tiers = {tier.tier: tier for tier in rule.tiers}
    prepare, rollback = tiers.get(Tier.PREPARE), tiers.get(Tier.ROLLBACK)
    if prepare is None or rollback is None or prepare.limit is None or rollback.limit is None:
        return
    if (prepare.above is None) != (rollback.above is None):
        message = "`prepare` and `rollback` look to different sides (`above`, `below`)"
        desk.error(desk.at("rollback"), "milder", message, "use the same side in both")
        return
    milder = rollback.limit < prepare.limit if rollback.above is not None else rollback.limit > prepare.limit
    if milder:
        side = "above" if rollback.above is not None else "below"
        message = f"`rollback` has a milder limit than `prepare`{_under(desk)}: it would be called first"
        desk.error(desk.at("rollback", side), "milder", message)


def _by(rule: Rule, desk: _Desk) -> None:
    for label in rule.signal.by:
        if label in _PASSING or (label == "instance" and _PASSING & set(rule.signal.by)):
            message = f"`{label}` changes with each deploy: every deploy makes new alerts and forgets the old ones"
            hint = "tell instances apart by what stays: job, service, route"
            desk.warning(desk.in_signal("by"), "by-passing", message, hint)


def _query(query: Query, desk: _Desk) -> None:
    place = desk.at("signal", "query", "expr")
    filters = filters_of(query.expr)
    if filters and query.absent is None:
        message = f"{_listed(filters)} drops samples: while all is well the answer is empty, and that reads as no data"
        hint = "compare with `above` or `below` in the tier; a second condition stands in `requires`; or `absent: 0`"
        desk.warning(place, "query-filter", message, hint)
    kept = kept_labels(query.expr)
    for label in query.by if kept is not None else ():
        if label not in (kept or ()):
            message = f"the expression does not keep the label `{label}`"
            desk.error(desk.at("signal", "query", "by"), "by-lost", message, "aggregate `by` it too")
    if kept and query.by and set(kept) - set(query.by):
        lost = ", ".join(label for label in kept if label not in query.by)
        message = f"the expression is told apart by `{lost}`, and `by` is not: samples would fall into one instance"
        desk.warning(place, "by-mixed", message, f"write by: [{', '.join(kept)}]")


def _requires(expr: str, desk: _Desk) -> None:
    if filters := filters_of(expr):
        message = f"{_listed(filters)} drops samples: an empty condition reads as no data, not as unmet"
        hint = "compare with `above` or `below` beside `expr`"
        desk.warning(desk.at("requires", "expr"), "requires-filter", message, hint)


def _listed(operators: tuple[str, ...]) -> str:
    return ", ".join(f"`{operator}`" for operator in operators)
