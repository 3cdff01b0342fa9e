"""An evaluation: what is folded and when, what others' commits do to it, and what one broken answer may spoil."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from monitor.adapters.memory.world import ScriptedSource
from monitor.core.model import Cause, Sample, State, Tier, Transition, labels_of
from monitor.core.rules.rule import Group, Rule, TierRule
from monitor.core.rules.signal import Baseline, Latency, ReferenceKind
from monitor.ports.metrics import Answer, BadQuery, Partial, RangeAnswer, Samples, Unanswered
from monitor.ports.store import Change, ConflictError
from tests.middle.house import (
    BAD,
    INTERVAL,
    OFFSET,
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

LOGIN = rule("Login", rollback=0)
ERRORS = rule("Errors", prepare=60)
CRITICAL = group("critical", LOGIN, ERRORS)


def failing(answer: Answer, *exprs: str) -> Callable[[str, int], Answer | None]:
    """Let the expressions (all where none is named) be answered by `answer`."""
    return lambda expr, _at: answer if not exprs or expr in exprs else None


# --- points -----------------------------------------------------------------------------------------------------------


def test_one_evaluation_reads_every_rule_that_is_due_at_one_point() -> None:
    house = House(CRITICAL)
    house.evaluate()
    house.asked.clear()
    house.clock.advance(INTERVAL)
    evaluated = house.evaluate()
    assert (evaluated.points, evaluated.caught_up, evaluated.skipped) == (2, 0, 0)
    assert sorted(house.asked) == [("errors", START + INTERVAL), ("login", START + INTERVAL)]


def test_nothing_is_read_twice_before_the_next_grid_point() -> None:
    house = House(CRITICAL)
    house.evaluate()
    house.asked.clear()
    house.clock.advance(INTERVAL - 1)
    assert house.evaluate().points == 0
    assert house.asked == []


def test_nothing_is_evaluated_of_a_group_that_is_gone() -> None:
    house = House(CRITICAL)
    assert house.engine.evaluate("no such group", 10.0) is None
    assert house.store.changes == []


@pytest.mark.parametrize("answer", [Unanswered("connection refused"), Partial("one store is away")], ids=repr)
def test_points_without_a_whole_answer_stay_due_and_are_folded_later_in_order(answer: Answer) -> None:
    house = House(CRITICAL)
    house.tick()
    house.says("Login", WORST, since=START + 2 * INTERVAL)
    house.says("Login", QUIET, since=START + 4 * INTERVAL)
    house.answer = failing(answer)
    for _ in range(3):
        house.clock.advance(INTERVAL)
        evaluated = house.evaluate()
        assert (evaluated.points, evaluated.failed) == (0, 2)
    assert house.alerts() == {}
    house.answer = failing(Samples(()), "nothing")
    house.clock.advance(INTERVAL)
    evaluated = house.evaluate()
    assert (evaluated.points, evaluated.caught_up) == (8, 6)
    moved = [(one.after, one.at) for one in evaluated.transitions]
    assert moved == [(State.FIRING, START + 2 * INTERVAL), (State.INACTIVE, START + 4 * INTERVAL)]


def test_why_a_point_waits_is_told() -> None:
    house = House(CRITICAL)
    house.answer = failing(Unanswered("connection refused"))
    assert house.evaluate().why == "connection refused"


def test_a_partial_answer_neither_starts_nor_clears_anything() -> None:
    house = House(CRITICAL)
    house.says("Login", WORST)
    house.tick()
    house.says("Login", QUIET)
    house.answer = failing(Partial("one store is away"))
    assert house.walk(120) == ()
    assert house.alerts()[key("Login")].state is State.FIRING


def test_a_wrong_query_isolates_its_rule() -> None:
    house = House(CRITICAL)
    house.answer = failing(BadQuery("parse error at char 3"), "errors")
    house.says("Login", WORST)
    evaluated = house.evaluate()
    assert [one.alert.key for one in evaluated.transitions] == [key("Login")]
    assert (evaluated.points, evaluated.failed, evaluated.why) == (2, 1, "parse error at char 3")
    assert evaluated.troubles == {"Errors": "parse error at char 3"}


def test_a_rule_that_waits_does_not_delay_the_others() -> None:
    house = House(CRITICAL)
    house.tick()
    house.answer = failing(Unanswered("timeout"), "errors")
    house.says("Login", WORST, since=START + INTERVAL)
    house.clock.advance(INTERVAL)
    house.evaluate()
    assert dict(house.store.group("critical").cursors) == {"Login": START + INTERVAL, "Errors": START}


def test_a_wrong_query_keeps_a_firing_alert_firing() -> None:
    house = House(CRITICAL)
    house.says("Login", WORST)
    house.tick()
    house.answer = failing(BadQuery("parse error"), "login")
    house.walk(600)
    assert house.alerts()[key("Login")].state is State.FIRING
    assert "alert_resolved" not in house.kinds()


def test_without_time_nothing_is_read_and_everything_stays_due() -> None:
    house = House(CRITICAL)
    evaluated = house.evaluate(max_seconds=0.0)
    assert house.asked == []
    assert (evaluated.points, evaluated.why) == (0, "the evaluation ran out of time")


def test_a_latency_waits_for_its_baseline() -> None:
    signal = Latency("duration_seconds", 0.95, ("job",), 300, Baseline((ReferenceKind.TRAILING,)))
    slow = Rule("Slow", signal, (TierRule(Tier.PREPARE, above=0.5, below=None, hold=0, window=300),))
    house = House(group("critical", slow))
    seen = Samples((Sample(labels_of({"job": "auth", "le": "+Inf"}), 9.0),))
    house.answer = lambda expr, _at: Unanswered("timeout") if "[3600s]" in expr else seen
    evaluated = house.evaluate()
    assert (evaluated.points, evaluated.why) == (0, "its baseline was not read: timeout")


class Hanging(ScriptedSource):
    """What is asked of a latency's hours takes all the time that it is given."""

    def __init__(self, house: House) -> None:
        super().__init__(house.source.script)
        self.house = house

    def range(self, expr: str, start: int, end: int, step: int, *, deadline: float) -> RangeAnswer:
        if "[3600s]" not in expr:
            return super().range(expr, start, end, step, deadline=deadline)
        self.house.clock.advance(deadline)
        return Unanswered("timeout")


