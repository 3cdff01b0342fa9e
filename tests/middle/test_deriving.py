"""A rule of which nothing is kept: its state is folded from history, as far back as it must be, and no further."""

from dataclasses import replace

import pytest

from monitor.core.model import Alert, Cause, Sample, State, Tier
from monitor.core.rules.rule import Matcher, MatchOp, NoData, Override, Requires, Resolve, Rule, TierRule
from monitor.core.rules.signal import Condition, Query
from monitor.ports.metrics import Samples, Unanswered
from monitor.ports.store import Change, GroupState
from tests.middle.house import BAD, INTERVAL, QUIET, START, WORST, House, group, key, rule, rule_set

LOGIN = rule("Login", rollback=0)
ERRORS = rule("Errors", prepare=300)
CRITICAL = group("critical", LOGIN, ERRORS)
PREPARE = key("Errors", Tier.PREPARE)
LIMIT = CRITICAL.max_catch_up


def since(seconds: int, *, rules: tuple[Rule, ...] = (ERRORS,)) -> House:
    """A monitor that is started `seconds` after a breach of Errors began, with nothing kept."""
    house = House(group("critical", *rules))
    house.says("Errors", QUIET, since=0)
    house.says("Errors", BAD, since=START - seconds)
    return house


@pytest.mark.parametrize(
    ("seconds", "state"),
    [
        pytest.param(0, State.PENDING, id="just begun=>pending"),
        pytest.param(285, State.PENDING, id="one point less than its hold=>pending"),
        pytest.param(300, State.FIRING, id="exactly its hold=>fires at once"),
        pytest.param(1200, State.FIRING, id="long since=>fires, since its true time"),
    ],
)
def test_a_breach_from_before_the_start_keeps_its_clock(seconds: int, state: State) -> None:
    house = since(seconds)
    house.evaluate()
    alert = house.alerts()[PREPARE]
    assert (alert.state, alert.since, alert.open_ended) == (state, START - seconds, False)
    assert alert.fired_at == (START - seconds + 300 if state is State.FIRING else None)


def test_no_further_back_than_it_must() -> None:
    house = since(-INTERVAL)
    house.evaluate()
    assert min(at for _, at in house.asked) == START - 300 - 2 * INTERVAL


@pytest.mark.parametrize("seconds", [1200, 10 * LIMIT], ids=["long since=>its true time", "older still=>began before"])
def test_missing_data_that_are_a_breach_are_looked_for_as_far_back(seconds: int) -> None:
    house = since(seconds, rules=(replace(ERRORS, no_data=NoData.BREACH, expect=(PREPARE.labels,)),))
    house.says("Errors", None, since=START - seconds)
    house.evaluate()
    alert = house.alerts()[PREPARE]
    assert (alert.state, alert.since) == (State.FIRING, START - min(seconds, LIMIT))
    assert alert.open_ended is (seconds > LIMIT)


def test_a_breach_older_than_what_may_be_caught_up_with_began_before() -> None:
    house = since(10 * LIMIT)
    house.evaluate()
    alert = house.alerts()[PREPARE]
    assert (alert.state, alert.since, alert.open_ended) == (State.FIRING, START - LIMIT, True)
    house.outbox.deliver_due()
    page = house.pager.messages[0].page
    assert page is not None
    assert page.headline == "PREPARE production: Errors (errors) since before 02:00 UTC"


def test_what_fired_and_ended_before_anybody_watched_is_no_news() -> None:
    house = House(group("critical", replace(LOGIN, keep_firing_for=600)))
    house.says("Login", WORST, since=START - 600)
    house.says("Login", QUIET, since=START - 540)
    house.evaluate()
    assert house.alerts()[key("Login")].state is State.RECOVERING
    other = House(group("critical", LOGIN))
    other.says("Login", WORST, since=START - 30)
    other.says("Login", QUIET, since=START - 15)
    assert other.evaluate().transitions == ()
    assert other.incidents == []


def test_history_that_is_not_answered_is_waited_for() -> None:
    house = since(1200)
    house.answer = lambda _expr, _at: Unanswered("not ready")
    evaluated = house.evaluate()
    assert (evaluated.points, evaluated.why) == (0, "not ready")
    assert dict(house.store.group("critical").cursors) == {}
    house.answer = lambda _expr, _at: None
    assert house.evaluate().derived == ("Errors",)
    assert house.alerts()[PREPARE].state is State.FIRING


