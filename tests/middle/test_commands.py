"""What people do: one effect a click, an answer for everybody, and evidence of what was refused."""

import threading

import pytest

from monitor.core.actor import Actor, Role, Source
from monitor.core.incidents.events import DealtWith, Refused
from monitor.core.model import State, Tier
from monitor.core.pages.page import OF_DRILLS, ActionKind
from monitor.core.rules.rule import Resolve
from monitor.core.rules.ruleset import RuleSet
from monitor.people.commands import Done, Outcome
from monitor.people.requesting import NotDone
from monitor.ports.metrics import Unanswered
from tests.middle.house import (
    ANA,
    BEN,
    BLIND_AFTER,
    GUEST,
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
DATA = rule("Data", rollback=0, resolve=Resolve.BY_PERSON)
LEDGER = rule("Ledger", rollback=60, resolve=Resolve.BY_PERSON)
ACK, START_IT, DEALT = ActionKind.ACKNOWLEDGE, ActionKind.START, ActionKind.DEALT_WITH
GONE = ActionKind.GONE_FOR_GOOD


def rolling_back(*alerts: str) -> House:
    """A house with an incident in which `alerts` fire, since 03:00."""
    house = House(group("critical", LOGIN, DATA))
    for alert in alerts or ("Login",):
        house.says(alert, WORST)
    house.tick()
    return house


def sentence(outcome: Outcome) -> str:
    assert isinstance(outcome, NotDone)
    return outcome.sentence


# --- acknowledge ------------------------------------------------------------------------------------------------------


def test_acknowledge() -> None:
    house = rolling_back()
    outcome = house.ask(ACK)
    assert isinstance(outcome, Done)
    assert (outcome.incident.acknowledged_by, outcome.incident.acknowledged_at) == (ANA, house.clock.now())
    assert house.incident() == outcome.incident


def test_acknowledge_is_open_to_everybody() -> None:
    assert isinstance(rolling_back().ask(ACK, GUEST), Done)


def test_of_two_who_acknowledge_at_once_one_wins_and_the_other_is_told_who() -> None:
    for _ in range(200):
        house = rolling_back()
        together = threading.Barrier(2)
        outcomes: dict[str, Outcome] = {}

        def click(
            by: Actor, house: House = house, together: threading.Barrier = together, into: dict[str, Outcome] = outcomes
        ) -> None:
            together.wait(5)
            into[by.name] = house.ask(ACK, by)

        threads = [threading.Thread(target=click, args=(by,)) for by in (ANA, BEN)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(5)
        (won,) = [name for name, outcome in outcomes.items() if isinstance(outcome, Done)]
        (lost,) = set(outcomes) - {won}
        assert sentence(outcomes[lost]) == f"INC-0001 is already acknowledged by {won}, since 03:00 UTC."
        assert house.kinds().count("acknowledged") == 1
        assert house.kinds().count("refused") == 1


def test_a_room_full_of_people_who_acknowledge_at_once() -> None:
    house = rolling_back()
    together = threading.Barrier(12)
    outcomes: list[Outcome] = []

    def click(number: int) -> None:
        together.wait(5)
        outcomes.append(house.ask(ACK, Actor(f"U{number}", f"Person {number}", Source.SLACK)))

    threads = [threading.Thread(target=click, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert [type(one) for one in outcomes].count(Done) == 1
    assert len(outcomes) == 12
    assert house.kinds().count("refused") == 11


def test_who_acknowledges_again_is_told_so() -> None:
    house = rolling_back()
    house.ask(ACK)
    assert sentence(house.ask(ACK)) == "INC-0001 is already acknowledged by you, since 03:00 UTC."


# --- gone for good ----------------------------------------------------------------------------------------------------


def two_instances() -> House:
    house = House(group("critical", LOGIN))
    house.says("Login", {"a": WORST, "b": WORST})
    house.tick()
    return house


def test_only_an_instance_that_vanished_is_gone_for_good() -> None:
    house = two_instances()
    assert "it was in the data when they were read last" in sentence(house.ask(GONE, alert="0", note="scaled down"))
    house.says("Login", {"b": WORST}, since=house.grid + INTERVAL)
    house.walk(INTERVAL)
    assert isinstance(house.ask(GONE, alert="0", note="scaled down"), NotDone), "one look without it is none"
    house.walk(INTERVAL)
    assert isinstance(house.ask(GONE, alert="1", note="scaled down"), NotDone), "the other one is there"
    assert isinstance(house.ask(GONE, alert="0", note="scaled down"), Done)
    assert [one.key.labels for one in house.incident().active] == [(("job", "b"),)]


def test_what_nobody_answers_about_has_not_vanished() -> None:
    house = two_instances()
    house.answer = lambda _expr, _at: Unanswered("it is away")
    house.walk(4 * INTERVAL)
    assert isinstance(house.ask(GONE, alert="0", note="scaled down"), NotDone)
    house.build(house.book.now.rules)
    house.walk(4 * INTERVAL)
    assert "Whether Login vanished is not known" in sentence(house.ask(GONE, alert="0", note="scaled down"))
    house.answer = lambda _expr, _at: None
    house.says("Login", {"b": WORST}, since=house.grid)
    house.walk(3 * INTERVAL)
    assert isinstance(house.ask(GONE, alert="0", note="scaled down"), Done)


# --- start ------------------------------------------------------------------------------------------------------------


def test_start_names_the_commander_and_owes_the_card() -> None:
    house = rolling_back()
    outcome = house.ask(START_IT)
    assert isinstance(outcome, Done)
    incident = outcome.incident
    assert (incident.commander, incident.procedure, incident.steps) == (ANA, "rollback", 2)
    assert incident.acknowledged_by == ANA
    house.outbox.deliver_due()
    (card,) = [message.card for message in house.pager.messages if message.card is not None]
    assert card.next_for == "Ana: Declare"


@pytest.mark.parametrize(
    ("by", "told"),
    [
        pytest.param(
            BEN,
            "Ana commands INC-0001 since 03:00 UTC. Offer your help in the thread, where the checklist is, or ask for "
            "command there.",
            id="by somebody else",
        ),
        pytest.param(ANA, "You command INC-0001 since 03:00 UTC; the checklist is in the thread.", id="by the same"),
    ],
)
def test_start_after_start_is_refused(by: Actor, told: str) -> None:
    house = rolling_back()
    house.ask(START_IT)
    assert sentence(house.ask(START_IT, by)) == told
    assert house.incident().commander == ANA


@pytest.mark.parametrize("action", [START_IT, DEALT])
def test_who_is_no_responder_is_refused(action: ActionKind) -> None:
    house = rolling_back("Data")
    told = sentence(house.ask(action, GUEST, alert="Data"))
    assert told.startswith("Gus is not among the responders or commanders of production")
    assert house.incident().commander is None
    assert key("Data") in house.alerts()


def test_a_commander_by_role_may_start() -> None:
    by = Actor("U0", "Cora", Source.CONSOLE, frozenset({Role.COMMANDER}))
    assert isinstance(rolling_back().ask(START_IT, by), Done)


def test_there_is_nothing_to_roll_back_when_nothing_is_seen() -> None:
    house = House(group("critical", LOGIN))
    house.clock.advance(1)
    house.tick()
    house.clock.advance(BLIND_AFTER)
    house.vigil.watch()
    assert "there is nothing to roll back" in sentence(house.ask(START_IT))
    assert isinstance(house.ask(ACK), Done)


def test_start_without_its_procedure_file() -> None:
    house = rolling_back()
    rules = rule_set(group("critical", LOGIN, DATA))
    house.reloader.adopt(RuleSet(rules.groups, rules.routing, {}))
    assert sentence(house.ask(START_IT)) == (
        "The rules name a procedure rollback, but there is no such file (any more)."
    )


# --- dealt with -------------------------------------------------------------------------------------------------------


def test_an_alert_by_person_fires_until_it_is_dealt_with() -> None:
    house = rolling_back("Data")
    house.says("Data", QUIET, since=START + INTERVAL)
    house.walk(3600, step=60)
    assert house.alerts()[key("Data")].state is State.FIRING
    assert isinstance(house.ask(DEALT, alert="Data", note="restored from the ledger"), Done)
    assert house.alerts() == {}
    assert house.incident().recovered_at == house.clock.now()
    assert house.incident().alerts[0].resolved_why == "dealt with by Ana: restored from the ledger"
    house.outbox.deliver_due()
    assert house.told[-2] == "broadcast: Recovered 04:00 UTC, after 1 h 00 min: all signals are clear or dealt with."


@pytest.mark.parametrize("alert", ["Data", "0"], ids=["by name", "by number"])
def test_dealt_with_names_its_alert(alert: str) -> None:
    house = rolling_back("Data")
    house.ask(DEALT, alert=alert)
    assert [one.key for one in house.store.events("INC-0001") if isinstance(one, DealtWith)] == [key("Data")]


def test_a_breach_after_it_was_dealt_with_starts_anew_with_its_hold() -> None:
    house = House(group("critical", LEDGER))
    house.says("Ledger", WORST)
    house.tick()
    house.walk(60)
    house.says("Ledger", QUIET)
    house.walk(600)
    house.ask(DEALT, alert="Ledger")
    dealt = house.grid
    house.walk(300)
    assert house.alerts() == {}
    house.says("Ledger", WORST, since=dealt + 315)
    house.walk(60)
    assert house.alerts()[key("Ledger")].state is State.PENDING
    house.walk(INTERVAL)
    assert house.alerts()[key("Ledger")].since == dealt + 315
    assert house.store.reasons.count("back") == 1
    assert [one.id for one in house.incidents] == ["INC-0001"]


def test_a_breach_from_before_does_not_fire_again_after_it_was_dealt_with() -> None:
    """It cleared half a minute ago: what was folded already must not be folded once more without the alert."""
    house = rolling_back("Data")
    house.says("Data", QUIET, since=START + 3 * INTERVAL)
    house.walk(3 * INTERVAL)
    house.ask(DEALT, alert="Data")
    house.walk(120)
    assert house.alerts() == {}
    assert house.kinds().count("alert_fired") == 1


def test_dealing_with_one_of_two_keeps_the_other() -> None:
    house = rolling_back("Data", "Login")
    house.ask(DEALT, alert="Data")
    assert house.store.reasons[-1] == "dealt_with"
    assert [one.key for one in house.incident().active] == [key("Login")]
    assert set(house.alerts()) == {key("Login")}


def test_of_several_instances_one_is_named_by_its_number() -> None:
    house = House(group("critical", DATA))
    house.says("Data", {"ledger": WORST, "orphans": WORST})
    house.tick()
    page = house.pager.messages[-1].page
    assert page is not None
    labels = [action.label for action in page.actions if action.kind is DEALT]
    assert labels == ["Dealt with: Data (ledger)", "Dealt with: Data (orphans)"]
    told = "INC-0001 has several alerts Data; name one by its number: 0 is Data (ledger), 1 is Data (orphans)."
    assert sentence(house.ask(DEALT, alert="Data")) == told
    assert isinstance(house.ask(DEALT, alert="1"), Done)
    assert [one.key for one in house.incident().active] == [key("Data", job="ledger")]
    assert isinstance(house.ask(DEALT, alert="Data"), Done)
    assert house.alerts() == {}


@pytest.mark.parametrize(
    ("alert", "told"),
    [
        pytest.param("Login", "Login clears by its own signal; nobody needs to say so.", id="an alert by signal"),
        pytest.param("Nothing", "INC-0001 has no alert Nothing.", id="no such alert"),
        pytest.param("7", "INC-0001 has no alert 7.", id="no such number"),
    ],
)
def test_nothing_is_dealt_with(alert: str, told: str) -> None:
    house = rolling_back("Data", "Login")
    before = house.alerts()
    assert sentence(house.ask(DEALT, alert=alert)) == told
    assert house.alerts() == before


def test_dealt_with_twice() -> None:
    house = rolling_back("Data", "Login")
    house.ask(DEALT, alert="Data")
    assert sentence(house.ask(DEALT, BEN, alert="Data")) == "Data does not fire in INC-0001 (any more)."


def test_an_evaluation_under_way_does_not_bring_back_what_was_dealt_with() -> None:
    """The click comes while a breach is being read: the evaluation began before it and loses."""
    house = rolling_back("Data")
    house.walk(60)
    clicks: list[Outcome] = []

    def click(_expr: str, _at: int) -> None:
        if not clicks:
            clicks.append(NotDone(""))
            clicking = threading.Thread(target=lambda: clicks.append(house.ask(DEALT, alert="Data")))
            clicking.start()
            clicking.join(0.3)
            threads.append(clicking)

    threads: list[threading.Thread] = []
    house.says("Data", QUIET, since=START + 75)
    house.answer = click
    house.walk(INTERVAL)
    for thread in threads:
        thread.join(5)
    house.walk(120)
    assert isinstance(clicks[1], Done)
    assert house.alerts() == {}
    assert house.kinds().count("alert_fired") == 1


# --- incidents that cannot be acted on --------------------------------------------------------------------------------


@pytest.mark.parametrize("action", list(ActionKind))
def test_an_unknown_incident(action: ActionKind) -> None:
    assert rolling_back().ask(action, number=99) == NotDone("There is no incident INC-0099.", unknown=True)


AFTER_THE_END = {ActionKind.NOTE, ActionKind.REOPEN, ActionKind.EXPLAIN, ActionKind.COMPLETE}


@pytest.mark.parametrize("action", [one for one in ActionKind if one not in AFTER_THE_END | OF_DRILLS])
def test_an_incident_that_has_ended(action: ActionKind) -> None:
    house = rolling_back()
    house.says("Login", QUIET, since=START + INTERVAL)
    house.walk(1800 + 2 * INTERVAL)
    before = house.kinds()
    assert sentence(house.ask(action, alert="Login")) == (
        "INC-0001 ended at 03:30 UTC; there is nothing left to do on it."
    )
    assert house.kinds() == before


def test_refusals_are_evidence() -> None:
    house = rolling_back()
    house.ask(START_IT, GUEST)
    house.ask(ACK)
    house.ask(ACK, BEN)
    refused = [one for one in house.store.events("INC-0001") if isinstance(one, Refused)]
    assert [(one.by, one.command) for one in refused] == [(GUEST, "start"), (BEN, "acknowledge")]
    assert refused[1].why == "INC-0001 is already acknowledged by Ana, since 03:00 UTC."


def test_refusals_owe_nothing() -> None:
    house = rolling_back()
    house.ask(ACK)
    before = len(house.store.reasons)
    house.ask(ACK, BEN)
    assert len(house.store.reasons) == before


def test_a_click_while_a_signal_joins_counts_on_the_newer_state() -> None:
    house = rolling_back()
    house.says("Data", WORST, since=START + 2 * INTERVAL)
    together = threading.Barrier(2)
    house.clock.advance(2 * INTERVAL)

    def evaluate() -> None:
        together.wait(5)
        house.evaluate()

    thread = threading.Thread(target=evaluate)
    thread.start()
    together.wait(5)
    house.ask(ACK)
    thread.join(5)
    assert house.incident().acknowledged_by == ANA
    assert {one.key.tier for one in house.incident().active} == {Tier.ROLLBACK}
    assert len(house.incident().active) == 2
