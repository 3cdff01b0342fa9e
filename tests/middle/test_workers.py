"""Workers: one job of a key at a time, and nothing that hangs takes a place away."""

import threading
from collections.abc import Iterator

import pytest

from monitor.runtime.workers import MOST_LEFT, Workers
from tests.e2e.running import eventually


class Bench:
    """Workers on a clock that is moved by hand, and jobs that hang until let go."""

    def __init__(self, size: int) -> None:
        self.now = 0.0
        self.workers = Workers(size, "test", lambda: self.now)
        self.let_go = threading.Event()
        self.ran: list[str] = []

    def hang(self, key: str, within: float = 20) -> bool:
        began = threading.Event()

        def job() -> None:
            began.set()
            self.let_go.wait(30)
            self.ran.append(f"late {key}")

        taken = self.workers.submit(key, job, within)
        return taken and began.wait(5)

    def run(self, key: str) -> bool:
        return self.workers.submit(key, lambda: self.ran.append(key), 20)


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench(2)
    yield made
    made.let_go.set()
    made.workers.stop(4)


def test_a_key_that_runs_is_not_taken_again(bench: Bench) -> None:
    assert bench.hang("apis")
    assert not bench.run("apis")
    assert bench.run("logins")


def test_what_hangs_within_its_time_keeps_its_place(bench: Bench) -> None:
    bench.hang("apis")
    bench.now = 20
    assert bench.workers.replace_stuck() == []


def test_what_hangs_for_longer_gives_up_its_place_and_its_key(bench: Bench) -> None:
    bench.hang("apis")
    bench.hang("logins", within=60)
    bench.now = 21
    assert bench.workers.replace_stuck() == ["apis"]
    assert bench.workers.left == 1
    assert bench.run("apis")
    eventually(lambda: bench.ran == ["apis"], 5, "the one place that is free works")
    assert not bench.run("logins")


def test_a_job_that_comes_back_late_frees_nobody_elses_key(bench: Bench) -> None:
    bench.hang("apis")
    bench.now = 21
    bench.workers.replace_stuck()
    second = threading.Event()
    began = threading.Event()

    def job() -> None:
        began.set()
        second.wait(30)

    bench.workers.submit("apis", job, 60)
    assert began.wait(5)
    bench.let_go.set()
    eventually(lambda: bench.ran == ["late apis"] and bench.workers.left == 0, 5, "the late one has ended")
    assert not bench.run("apis"), "the second still runs"
    second.set()


def test_a_pause_of_the_process_makes_nothing_stuck(bench: Bench) -> None:
    bench.hang("apis")
    bench.now = 600
    bench.workers.excuse(595)
    assert bench.workers.replace_stuck() == []


def test_no_more_than_so_many_are_left_to_hang(bench: Bench) -> None:
    for number in range(MOST_LEFT):
        assert bench.hang(f"group {number}")
        bench.now += 21
        assert bench.workers.replace_stuck() == [f"group {number}"]
    bench.hang("one more")
    bench.now += 21
    assert bench.workers.replace_stuck() == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_died_is_replaced_too(bench: Bench) -> None:
    def dies() -> None:
        raise SystemExit

    for _ in range(2):
        bench.workers.submit("dies", dies)
        eventually(lambda: "dies" not in bench.workers._busy, 5, "it died")
    eventually(lambda: not any(one.is_alive() for one in bench.workers._threads), 5, "both threads are gone")
    bench.workers.replace_stuck()
    bench.run("apis")
    eventually(lambda: bench.ran == ["apis"], 5, "others work in their place")
