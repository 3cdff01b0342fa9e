"""Two rule sets in words: what became of each rule, what differs, and whose state a rule takes."""

from dataclasses import replace
from typing import Any

import pytest

from monitor.core.model import Tier
from monitor.core.procedures.procedure import Procedure, Step
from monitor.core.rules.comparison import Fate, compare
from monitor.core.rules.routing import Escalation, Maintenance, Pages, Route, Routing
from monitor.core.rules.rule import Group, Guards, Matcher, MatchOp, NoData, Override, Requires, Rule, TierRule
from monitor.core.rules.ruleset import RuleSet
from monitor.core.rules.service import Labelled, Releases, Service
from monitor.core.rules.signal import Baseline, ErrorRatio, Latency, Query

PREPARE = TierRule(Tier.PREPARE, 0.02, None, 300, 0.015, 60, Guards(50, 3))
ROLLBACK = TierRule(Tier.ROLLBACK, 0.25, None, 30, None, 60)
API = Rule("ApiErrors", ErrorRatio("http_requests_total", "failed", ("job",), 60), (PREPARE, ROLLBACK))
QUEUE = Rule("Queue", Query("queue_length", ()), (replace(PREPARE, above=1500, clear=None),))
GROUP = Group("apis", (API, QUEUE))
ROUTING = Routing("production", Route("C0OPS", ("S0ONCALL",)))
STEPS = Procedure("rollback", "Roll back", (Step("declare", "Declare"),))


def rule_set(*groups: Group, **changes: Any) -> RuleSet:  # noqa: ANN401  # any field
    rules = RuleSet(groups or (GROUP,), ROUTING, {"rollback": STEPS})
    return replace(rules, **changes)


def with_rule(*rules: Rule) -> RuleSet:
    return rule_set(Group("apis", rules))


def tiers(*changed: TierRule) -> Rule:
    return replace(API, tiers=changed)


SLOW = Latency("http_seconds", 0.95, ("job",), 60, Baseline())

WORDS: list[tuple[str, Rule]] = [
    ("ApiErrors: prepare above 2 % -> 1 %, state re-derived", tiers(replace(PREPARE, above=0.01), ROLLBACK)),
    ("ApiErrors: prepare for 5m -> 1m30s, state re-derived", tiers(replace(PREPARE, hold=90), ROLLBACK)),
    ("ApiErrors: prepare clear 1.5 % -> none, state re-derived", tiers(replace(PREPARE, clear=None), ROLLBACK)),
    (
        "ApiErrors: rollback min_requests 0 -> 9, min_failures 0 -> 5, state re-derived",
        tiers(PREPARE, replace(ROLLBACK, guards=Guards(9, 5))),
    ),
    (
        "ApiErrors: rollback confidence none -> 99 %, state re-derived",
        tiers(PREPARE, replace(ROLLBACK, confidence=0.99)),
    ),
    ("ApiErrors: rollback goes, state re-derived", tiers(PREPARE)),
    (
        "ApiErrors: signal window 1m -> 2m, state re-derived",
        replace(
            API,
            signal=ErrorRatio("http_requests_total", "failed", ("job",), 120),
            tiers=(replace(PREPARE, window=120), replace(ROLLBACK, window=120)),
        ),
    ),
    (
        "ApiErrors: signal by [job] -> [job, route], state dropped",
        replace(API, signal=ErrorRatio("http_requests_total", "failed", ("job", "route"), 60)),
    ),
    ("ApiErrors: signal error_ratio -> latency, state dropped", replace(API, signal=SLOW)),
    ("ApiErrors: no_data hold -> breach, state re-derived", replace(API, no_data=NoData.BREACH)),
    ("ApiErrors: keep_firing_for 0s -> 2m, state re-derived", replace(API, keep_firing_for=120)),
    ("ApiErrors: gap_tolerance default -> 2m, state re-derived", replace(API, gap_tolerance=120)),
    ("ApiErrors: requires comes: x, state re-derived", replace(API, requires=Requires("x", above=1))),
    ("ApiErrors: prepare above 2 % -> 2.04 %, state re-derived", tiers(replace(PREPARE, above=0.0204), ROLLBACK)),
    (
        "ApiErrors: rollback confidence none -> 99.9 %, state re-derived",
        tiers(PREPARE, replace(ROLLBACK, confidence=0.999)),
    ),
    ("ApiErrors: procedure rollback -> freeze, state kept", replace(API, procedure="freeze")),
    ("ApiErrors: suspects none -> [gateway, web], state kept", replace(API, suspects=("gateway", "web"))),
    ("ApiErrors: links runbook none -> https://w/x, state kept", replace(API, links=(("runbook", "https://w/x"),))),
    (
        'ApiErrors: expected instance {job="auth"} comes, state kept',
        replace(API, expect=((("job", "auth"),),)),
    ),
    ("ApiErrors: service none -> auth, state kept", replace(API, service="auth")),
    ("ApiErrors: labels team none -> a, state kept", replace(API, labels=(("team", "a"),))),
    ("ApiErrors: optional no -> yes, state kept", replace(API, optional=True)),
    (
        "ApiErrors: prepare above 2 % -> 1 %; annotations summary none -> s, state re-derived",
        replace(tiers(replace(PREPARE, above=0.01), ROLLBACK), annotations=(("summary", "s"),)),
    ),
    ("ApiErrors: shadow no -> yes, state dropped", replace(API, shadow=True)),
]


