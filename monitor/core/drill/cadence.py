"""When the next drill is due: a quarter after the last that counted, and soon after a migration. Pure.

Dates are those of the team's own calendar: a due date is a day, and ends when that day ends there.
"""

from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Cadence:
    """What routing.yaml says of drills.

    `months` may lie between two that count; a major migration asks for one within `after_migration` days. People are
    reminded `remind` days before, in the morning of that day in `zone`.
    """

    months: int = 3
    after_migration: int = 14
    remind: tuple[int, ...] = (14, 1)
    zone: str = "UTC"


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
        """Give the moment from which it is overdue: midnight after the day, in the team's zone."""
        return datetime.combine(self.day + timedelta(days=1), time(), ZoneInfo(cadence.zone))

    def overdue(self, now: datetime, cadence: Cadence) -> bool:
        """Whether it should have been by `now`."""
        return now >= self.ends(cadence)

    def left(self, now: datetime, cadence: Cadence) -> int:
        """Give the days that are left; 0 on the day itself, negative after it."""
        return (self.day - now.astimezone(ZoneInfo(cadence.zone)).date()).days


def due(
    counted: tuple[datetime, str] | None, migrations: Iterable[Migration], known_since: datetime, cadence: Cadence
) -> Due:
    """Give the next drill.

    `counted` is when the last drill that counts ended, and its name (None: there was none yet: then the first is due a
    quarter after `known_since`). A migration asks for one of its own unless a drill that counts *began* to be
    after it: what is `counted` must be later.
    """
    zone = ZoneInfo(cadence.zone)
    if counted is None:
        wanted = [Due(_later(known_since.astimezone(zone).date(), cadence.months), Why.FIRST)]
    else:
        wanted = [Due(_later(counted[0].astimezone(zone).date(), cadence.months), Why.QUARTER, counted[1])]
    for one in migrations:
        if counted is None or one.at > counted[0]:
            day = one.at.astimezone(zone).date() + timedelta(days=cadence.after_migration)
            wanted.append(Due(day, Why.MIGRATION, one.name))
    return min(wanted, key=lambda one: one.day)


def _later(day: date, months: int) -> date:
    """Give the same day so many months later; where that month is shorter, its last day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def reminders(next_one: Due, now: datetime, cadence: Cadence) -> int | None:
    """Give of how many days before it people are to be reminded by now, the nearest; None: not yet."""
    reached = [days for days in cadence.remind if next_one.left(now, cadence) <= days]
    return min(reached, default=None)
