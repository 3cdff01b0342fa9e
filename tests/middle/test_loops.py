"""When a loop counts as stalled, and what the supervisor makes of it: on a clock that is moved by hand."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from monitor.adapters.memory.world import ManualClock
from monitor.runtime.loops import LEAST, Loops, patience
from monitor.runtime.supervisor import MEND_WITHIN, Hands, Mended, Supervisor

AT = datetime(2026, 3, 1, 3, 2, tzinfo=UTC)


@pytest.mark.parametrize(("interval", "seconds"), [(60, 120), (15, 30), (5, LEAST), (1, LEAST)])
def test_a_loop_gets_two_intervals_and_never_less_than_a_busy_machine_needs(interval: int, seconds: float) -> None:
    assert patience(interval) == seconds


def test_a_loop_is_stalled_once_its_time_is_over_and_well_again_with_its_next_beat() -> None:
    loops = Loops()
    loops.expect([("ticks of apis", 30), ("outbox", 45)], 100)
    assert loops.stalled(130) == ()
    assert [str(one) for one in loops.stalled(131)] == ["ticks of apis for 31 s"]
    loops.beat("ticks of apis", 131)
    assert [one.name for one in loops.stalled(161)] == ["outbox"]


def test_a_reload_keeps_the_age_of_what_stays_and_forgets_what_goes() -> None:
    loops = Loops()
    loops.expect([("a", 30), ("b", 30)], 100)
    loops.expect([("a", 30), ("c", 30)], 120)
    assert [one.name for one in loops.stalled(140)] == ["a"]
    loops.beat("b", 140)
    assert [one.name for one in loops.stalled(151)] == ["a", "c"]


class Watched:
    """A supervisor over one loop that beats as long as `beating`; what it did is kept."""

    def __init__(self, mends: Sequence[Mended] = ()) -> None:
        self.clock = ManualClock(AT)
        self.loops = Loops()
        self.loops.expect([("ticks of apis", 30)], self.clock.monotonic())
        self.mends = list(mends)
        self.fed = self.given_up = 0
        self.excused: list[float] = []
        self.told: list[str] = []
        self.beating = True
        hands = Hands(
            self._mend, self.excused.append, self._feed, lambda one: self.told.append(one.what), self._give_up
        )
        self.supervisor = Supervisor(self.loops, self.clock, hands)

    def _mend(self, _stalled: Sequence[object]) -> list[Mended]:
        made, self.mends = self.mends, []
        return made

    def _feed(self) -> None:
        self.fed += 1

    def _give_up(self, _stalled: Sequence[object]) -> None:
        self.given_up += 1

    def pass_by(self, seconds: int) -> None:
        for _ in range(seconds):
            self.clock.advance(1)
            if self.beating:
                self.loops.beat("ticks of apis", self.clock.monotonic())
            self.supervisor.look()


def test_the_watchdog_is_fed_while_everything_goes_round_and_not_longer() -> None:
    watched = Watched()
    watched.pass_by(60)
    assert (watched.fed, watched.given_up) == (60, 0)
    watched.beating = False
    watched.pass_by(40)
    assert watched.fed == 90, "for two intervals after the last beat"


def test_what_is_mended_is_told_and_goes_on() -> None:
    watched = Watched([Mended("scheduler_restarted", "its thread is gone")])
    watched.beating = False
    watched.pass_by(45)
    watched.beating = True
    watched.pass_by(60)
    assert (watched.told, watched.given_up) == (["scheduler_restarted"], 0)


def test_what_cannot_be_mended_ends_the_process_after_half_a_minute() -> None:
    watched = Watched()
    watched.beating = False
    watched.pass_by(30 + int(MEND_WITHIN))
    assert watched.given_up == 0
    watched.pass_by(2)
    assert watched.given_up > 0


def test_a_mender_that_breaks_does_not_keep_the_process_alive() -> None:
    watched = Watched()

    def breaks(_stalled: Sequence[object]) -> list[Mended]:
        raise RuntimeError("the trigger raised")

    watched.supervisor._hands = Hands(breaks, lambda _: None, watched._feed, lambda _: None, watched._give_up)
    watched.beating = False
    watched.pass_by(62)
    assert watched.given_up > 0


def test_a_pause_of_the_whole_process_is_held_against_nobody() -> None:
    watched = Watched()
    watched.pass_by(5)
    watched.clock.advance(600)  # stopped by SIGSTOP, or starved
    watched.supervisor.look()
    assert watched.excused == [599.0]
    assert watched.loops.stalled(watched.clock.monotonic()) == ()
    watched.pass_by(60)
    assert watched.given_up == 0
