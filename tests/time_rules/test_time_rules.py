"""Time rules on recorded pasts: when an alert pends, fires, recovers and resolves, to the grid point.

A scrape counts for three grid points under a window of 1m, so that `fault(first, last)` breaches at every grid time
from `first` to `last`, and at no other.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from monitor.adapters.prometheus import PrometheusSource
from monitor.core.actor import Actor, Role, Source
from monitor.core.model import Alert, Cause, State, Transition
from monitor.core.pages.page import ActionKind, Tone
from monitor.people.commands import Done
from monitor.people.requesting import Request
from tests.time_rules.histories import (
    LINGERS,
    LONG,
    SCRAPE,
    START,
    Phases,
    Points,
    gauge,
    histogram,
    requests,
    seen,
)
from tests.time_rules.walk import OFFSET, Moves, Walk, after, written

INACTIVE, PENDING, FIRING, RECOVERING = State.INACTIVE, State.PENDING, State.FIRING, State.RECOVERING

F = 600
"""When a story's fault first breaches."""

USUAL, FAILED = 150.0, 15.0
"""What a scrape adds: 10 requests a second, and 10 % of them."""

HOUR = 3600
PAGED_AND_OVER = ["prepare_opens", "recovered"]
FIRES_AND_CLEARS = [(F, PENDING), (F + 300, FIRING), (F + 315, INACTIVE)]

ANA = Actor("U0ANA", "Ana", Source.SLACK, frozenset({Role.RESPONDER}))


@dataclass(frozen=True)
class Story:
    """A past, a rule about it, when its alert moves, and why something is posted."""

    name: str
    rule: str
    past: Mapping[str, Points]
    moves: Moves
    told: list[str]


def ending(last: int) -> int:
    """The first good scrape of a fault whose last breach is at grid time `last`."""
    return last - LINGERS + SCRAPE


def fault(first: int, last: int, failed: float = FAILED) -> Phases:
    """10 % of the requests fail, so that every grid time from `first` to `last` breaches 2 %."""
    return [(0, USUAL, 0.0), (first, USUAL, failed), (ending(last), USUAL, 0.0)]


def rule(signal: str, **keys: str) -> str:
    """A rule of the YAML `signal` and `keys`; STORY selects the story's series."""
    return "\n".join(["- alert: Watched", f"  signal: {{{signal}}}", *(f"  {key}: {keys[key]}" for key in keys)])


def errors(prepare: str = "{above: 2%, for: 5m}", **keys: str) -> str:
    selectors = "requests: 'requests_total{STORY}', failures: 'code=\"500\"'"
    return rule(f"error_ratio: {{{selectors}, by: [job], window: 1m}}", prepare=prepare, **keys)


def story(
    name: str,
    rule: str,
    phases: Phases,
    moves: Moves,
    told: list[str],
    *,
    gap: Iterable[int] = (),
    restarts: Iterable[int] = (),
) -> Story:
    """A story of requests of one job."""
    past = requests(f'story="{name}",job="auth"', phases, gap=gap, restarts=restarts)
    return Story(name, rule, past, moves, told)


def of(name: str, rule: str, past: Mapping[str, Points], moves: Moves, told: list[str]) -> Story:
    """A story of whatever `past` says; STORY in its series is the story's own label."""
    return Story(name, rule, {series.replace("STORY", f'story="{name}"'): past[series] for series in past}, moves, told)


# --- for --------------------------------------------------------------------------------------------------------------

