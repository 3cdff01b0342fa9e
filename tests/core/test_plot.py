"""What a plot shows: its span on the grid, values and gaps, limits that can be compared, bands and marks."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from monitor.core.actor import Actor, Source
from monitor.core.incidents.incident import Incident
from monitor.core.model import Judgement, Reference, State, Tier, Verdict
from monitor.core.pages.plot import (
    Band,
    BandKind,
    Limit,
    Mark,
    Move,
    Plot,
    Span,
    bands_of,
    baseline_of,
    blind_bands_of,
    cropped,
    limits_of,
    response_marks,
    span_of,
    unjudged_of,
    values_of,
)
from monitor.core.rules.rule import Rule, TierRule
from monitor.core.rules.signal import Availability, Baseline, ErrorRatio, Latency, Unit

SINCE = 1_741_057_200
PENDING, FIRING, BLIND = BandKind.PENDING, BandKind.FIRING, BandKind.BLIND
RATIO = ErrorRatio("a", "b", (), 60)
LATENCY = Latency("h", 0.95, (), 60, Baseline())
PREPARE = TierRule(Tier.PREPARE, 0.02, None, 300, window=60)
ROLLBACK = TierRule(Tier.ROLLBACK, 0.25, None, 0, window=60)
SLOWER = TierRule(Tier.PREPARE, 0.5, None, 300, window=60)


@pytest.mark.parametrize(
    ("newest", "interval", "most", "span"),
    [
        pytest.param(SINCE + 300, 15, 600, Span(SINCE - 3600, SINCE + 300, 15), id="an hour before, and up to now"),
        pytest.param(SINCE + 7200, 15, 600, Span(SINCE - 3600, SINCE + 900, 15), id="no more than 15 min after"),
        pytest.param(SINCE, 15, 600, Span(SINCE - 3600, SINCE, 15), id="at the first breach"),
        pytest.param(SINCE + 300, 1, 600, Span(SINCE - 3599, SINCE + 300, 7), id="every seventh of a quick grid"),
        pytest.param(SINCE - 90, 15, 600, Span(SINCE - 3600, SINCE, 15), id="a clock that went back"),
    ],
)
def test_the_span(newest: int, interval: int, most: int, span: Span) -> None:
    found = span_of(SINCE, newest, interval, most)
    assert found == span
    assert len(found.times) <= most
    assert all(at % interval == 0 for at in found.times)
    assert found.times[-1] == found.end


@pytest.mark.parametrize(
    ("moves", "bands"),
    [
        pytest.param([], (), id="nothing recorded, nothing shown"),
        pytest.param(
            [(20, State.INACTIVE, State.PENDING), (50, State.PENDING, State.FIRING)],
            (Band(PENDING, 20, 50), Band(FIRING, 50, 100)),
            id="what goes on ends with the plot",
        ),
        pytest.param([(20, State.INACTIVE, State.FIRING)], (Band(FIRING, 20, 100),), id="fires at once"),
        pytest.param([(40, State.PENDING, State.INACTIVE)], (Band(PENDING, 0, 40),), id="began before the plot"),
        pytest.param(
            [(-50, State.INACTIVE, State.PENDING), (-20, State.PENDING, State.FIRING)],
            (Band(FIRING, 0, 100),),
            id="only what is left of it",
        ),
        pytest.param(
            [
                (10, State.INACTIVE, State.FIRING),
                (30, State.FIRING, State.RECOVERING),
                (60, State.RECOVERING, State.INACTIVE),
                (80, State.INACTIVE, State.PENDING),
            ],
            (Band(FIRING, 10, 60), Band(PENDING, 80, 100)),
            id="recovering is firing still, and it comes back",
        ),
        pytest.param([(120, State.INACTIVE, State.FIRING)], (), id="after the plot"),
    ],
)
def test_bands_are_what_was_recorded(moves: list[Move], bands: tuple[Band, ...]) -> None:
    assert bands_of(moves, 0, 100) == bands


def test_a_blind_alert_gives_a_band_of_its_own_kind() -> None:
    moves = [(20, State.INACTIVE, State.FIRING), (60, State.FIRING, State.INACTIVE)]
    assert blind_bands_of(moves, 0, 100) == (Band(BLIND, 20, 60),)


def test_values_are_those_that_led_to_a_verdict_and_every_other_time_is_a_gap() -> None:
    judged = [
        (0, Judgement(Verdict.CLEAR, 0.01)),
        (15, Judgement(Verdict.BREACH, 0.05)),
        (30, Judgement(Verdict.INSUFFICIENT, 1.0)),
        (45, Judgement(Verdict.NO_DATA)),
        (60, Judgement(Verdict.ERROR)),
        (75, None),
        (90, Judgement(Verdict.BETWEEN, 0.015)),
    ]
    assert [value for _, value in values_of(RATIO, PREPARE, judged)] == [0.01, 0.05, None, None, None, None, 0.015]
    assert [value for _, value in unjudged_of(RATIO, PREPARE, judged)] == [None, None, 1.0, None, None, None, None]


def test_a_latency_is_shown_in_the_seconds_that_were_read_beside_what_they_were_held_against() -> None:
    known = (Reference("trailing", 0.4), Reference("same_time", 0.3))
    judged = [(0, Judgement(Verdict.BREACH, 0.82 / 0.4 - 1, baseline=known)), (15, Judgement(Verdict.NO_DATA))]
    assert [value for _, value in values_of(LATENCY, SLOWER, judged)] == [pytest.approx(0.82), None]
    assert baseline_of(LATENCY, SLOWER, judged) == ((0, 0.4), (15, None))
    (limit,) = limits_of(Rule("A", LATENCY, (SLOWER,)), SLOWER, (SLOWER,), judged)
    assert limit == Limit("prepare over baseline + 50 %", limit.points, paged=True)
    assert [value for _, value in limit.points] == [pytest.approx(0.6), None]
    assert baseline_of(RATIO, PREPARE, judged) == ()


def test_the_ceiling_of_a_latency_without_a_baseline_is_its_limit() -> None:
    judged = [(0, Judgement(Verdict.CLEAR, 0.1, baseline=(Reference("ceiling", 1.5),)))]
    (limit,) = limits_of(Rule("A", LATENCY, (SLOWER,)), SLOWER, (SLOWER,), judged)
    assert [value for _, value in limit.points] == [pytest.approx(1.5)]


def test_limits_of_other_tiers_are_shown_where_they_read_the_same_window() -> None:
    rule, judged = Rule("A", RATIO, (PREPARE, ROLLBACK)), [(0, Judgement(Verdict.CLEAR, 0.0))]
    names = [one.name for one in limits_of(rule, PREPARE, rule.tiers, judged)]
    assert names == ["prepare over 2 %", "roll back over 25 %"]
    other = (PREPARE, replace(ROLLBACK, window=15))
    assert [one.name for one in limits_of(rule, PREPARE, other, judged)] == ["prepare over 2 %"]


def test_a_limit_from_below_says_so() -> None:
    tier = TierRule(Tier.PREPARE, None, 0.9, 300)
    (limit,) = limits_of(Rule("A", Availability("p", (), 60), (tier,)), tier, (tier,), [(0, None)])
    assert (limit.name, limit.above) == ("prepare under 90 %", False)


def test_people_leave_marks() -> None:
    ana = Actor("U0ANA", "Ana", Source.SLACK)
    at = datetime.fromtimestamp(SINCE, UTC)
    incident = Incident("INC-0001", "production", at, acknowledged_by=ana, acknowledged_at=at)
    assert response_marks(incident) == (Mark(SINCE, "acknowledged by Ana"),)
    assert response_marks(replace(incident, acknowledged_by=None, acknowledged_at=None)) == ()


def seen_from(first: int, *bands: Band) -> Plot:
    """A plot of an hour with readings from `first` on."""
    values = tuple((at, 1.0 if at >= first else None) for at in range(0, 3601, 60))
    limits = (Limit("prepare over 0", tuple((at, 0.0) for at in range(0, 3601, 60))),)
    marks = (Mark(100, "early"), Mark(3590, "late"))
    return Plot("", "", Unit.NUMBER, 0, 3600, 60, values, limits=limits, bands=bands, marks=marks)


@pytest.mark.parametrize(
    ("plot", "start"),
    [
        pytest.param(seen_from(0), 0, id="read all the time"),
        pytest.param(seen_from(1800), 1740, id="a young source"),
        pytest.param(seen_from(3600), 3300, id="the first reading is the breach"),
        pytest.param(seen_from(1800, Band(BLIND, 600, 1800)), 540, id="blindness is shown"),
    ],
)
def test_what_lies_before_the_first_reading_is_cut_off(plot: Plot, start: int) -> None:
    found = cropped(plot)
    assert found.start == start
    assert found.values[0][0] == found.limits[0].points[0][0] == start
    assert found.values == plot.values[-len(found.values) :]
    assert [mark.text for mark in found.marks] == (["early", "late"] if start <= 100 else ["late"])
