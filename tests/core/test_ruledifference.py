"""What a changed rule means for its alerts, for every field that a rule has: kept, derived anew, or dropped."""

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import pytest

from monitor.core.model import Tier
from monitor.core.rules.rule import Guards, Matcher, MatchOp, NoData, Override, Place, Requires, Resolve, Rule, TierRule
from monitor.core.rules.ruledifference import OF_PART, OF_RULE, AtReload, changed, differences
from monitor.core.rules.signal import (
    Availability,
    Baseline,
    Condition,
    Count,
    ErrorRatio,
    Latency,
    Query,
    ReferenceKind,
    Signal,
    TimeUnit,
)

KEPT, REDERIVED, DROPPED = AtReload.KEPT, AtReload.REDERIVED, AtReload.DROPPED

PREPARE = TierRule(Tier.PREPARE, 0.02, None, 300, 0.01, 60, Guards(10, 1))
ROLLBACK = TierRule(Tier.ROLLBACK, 0.2, None, 0, None, 60, Guards(10, 1), 0.99)
RULE = Rule("A", ErrorRatio("r", "f", ("job", "route"), 60), (PREPARE, ROLLBACK), overrides=())

OF_A_RULE: list[tuple[str, Any, AtReload]] = [
    ("alert", "B", DROPPED),
    ("signal", Query("x", ("job", "route")), DROPPED),
    ("tiers", (ROLLBACK,), REDERIVED),
    ("service", "auth", KEPT),
    ("suspects", ("web",), KEPT),
    ("route_label", "handler", KEPT),
    ("keep_firing_for", 60, REDERIVED),
    ("no_data", NoData.BREACH, REDERIVED),
    ("resolve", Resolve.BY_PERSON, KEPT),
    ("optional", True, KEPT),
    ("gap_tolerance", 90, REDERIVED),
    ("requires", Requires("x", above=1), REDERIVED),
    ("overrides", (Override((Matcher("job", MatchOp.EQUAL, "auth"),), (PREPARE,)),), REDERIVED),
    ("expect", ((("job", "auth"), ("route", "/")),), KEPT),
    ("after_deploy", 180, REDERIVED),
    ("shadow", True, KEPT),
    ("renamed_from", "Z", KEPT),
    ("labels", (("team", "a"),), KEPT),
    ("annotations", (("summary", "s"),), KEPT),
    ("links", (("runbook", "https://r.example"),), KEPT),
    ("procedure", "other", KEPT),
    ("place", Place("other.yaml", 7, 3), KEPT),
]


@pytest.mark.parametrize(("field", "value", "expected"), OF_A_RULE, ids=[row[0] for row in OF_A_RULE])
def test_a_field_of_a_rule_changes(field: str, value: object, expected: AtReload) -> None:
    assert changed(RULE, replace(RULE, **{field: value})) is expected  # type: ignore[arg-type]


def test_every_field_of_a_rule_has_its_row() -> None:
    named = [one.name for one in fields(Rule)]
    assert [row[0] for row in OF_A_RULE] == named == list(OF_RULE)


PARTS: list[tuple[Signal, dict[str, tuple[Any, AtReload]]]] = [
    (
        ErrorRatio("r", "f", ("job",), 60),
        {"requests": ("q", REDERIVED), "failures": ("g", REDERIVED), "by": ((), DROPPED), "window": (90, REDERIVED)},
    ),
    (
        Latency("h", 0.95, ("job",), 60, Baseline()),
        {
            "histogram": ("i", REDERIVED),
            "unit": (TimeUnit.MILLISECONDS, REDERIVED),
            "quantile": (0.99, REDERIVED),
            "by": (("job", "route"), DROPPED),
            "window": (90, REDERIVED),
            "baseline": (Baseline((ReferenceKind.TRAILING,)), REDERIVED),
        },
    ),
    (
        Availability("up", ("job",), 60),
        {"probe": ("u", REDERIVED), "by": (("instance",), DROPPED), "window": (90, REDERIVED)},
    ),
    (Query("x", ("job",)), {"expr": ("y", REDERIVED), "by": ((), DROPPED), "absent": (0.0, REDERIVED)}),
    (
        Count("c", ("job",), 60, "up"),
        {"counter": ("d", REDERIVED), "by": ((), DROPPED), "window": (90, REDERIVED), "alive": ("w", REDERIVED)},
    ),
    (Condition("absent(x)", ("job",)), {"expr": ("absent(y)", REDERIVED), "by": ((), DROPPED)}),
]