HOLDS = [
    story(
        "a breach of exactly 5m fires at its last point",
        errors(),
        fault(F, F + 300),
        FIRES_AND_CLEARS,
        PAGED_AND_OVER,
    ),
    story(
        "a breach of one point less never fires",
        errors(),
        fault(F, F + 285),
        [(F, PENDING), (F + 300, INACTIVE)],
        [],
    ),
    story(
        "two breaches of 4m 45s with one good point between do not add up",
        errors(),
        [*fault(F, F + 285), *fault(F + 315, F + 600)[1:]],
        [(F, PENDING), (F + 300, INACTIVE), (F + 315, PENDING), (F + 615, INACTIVE)],
        [],
    ),
    story(
        "a for between two points fires at the later one",
        errors(prepare="{above: 2%, for: 50s}"),
        fault(F, F + 60),
        [(F, PENDING), (F + 60, FIRING), (F + 75, INACTIVE)],
        PAGED_AND_OVER,
    ),
    story(
        "exactly at the limit is no breach, though extrapolated to 3.0000000000000006 %",
        errors(prepare="{above: 3%, for: 0s}"),
        [(0, 100.0, 3.0)],
        [],
        [],
        gap=seen(F - 45, LONG, 60),
    ),
    story(
        "a rollback with a for carries the prepare tier of its instance",
        errors(rollback="{above: 25%, for: 30s}"),
        fault(F, F + 300, failed=90.0),
        [
            (F, PENDING),  # prepare, 20 %
            (F + 15, PENDING),  # rollback, 40 %
            (F + 45, FIRING),
            (F + 45, FIRING),
            (F + 300, INACTIVE),  # rollback, 20 %
            (F + 315, INACTIVE),
        ],
        ["rollback_opens", "recovered"],
    ),
]

# --- missing scrapes: no reading from 45 s after the last scrape until two new ones stand in the window ---------------

GAPS = [
    story(
        "two missed scrapes are bridged by the window",
        errors(),
        fault(F, F + 300),
        FIRES_AND_CLEARS,
        PAGED_AND_OVER,
        gap=seen(F + 135, F + 150),
    ),
    story(
        "a gap of gap_tolerance is held and fires so much later",
        errors(),
        fault(F, F + 360),
        [(F, PENDING), (F + 360, FIRING), (F + 375, INACTIVE)],
        PAGED_AND_OVER,
        gap=seen(F + 135, F + 195),  # unread at F+165, 180, 195, 210
    ),
    story(
        "what a gap held back is missing from a breach that is too short",
        errors(),
        fault(F, F + 345),
        [(F, PENDING), (F + 360, INACTIVE)],
        [],
        gap=seen(F + 135, F + 195),
    ),
    story(
        "a gap over gap_tolerance gives up and starts anew",
        errors(),
        fault(F, F + 540),
        [(F, PENDING), (F + 225, INACTIVE), (F + 240, PENDING), (F + 540, FIRING), (F + 555, INACTIVE)],
        PAGED_AND_OVER,
        gap=seen(F + 135, F + 210),  # unread at F+165, ..., 225
    ),
    story(
        "a gap_tolerance of its own outlasts the same gap",
        errors(gap_tolerance="2m"),
        fault(F, F + 375),
        [(F, PENDING), (F + 375, FIRING), (F + 390, INACTIVE)],
        PAGED_AND_OVER,
        gap=seen(F + 135, F + 210),
    ),
    story(
        "no_data breach counts the gap as breach",
        errors(no_data="breach"),
        fault(F, F + 300),
        FIRES_AND_CLEARS,
        PAGED_AND_OVER,
        gap=seen(F + 135, F + 210),
    ),
    story(
        "no_data clear ends the breach at the gap",
        errors(no_data="clear"),
        fault(F, F + 300),
        [(F, PENDING), (F + 165, INACTIVE), (F + 240, PENDING), (F + 315, INACTIVE)],
        [],
        gap=seen(F + 135, F + 210),
    ),
    story(
        "missing data never resolves and blindness is told",
        errors(),
        fault(F, F + 900),
        [(F, PENDING), (F + 300, FIRING)],
        ["prepare_opens", "blind_opens"],
        gap=seen(F + 330, LONG),
    ),
    story(
        "a restart that counts from 0 again is no event",
        errors(),
        fault(F, F + 300),
        FIRES_AND_CLEARS,
        PAGED_AND_OVER,
        restarts=(F + 150,),
    ),
    story(
        "two restarts and a missed scrape are no event",
        errors(),
        fault(F, F + 300),
        FIRES_AND_CLEARS,
        PAGED_AND_OVER,
        gap=(F + 150,),
        restarts=(F + 150, F + 180),
    ),
]

