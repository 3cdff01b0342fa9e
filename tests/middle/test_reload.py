"""A rule set takes over: state follows identity, what is gone is told, and a wrong set changes nothing."""

from dataclasses import replace

import pytest

from monitor.core.model import Alert, AlertKey, State, Tier
from monitor.core.rules.comparison import Fate, compare
from monitor.core.rules.rule import Group, Rule, TierRule
from monitor.core.rules.ruleset import RuleSet
from monitor.core.rules.signal import Condition, Query
from monitor.ports.store import GroupState
from monitor.ruleset.reload import Arrangement, arrange
from tests.middle.house import (
    BAD,
    INTERVAL,
    QUIET,
    START,
    WORST,
    House,
    group,
    key,
    rule,
    rule_set,
)

LOGIN = rule("Login", rollback=0)
ERRORS = rule("Errors", prepare=60)
CRITICAL = group("critical", LOGIN, ERRORS)
NONSENSE = Rule("Nonsense", Query("sum by (", ("job",)), (TierRule(Tier.PREPARE, above=1, below=None, hold=0),))


def firing(alert: str, tier: Tier = Tier.ROLLBACK) -> dict[AlertKey, Alert]:
    one = key(alert, tier)
    return {one: Alert(one, State.FIRING, START, fired_at=START)}


def kept(name: str, *alerts: str, version: int = 3) -> GroupState:
    every = {found: alert for one in alerts for found, alert in firing(one).items()}
    return GroupState(name, version, dict.fromkeys(alerts, START), every)


# --- arrange ----------------------------------------------------------------------------------------------------------


def arranged(kept: dict[str, GroupState], old: RuleSet, new: RuleSet) -> Arrangement:
    return arrange(kept, compare(old, new), new)


def test_the_same_rules_keep_everything_where_it_is() -> None:
    state = kept("critical", "Login")
    arrangement = arranged({"critical": state}, rule_set(CRITICAL), rule_set(CRITICAL))
    assert dict(arrangement.groups) == {"critical": state}
    assert arrangement.gone == ()


def test_state_and_cursor_follow_a_rule_to_another_group() -> None:
    arrangement = arranged(
        {"critical": kept("critical", "Login"), "billing": kept("billing", version=5)},
        rule_set(CRITICAL),
        rule_set(group("critical", ERRORS), group("billing", LOGIN)),
    )
    assert arrangement.groups["critical"] == GroupState("critical", 3)
    assert arrangement.groups["billing"] == GroupState("billing", 5, {"Login": START}, firing("Login"))
    assert arrangement.gone == ()


def test_a_group_that_did_not_exist_begins_at_version_0() -> None:
    arrangement = arranged({"critical": kept("critical", "Login")}, rule_set(CRITICAL), rule_set(group("new", LOGIN)))
    assert arrangement.groups["new"].version == 0
    assert arrangement.groups["new"].alerts == firing("Login")


def test_what_has_no_rule_or_no_tier_any_more_is_dropped() -> None:
    state = GroupState("critical", 1, {"Login": START, "Gone": START}, firing("Gone") | firing("Login", Tier.PREPARE))
    arrangement = arranged({"critical": state}, rule_set(CRITICAL), rule_set(CRITICAL))
    assert {(one.alert.key, one.fate) for one in arrangement.gone} == {
        (key("Gone"), Fate.REMOVED),
        (key("Login", Tier.PREPARE), Fate.DROPPED),
    }
    assert arrangement.groups["critical"] == GroupState("critical", 1, {"Login": START}, {})


