"""Times as people write them on a command line: RFC 3339, `now`, or how long ago (`-7d`). Pure."""

import re
from datetime import UTC, datetime

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
EXAMPLES = "write -7d, now, or 2026-03-01T00:00:00Z"

_AGO = re.compile(r"-((?:\d+[smhdw])+)")
_PART = re.compile(r"(\d+)([smhdw])")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def moment(text: str, now: float) -> int:
    """Give the seconds since the epoch that `text` names at `now`. Raises ValueError with a sentence for people."""
    found = _named(text, now)
    if found < 0:
        raise ValueError(f"{text!r} lies before 1970, where no samples are: {EXAMPLES}")
    return found


def _named(text: str, now: float) -> int:
    word = text.strip()
    if word == "now":
        return int(now)
    if (ago := _AGO.fullmatch(word)) is not None:
        return int(now) - sum(int(number) * UNITS[unit] for number, unit in _PART.findall(ago[1]))
    if _DATE.fullmatch(word):
        word = f"{word}T00:00:00Z"
    try:
        found = datetime.fromisoformat(word)
    except ValueError:
        raise ValueError(f"{text!r} is no time: {EXAMPLES}") from None
    if found.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone: write {word}Z for UTC")
    return int(found.astimezone(UTC).timestamp())