# --- guards -----------------------------------------------------------------------------------------------------------

QUIET = 2.0
"""What a scrape adds at night: 8 requests in a window."""

GUARDS = [
    story(
        "low traffic that fails whole starts nothing",
        errors(guards="{min_requests: 10}"),
        [(0, QUIET, 0.0), (F, QUIET, QUIET)],
        [],
        [],
    ),
    story(
        "low traffic clears nothing and healthy traffic does",
        errors(guards="{min_requests: 10}"),
        [(0, USUAL, 0.0), (F, USUAL, FAILED), (F + 315, QUIET, 0.0), (F + 900, USUAL, 0.0)],
        [(F, PENDING), (F + 300, FIRING), (F + 900, INACTIVE)],
        PAGED_AND_OVER,
    ),
    story(
        "no traffic at all clears nothing",
        errors(),
        [(0, USUAL, 0.0), (F, USUAL, FAILED), (F + 315, 0.0, 0.0)],
        [(F, PENDING), (F + 300, FIRING)],
        ["prepare_opens"],
    ),
    story(
        "a minute of low traffic holds a pending alert",
        errors(guards="{min_requests: 10}"),
        [
            (0, USUAL, 0.0),
            (F, USUAL, FAILED),
            (F + 120, QUIET, 0.0),
            (F + 210, USUAL, FAILED),
            (ending(F + 360), 150, 0),
        ],
        [(F, PENDING), (F + 360, FIRING), (F + 375, INACTIVE)],
        PAGED_AND_OVER,
    ),
    story(
        "healthy with fewer failures than min_failures clears",
        errors(guards="{min_failures: 5}"),
        [(0, USUAL, 1.0), (F, USUAL, FAILED), (ending(F + 315), USUAL, 1.0)],  # 4 failures of 600 in a window
        [(F, PENDING), (F + 300, FIRING), (F + 330, INACTIVE)],
        PAGED_AND_OVER,
    ),
    story(
        "over the limit with fewer failures than min_failures starts nothing",
        errors(guards="{min_failures: 5}"),
        [(0, 40.0, 0.0), (F, 40.0, 1.0)],  # 4 failures of 160 in a window: 2.5 %
        [],
        [],
    ),
    story(
        "over the limit with fewer failures than min_failures clears nothing",
        errors(guards="{min_failures: 5}"),
        [(0, 40.0, 0.0), (F, 40.0, 4.0), (ending(F + 315), 40.0, 1.0)],
        [(F, PENDING), (F + 300, FIRING)],
        ["prepare_opens"],
    ),
]

# --- recovery ---------------------------------------------------------------------------------------------------------

RECOVERIES = [
    story(
        "keep_firing_for: recovering, back and resolved are one page",
        errors(keep_firing_for="2m"),
        [*fault(F, F + 315), *fault(F + 390, F + 480)[1:]],
        [
            (F, PENDING),
            (F + 300, FIRING),
            (F + 330, RECOVERING),
            (F + 390, FIRING),
            (F + 495, RECOVERING),
            (F + 615, INACTIVE),
        ],
        PAGED_AND_OVER,
    ),
    story(
        "keep_firing_for: a gap while recovering is held",
        errors(keep_firing_for="2m"),
        fault(F, F + 315),
        [(F, PENDING), (F + 300, FIRING), (F + 330, RECOVERING), (F + 510, INACTIVE)],
        PAGED_AND_OVER,
        gap=seen(F + 345, F + 405),  # unread for a minute
    ),
    story(
        "resolved and back within reopen_within: the same incident is back",
        errors(),
        [*fault(F, F + 315), *fault(F + 390, F + 705)[1:]],
        [
            (F, PENDING),
            (F + 300, FIRING),
            (F + 330, INACTIVE),
            (F + 390, PENDING),
            (F + 690, FIRING),
            (F + 720, INACTIVE),
        ],
        ["prepare_opens", "recovered", "back", "recovered"],
    ),
    story(
        "between clear and the limit a firing alert stays and a pending one ends",
        errors(prepare="{above: 2%, for: 5m, clear: 1.5%}"),
        [
            *fault(F, F + 315)[:-1],
            (ending(F + 315), USUAL, 2.7),  # 1.8 %
            (F + 510, USUAL, 2.1),  # 1.4 %, the whole window at F+540
            (F + 600, USUAL, FAILED),
            (F + 630, USUAL, 2.7),
        ],
        [(F, PENDING), (F + 300, FIRING), (F + 540, INACTIVE), (F + 600, PENDING), (F + 660, INACTIVE)],
        PAGED_AND_OVER,
    ),
]

