"""The monitor and vmalert decide alike, at every grid time, wherever Prometheus has words for a rule."""

from pathlib import Path

import pytest

from monitor.core.model import AlertKey, State
from tests.oracle.history import END, HISTORY
from tests.oracle.timelines import Both, both
from tests.time_rules.walk import Walk

RULES = (Path(__file__).parent / "rules.yaml").read_text()
HOLDS = {
    ("Errors", "prepare"): 300,
    ("TwoTiers", "prepare"): 60,
    ("TwoTiers", "rollback"): 300,
    ("Outage", "rollback"): 0,
    ("Overridden", "prepare"): 60,
    ("Busy", "prepare"): 50,
    ("Forgetful", "prepare"): 300,
    ("Unavailable", "prepare"): 300,
    ("Down", "rollback"): 60,
    ("Queue", "prepare"): 300,
    ("QueueBelow", "rollback"): 60,
    ("Slow", "prepare"): 300,
    ("SlowAtOnce", "rollback"): 0,
    ("SlowerThanUsual", "prepare"): 300,
    ("ErrorsByTheMinute", "prepare"): 90,
}
"""How long each tier of `rules.yaml` holds."""
HELD = [row for row, hold in HOLDS.items() if hold]
"""Those that pend. The peer does not tell since when it fires what never pended."""


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> Both:
    return both(HISTORY, RULES, END, tmp_path_factory.mktemp("oracle"))


def of(sides: Both, alert: str, tier: str) -> set[AlertKey]:
    return {key for key in (*sides.ours, *sides.theirs) if (key.alert, str(key.tier)) == (alert, tier)}


def test_the_table_of_tiers_is_that_of_the_rules(sides: Both) -> None:
    tiers = {
        (rule.alert, str(tier.tier)): tier.hold
        for group in sides.walk.rules.groups
        for rule in group.rules
        for tier in rule.tiers
    }
    assert tiers == HOLDS


@pytest.mark.parametrize(("alert", "tier"), HOLDS, ids=map(" ".join, HOLDS))
def test_pending_and_firing_agree_at_every_grid_time(sides: Both, alert: str, tier: str) -> None:
    for key in of(sides, alert, tier):
        ours = {at: one.state for at, one in sides.ours.get(key, {}).items()}
        theirs = {at: one.state for at, one in sides.theirs.get(key, {}).items()}
        assert ours == theirs, key


@pytest.mark.parametrize(("alert", "tier"), HELD, ids=map(" ".join, HELD))
def test_since_is_active_at_at_every_grid_time(sides: Both, alert: str, tier: str) -> None:
    for key in of(sides, alert, tier):
        ours = {at: one.since for at, one in sides.ours.get(key, {}).items()}
        theirs = {at: one.since for at, one in sides.theirs.get(key, {}).items()}
        assert ours == theirs, key


@pytest.mark.parametrize(("alert", "tier"), HOLDS, ids=map(" ".join, HOLDS))
def test_the_history_tries_every_tier(sides: Both, alert: str, tier: str) -> None:
    """Something fires and ends, and where there is a hold something pends that never fires."""
    keys = of(sides, alert, tier)
    moves = [one for one in sides.walk.transitions if one.alert.key in keys]
    ended = {one.before for one in moves if one.after is State.INACTIVE}
    assert State.FIRING in ended
    assert State.PENDING in ended or HOLDS[alert, tier] == 0


def test_what_is_caught_up_with_in_strides_of_an_hour_is_what_was_seen(sides: Both) -> None:
    """The peer reads ranges, the daemon mostly single points: both ways of reading give the same."""
    assert told(sides.caught_up) == told(sides.walk)
    assert sides.caught_up.alerts() == sides.walk.alerts()


def told(walk: Walk) -> list[tuple[object, ...]]:
    return sorted(
        (one.at, str(one.alert.key), one.before, one.after, one.cause, one.alert.since) for one in walk.transitions
    )
