"""Where drills take place: a side of its own with a database of its own, made when it is first needed.

Nobody pays for it who holds no drills: no file, no thread, no memory.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from monitor.core.actor import MONITOR
from monitor.core.naming import is_drill, number_of
from monitor.core.rules.ruleset import RuleSet
from monitor.drills.results import Results
from monitor.drills.source import DrillSource
from monitor.ports.store import Change, DrillLog
from monitor.side import Side


@dataclass(frozen=True, slots=True)
class Stage:
    """The side of the drills, and what is kept of them beside their incidents.

    `source` is what it reads, `results` what drills came to; `forget` makes it read everything anew; `close` lets go of
    its database.
    """

    side: Side
    log: DrillLog
    source: DrillSource
    results: Results
    forget: Callable[[], None]
    close: Callable[[], None]

    def judge_by(self, rules: RuleSet) -> None:
        """Put the rules of a drill in force: what was there before counts no longer."""
        self.source.play = None
        self.side.book.swap(rules)
        self.side.engine.readings.clear()
        self.side.desk.forget()
        self.forget()

    def hear_all(self, now: datetime) -> None:
        """End what an earlier drill silenced (a false alarm does, for a day). Raises StoreError."""
        live = [one for one in self.side.store.silences() if one.in_force(now)]
        if live:
            over = tuple(replace(one, expired_at=now, expired_by=MONITOR) for one in live)
            self.side.store.commit(Change(silences=over))


def newest_number(log: DrillLog) -> int:
    """Give the number of the newest drill, under which its page opens; 0 where there was none. Raises StoreError."""
    return max((number_of(one.id) for one in log.drills()), default=0)


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

    @property
    def open(self) -> Stage | None:
        """The side of the drills where it was made already."""
        return self._stage

    def enter(self) -> Stage:
        """Give the side of the drills, making it where there is none. Raises StoreError."""
        with self._lock:
            made = self._stage
            if made is not None:
                return made
            self._stage = made = self.make()
        self.opened(made.side)
        return made

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
