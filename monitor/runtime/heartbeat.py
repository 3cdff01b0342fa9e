"""The heartbeat to a dead-man's switch: somebody else's alarm that rings when it stays away.

Sent only after everything that makes the monitor worth trusting happened: a complete evaluation of every group, a
record that can be written, and every loop going round. In a thread of its own; a switch that fails hurts nobody.
"""

import threading
from collections.abc import Callable

import structlog

from monitor.ports.world import Clock, Switch

log = structlog.get_logger()

EVERY = 60.0
"""Seconds between two heartbeats at least."""

LOOK_EVERY = 1.0


class Heartbeat:
    """Calls the switch. `complete_since` tells whether everything that is asked for happened since a monotonic time."""

    def __init__(
        self,
        switch: Switch,
        clock: Clock,
        complete_since: Callable[[float], bool],
        told: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._switch = switch
        self._clock = clock
        self._complete_since = complete_since
        self._told = told
        self._last = clock.monotonic()
        self._called = False
        self._problem = ""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Begin to beat when there is reason to."""
        self._thread.start()

    def stop(self) -> None:
        """Beat no longer; a call that is under way is not waited for."""
        self._ended.set()

    def beat_if_due(self) -> bool:
        """Call the switch where it is time and there is reason to; whether it was called."""
        now = self._clock.monotonic()
        if (self._called and now - self._last < EVERY) or not self._complete_since(self._last):
            return False
        self._last, self._called = now, True
        problem = self._switch.call()
        if problem and problem != self._problem:
            log.warning("heartbeat.failed", why=problem)
        if self._problem and not problem:
            log.info("heartbeat.sent_again")
        self._problem = problem
        self._told("failed" if problem else "sent")
        return True

    def _run(self) -> None:
        while not self._ended.wait(LOOK_EVERY):
            try:
                self.beat_if_due()
            except Exception as error:  # the one catch-all of this thread: a heartbeat never hurts
                self._told("failed")
                log.exception("heartbeat.failed", why=str(error))