@pytest.mark.parametrize(("sentence", "new"), WORDS, ids=[row[0] for row in WORDS])
def test_a_changed_rule_in_words(sentence: str, new: Rule) -> None:
    assert compare(with_rule(API), with_rule(new)).sentences == (sentence,)


OVERRIDE = Override((Matcher("job", MatchOp.EQUAL, "b"),), (replace(PREPARE, above=0.05, clear=0.04), ROLLBACK))
EXCEPT = replace(API, overrides=(OVERRIDE,))
OTHER = Override((Matcher("job", MatchOp.MATCHES, "c|d"),), ())

EXCEPTIONS: list[tuple[str, Rule]] = [
    (
        'override {job="b"} prepare above 5 % -> 6 %',
        replace(EXCEPT, overrides=(replace(OVERRIDE, tiers=(replace(OVERRIDE.tiers[0], above=0.06), ROLLBACK)),)),
    ),
    ('override {job="b"} rollback goes', replace(EXCEPT, overrides=(replace(OVERRIDE, tiers=OVERRIDE.tiers[:1]),))),
    ('override {job=~"c|d"} comes', replace(EXCEPT, overrides=(OVERRIDE, OTHER))),
    ('override {job="b"} goes', API),
    (
        "prepare for 5m -> 10m",
        replace(
            EXCEPT,
            tiers=(replace(PREPARE, hold=600), ROLLBACK),
            overrides=(replace(OVERRIDE, tiers=(replace(OVERRIDE.tiers[0], hold=600), ROLLBACK)),),
        ),
    ),
    ("overrides changed", replace(EXCEPT, overrides=(OVERRIDE, OVERRIDE))),  # the second one never counts
]


@pytest.mark.parametrize(("words", "new"), EXCEPTIONS, ids=[row[0] for row in EXCEPTIONS])
def test_an_override_is_told_by_its_matchers_and_only_what_is_its_own(words: str, new: Rule) -> None:
    assert compare(with_rule(EXCEPT), with_rule(new)).sentences == (f"ApiErrors: {words}, state re-derived",)


def test_the_order_of_overrides_decides() -> None:
    one, other = replace(API, overrides=(OVERRIDE, OTHER)), replace(API, overrides=(OTHER, OVERRIDE))
    assert compare(with_rule(one), with_rule(other)).sentences == (
        "ApiErrors: overrides in another order, state re-derived",
    )


