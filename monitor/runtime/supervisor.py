"""The supervisor: sees that every loop goes round, has mended what does not, and gives the process up when that fails.

It runs in a small thread of its own, on the monotonic clock, and waits for nothing that could hang. How a part is
mended is the daemon's business. It alone feeds the service manager's watchdog, so that it is watched itself.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import structlog

from monitor.ports.world import Clock
from monitor.runtime.loops import Loops, Stalled

log = structlog.get_logger()

LOOK_EVERY = 1.0
"""Seconds between two looks."""

PAUSED = 5.0
"""Seconds late from which a look finds that the whole process was stopped, which is held against no loop."""

MEND_WITHIN = 30.0
"""Seconds for which something may be stalled, before the process is given up."""


@dataclass(frozen=True, slots=True)
class Mended:
    """Something that was put right: what (a word for the metric), and which."""

    what: str
    which: str = ""


@dataclass(frozen=True, slots=True)
class Hands:
    """What the supervisor has done by others; none of it may wait.

    `mend` puts right what it can, knowing what is stalled; `excuse` hears of pauses of the whole process; `fresh` is
    called at each look that finds everything going round; `give_up` ends the process.
    """

    mend: Callable[[Sequence[Stalled]], Iterable[Mended]]
    excuse: Callable[[float], None]
    fresh: Callable[[], None]
    told: Callable[[Mended], None]
    give_up: Callable[[Sequence[Stalled]], None]


class Supervisor:
    """Looks after `loops`. `start` begins its thread; `look` is one look, for tests."""

    def __init__(self, loops: Loops, clock: Clock, hands: Hands) -> None:
        self._loops = loops
        self._clock = clock
        self._hands = hands
        self._looked = clock.monotonic()
        self._stalled_since: float | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._looked = self._clock.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """Look no longer."""
        self._ended.set()

    def look(self) -> None:
        """Look once: mend, and feed the watchdog or count the time that something is stalled."""
        now = self._clock.monotonic()
        self._allow_for_pause(now)
        try:
            for mended in self._hands.mend(self._loops.stalled(now)):
                log.warning("supervisor.mended", what=mended.what, which=mended.which)
                self._hands.told(mended)
        except Exception as error:  # the one catch-all of this thread: what could not be mended stays stalled
            log.exception("supervisor.failed", why=str(error))
        self._judge(self._loops.stalled(now), now)

    def _allow_for_pause(self, now: float) -> None:
        late = now - self._looked - LOOK_EVERY
        self._looked = now
        if late > PAUSED:
            log.warning("supervisor.paused", seconds=round(late))
            self._hands.excuse(late)
            self._loops.excuse(late)
            if self._stalled_since is not None:
                self._stalled_since += late

    def _judge(self, stalled: Sequence[Stalled], now: float) -> None:
        if not stalled:
            if self._stalled_since is not None:
                log.info("supervisor.all_well", after=round(now - self._stalled_since))
            self._stalled_since = None
            self._hands.fresh()
            return
        if self._stalled_since is None:
            self._stalled_since = now
            log.error("supervisor.stalled", loops=[str(one) for one in stalled])
        if now - self._stalled_since >= MEND_WITHIN:
            self._hands.give_up(stalled)

    def _run(self) -> None:
        while not self._ended.wait(LOOK_EVERY):
            self.look()