# --- the other signals ------------------------------------------------------------------------------------------------


def probe(first: int, last: int) -> dict[str, Points]:
    """A probe that is down in the scrapes that are first seen from `first` to `last`."""
    return {"probe_success{STORY}": gauge(seen(-300, LONG), lambda at: 0.0 if first <= at <= last else 1.0)}


def durations(slow: float, first: int, last: int, *, days: bool) -> dict[str, Points]:
    """Latencies of 100 to 200 ms, but up to `slow` seconds from `first` to `last`; with `days` of such a past."""
    past = [*seen(-27 * HOUR, -600, 300)] if days else []
    times = [*past, *seen(-300, LONG)]
    return histogram("duration_seconds", "STORY", times, lambda at: slow if first <= at <= last else 0.2)


UP = "availability: {probe: 'probe_success{STORY}', window: 1m}"
LATENCY = "latency: {histogram: 'duration_seconds{STORY}', window: 2m, baseline: trailing, ceiling: 2s}"
SLOW = rule(LATENCY, prepare="{above: 50%, for: 5m, clear: 30%}", guards="{min_requests: 50}")
STUCK = "sum by (queue) (max_over_time(stuck_jobs{STORY}[1m]))"
STUCK_WHILE = {'stuck_jobs{STORY,queue="mail"}': gauge(seen(F, F + 255), lambda _: 3.0)}  # seen until F+300

VIOLATED = {
    'violations{STORY,check="sums"}': gauge(
        seen(-300, LONG), lambda at: 2.0 if F <= at < F + 60 or F + 900 <= at < F + 960 else 0.0
    )
}

SIGNALS = [
    of(
        "availability breaches from the third lost probe of four on",
        rule(UP, prepare="{below: 50%, for: 5m, clear: 75%}"),
        probe(F - 30, F + 285),  # 25 % at F and F+300
        [(F, PENDING), (F + 300, FIRING), (F + 330, INACTIVE)],  # 50 % at F+315: between
        PAGED_AND_OVER,
    ),
    of(
        "availability of one point less never fires",
        rule(UP, prepare="{below: 50%, for: 5m, clear: 75%}"),
        probe(F - 30, F + 270),
        [(F, PENDING), (F + 300, INACTIVE)],
        [],
    ),
    of(
        "availability at exactly half is no breach",
        rule(UP, prepare="{below: 50%, for: 0s}"),
        probe(F, F + 15),
        [],
        [],
    ),
    of(
        "latency over its trailing baseline",
        SLOW,
        durations(0.5, F, F + 210, days=True),  # 413 ms at F and F+300, over 1.5 * 195 ms
        FIRES_AND_CLEARS,
        PAGED_AND_OVER,
    ),
    of(
        "latency of one point less never fires",
        SLOW,
        durations(0.5, F, F + 195, days=True),
        [(F, PENDING), (F + 300, INACTIVE)],
        [],
    ),
    of(
        "latency 27 % over its trailing baseline is no breach",
        SLOW,
        durations(0.25, F, F + 600, days=True),
        [],
        [],
    ),
    of(
        "latency without a past is held against the ceiling",
        SLOW,
        durations(2.5, F, F + 210, days=False),  # 2.33 s at F and F+300, over 2 s
        FIRES_AND_CLEARS,
        PAGED_AND_OVER,
    ),
    of(
        "latency without a past and under the ceiling is no breach",
        SLOW,
        durations(2.0, F, F + 600, days=False),  # 1.95 s, ten times as slow as before
        [],
        [],
    ),
    of(
        "a query with absent: 0 clears when its answer is empty",
        rule("query: {expr: 'sum(max_over_time(stuck_jobs{STORY}[1m]))', absent: 0}", prepare="{above: 0, for: 5m}"),
        STUCK_WHILE,
        FIRES_AND_CLEARS,
        PAGED_AND_OVER,
    ),
    of(
        "a query without absent does not clear when its answer is empty",
        rule(f"query: {{expr: '{STUCK}', by: [queue]}}", prepare="{above: 0, for: 5m}", optional="true"),
        STUCK_WHILE,
        [(F, PENDING), (F + 300, FIRING)],
        ["prepare_opens", "blind_opens"],
    ),
    of(
        "by_person fires on though the signal is clear",
        rule(
            "query: {expr: 'max by (check) (violations{STORY})', by: [check]}",
            rollback="{above: 0}",
            resolve="by_person",
        ),
        VIOLATED,
        [(F, FIRING)],
        ["rollback_opens"],
    ),
]

