"""What a server tells of its metrics without reading a sample: their names and kinds. For `init`, never for verdicts.

It must not know how an answer travels: it is given a function that fetches.
"""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from monitor.ports.metrics import Unanswered


def names(get: Callable[[str], Any], since: int, until: int) -> tuple[str, ...] | Unanswered:
    """Give the names of the metrics that had samples between two times."""
    between = urlencode({"start": since, "end": until})
    found = get(f"/api/v1/label/__name__/values?{between}")
    if isinstance(found, Unanswered):
        return found
    if not isinstance(found, list):
        return Unanswered("it does not tell the names of its metrics")
    return tuple(one for one in found if isinstance(one, str))


def types(get: Callable[[str], Any]) -> Mapping[str, str]:
    """Give what kind each metric is; nothing where the server does not tell."""
    found = get("/api/v1/metadata?limit_per_metric=1")
    told = found.items() if isinstance(found, Mapping) else ()
    return {name: kind for name, entries in told if (kind := _type(entries))}


def _type(entries: object) -> str:
    first = entries[0] if isinstance(entries, list) and entries else None
    kind = first.get("type") if isinstance(first, Mapping) else None
    return kind if isinstance(kind, str) else ""
