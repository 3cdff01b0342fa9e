"""What a takeover carries with it: names, the record of what alerts did, and the files of the last good set."""

from collections.abc import Callable
from dataclasses import replace
from threading import Thread

import pytest

from monitor.adapters.memory.world import ManualClock
from monitor.core.incidents.response import Renamed
from monitor.core.model import AlertKey, Cause, State, Tier
from monitor.core.pages.page import ActionKind
from monitor.core.rules.rule import Resolve
from monitor.ports.store import Change, ConflictError, GroupState, KeptRules, StoreError
from tests.middle.house import (
    BLIND_AFTER,
    INTERVAL,
    QUIET,
    START,
    WORST,
    House,
    RecallingStore,
    group,
    key,
    rule,
    rule_set,
)
from tests.middle.test_reload import BY_POD, CRITICAL, ERRORS, LOGIN, NEW_NAME, RENAMED, watching


def new_posts(house: House) -> list[str]:
    return [one for one in house.told if not one.startswith("edit")]


# --- another name -----------------------------------------------------------------------------------------------------


def renamed() -> House:
    house = watching()
    house.reloader.adopt(rule_set(group("critical", NEW_NAME, ERRORS)))
    return house


def test_a_renamed_alert_goes_on_in_its_incident_without_another_page() -> None:
    house = renamed()
    before = house.alerts()
    assert set(before) == {RENAMED.key, key("Errors", Tier.PREPARE)}
    assert [one.key for one in house.incident().active] == [RENAMED.key]
    house.walk(45)
    assert house.alerts()[RENAMED.key] == before[RENAMED.key]
    assert house.kinds().count("alert_fired") == 1
    assert new_posts(house) == ["root"]
    assert house.kinds()[-1] == "alert_renamed"


def test_a_renamed_alert_resolves_under_its_new_name() -> None:
    house = renamed()
    house.says("Login", QUIET, since=START + INTERVAL)
    house.walk(INTERVAL)
    assert house.incident().recovered_at is not None
    assert [one.active for one in house.incident().alerts] == [False]


def test_a_renamed_alert_that_had_resolved_comes_back_as_the_same() -> None:
    house = watching()
    house.says("Login", QUIET, since=START + INTERVAL)
    house.walk(INTERVAL)
    house.reloader.adopt(rule_set(group("critical", NEW_NAME)))
    house.says("Login", WORST, since=house.grid + INTERVAL)
    house.walk(INTERVAL)
    assert [(one.key, one.active) for one in house.incident().alerts] == [(RENAMED.key, True)]
    assert house.store.reasons.count("back") == 1


def test_a_rule_that_is_not_seen_stays_so_under_its_new_name() -> None:
    house = House(CRITICAL)
    house.says("Login", None)
    house.tick()
    house.walk(BLIND_AFTER + INTERVAL)
    assert [one.key.alert for one in house.incident().active] == ["Login"]
    house.reloader.adopt(rule_set(group("critical", NEW_NAME, ERRORS)))
    house.walk(60)
    assert [one.key.alert for one in house.incident().active] == ["Logins"]
    assert new_posts(house) == ["root"]
    house.says("Login", QUIET, since=house.grid + INTERVAL)
    house.walk(INTERVAL)
    assert house.incident().ended_at is not None


def test_a_group_keeps_its_name_beside_a_renamed_rule_of_the_same_name() -> None:
    of_group = AlertKey("Login", (("group", "Login"),), Tier.BLIND)
    assert Renamed("Login", "Logins").key(of_group) == of_group
    assert Renamed("Login", "Logins").key(AlertKey("Login", (), Tier.BLIND)).alert == "Logins"


# --- the record -------------------------------------------------------------------------------------------------------


def recorded(house: House) -> list[tuple[str, str, State, State, Cause, bool]]:
    return [
        (one.group, one.key.alert, one.before, one.after, one.cause, one.shadow) for one in house.store.transitions()
    ]


def test_what_alerts_did_is_recorded_with_the_state_it_led_to() -> None:
    house = watching()
    assert sorted(recorded(house)) == [
        ("critical", "Errors", State.INACTIVE, State.PENDING, Cause.BREACHED, False),
        ("critical", "Login", State.INACTIVE, State.FIRING, Cause.BREACHED, False),
    ]
    (login,) = house.store.transitions("Login")
    assert (login.at, login.since, login.value, login.limit) == (START, START, WORST, 0.25)
    (change,) = (change for change in house.store.changes if change.transitions)
    assert key("Login") in change.groups[0].alerts
    house.walk(30)
    assert len(house.store.transitions()) == 2, "what does not change is not recorded"


def test_the_end_of_a_rule_is_recorded() -> None:
    house = watching()
    house.reloader.adopt(rule_set(group("critical", BY_POD)))
    assert recorded(house)[2:] == [
        ("critical", "Login", State.FIRING, State.INACTIVE, Cause.RULE_CHANGED, False),
        ("critical", "Errors", State.PENDING, State.INACTIVE, Cause.RULE_REMOVED, False),
    ]


