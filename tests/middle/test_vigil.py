"""What time alone brings: blindness and sight, incidents that end by themselves, pages that show the present."""

import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from monitor.core.incidents.events import EndReason
from monitor.core.model import AlertKey, Sample, State, Tier
from monitor.core.rules.rule import Requires, Rule
from monitor.ports.metrics import Answer, BadQuery, Partial, Samples, Unanswered
from tests.middle.house import (
    BAD,
    BLIND_AFTER,
    INTERVAL,
    OFFSET,
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
CRITICAL = group("critical", LOGIN)
BILLING = group("billing", rule("Invoices", rollback=0))
GROUP_KEY = AlertKey("critical", (("group", "critical"),), Tier.BLIND)
SOURCE_KEY = AlertKey("Prometheus", (("source", "Prometheus"),), Tier.BLIND)


def away(why: str, *exprs: str) -> Callable[[str, int], Answer | None]:
    """A source that does not answer for `exprs` (all where none is named)."""
    return lambda expr, _at: Unanswered(why) if not exprs or expr in exprs else None


def there() -> Callable[[str, int], Answer | None]:
    return lambda _expr, _at: None


def seeing(*names: str) -> House:
    """A house that has seen everything once."""
    every = {"critical": CRITICAL, "billing": BILLING}
    house = House(*(every[name] for name in names or ("critical",)))
    house.tick()
    return house


# --- blind and sighted ------------------------------------------------------------------------------------------------


def test_blind_at_exactly_blind_after_and_never_before() -> None:
    house = seeing()
    house.answer = away("connection refused")
    assert house.walk(BLIND_AFTER - INTERVAL) == ()
    (transition,) = house.walk(INTERVAL)
    assert transition.alert.key == SOURCE_KEY
    assert transition.alert.since == START + OFFSET
    incident = house.incident()
    assert (incident.blind, incident.tier) == (True, Tier.BLIND)
    assert incident.active[0].summary == "Everything is unwatched: connection refused"
    assert house.store.reasons == ["blind_opens"]
    assert house.pager.messages[0].post.mention == ("S0ONCALL",)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        pytest.param(Unanswered("HTTP 503"), "HTTP 503", id="not answered"),
        pytest.param(Partial("one store is away"), "one store is away", id="partial answers"),
        pytest.param(BadQuery("parse error"), "parse error", id="a wrong query"),
    ],
)
def test_why_it_is_blind_is_named(answer: Answer, why: str) -> None:
    house = seeing()
    house.answer = lambda _expr, _at: answer
    house.walk(2 * BLIND_AFTER)
    assert [one.summary.partition(": ")[2] for one in house.incident().active] == [why]


def test_blind_from_the_start_where_nothing_ever_answers() -> None:
    house = House(CRITICAL)
    house.answer = away("no such host")
    house.tick()
    house.walk(BLIND_AFTER)
    assert [one.key for one in house.incident().active] == [SOURCE_KEY]


def test_a_rule_that_matches_no_series_is_blind_and_others_are_not() -> None:
    house = House(group("critical", LOGIN, ERRORS))
    house.says("Login", None)
    house.tick()
    house.walk(2 * BLIND_AFTER)
    assert [one.summary for one in house.incident().active] == ["Login is unwatched: its selectors match no series"]


def test_evaluations_that_no_longer_come_are_blindness_too() -> None:
    house = seeing("critical", "billing")
    for _ in range(0, BLIND_AFTER, INTERVAL):
        house.clock.advance(INTERVAL)
        house.evaluate("billing")
    assert [one.alert.key for one in house.vigil.watch()] == [GROUP_KEY]
    house.clock.advance(BLIND_AFTER)
    assert [one.alert.key for one in house.vigil.watch()] == [SOURCE_KEY]


def test_a_firing_instance_that_vanishes_is_blind_and_goes_on_firing() -> None:
    house = seeing("critical")
    house.says("Login", {"web": WORST, "app": QUIET})
    house.walk(INTERVAL)
    house.says("Login", {"app": QUIET})
    house.walk(BLIND_AFTER + INTERVAL)
    incident = house.incident()
    assert {(one.key.tier, one.key.labels) for one in incident.active} == {
        (Tier.ROLLBACK, (("job", "web"),)),
        (Tier.BLIND, (("job", "web"),)),
    }
    assert incident.recovered_at is None