def test_what_was_absent_before_the_source_lived_is_no_breach() -> None:
    gone = Rule("Gone", Condition("gone"), (TierRule(Tier.ROLLBACK, None, None, 300),), optional=True)
    house = House(group("critical", gone))
    house.says("Gone", 1.0, since=0)
    house.says("count(up)", None, since=0)
    house.says("count(up)", 1.0, since=START - 60)
    house.evaluate()
    alert = house.alerts()[key("Gone")]
    assert (alert.state, alert.since, alert.open_ended) == (State.PENDING, START - 60, True)


def test_a_source_that_never_scraped_anything_lets_the_hold_begin_now() -> None:
    missing = replace(ERRORS, no_data=NoData.BREACH, expect=((("job", "errors"),),))
    house = House(group("critical", missing))
    for metric in ("Errors", "count(up)"):
        house.says(metric, None, since=0)
    house.evaluate()
    alert = house.alerts()[PREPARE]
    assert (alert.state, alert.since) == (State.PENDING, START)


def test_where_older_history_is_not_answered_what_was_read_counts() -> None:
    house = since(10 * LIMIT)
    house.answer = lambda _expr, at: Unanswered("block damaged") if at < START - 400 else None
    assert house.evaluate().derived == ("Errors",)
    alert = house.alerts()[PREPARE]
    assert (alert.state, alert.since, alert.open_ended) == (State.FIRING, START - 330, True)


# --- a rule that was changed ------------------------------------------------------------------------------------------


def changed(kept: Alert, *, value: float, resolve: Resolve = Resolve.BY_SIGNAL) -> House:
    """A monitor whose rule Errors was changed while `kept` was there; its signal has had `value` for long."""
    house = House(group("critical", replace(ERRORS, resolve=resolve)))
    house.says("Errors", value, since=START - 2 * LIMIT)
    house.store.commit(Change(groups=(GroupState("critical", 0, {}, {PREPARE: kept}),)))
    return house


FIRED = Alert(PREPARE, State.FIRING, START - 900, fired_at=START - 600)
PENDED = Alert(PREPARE, State.PENDING, START - 60)


def test_firing_and_no_longer_so_under_the_changed_rule_ends_with_that_reason() -> None:
    house = changed(FIRED, value=QUIET)
    (ended,) = house.evaluate().transitions
    assert (ended.before, ended.after, ended.cause) == (State.FIRING, State.INACTIVE, Cause.RULE_CHANGED)
    assert house.alerts() == {}


def test_firing_under_both_rules_is_the_same_alert_and_no_news() -> None:
    house = changed(FIRED, value=BAD)
    assert house.evaluate().transitions == ()
    alert = house.alerts()[PREPARE]
    assert (alert.state, alert.since, alert.fired_at) == (State.FIRING, FIRED.since, FIRED.fired_at)


def test_firing_and_only_pending_under_the_changed_rule_ends_and_pends_anew() -> None:
    house = changed(FIRED, value=QUIET)
    house.says("Errors", BAD, since=START - 60)
    moves = [(one.before, one.after) for one in house.evaluate().transitions]
    assert moves == [(State.FIRING, State.INACTIVE), (State.INACTIVE, State.PENDING)]


def test_pending_and_long_enough_under_the_changed_rule_fires() -> None:
    house = changed(PENDED, value=BAD)
    (fired,) = house.evaluate().transitions
    assert (fired.before, fired.after) == (State.PENDING, State.FIRING)
    assert [one.id for one in house.incidents] == ["INC-0001"]


def test_what_a_person_resolves_is_not_ended_by_a_change() -> None:
    house = changed(FIRED, value=QUIET, resolve=Resolve.BY_PERSON)
    assert house.evaluate().transitions == ()
    assert house.alerts() == {PREPARE: FIRED}


# --- what else a rule may carry ---------------------------------------------------------------------------------------


def test_a_shadow_is_evaluated_and_pages_nobody() -> None:
    house = House(group("critical", replace(LOGIN, shadow=True)))
    house.says("Login", WORST)
    (fired,) = house.tick()
    assert fired.after is State.FIRING
    assert (house.incidents, house.told) == ([], [])


