"""Times as people type them: now, -7d, -1d12h, 03:10, 2026-11-26T03:10:00Z, or seconds since the epoch. Pure."""

import re
from datetime import UTC, date, datetime, timedelta

HINT = "write 2026-11-26T03:10:00Z, 03:10 (UTC), -15m, -1d12h or now"

_AGO = re.compile(r"-((?:\d+(?:\.\d+)?\s*[smhdw])+)")
_PART = re.compile(r"([\d.]+)\s*([smhdw])")
_CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2})?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_EPOCH = re.compile(r"\d{9,11}(\.\d+)?")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)


class MomentError(ValueError):
    """A text that is no time; the sentence says what would be one."""


def moment_of(text: str, now: datetime, *, zoned: bool = False) -> datetime:
    """Give the time that `text` means: a time of day is the last such one; a day begins, and clocks go, in UTC.

    `zoned`: a day with its time must say of which zone it is, as where two of them make a stretch that is kept. Raises
    MomentError.
    """
    word = text.strip()
    try:
        found = _named(word, now)
    except OverflowError:
        found = datetime.min.replace(tzinfo=UTC)
    except ValueError:
        raise MomentError(f"{text!r} is no time; {HINT}") from None
    if found.tzinfo is None and zoned:
        raise MomentError(f"{text!r} has no time zone: write {word}Z for UTC")
    found = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    if found < _FIRST:
        raise MomentError(f"{text!r} lies before 1970, where no samples are; {HINT}")
    return found


def _named(word: str, now: datetime) -> datetime:
    if word.lower() == "now":
        return now
    if ago := _AGO.fullmatch(word):
        return now - timedelta(seconds=sum(float(many) * _SECONDS[unit] for many, unit in _PART.findall(ago[1])))
    if _EPOCH.fullmatch(word):
        return datetime.fromtimestamp(float(word), UTC)
    if _CLOCK.fullmatch(word):
        return _last(word, now)
    if _DATE.fullmatch(word):
        return datetime.combine(date.fromisoformat(word), datetime.min.time(), UTC)
    return datetime.fromisoformat(word)


def _last(word: str, now: datetime) -> datetime:
    hours, _, rest = word.partition(":")
    minutes, _, seconds = rest.partition(":")
    today = now.astimezone(UTC).replace(hour=int(hours), minute=int(minutes), second=int(seconds or 0), microsecond=0)
    return today if today <= now else today - timedelta(days=1)
