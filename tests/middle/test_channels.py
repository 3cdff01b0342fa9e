"""An incident in several channels: who sees it where, who is called there, who may act; and what parts incidents."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.adapters.memory.world import RecordingPager
from monitor.core.actor import Actor, Source
from monitor.core.incidents.routes import in_one_channel
from monitor.core.model import Labels
from monitor.core.pages.page import ActionKind
from monitor.core.rules.routing import Escalation, Pages, Route
from monitor.core.rules.rule import Matcher, MatchOp
from monitor.core.rules.ruleset import RuleSet
from monitor.delivery.outbox import Destinations
from monitor.desk.channels import Channels
from monitor.ports.metrics import Unanswered
from monitor.ports.pager import Ambiguous, Delivery, Message, Rejected
from monitor.ports.store import Post, PostKind
from tests.middle.house import (
    BAD,
    BLIND_AFTER,
    INTERVAL,
    NOBODY_AGAIN,
    QUIET,
    REOPEN_WITHIN,
    WORST,
    House,
    group,
    rule,
    rule_set,
)


def team(name: str) -> Labels:
    return (("team", name),)


def route(channel: str, value: str, *responders: str, label: str = "team", commanders: tuple[str, ...] = ()) -> Route:
    return Route(channel, responders, commanders, matchers=(Matcher(label, MatchOp.EQUAL, value),))


OPS = Route("C0OPS", ("S0ONCALL",), ("S0IC",))
BILL = route("C0BILL", "billing", "S0BILL")
INVOICES = route("C0INV", "Invoices", "U0INVO", label="alertname")
RULES = group(
    "all",
    rule("Login", prepare=0, rollback=0),
    rule("Invoices", prepare=0, rollback=0, labels=team("billing")),
    rule("Refunds", prepare=0, rollback=0, labels=team("billing")),
    rule("Export", rollback=0, labels=team("web")),
)


def rules(*routes: Route, escalation: Escalation = NOBODY_AGAIN, group_by: tuple[str, ...] = ()) -> RuleSet:
    return rule_set(RULES, route=OPS, routes=routes, escalation=escalation, group_by=("environment", *group_by))


def house_of(*routes: Route, **given: Escalation | tuple[str, ...]) -> House:
    house = House(RULES)
    house.build(rules(*routes, **given))  # type: ignore[arg-type]  # as `rules` takes them
    return house


def says(house: House, seconds: float = INTERVAL, **values: float) -> House:
    """Let metrics say something, and time pass."""
    house.clock.advance(INTERVAL)
    for alert, value in values.items():
        house.says(alert, value)
    house.tick()
    house.walk(int(seconds) - INTERVAL)
    house.outbox.deliver_due()
    return house


def told(house: House, since: int = 0) -> list[tuple[str, str, tuple[str, ...]]]:
    """Channel, kind and mention of what was newly posted, not edited."""
    new = [one.post for one in house.pager.messages[since:] if one.post.ts is None]
    return [(one.channel, str(one.kind), one.mention) for one in new]


def edited(house: House, since: int) -> set[str]:
    """The channels whose root was edited."""
    posts = [one.post for one in house.pager.messages[since:]]
    return {one.channel for one in posts if one.kind is PostKind.ROOT and one.ts is not None}


ROOT, BROADCAST, LINE, CARD = "root", "broadcast", "line", "card"

OPENINGS: list[tuple[str, list[Route], dict[str, float], list[tuple[str, str, tuple[str, ...]]]]] = [
    ("no route fits=>the default channel", [BILL], {"Login": WORST}, [("C0OPS", ROOT, ("S0ONCALL",))]),
    ("one route fits=>there and nowhere else", [BILL], {"Invoices": WORST}, [("C0BILL", ROOT, ("S0BILL",))]),
    (
        "several routes fit=>all of them",
        [BILL, INVOICES],
        {"Invoices": WORST},
        [("C0BILL", ROOT, ("S0BILL",)), ("C0INV", ROOT, ("U0INVO",))],
    ),
    (
        "two alerts at once=>each its own, at its own tier",
        [BILL],
        {"Login": WORST, "Invoices": BAD},
        [("C0OPS", ROOT, ("S0ONCALL",)), ("C0BILL", ROOT, ())],
    ),
    (
        "two routes to one channel=>one root for the people of both",
        [BILL, replace(INVOICES, channel="C0BILL")],
        {"Invoices": WORST},
        [("C0BILL", ROOT, ("S0BILL", "U0INVO"))],
    ),
    (
        "a route to the default channel=>its own people where only its alerts fire",
        [replace(BILL, channel="C0OPS")],
        {"Invoices": WORST},
        [("C0OPS", ROOT, ("S0BILL",))],
    ),
]


@pytest.mark.parametrize(("routes", "values", "posts"), [one[1:] for one in OPENINGS], ids=[one[0] for one in OPENINGS])
def test_an_incident_opens_where_its_alerts_fit(
    routes: list[Route], values: dict[str, float], posts: list[tuple[str, str, tuple[str, ...]]]
) -> None:
    assert told(says(house_of(*routes), **values)) == posts


JOINS: list[tuple[str, dict[str, float], dict[str, float], list[tuple[str, str, tuple[str, ...]]]]] = [
    (
        "another service at prepare",
        {"Login": BAD},
        {"Invoices": BAD},
        [("C0BILL", ROOT, ()), ("C0OPS", BROADCAST, ())],
    ),
    (
        "at prepare into a rollback",
        {"Login": WORST},
        {"Invoices": BAD},
        [("C0BILL", ROOT, ()), ("C0OPS", BROADCAST, ())],
    ),
    (
        "the one that raises it",
        {"Login": BAD},
        {"Invoices": WORST},
        [("C0BILL", ROOT, ("S0BILL",)), ("C0OPS", BROADCAST, ("S0ONCALL",))],
    ),
    (
        "another reason to roll back",
        {"Login": WORST},
        {"Invoices": WORST},
        [("C0BILL", ROOT, ("S0BILL",)), ("C0OPS", BROADCAST, ("S0ONCALL",))],
    ),
    (
        "a channel that is there already",
        {"Invoices": WORST},
        {"Refunds": WORST},
        [("C0BILL", BROADCAST, ("S0BILL",))],
    ),
]


@pytest.mark.parametrize(("first", "then", "posts"), [one[1:] for one in JOINS], ids=[one[0] for one in JOINS])
def test_a_channel_that_joins_gets_a_root_of_its_own(
    first: dict[str, float], then: dict[str, float], posts: list[tuple[str, str, tuple[str, ...]]]
) -> None:
    house = says(house_of(BILL), **first)
    before = len(house.pager.messages)
    assert sorted(told(says(house, **then), before)) == sorted(posts)


def test_everything_after_that_reaches_all_of_them() -> None:
    house = says(house_of(BILL, INVOICES), Login=WORST, Invoices=WORST)
    channels = {"C0OPS", "C0BILL", "C0INV"}
    before = len(house.pager.messages)
    house.ask(ActionKind.ACKNOWLEDGE)
    house.outbox.deliver_due()
    assert (told(house, before), edited(house, before)) == ([], channels)
    before = len(house.pager.messages)
    house.ask(ActionKind.START)
    house.outbox.deliver_due()
    assert {(channel, kind) for channel, kind, _ in told(house, before)} == {(one, CARD) for one in channels}
    before = len(house.pager.messages)
    says(house, Login=QUIET, Invoices=QUIET)
    assert {(channel, kind) for channel, kind, _ in told(house, before)} == {(one, BROADCAST) for one in channels}
    assert edited(house, before) == channels
    roots = {one.post.channel: one.root_ts for one in house.pager.messages if one.root_ts is not None}
    held = {one.channel: one.ts for one in house.store.posts("INC-0001") if one.kind is PostKind.ROOT}
    assert roots == held, "each thread hangs on the root of its own channel"


def test_a_channel_that_joins_a_procedure_gets_its_card() -> None:
    house = says(house_of(BILL), Login=WORST)
    house.ask(ActionKind.START)
    before = len(house.pager.messages)
    says(house, Invoices=WORST)
    assert [one for one in told(house, before) if one[0] == "C0BILL"] == [
        ("C0BILL", ROOT, ("S0BILL",)),
        ("C0BILL", CARD, ()),
    ]


def test_new_numbers_are_shown_everywhere() -> None:
    house = says(house_of(BILL), Login=WORST, Invoices=WORST)
    before = len(house.pager.messages)
    house.desk.refresh("INC-0001")
    house.outbox.deliver_due()
    assert edited(house, before) == {"C0OPS", "C0BILL"}


def test_one_that_went_blind_reaches_its_own_people_as_a_banner() -> None:
    house = says(house_of(BILL), Login=WORST)
    before = len(house.pager.messages)
    house.answer = lambda expr, _at: Unanswered("timeout") if expr == "invoices" else None
    house.walk(BLIND_AFTER + 2 * INTERVAL)
    assert [one for one in told(house, before) if one[1] == ROOT] == [("C0BILL", ROOT, ())]
    assert [one.id for one in house.incidents] == ["INC-0001"]


# --- who is called, and where else ------------------------------------------------------------------------------------

ESCALATES = Escalation((60,), 120, channel="C0ESCAL")


def test_calls_go_to_the_people_of_each_channel_and_escalate_once() -> None:
    house = says(house_of(BILL, escalation=ESCALATES), Login=WORST, Invoices=WORST)
    before = len(house.pager.messages)
    house.walk(75)
    assert sorted(told(house, before)) == [("C0BILL", BROADCAST, ("S0BILL",)), ("C0OPS", BROADCAST, ("S0ONCALL",))]
    before = len(house.pager.messages)
    house.walk(60)
    assert told(house, before) == [("C0ESCAL", "escalation", ("S0IC", "S0ONCALL", "S0BILL"))]
    assert house.pager.messages[before].home == "C0OPS"


def test_an_escalation_names_a_channel_in_which_the_incident_is() -> None:
    house = says(house_of(BILL, escalation=ESCALATES), 150, Invoices=WORST)
    assert [one.home for one in house.pager.messages if one.post.kind is PostKind.ESCALATION] == ["C0BILL"]


class Channelled(RecordingPager):
    """A Slack whose channels answer as they are told."""

    def __init__(self, **answers: Delivery) -> None:
        super().__init__()
        self.given = answers

    def deliver(self, message: Message) -> Delivery:
        sent = super().deliver(message)
        return self.given.get(message.post.channel, sent)


def handed_on(slack: Channelled, second: str = "", pages: Pages | None = None) -> tuple[House, RecordingPager]:
    duty = RecordingPager()
    house = House(RULES, pager=slack, destinations=Destinations({"pagerduty": duty}, lambda: second))
    under = rules(BILL)
    house.build(replace(under, routing=replace(under.routing, page=pages or Pages())))
    return house, duty


def calls(house: House) -> list[Post]:
    return [one for one in house.store.posts("INC-0001") if one.kind is PostKind.CALL]


REFUSED, LOST = Rejected("Slack refused (is_archived)"), Ambiguous("timeout")


@pytest.mark.parametrize(
    ("answers", "second", "called"),
    [
        pytest.param({"C0OPS": REFUSED, "C0BILL": REFUSED}, "", ["pagerduty"], id="both refused=>one call"),
        pytest.param({"C0BILL": REFUSED}, "", ["pagerduty"], id="one refused=>one call"),
        pytest.param({"C0OPS": LOST, "C0BILL": LOST}, "", ["pagerduty"], id="both late=>one call"),
        pytest.param({"C0OPS": REFUSED, "C0BILL": REFUSED}, "C0ELSE", ["C0ELSE"], id="to the second channel, once"),
    ],
)
def test_a_page_is_handed_on_once_for_all_channels(
    answers: dict[str, Delivery], second: str, called: list[str]
) -> None:
    house, _ = handed_on(Channelled(**answers), second)
    says(house, 3 * INTERVAL, Login=WORST, Invoices=WORST)
    assert [one.channel for one in calls(house)] == called
    assert {"S0BILL"} <= set(calls(house)[0].mention) <= {"S0ONCALL", "S0BILL"}


def test_a_page_that_is_handed_on_calls_the_people_of_all_channels_that_did_not_take_it() -> None:
    house, _ = handed_on(Channelled(C0OPS=REFUSED, C0BILL=REFUSED), "C0ELSE")
    says(house, Login=WORST, Invoices=WORST)
    assert [sorted(one.mention) for one in calls(house)] == [["S0BILL", "S0ONCALL"]]


def test_one_that_joins_while_slack_is_gone_is_handed_on_with_the_page_beside_it() -> None:
    slack = Channelled()
    house, duty = handed_on(slack)
    says(house, Login=BAD)
    slack.given = {"C0OPS": LOST, "C0BILL": LOST}
    says(house, 4 * INTERVAL, Invoices=WORST)
    (call,) = calls(house)
    assert (call.channel, call.n > 0, call.mention) == ("pagerduty", True, ("S0BILL", "S0ONCALL"))
    assert [one.call.stance for one in duty.messages if one.call] == ["triggered"]


def test_other_pagers_are_called_once_by_page() -> None:
    house, duty = handed_on(Channelled(), pages=Pages(rollback=("slack", "pagerduty")))
    says(house, Login=WORST, Invoices=WORST)
    assert [one.call.key for one in duty.messages if one.call] == ["production/INC-0001"]


@pytest.mark.parametrize("refusing", ["C0OPS", "C0BILL"])
def test_a_channel_that_took_its_page_at_once_is_told_no_story(refusing: str) -> None:
    house, _ = handed_on(Channelled(**{refusing: REFUSED}))
    says(house, 2 * INTERVAL, Login=WORST, Invoices=WORST)
    assert [one for one in told(house) if one[1] == LINE] == []


# --- who may act ------------------------------------------------------------------------------------------------------

RIGHTS: list[tuple[str, dict[str, float], tuple[str, ...], tuple[str, ...]]] = [
    ("no route fits=>the default people", {"Login": WORST}, ("S0ONCALL",), ("S0IC",)),
    ("a route fits=>its people alone", {"Invoices": WORST}, ("S0BILL",), ("S0LEAD",)),
    ("both=>all of them", {"Login": WORST, "Invoices": WORST}, ("S0ONCALL", "S0BILL"), ("S0IC", "S0LEAD")),
]


@pytest.mark.parametrize(
    ("values", "responders", "commanders"), [one[1:] for one in RIGHTS], ids=[one[0] for one in RIGHTS]
)
def test_rights_are_those_of_all_its_routes(
    values: dict[str, float], responders: tuple[str, ...], commanders: tuple[str, ...]
) -> None:
    house = says(house_of(replace(BILL, commanders=("S0LEAD",))), **values)
    rights = Channels(house.store, house.book).rights("INC-0001")
    assert (rights.responders, rights.commanders) == (responders, commanders)


def test_of_an_incident_that_there_is_none_of_the_default_route_speaks() -> None:
    house = house_of(BILL)
    assert Channels(house.store, house.book).rights("INC-0099") == OPS


def test_it_says_where_nobody_may() -> None:
    nobody = replace(BILL, responders=())
    house = says(house_of(nobody), Invoices=WORST)
    outcome = house.ask(ActionKind.START, Actor("U0GUS", "Gus", Source.SLACK))
    assert "no responders and no commanders are configured" in str(outcome)


def test_rights_stay_with_those_whose_rule_was_taken_away() -> None:
    house = says(house_of(BILL), Invoices=WORST)
    left = replace(RULES, rules=tuple(one for one in RULES.rules if one.alert != "Invoices"))
    house.reloader.adopt(replace(house.book.now.rules, groups=(left,)))
    assert Channels(house.store, house.book).rights("INC-0001").responders == ("S0BILL",)


# --- another rule set -------------------------------------------------------------------------------------------------


def moved_label() -> RuleSet:
    now = [replace(one, labels=team("billing")) if one.alert == "Login" else one for one in RULES.rules]
    return replace(rules(BILL), groups=(replace(RULES, rules=tuple(now)),))


def renamed() -> RuleSet:
    now = [replace(one, alert="SignIn", renamed_from="Login") for one in RULES.rules if one.alert == "Login"]
    under = rules(route("C0SIGN", "SignIn", "S0SIGN", label="alertname"))
    return replace(under, groups=(replace(RULES, rules=tuple(now)),))


RELOADS: list[tuple[str, Callable[[], RuleSet], dict[str, tuple[str, ...]]]] = [
    ("nothing that matters", lambda: rules(BILL), {}),
    (
        "a route comes that fits",
        lambda: rules(BILL, route("C0LOG", "Login", "S0LOG", label="alertname")),
        {"C0LOG": ("S0LOG",)},
    ),
    (
        "the default channel changes",
        lambda: replace(rules(), routing=replace(rules().routing, default=Route("C0NEW", ("S0NEW",)))),
        {"C0NEW": ("S0NEW",)},
    ),
    ("the labels of its rule change", moved_label, {"C0BILL": ("S0BILL",)}),
    ("its rule gets another name", renamed, {"C0SIGN": ("S0SIGN",)}),
]


@pytest.mark.parametrize(("after", "joined"), [one[1:] for one in RELOADS], ids=[one[0] for one in RELOADS])
def test_a_reload_lets_channels_join_and_none_leave(
    after: Callable[[], RuleSet], joined: dict[str, tuple[str, ...]]
) -> None:
    house = says(house_of(BILL), Login=WORST)
    before = len(house.pager.messages)
    house.reloader.adopt(after())
    house.outbox.deliver_due()
    assert {channel: mention for channel, kind, mention in told(house, before) if kind == ROOT} == joined
    before = len(house.pager.messages)
    house.ask(ActionKind.ACKNOWLEDGE)
    house.outbox.deliver_due()
    assert (edited(house, before), told(house, before)) == ({"C0OPS", *joined}, [])
    house.reloader.adopt(rules(BILL))
    house.reloader.adopt(after())
    house.outbox.deliver_due()
    assert [one for one in told(house, before) if one[1] == ROOT] == [], "and never a second root"


def test_one_that_recovered_calls_nobody_where_it_joins() -> None:
    house = says(house_of(BILL), Login=WORST)
    says(house, Login=QUIET)
    before = len(house.pager.messages)
    house.reloader.adopt(rules(route("C0LOG", "Login", "S0LOG", label="alertname")))
    house.outbox.deliver_due()
    assert told(house, before) == [("C0LOG", ROOT, ())]


def test_on_one_console_it_is_shown_once_for_the_people_of_all_routes() -> None:
    under = rules(BILL, INVOICES)
    house = house_of()
    house.build(replace(under, routing=in_one_channel(under.routing)))
    says(house, Login=WORST, Invoices=WORST)
    assert told(house) == [("C0OPS", ROOT, ("S0ONCALL", "S0BILL", "U0INVO"))]


def test_one_that_ended_joins_no_other_channel() -> None:
    house = says(house_of(BILL), Login=BAD)
    says(house, REOPEN_WITHIN + 60, Login=QUIET)
    before = len(house.pager.messages)
    house.reloader.adopt(rules(route("C0LOG", "Login", "S0LOG", label="alertname")))
    house.outbox.deliver_due()
    house.ask(ActionKind.NOTE, note="it was the load balancer")
    house.outbox.deliver_due()
    assert told(house, before) == []


def test_people_of_a_route_that_left_are_not_called() -> None:
    house = says(house_of(BILL), Invoices=BAD)
    house.reloader.adopt(rules())
    house.outbox.deliver_due()
    before = len(house.pager.messages)
    says(house, Login=WORST)
    assert sorted(told(house, before)) == [("C0BILL", BROADCAST, ()), ("C0OPS", BROADCAST, ("S0ONCALL",))]


# --- what parts incidents ---------------------------------------------------------------------------------------------


def parted(house: House) -> list[tuple[str, list[str]]]:
    return [(one.where, sorted({firing.key.alert for firing in one.active})) for one in house.incidents]


def test_alerts_of_other_values_open_another_incident() -> None:
    house = says(house_of(BILL, group_by=("team",)), Invoices=WORST, Login=WORST, Refunds=WORST, Export=WORST)
    assert sorted(parted(house)) == [
        ("production", ["Login"]),
        ("production/billing", ["Invoices", "Refunds"]),
        ("production/web", ["Export"]),
    ]
    assert sorted(one for one in told(house) if one[1] == ROOT) == [
        ("C0BILL", ROOT, ("S0BILL",)),
        ("C0OPS", ROOT, ("S0ONCALL",)),
        ("C0OPS", ROOT, ("S0ONCALL",)),
    ]
    assert {one.page.headline.split(":")[0] for one in house.pager.messages if one.page} == {
        "ROLLBACK NOW production",
        "ROLLBACK NOW production/billing",
        "ROLLBACK NOW production/web",
    }


def test_by_environment_alone_all_of_them_are_one() -> None:
    house = says(house_of(), Invoices=WORST, Login=WORST, Export=WORST)
    assert parted(house) == [("production", ["Export", "Invoices", "Login"])]


def test_each_comes_back_and_clears_by_itself() -> None:
    house = says(house_of(group_by=("team",)), Invoices=BAD, Login=BAD)
    says(house, Invoices=QUIET)
    assert sorted(parted(house)) == [("production", ["Login"]), ("production/billing", [])]
    says(house, Refunds=BAD)
    assert sorted(parted(house)) == [("production", ["Login"]), ("production/billing", ["Refunds"])]


def test_something_unseen_of_another_team_is_no_banner_of_this_one() -> None:
    house = says(house_of(group_by=("team",)), Invoices=WORST)
    house.answer = lambda expr, _at: Unanswered("timeout") if expr in {"refunds", "export"} else None
    house.walk(BLIND_AFTER + 2 * INTERVAL)
    assert [(one.where, one.blind, {firing.key.alert for firing in one.active}) for one in house.incidents] == [
        ("production/billing", False, {"Invoices", "Refunds"}),
        ("production", True, {"Export"}),
    ]


# --- any history ------------------------------------------------------------------------------------------------------

THREE = (BILL, INVOICES, route("C0WEB", "web", "S0WEB"))
WHERE = {
    "Login": {"C0OPS"},
    "Invoices": {"C0BILL", "C0INV"},
    "Refunds": {"C0BILL"},
    "Export": {"C0WEB"},
}
VALUES = st.dictionaries(st.sampled_from(sorted(WHERE)), st.sampled_from([QUIET, BAD, WORST]), max_size=3)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(VALUES, st.sampled_from(["", "acknowledge", "start"])), min_size=1, max_size=6))
def test_every_channel_has_one_root_and_every_edit_reaches_all(history: list[tuple[dict[str, float], str]]) -> None:
    house = house_of(*THREE)
    for values, action in history:
        before, kinds = len(house.pager.messages), {one.id: len(house.store.events(one.id)) for one in house.incidents}
        says(house, **values)
        if action and house.incidents:
            house.ask(ActionKind(action), number=len(house.incidents))
            house.outbox.deliver_due()
        for incident in house.incidents:
            wanted = set().union(*(WHERE[one.key.alert] for one in incident.alerts))
            every = [one.post for one in house.pager.messages if one.post.incident == incident.id]
            assert sorted(one.channel for one in every if one.kind is PostKind.ROOT and one.ts is None) == sorted(
                wanted
            )
            new = house.store.events(incident.id)[kinds.get(incident.id, 0) :]
            shown = {one.post.channel for one in house.pager.messages[before:] if _shows(one, incident.id)}
            changed = any(one.kind not in SILENT for one in new)
            assert shown == wanted or (not changed and not shown)  # without a change, new numbers may be shown
    assert house.store.owed() == []


SILENT = {"refused", "snapshot"}
"""The kinds of events that the page does not show."""


def _shows(message: Message, incident: str) -> bool:
    return message.post.incident == incident and message.post.kind is PostKind.ROOT