def test_sighted_ends_the_incident_and_says_so() -> None:
    house = seeing()
    house.answer = away("connection refused")
    house.walk(BLIND_AFTER)
    house.answer = there()
    house.walk(INTERVAL)
    incident = house.incident()
    assert (incident.is_open, incident.end_reason) == (False, EndReason.SIGHTED)
    assert house.told[0] == "root"
    assert house.told[1:] == [
        "broadcast: Everything is seen again; the alerts go on from where they were.",
        "edit root",
    ]


def test_one_incident_for_all_that_is_unseen_and_it_ends_with_the_last() -> None:
    house = seeing("critical", "billing")
    house.answer = away("timeout", "login")
    house.walk(BLIND_AFTER)
    house.answer = away("timeout")
    house.walk(BLIND_AFTER)
    assert len(house.incidents) == 1
    assert [one.key for one in house.incident().active] == [GROUP_KEY, SOURCE_KEY]
    assert house.store.reasons.count("blind_joins") == 1
    house.answer = away("timeout", "login")
    house.walk(60)
    assert house.incident().is_open
    house.answer = there()
    house.walk(60)
    assert not house.incident().is_open


def test_while_nothing_answers_at_all_that_alone_is_told() -> None:
    house = seeing("critical", "billing")
    house.answer = away("connection refused")
    house.walk(2 * BLIND_AFTER)
    assert [one.summary for one in house.incident().active] == ["Everything is unwatched: connection refused"]


def test_one_blindness_that_gives_way_to_another_is_one_incident() -> None:
    house = seeing("critical", "billing")
    house.answer = away("connection refused")
    house.walk(BLIND_AFTER)
    house.answer = there()
    house.says("Login", None)
    house.walk(INTERVAL)
    assert [(one.id, one.is_open) for one in house.incidents] == [("INC-0001", True)]
    house.says("Login", QUIET)
    house.walk(INTERVAL)
    assert [(one.id, one.is_open) for one in house.incidents] == [("INC-0001", False)]


def test_an_expected_instance_without_data_is_blind_and_starts_nothing() -> None:
    expecting = replace(LOGIN, expect=((("job", "app"),), (("job", "web"),)))
    house = House(group("critical", expecting))
    house.says("Login", {"web": QUIET})
    house.tick()
    house.walk(BLIND_AFTER)
    assert [one.summary for one in house.incident().active] == ["Login (app) is unwatched: no data"]
    house.says("Login", {"web": QUIET, "app": QUIET})
    house.walk(INTERVAL)
    assert not house.incident().is_open


@pytest.mark.parametrize(
    ("login", "traffic", "why"),
    [
        pytest.param(None, 2.0, "its selectors match no series", id="nothing is read"),
        pytest.param(math.nan, 2.0, "no data (the value is nan)", id="no number"),
        pytest.param(QUIET, None, "its condition (`requires`) gave no data", id="nothing tells of its condition"),
    ],
)
def test_why_nothing_of_a_rule_can_be_judged(login: float | None, traffic: float | None, why: str) -> None:
    house = House(group("critical", replace(LOGIN, requires=Requires("sum_of_traffic", above=1.0)), ERRORS))
    house.says("Login", login, since=0)
    told = Samples(()) if traffic is None else Samples((Sample((), traffic),))
    house.answer = lambda expr, _at: told if expr == "sum_of_traffic" else None
    blind = house.walk(BLIND_AFTER + INTERVAL)
    assert [(one.alert.key.alert, one.judgement and one.judgement.why) for one in blind] == [("Login", why)]


def test_a_rule_in_the_shadow_is_never_blind() -> None:
    shade = replace(rule("Shade", rollback=0), shadow=True, expect=((("job", "shade"),),))
    house = House(group("critical", LOGIN, shade))
    house.says("Shade", None, since=0)
    house.walk(2 * BLIND_AFTER)
    assert (house.incidents, house.told) == ([], [])


def test_instances_beyond_the_limit_are_named() -> None:
    house = House(replace(CRITICAL, limit=3))
    house.says("Login", {f"job{number}": QUIET for number in range(10)})
    house.tick()
    house.walk(BLIND_AFTER + INTERVAL)
    (told,) = house.incident().active
    assert told.summary == (
        "Login (over the limit) is unwatched: more instances than the group's limit: "
        "job3, job4, job5, job6, job7 and 2 more are not evaluated"
    )


def test_blindness_that_comes_again_is_a_new_incident() -> None:
    house = seeing()
    for _ in range(2):
        house.answer = away("timeout")
        house.walk(BLIND_AFTER)
        house.answer = there()
        house.walk(60)
    assert [(one.id, one.is_open) for one in house.incidents] == [("INC-0001", False), ("INC-0002", False)]


