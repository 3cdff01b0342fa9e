"""Traces become panels: tiers that read the same in one, latencies in seconds, the loudest instance first."""

from dataclasses import replace

import pytest

from monitor.core.model import Labels, State, Tier
from monitor.core.replay.outcome import Band, Insufficient, Trace
from monitor.core.replay.panels import Axis, Limit, bands_of, instances
from monitor.core.rules.signal import Unit
from tests.core.replay.outcomes import AUTH, END, key, outcome, page, stretch

TIMES = (0, 15, 30)
ROLLBACK = key(tier=Tier.ROLLBACK)


def trace(
    values: tuple[float | None, ...] = (0.1, 0.2, None),
    limit: float = 0.5,
    unit: Unit = Unit.RATIO,
    baselines: tuple[float | None, ...] = (),
    tier: Tier = Tier.PREPARE,
    alert: str = "A",
    labels: Labels = AUTH,
) -> Trace:
    limits = (limit,) * len(values)
    return Trace(key(alert, labels, tier), "g", unit, TIMES[: len(values)], values, limits, limits, baselines, ())


@pytest.mark.parametrize(
    ("unit", "axis"),
    [(Unit.RATIO, Axis.SHARE), (Unit.UP, Axis.SHARE), (Unit.SLOWER, Axis.TIMES), (Unit.NUMBER, Axis.NUMBER)],
)
def test_the_axis_of_a_unit(unit: Unit, axis: Axis) -> None:
    (one,) = instances(replace(outcome(), traces=(trace(unit=unit),)))
    assert one.panels[0].axis is axis


def test_a_latency_is_drawn_in_seconds_and_has_gaps_where_there_was_no_baseline() -> None:
    slow = trace((1.0, 0.5, 2.0), 0.5, Unit.SLOWER, (0.2, None, 0.1))
    (one,) = instances(replace(outcome(), traces=(slow,)))
    (panel,) = one.panels
    assert panel.axis is Axis.SECONDS
    assert panel.values == pytest.approx((0.4, None, 0.3))
    assert panel.baselines == (0.2, None, 0.1)
    assert panel.limits[0].values == pytest.approx((0.3, None, 0.15))


def test_tiers_that_read_the_same_share_a_panel_and_fill_each_others_gaps() -> None:
    both = (trace((0.1, None, None)), trace((None, 0.2, None), 0.9, tier=Tier.ROLLBACK))
    (one,) = instances(replace(outcome(), traces=both))
    (panel,) = one.panels
    assert panel.values == (0.1, 0.2, None)
    assert [(limit.tier, limit.values[0]) for limit in panel.limits] == [(Tier.ROLLBACK, 0.9), (Tier.PREPARE, 0.5)]
    assert isinstance(panel.limits[0], Limit)


def test_tiers_with_other_windows_have_panels_of_their_own_the_worst_first() -> None:
    both = (trace((0.1, 0.2, 0.3)), trace((0.1, 0.2, 0.4), tier=Tier.ROLLBACK))
    (one,) = instances(replace(outcome(), traces=both))
    assert [dict(panel.bands).keys() for panel in one.panels] == [{Tier.ROLLBACK}, {Tier.PREPARE}]


def test_the_loudest_come_first_and_what_did_nothing_last() -> None:
    traces = tuple(trace(alert=name) for name in ("Quiet", "Pended", "Fired", "Paged", "Loud"))
    alerts = (stretch(0, None, 9, key("Pended")), stretch(0, 5, 9, key("Fired")))
    pages = (page(5, key("Paged")), page(5, key("Loud")), page(9, key("Loud")))
    found = instances(replace(outcome(pages, alerts), traces=traces))
    assert [one.alert for one in found] == ["Loud", "Paged", "Fired", "Pended", "Quiet"]


def test_an_instance_has_its_own_and_only_its_own() -> None:
    found = outcome((page(5), page(6, key(labels=())), page(7, key(tier=Tier.BLIND))), (stretch(0, 5, 9),))
    little = (Insufficient("g", key(), 3), Insufficient("g", ROLLBACK, 8), Insufficient("g", key("B"), 9))
    (one,) = instances(replace(found, insufficient=little))
    assert [each.at for each in one.pages] == [5]
    assert one.insufficient == 8
    assert one.panels == ()


def test_bands_from_stretches_alone() -> None:
    some = (stretch(0, 10, 20), stretch(30, None, 40), stretch(50, 50, None))
    assert bands_of(some, END) == (
        Band(State.PENDING, 0, 10),
        Band(State.FIRING, 10, 20),
        Band(State.PENDING, 30, 40),
        Band(State.FIRING, 50, END),
    )
