"""Numbers and times as people read them. Pure formatting; no grammar of pages, no markup."""

import re
from datetime import datetime, timedelta

from monitor.core.rules.signal import Unit

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""Characters that move a terminal's cursor, forge or hide a line, or turn its direction (all but tab and newline)."""


def percent(ratio: float) -> str:
    """Give a ratio (1.0 is all) with about two significant figures: 62 %, 2.4 %, 0.35 %."""
    figure = ratio * 100
    digits = 0 if abs(figure) >= 10 or figure == int(figure) else 1 if abs(figure) >= 1 else 2  # noqa: PLR2004  # powers of ten
    return f"{figure:.{digits}f} %"


def measure(value: float, unit: Unit) -> str:
    """Give a signal's value in its unit: 62 %, 2.1 times the baseline, 25 % up, 3."""
    match unit:
        case Unit.RATIO:
            return percent(value)
        case Unit.SLOWER:
            return f"{1 + value:.2g} times the baseline"
        case Unit.UP:
            return f"{percent(value)} up"
        case Unit.NUMBER:
            return f"{value:.4g}"


def lasted(span: timedelta) -> str:
    """Give a length of time in the units that matter: 45 s, 6 min, 2 h 05 min, 3 d 4 h."""
    return lasted_seconds(span.total_seconds())


def lasted_seconds(span: float) -> str:
    """Give the same of a number of seconds."""
    seconds = max(0, int(span))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if minutes < 2:  # noqa: PLR2004  # below two minutes seconds are still told
        return f"{seconds} s"
    if hours < 1:
        return f"{minutes} min"
    if days < 1:
        return f"{hours} h {minutes % 60:02d} min"
    return f"{days} d {hours % 24} h"


def clock(at: datetime) -> str:
    """Give a time of day as people say it: 03:02 UTC."""
    return f"{at:%H:%M} UTC"


def shortened(text: str, length: int) -> str:
    """Give `text` cut to `length` characters, with an ellipsis where it was cut."""
    return text if len(text) <= length else text[: max(0, length - 1)].rstrip() + "…"


def plain(text: str) -> str:
    """Give `text` as one line that a terminal only shows: labels and answers come from whoever is scraped."""
    return CONTROL.sub("�", text.replace("\n", " "))