def test_it_is_told_once_however_long_it_lasts() -> None:
    house = seeing()
    house.answer = away("timeout")
    house.walk(7200, step=60)
    assert house.store.reasons == ["blind_opens"]
    assert house.told == ["root"]


# --- blind beside a rollback ------------------------------------------------------------------------------------------


def test_an_open_rollback_carries_blindness_as_a_banner() -> None:
    house = seeing("critical", "billing")
    house.says("Login", WORST)
    house.walk(INTERVAL)
    house.answer = away("timeout", "invoices")
    house.walk(BLIND_AFTER)
    assert [one.id for one in house.incidents] == ["INC-0001"]
    assert house.store.reasons[-2:] == ["rollback_opens", "blind_banner"]
    page = house.pager.messages[-1].page
    assert page is not None
    assert [note.partition(": ")[2] for note in page.notes] == ["Group billing is unwatched: timeout"]
    house.answer = there()
    house.walk(INTERVAL)
    assert house.store.reasons[-1] == "one_resolves"
    assert house.incident().recovered_at is None


def test_a_prepare_incident_does_not_hide_blindness() -> None:
    house = House(group("critical", ERRORS), BILLING)
    house.says("Errors", BAD)
    house.tick()
    house.walk(60)
    house.answer = away("timeout", "invoices")
    house.walk(BLIND_AFTER)
    assert [(one.id, one.blind) for one in house.incidents] == [("INC-0001", False), ("INC-0002", True)]


def test_a_rollback_recovers_under_a_banner() -> None:
    house = seeing("critical", "billing")
    house.says("Login", WORST)
    house.walk(INTERVAL)
    house.answer = away("timeout", "invoices")
    house.walk(BLIND_AFTER)
    house.says("Login", QUIET)
    house.walk(INTERVAL)
    assert house.incident().recovered_at is not None


def test_blindness_that_outlasts_the_rollback_beside_it_has_its_own_page() -> None:
    house = seeing("critical", "billing")
    house.says("Login", WORST)
    house.walk(INTERVAL)
    house.answer = away("timeout", "invoices")
    house.walk(BLIND_AFTER)
    house.says("Login", QUIET)
    house.walk(1800 + 2 * INTERVAL)
    assert [(one.id, one.blind, one.is_open) for one in house.incidents] == [
        ("INC-0001", False, False),
        ("INC-0002", True, True),
    ]
    (told,) = house.incident(2).active
    assert told.summary == "Group billing is unwatched: timeout"
    assert told.since.timestamp() == START + INTERVAL + OFFSET
    house.answer = there()
    house.walk(INTERVAL)
    assert [one.is_open for one in house.incidents] == [False, False]


def test_a_rollback_that_opens_while_blind_has_its_own_page() -> None:
    house = seeing("critical", "billing")
    house.answer = away("timeout", "invoices")
    house.walk(BLIND_AFTER)
    house.says("Login", WORST)
    house.walk(INTERVAL)
    assert [(one.id, one.blind) for one in house.incidents] == [("INC-0001", True), ("INC-0002", False)]


# --- restarts and reloads ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("evaluated", [False, True], ids=["before the first evaluation", "after one without answer"])
def test_a_restart_is_no_sight_of_a_group(*, evaluated: bool) -> None:
    house = seeing()
    house.answer = away("timeout")
    house.walk(BLIND_AFTER)
    house.build(house.book.now.rules)
    house.clock.advance(INTERVAL)
    if evaluated:
        house.evaluate()
    assert house.vigil.watch() == ()
    assert house.incident().is_open
    house.walk(2 * BLIND_AFTER)
    assert house.store.reasons == ["blind_opens"]


@pytest.mark.parametrize("evaluated", [False, True], ids=["before the first evaluation", "after one without series"])
def test_a_restart_is_no_sight_of_a_rule(*, evaluated: bool) -> None:
    house = House(group("critical", LOGIN, ERRORS))
    house.says("Login", None)
    house.tick()
    house.walk(BLIND_AFTER + INTERVAL)
    house.build(house.book.now.rules)
    house.clock.advance(INTERVAL)
    if evaluated:
        house.evaluate()
    assert house.vigil.watch() == ()
    assert house.incident().is_open
    house.says("Login", QUIET)
    house.walk(INTERVAL)
    assert house.incident().end_reason is EndReason.SIGHTED


