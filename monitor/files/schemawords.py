"""What each word for a value in the tables of keys means to JSON Schema, by the patterns of the readers themselves.

Wider than the readers where a schema cannot say more, never narrower: what `check` takes, an editor takes.
"""

import re
from collections.abc import Mapping
from typing import Any, TypeAlias

from monitor.core.rules.routing import PAGERS
from monitor.core.rules.signal import ReferenceKind
from monitor.files.maintenancekey import DAYS, TIME
from monitor.files.scalars import DURATION, LABEL, NUMBER

Fragment: TypeAlias = Mapping[str, Any]

_NUMBER = NUMBER.pattern
_DURATION = rf"(?=.)(?:{DURATION.pattern})|0"
_WORD = re.compile(r"`([^`{}]+)`(?:, |$)")


def text(pattern: str = "") -> Fragment:
    """Give the fragment of a text, all of which must fit `pattern` where one is given."""
    return {"type": ["string", "number"], **({"pattern": f"^(?:{pattern})$"} if pattern else {})}


def of_words(words: str) -> Fragment | None:
    """Give the fragment of a fixed list of words in backticks, or None where `words` is none."""
    found = _WORD.findall(words)
    if not found or ", ".join(f"`{one}`" for one in found) != words:
        return None
    if set(found) <= {"true", "false"}:
        return {"type": "boolean"} if len(found) > 1 else {"const": True}
    return {"enum": [*found, *(int(one) for one in found if one.isdigit())]}


def listed(inner: Fragment) -> Fragment:
    """Give the fragment of a list."""
    return {"type": "array", "items": inner}


def mapped(inner: Fragment) -> Fragment:
    """Give the fragment of a mapping whose keys people choose."""
    return {"type": "object", "additionalProperties": inner}


_TEXT = text()
_LINE = text(r"(?=[\s\S]*\S)[^\n]{1,200}")
_LABEL = text(LABEL.pattern)
_SHARE: Fragment = {**text(rf"{_NUMBER}%?"), "minimum": 0, "maximum": 1}
_SPAN: Fragment = {**text(_DURATION), "minimum": 0, "maximum": 0}
_REFERENCE: Fragment = {"enum": [str(one) for one in ReferenceKind]}

WORDS: Mapping[str, Fragment] = {
    "text": _TEXT,
    "texts": _TEXT,
    "text (mrkdwn)": _TEXT,
    "template": _TEXT,
    "name": _LINE,
    "lower-case name": text(r"[a-z0-9][a-z0-9_-]{0,49}"),
    "label name": _LABEL,
    "label names": _LABEL,
    "labels": mapped(_TEXT),
    "number": {**text(_NUMBER), "minimum": 0},
    "share": _SHARE,
    "threshold": text(rf"{_NUMBER}%?|{_DURATION}"),
    "duration": _SPAN,
    "durations": _SPAN,
    "duration or none": {**_SPAN, "pattern": rf"^(?:{_DURATION}|none)$"},
    "`rolled_back`, `acknowledged`, or duration": text(rf"rolled_back|acknowledged|{_DURATION}"),
    "series of values": _TEXT,
    "PromQL": _TEXT,
    "selector": {"type": "string"},
    "matchers or selector": {"type": "string"},
    "matchers": {"type": "string"},
    "URL": text(r"https?://\S+"),
    "Slack channel id": text(r"\s*[A-Za-z0-9_.-]*\s*"),
    "ids": text(r"[A-Za-z0-9_.-]+"),
    "pagers": {"enum": list(PAGERS)},
    '`"HH:MM"`': {**text(TIME.pattern), "type": "string"},
    "time zone": _LINE,
    "mon ... sun": {"enum": list(DAYS)},
    "mapping of templates": mapped(_TEXT),
    "mapping of texts": mapped(_TEXT),
}
"""The words that mean the same wherever they stand."""

REFERENCES: tuple[Fragment, ...] = (_REFERENCE, listed(_REFERENCE))
"""What a baseline may be beside a fixed one."""
VERSIONED: Fragment = text(r"\S*\{version\}\S*")
"""An image with the place of its version."""
