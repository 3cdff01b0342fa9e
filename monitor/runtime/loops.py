"""When each loop of the daemon last went round: ticks, evaluations, outbox, event loop.

Bookkeeping on monotonic times that are given to it. Who goes round, and what is done about one that does not, is the
business of others; nothing here depends on Prometheus, Slack or the database.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from threading import Lock

OUTBOX, EVENT_LOOP = "outbox", "event loop"

LEAST = 10.0
"""Seconds that every loop gets, however short its interval: a busy machine is no stall."""


def ticks_of(name: str) -> str:
    """Give the name of the loop that ticks group `name`."""
    return f"ticks of {name}"


def evaluations_of(name: str) -> str:
    """Give the name of the loop that evaluates group `name`."""
    return f"evaluations of {name}"


def patience(interval: float) -> float:
    """Give the seconds within which something that happens every `interval` seconds must have happened again."""
    return max(2 * interval, LEAST)


@dataclass(frozen=True, slots=True)
class Stalled:
    """A loop that did not go round in time, and for how many seconds it has not."""

    name: str
    seconds: float

    def __str__(self) -> str:
        return f"{self.name} for {self.seconds:.0f} s"


class Loops:
    """Remembers when each loop last went round. Thread-safe."""

    def __init__(self) -> None:
        self._within: dict[str, float] = {}
        self._at: dict[str, float] = {}
        self._lock = Lock()

    def expect(self, loops: Iterable[tuple[str, float]], now: float) -> None:
        """Count exactly `loops` from now on, each with the seconds it may take; new ones have gone round `now`."""
        with self._lock:
            self._within = dict(loops)
            self._at = {name: self._at.get(name, now) for name in self._within}

    def beat(self, name: str, now: float) -> None:
        """Say that a loop went round at `now`; one that is not expected (any more) is passed over."""
        with self._lock:
            if name in self._within:
                self._at[name] = now

    def excuse(self, seconds: float) -> None:
        """Do not hold a pause of the whole process against anybody."""
        with self._lock:
            self._at = {name: at + seconds for name, at in self._at.items()}

    def stalled(self, now: float) -> tuple[Stalled, ...]:
        """Give the loops that did not go round in time."""
        with self._lock:
            ages = {name: now - at for name, at in self._at.items()}
            return tuple(Stalled(name, age) for name, age in ages.items() if age > self._within[name])
