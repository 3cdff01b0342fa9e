"""What differs between two rules, in words: "prepare above 2 % -> 1 %". Pure formatting."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from typing import Any

from monitor.core.model import Tier
from monitor.core.rules.changewords import (
    comings,
    duration,
    labels_words,
    matchers_words,
    part_words,
    share,
    value_words,
)
from monitor.core.rules.rule import Override, Requires, Rule, TierRule
from monitor.core.rules.ruledifference import differences
from monitor.core.rules.signal import Baseline, ErrorRatio, Signal, Unit, unit_of

LIMITS = frozenset({"above", "below", "clear"})


def rule_words(old: Rule, new: Rule) -> tuple[str, ...]:
    """Give what differs between two rules, a few words each, in the order in which the rule is written.

    What follows from another difference is not told again: the windows of tiers that are the signal's, failures that
    are matchers added to other requests, and what overrides take from the rule.
    """
    paths = [path for path in differences(old, new) if path != "renamed_from"]
    told = tuple(words for path in paths if not _follows(old, new, path) for words in _words(old, new, path) if words)
    return told or tuple(f"{path} changed" for path in paths)


def _follows(old: Rule, new: Rule, path: str) -> bool:
    part, _, name = path.partition(".")
    if path == "signal.failures" and isinstance(old.signal, ErrorRatio) and isinstance(new.signal, ErrorRatio):
        return _added(old.signal) == _added(new.signal) is not None
    if part in {Tier.PREPARE, Tier.ROLLBACK} and name == "window":
        before, after = tier_of(old.tiers, Tier(part)), tier_of(new.tiers, Tier(part))
        windows = before.window if before else None, after.window if after else None
        return windows == (getattr(old.signal, "window", 0), getattr(new.signal, "window", 0))
    return False


def _added(signal: ErrorRatio) -> str | None:
    """Give the matchers of the failures that are added to those of the requests; None where they are no such."""
    stem = signal.requests.removesuffix("}")
    return signal.failures[len(stem) :].lstrip("{,") if signal.failures.startswith(stem) else None


def _words(old: Rule, new: Rule, path: str) -> Iterable[str]:
    part, _, name = path.partition(".")
    if path == "alert":
        return (f"renamed from {old.alert}",)
    if path == "signal":
        return (f"signal {_kind(old.signal)} -> {_kind(new.signal)}",)
    if path == "overrides":
        return _override_words(old, new)
    if path == "requires":
        return _requires_words(old.requires, new.requires)
    if path == "expect":
        labels = [{labels_words(one): one for one in rule.expect} for rule in (old, new)]
        return comings("expected instance", *labels)
    if part == "signal":
        return _signal_words(name, getattr(old.signal, name), getattr(new.signal, name))
    if part in {Tier.PREPARE, Tier.ROLLBACK}:
        before, after = tier_of(old.tiers, Tier(part)), tier_of(new.tiers, Tier(part))
        return _tier_words(part, before, after, name, unit_of(new.signal))
    return (value_words(path, getattr(old, path), getattr(new, path)),)


def _signal_words(name: str, before: object, after: object) -> Iterable[str]:
    if isinstance(before, Baseline) and isinstance(after, Baseline):
        return tuple(f"signal baseline {words}" for words in part_words(before, after))
    return (f"signal {value_words(name, before, after)}",)


def tier_of(tiers: Iterable[TierRule], tier: Tier) -> TierRule | None:
    """Give one of `tiers`, or None."""
    return next((one for one in tiers if one.tier is tier), None)


def _tier_words(tier: str, before: TierRule | None, after: TierRule | None, name: str, unit: Unit) -> Iterable[str]:
    """Give what differs in one field of a tier (`name` as people write it), or that the tier comes or goes."""
    if before is None or after is None:
        comes = f"comes: {_limit_words(after, unit)}" if after else "goes"
        return (f"{tier} {comes}",)
    if name == "guards":
        return (f"{tier} {', '.join(part_words(before.guards, after.guards))}",)
    field = {"for": "hold"}.get(name, name)
    show = _limit(unit) if name in LIMITS else None
    return (f"{tier} {value_words(name, getattr(before, field), getattr(after, field), show)}",)


def _limit_words(tier: TierRule, unit: Unit) -> str:
    side = "above" if tier.above is not None else "below"
    limit = f"{side} {_limit(unit)(tier.limit)}, " if tier.limit is not None else ""
    return f"{limit}for {duration(tier.hold)}"


def _limit(unit: Unit) -> Callable[[Any], str]:
    """Limits are shown as they are written: as per cent where the signal is a share."""
    return lambda value: "none" if value is None else f"{value:g}" if unit is Unit.NUMBER else share(value)


def _kind(signal: Signal) -> str:
    """Give the kind of a signal as it is written: ErrorRatio is error_ratio."""
    name = type(signal).__name__
    return "".join(f"_{one.lower()}" if one.isupper() else one for one in name).lstrip("_")


def _requires_words(before: Requires | None, after: Requires | None) -> Iterable[str]:
    if before is None or after is None:
        comes = f"requires comes: {after.expr}" if after is not None else "requires goes"
        return (comes,)
    return tuple(f"requires {words}" for words in part_words(before, after))


# --- overrides --------------------------------------------------------------------------------------------------------


def _override_words(old: Rule, new: Rule) -> Iterable[str]:
    """Give what comes, goes and differs; a difference that the tiers of the rule itself have is theirs."""
    olds, news = _by_matchers(old), _by_matchers(new)
    yield from comings("override", olds, news)
    for name in (one for one in news if one in olds):
        yield from (f"override {name} {words}" for words in _own_words(old, new, olds[name], news[name]))
    if [one for one in olds if one in news] != [one for one in news if one in olds]:
        yield "overrides in another order"


def _by_matchers(rule: Rule) -> Mapping[str, Override]:
    return {matchers_words(one.matchers): one for one in rule.overrides}


def _own_words(old: Rule, new: Rule, before: Override, after: Override) -> Iterable[str]:
    for tier in (Tier.PREPARE, Tier.ROLLBACK):
        sides = tier_of(before.tiers, tier), tier_of(after.tiers, tier)
        of_rule = tier_of(old.tiers, tier), tier_of(new.tiers, tier)
        for name in _tier_fields(*sides):
            if _sides(sides, name) != _sides(of_rule, name):
                yield from _tier_words(tier, *sides, {"hold": "for"}.get(name, name), unit_of(new.signal))


def _tier_fields(before: TierRule | None, after: TierRule | None) -> tuple[str, ...]:
    """Give the fields in which two tiers differ; "tier" where only one is there."""
    if before is None or after is None:
        return () if before is after else ("tier",)
    return tuple(one.name for one in fields(before) if getattr(before, one.name) != getattr(after, one.name))


def _sides(tiers: tuple[TierRule | None, TierRule | None], name: str) -> tuple[object, object]:
    before, after = (getattr(one, name) if one is not None else None for one in tiers)
    return before, after
