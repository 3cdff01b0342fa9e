"""What users would have felt of a drill, from signals that were kept at every time, at some, or with overlaps."""

import csv
import io
import json
from datetime import datetime, timedelta

import pytest

from monitor.core.drill.impact import impact
from monitor.core.evidence.plainly import time_of
from monitor.core.model import utc

BEGIN = 1_800_000_000
"""The injection."""
RATE, BROKEN = 40.0, 120
"""Requests a second, and for how many seconds nine of ten of them fail."""


def kept(step: int, window: int, *, usual: float = 0.0, counts: bool = True) -> dict[str, bytes]:
    """Signals kept every `step` seconds, of which each reading looks back for `window` seconds."""
    out = io.StringIO()
    table = csv.DictWriter(out, ("time", "verdict", "requests", "failures"))
    table.writeheader()
    for at in range(BEGIN - 600, BEGIN + BROKEN + 600, step):
        broken = max(0, min(at, BEGIN + BROKEN) - max(at - window, BEGIN))
        failures = RATE * (0.9 * broken + usual * (window - broken))
        verdict = "breach" if broken else "clear"
        row = {"time": time_of(utc(at)), "verdict": verdict, "requests": RATE * window}
        table.writerow(row | {"failures": failures if counts else ""})
    signal = {"csv": "one.csv", "thresholds": [{"window_seconds": window}]}
    return {"signals.json": json.dumps({"signals": [signal]}).encode(), "one.csv": out.getvalue().encode()}


def at(seconds: float) -> datetime:
    return utc(BEGIN) + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("step", "window"),
    [
        pytest.param(15, 60, id="windows that overlap count no request twice"),
        pytest.param(60, 60, id="windows that lie end to end"),
        pytest.param(3, 4, id="windows that overlap by a second"),
        pytest.param(60, 30, id="of a signal kept at every second time the other half is not forgotten"),
    ],
)
def test_every_request_that_failed_is_counted_once(step: int, window: int) -> None:
    found = impact(kept(step, window), at(0), at(BROKEN))
    assert found.failed == pytest.approx(0.9 * RATE * BROKEN, rel=0.02)
    assert found.slow is None


def test_what_fails_anyway_is_no_impact() -> None:
    found = impact(kept(15, 60, usual=0.1), at(0), at(BROKEN))
    assert found.failed == pytest.approx(0.8 * RATE * BROKEN, rel=0.02)


def test_requests_without_failures_count_while_they_were_slow() -> None:
    found = impact(kept(60, 60, counts=False), at(0), at(BROKEN))
    assert found.failed is None
    assert found.slow == pytest.approx(RATE * BROKEN, rel=0.02)


def test_without_a_beginning_or_an_end_nothing_is_known() -> None:
    for begin, end in ((None, at(9)), (at(0), None)):
        found = impact(kept(15, 60), begin, end)
        assert (found.failed, found.slow) == (None, None)
