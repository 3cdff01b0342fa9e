"""The figures of a drill, worked out anew from what was written down, what Slack holds and what Prometheus scraped.

Nothing of the monitor is imported: its database is read as rows, its bundle as text.
"""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.servers.prometheus import Prometheus
from tests.servers.slack_workspace import Stored

ORDER = ("T0", "T1", "T2", "T3", "T4", "T5", "T6", "T7", "T8", "T9", "T10", "T11", "T12")
SPANS = {
    "Time to detect": ("T0", "T2"),
    "Time to page": ("T2", "T3"),
    "Time to acknowledge": ("T3", "T4"),
    "Time to command": ("T3", "T5"),
    "Decision": ("T5", "T7"),
    "Execution": ("T7", "T9"),
    "Time to mitigate": ("T0", "T10"),
    "Time to verify": ("T10", "T11"),
    "From beginning to end": ("T0", "T12"),
}
RATIO = (
    'sum(increase(http_requests_total{job="JOB",route="/login",code=~"5.."}[4s]))'
    ' / sum(increase(http_requests_total{job="JOB",route="/login"}[4s]))'
)
LIMIT, HOLD = 0.2, 2
"""What the rule of these tests pages over, and for how many seconds."""


def rows(database: Path, table: str, column: str = "", name: str = "") -> list[dict[str, Any]]:
    """Give the rows of a table, in the order in which they were written; those whose `column` is `name` alone."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        connection.row_factory = sqlite3.Row
        found = [dict(one) for one in connection.execute(f"select * from {table} order by rowid")]  # noqa: S608  # our own table
    return [one for one in found if not column or one[column] == name]


def written(database: Path, table: str, column: str, name: str) -> list[dict[str, Any]]:
    """Give the events of a drill (of its incident, or its own) as they were written down."""
    found = sorted(rows(database, table, column, name), key=lambda one: int(one["seq"]))
    return [json.loads(one["body"]) for one in found]


def seconds(text: str) -> float:
    """Give a written time in seconds since the epoch."""
    return datetime.fromisoformat(text).timestamp()


@dataclass(frozen=True)
class Worked:
    """The clock of a drill (seconds since the epoch) and what was counted; None: it did not happen."""

    clock: dict[str, float | None]
    refused: int
    skipped: list[str]
    out_of_order: list[str]
    doubled: int
    lost: int

    def span(self, what: str) -> float | None:
        """Give how long something took."""
        begin, end = (self.clock[one] for one in SPANS[what])
        return end - begin if begin is not None and end is not None else None


def worked(folder: Path, name: str, roots: Sequence[Stored]) -> Worked:
    """Work out the figures of drill `name`; `roots` are its pages as Slack has them."""
    database = folder / "monitor-drills.db"
    own = written(database, "drill_events", "drill", name)
    events = written(database, "events", "incident", name)
    plan: list[dict[str, Any]] = next(
        (one["plan"]["steps"] for one in events if one["kind"] == "procedure_started"), []
    )
    targets = {
        pin["service"]: pin["target"] for one in events if one["kind"] == "targets_pinned" for pin in one["targets"]
    }
    firings = [one["firing"] for one in events if one["kind"] == "alert_fired"]
    back = _back(events, targets)
    clock = {
        "T0": _at(own, "injected"),
        "T1": min((seconds(one["since"]) for one in firings), default=None),
        "T2": min((seconds(one["fired_at"]) for one in firings), default=None),
        "T3": min((float(one.ts) for one in roots), default=None),
        "T4": _at(events, "acknowledged", "procedure_started"),
        "T5": _at(events, "procedure_started"),
        "T6": _at(events, "procedure_started"),
        "T7": _at(events, "targets_pinned"),
        "T8": min(back.values(), default=None),
        "T9": max(back.values()) if targets and len(back) == len(targets) else None,
        "T10": max((seconds(one["at"]) for one in events if one["kind"] == "alert_resolved"), default=None),
        "T11": _green(events),
        "T12": _at(events, "ended"),
    }
    posts = rows(database, "posts", "incident", name)
    return Worked(
        clock,
        sum(one["kind"] in {"refused", "drill_refused"} for one in (*events, *own)),
        [_title(plan, one["step"]) for one in events if one["kind"] == "step_skipped" and one["relevant"]],
        list(_out_of_order(events, plan)),
        max(0, len(roots) - 1),
        sum(one["kind"] == "root" and one["ts"] is None for one in posts),
    )


def _at(events: Iterable[dict[str, Any]], *kinds: str) -> float | None:
    return next((seconds(one["at"]) for one in events if one["kind"] in kinds), None)


def _back(events: Iterable[dict[str, Any]], targets: dict[str, str]) -> dict[str, float]:
    """When each service was seen, or said, to run its target and nothing else."""
    found: dict[str, float] = {}
    for one in events:
        seen = one["kind"] == "versions_seen" and one["versions"] == [targets.get(one["service"])]
        if seen or one["kind"] == "service_done":
            found.setdefault(one["service"], seconds(one["at"]))
    return found


def _green(events: Iterable[dict[str, Any]]) -> float | None:
    """Since when every run of the checks has passed."""
    since = None
    for one in events:
        if one["kind"] == "checks_run":
            passed = all(check["outcome"] == "passed" for check in one["results"])
            since = (since or seconds(one["at"])) if passed else None
    return since


def _title(plan: Sequence[dict[str, Any]], step: str) -> str:
    return next(str(one["title"]) for one in plan if one["id"] == step)


def _out_of_order(events: Iterable[dict[str, Any]], plan: Sequence[dict[str, Any]]) -> Iterable[str]:
    settled: set[str] = set()
    for one in events:
        if one["kind"] in {"step_done", "step_skipped"}:
            settled.add(one["step"])
        before = [step["id"] for step in plan]
        if one["kind"] == "step_done":
            left = [name for name in before[: before.index(one["step"])] if name not in settled]
            if left:
                yield f"{_title(plan, one['step'])} before {_title(plan, left[0])}"


# --- what was scraped -----------------------------------------------------------------------------------------------


def breaches(prometheus: Prometheus, job: str, begin: float, end: float) -> dict[int, bool]:
    """Give for each second whether the logins of `job` breached, as Prometheus tells it afterwards."""
    found: dict[int, bool] = {}
    for at in range(int(begin) - 3, int(end) + 4):
        answer = prometheus.query(RATIO.replace("JOB", job), at)
        found[at] = bool(answer) and float(answer[0]["value"][1]) > LIMIT
    return found


def first(found: dict[int, bool], *, breach: bool, after: float = 0) -> int:
    """Give the first second after which it breached, or no longer did."""
    return next(at for at, one in sorted(found.items()) if at >= after and one is breach)


def failed(prometheus: Prometheus, job: str, at: float) -> float:
    """Give the logins of `job` that had failed by a time, as its counter says."""
    (answer,) = prometheus.query(f'sum(http_requests_total{{job="{job}",route="/login",code="500"}})', at)
    return float(answer["value"][1])


def runs(prometheus: Prometheus, version: str, at: float) -> set[str]:
    """Give the versions that Prometheus knew at a time, of the service whose `version` is selected by that."""
    answer = prometheus.query(version, at)
    return {str(one["metric"]["version"]) for one in answer}


def utc(at: float) -> str:
    """Give a time for people who read a failure."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