STORIES = [*HOLDS, *GAPS, *GUARDS, *RECOVERIES, *SIGNALS]
NAMED = {one.name: one for one in STORIES}

TWO = errors().replace("STORY", 'story="two instances"')
TWO_JOBS = {
    **requests('story="two instances",job="auth"', fault(F, F + 300)),
    **requests('story="two instances",job="billing"', fault(F + 135, F + 495), gap=seen(F + 270, F + 330)),
    **requests('story="two instances",job="web"', fault(F + 60, F + 345)),
}

HISTORY = {series: points for past in (*(one.past for one in STORIES), TWO_JOBS) for series, points in past.items()}


def watched(one: Story, source: PrometheusSource, folder: Path) -> Walk:
    """A monitor that begins with the story."""
    return Walk(source, written(folder, one.rule.replace("STORY", f'story="{one.name}"')))


@pytest.mark.parametrize("one", STORIES, ids=lambda one: one.name)
def test_story(one: Story, source: PrometheusSource, tmp_path: Path) -> None:
    walk = watched(one, source, tmp_path).to(LONG)
    assert walk.moves() == one.moves
    assert walk.told() == one.told


def test_the_page_is_decided_as_soon_as_the_last_point_can_be_read(source: PrometheusSource, tmp_path: Path) -> None:
    walk = watched(HOLDS[0], source, tmp_path).to(F + 285)
    assert walk.pager.messages == []
    walk.to(F + 300)
    (message,) = walk.pager.messages
    (firing,) = walk.incident.alerts
    assert (after(walk.incident.opened_at), after(message.post.decided_at)) == (F + 300 + OFFSET,) * 2
    assert (after(firing.since), message.post.mention) == (F, ())
    assert message.page is not None
    assert message.page.tone is Tone.PREPARE


def test_since_stays_and_held_counts_what_was_not_seen(source: PrometheusSource, tmp_path: Path) -> None:
    walk = watched(NAMED["a gap of gap_tolerance is held and fires so much later"], source, tmp_path)
    seen_at = {}
    for at in (F + 150, F + 165, F + 210, F + 225, F + 345):
        (alert,) = walk.to(at).alerts()
        seen_at[at - F] = (alert.since - START - F, alert.held, alert.missing)
    assert seen_at == {150: (0, 0, 0), 165: (0, 15, 15), 210: (0, 60, 60), 225: (0, 60, 0), 345: (0, 60, 0)}


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("a breach of one point less never fires", Cause.NOT_OVER_LIMIT),
        ("a gap over gap_tolerance gives up and starts anew", Cause.MISSING_TOO_LONG),
    ],
)
def test_why_a_pending_alert_ended(name: str, cause: Cause, source: PrometheusSource, tmp_path: Path) -> None:
    walk = watched(NAMED[name], source, tmp_path).to(F + 300)
    assert next(one.cause for one in walk.transitions if one.after is INACTIVE) is cause


