"""Values as plain JSON, and values without secrets. Pure.

What goes into a bundle is scrubbed as values, before anything is written, so that no file can be forgotten.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any, TypeVar

from monitor.core.redaction import redacted, shown_url

T = TypeVar("T")

PAIRS = frozenset({"labels", "queries", "links", "fields", "collected"})
"""Fields that hold names with values; they become objects."""

URL = re.compile(r"https?://[^\s\"'<>()\[\]{}|\\^`]+")


def time_of(at: datetime) -> str:
    """Give a time in RFC 3339, UTC, to the millisecond."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def plain(value: Any) -> Any:  # noqa: ANN401  # any value of the core
    """Give `value` as what JSON knows. What JSON has no number for (infinity, no number) becomes a word."""
    match value:
        case Enum():
            return plain(value.value)
        case float() if not math.isfinite(value):
            return str(value)
        case None | bool() | int() | float() | str():
            return value
        case datetime():
            return time_of(value)
        case date():
            return value.isoformat()
        case Mapping():
            return {str(name): plain(one) for name, one in value.items()}
        case frozenset() | set():
            return sorted(plain(one) for one in value)
        case _:
            return _composed(value)


def _composed(value: Any) -> Any:  # noqa: ANN401  # the same
    if is_dataclass(value):
        return {one.name: _field(one.name, getattr(value, one.name)) for one in fields(value)}
    return [plain(one) for one in value]


def _field(name: str, value: Any) -> Any:  # noqa: ANN401  # the same
    return dict(value) if name in PAIRS else plain(value)


def json_file(body: Mapping[str, Any]) -> bytes:
    """Give the bytes of a JSON file."""
    return (json.dumps(plain(body), indent=2, ensure_ascii=False) + "\n").encode()


def json_lines(bodies: Iterable[Mapping[str, Any]]) -> bytes:
    """Give the bytes of a file with a JSON object a line."""
    return "".join(json.dumps(plain(one), ensure_ascii=False) + "\n" for one in bodies).encode()


def scrubbed(value: T, secrets: Iterable[str]) -> T:
    """Give `value` with every text in it as it may be shown: no secret, and no address with more than its path."""
    return _scrubbed(value, tuple(secrets))  # type: ignore[no-any-return]  # of the type that went in


def _scrubbed(value: Any, secrets: tuple[str, ...]) -> Any:  # noqa: ANN401  # any value of the core
    match value:
        case Enum():
            return value
        case str():
            return shown_text(value, secrets)
        case tuple():
            return tuple(_scrubbed(one, secrets) for one in value)
        case Mapping():
            return {_scrubbed(name, secrets): _scrubbed(one, secrets) for name, one in value.items()}
        case _ if is_dataclass(value) and not isinstance(value, type):
            new = {one.name: _scrubbed(getattr(value, one.name), secrets) for one in fields(value) if one.init}
            return replace(value, **{name: one for name, one in new.items() if one != getattr(value, name)})
        case _:
            return value


def shown_text(text: str, secrets: Iterable[str]) -> str:
    """Give a text as it may be shown. Secrets go first: an address that is cut would hide one that is known."""
    return URL.sub(lambda found: shown_url(found[0]), redacted(text, secrets))
