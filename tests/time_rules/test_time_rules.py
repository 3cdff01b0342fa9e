"""Time rules on recorded pasts: when an alert pends, fires, recovers and resolves, to the grid point.

A scrape counts for three grid points under a window of 1m, so that `fault(first, last)` breaches at every grid time
from `first` to `last`, and at no other.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from monitor.adapters.prometheus import PrometheusSource
from monitor.core.model import State
from tests.time_rules.histories import LINGERS, LONG, SCRAPE, Phases, Points, requests, seen
from tests.time_rules.walk import Moves, Walk, written

INACTIVE, PENDING, FIRING, RECOVERING = State.INACTIVE, State.PENDING, State.FIRING, State.RECOVERING

F = 600
"""When a story's fault first breaches."""

USUAL, FAILED = 150.0, 15.0
"""What a scrape adds: 10 requests a second, and 10 % of them."""

PAGED_AND_OVER = ["prepare_opens", "recovered"]


def fault(first: int, last: int, failed: float = FAILED) -> Phases:
    """10 % of the requests fail, so that every grid time from `first` to `last` breaches 2 %."""
    return [(0, USUAL, 0.0), (first, USUAL, failed), (last - LINGERS + SCRAPE, USUAL, 0.0)]


def errors(**more: str) -> str:
    """A rule on the ratio of failures, 2 % for 5 minutes; `more` are keys of the rule."""
    keys = {"prepare": "{above: 2%, for: 5m}", **more}
    signal = "{error_ratio: {requests: 'requests_total{STORY}', failures: 'code=\"500\"', by: [job], window: 1m}}"
    return "\n".join(["- alert: Errors", f"  signal: {signal}", *(f"  {key}: {value}" for key, value in keys.items())])


@dataclass(frozen=True)
class Story:
    """A past, a rule about it, when its alert moves, and what is posted."""

    name: str
    rule: str
    past: Mapping[str, Points]
    moves: Moves
    told: list[str] = field(default_factory=list)


def story(name: str, rule: str, phases: Phases, moves: Moves, told: list[str], **past: range) -> Story:
    labels = f'story="{name}",job="auth"'
    selected = rule.replace("STORY", f'story="{name}"')
    return Story(name, selected, requests(labels, phases, **past), moves, told)


STORIES = [
    story(
        "a breach of exactly 5m fires at its last point",
        errors(),
        fault(F, F + 300),
        [(F, PENDING), (F + 300, FIRING), (F + 315, INACTIVE)],
        PAGED_AND_OVER,
    ),
    story(
        "a breach of one point less never fires",
        errors(),
        fault(F, F + 285),
        [(F, PENDING), (F + 300, INACTIVE)],
        [],
    ),
]

HISTORY = {series: points for one in STORIES for series, points in one.past.items()}


@pytest.mark.parametrize("told", STORIES, ids=lambda one: one.name)
def test_story(told: Story, source: PrometheusSource, tmp_path: Path) -> None:
    walk = Walk(source, written(tmp_path, told.rule)).to(LONG)
    assert walk.moves() == told.moves
    assert walk.told() == told.told
