"""Release changes as they are read: a day at first, then point by point, and nothing but the asked time counts."""

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.adapters.memory.world import ScriptedSource
from monitor.core.judging.deploy import Change
from monitor.core.model import Sample, labels_of
from monitor.core.rules.ruleset import VersionMetric
from monitor.evaluation.deploys import AHEAD, BACK, GRID, Deploys
from monitor.ports.metrics import Answer, BadQuery, Partial, RangeAnswer, Samples, Unanswered

T = 1_741_057_200
AUTH = VersionMetric("auth", "build_info", "version")
BILLING = VersionMetric("billing", "billing_info", "tag")
METRICS = (AUTH, BILLING)


class Versions(ScriptedSource):
    """A source that knows when which versions of auth ran; `failing` is answered instead."""

    def __init__(self, ran: Mapping[int, str]) -> None:
        super().__init__(self.seen)
        self.ran = ran
        self.failing: RangeAnswer | None = None
        self.read: list[tuple[str, int, int, int]] = []

    def range(self, expr: str, start: int, end: int, step: int, *, deadline: float) -> RangeAnswer:
        self.read.append((expr, start - T, end - T, step))
        return self.failing or super().range(expr, start, end, step, deadline=deadline)

    def seen(self, expr: str, at: int) -> Answer:
        label = "tag" if "tag" in expr else "version"
        running = [versions for since, versions in sorted(self.ran.items()) if T + since <= at][-1:]
        names = running[0].split() if running else []
        return Samples(tuple(Sample(labels_of({label: version}), 1.0) for version in names))


def found(deploys: Deploys, at: int, service: str = "auth") -> list[tuple[str, int, int | None]]:
    changes = deploys.changes(METRICS, service, T + at, deadline=9.0)
    assert isinstance(changes, tuple)
    return [(one.version, one.begin - T, None if one.end is None else one.end - T) for one in changes]


def test_a_day_is_read_at_first_and_then_each_point_once() -> None:
    source = Versions({-BACK - 60: "1", 30: "1 2", 90: "2"})
    deploys = Deploys(source)
    assert found(deploys, 0) == []
    assert found(deploys, 30) == [("2", 30, None)]
    assert found(deploys, 44) == [("2", 30, None)]
    assert found(deploys, 105) == [("2", 30, 90)]
    assert [read[1:] for read in source.read] == [(-BACK, 0, GRID), (15, 30, GRID), (45, 105, GRID)]
    assert {read[0] for read in source.read} == {"group by (version) (build_info)"}


def test_what_is_expected_is_read_at_once() -> None:
    source = Versions({-BACK - 60: "1", 30: "1 2", 90: "2"})
    deploys = Deploys(source)
    deploys.expect(T + 130)
    assert [found(deploys, at) for at in (0, 60, 120)] == [[], [("2", 30, None)], [("2", 30, 90)]]
    assert len(source.read) == 1


def test_no_more_than_some_hours_are_read_ahead() -> None:
    source = Versions({-BACK - 60: "1"})
    deploys = Deploys(source)
    deploys.expect(T + 100 * BACK)
    found(deploys, 0)
    assert source.read[0][1:] == (-BACK, AHEAD, GRID)


def test_a_change_is_forgotten_after_a_day() -> None:
    deploys = Deploys(Versions({-BACK: "1", 30: "2"}))
    assert found(deploys, 15 + BACK) == [("2", 30, 30)]
    assert found(deploys, 30 + BACK) == []


def test_a_time_before_what_is_kept_is_read_anew() -> None:
    source = Versions({-2 * BACK: "1", 90 - BACK: "2"})
    deploys = Deploys(source)
    assert found(deploys, 3600) == []
    assert found(deploys, 60) == [("2", 90 - BACK, 90 - BACK)]


def test_only_the_metrics_of_the_service_are_read() -> None:
    source = Versions({-BACK: "1", 30: "2"})
    deploys = Deploys(source)
    assert found(deploys, 60, "unknown") == []
    assert source.read == []
    assert found(deploys, 60, "billing") == [("2", 30, 30)]
    assert [read[0] for read in source.read] == ["group by (tag) (billing_info)"]


def test_several_metrics_of_a_service_are_joined_in_order() -> None:
    metrics = (AUTH, VersionMetric("auth", "billing_info", "tag"))
    changes = Deploys(Versions({-BACK: "1", 30: "2"})).changes(metrics, "auth", T + 60, deadline=9.0)
    assert changes == (Change("auth", "2", T + 30, T + 30),) * 2


def test_an_empty_label_is_no_version() -> None:
    source = ScriptedSource(lambda _, at: Samples((Sample(labels_of({"version": "" if at > T else "1"}), 1.0),)))
    assert Deploys(source).changes(METRICS, "auth", T + 60, deadline=9.0) == ()


@pytest.mark.parametrize("failed", [Unanswered("down"), Partial("half"), BadQuery("wrong")])
def test_a_failed_read_is_handed_on_and_not_kept(failed: RangeAnswer) -> None:
    source = Versions({-BACK: "1", 30: "2"})
    source.failing = failed
    deploys = Deploys(source)
    assert deploys.changes(METRICS, "auth", T + 60, deadline=9.0) == failed
    source.failing = None
    assert found(deploys, 60) == [("2", 30, 30)]


def test_what_is_kept_is_bounded() -> None:
    deploys = Deploys(Versions({-BACK + 600 * n: f"v{n}" for n in range(2000)}))
    for at in range(0, 5 * BACK, 3600):
        found(deploys, at)
    assert len(deploys._tracks[AUTH].moves) <= 2 * BACK // 600 + 1


RUNS = st.dictionaries(st.integers(-BACK // 60, 120).map(lambda n: 60 * n), st.sampled_from(["", "1", "2", "1 2", "3"]))


@given(RUNS, st.lists(st.integers(-7200, 7200), min_size=1, max_size=6), st.integers(-7200, 7200))
@settings(max_examples=25, deadline=None)
def test_changes_are_a_function_of_the_time_alone(ran: dict[int, str], times: list[int], expected: int) -> None:
    warm = Deploys(Versions(ran))
    warm.expect(T + expected)
    for at in times:
        assert found(warm, at) == found(Deploys(Versions(ran)), at)
