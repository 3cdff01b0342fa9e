"""Evaluation never stops silently: real daemons, each with a part that stalls, and what becomes of them.

The times that the supervisor allows are shortened here; STALLS=whole takes those of production.
"""

import http.server
import itertools
import os
import signal
import socket
import sys
import threading
import time
import urllib.error
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from monitor.supervision import STALLED
from tests.e2e.running import Monitor, Shop, eventually, rules_with
from tests.e2e.test_main_job import FAST
from tests.faults.stalled import STALLS
from tests.servers.hostile import Hostile, hang
from tests.servers.prometheus import Prometheus

pytestmark = pytest.mark.skipif(os.environ.get("FAULTS") != "whole", reason="minutes of real stalls: make faults")
WHOLE = os.environ.get("STALLS") == "whole"
UNHEALTHY_WITHIN = 52.0 if WHOLE else 12.0
"""Seconds until it is seen: two intervals, for these rules the ten seconds that every loop gets; the outbox's 45."""
OVER_WITHIN = UNHEALTHY_WITHIN + (36 if WHOLE else 15)
"""And the half minute in which it must be mended or ended."""

MENDED = {
    "a trigger that raises": "scheduler_restarted",
    "a trigger that hangs once": "scheduler_restarted",
    "an evaluation that hangs once": "evaluation_replaced",
    "an outbox that dies": "thread_restarted",
}
"""What is put right, as soon as it can be; everything else ends the process, for a new one to begin."""


@pytest.fixture(scope="module")
def prometheus() -> Iterator[Prometheus]:
    with Shop() as shop, Prometheus(scrape={"auth": [shop.exporter.target]}, interval=1.0) as running:
        eventually(lambda: running.query("http_requests_total", time.time()), 20, "Prometheus has scraped the shop")
        yield running


def stalling(folder: Path, prometheus: str, stall: str = "", **env: str) -> Monitor:
    folder.mkdir(exist_ok=True)
    monitor = Monitor(folder, rules_with(folder, FAST), prometheus)
    monitor.env |= {"STALL_WHILE": str(folder / "stall"), **env}
    monitor.env |= {"STALL": stall} if stall else {}
    monitor.env |= {} if WHOLE else {"QUICK": "1"}
    monitor.program = [sys.executable, "-m", "tests.faults.stalled"]
    return monitor


def healthy(monitor: Monitor) -> bool:
    try:
        return monitor.get("/-/healthy") == "ok\n"
    except urllib.error.HTTPError as unwell:
        with unwell:
            return False
    except OSError:
        return False


def evaluated(monitor: Monitor) -> float:
    return monitor.metric("rollback_monitor_evaluations_total")


def goes_on(monitor: Monitor, within: float) -> None:
    """Wait until evaluations come again."""
    had = evaluated(monitor)
    eventually(lambda: evaluated(monitor) >= had + 2, within, "evaluations come")


def side_by_side(call: Callable[[Path, str, str], str], folder: Path, prometheus: str, stalls: list[str]) -> None:
    """Let each stall have a daemon of its own, all at once, and print what became of them."""
    folders = [folder / stall.replace(" ", "-") for stall in stalls]
    with ThreadPoolExecutor(len(stalls)) as pool:
        told = list(pool.map(call, folders, [prometheus] * len(stalls), stalls))
    print("", *told, sep="\n")


def mended(folder: Path, prometheus: str, stall: str) -> str:
    with stalling(folder, prometheus, stall) as monitor:
        goes_on(monitor, 30)
        began = time.monotonic()
        (folder / "stall").touch()
        if "once" not in stall:  # what raises on cannot be mended before it stops to
            eventually(lambda: not healthy(monitor) or MENDED[stall] in monitor.log, UNHEALTHY_WITHIN, "it is seen")
            (folder / "stall").unlink()
        eventually(lambda: MENDED[stall] in monitor.log, OVER_WITHIN, "it is mended")
        goes_on(monitor, 30)
        eventually(lambda: healthy(monitor), 10, "it is well")
        seconds = time.monotonic() - began
        if stall == "an evaluation that hangs once":
            assert '"why": "overrun"' in monitor.log, "what was due while it hung is told of"
        assert monitor.metric("rollback_monitor_supervisor_mended_total") >= 1
        assert not monitor.incidents()
        (folder / "stall").unlink(missing_ok=True)
        assert monitor.stop()[0] == 0, monitor.log[-2000:]
        return f"{stall}: evaluations and health are back after {seconds:.1f} s"


def ended(folder: Path, prometheus: str, stall: str) -> str:
    with stalling(folder, prometheus, stall) as monitor:
        goes_on(monitor, 30)
        assert monitor.process is not None
        process, began = monitor.process, time.monotonic()
        (folder / "stall").touch()
        eventually(lambda: process.poll() is not None or not healthy(monitor), UNHEALTHY_WITHIN, "it is unhealthy")
        seen = time.monotonic() - began
        process.wait(OVER_WITHIN)
        over = time.monotonic() - began
        assert process.returncode == STALLED, monitor.log[-2000:]
        assert "daemon.given_up" in monitor.log
        assert "most recent call first" in monitor.log, "every thread is told of"
        (folder / "stall").unlink()
        monitor.start()
        goes_on(monitor, 30)
        assert not monitor.incidents()
        return f"{stall}: unhealthy after {seen:.1f} s, given up after {over:.1f} s"


