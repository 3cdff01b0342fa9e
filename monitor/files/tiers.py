"""`prepare`, `rollback`, `guards` and `overrides` of a rule -> core tiers; an override is merged over the rule's nodes.

Whether limits make sense together is not known here: that is the lint's.
"""

from collections.abc import Callable
from dataclasses import dataclass

from monitor.core.model import Tier
from monitor.core.rules.rule import Guards, Matcher, Override, Place, TierRule
from monitor.core.rules.signal import Condition, ErrorRatio, Latency, Query, Signal, Unit, unit_of
from monitor.files import keys
from monitor.files.expressions import matchers
from monitor.files.fields import Fields
from monitor.files.findings import Report, nearest
from monitor.files.nodes import Mapping, Node, Scalar, Sequence, WrongError, find, merge
from monitor.files.scalars import duration, kind_of, number, positive_duration, threshold

_HOLD = {Tier.PREPARE: 300, Tier.ROLLBACK: 0}
"""How long a breach holds by default: the playbook's 5 minutes, and at once."""
_TIERS = (Tier.PREPARE, Tier.ROLLBACK)
_NOTHING = Mapping((), Place("", 1, 1))


@dataclass(frozen=True, slots=True)
class WrittenOverride:
    """An override with the mapping that a person wrote, and the rule's mapping as it reads with it."""

    override: Override
    own: Mapping
    merged: Mapping


def read_guards(node: Node, under: Guards, signal: Signal | None, report: Report) -> Guards:
    """Give the guards of one mapping over `under`; those that `signal` cannot count are errors."""
    fields = Fields(node, keys.GUARDS, report)
    counted = {"ErrorRatio": ("min_requests", "min_failures"), "Latency": ("min_requests",)}.get(
        type(signal).__name__, ()
    )
    for key, _ in fields.node.items:
        if signal is not None and key.text in keys.GUARDS.names() and key.text not in counted:
            message = f"`{key.text}` cannot be counted by this kind of signal"
            report.error(key.place, "value", message, "leave it out; put a condition on traffic into `requires`")
    return Guards(
        min_requests=fields.take("min_requests", number, under.min_requests),
        min_failures=fields.take("min_failures", number, under.min_failures),
    )


def read_tiers(fields: Fields, signal: Signal | None, guards: Guards) -> tuple[TierRule, ...]:
    """Give the tiers that stand in a rule's mapping."""
    found = (fields.take(which, _tier_reader(which, signal, guards, fields.report), None) for which in _TIERS)
    return tuple(tier for tier in found if tier is not None)


def _tier_reader(
    which: Tier, signal: Signal | None, guards: Guards, report: Report
) -> Callable[[Node], TierRule | None]:
    return lambda node: _tier(node, which, signal, guards, report)


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
        guards=fields.take("guards", lambda inner: read_guards(inner, guards, signal, report), guards),
        confidence=_confidence(fields, signal),
    )
    return tier if side and (above is not None or below is not None) else None


def _confidence(fields: Fields, signal: Signal | None) -> float | None:
    if fields.has("confidence") and signal is not None and not isinstance(signal, ErrorRatio | Latency):
        message = "`confidence` asks for a count of requests, and this kind of signal has none"
        fields.report.error(fields.at("confidence"), "value", message, "leave it out")
        return None
    return fields.take("confidence", _sure, None)


def _sure(node: Node) -> float:
    found = threshold(Unit.RATIO)(node)
    if not 0.5 <= found < 1:  # noqa: PLR2004  # below one half the bound would lie above the value
        raise WrongError(node.place, "a confidence stands between 50 % and 100 %", "write 99%")
    return found


# --- overrides ----------------------------------------------------------------------------------------------------


def read_overrides(rule: Fields, signal: Signal | None, by: tuple[str, ...] | None) -> tuple[WrittenOverride, ...]:
    """Give the overrides of a rule; `by` are the labels that its instances have (None: only the data can tell)."""
    found = rule.each("overrides", lambda node: _override(node, rule, signal, by), "[{matchers: [...], prepare: none}]")
    for index, one in enumerate(found):
        _check_reached(one, found[:index], rule.report)
    return found


