"""What users would have felt of a drill: requests that failed, or were slow, beyond what is usual. Pure.

Computed from the kept signals (signals.json and its CSV files). Their windows overlap, or leave gaps where a signal was
kept at every second or third time only: each reading counts for the time since the one before, as its window went.
"""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from monitor.core.drill.result import Impact
from monitor.core.evidence.signals import NAME
from monitor.core.model import Verdict


@dataclass(frozen=True, slots=True)
class _Row:
    at: datetime
    verdict: str
    requests: float | None
    failures: float | None


def impact(signals: Mapping[str, bytes], begin: datetime | None, end: datetime | None) -> Impact:
    """Give the impact between `begin` (the injection) and `end` (clear signals); nothing where one is not known."""
    if begin is None or end is None:
        return Impact()
    failed, slow = None, None
    for one in json.loads(signals.get(NAME, b"{}")).get("signals", ()):
        if not one.get("csv") or one["csv"] not in signals:
            continue
        rows, window = _rows(signals[one["csv"]]), _window(one)
        inside = [row for row in rows if begin < row.at <= end + timedelta(seconds=window)]
        weight = _step(rows) / window
        if any(row.failures is not None for row in inside):
            usual = _share([row for row in rows if row.at < begin])
            failed = (failed or 0.0) + weight * sum(_excess(row, usual) for row in inside)
        elif any(row.requests is not None for row in inside):
            slow = (slow or 0.0) + weight * sum(row.requests or 0.0 for row in inside if row.verdict == Verdict.BREACH)
    return Impact(failed, slow)


def _rows(content: bytes) -> list[_Row]:
    read = csv.DictReader(io.StringIO(content.decode()))
    return [
        _Row(
            datetime.fromisoformat(row["time"]),
            row["verdict"],
            _number(row["requests"]),
            _number(row["failures"]),
        )
        for row in read
    ]


def _number(text: str) -> float | None:
    return float(text) if text else None


def _window(signal: Mapping[str, Any]) -> int:
    return max((int(one["window_seconds"]) for one in signal.get("thresholds", ())), default=60)


def _step(rows: Sequence[_Row]) -> float:
    """Give the seconds between two readings."""
    return min(((after.at - row.at).total_seconds() for row, after in pairwise(rows)), default=0.0)


def _share(rows: Sequence[_Row]) -> float:
    requests = sum(row.requests or 0.0 for row in rows)
    return sum(row.failures or 0.0 for row in rows) / requests if requests else 0.0


def _excess(row: _Row, usual: float) -> float:
    return max(0.0, (row.failures or 0.0) - usual * (row.requests or 0.0))
