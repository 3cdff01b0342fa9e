"""How the daemon's parts are put right: what the supervisor finds stalled is replaced, never repaired."""

import math
import threading
from collections.abc import Callable, Iterable, Sequence

import structlog

from monitor.ports.world import Clock
from monitor.runtime.loops import Stalled
from monitor.runtime.supervisor import Mended
from monitor.runtime.ticking import Ticker
from monitor.runtime.workers import Workers

log = structlog.get_logger()

RENEW_EVERY = 10.0
"""Seconds that a new scheduler gets before another takes over."""


class Mending:
    """Mends ticks, workers and the outbox's thread. Called by the supervisor alone; waits for nothing."""

    def __init__(self, clock: Clock, ticker: Ticker, workers: Workers, stuck: Callable[[str], None]) -> None:
        self._clock = clock
        self._ticker = ticker
        self._workers = workers
        self._stuck = stuck
        self._renewed = -math.inf
        self._renewing: threading.Thread | None = None

    def mend(self, stalled: Sequence[Stalled]) -> Iterable[Mended]:
        """Put right what can be; give what was."""
        yield from self._ticks(stalled)
        for key in self._workers.replace_stuck():
            self._stuck(str(key))
            yield Mended("evaluation_replaced", str(key))

    def _ticks(self, stalled: Sequence[Stalled]) -> Iterable[Mended]:
        now = self._clock.monotonic()
        ahead = self._ticker.ahead(self._clock.now())
        silent = [one.name for one in stalled if one.name.startswith("ticks of ")]
        if ahead:
            what, which = "ticks_rearmed", ", ".join(ahead)
        elif now - self._renewed < RENEW_EVERY:
            return
        elif not self._ticker.alive:
            what, which = "scheduler_restarted", "its thread is gone"
        elif silent:
            what, which = "scheduler_restarted", ", ".join(silent)
        else:
            return
        self._renewed = now
        if self._renewing is None or not self._renewing.is_alive():  # even beginning a scheduler may hang
            self._renewing = threading.Thread(target=self._renew, name="renewing", daemon=True)
            self._renewing.start()
            yield Mended(what, which)

    def _renew(self) -> None:
        try:
            self._ticker.renew()
        except Exception as error:  # the one catch-all of this thread: it is tried again
            log.exception("ticks.failed", why=str(error))


class Thread:
    """A thread that is begun again where it died."""

    def __init__(self, name: str, target: Callable[[], None]) -> None:
        self._name = name
        self._target = target
        self._thread = self._made()

    def start(self) -> None:
        """Begin it."""
        self._thread.start()

    def mend(self) -> Iterable[Mended]:
        """Begin it again where it died."""
        if not self._thread.is_alive():
            self._thread = self._made()
            self._thread.start()
            yield Mended("thread_restarted", self._name)

    def join(self, within: float) -> bool:
        """Wait for its end, for at most `within` seconds; whether it has ended."""
        self._thread.join(within)
        return not self._thread.is_alive()

    def _made(self) -> threading.Thread:
        return threading.Thread(target=self._target, name=self._name, daemon=True)