def test_a_restart_is_no_sight_of_a_firing_instance() -> None:
    house = seeing()
    house.says("Login", {"web": WORST, "app": QUIET})
    house.walk(INTERVAL)
    house.says("Login", {"app": QUIET})
    house.walk(BLIND_AFTER + INTERVAL)
    banner = {one.key for one in house.incident().active if one.key.tier is Tier.BLIND}
    house.build(house.book.now.rules)
    house.clock.advance(INTERVAL)
    assert house.vigil.watch() == ()
    assert {one.key for one in house.incident().active if one.key.tier is Tier.BLIND} == banner


def test_a_rule_that_a_reload_adds_is_not_instantly_blind() -> None:
    house = seeing()
    house.walk(2 * BLIND_AFTER)
    house.says("Errors", None)
    house.reloader.adopt(rule_set(group("critical", LOGIN, ERRORS)))
    assert house.vigil.watch() == ()
    assert house.walk(BLIND_AFTER - INTERVAL) == ()
    assert [one.alert.key.alert for one in house.walk(2 * INTERVAL)] == ["Errors"]


def test_a_rule_that_was_away_for_a_while_is_not_instantly_blind() -> None:
    house = House(group("critical", LOGIN, ERRORS))
    house.tick()
    house.reloader.adopt(rule_set(group("critical", LOGIN)))
    house.walk(2 * BLIND_AFTER)
    house.reloader.adopt(rule_set(group("critical", LOGIN, ERRORS)))
    assert house.vigil.watch() == ()
    assert house.walk(60) == ()


def test_a_group_that_was_away_for_a_while_is_not_instantly_blind() -> None:
    house = seeing("critical", "billing")
    house.reloader.adopt(rule_set(CRITICAL))
    house.walk(2 * BLIND_AFTER)
    house.reloader.adopt(rule_set(CRITICAL, BILLING))
    assert house.vigil.watch() == ()
    assert house.incidents == []


def test_a_blind_rule_that_is_removed_is_no_longer_told() -> None:
    house = House(group("critical", LOGIN, ERRORS))
    house.says("Login", None)
    house.tick()
    house.walk(BLIND_AFTER + INTERVAL)
    house.reloader.adopt(rule_set(group("critical", ERRORS)))
    house.walk(INTERVAL)
    assert not house.incident().is_open
    assert house.incident().alerts[0].resolved_why == "rule_removed"


def test_a_group_named_like_a_rule_of_another_is_told_once() -> None:
    house = House(group("Login", ERRORS), group("critical", LOGIN))
    house.says("Login", None)
    house.tick()
    house.walk(2 * BLIND_AFTER)
    assert house.store.reasons == ["blind_opens"]


# --- incidents that end by themselves ---------------------------------------------------------------------------------


def recovered() -> House:
    house = House(CRITICAL)
    house.says("Login", WORST)
    house.tick()
    house.says("Login", QUIET, since=START + INTERVAL)
    house.walk(INTERVAL)
    assert house.incident().recovered_at is not None
    return house


def test_what_stays_clear_ends_by_itself_after_reopen_within() -> None:
    house = recovered()
    house.walk(1800 - INTERVAL)
    assert house.incident().is_open
    house.walk(2 * INTERVAL)
    assert house.incident().end_reason is EndReason.BY_ITSELF
    assert house.told[-2:] == [
        "line: Ended by itself: the signals stayed clear and nobody rolled back.",
        "edit root",
    ]


def test_what_has_ended_is_left_alone() -> None:
    house = recovered()
    house.walk(1800 + INTERVAL)
    before = house.kinds()
    house.walk(1800, step=300)
    assert house.kinds() == before


# --- the page shows the present ---------------------------------------------------------------------------------------


def test_a_page_is_brought_up_to_date_at_most_every_30_s_and_only_with_news() -> None:
    house = House(group("critical", rule("Login", rollback=0)))
    told = rule_with_value()
    house.build(rule_set(group("critical", told)))
    house.says("Login", WORST)
    house.tick()
    house.walk(120)
    assert "refreshed" not in house.store.reasons
    for number in range(8):
        house.says("Login", 0.7 + number / 100, since=START + 135 + number * INTERVAL)
    house.walk(120)
    assert house.store.reasons.count("refreshed") == 4
    page = house.pager.messages[-1].page
    assert page is not None
    assert "login fails at 0.7" in page.headline
    assert house.alerts()[key("Login")].state is State.FIRING
    assert house.told.count("root") == 1


def rule_with_value() -> Rule:
    return replace(LOGIN, annotations=(("summary", "login fails at {{ $value }}"),))
