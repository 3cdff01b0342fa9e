"""Where the monitor and vmalert differ on purpose: each difference with what both of them do.

The monitor holds what it cannot see and goes on until it is clear; the peer looks at each evaluation alone. Times are
seconds after `F`, when the fault first breaches; `since` is the activeAt of the peer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import pytest

from monitor.core.model import AlertKey, Tier
from tests.oracle.timelines import Both, Seen, both
from tests.time_rules.histories import LINGERS, LONG, SCRAPE, Phases, Points, gauge, requests, seen

F = 600
INTERVAL = 15
USUAL, FAILED, QUIET = 150.0, 15.0, 2.0
"""What a scrape adds; a tenth of it fails; at night there is hardly anything."""

Moves: TypeAlias = Sequence[tuple[int, str, int | None]]
"""When an alert changed, into what, and since when it breaches."""

PENDS, FIRES = (0, "pending", 0), (300, "firing", 0)
SIGNAL = """
        signal:
          error_ratio: {requests: 'requests_total{STORY}', failures: 'code="500"', by: [job], window: 1m}
"""


def fault(last: int, *then: tuple[int, float, float], failed: float = FAILED) -> Phases:
    """A tenth fails, so that every grid time up to `last` breaches 2 %."""
    good = F + last - LINGERS + SCRAPE
    return [(0, USUAL, 0.0), (F, USUAL, failed), *(then or [(good, USUAL, 0.0)])]


@dataclass(frozen=True)
class Difference:
    """A past, a rule of a tenth that fails, and what both sides make of its prepare tier."""

    name: str
    keys: str
    phases: Phases
    ours: Moves
    theirs: Moves
    gap: Sequence[int] = ()
    more: Mapping[str, Points] = field(default_factory=dict)


PREPARE = "prepare: {above: 2%, for: 5m}"
DIFFERENCES = [
    Difference(
        "a short gap: what pends is held, and fires so much later",
        PREPARE,
        fault(720),
        [PENDS, (360, "firing", 0), (735, "inactive", None)],
        [PENDS, (165, "inactive", None), (225, "pending", 225), (525, "firing", 225), (735, "inactive", None)],
        gap=seen(F + 135, F + 195),
    ),
    Difference(
        "a long gap: both give up, the monitor once it is too long",
        PREPARE,
        fault(720),
        [PENDS, (225, "inactive", None), (240, "pending", 240), (540, "firing", 240), (735, "inactive", None)],
        [PENDS, (165, "inactive", None), (240, "pending", 240), (540, "firing", 240), (735, "inactive", None)],
        gap=seen(F + 135, F + 210),
    ),
    Difference(
        "a gap: missing data never resolve what fires",
        PREPARE,
        fault(900),
        [PENDS, FIRES, (915, "inactive", None)],
        [
            PENDS,
            FIRES,
            (360, "inactive", None),
            (435, "pending", 435),
            (735, "firing", 435),
            (915, "inactive", None),
        ],
        gap=seen(F + 330, F + 405),
    ),
    Difference(
        "too little traffic resolves nothing",
        f"{PREPARE}\n        guards: {{min_requests: 10}}",
        fault(0, (F + 315, QUIET, 0.0), (F + 900, USUAL, 0.0)),
        [PENDS, FIRES, (900, "inactive", None)],
        [PENDS, FIRES, (345, "inactive", None)],
    ),
    Difference(
        "a condition that is not met holds what pends",
        f"{PREPARE}\n        requires: {{expr: 'sum(open{{STORY}})', above: 0.5}}",
        fault(720),
        [PENDS, (345, "firing", 0), (735, "inactive", None)],
        [PENDS, (150, "inactive", None), (195, "pending", 195), (495, "firing", 195), (735, "inactive", None)],
        more={"open{STORY}": gauge(seen(-300, LONG), lambda at: 0.0 if F + 150 <= at < F + 195 else 1.0)},
    ),
    Difference(
        "what is clear keeps firing for a while",
        f"{PREPARE}\n        keep_firing_for: 2m",
        fault(300),
        [PENDS, FIRES, (315, "recovering", 0), (435, "inactive", None)],
        [PENDS, FIRES, (315, "inactive", None)],
    ),
    Difference(
        "between clear and the limit it goes on firing",
        "prepare: {above: 2%, for: 5m, clear: 1%}",
        fault(0, (F + 315, USUAL, 2.7), (F + 900, USUAL, 0.0)),
        [PENDS, FIRES, (915, "inactive", None)],
        [PENDS, FIRES, (345, "inactive", None)],
    ),
    Difference(
        "a person resolves it, not the signal",
        f"{PREPARE}\n        resolve: by_person",
        fault(300),
        [PENDS, FIRES],
        [PENDS, FIRES, (315, "inactive", None)],
    ),
    Difference(
        "a firing rollback makes its prepare tier fire",
        f"{PREPARE}\n        rollback: {{above: 25%, for: 30s}}",
        fault(330, failed=90.0),
        [PENDS, (45, "firing", 0), (345, "inactive", None)],
        [PENDS, FIRES, (345, "inactive", None)],
    ),
    Difference(
        "what is proven and then only over the limit goes on firing",
        "prepare: {above: 2%, for: 5m, confidence: 99%}",
        fault(0, (F + 315, USUAL, 3.75), (F + 900, USUAL, 0.0)),
        [PENDS, FIRES, (900, "inactive", None)],
        [PENDS, FIRES, (345, "inactive", None)],
    ),
    Difference(
        "exactly at the limit is no breach, though it reads 3.0000000000000006 %",
        "prepare: {above: 3%, for: 0s}",
        [(0, 100.0, 3.0)],
        [],
        [(0, "firing", None), (15, "inactive", None)],
        gap=(F,),
    ),
]


def label(number: int) -> str:
    return f'story="{number}"'


def history() -> dict[str, Points]:
    found: dict[str, Points] = {}
    for number, one in enumerate(DIFFERENCES):
        found |= requests(f'{label(number)},job="auth"', one.phases, gap=one.gap)
        found |= {series.replace("STORY", label(number)): points for series, points in one.more.items()}
    return found


def rules() -> str:
    head = "groups:\n  - name: differences\n    interval: 15s\n    query_offset: 10s\n    rules:\n"
    return head + "".join(
        f"      - alert: Story{number}{SIGNAL}        {one.keys}\n".replace("STORY", label(number))
        for number, one in enumerate(DIFFERENCES)
    )


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> Both:
    return both(history(), rules(), LONG, tmp_path_factory.mktemp("differences"))


def moves(timeline: Mapping[int, Seen]) -> Moves:
    """When an alert changed, after `F`."""
    found: list[tuple[int, str, int | None]] = []
    before: tuple[str, int | None] = ("inactive", None)
    for at in range(0, LONG + 1, INTERVAL):
        one = timeline.get(at)
        now = ("inactive", None) if one is None else (str(one.state), None if one.since is None else one.since - F)
        if now != before:
            found.append((at - F, *now))
        before = now
    return found


@pytest.mark.parametrize("number", range(len(DIFFERENCES)), ids=[one.name for one in DIFFERENCES])
def test_both_do_what_they_are_known_for(sides: Both, number: int) -> None:
    key = AlertKey(f"Story{number}", (("job", "auth"),), Tier.PREPARE)
    assert moves(sides.ours.get(key, {})) == DIFFERENCES[number].ours, "the monitor"
    assert moves(sides.theirs.get(key, {})) == DIFFERENCES[number].theirs, "the peer"
