"""Explanations over the shipped fakes: the state is the engine's, kept or derived, now and then; nothing is written."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.explanation.explainedfacts import changes, facts
from monitor.core.explanation.explainedwords import reading, why
from monitor.core.explanation.explaining import Explanation, Origin
from monitor.core.incidents.silence import Silence
from monitor.core.model import Alert, AlertKey, State, Tier, Verdict, utc
from monitor.core.rules.rule import Matcher, MatchOp, Requires
from monitor.people.silencing import Wanted as Wish
from monitor.ports.metrics import Answer, Unanswered
from monitor.web.rules import state_of, transition_of
from monitor.web.silences import overview_of
from monitor.workbench.explain import Explained, Explainer, UnknownAlertError, Wanted
from monitor.workbench.kept import Kept, changes_in, hiding_in, states_in
from tests.middle.house import ANA, BAD, INTERVAL, OFFSET, QUIET, START, WORST, House, group, key, rule

ERRORS = rule("Errors", prepare=60, rollback=30, keep=45)
VALUES = (QUIET, BAD, WORST, None)


def house(*rules: object) -> House:
    return House(group("critical", *(rules or (ERRORS,))))  # type: ignore[arg-type]  # rules they are


def kept_by(one: House, origin: Origin = Origin.DAEMON, digest: str = "") -> Kept:
    """What the API tells of the house, there and back."""
    states = states_in({"states": [state_of(state) for state in one.store.groups()]})
    told = changes_in({"transitions": [transition_of(each) for each in one.store.transitions()]})
    return Kept(
        origin, states, lambda alert: {each: some for each, some in told.items() if each.alert == alert}, digest
    )


def explainer(one: House, kept: Kept | None = None) -> Explainer:
    return Explainer(one.source, one.clock, one.book.now.rules, kept or Kept(), 10.0)


def states(found: Explained) -> Mapping[AlertKey, Alert]:
    return {each.subject.key: each.standing.alert for each in found.alerts if each.standing.alert is not None}


def one_of(found: Explained, tier: Tier = Tier.PREPARE) -> Explanation:
    return next(each for each in found.alerts if each.subject.key.tier is tier)


# --- the state ----------------------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(VALUES), min_size=3, max_size=16))
def test_what_a_daemon_keeps_is_told_as_it_is_and_history_derives_what_the_engine_would(
    said: list[float | None],
) -> None:
    watched = house()
    for value in said:
        watched.says("Errors", value)
        watched.evaluate()
        watched.clock.advance(INTERVAL)
    watched.evaluate()
    assert states(explainer(watched, kept_by(watched)).alert("Errors")) == watched.alerts()
    anew = house()
    anew.clock, anew._said = watched.clock, watched._said
    anew.build(watched.book.now.rules)
    anew.evaluate()
    found = explainer(watched).alert("Errors")
    assert states(found) == anew.alerts()
    assert {each.standing.origin for each in found.alerts} <= {Origin.HISTORY}


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from((QUIET, BAD, WORST)), min_size=4, max_size=14))
def test_the_record_tells_what_was_then(said: list[float]) -> None:
    watched, then = house(), {}
    for value in said:
        watched.says("Errors", value)
        watched.evaluate()
        then[watched.grid] = watched.alerts()
        watched.clock.advance(INTERVAL)
    watched.evaluate()
    kept = kept_by(watched, Origin.DATABASE)
    for at, alerts in then.items():
        found = states(explainer(watched, kept).alert("Errors", at))
        assert {each: (one.state, one.since, one.fired_at) for each, one in found.items()} == {
            each: (one.state, one.since, one.fired_at) for each, one in alerts.items()
        }, utc(at)


def test_a_hold_in_the_past_is_told_with_what_is_left_of_it() -> None:
    watched = house(rule("Errors", prepare=300))
    watched.says("Errors", BAD)
    watched.walk(600)
    then = explainer(watched, kept_by(watched)).alert("Errors", START + 200)
    assert then.at == START + 195
    told = one_of(then)
    assert (told.standing.state, told.outlook.done, told.outlook.at) == (State.PENDING, 195, START + 300)
    assert why(told) == (
        "It does not fire yet: over the limit since 03:00:00 UTC, held 3m15s of 5m; fires at 03:05:00 UTC if it stays."
    )
    now = one_of(explainer(watched, kept_by(watched)).alert("Errors"))
    assert why(now) == (
        "It fires: over the limit since 03:00:00 UTC, fired at 03:05:00 UTC after 5m; it resolves once it is clear."
    )


def test_why_it_did_not_fire_is_told_with_what_it_did_before() -> None:
    watched = house(rule("Errors", prepare=120))
    watched.says("Errors", BAD)
    watched.walk(60)
    watched.says("Errors", QUIET, since=watched.grid + INTERVAL)
    watched.walk(30)
    for kept in (Kept(), kept_by(watched)):
        told = one_of(explainer(watched, kept).alert("Errors"))
        assert told.standing.state is State.INACTIVE
        assert "It was pending until 03:01:15 UTC (not over the limit any more)" in why(told)


def test_the_prepare_tier_is_carried_by_the_rollback_tier_of_its_instance() -> None:
    watched = house()
    watched.says("Errors", WORST)
    watched.walk(45)
    told = one_of(explainer(watched, kept_by(watched)).alert("Errors"))
    assert "(the rollback tier of the same instance fires)" in why(told)


def test_an_instance_that_is_gone_from_the_data_goes_on_firing() -> None:
    watched = house(rule("Errors", prepare=0, rollback=None))
    watched.says("Errors", BAD)
    watched.evaluate()
    watched.says("Errors", None)
    watched.walk(30)
    told = one_of(explainer(watched, kept_by(watched)).alert("Errors"))
    assert reading(told) == "No data: the instance is no longer in the data."
    assert "missing data never resolve it" in why(told)


def test_what_is_unanswered_is_not_taken_for_health() -> None:
    watched = house()
    watched.answer = lambda _expr, _at: Unanswered("connection refused")
    found = explainer(watched).alert("Errors")
    assert (found.alerts, found.trouble) == ((), "it was not answered: connection refused")


def test_a_state_whose_history_is_not_answered_is_not_known() -> None:
    watched = house()
    newest = watched.grid

    def only_now(_expr: str, at: int) -> Answer | None:
        return None if at == newest else Unanswered("too far back")

    watched.answer = only_now
    told = one_of(explainer(watched).alert("Errors"))
    assert told.judgement.verdict is Verdict.CLEAR
    assert why(told) == "Its state is not known: too far back."


def test_a_reading_that_does_not_count_says_why() -> None:
    gated = replace(rule("Errors", prepare=60), requires=Requires("errors_traffic", above=0.1))
    watched = house(gated)
    watched.says("Errors", BAD)
    watched.says("errors_traffic", {"errors": 0.05})
    told = one_of(explainer(watched).alert("Errors"))
    assert told.judgement.verdict is Verdict.INSUFFICIENT
    assert changes(told)[0].startswith("its reading is a breach, and does not count: its condition is not met: 0.05")


def test_nothing_is_written() -> None:
    watched = house()
    watched.says("Errors", WORST)
    explainer(watched).alert("Errors")
    explainer(watched).everything()
    assert watched.store.changes == []


# --- which alerts, and when ---------------------------------------------------------------------------------------


def test_instances_and_tiers_are_chosen_and_the_gravest_comes_first() -> None:
    watched = house()
    watched.says("Errors", {"auth": QUIET, "pay": WORST})
    watched.walk(60)
    found = explainer(watched).alert("Errors")
    assert [(each.subject.key.labels[0][1], each.subject.key.tier.value) for each in found.alerts] == [
        ("pay", "rollback"),
        ("pay", "prepare"),
        ("auth", "rollback"),
        ("auth", "prepare"),
    ]
    only = Wanted((Matcher("job", MatchOp.EQUAL, "auth"),), Tier.PREPARE)
    assert [each.subject.key for each in explainer(watched).alert("Errors", None, only).alerts] == [
        key("Errors", Tier.PREPARE, "auth")
    ]
    nobody = explainer(watched).alert("Errors", None, Wanted((Matcher("job", MatchOp.EQUAL, "x"),)))
    assert nobody.trouble.startswith('none of its 4 alerts fits: Errors{job="auth"} prepare')


@pytest.mark.parametrize(
    ("name", "hint"),
    [("Erors", "did you mean `Errors`?"), ("errors", "did you mean `Errors`?"), ("Zzz", "there are Errors, Login")],
)
def test_an_unknown_alert_names_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(UnknownAlertError, match="there is no alert") as unknown:
        explainer(house(ERRORS, rule("Login", rollback=0))).alert(name)
    assert str(unknown.value).endswith(hint)


def test_a_time_that_cannot_be_read_yet_is_the_newest_that_can() -> None:
    watched = house()
    found = explainer(watched).alert("Errors", START + 3600)
    assert (found.at, found.remarks) == (START, ("later than 03:00:00 UTC nothing can be read yet",))
    watched.source.time = utc(START - 40)
    assert explainer(watched).alert("Errors").at == START - 45, "nothing is read beyond the source's own clock"


def test_other_rules_in_force_are_told_and_their_states_are_not_taken() -> None:
    watched = house(rule("Errors", prepare=0))
    watched.says("Errors", BAD)
    watched.evaluate()
    found = explainer(watched, kept_by(watched, digest="another")).alert("Errors")
    assert found.remarks[0].startswith("the daemon runs other rules")
    assert one_of(found).standing.origin is Origin.HISTORY


def test_what_hides_an_alert_is_told_now_and_not_of_another_time() -> None:
    watched = house(rule("Errors", prepare=0))
    asked = Wish(('job="errors"',), "1h", "load test", ANA)
    assert isinstance(watched.commands.silencing.add(asked), Silence)
    watched.says("Errors", BAD)
    watched.tick()
    hiding = hiding_in(overview_of(watched.commands.silencing.overview()))
    kept = replace(kept_by(watched), hiding=hiding)
    (remark,) = explainer(watched, kept).alert("Errors").remarks
    assert remark.startswith('Errors{job="errors"} prepare pages nobody now: silence 1 hides it until 2025-03-04T04:00')
    assert remark.endswith("(load test)")
    assert explainer(watched, kept).alert("Errors", START).remarks == ()


def test_a_rule_in_the_shadow_is_said_to_page_nobody() -> None:
    found = explainer(house(replace(rule("Errors", prepare=0), shadow=True))).alert("Errors")
    assert found.remarks == ("the rule is in the shadow: it is evaluated and recorded, and pages nobody",)


def test_everything_is_told_rule_by_rule() -> None:
    watched = House(group("one", ERRORS), group("two", rule("Login", rollback=0), rule("Nothing", rollback=0)))
    watched.says("Nothing", None)
    watched.says("Login", WORST)
    found = {one.rule.alert: one for one in explainer(watched).everything()}
    assert [each.standing.state for each in found["Login"].alerts] == [State.FIRING]
    assert found["Nothing"].trouble == "its reading is empty: there is no instance"
    assert len(found["Errors"].alerts) == 2


def test_the_facts_of_a_number() -> None:
    watched = house()
    watched.says("Errors", BAD)
    told = one_of(explainer(watched, kept_by(watched)).alert("Errors"))
    assert (
        dict(facts(told))
        == {
            "value": "0.1",
            "limit": "above 0.02, for 1m",
            "state": "pending since 03:00:00 UTC, derived from Prometheus's history",
            "worst": "0.1",
            "": "03:00:00 UTC  inactive -> pending: over the limit",
        }
        or told.standing.alert is None
    )


def test_queries_are_those_of_the_rule_at_that_time() -> None:
    (question,) = explainer(house()).alert("Errors").questions
    assert (question.name, question.expr, question.start, question.end) == ("value", "errors", START, START)


def test_the_interval_and_offset_are_the_groups() -> None:
    watched = house()
    watched.clock.advance(OFFSET - 1)
    assert explainer(watched).alert("Errors").at == START