@pytest.mark.parametrize(
    ("name", "references"),
    [
        ("latency over its trailing baseline", {"trailing": 0.195}),
        ("latency without a past is held against the ceiling", {"trailing": None, "ceiling": 2.0}),
    ],
)
def test_what_a_latency_is_held_against(
    name: str, references: dict[str, float | None], source: PrometheusSource, tmp_path: Path
) -> None:
    walk = watched(NAMED[name], source, tmp_path).to(F)
    judgement = walk.transitions[0].judgement
    assert judgement is not None
    found = {one.name: one.seconds for one in judgement.baseline}
    assert found == pytest.approx(references)


def test_instances_have_clocks_of_their_own(source: PrometheusSource, tmp_path: Path) -> None:
    walk = Walk(source, written(tmp_path, TWO)).to(LONG)
    assert walk.moves(job="auth") == FIRES_AND_CLEARS
    assert walk.moves(job="billing") == [(F + 135, PENDING), (F + 495, FIRING), (F + 510, INACTIVE)]  # a minute held
    assert walk.moves(job="web") == [(F + 60, PENDING), (F + 360, INACTIVE)]
    assert [(one.service, after(one.since) - F) for one in walk.incident.alerts] == [("auth", 0), ("billing", 135)]
    assert walk.told() == ["prepare_opens", "recovered", "back", "recovered"]


def test_dealt_with_a_by_person_alert_ends_and_a_new_breach_starts_anew(
    source: PrometheusSource, tmp_path: Path
) -> None:
    walk = watched(NAMED["by_person fires on though the signal is clear"], source, tmp_path).to(F + 600)
    assert [alert.state for alert in walk.alerts()] == [FIRING]
    asked = Request(walk.incident.id, ActionKind.DEALT_WITH, ANA, "Watched", {"note": "the sums are corrected"})
    assert isinstance(walk.commands.carry_out(asked), Done)
    assert walk.alerts() == []
    assert walk.to(F + 885).moves() == [(F, FIRING)]
    assert walk.to(LONG).moves() == [(F, FIRING), (F + 900, FIRING)]
    assert walk.told() == ["rollback_opens", "recovered", "back"]


# --- catching up ------------------------------------------------------------------------------------------------------


def kept(walk: Walk) -> tuple[list[Transition], list[Alert]]:
    """What must not depend on when the points were folded."""
    return walk.transitions, walk.alerts()


@pytest.mark.parametrize("stride", [240, LONG])
@pytest.mark.parametrize("one", STORIES, ids=lambda one: one.name)
def test_catching_up_is_walking(one: Story, stride: int, source: PrometheusSource, tmp_path: Path) -> None:
    walked = watched(one, source, tmp_path / "walked").to(LONG)
    jumped = watched(one, source, tmp_path / "jumped").to(LONG, stride)
    assert kept(jumped) == kept(walked)


def test_catching_up_pages_once_with_the_true_times(source: PrometheusSource, tmp_path: Path) -> None:
    walk = watched(HOLDS[0], source, tmp_path).to(F + 60).to(F + 300, stride=240)
    (alert,) = walk.alerts()
    assert (alert.since, alert.fired_at, alert.state) == (START + F, START + F + 300, FIRING)
    assert [after(one.since) for one in walk.incident.alerts] == [F]
    assert walk.told() == ["prepare_opens"]


def test_what_fired_and_resolved_while_nobody_looked_is_one_post(source: PrometheusSource, tmp_path: Path) -> None:
    walk = watched(HOLDS[0], source, tmp_path).to(LONG, stride=LONG)
    assert walk.told() == ["prepare_opens"]
    (message,) = walk.pager.messages
    assert message.page is not None
    assert message.page.tone is Tone.RECOVERED
    assert message.post.mention == ()


def test_the_page_shows_every_reference(source: PrometheusSource, tmp_path: Path) -> None:
    story = NAMED["latency without a past is held against the ceiling"]
    walk = watched(story, source, tmp_path).to(F + 315)
    (why,) = next(message.page.why for message in walk.pager.messages if message.page is not None)
    assert "trailing: only 0 of 24 hours had 50 requests; ceiling 2000 ms" in why.numbers
