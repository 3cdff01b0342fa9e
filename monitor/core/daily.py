"""A time of day in a time zone, as a moment. Pure; it knows summer time and no clock."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)


def moment(day: date, minute: int, zone: str) -> datetime:
    """Give when it is `minute` minutes past midnight of `day` in `zone`, in UTC.

    A time that the clock skips in spring comes an hour later; of one that it shows twice the first counts.
    """
    return datetime.combine(day, time(minute // 60, minute % 60), ZoneInfo(zone)).astimezone(UTC)


def newest(now: datetime, minute: int, zone: str) -> date:
    """Give the newest day of which that time has come."""
    today = now.astimezone(ZoneInfo(zone)).date()
    return today if moment(today, minute, zone) <= now else today - DAY