@pytest.mark.timeout(400)
def test_what_can_be_mended_is_and_evaluations_go_on(tmp_path: Path, prometheus: Prometheus) -> None:
    side_by_side(mended, tmp_path, prometheus.url, [stall for stall in STALLS if stall in MENDED])


@pytest.mark.timeout(400)
def test_what_cannot_be_mended_is_seen_and_ends_the_process(tmp_path: Path, prometheus: Prometheus) -> None:
    side_by_side(ended, tmp_path, prometheus.url, [stall for stall in STALLS if stall not in MENDED])


@pytest.mark.timeout(400)
def test_a_pause_of_the_whole_process_is_over_within_half_a_minute(tmp_path: Path, prometheus: Prometheus) -> None:
    with stalling(tmp_path, prometheus.url) as monitor:
        goes_on(monitor, 15)
        assert monitor.process is not None
        monitor.process.send_signal(signal.SIGSTOP)
        time.sleep(180 if WHOLE else 15)
        monitor.process.send_signal(signal.SIGCONT)
        goes_on(monitor, 30)
        eventually(lambda: healthy(monitor), 30, "it is well")
        assert "given_up" not in monitor.log
        assert not monitor.incidents()
        assert monitor.stop()[0] == 0


def test_health_depends_on_no_prometheus_that_hangs(tmp_path: Path) -> None:
    with Hostile(hang) as sick, stalling(tmp_path, sick.url) as monitor:
        end = time.monotonic() + (90 if WHOLE else 15)
        while time.monotonic() < end:
            assert healthy(monitor), monitor.log[-2000:]
            time.sleep(0.5)
        assert "supervisor.mended" not in monitor.log
        assert monitor.stop()[0] == 0


# --- those who are told ---------------------------------------------------------------------------------------------


class Systemd:
    """A socket that hears what the daemon says, as the service manager does."""

    def __init__(self, folder: Path) -> None:
        self.address = str(folder / "notify")
        self.heard: list[tuple[float, str]] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.address)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while said := self._socket.recv(4096):
            self.heard += [(time.monotonic(), line) for line in said.decode().splitlines()]

    def times(self, word: str) -> list[float]:
        return [at for at, line in self.heard if line == word]

    def close(self) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.sendto(b"", self.address)
        self._thread.join(5)
        self._socket.close()


def test_systemd_hears_when_it_is_ready_when_it_is_well_and_when_it_stops(
    tmp_path: Path, prometheus: Prometheus
) -> None:
    systemd = Systemd(tmp_path)
    told = {"NOTIFY_SOCKET": systemd.address, "WATCHDOG_USEC": "45000000"}
    with stalling(tmp_path, prometheus.url, "triggers that all hang", **told) as monitor:
        assert monitor.process is not None
        eventually(lambda: len(systemd.times("WATCHDOG=1")) > 2, 10, "the watchdog is fed")
        assert systemd.times("READY=1")[0] < systemd.times("WATCHDOG=1")[0]
        monitor.process.send_signal(signal.SIGHUP)
        eventually(lambda: len(systemd.times("READY=1")) == 2, 10, "a reload is told, and its end")
        assert systemd.times("RELOADING=1")[0] <= systemd.times("READY=1")[1]
        (tmp_path / "stall").touch()
        eventually(lambda: not healthy(monitor), UNHEALTHY_WITHIN, "it is unhealthy")
        time.sleep(1.5)
        fed = len(systemd.times("WATCHDOG=1"))
        time.sleep(2)
        assert len(systemd.times("WATCHDOG=1")) == fed, "not while something stands still"
        (tmp_path / "stall").unlink()
        eventually(lambda: len(systemd.times("WATCHDOG=1")) > fed, 30, "it is fed again")
        assert monitor.stop()[0] == 0
        assert systemd.times("STOPPING=1")
    systemd.close()


@contextmanager
def switch() -> Iterator[tuple[str, list[float]]]:
    """A dead-man's switch that keeps when it was called."""
    calls: list[float] = []

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            calls.append(time.monotonic())
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep the test's output clean."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/ping/canary-7f3a", calls
        server.shutdown()
        thread.join()


def test_the_heartbeat_stays_away_while_evaluations_do(tmp_path: Path, prometheus: Prometheus) -> None:
    """With a minute of two seconds."""
    with switch() as (url, calls):
        given = {"MONITOR_HEARTBEAT__URL": url, "MONITOR_HEARTBEAT__METHOD": "post", "QUICK": "1"}
        with stalling(tmp_path, prometheus.url, "evaluations that all hang", **given) as monitor:
            eventually(lambda: len(calls) >= 3, 30, "it beats")
            assert min(after - before for before, after in itertools.pairwise(calls)) > 1.9
            (tmp_path / "stall").touch()
            time.sleep(3.5)  # one more may follow what was complete by then
            had = len(calls)
            time.sleep(4)
            assert len(calls) == had
            (tmp_path / "stall").unlink()
            eventually(lambda: len(calls) > had, 20, "it beats again")
            assert "canary-7f3a" not in monitor.log


def test_sigusr1_tells_what_every_thread_does(tmp_path: Path, prometheus: Prometheus) -> None:
    with stalling(tmp_path, prometheus.url) as monitor:
        assert monitor.process is not None
        goes_on(monitor, 15)
        monitor.process.send_signal(signal.SIGUSR1)
        eventually(lambda: "in _obey" in monitor.log and "in _work" in monitor.log, 5, "the threads are told")
        goes_on(monitor, 15)