def test_matchers_of_failures_are_no_news_where_the_requests_are_others() -> None:
    old, new = (
        replace(API, signal=ErrorRatio(f'r{{job="{job}"}}', f'r{{job="{job}",code=~"5.."}}', ("job",), 60))
        for job in ("a", "c")
    )
    assert compare(with_rule(old), with_rule(new)).sentences == (
        'ApiErrors: signal requests r{job="a"} -> r{job="c"}, state re-derived',
    )


def test_long_texts_are_shown_where_they_part() -> None:
    old, new = (replace(QUEUE, signal=Query(f"sum(queue_length{{{'a' * 80}, {one}}})", ())) for one in ("x", "y"))
    (sentence,) = compare(with_rule(old), with_rule(new)).sentences
    assert sentence == "Queue: signal expr …aaaaaaaaaaaaa, x}) -> …aaaaaaaaaaaaa, y}), state re-derived"


def test_a_tier_that_comes_is_told_with_its_limit() -> None:
    (sentence,) = compare(with_rule(tiers(PREPARE)), with_rule(API)).sentences
    assert sentence == "ApiErrors: rollback comes: above 25 %, for 30s, state re-derived"


def test_a_number_is_no_share() -> None:
    new = replace(QUEUE, tiers=(replace(QUEUE.tiers[0], above=2000),))
    assert compare(with_rule(QUEUE), with_rule(new)).sentences == (
        "Queue: prepare above 1500 -> 2000, state re-derived",
    )


def test_a_long_expression_is_cut() -> None:
    (sentence,) = compare(with_rule(QUEUE), with_rule(replace(QUEUE, signal=Query("x" * 200, ())))).sentences
    assert len(sentence) < 140
    assert "queue_length -> xxxx" in sentence


def test_the_same_rules_have_nothing_to_tell() -> None:
    comparison = compare(rule_set(), rule_set())
    assert comparison.sentences == ()
    assert comparison.counts()[Fate.KEPT] == len(comparison.rules) == 2


# --- names ------------------------------------------------------------------------------------------------------------


def heirs(old: RuleSet, new: RuleSet) -> dict[str, tuple[str, Fate]]:
    return {one.alert: (one.before, one.fate) for one in compare(old, new).rules}


RENAMED = replace(API, alert="Apis", renamed_from="ApiErrors")
NAMES: list[tuple[str, RuleSet, RuleSet, dict[str, tuple[str, Fate]]]] = [
    ("a rename carries the state", with_rule(API), with_rule(RENAMED), {"Apis": ("ApiErrors", Fate.KEPT)}),
    ("it may stand for ever", with_rule(RENAMED), with_rule(RENAMED), {"Apis": ("Apis", Fate.KEPT)}),
    (
        "a rule that goes on keeps its own",
        with_rule(API),
        with_rule(API, RENAMED),
        {"ApiErrors": ("ApiErrors", Fate.KEPT), "Apis": ("", Fate.NEW)},
    ),
    (
        "of two claims the first counts",
        with_rule(API),
        with_rule(RENAMED, replace(RENAMED, alert="Other")),
        {"Apis": ("ApiErrors", Fate.KEPT), "Other": ("", Fate.NEW)},
    ),
    (
        "its own name counts before the other",
        with_rule(API, replace(API, alert="Apis")),
        with_rule(RENAMED),
        {"Apis": ("Apis", Fate.KEPT), "ApiErrors": ("ApiErrors", Fate.REMOVED)},
    ),
    (
        "without renamed_from it is another rule",
        with_rule(API),
        with_rule(replace(API, alert="Apis")),
        {"Apis": ("", Fate.NEW), "ApiErrors": ("ApiErrors", Fate.REMOVED)},
    ),
    (
        "a rename and a new threshold",
        with_rule(API),
        with_rule(replace(RENAMED, tiers=(PREPARE,))),
        {"Apis": ("ApiErrors", Fate.REDERIVED)},
    ),
]