def _override(node: Node, rule: Fields, signal: Signal | None, by: tuple[str, ...] | None) -> WrittenOverride | None:
    report = rule.report
    fields = Fields(node, keys.OVERRIDE, report)
    each = fields.each("matchers", lambda one: _matchers(one, by), "['job=\"auth\"']")
    fitting = tuple(matcher for some in each for matcher in some)
    if isinstance(listed := fields.node.get("matchers"), Sequence) and not listed.items:
        report.error(
            listed.place, "value", "without a matcher it fits every instance", "write them into the rule's tiers"
        )
    if fields.readable and not any(fields.has(name) for name in ("prepare", "rollback", "guards")):
        hint = "add prepare, rollback or guards; `prepare: none` switches a tier off"
        report.error(fields.place, "missing-key", "this override changes nothing", hint)
    merged = _merged(rule, fields)
    tiers = read_tiers(Fields(merged, keys.RULE, report), signal, Guards())
    return WrittenOverride(Override(fitting, tiers), fields.node, merged) if fitting else None


def _matchers(node: Node, by: tuple[str, ...] | None) -> tuple[Matcher, ...]:
    found = matchers(node)
    for matcher in found:
        if by is not None and matcher.label not in by:
            otherwise = f"it has {', '.join(by)}" if by else "the signal has no `by`: there is one instance"
            message = f"no instance has the label `{matcher.label}`"
            raise WrongError(node.place, message, nearest(matcher.label, by, otherwise), "matcher-label")
    return found


def _merged(rule: Fields, override: Fields) -> Mapping:
    """Give the rule's mapping as it reads under an override, without a tier that is switched off."""
    tiers = ((which, _merged_tier(rule, override, which)) for which in _TIERS)
    standing = {which.value: tier for which, tier in tiers if tier is not None}
    left = (pair for pair in rule.node.items if pair[0].text not in ("prepare", "rollback", "overrides", "guards"))
    added = ((_word(name, tier.place), tier) for name, tier in standing.items())
    return Mapping((*left, *added), rule.node.place)


def _merged_tier(rule: Fields, override: Fields, which: Tier) -> Mapping | None:
    base, over = rule.node.get(which), override.node.get(which)
    if isinstance(over, Scalar) and over.text == "none":
        return None
    if over is not None and not isinstance(over, Mapping):
        message = f"expected a tier or `none`, found {kind_of(over)}"
        override.report.error(over.place, "value", message, f"`{which.value}: none` switches it off")
        return None
    if over is None and not isinstance(base, Mapping):
        return None
    if over is not None and _turned(_mapping(base), over, override.report):
        return None
    tier = merge(base, over) if isinstance(base, Mapping) and over else over or _mapping(base)
    return _with_guards(tier, (rule.node, _mapping(base), override.node, _mapping(over)))


def _turned(base: Mapping, over: Mapping, report: Report) -> bool:
    """Whether an override looks to the other side than the rule; its other keys would mean something else then."""
    for ours, theirs in (("above", "below"), ("below", "above")):
        key = over.key(ours)
        if key is not None and over.get(theirs) is None and base.get(theirs) is not None:
            report.error(
                key.place, "value", f"the rule looks `{theirs}`, and this override `{ours}`", "use the same side"
            )
            return True
    return False


def _with_guards(tier: Mapping, layers: tuple[Mapping, ...]) -> Mapping:
    """Give `tier` with the guards of all `layers`, a later one over an earlier one."""
    guards = _NOTHING
    for layer in layers:
        if isinstance(inner := layer.get("guards"), Mapping):
            guards = merge(guards, inner)
    left = tuple(pair for pair in tier.items if pair[0].text != "guards" or not isinstance(pair[1], Mapping))
    return Mapping((*left, (_word("guards", guards.place), guards)) if guards.items else left, tier.place)


def _mapping(node: Node | None) -> Mapping:
    return node if isinstance(node, Mapping) else _NOTHING


def _word(text: str, place: Place) -> Scalar:
    return Scalar(text, plain=True, place=place)


def _check_reached(one: WrittenOverride, earlier: tuple[WrittenOverride, ...], report: Report) -> None:
    """The first override that fits wins: one that asks for more than an earlier one is never reached."""
    asked = set(one.override.matchers)
    if any(set(before.override.matchers) <= asked for before in earlier):
        message = "an earlier override fits wherever this one does, and the first that fits wins"
        report.warning(find(one.own, "matchers"), "override-hidden", message, "put the narrower one first")
