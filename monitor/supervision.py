"""What watches over the daemon's parts, put together: supervisor, mending, watchdog, heartbeat, and the last resort."""

import faulthandler
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import structlog

from monitor.bootstrap.app import App
from monitor.runtime.heartbeat import Heartbeat
from monitor.runtime.loops import Stalled
from monitor.runtime.mending import Mending, Thread
from monitor.runtime.notify import Manager
from monitor.runtime.supervisor import Hands, Mended, Supervisor
from monitor.runtime.ticking import Ticker
from monitor.runtime.workers import Workers
from monitor.showing import Progress

log = structlog.get_logger()

STALLED = 70
"""The exit code where the supervisor could not mend: EX_SOFTWARE of sysexits.h.

An exit and no exec in place: what hangs in this process (a lock, a library, the kernel) would stay, and the service
manager counts, logs and limits restarts. Where there is none, the heartbeat stays away, and somebody else is told.
"""

WRITE_WITHIN = 2.0
"""Seconds that writing what is held gets before the process is given up."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What is watched over: ticks, workers, the outbox's thread; and how an evaluation is begun again."""

    ticker: Ticker
    workers: Workers
    outbox: Thread
    begin_again: Callable[[str], None]


class Supervision:
    """Watches over `parts` while it is started."""

    def __init__(
        self,
        app: App,
        progress: Progress,
        parts: Parts,
        manager: Manager,
        complete_since: Callable[[float], bool],
        leave: Callable[[int], object],
    ) -> None:
        self._app = app
        self._parts = parts
        self._manager = manager
        self._leave = leave
        self._mending = Mending(app.clock, parts.ticker, parts.workers, parts.begin_again)
        hands = Hands(self._mend, parts.workers.excuse, manager.fresh, self._told, self._give_up)
        self._supervisor = Supervisor(progress.loops, app.clock, hands)
        self._heartbeat = Heartbeat(app.switch, app.clock, complete_since, self._beaten) if app.switch else None

    def start(self) -> None:
        """Begin to watch, and to beat where a switch is configured."""
        self._supervisor.start()
        if self._heartbeat is not None:
            self._heartbeat.start()

    def stop(self) -> None:
        """Watch no longer."""
        self._supervisor.stop()
        if self._heartbeat is not None:
            self._heartbeat.stop()

    def _mend(self, stalled: Sequence[Stalled]) -> Iterable[Mended]:
        yield from self._mending.mend(stalled)
        yield from self._parts.outbox.mend()

    def _told(self, mended: Mended) -> None:
        self._app.metrics.mended.labels(mended.what).inc()
        self._app.metrics.stuck_threads.set(self._parts.workers.left)

    def _give_up(self, stalled: Sequence[Stalled]) -> None:
        """End the process, so that the service manager begins another."""
        log.critical("daemon.given_up", stalled=[str(one) for one in stalled])
        self._manager.status(f"given up: {', '.join(map(str, stalled))}")
        faulthandler.dump_traceback(sys.__stderr__ or 2)
        writing = threading.Thread(target=self._app.store.flush, daemon=True)
        writing.start()
        writing.join(WRITE_WITHIN)
        self._leave(STALLED)

    def _beaten(self, outcome: str) -> None:
        self._app.metrics.heartbeats.labels(outcome).inc()