STRICTER = replace(LOGIN, tiers=(replace(LOGIN.tiers[0], above=0.5),))
WORDED = replace(LOGIN, annotations=(("summary", "login"),), labels=(("team", "a"),), procedure="other")
BY_POD = replace(LOGIN, signal=Query("login", ("job", "pod")))
NEW_NAME = replace(LOGIN, alert="Logins", renamed_from="Login")
ALERT = firing("Login")[key("Login")]
RENAMED = replace(ALERT, key=AlertKey("Logins", ALERT.key.labels, Tier.ROLLBACK))
FATES: list[tuple[str, Rule, Fate, dict[str, int], Alert | None]] = [
    ("the same rule", LOGIN, Fate.KEPT, {"Login": START}, ALERT),
    ("other texts and labels", WORDED, Fate.KEPT, {"Login": START}, ALERT),
    ("another threshold", STRICTER, Fate.REDERIVED, {}, ALERT),
    ("other instances", BY_POD, Fate.DROPPED, {}, None),
    ("another kind of signal", replace(LOGIN, signal=Condition("login", ("job",))), Fate.DROPPED, {}, None),
    ("into the shadow", replace(LOGIN, shadow=True), Fate.DROPPED, {}, None),
    ("another name", NEW_NAME, Fate.KEPT, {"Logins": START}, RENAMED),
    (
        "another name and threshold",
        replace(STRICTER, alert="Logins", renamed_from="Login"),
        Fate.REDERIVED,
        {},
        RENAMED,
    ),
    ("another name that says nothing", replace(LOGIN, alert="Logins"), Fate.REMOVED, {}, None),
]


@pytest.mark.parametrize(("new", "fate", "cursors", "alert"), [row[1:] for row in FATES], ids=[row[0] for row in FATES])
def test_what_becomes_of_an_alert(new: Rule, fate: Fate, cursors: dict[str, int], alert: Alert | None) -> None:
    old, after = rule_set(group("critical", LOGIN)), rule_set(group("critical", new))
    arrangement = arranged({"critical": kept("critical", "Login")}, old, after)
    assert [one.fate for one in arrangement.alerts] == [fate]
    state = arrangement.groups["critical"]
    assert (state.cursors, list(state.alerts.values())) == (cursors, [alert] if alert else [])


# --- adopt ------------------------------------------------------------------------------------------------------------


def watching(*groups: Group) -> House:
    """A house in which Login fires and Errors pends, since 03:00."""
    house = House(*groups or (CRITICAL,))
    house.says("Login", WORST)
    house.says("Errors", BAD)
    house.tick()
    return house


def test_the_same_rules_write_nothing() -> None:
    house = watching()
    before = len(house.store.changes)
    assert house.reloader.adopt(rule_set(CRITICAL)).dropped == ()
    assert len(house.store.changes) == before


def test_an_alert_goes_on_where_its_rule_moves() -> None:
    house = watching()
    before = house.alerts()
    house.reloader.adopt(rule_set(group("billing", ERRORS), group("login", LOGIN)))
    assert house.alerts("login") | house.alerts("billing") == before
    assert house.alerts("critical") == {}
    house.walk(60)
    assert house.alerts("login") == {key("Login"): before[key("Login")]}
    assert house.alerts("billing")[key("Errors", Tier.PREPARE)].since == START
    assert house.kinds().count("alert_fired") == 2
    assert [one.id for one in house.incidents] == ["INC-0001"]


def test_the_clock_of_a_hold_goes_on_through_a_reload() -> None:
    house = watching()
    house.walk(45)
    house.reloader.adopt(rule_set(group("billing", ERRORS), group("login", LOGIN)))
    (transition,) = house.walk(INTERVAL)
    assert (transition.alert.key.alert, transition.at, transition.alert.since) == ("Errors", START + 60, START)


def test_a_firing_alert_whose_rule_is_gone_is_told() -> None:
    house = watching()
    assert house.reloader.adopt(rule_set(group("critical", ERRORS))).dropped == (key("Login"),)
    (alert,) = house.incident().alerts
    assert (alert.resolved_why, alert.resolved_at) == ("rule_removed", house.clock.now())
    assert house.incident().recovered_at is not None
    assert house.store.reasons[-1] == "recovered"
    assert set(house.alerts()) == {key("Errors", Tier.PREPARE)}


def test_a_pending_alert_whose_rule_is_gone_is_not_told() -> None:
    house = watching()
    before = house.kinds()
    assert house.reloader.adopt(rule_set(group("critical", LOGIN))).dropped == (key("Errors", Tier.PREPARE),)
    assert house.kinds() == before


def test_a_tier_that_is_gone_is_retired_alone() -> None:
    both = rule("Login", prepare=0, rollback=0)
    house = watching(group("critical", both))
    assert house.reloader.adopt(rule_set(group("critical", rule("Login", prepare=0)))).dropped == (key("Login"),)
    assert set(house.alerts()) == {key("Login", Tier.PREPARE)}
    assert [one.key.tier for one in house.incident().active] == [Tier.PREPARE]
    assert house.incident().recovered_at is None


