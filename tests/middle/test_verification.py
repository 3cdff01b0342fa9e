"""The checks of a procedure run again and again: until the signals hold, and whatever breaks or hangs meanwhile."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from monitor.adapters.memory.world import ScriptedCommands, ScriptedProber
from monitor.core.incidents.events import Firing
from monitor.core.model import AlertKey, utc
from monitor.core.procedures.procedure import Check, Step
from monitor.core.procedures.verification import CheckResult, Entered, Outcome, verdict
from monitor.core.procedures.verifying import Context
from monitor.core.rules.rule import Resolve
from monitor.evaluation.baselines import Baselines
from monitor.evaluation.reading import Reader
from monitor.ports.metrics import BadQuery, Unanswered
from monitor.ports.world import Exited, Killed, NoAnswer, NotStarted, Prober, Status
from monitor.procedure.checks import SHOWN_ONLY, Asking
from monitor.procedure.signalwatch import SignalWatch
from monitor.procedure.verification import COMMAND_KEPT, Verifier
from tests.middle.house import BAD, INTERVAL, QUIET, START, WORST, House, group, key, rule, rule_set

CANARY = "canary-7f3a"
HOLD = 600
LOGIN = group("rollback", rule("Login", rollback=0))
EXPORT = Check("http", "Export answers", "http://shop/export")
PREFLIGHT = Check("command", "Preflight", argv=("python3", "tools/release_preflight.py", "--quick"), deadline=120)
FLOW = Check("promql", "Transactions flow", "flow", above=0.5)
WELL = {EXPORT.target: Status(200)}


def firing(which: AlertKey, resolve: Resolve = Resolve.BY_SIGNAL) -> Firing:
    return Firing(which, "auth", str(which.alert), utc(START), utc(START), 0.6, 0.25, resolve=resolve)


class Room:
    """A house whose incident is verified: the login, broken since the start."""

    def __init__(
        self, prober: Prober | None = None, commands: ScriptedCommands | None = None, within: float = 20.0
    ) -> None:
        self.house = House(LOGIN)
        self.house.says("Login", WORST)
        self.prober, self.commands, self.within = prober or ScriptedProber(WELL), commands, within
        self.context = Context("INC-0001", (firing(key("Login")),), HOLD)
        self.begin()

    def begin(self) -> None:
        """Put the verifier together; once more is a restart of the process."""
        reader = Reader(self.house.source, Baselines(self.house.source))
        watch = SignalWatch(reader, self.house.book, self.house.clock)
        asking = Asking(self.house.source, self.prober, self.commands, (CANARY,))
        self.verifier = Verifier(watch, asking, self.house.clock, self.within)

    def run(self, *checks: Check, anew: bool = True) -> dict[str, CheckResult]:
        results = self.verifier.run(Step("verify", "Verify", checks=checks), self.context, anew=anew)
        return {one.title: one for one in results}

    def signals(self) -> tuple[Outcome, int, str]:
        (one,) = self.run().values()
        return one.outcome, one.held_for, one.said

    def walk(self, seconds: int, every: int = 30) -> list[Outcome]:
        """Let time pass, verifying at every `every` seconds; the outcomes, each once in a row."""
        found = []
        for _ in range(0, seconds, every):
            self.house.clock.advance(every)
            found.append(self.signals()[0])
        return [one for number, one in enumerate(found) if number == 0 or found[number - 1] is not one]


@pytest.fixture
def room() -> Iterator[Room]:
    one = Room()
    yield one
    one.verifier.stop(5)


# --- the signals --------------------------------------------------------------------------------------------------


def test_breaching_then_waiting_then_passed(room: Room) -> None:
    assert room.signals()[0] is Outcome.FAILED
    room.house.says("Login", QUIET, since=room.house.grid + INTERVAL)
    assert room.walk(300) == [Outcome.WAITING]
    outcome, held, said = room.signals()
    assert (outcome, held) == (Outcome.WAITING, 285)
    assert said == "clear 4 of 10 min: 0; pages over 0.25"
    assert room.walk(330) == [Outcome.WAITING, Outcome.PASSED]
    assert room.signals()[1] >= HOLD


def test_a_breach_sets_it_back_and_so_does_a_value_between(room: Room) -> None:
    room.house.says("Login", QUIET, since=room.house.grid + INTERVAL)
    room.walk(570)
    room.house.says("Login", WORST, since=room.house.grid + INTERVAL)
    room.house.says("Login", QUIET, since=room.house.grid + 2 * INTERVAL)
    room.house.clock.advance(2 * INTERVAL)
    assert room.signals()[:2] == (Outcome.WAITING, 0)
    assert room.walk(570) == [Outcome.WAITING]
    assert room.walk(30) == [Outcome.PASSED]


def test_what_was_not_seen_does_not_count_not_even_afterwards(room: Room) -> None:
    room.house.says("Login", QUIET, since=room.house.grid + INTERVAL)
    room.walk(315, every=15)
    held = room.signals()[1]
    room.house.answer = lambda _expr, _at: Unanswered("the connection is refused")
    assert room.walk(300) == [Outcome.WAITING]
    outcome, still, said = room.signals()
    assert (outcome, still) == (Outcome.WAITING, held)
    assert said == "cannot see: the connection is refused; clear 5 of 10 min, and the clock stands"
    room.house.answer = lambda _expr, _at: None  # and history tells now that all was well meanwhile
    room.house.clock.advance(INTERVAL)
    assert room.signals()[:2] == (Outcome.WAITING, held)
    assert room.walk(HOLD - held - INTERVAL, every=15) == [Outcome.WAITING]
    assert room.walk(INTERVAL, every=15) == [Outcome.PASSED]


def test_no_data_stop_the_clock(room: Room) -> None:
    room.house.says("Login", QUIET, since=room.house.grid + INTERVAL)
    room.walk(300)
    held = room.signals()[1]
    room.house.says("Login", None, since=room.house.grid + INTERVAL)
    room.walk(300)
    outcome, still, said = room.signals()
    assert (outcome, still) == (Outcome.WAITING, held)
    assert said.startswith("cannot see: the instance is no longer in the data; clear 4 of 10 min")


def test_after_a_restart_it_is_read_from_history(room: Room) -> None:
    room.house.says("Login", QUIET, since=room.house.grid + INTERVAL)
    room.walk(315)
    held = room.signals()[1]
    room.begin()
    assert room.signals()[:2] == (Outcome.WAITING, held)
    room.house.clock.advance(400)
    room.begin()
    assert room.signals()[0] is Outcome.PASSED


def test_a_first_look_that_is_not_answered_loses_nothing(room: Room) -> None:
    room.house.says("Login", QUIET, since=room.house.grid + INTERVAL)
    room.house.clock.advance(700)
    room.house.answer = lambda _expr, _at: Unanswered("busy")
    assert room.signals()[:2] == (Outcome.WAITING, 0)
    room.house.answer = lambda _expr, _at: None
    assert room.signals()[0] is Outcome.PASSED


def test_a_wrong_query_is_no_sight(room: Room) -> None:
    room.house.says("Login", QUIET, since=room.house.grid - HOLD)
    room.house.answer = lambda _expr, _at: BadQuery("many-to-many matching")
    assert room.signals() == (
        Outcome.WAITING,
        0,
        "cannot see: many-to-many matching; clear 0 of 10 min, and the clock stands",
    )


def test_a_rule_that_is_gone_can_only_be_forced(room: Room) -> None:
    room.house.book.swap(rule_set(group("rollback", rule("Other", rollback=0))))
    assert room.signals()[0] is Outcome.UNKNOWN
    room.house.book.swap(rule_set(group("rollback", rule("Login", prepare=0))))
    assert room.signals()[2] == "the rule Login has no rollback tier any more"


def test_every_instance_that_paged_is_held_by_itself(room: Room) -> None:
    both = tuple(firing(key("Login", job=job)) for job in ("auth", "web"))
    room.context = replace(room.context, signals=both)
    room.house.says("Login", {"auth": QUIET, "web": BAD * 5}, since=room.house.grid - 2 * HOLD)
    (one,) = room.run().values()
    assert [(each.key.labels, each.outcome) for each in one.signals] == [
        ((("job", "auth"),), Outcome.PASSED),
        ((("job", "web"),), Outcome.FAILED),
    ]
    assert one.outcome is Outcome.FAILED


def test_a_signal_that_a_person_resolves_waits_for_them(room: Room) -> None:
    waits = firing(key("Login"), Resolve.BY_PERSON)
    room.context = replace(room.context, signals=(waits,))
    assert room.signals()[0] is Outcome.WAITING
    done = replace(waits, resolved_at=utc(START), resolved_why="dealt with by Ana: restored")
    room.context = replace(room.context, signals=(done,))
    assert room.signals()[0] is Outcome.PASSED


def test_a_look_reads_only_what_is_new(room: Room) -> None:
    room.run()
    room.house.asked.clear()
    room.run()
    assert room.house.asked == []
    room.house.clock.advance(INTERVAL)
    room.run()
    assert [at for _, at in room.house.asked] == [room.house.grid]


def test_what_is_kept_of_an_incident_is_let_go(room: Room) -> None:
    room.run()
    room.verifier.forget("INC-0001")
    room.house.asked.clear()
    room.run()
    assert len(room.house.asked) > HOLD // INTERVAL


# --- the other checks ---------------------------------------------------------------------------------------------

COMMANDS: list[tuple[str, Exited | Killed | NotStarted, Outcome, str]] = [
    ("well", Exited(0, f"ok {CANARY}"), Outcome.PASSED, "exit 0"),
    ("badly", Exited(3, f"no {CANARY}"), Outcome.FAILED, "exit 3"),
    ("by a signal", Exited(-11, ""), Outcome.FAILED, "ended by signal 11"),
    ("late", Killed("…"), Outcome.FAILED, "did not end within 120 s: it and all that it started were killed"),
    ("not at all", NotStarted(f"there is no {CANARY}"), Outcome.UNKNOWN, "there is no [redacted]"),
]


@pytest.mark.parametrize(("ended", "outcome", "said"), [case[1:] for case in COMMANDS], ids=[c[0] for c in COMMANDS])
def test_a_command_is_judged_by_its_end(ended: Exited | Killed | NotStarted, outcome: Outcome, said: str) -> None:
    room = Room(commands=ScriptedCommands({PREFLIGHT.argv: ended}))
    one = room.run(PREFLIGHT)["Preflight"]
    assert (one.outcome, one.said) == (outcome, said)
    assert CANARY not in repr(one)


def test_a_command_that_is_not_allowed_here_is_shown_and_its_result_entered() -> None:
    room = Room()
    shown = room.run(PREFLIGHT)["Preflight"]
    assert (shown.outcome, shown.said) == (Outcome.NOT_RUN, SHOWN_ONLY)
    assert shown.detail == "python3 tools/release_preflight.py --quick"
    room.context = replace(room.context, entered={PREFLIGHT.id: Entered(True, "Ana", utc(START), "exit 0")})  # noqa: FBT003
    assert room.run(PREFLIGHT)["Preflight"].by == "Ana"


def test_nothing_that_people_say_reaches_a_command() -> None:
    commands = ScriptedCommands()
    room = Room(commands=commands)
    words = "--quick; rm -rf / $(id)"
    room.context = replace(
        room.context,
        incident=words,
        entered={PREFLIGHT.id: Entered(False, words, utc(START), words)},  # noqa: FBT003
        excused={key("Login"): words},
    )
    assert room.run(PREFLIGHT)["Preflight"].outcome is Outcome.PASSED
    assert commands.ran == [PREFLIGHT.argv]


def test_in_a_loop_a_command_that_passed_is_not_run_again_for_a_while() -> None:
    commands = ScriptedCommands()
    room = Room(commands=commands)
    room.house.says("Login", QUIET, since=room.house.grid)
    room.house.clock.advance(30)
    for _ in range(3):
        assert room.run(PREFLIGHT, anew=False)["Preflight"].outcome is Outcome.PASSED
    assert len(commands.ran) == 1
    room.run(PREFLIGHT)
    assert len(commands.ran) == 2
    room.house.clock.advance(COMMAND_KEPT)
    room.run(PREFLIGHT, anew=False)
    assert len(commands.ran) == 3
    room.house.says("Login", WORST, since=room.house.grid + INTERVAL)
    room.house.clock.advance(INTERVAL)
    room.run(PREFLIGHT, anew=False)
    room.run(PREFLIGHT, anew=False)
    assert len(commands.ran) == 4, "a breach makes what passed before worthless"


def test_of_an_incident_that_is_over_no_command_counts_as_passed() -> None:
    commands = ScriptedCommands()
    room = Room(commands=commands)
    room.house.says("Login", QUIET, since=room.house.grid - HOLD)
    room.run(PREFLIGHT, anew=False)
    room.verifier.forget("INC-0001")
    room.run(PREFLIGHT, anew=False)
    assert len(commands.ran) == 2


def test_a_server_that_does_not_answer_has_failed() -> None:
    room = Room(ScriptedProber({EXPORT.target: NoAnswer("the connection is refused")}))
    one = room.run(EXPORT)["Export answers"]
    assert one.outcome is Outcome.FAILED
    assert one.said == "http://shop/export: the connection is refused; 200 is asked for"


def test_what_promql_read_when_it_fired_stands_beside_what_it_reads_now(room: Room) -> None:
    room.house.clock.advance(300)
    room.house.says("flow", 0.25, since=START)
    room.house.says("flow", 12.0, since=START + 60)
    one = room.run(FLOW)["Transactions flow"]
    assert (one.before, one.said) == ("0.25", "12, more than 0.5 is asked for")
    room.house.asked.clear()
    assert room.run(FLOW)["Transactions flow"].before == "0.25"
    assert [expr for expr, _ in room.house.asked].count("flow") == 1, "it is read once"


def test_promql_that_is_not_answered_is_unknown(room: Room) -> None:
    room.house.answer = lambda expr, _at: Unanswered(f"refused {CANARY}") if expr == "flow" else None
    one = room.run(FLOW)["Transactions flow"]
    assert (one.outcome, one.said) == (Outcome.UNKNOWN, "cannot see: refused [redacted]")


# --- bounds -------------------------------------------------------------------------------------------------------


class Meeting:
    """A prober that answers only when `size` probes are asked at once."""

    def __init__(self, size: int) -> None:
        self._barrier = threading.Barrier(size)

    def status(self, url: str, *, deadline: float) -> Status | NoAnswer:
        del url, deadline
        self._barrier.wait(20)
        return Status(200)


class Held:
    """A prober that answers nobody before it is let go."""

    def __init__(self) -> None:
        self.let_go = threading.Event()

    def status(self, url: str, *, deadline: float) -> Status | NoAnswer:
        del url, deadline
        self.let_go.wait(20)
        return Status(200)


class Broken:
    """A prober that breaks its word."""

    def status(self, url: str, *, deadline: float) -> Status | NoAnswer:
        raise RuntimeError(f"{CANARY} {url} {deadline}")


def probes(count: int) -> Sequence[Check]:
    return [replace(EXPORT, title=f"Probe {number}") for number in range(count)]


def test_checks_are_asked_at_the_same_time() -> None:
    results = Room(Meeting(3)).run(*probes(3))
    assert [one.outcome for one in results.values()][1:] == [Outcome.PASSED] * 3


def test_a_run_ends_whatever_hangs_and_the_rest_is_told() -> None:
    held = Held()
    room = Room(held, ScriptedCommands(), within=0.3)
    try:
        results = room.run(EXPORT, PREFLIGHT)
        assert [one.outcome for one in results.values()] == [Outcome.FAILED, Outcome.UNKNOWN, Outcome.PASSED]
        assert results["Export answers"].said == "no result within 0 s"
        assert room.run(EXPORT)["Export answers"].said == "its last run has not ended"
    finally:
        held.let_go.set()
    room.verifier.stop(5)


def test_a_check_that_breaks_is_unknown_and_the_others_are_not() -> None:
    room = Room(Broken(), ScriptedCommands())
    with capture_logs() as logs:
        results = room.run(EXPORT, PREFLIGHT)
    assert results["Export answers"].said == "the check itself broke (RuntimeError); see the log"
    assert results["Preflight"].outcome is Outcome.PASSED
    assert [line["event"] for line in logs] == ["check.broken"]


def test_two_runs_of_one_incident_wait_for_each_other() -> None:
    meeting = Meeting(2)  # it would answer at once if both asked together
    room = Room(meeting)
    found: list[Outcome] = []
    one, two = (
        threading.Thread(target=lambda: found.append(room.run(*probes(2))["Probe 1"].outcome)) for _ in range(2)
    )
    one.start()
    two.start()
    one.join(20)
    two.join(20)
    assert found == [Outcome.PASSED, Outcome.PASSED]


def test_more_checks_than_threads_are_all_asked() -> None:
    results = Room().run(*probes(12))
    assert verdict(list(results.values())[1:]).green


def test_no_thread_is_begun_before_the_first_run() -> None:
    before = threading.active_count()
    room = Room()
    assert threading.active_count() == before
    assert room.verifier.stop(0)


def test_the_rules_in_force_are_those_of_now(room: Room) -> None:
    room.house.says("Login", 0.3, since=room.house.grid)
    assert room.signals()[0] is Outcome.FAILED
    laxer = rule("Login", rollback=0)
    tier = replace(laxer.tiers[0], above=0.5)
    room.house.book.swap(rule_set(group("rollback", replace(laxer, tiers=(tier,)))))
    room.house.clock.advance(INTERVAL)
    assert room.signals()[0] is Outcome.WAITING
