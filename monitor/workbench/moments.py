"""Times as people type them: now, -15m, 03:10, 2026-11-26T03:10:00Z, or seconds since the epoch. Pure."""

import re
from datetime import UTC, datetime, timedelta

_AGO = re.compile(r"-(\d+(?:\.\d+)?)\s*(s|m|h|d|w)")
_CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2})?")
_EPOCH = re.compile(r"\d{9,11}(\.\d+)?")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


class MomentError(ValueError):
    """A text that is no time; the sentence says what would be one."""


def moment_of(text: str, now: datetime) -> datetime:
    """Give the time that `text` means: a time of day is the last such one, and UTC where no zone is given.

    Raises MomentError.
    """
    word = text.strip()
    if word.lower() == "now":
        return now
    if ago := _AGO.fullmatch(word):
        return now - timedelta(seconds=float(ago[1]) * _SECONDS[ago[2]])
    if _EPOCH.fullmatch(word):
        return datetime.fromtimestamp(float(word), UTC)
    try:
        if _CLOCK.fullmatch(word):
            return _last(word, now)
        found = datetime.fromisoformat(word)
    except ValueError:
        hint = "write 2026-11-26T03:10:00Z, 03:10 (UTC), -15m or now"
        raise MomentError(f"{text!r} is no time; {hint}") from None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _last(word: str, now: datetime) -> datetime:
    hours, _, rest = word.partition(":")
    minutes, _, seconds = rest.partition(":")
    today = now.astimezone(UTC).replace(hour=int(hours), minute=int(minutes), second=int(seconds or 0), microsecond=0)
    return today if today <= now else today - timedelta(days=1)