def test_a_group_that_is_gone_takes_its_alerts_with_it() -> None:
    house = watching(group("critical", LOGIN), group("slow", ERRORS))
    house.reloader.adopt(rule_set(group("slow", ERRORS)))
    assert house.alerts("critical") == {}
    assert house.engine.evaluate("critical", 10.0) is None
    assert not house.incident().active


def test_a_set_that_cannot_be_composed_changes_nothing() -> None:
    house = watching()
    before, changes = house.book.now, len(house.store.changes)
    with pytest.raises(ValueError, match="is not PromQL"):
        house.reloader.adopt(rule_set(group("critical", NONSENSE)))
    assert house.book.now is before
    assert len(house.store.changes) == changes
    house.says("Login", QUIET, since=START + INTERVAL)
    house.walk(INTERVAL)
    assert house.incident().recovered_at is not None


def test_a_changed_interval_goes_on_from_the_cursor() -> None:
    house = watching()
    house.reloader.adopt(rule_set(group("critical", LOGIN, ERRORS, interval=60)))
    house.walk(120, step=60)
    assert house.store.group("critical").cursors["Login"] == START + 120
    assert house.alerts()[key("Errors", Tier.PREPARE)].since == START


def test_at_a_start_what_went_while_the_monitor_was_down_is_told() -> None:
    house = watching()
    house.build(rule_set(group("critical", ERRORS)))
    house.reloader.adopt(house.book.now.rules)
    assert not house.incident().active


def test_what_moves_between_groups_moves_in_one_transaction() -> None:
    house = watching()
    before = len(house.store.changes)
    house.reloader.adopt(rule_set(group("billing", ERRORS), group("login", LOGIN)))
    (change,) = house.store.changes[before:]
    assert {state.name for state in change.groups} == {"critical", "billing", "login"}


def test_another_threshold_keeps_the_alert_and_has_it_derived_anew() -> None:
    house = watching()
    report = house.reloader.adopt(rule_set(group("critical", STRICTER, ERRORS)))
    assert report.dropped == ()
    state = house.store.group("critical")
    assert set(state.alerts) == {key("Login"), key("Errors", Tier.PREPARE)}
    assert set(state.cursors) == {"Errors"}
    assert [(one.alert.key.alert, one.fate, one.why) for one in report.alerts] == [
        ("Login", Fate.REDERIVED, "rollback above 0.25 -> 0.5"),
        ("Errors", Fate.KEPT, ""),
    ]


def test_other_instances_end_what_fires_with_that_reason() -> None:
    house = watching()
    assert house.reloader.adopt(rule_set(group("critical", BY_POD, ERRORS))).dropped == (key("Login"),)
    (alert,) = house.incident().alerts
    assert (alert.resolved_why, alert.active) == ("rule_changed", False)
    assert "Login" not in house.store.group("critical").cursors


def test_a_rule_that_goes_into_the_shadow_leaves_its_incident() -> None:
    house = watching()
    house.reloader.adopt(rule_set(group("critical", replace(LOGIN, shadow=True), ERRORS)))
    assert not house.incident().active
    assert house.incident().alerts[0].resolved_why == "rule_changed"


# --- while an evaluation is under way ---------------------------------------------------------------------------------


def test_an_evaluation_under_way_does_not_bring_back_a_rule_that_was_removed() -> None:
    """It read with the old rules; a rule that nobody evaluates any more would fire for ever."""
    house = watching()
    house.walk(60)
    adopted: list[tuple[AlertKey, ...]] = []

    def removed_meanwhile(expr: str, _at: int) -> None:
        if expr == "errors" and not adopted:
            adopted.append(house.reloader.adopt(rule_set(group("critical", ERRORS))).dropped)

    house.says("Errors", QUIET, since=START + 75)
    house.answer = removed_meanwhile
    house.walk(INTERVAL)
    assert adopted == [(key("Login"),)]
    house.walk(120)
    assert house.alerts() == {}
    assert not house.incident().active
    assert house.kinds().count("alert_fired") == 2