@pytest.mark.parametrize("kept", [False, True], ids=["both are new", "both are to be caught up with"])
def test_a_reading_that_hangs_leaves_the_others_their_time(*, kept: bool) -> None:
    signal = Latency("duration_seconds", 0.95, ("job",), 300, Baseline((ReferenceKind.TRAILING,)))
    slow = Rule("Slow", signal, (TierRule(Tier.PREPARE, above=0.5, below=None, hold=0, window=300),))
    house = House(group("critical", slow, LOGIN))
    house.answer = lambda expr, _at: Samples(()) if "_bucket" in expr else None
    if kept:
        house.tick()
        house.clock.advance(3600)
    house.says("Login", WORST)
    buckets = Samples(tuple(Sample(labels_of({"job": "auth", "le": le}), 9.0) for le in ("1", "+Inf")))
    house.answer = lambda expr, _at: buckets if "_bucket" in expr else None
    house.source = Hanging(house)
    house.build(house.book.now.rules)
    evaluated = house.evaluate()
    assert list(evaluated.troubles) == ["Slow"]
    assert house.alerts()[key("Login")].state is State.FIRING


# --- catching up ------------------------------------------------------------------------------------------------------

SCRIPT = [(2, WORST), (4, QUIET), (5, None), (6, BAD), (14, None), (16, BAD), (20, QUIET), (23, WORST), (24, QUIET)]
"""From which grid point on a signal has which value: flaps, gaps and a long hold."""

THOROUGH = group("thorough", rule("Login", prepare=60, rollback=0, keep=30), rule("Errors", prepare=45))