@pytest.mark.parametrize(("old", "new", "expected"), [row[1:] for row in NAMES], ids=[row[0] for row in NAMES])
def test_whose_state_a_rule_takes(old: RuleSet, new: RuleSet, expected: dict[str, tuple[str, Fate]]) -> None:
    assert heirs(old, new) == expected


def test_names_in_words() -> None:
    assert compare(with_rule(API), with_rule(RENAMED)).sentences == ("Apis: renamed from ApiErrors, state kept",)
    assert compare(with_rule(API), with_rule(QUEUE)).sentences == (
        "Queue: new in group apis",
        "ApiErrors: removed from group apis",
    )


# --- the rest ---------------------------------------------------------------------------------------------------------


def test_groups_in_words() -> None:
    moved = rule_set(replace(GROUP, rules=(API,), interval=30), Group("billing", (QUEUE,)))
    assert compare(rule_set(), moved).sentences == (
        "Queue: moved from group apis to billing, state kept",
        "group apis: interval 15s -> 30s",
        "group billing: new",
    )
    assert compare(moved, rule_set()).rest == ("group apis: interval 30s -> 15s", "group billing: removed")


TEAM = (Matcher("team", MatchOp.EQUAL, "billing"),)
CLOSE = Maintenance("monthly-close", TEAM, 120, 240)
AUTH = Service("auth", Labelled("app_build_info", "version"))

REST: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    (
        {},
        {"routing": replace(ROUTING, escalation=Escalation(rollback_again=(60,), prepare_mention=None))},
        "routing: escalation rollback_again [2m, 4m] -> [1m]; prepare_mention 10m -> never",
    ),
    (
        {},
        {"routing": replace(ROUTING, routes=(Route("C9", matchers=TEAM),))},
        'routing: route {team="billing"} comes',
    ),
    (
        {"routing": replace(ROUTING, routes=(Route("C9", matchers=TEAM),))},
        {"routing": replace(ROUTING, routes=(Route("C8", matchers=TEAM),))},
        'routing: route {team="billing"} channel C9 -> C8',
    ),
    ({"routing": replace(ROUTING, maintenance=(CLOSE,))}, {}, "routing: maintenance monthly-close goes"),
    (
        {},
        {"procedures": {"rollback": replace(STEPS, steps=(*STEPS.steps, Step("pin", "Pin")), verify_for=300)}},
        "procedure rollback: verify_for 10m -> 5m; step pin comes",
    ),
    (
        {},
        {"procedures": {"rollback": replace(STEPS, steps=(Step("declare", "Say so"),))}},
        "procedure rollback: step declare title Declare -> Say so",
    ),
    ({}, {"releases": Releases((AUTH,))}, "releases of auth: new"),
    (
        {"releases": Releases((AUTH,))},
        {"releases": Releases((replace(AUTH, by="who", flags=Labelled("f")),))},
        "releases of auth: by none -> who; flags comes",
    ),
    ({}, {"releases": Releases(lookback=86400)}, "releases: lookback 14d -> 1d"),
]


@pytest.mark.parametrize(("old", "new", "sentence"), REST, ids=[row[2] for row in REST])
def test_the_rest_in_words(old: dict[str, Any], new: dict[str, Any], sentence: str) -> None:
    assert compare(rule_set(**old), rule_set(**new)).rest == (sentence,)


def test_routing_and_procedures_in_words() -> None:
    routing = Routing("staging", Route("C1", ()), 600, page=Pages(rollback=("slack", "pagerduty")))
    new = rule_set(routing=routing, procedures={"rollback": replace(STEPS, title="Back"), "other": STEPS})
    assert compare(rule_set(), new).rest == (
        "routing: environment production -> staging",
        "routing: channel C0OPS -> C1; responders [S0ONCALL] -> none",
        "routing: reopen_within 30m -> 10m",
        "routing: rollback [slack] -> [slack, pagerduty]",
        "procedure other: new",
        "procedure rollback: title Roll back -> Back",
    )
