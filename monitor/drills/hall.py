"""Where drills take place: a side of its own with a database of its own, made when it is first needed.

Nobody pays for it who holds no drills: no file, no thread, no memory.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from monitor.core.naming import is_drill
from monitor.ports import DrillLog
from monitor.side import Side


@dataclass(frozen=True, slots=True)
class Stage:
    """The side of the drills, and what is kept of them beside their incidents; `close` lets go of its database."""

    side: Side
    log: DrillLog
    close: Callable[[], None]


@dataclass(slots=True)
class Hall:
    """Opens the side of the drills once. `make` raises StoreError where its database cannot be used.

    `used` says whether drills were ever held; `opened` is told once of the side that was made.
    """

    make: Callable[[], Stage]
    used: Callable[[], bool]
    opened: Callable[[Side], None] = lambda _side: None
    _stage: Stage | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def stage(self) -> Stage | None:
        """The side of the drills, or None where no drill was ever held. Raises StoreError."""
        return self.enter() if self._stage is not None or self.used() else None

    def enter(self) -> Stage:
        """Give the side of the drills, making it where there is none. Raises StoreError."""
        with self._lock:
            if self._stage is None:
                self._stage = self.make()
                self.opened(self._stage.side)
            return self._stage

    def of(self, name: str, production: Side) -> Side:
        """Give the side that incident `name` is on: that of the drills for a drill. Raises StoreError."""
        stage = self.stage if is_drill(name) else None
        return stage.side if stage is not None else production

    def close(self) -> None:
        """Let go of the database."""
        with self._lock:
            if self._stage is not None:
                self._stage.close()
                self._stage = None
