"""What goes round while a drill runs, in threads of its own: nothing of it can take time from production.

It wakes once a second while a drill runs, and once a minute for what is left of one.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from monitor.drills.conductor import Conductor
from monitor.drills.hall import Hall
from monitor.ports.store import ConflictError, StoreError
from monitor.ports.world import Clock
from monitor.side import Side

log = structlog.get_logger()

EVERY, IDLE = 1.0, 60.0
"""Seconds between two rounds while a drill runs, and while none does."""

FOLLOW_EVERY = 5.0
"""Seconds between two looks at what people and time bring."""

READ_WITHIN = 10.0
"""Seconds that an evaluation may read."""

END_WITHIN = 2.0
"""Seconds for the threads to end."""


@dataclass(slots=True)
class Stagehand:
    """Lets a drill go on; one for the life of the daemon."""

    hall: Hall
    conductor: Conductor
    clock: Clock
    _wake: threading.Event = field(default_factory=threading.Event)
    _stop: threading.Event = field(default_factory=threading.Event)
    _stopping: bool = False
    _threads: list[threading.Thread] = field(default_factory=list)
    _followed: float = 0.0
    _running: bool = False

    def start(self) -> None:
        """Begin; what ran when the monitor was stopped goes on. Nothing begins where no drill was ever held."""
        self.hall.opened = self._opened
        self.conductor.changed = self._wake.set
        self.conductor.live = True
        self._safely(self.conductor.resume)

    def stop(self) -> None:
        """Ask the threads to end, and wait for a moment."""
        self._stopping = True
        self._wake.set()
        self._stop.set()
        stage = self.hall.open
        if stage is not None:
            stage.side.outbox.stop()
            stage.side.evidence.stop()
            stage.side.verifier.stop(0.0)
        for thread in self._threads:
            thread.join(END_WITHIN / len(self._threads))

    def _opened(self, side: Side) -> None:
        self._begin("drill", lambda: self._run(side))
        self._begin("drill-follower", lambda: self._run_after(side))
        self._begin("drill-outbox", lambda: side.outbox.run(self._failed))

    def _begin(self, name: str, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _run(self, side: Side) -> None:
        while not self._stopping:
            self._safely(lambda: self.play(side))
            self._wake.wait(EVERY if self._running or self.conductor.closing else IDLE)
            self._wake.clear()

    def _run_after(self, side: Side) -> None:
        """Look after what takes long, such as checks, in a thread of its own: a real page must not wait for it."""
        while not self._stopping:
            if self._running or self.conductor.keeps or self.clock.monotonic() - self._followed >= IDLE:
                self._followed = self.clock.monotonic()
                self._safely(lambda: self.follow(side))
            self._stop.wait(FOLLOW_EVERY)

    def play(self, side: Side) -> None:
        """Look whether the drill goes on, and evaluate its rule. Raises StoreError."""
        self._running = self.conductor.look()
        for group in side.book.now.rules.groups if self._running else ():
            side.engine.evaluate(group.name, READ_WITHIN)

    def follow(self, side: Side) -> None:
        """See what people and time bring. Raises StoreError."""
        if not self.conductor.ready:
            return
        side.vigil.watch()
        for name in side.follower.look():
            side.follower.verify(name)
        if not self._running:
            self.conductor.keep_played()
            side.keeper.look()

    def _safely(self, work: Callable[[], object]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001  # the one catch-all on this way: a drill must harm nothing, and is tried again
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        expected = isinstance(error, StoreError | ConflictError)
        log.error("drill.failed", why=str(error), exc_info=not expected)
