"""Ticks: the only importer of the scheduler library. Knows names and times, not what a tick does.

The library's scheduler is never mended: where its thread died, hangs, or waits for a time that a step of the clock took
away, another takes its place, and what the old one still says is not heard.
"""

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED, JobEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

WHY = {EVENT_JOB_MISSED: "missed", EVENT_JOB_MAX_INSTANCES: "overrun", EVENT_JOB_ERROR: "failed"}
"""What the library's events about ticks mean."""

SHUT_DOWN_WITHIN = 1.0
"""Seconds that the library gets to end its thread."""


class GridTrigger(BaseTrigger):  # type: ignore[misc]  # the library has no types
    """Fires at multiples of `interval` since the epoch, `offset` seconds later.

    Whatever time has passed, in one step. `next` is the time it last gave.
    """

    def __init__(self, interval: int, offset: int) -> None:
        self._interval = interval
        self._offset = offset
        self.next: datetime | None = None

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        """Give the first fire time after `now` (the scheduler's, aware); `previous` does not matter."""
        del previous
        behind = now.timestamp() - self._offset
        at = (math.floor(behind / self._interval) + 1) * self._interval + self._offset
        self.next = datetime.fromtimestamp(at, UTC)
        return self.next

    def ahead(self, now: datetime) -> bool:
        """Whether the next fire time lies so far ahead of `now` that the clock must have gone back since."""
        return self.next is not None and (self.next - now).total_seconds() > self._interval + 1


@dataclass(frozen=True, slots=True)
class Tick:
    """Something that is called every `interval` seconds, `offset` seconds after the grid. It must only begin work."""

    name: str
    interval: int
    offset: int
    call: Callable[[], None]


class Ticker:
    """Calls ticks on the grid. Thread-safe. `missed` hears of ticks that did not come to be: which, and why."""

    def __init__(self, missed: Callable[[str, str], None]) -> None:
        self._missed = missed
        self._ticks: tuple[Tick, ...] = ()
        self._scheduler: BackgroundScheduler | None = None
        self._triggers: dict[str, GridTrigger] = {}
        self._started = False
        self._lock = threading.Lock()

    def schedule(self, ticks: Sequence[Tick]) -> None:
        """Call exactly these from now on, or from `start` on."""
        self._ticks = tuple(ticks)
        if self._started:
            self.renew()

    def start(self) -> None:
        """Begin to tick."""
        self._started = True
        self.renew()

    def renew(self) -> None:
        """Let a new scheduler take over; the one before is told to end and not waited for."""
        with self._lock:
            if not self._started:
                return
            before, self._scheduler = self._scheduler, None  # from here on nobody hears it
            self._begin()
        if before is not None:
            threading.Thread(target=_end, args=(before,), name="old-scheduler", daemon=True).start()

    def shutdown(self) -> None:
        """End ticking, and wait for a moment only."""
        with self._lock:
            self._started = False
            before, self._scheduler = self._scheduler, None
        if before is not None:
            ending = threading.Thread(target=_end, args=(before,), name="old-scheduler", daemon=True)
            ending.start()
            ending.join(SHUT_DOWN_WITHIN)

    @property
    def alive(self) -> bool:
        """Whether the scheduler's thread lives."""
        thread = getattr(self._scheduler, "_thread", None)
        return thread is not None and thread.is_alive()

    def ahead(self, now: datetime) -> tuple[str, ...]:
        """Give the ticks that wait for a time which a step of the clock has taken far away."""
        return tuple(name for name, trigger in self._triggers.items() if trigger.ahead(now))

    def _begin(self) -> None:
        scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )

        def call(tick: Tick) -> None:
            if self._scheduler is scheduler:
                tick.call()

        triggers = {tick.name: GridTrigger(tick.interval, tick.offset) for tick in self._ticks}
        for tick in self._ticks:
            scheduler.add_job(call, triggers[tick.name], args=(tick,), id=tick.name)
        scheduler.add_listener(self._heard, sum(WHY))
        self._scheduler, self._triggers = scheduler, triggers
        scheduler.start()

    def _heard(self, event: JobEvent) -> None:
        self._missed(event.job_id, WHY.get(event.code, str(event.code)))


def _end(scheduler: BackgroundScheduler) -> None:
    scheduler.shutdown(wait=False)