def scripted(script: list[tuple[int, float | None]]) -> House:
    house = House(THOROUGH)
    for alert in ("Login", "Errors"):
        for points, value in script:
            house.says(alert, value, since=START + points * INTERVAL)
    house.evaluate()
    return house


@pytest.mark.parametrize("pace", [2, 3, 7, 30], ids="every {} intervals".format)
def test_catching_up_is_walking(pace: int) -> None:
    walker, sleeper = scripted(SCRIPT), scripted(SCRIPT)
    walked: list[Transition] = []
    for _ in range(30):
        walker.clock.advance(INTERVAL)
        walked += walker.evaluate().transitions
    caught_up: list[Transition] = []
    for points in [pace] * (30 // pace) + [30 % pace]:
        sleeper.clock.advance(points * INTERVAL)
        caught_up += sleeper.evaluate().transitions
    assert len(walked) > 10
    assert sorted(map(told, caught_up)) == sorted(map(told, walked))
    assert sleeper.alerts() == walker.alerts()


def told(one: Transition) -> tuple[object, ...]:
    return (one.at, one.alert.key, one.before, one.after, one.cause, one.alert.since, one.alert.held)


def test_a_restart_is_a_pause() -> None:
    house, other = scripted(SCRIPT), scripted(SCRIPT)
    for number in range(30):
        for each in (house, other):
            each.clock.advance(INTERVAL)
        if number % 4:
            house.evaluate()
        else:
            house.build(house.book.now.rules)
        other.evaluate()
    house.evaluate()
    assert house.alerts() == other.alerts()
    assert [one.alerts for one in house.incidents] != []


def test_what_fired_and_cleared_while_nobody_answered_is_told_nevertheless() -> None:
    """The alerts are the same before and after, and little time has passed since the last write."""
    house = House(CRITICAL)
    house.tick()
    house.says("Login", WORST, since=START + INTERVAL)
    house.says("Login", QUIET, since=START + 2 * INTERVAL)
    house.clock.advance(3 * INTERVAL)
    house.tick()
    assert house.kinds() == ["opened", "alert_fired", "snapshot", "alert_resolved"]
    assert house.told == ["root"]
    assert house.pager.messages[0].post.mention == (), "nobody is called for what is over"


def test_a_page_that_comes_late_says_when_it_fired() -> None:
    house = House(CRITICAL)
    house.tick()
    house.says("Login", WORST, since=START + INTERVAL)
    house.clock.advance(10 * INTERVAL)
    house.tick()
    page = house.pager.messages[0].page
    assert page is not None
    assert page.notes == ("Told late: this fired at 03:00 UTC and was found when the monitor caught up.",)
    assert house.pager.messages[0].post.mention == ("S0ONCALL",)


def test_a_page_that_comes_in_time_does_not() -> None:
    house = House(CRITICAL)
    house.tick()
    house.says("Login", WORST, since=START + INTERVAL)
    house.walk(INTERVAL)
    page = house.pager.messages[0].page
    assert page is not None
    assert page.notes == ()


def test_points_older_than_the_limit_are_skipped_and_counted() -> None:
    house = House(group("critical", LOGIN))
    house.evaluate()
    house.clock.advance(3600 + 4 * INTERVAL)
    evaluated = house.evaluate()
    assert (evaluated.points, evaluated.skipped) == (241, 3)
    assert house.evaluate().skipped == 0


def test_an_evaluation_that_changed_nothing_is_written_once_a_minute() -> None:
    house = House(CRITICAL)
    written = []
    for _ in range(12):
        house.evaluate()
        written.append(house.store.group("critical").version)
        house.clock.advance(INTERVAL)
    assert written == [1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3]


def test_a_clock_that_jumps_back_keeps_what_fires_and_says_so() -> None:
    house = House(CRITICAL)
    house.says("Login", WORST)
    house.tick()
    before = house.alerts()
    house.clock.advance(-1800)
    evaluated = house.evaluate()
    assert (evaluated.points, evaluated.ahead) == (0, 1800)
    assert house.alerts() == before
    house.clock.advance(INTERVAL)
    assert house.evaluate().ahead == 0


def test_a_clock_that_jumps_years_ahead_and_back_pages_nobody() -> None:
    house = House(CRITICAL)
    house.says("Errors", BAD)
    house.tick()
    house.clock.advance(3 * 365 * 86_400)
    house.answer = failing(Unanswered("no such block"))
    house.evaluate()
    house.clock.advance(-3 * 365 * 86_400)
    house.answer = failing(Samples(()), "nothing")
    house.clock.advance(INTERVAL)
    house.evaluate()
    assert house.alerts()[key("Errors", Tier.PREPARE)].state is State.PENDING
    assert house.incidents == []


def test_no_point_lies_in_the_sources_own_future() -> None:
    house = House(CRITICAL)
    house.source.time = house.clock.now() - timedelta(seconds=100)
    house.evaluate()
    assert max(at for _, at in house.asked) <= START + OFFSET - 100


def test_a_source_that_tells_its_time_with_its_first_answer_is_not_read_ahead_of_it() -> None:
    house = House(CRITICAL)
    house.says("Errors", BAD, since=START - INTERVAL)
    house.tick()
    house.build(house.book.now.rules)  # restarted, on a clock that is ahead

    def tells(_expr: str, _at: int) -> None:
        house.source.time = datetime.fromtimestamp(START + 20, UTC)

    house.answer = tells
    house.clock.advance(1200)
    house.evaluate()
    assert house.alerts()[key("Errors", Tier.PREPARE)].state is State.PENDING
    assert house.desk.present("critical").cursors == {"Login": START + INTERVAL, "Errors": START + INTERVAL}


def test_what_pends_does_not_gain_by_points_that_were_never_read() -> None:
    house = House(group("critical", rule("Login", prepare=7200, rollback=0), ERRORS))
    house.says("Errors", BAD)
    house.says("Login", BAD)
    house.tick()
    house.walk(4 * INTERVAL)
    assert house.alerts()[key("Errors", Tier.PREPARE)].state is State.FIRING
    house.clock.advance(3600 + 600)
    evaluated = house.evaluate()
    assert evaluated.skipped > 0
    dropped = [(one.after, one.cause) for one in evaluated.transitions if one.alert.key.alert == "Login"]
    assert dropped[0] == (State.INACTIVE, Cause.MISSING_TOO_LONG)
    login = house.alerts()[key("Login", Tier.PREPARE)]
    assert login.state is State.PENDING, "an hour of breach was caught up with, and that is no two hours"
    assert house.alerts()[key("Errors", Tier.PREPARE)].state is State.FIRING


# --- others -----------------------------------------------------------------------------------------------------------


class Contended(RecallingStore):
    """A store in which somebody else commits just before each of the changes in `others`."""

    def __init__(self) -> None:
        super().__init__()
        self.others: list[Callable[[], object]] = []

    def commit(self, change: Change) -> None:
        if self.others:
            self.others.pop(0)()
        super().commit(change)


def twins() -> tuple[House, House, Contended]:
    """Two monitors on one store."""
    house, twin = House(CRITICAL), House(CRITICAL)
    store = Contended()
    for each in (house, twin):
        each.store = store
        each.build(rule_set(CRITICAL))
    return house, twin, store


def test_who_commits_second_decides_anew_and_opens_no_second_incident() -> None:
    house, twin, store = twins()
    for each in (house, twin):
        each.says("Login", WORST)
    store.others = [twin.evaluate]
    house.evaluate()
    assert [one.id for one in house.incidents] == ["INC-0001"]
    assert house.kinds() == ["opened", "alert_fired", "snapshot"]
    assert house.alerts()[key("Login")].since == START


def test_the_new_decision_begins_from_the_newer_state() -> None:
    house, twin, store = twins()
    house.evaluate()
    for each in (house, twin):
        each.says("Errors", BAD, since=START + INTERVAL)
        each.clock.advance(4 * INTERVAL)
    twin.clock.advance(-INTERVAL)
    store.others = [twin.evaluate]
    house.evaluate()
    assert house.alerts()[key("Errors", Tier.PREPARE)].since == START + INTERVAL
    assert dict(store.group("critical").cursors)["Errors"] == START + 4 * INTERVAL
    assert house.asked[-1][1] == START + 4 * INTERVAL


def test_who_is_always_second_gives_up_and_writes_nothing() -> None:
    house, _, store = twins()
    house.says("Login", WORST)

    def other() -> None:
        RecallingStore.commit(store, Change(groups=(store.group("critical"),)))

    store.others = [other] * 8
    with pytest.raises(ConflictError, match="critical was changed by others 8 times in a row"):
        house.evaluate()
    assert house.store.incidents() == []
    store.others = []
    assert len(house.evaluate().transitions) == 1
    assert [one.id for one in house.incidents] == ["INC-0001"]


def test_two_groups_that_fire_at_once_open_one_incident() -> None:
    for _ in range(20):
        house = House(group("critical", LOGIN), group("billing", rule("Invoices", rollback=0)))
        together = threading.Barrier(2)

        def both_have_read(_expr: str, _at: int, together: threading.Barrier = together) -> None:
            together.wait(5)

        house.answer = both_have_read
        house.says("Login", WORST)
        house.says("Invoices", WORST)
        threads = [threading.Thread(target=house.evaluate, args=(name,)) for name in ("critical", "billing")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(5)
        assert [one.id for one in house.incidents] == ["INC-0001"]
        assert {one.key.alert for one in house.incident().active} == {"Login", "Invoices"}
        assert house.kinds().count("opened") == 1


def test_groups_that_fire_at_once_do_not_stumble_over_each_others_readings() -> None:
    names = [f"Signal{number}" for number in range(6)]
    house = House(*(group(name, rule(name, rollback=0)) for name in names))
    for name in names:
        house.says(name, {f"job{number}": WORST for number in range(40)}, since=START)
        house.says(name, QUIET, since=START + INTERVAL)
    troubles: list[Exception] = []

    def work(name: str) -> None:
        try:
            for _ in range(3):
                house.evaluate(name)
        except Exception as trouble:  # noqa: BLE001  # a thread's error must reach the test
            troubles.append(trouble)

    for _ in range(2):
        threads = [threading.Thread(target=work, args=(name,)) for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        house.clock.advance(INTERVAL)
    assert troubles == []


# --- what is read now -------------------------------------------------------------------------------------------------


def test_readings_follow_what_fires_and_go_with_it() -> None:
    house = House(CRITICAL)
    house.says("Login", WORST)
    house.tick()
    assert {one: reading.value for one, reading in house.engine.readings.items()} == {key("Login"): WORST}
    house.says("Login", 0.5, since=START + INTERVAL)
    house.walk(INTERVAL)
    assert house.engine.readings[key("Login")].value == 0.5
    house.says("Login", QUIET, since=START + 2 * INTERVAL)
    house.walk(INTERVAL)
    assert house.engine.readings == {}


def test_a_rollback_that_joins_with_its_prepare_tier_is_told_once() -> None:
    """The two tiers of one instance are one piece of news, and the lesser one says nothing beside the greater."""
    house = House(group("critical", ERRORS, rule("Login", prepare=300, rollback=0)))
    house.says("Errors", BAD)
    house.walk(75)
    assert house.told == ["root"]
    house.says("Login", WORST, since=START + 90)
    house.walk(15)
    broadcasts = [one for one in house.told if one.startswith("broadcast")]
    assert broadcasts == [
        "broadcast: ROLLBACK NOW production: Login (login), since 03:01 UTC. Until now this was to prepare."
    ]
    assert {one.key for one in house.incident().active} >= {
        key("Login"),
        key("Login", Tier.PREPARE),
    }


def test_a_group_without_rules_is_evaluated_to_nothing() -> None:
    house = House(Group("empty", (), INTERVAL, OFFSET))
    assert house.evaluate().rules == 0
