"""What a changed rule means for the alerts that it already has: kept, derived anew from history, or dropped.

Pure: two rules in, an answer out. What to do about it, and the history itself, are the reload's.
"""

from collections.abc import Mapping
from dataclasses import fields
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from monitor.core.model import Tier
from monitor.core.rules.rule import Guards, Rule, TierRule
from monitor.core.rules.signal import Availability, Baseline, Condition, Count, ErrorRatio, Latency, Query, Signal


class AtReload(StrEnum):
    """What becomes of the state of a rule's alerts when something of the rule changes, the mildest first.

    `kept`: nothing that decides has changed. `rederived`: the state is folded anew from history under the new rule.
    `dropped`: the instances are others now; the old ones end and the new ones begin.
    """

    KEPT = "kept"
    REDERIVED = "rederived"
    DROPPED = "dropped"


_MILDEST_FIRST = tuple(AtReload)

OF_RULE: Mapping[str, AtReload] = MappingProxyType(
    {
        "alert": AtReload.DROPPED,  # unless `renamed_from` names the old one
        "signal": AtReload.DROPPED,  # another kind; of the same kind its fields decide
        "tiers": AtReload.REDERIVED,  # where one comes or goes; else its fields decide
        "service": AtReload.KEPT,
        "suspects": AtReload.KEPT,
        "route_label": AtReload.KEPT,
        "keep_firing_for": AtReload.REDERIVED,
        "no_data": AtReload.REDERIVED,
        "resolve": AtReload.KEPT,  # it says who ends what fires, not what fires
        "optional": AtReload.KEPT,
        "gap_tolerance": AtReload.REDERIVED,
        "requires": AtReload.REDERIVED,
        "overrides": AtReload.REDERIVED,
        "expect": AtReload.KEPT,
        "after_deploy": AtReload.REDERIVED,
        "shadow": AtReload.KEPT,
        "renamed_from": AtReload.KEPT,
        "labels": AtReload.KEPT,
        "annotations": AtReload.KEPT,
        "links": AtReload.KEPT,
        "procedure": AtReload.KEPT,
        "place": AtReload.KEPT,
    }
)
"""Every field of a rule."""


def _rederived(*names: str) -> Mapping[str, AtReload]:
    return MappingProxyType(dict.fromkeys(names, AtReload.REDERIVED))


OF_PART: Mapping[type, Mapping[str, AtReload]] = MappingProxyType(
    {
        ErrorRatio: {"by": AtReload.DROPPED, **_rederived("requests", "failures", "window")},
        Latency: {"by": AtReload.DROPPED, **_rederived("histogram", "unit", "quantile", "window", "baseline")},
        Availability: {"by": AtReload.DROPPED, **_rederived("probe", "window")},
        Query: {"by": AtReload.DROPPED, **_rederived("expr", "absent")},
        Count: {"by": AtReload.DROPPED, **_rederived("counter", "window", "alive")},
        Condition: {"by": AtReload.DROPPED, **_rederived("expr")},
        Baseline: _rederived("kinds", "fixed", "ceiling"),
        TierRule: _rederived("tier", "above", "below", "hold", "clear", "window", "guards", "confidence"),
        Guards: _rederived("min_requests", "min_failures"),
    }
)
"""Every field of the parts of a rule that are compared one by one."""

_WRITTEN = MappingProxyType({"hold": "for"})
"""Fields that people write under another name."""


def changed(old: Rule, new: Rule) -> AtReload:
    """Give what the change from `old` to `new` means for the state of the rule's alerts: the gravest difference."""
    return max(differences(old, new).values(), key=_MILDEST_FIRST.index, default=AtReload.KEPT)


def differences(old: Rule, new: Rule) -> dict[str, AtReload]:
    """Give every difference by the key as people write it (`signal.window`, `rollback.for`), with what it means."""
    found: dict[str, AtReload] = {}
    for name in _differing(old, new):
        if name == "alert" and new.renamed_from == old.alert:
            found[name] = AtReload.KEPT
        elif name == "signal":
            found |= _of_signals(old.signal, new.signal)
        elif name == "tiers":
            found |= _of_tiers(old, new)
        elif name != "place":
            found[name] = OF_RULE[name]
    return found


def _differing(old: object, new: object) -> tuple[str, ...]:
    """Give the names of the fields in which two values of one class differ."""
    names = (one.name for one in fields(old))  # type: ignore[arg-type]  # rules and their parts are dataclasses
    return tuple(name for name in names if _plain(name, old) != _plain(name, new))


def _plain(name: str, part: object) -> Any:  # noqa: ANN401  # a field may hold anything
    """Give a field as it is compared: the order of `by` tells nothing apart."""
    value = getattr(part, name)
    return tuple(sorted(value)) if name == "by" else value


def _of_signals(old: Signal, new: Signal) -> dict[str, AtReload]:
    if type(old) is not type(new):
        return {"signal": OF_RULE["signal"]}
    return {f"signal.{name}": OF_PART[type(old)][name] for name in _differing(old, new)}


def _of_tiers(old: Rule, new: Rule) -> dict[str, AtReload]:
    found: dict[str, AtReload] = {}
    olds, news = {one.tier: one for one in old.tiers}, {one.tier: one for one in new.tiers}
    for tier in (Tier.PREPARE, Tier.ROLLBACK):
        before, after = olds.get(tier), news.get(tier)
        if before is None or after is None:
            found |= {} if before is after else {tier.value: OF_RULE["tiers"]}
        else:
            names = _differing(before, after)
            found |= {f"{tier.value}.{_WRITTEN.get(name, name)}": OF_PART[TierRule][name] for name in names}
    return found
