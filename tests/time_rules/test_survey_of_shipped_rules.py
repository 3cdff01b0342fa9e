"""The shipped rules hold up on the data they were written for: a healthy day of the shop, and the demo's past."""

import io
from collections.abc import Mapping
from pathlib import Path

import pytest

from monitor.adapters.memory.world import ManualClock
from monitor.adapters.prometheus import PrometheusSource
from monitor.core.model import utc
from monitor.demo import history
from monitor.evaluation.baselines import Baselines
from monitor.evaluation.ranges import Deadline
from monitor.queries.plan import plan
from monitor.survey import Means, survey
from tests.servers.prometheus import Prometheus
from tests.time_rules.histories import START, Points
from tests.time_rules.shop import Day, past
from tests.time_rules.walk import load

RULES = Path(__file__).parents[2] / "rules"
END = 900


def demo() -> str:
    """The past that the demo begins with."""
    text = io.StringIO()
    history.write(text, START - 50 * 3600, START)
    return text.getvalue()


PASTS: list[tuple[str, Mapping[str, Points] | str, int]] = [
    ("a healthy day of the shop", past(Day("healthy", END, (), known=True), 0), START + END),
    ("the past of the demo", demo(), START),
]


@pytest.mark.parametrize(("past_", "at"), [row[1:] for row in PASTS], ids=[row[0] for row in PASTS])
def test_nothing_is_found(past_: Mapping[str, Points] | str, at: int) -> None:
    clock, rules = ManualClock(utc(at)), load(RULES)
    with Prometheus(history=past_) as prometheus:
        source = PrometheusSource(prometheus.url)
        means = Means(source, Baselines(source), Deadline(clock, clock.monotonic() + 10))
        found = survey(rules, plan(rules), means, at)
        source.close()
    assert [str(one) for one in found.doubts] == []
    assert found.problem == ""
    assert set(found.paces) == {"billing-admin", "critical-apis", "rollback"}