def rows() -> Iterator[tuple[Signal, str, Any, AtReload]]:
    for signal, table in PARTS:
        for field, (value, expected) in table.items():
            yield signal, field, value, expected


ROWS = list(rows())


@pytest.mark.parametrize(
    ("signal", "field", "value", "expected"), ROWS, ids=[f"{type(row[0]).__name__}.{row[1]}" for row in ROWS]
)
def test_a_field_of_a_signal_changes(signal: Signal, field: str, value: object, expected: AtReload) -> None:
    old = replace(RULE, signal=signal)
    new = replace(RULE, signal=replace(signal, **{field: value}))  # type: ignore[arg-type]
    assert differences(old, new) == {f"signal.{field}": expected}


OF_A_TIER: dict[str, tuple[Any, str]] = {
    "above": (0.3, "rollback.above"),
    "below": (0.3, "rollback.below"),
    "hold": (30, "rollback.for"),
    "clear": (0.1, "rollback.clear"),
    "window": (90, "rollback.window"),
    "guards": (Guards(10, 2), "rollback.guards"),
    "confidence": (None, "rollback.confidence"),
}


@pytest.mark.parametrize("field", OF_A_TIER)
def test_a_field_of_a_tier_changes(field: str) -> None:
    value, name = OF_A_TIER[field]
    new = replace(RULE, tiers=(PREPARE, replace(ROLLBACK, **{field: value})))
    assert differences(RULE, new) == {name: REDERIVED}


def test_every_field_of_a_part_is_classified() -> None:
    for part, table in OF_PART.items():
        assert {one.name for one in fields(part)} == set(table), part.__name__
    assert {type(signal) for signal, _ in PARTS} == set(Signal.__args__) <= set(OF_PART)
    for signal, rows_of_it in PARTS:
        assert {one.name for one in fields(signal)} == set(rows_of_it), type(signal).__name__
    assert {one.name for one in fields(TierRule)} == {"tier", *OF_A_TIER}


def test_nothing_has_changed() -> None:
    assert differences(RULE, replace(RULE, place=Place("moved.yaml", 2, 2))) == {}
    assert changed(RULE, RULE) is KEPT


def test_the_order_of_by_tells_nothing_apart() -> None:
    turned = replace(RULE, signal=ErrorRatio("r", "f", ("route", "job"), 60))
    assert differences(RULE, turned) == {}


def test_a_rename_keeps() -> None:
    assert changed(RULE, replace(RULE, alert="B", renamed_from="A")) is KEPT
    assert changed(RULE, replace(RULE, alert="B", renamed_from="C")) is DROPPED


def test_the_gravest_difference_counts() -> None:
    new = replace(RULE, labels=(("team", "a"),), tiers=(replace(PREPARE, hold=60), ROLLBACK))
    assert differences(RULE, new) == {"labels": KEPT, "prepare.for": REDERIVED}
    assert changed(RULE, new) is REDERIVED
    assert changed(RULE, replace(new, signal=Query("x", ()))) is DROPPED


def test_a_tier_comes_or_goes() -> None:
    alone = replace(RULE, tiers=(PREPARE,))
    assert differences(RULE, alone) == differences(alone, RULE) == {"rollback": REDERIVED}


def test_an_override_that_fits_everything_hides_no_change() -> None:
    wide = Override((Matcher("job", MatchOp.NOT_EQUAL, "x"),), ())
    old = replace(RULE, overrides=(wide,))
    assert differences(old, replace(old, tiers=(PREPARE,))) == {"rollback": REDERIVED}
