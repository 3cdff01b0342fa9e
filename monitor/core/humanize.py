"""How templates write values: the functions of Prometheus's templates, with its rounding and its prefixes.

Pure functions from a value to a text. A text that is no number passes through unchanged: a page outlives its format.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Moment:
    """A time: seconds since the epoch to functions, milliseconds where it is printed."""

    seconds: int


Value: TypeAlias = float | str | Moment | None
"""What a template computes with; None is a value that was not read."""

_MANY_YEARS = 1e18
"""Seconds from which on days and minutes say nothing any more (Go's whole numbers run over a little later)."""

_VERB = re.compile(r"%(?P<flags>[-+ 0]{0,3})(?P<width>\d{0,2})(?P<precision>\.\d{0,2})?(?P<verb>.|$)", re.DOTALL)


def go_float(value: float) -> str:
    """Give `value` as Go prints it: the shortest digits that mean it, with an exponent below 1e-4 and from 1e+06 on."""
    if not math.isfinite(value):
        return _special(value)
    if value == 0:
        return "0"
    figures = len(repr(value).split("e")[0].replace(".", "").strip("-0"))
    scientific = f"{value:.{figures - 1}e}"
    exponent = int(scientific.split("e")[1])
    plain = -4 <= exponent < 6  # noqa: PLR2004  # Go's own bounds
    return repr(value).removesuffix(".0") if plain else scientific


def _special(value: float) -> str:
    return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"


def _four(value: float) -> str:
    """Give four significant digits, as Go's `%.4g`."""
    return _special(value) if math.isnan(value) or math.isinf(value) else f"{value:.4g}"


def _scaled(value: float, base: float, prefixes: tuple[str, ...], *, down: bool = False) -> str:
    """Give `value` brought near 1 by powers of `base`, with the prefix of the power."""
    used = ""
    for prefix in prefixes:
        if (abs(value) >= 1) if down else (abs(value) < base):
            break
        used = prefix
        value = value * base if down else value / base
    return _four(value) + used


def _humanize(value: float) -> str:
    if value == 0 or not math.isfinite(value):
        return _four(value)
    if abs(value) >= 1:
        return _scaled(value, 1000, ("k", "M", "G", "T", "P", "E", "Z", "Y"))
    return _scaled(value, 1000, ("m", "u", "n", "p", "f", "a", "z", "y"), down=True)


def _humanize1024(value: float) -> str:
    if abs(value) <= 1 or not math.isfinite(value):
        return _four(value)
    return _scaled(value, 1024, ("ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"))


def _humanize_percentage(value: float) -> str:
    return _four(value * 100) + "%"


def _humanize_duration(value: float) -> str:
    if not math.isfinite(value):
        return _four(value)
    if value == 0 or abs(value) >= _MANY_YEARS:
        return f"{_four(value)}s"
    if abs(value) < 1:
        return _scaled(value, 1000, ("m", "u", "n", "p", "f", "a", "z", "y"), down=True) + "s"
    sign, whole = "-" if value < 0 else "", int(abs(value))
    if whole < 60:  # noqa: PLR2004  # seconds in a minute
        return f"{sign}{_four(abs(value))}s"
    days, hours, minutes, seconds = whole // 86_400, whole // 3600 % 24, whole // 60 % 60, whole % 60
    text = f"{minutes}m {seconds}s"
    if days or hours:
        text = f"{hours}h {text}"
    return f"{sign}{days}d {text}" if days else f"{sign}{text}"


def _humanize_timestamp(value: float) -> str:
    if not math.isfinite(value):
        return _four(value)
    try:
        at = datetime.fromtimestamp(value, UTC)
    except (OverflowError, ValueError, OSError):
        return _four(value)
    fraction = f".{at.microsecond // 1000:03d}".rstrip("0").rstrip(".")
    return f"{at:%Y-%m-%d %H:%M:%S}{fraction} +0000 UTC"


def _numeric(function: Callable[[float], str]) -> Callable[[Value], Value]:
    """Make `function` take any value: texts are read as numbers, and what is none passes through."""

    def applied(value: Value) -> Value:
        number = _number(value)
        return value if number is None else function(number)

    return applied


def _number(value: Value) -> float | None:
    match value:
        case Moment():
            return float(value.seconds)
        case str():
            try:
                return float(value)
            except ValueError:
                return None
        case _:
            return value


def _text(value: Value) -> str:
    match value:
        case None:
            return "no value"
        case float():
            return go_float(value)
        case Moment():
            return str(value.seconds * 1000)
        case _:
            return value


def _title(value: Value) -> Value:
    return re.sub(r"(?<![\w'])\w", lambda first: first[0].upper(), _text(value))


FUNCTIONS: Mapping[str, Callable[[Value], Value]] = MappingProxyType(
    {
        "humanize": _numeric(_humanize),
        "humanize1024": _numeric(_humanize1024),
        "humanizePercentage": _numeric(_humanize_percentage),
        "humanizeDuration": _numeric(_humanize_duration),
        "humanizeTimestamp": _numeric(_humanize_timestamp),
        "title": _title,
        "toUpper": lambda value: _text(value).upper(),
        "toLower": lambda value: _text(value).lower(),
    }
)
"""The functions that take one value, by their names in templates."""


def printf_problem(form: str, values: int) -> str:
    """Give what is wrong with a printf form for so many values, or the empty text."""
    verbs = [found["verb"] for found in _VERB.finditer(form)]
    bad = next((verb for verb in verbs if verb not in ("f", "e", "g", "s", "v", "%")), None)
    if bad is not None:
        mend = " (use %.0f)" if bad == "d" else ""
        return f"printf knows %f, %e, %g, %s and %v, not `%{bad}`{mend}"
    wanted = sum(verb != "%" for verb in verbs)
    if wanted != values:
        return f"the form has {wanted} places for {values} values"
    return ""


def printf(form: str, values: tuple[Value, ...]) -> str:
    """Give `values` written by `form`, whose verbs were checked by `printf_problem`."""
    left = iter(values)

    def written(found: re.Match[str]) -> str:
        if found["verb"] == "%":
            return "%"
        value = next(left, None)
        number = _number(value)
        if found["verb"] in ("s", "v") or number is None or (found["verb"] == "g" and found["precision"] is None):
            flags = "-" if "-" in found["flags"] else ""
            return f"%{flags}{found['width']}s" % _text(value)
        form = f"%{found['flags']}{found['width']}{found['precision'] or ''}{found['verb']}"
        return _special(number) if not math.isfinite(number) else form % number

    return _VERB.sub(written, form)
