"""Ticks on the real library: in step with the grid, and replaced whatever becomes of its thread."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from monitor.runtime.ticking import GridTrigger, Tick, Ticker
from tests.e2e.running import eventually

AT = datetime(2026, 3, 1, 3, 2, 11, tzinfo=UTC)
YEAR = timedelta(days=365)


@pytest.mark.parametrize("passed", [timedelta(0), -timedelta(seconds=1), 10 * YEAR, -30 * YEAR], ids=str)
def test_the_next_tick_is_that_of_the_grid_however_much_time_has_passed(passed: timedelta) -> None:
    now = AT + passed
    at = GridTrigger(15, 10).get_next_fire_time(None, now)
    assert timedelta(0) < at - now <= timedelta(seconds=15)
    assert (at.timestamp() - 10) % 15 == 0


@pytest.mark.parametrize(
    ("step", "ahead"),
    [(0, False), (-1, False), (-3, True), (-3600, True), (-YEAR.total_seconds(), True), (YEAR.total_seconds(), False)],
)
def test_a_clock_that_went_back_leaves_ticks_waiting_and_this_is_seen(step: float, ahead: bool) -> None:  # noqa: FBT001
    trigger = GridTrigger(15, 10)
    trigger.get_next_fire_time(None, AT)
    assert trigger.ahead(AT + timedelta(seconds=step)) is ahead


class Counted:
    """A ticker that counts; `raising` is what its trigger does when it is asked."""

    def __init__(self) -> None:
        self.missed: list[tuple[str, str]] = []
        self.at: list[float] = []
        self.ticker = Ticker(lambda name, why: self.missed.append((name, why)))
        self.ticker.schedule([Tick("apis", 1, 0, lambda: self.at.append(time.time()))])

    def ticks(self, more: int, within: float = 8) -> None:
        had = len(self.at)
        eventually(lambda: len(self.at) >= had + more, within, f"{more} more ticks")


@pytest.fixture
def counted() -> Iterator[Counted]:
    made = Counted()
    made.ticker.start()
    yield made
    made.ticker.shutdown()


def test_it_ticks_on_the_grid_and_once_each(counted: Counted) -> None:
    counted.ticks(3)
    seconds = [int(at) for at in counted.at]
    assert seconds == sorted(set(seconds))


def test_a_new_scheduler_takes_over_without_a_tick_twice(counted: Counted) -> None:
    counted.ticks(1)
    for _ in range(3):
        counted.ticker.renew()
    counted.ticks(3)
    seconds = [int(at) for at in counted.at]
    assert seconds == sorted(set(seconds))
    eventually(lambda: sum(one.name == "APScheduler" for one in threading.enumerate()) == 1, 5, "the old ones end")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_trigger_that_raises_ends_the_thread_and_another_goes_on(
    counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted.ticks(1)
    with monkeypatch.context() as broken:

        def raising(_self: GridTrigger, _previous: datetime | None, _now: datetime) -> datetime:
            raise OverflowError("date value out of range")

        broken.setattr(GridTrigger, "get_next_fire_time", raising)
        eventually(lambda: not counted.ticker.alive, 5, "the library's thread ends")
        with pytest.raises(OverflowError):
            counted.ticker.renew()
    counted.ticker.renew()
    assert counted.ticker.alive
    counted.ticks(2)


def test_a_scheduler_that_hangs_is_left_alone_and_another_goes_on(
    counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_go = threading.Event()
    with monkeypatch.context() as broken:

        def hanging(_self: GridTrigger, _previous: datetime | None, now: datetime) -> datetime:
            let_go.wait(30)
            return now + timedelta(seconds=1)

        counted.ticks(1)
        broken.setattr(GridTrigger, "get_next_fire_time", hanging)
        time.sleep(1.5)
    counted.ticker.renew()
    counted.ticks(2)
    let_go.set()  # the old one goes on: nobody hears it
    counted.ticks(3)
    seconds = [int(at) for at in counted.at]
    assert seconds == sorted(set(seconds))


def test_a_tick_that_breaks_is_told(counted: Counted) -> None:
    def breaks() -> None:
        raise RuntimeError("no")

    counted.ticker.schedule([Tick("apis", 1, 0, breaks)])
    eventually(lambda: ("apis", "failed") in counted.missed, 5, "it is told")
