"""What differs between two rules, in words: "prepare above 2 % -> 1 %". Pure formatting."""

from collections.abc import Callable
from typing import Any

from monitor.core.model import Tier
from monitor.core.rule import Guards, Rule, Signal, TierRule, Unit, unit_of
from monitor.core.ruledifference import differences
from monitor.core.words import percent, shortened

LONGEST = 60
"""Characters of a text that are shown of each side."""

DURATIONS = frozenset(
    {
        "for",
        "window",
        "keep_firing_for",
        "gap_tolerance",
        "after_deploy",
        "interval",
        "query_offset",
        "blind_after",
        "max_catch_up",
        "reopen_within",
        "lookback",
        "proven",
    }
)
LIMITS = frozenset({"above", "below", "clear"})
LONG = frozenset(
    {
        "labels", "annotations", "links", "overrides", "requires", "expect", "baseline", "versions", "escalation",
        "maintenance", "routes", "shadow_report",
    }
)  # fmt: skip
"""What is only said to have changed: in full it would hide the rest."""


def rule_words(old: Rule, new: Rule) -> tuple[str, ...]:
    """Give what differs between two rules, a few words each, in the order in which the rule is written."""
    words = (_words(old, new, path) for path in differences(old, new) if path != "renamed_from")
    of_signal = f"signal {_window(old, new)}"
    return tuple(one for one in words if one == of_signal or not one.endswith(_window(old, new)))


def _window(old: Rule, new: Rule) -> str:
    """A tier without a window of its own has the signal's, and its change is the signal's."""
    return value_words("window", getattr(old.signal, "window", None), getattr(new.signal, "window", None))


def _words(old: Rule, new: Rule, path: str) -> str:
    part, _, name = path.partition(".")
    if path == "alert":
        return f"renamed from {old.alert}"
    if path == "signal":
        return f"signal {_kind(old.signal)} -> {_kind(new.signal)}"
    if part == "signal":
        return f"signal {value_words(name, getattr(old.signal, name), getattr(new.signal, name))}"
    if part in {Tier.PREPARE, Tier.ROLLBACK}:
        return _tier_words(old, new, Tier(part), name)
    return value_words(path, getattr(old, path), getattr(new, path))


def _tier_words(old: Rule, new: Rule, tier: Tier, name: str) -> str:
    before, after = _tier(old, tier), _tier(new, tier)
    if before is None or after is None:
        comes = f"comes: {_limit_words(after, unit_of(new.signal))}" if after else "goes"
        return f"{tier} {comes}"
    field = {"for": "hold"}.get(name, name)
    show = _limit(unit_of(new.signal)) if name in LIMITS else None
    return f"{tier} {value_words(name, getattr(before, field), getattr(after, field), show)}"


def _tier(rule: Rule, tier: Tier) -> TierRule | None:
    return next((one for one in rule.tiers if one.tier is tier), None)


def _limit_words(tier: TierRule, unit: Unit) -> str:
    side = "above" if tier.above is not None else "below"
    limit = f"{side} {_limit(unit)(tier.limit)}, " if tier.limit is not None else ""
    return f"{limit}for {duration(tier.hold)}"


def _limit(unit: Unit) -> Callable[[Any], str]:
    """Limits are shown as they are written: as per cent where the signal is a share."""
    return lambda value: "none" if value is None else f"{value:g}" if unit is Unit.NUMBER else percent(value)


def _kind(signal: Signal) -> str:
    """Give the kind of a signal as it is written: ErrorRatio is error_ratio."""
    name = type(signal).__name__
    return "".join(f"_{one.lower()}" if one.isupper() else one for one in name).lstrip("_")


def value_words(name: str, before: object, after: object, show: Callable[[Any], str] | None = None) -> str:
    """Give the change of one value, such as "interval 15s -> 30s"."""
    if name in LONG:
        return f"{name} changed"
    show = show or _shown(name)
    return f"{name} {show(before)} -> {show(after)}"


def _shown(name: str) -> Callable[[Any], str]:
    if name in DURATIONS:
        return duration
    return percent_or_none if name in {"confidence", "quantile"} else _plain


def percent_or_none(value: float | None) -> str:
    """Give a share as per cent, or none."""
    return "none" if value is None else percent(value)


def duration(seconds: int | None) -> str:
    """Give a length of time as it is written: 300 is 5m, 90 is 1m30s."""
    if not seconds:
        return "default" if seconds is None else "0s"
    parts, left = [], seconds
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, left = divmod(left, size)
        parts += [f"{count}{unit}"] if count else []
    return "".join(parts)


def _plain(value: object) -> str:
    match value:
        case None | () | "":
            return "none"
        case bool():
            return "yes" if value else "no"
        case Guards():
            return f"min_requests {value.min_requests:g}, min_failures {value.min_failures:g}"
        case tuple():
            return f"[{', '.join(str(one) for one in value)}]"
        case float():
            return f"{value:g}"
        case _:
            return shortened(" ".join(str(value).split()), LONGEST)