def test_a_condition_beside_the_signal_starts_nothing_and_ends_nothing() -> None:
    house = House(group("critical", replace(LOGIN, requires=Requires("traffic", above=0.1))))
    house.says("Login", WORST)
    house.says("traffic", 0.0)
    house.tick()
    assert house.alerts() == {}, "the sample of job traffic speaks for no instance of job login"
    house.answer = lambda expr, _at: Samples((_sample(0.05),)) if expr == "traffic" else None
    house.walk(60)
    assert house.alerts() == {}
    house.answer = lambda expr, _at: Samples((_sample(0.2),)) if expr == "traffic" else None
    house.walk(INTERVAL)
    assert house.alerts()[key("Login")].state is State.FIRING
    house.says("Login", QUIET)
    house.answer = lambda expr, _at: Samples((_sample(0.05),)) if expr == "traffic" else None
    house.walk(600)
    assert house.alerts()[key("Login")].state is State.FIRING


def test_a_condition_that_is_not_met_holds_missing_data_too() -> None:
    missing = replace(
        LOGIN, requires=Requires("traffic", above=0.1), no_data=NoData.BREACH, expect=((("job", "login"),),)
    )
    house = House(group("critical", missing))
    house.says("Login", None, since=0)
    house.answer = lambda expr, _at: Samples((_sample(0.05),)) if expr == "traffic" else None
    house.tick()
    assert house.alerts() == {}
    house.answer = lambda expr, _at: Samples((_sample(0.2),)) if expr == "traffic" else None
    house.walk(INTERVAL)
    assert house.alerts()[key("Login")].state is State.FIRING


def test_an_instance_that_is_gone_reads_the_value_of_absence() -> None:
    counted = replace(LOGIN, signal=Query("login", ("job",), absent=0.0))
    house = House(group("critical", counted))
    house.says("Login", {"web": WORST})
    house.tick()
    assert house.alerts()[key("Login", job="web")].state is State.FIRING
    house.says("Login", None)
    house.walk(INTERVAL)
    assert house.alerts() == {}


def test_an_override_has_its_own_limit_and_may_switch_a_tier_off() -> None:
    lenient = Override((Matcher("job", MatchOp.EQUAL, "web"),), (TierRule(Tier.ROLLBACK, 0.9, None, 0),))
    off = Override((Matcher("job", MatchOp.MATCHES, "te.t"),), ())
    house = House(group("critical", replace(LOGIN, overrides=(lenient, off))))
    house.says("Login", {"web": WORST, "app": WORST, "test": WORST})
    house.tick()
    assert {one.labels for one in house.alerts()} == {(("job", "app"),)}
    house.says("Login", {"web": 0.95, "app": WORST, "test": 1.0})
    house.walk(INTERVAL)
    assert {one.labels for one in house.alerts()} == {(("job", "app"),), (("job", "web"),)}


def test_a_condition_that_no_longer_holds_ends_what_it_started() -> None:
    gone = Rule("Gone", Condition("gone"), (TierRule(Tier.ROLLBACK, None, None, 0),), optional=True)
    house = House(group("critical", gone))
    house.says("Gone", None, since=0)
    house.says("Gone", 1.0)
    house.tick()
    assert house.alerts()[key("Gone")].state is State.FIRING
    house.says("Gone", None)
    house.walk(INTERVAL)
    assert house.alerts() == {}


def test_instances_beyond_the_limit_are_not_stepped_but_those_that_fire_are_kept() -> None:
    house = House(replace(group("critical", LOGIN), limit=2))
    house.says("Login", {"x": WORST})
    house.tick()
    house.says("Login", {"a": WORST, "b": WORST, "c": WORST, "x": WORST})
    house.walk(INTERVAL)
    assert {one.labels[0][1] for one in house.alerts()} == {"a", "x"}


def test_an_expected_instance_is_never_beyond_the_limit() -> None:
    house = House(replace(group("critical", replace(LOGIN, expect=(key("Login", job="x").labels,))), limit=2))
    house.says("Login", {"a": QUIET, "b": QUIET, "c": QUIET, "x": WORST})
    house.tick()
    assert {one.labels[0][1] for one in house.alerts()} == {"x"}


@pytest.mark.parametrize("no_data", list(NoData))
def test_a_limit_that_becomes_smaller_ends_nothing_that_fires(no_data: NoData) -> None:
    house = House(group("critical", replace(LOGIN, no_data=no_data)))
    house.says("Login", {"a": WORST, "b": WORST, "c": QUIET})
    house.tick()
    smaller = replace(group("critical", replace(LOGIN, no_data=no_data)), limit=1)
    house.reloader.adopt(rule_set(smaller))
    house.walk(INTERVAL)
    assert {one.labels[0][1] for one in house.alerts()} == {"a", "b"}


def _sample(value: float) -> Sample:
    return Sample((), value)
