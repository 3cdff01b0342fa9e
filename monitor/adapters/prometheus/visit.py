"""What a metrics server says of itself: version, retention, scrape interval, clock. For `doctor`, never for verdicts.

It must not know how an answer travels: it is given a function that fetches.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from monitor.adapters.http import Reply
from monitor.adapters.prometheus.answers import NOT_JSON
from monitor.ports.metrics import Unanswered


@dataclass(frozen=True, slots=True)
class Described:
    """A server as `doctor` tells of it; None or "" where it does not tell.

    `retention` is in Prometheus's words ("15d", "15d or 10GB"); `scrape_interval` and `scrape_timeout` its global
    ones ("15s"); `skew` the seconds by which its clock is ahead of ours (negative: behind), good to a second. `problem`
    says why not reachable.
    """

    reachable: bool
    version: str = ""
    retention: str = ""
    scrape_interval: str = ""
    scrape_timeout: str = ""
    skew: float | None = None
    problem: str = ""


def data(reply: Reply) -> Any | Unanswered:  # noqa: ANN401  # JSON is anything until it is looked at
    """Give the `data` of a status answer."""
    try:
        body = reply.json()
    except orjson.JSONDecodeError:
        return Unanswered(NOT_JSON)
    if not isinstance(body, Mapping) or body.get("status") != "success":
        return Unanswered(NOT_JSON)
    return body.get("data")


def described(get: Callable[[str], Any], theirs: datetime | None, now: datetime) -> Described:
    """Give the description of a server that answers, leaving out each fact that it does not offer.

    `theirs` is its time in its last answer, `now` ours when it was asked for it.
    """
    build = get("/api/v1/status/buildinfo")
    runtime = _mapping(get("/api/v1/status/runtimeinfo"))
    config = _mapping(get("/api/v1/status/config"))
    yaml = _text(config, "yaml")
    return Described(
        reachable=True,
        version=_text(_mapping(build), "version"),
        retention=_text(runtime, "storageRetention"),
        scrape_interval=_global(yaml, "scrape_interval"),
        scrape_timeout=_global(yaml, "scrape_timeout"),
        skew=None if theirs is None else (theirs - now).total_seconds(),
    )


def _global(yaml: str, key: str) -> str:
    found = re.search(rf"^global:\n(?: .*\n)*?  {key}: (\S+)$", yaml, re.MULTILINE)
    return found.group(1) if found else ""


def _mapping(found: object) -> Mapping[str, Any]:
    return found if isinstance(found, Mapping) else {}


def _text(found: Mapping[str, Any], key: str) -> str:
    value = found.get(key, "")
    return value if isinstance(value, str) else ""