def test_what_a_rule_in_the_shadow_does_is_recorded_as_such() -> None:
    house = House(group("critical", replace(LOGIN, shadow=True)))
    house.says("Login", WORST)
    house.tick()
    assert [one.shadow for one in house.store.transitions()] == [True]


def test_what_a_person_ends_is_recorded() -> None:
    house = House(group("critical", rule("Data", rollback=0, resolve=Resolve.BY_PERSON)))
    house.says("Data", WORST)
    house.tick()
    house.ask(ActionKind.DEALT_WITH, alert="Data", note="restored")
    assert recorded(house)[1:] == [("critical", "Data", State.FIRING, State.INACTIVE, Cause.RETIRED, False)]


def test_blindness_is_recorded() -> None:
    house = House(CRITICAL)
    house.says("Login", None)
    house.tick()
    house.walk(BLIND_AFTER + INTERVAL)
    assert recorded(house) == [("(blind)", "Login", State.INACTIVE, State.FIRING, Cause.UNSEEN, False)]


# --- the last good set, and what stands in the way --------------------------------------------------------------------


def test_the_files_are_kept_with_the_states_that_they_led_to() -> None:
    house = watching()
    house.reloader.adopt(rule_set(group("critical", ERRORS)), files={"a.yaml": b"x"})
    kept = house.store.rules()
    assert kept == KeptRules({"a.yaml": b"x"}, house.clock.now())
    assert [change.groups[0].name for change in house.store.changes if change.rules] == ["critical"]


class Busy(RecallingStore):
    """A store in which somebody else is first, or which cannot be written, for so many commits."""

    def __init__(self) -> None:
        super().__init__()
        self.errors: list[Exception] = []

    def commit(self, change: Change) -> None:
        if self.errors:
            raise self.errors.pop(0)
        super().commit(change)


def busy(*errors: Exception) -> House:
    house = House(CRITICAL)
    house.store = store = Busy()
    house.build(rule_set(CRITICAL))
    house.says("Login", WORST)
    house.tick()
    store.errors = list(errors)
    return house


def test_a_takeover_is_decided_anew_where_somebody_else_was_first() -> None:
    house = busy(ConflictError("first"), ConflictError("second"))
    assert house.reloader.adopt(rule_set(group("critical", ERRORS))).dropped == (key("Login"),)
    assert house.alerts() == {}


def test_a_takeover_that_cannot_be_written_leaves_the_old_rules_in_force() -> None:
    house = busy(StoreError("the disk is full"))
    before = house.book.now
    with pytest.raises(StoreError, match="full"):
        house.reloader.adopt(rule_set(group("critical", ERRORS)))
    assert house.book.now is before
    assert set(house.alerts()) == {key("Login")}
    house.says("Login", QUIET, since=START + INTERVAL)
    house.walk(INTERVAL)
    assert house.incident().recovered_at is not None


# --- while an evaluation is under way ---------------------------------------------------------------------------------


class Interrupting(ManualClock):
    """A clock that lets something happen when it is asked next."""

    interrupt: Callable[[], object] | None = None

    def monotonic(self) -> float:
        happen, self.interrupt = self.interrupt, None
        if happen is not None:
            happen()
        return super().monotonic()


@pytest.mark.parametrize("kept", [(), (GroupState("critical"),)], ids=["a group never written", "one without alerts"])
def test_what_was_decided_under_an_old_threshold_is_not_written_after_it(kept: tuple[GroupState, ...]) -> None:
    """Nothing was kept of the rule yet, and the takeover comes between the decision and its writing."""
    house = House(group("critical", LOGIN))
    house.clock = clock = Interrupting(house.clock.now())
    house.store.commit(Change(groups=kept))
    house.build(rule_set(group("critical", LOGIN)))
    house.says("Login", WORST)
    milder = rule_set(group("critical", replace(LOGIN, tiers=(replace(LOGIN.tiers[0], above=0.9),))))

    def read(_expr: str, _at: int) -> None:
        if house.book.now.rules is not milder:
            clock.interrupt = lambda: house.reloader.adopt(milder)

    house.answer = read
    house.walk(30)
    assert house.book.now.rules is milder
    assert house.alerts() == {}
    assert house.incidents == []


class Slow(RecallingStore):
    """A store that takes its time: something happens before the next commit is written."""

    meanwhile: Callable[[], object] | None = None

    def commit(self, change: Change) -> None:
        happen, self.meanwhile = self.meanwhile, None
        if happen is not None:
            happen()
        super().commit(change)


def test_an_evaluation_under_the_new_rules_waits_for_the_states_to_have_moved() -> None:
    """It would find its group empty, and page anew what fires."""
    house = House(CRITICAL)
    house.store = store = Slow()
    house.build(rule_set(CRITICAL))
    house.says("Login", WORST)
    house.tick()
    before = house.alerts()
    evaluating = Thread(target=lambda: house.engine.evaluate("login", 10.0))

    def meanwhile() -> None:
        evaluating.start()
        evaluating.join(0.3)

    store.meanwhile = meanwhile
    house.reloader.adopt(rule_set(group("login", LOGIN), group("critical", ERRORS)))
    evaluating.join()
    assert house.alerts("login") == before
    assert house.kinds().count("alert_fired") == 1
