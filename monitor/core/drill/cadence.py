"""When the next drill is due: a quarter after the last that counted, and soon after a migration. Pure.

Dates are those of the team's own calendar: a due date is a day, and ends when that day ends there.
"""

from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from monitor.core.daily import moment


@dataclass(frozen=True, slots=True)
class Cadence:
    """What routing.yaml says of drills.

    `months` may lie between two that count; a major migration asks for one within `after_migration` days. People are
    reminded `remind` days before, at minute `at` of that day in `zone`.
    """

    months: int = 3
    after_migration: int = 14
    remind: tuple[int, ...] = (14, 1)
    zone: str = "UTC"
    at: int = 540


@dataclass(frozen=True, slots=True)
class Counted:
    """A drill that counts: one that really rolled something back, is whole, and met its target."""

    name: str
    began: datetime
    ended: datetime


@dataclass(frozen=True, slots=True)
class Migration:
    """A major migration: when it was noticed, and what it is called."""

    at: datetime
    name: str


class Why(StrEnum):
    """What asks for a drill."""

    QUARTER = "quarter"
    MIGRATION = "migration"
    FIRST = "first"


@dataclass(frozen=True, slots=True)
class Due:
    """The next drill: by the end of which day, and why; `about` is the drill or migration that it is counted from."""

    day: date
    why: Why
    about: str = ""

    def ends(self, cadence: Cadence) -> datetime:
        """Give the moment from which it is overdue: midnight after the day in the team's zone, in UTC."""
        return moment(self.day + timedelta(days=1), 0, cadence.zone)

    def overdue(self, now: datetime, cadence: Cadence) -> bool:
        """Whether it should have been by `now`."""
        return now >= self.ends(cadence)

    def left(self, now: datetime, cadence: Cadence) -> int:
        """Give the days that are left; 0 on the day itself, negative after it."""
        return (self.day - now.astimezone(ZoneInfo(cadence.zone)).date()).days


def due(counted: Counted | None, migrations: Iterable[Migration], known_since: datetime, cadence: Cadence) -> Due:
    """Give the next drill.

    `counted` is the last drill that counts. None: there was none yet, and the first is due as if there had been one
    when the monitor first knew of the team. A migration asks for one of its own until one that counts *began* after it.
    """
    if counted is None:
        wanted = [Due(_later(day_of(known_since, cadence), cadence.months), Why.FIRST)]
    else:
        wanted = [Due(_later(day_of(counted.ended, cadence), cadence.months), Why.QUARTER, counted.name)]
    for one in unanswered(counted, migrations):
        day = day_of(one.at, cadence) + timedelta(days=cadence.after_migration)
        wanted.append(Due(day, Why.MIGRATION, one.name))
    return min(wanted, key=lambda one: one.day)


def unanswered(counted: Counted | None, migrations: Iterable[Migration]) -> tuple[Migration, ...]:
    """Give the migrations after which no drill that counts has begun."""
    return tuple(one for one in migrations if counted is None or one.at > counted.began)


def day_of(at: datetime, cadence: Cadence) -> date:
    """Give the day of the team's own calendar on which a moment lies."""
    return at.astimezone(ZoneInfo(cadence.zone)).date()


def _later(day: date, months: int) -> date:
    """Give the same day so many months later; where that month is shorter, its last day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


@dataclass(frozen=True, slots=True)
class Standing:
    """How the team stands: the next drill, by which cadence, and what it is counted from.

    `known_since` is when the monitor first knew of the team (None: it never ran), `migrations` are those that are
    unanswered.
    """

    due: Due
    cadence: Cadence
    counted: Counted | None = None
    migrations: tuple[Migration, ...] = ()
    known_since: datetime | None = None

    def overdue(self, now: datetime) -> bool:
        """Whether the next drill should have been by `now`."""
        return self.due.overdue(now, self.cadence)


def standing(
    counted: Counted | None, migrations: Iterable[Migration], known_since: datetime | None, now: datetime, by: Cadence
) -> Standing:
    """Give how the team stands at `now`, `by` its cadence."""
    open_ones = unanswered(counted, migrations)
    return Standing(due(counted, open_ones, known_since or now, by), by, counted, open_ones, known_since)
