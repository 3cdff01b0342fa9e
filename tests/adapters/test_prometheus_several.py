"""Several servers: the next one is asked for what the first did not answer, and is named."""

import time
from collections.abc import Iterator

import pytest

from monitor.adapters.prometheus import PrometheusSource
from monitor.adapters.prometheus.several import SeveralSources
from monitor.ports.metrics import BadQuery, RangeSamples, Samples, Unanswered
from tests.servers.hostile import Hostile, hang
from tests.servers.ports import free_port
from tests.servers.prometheus import Prometheus

T = 1_699_999_200
HISTORY = {"up": [(t, 1.0) for t in range(T - 600, T + 1, 15)]}


@pytest.fixture(scope="module")
def there() -> Iterator[Prometheus]:
    with Prometheus(history=HISTORY) as prometheus:
        yield prometheus


def nowhere() -> str:
    return f"http://127.0.0.1:{free_port()}"


def several(*urls: str) -> SeveralSources:
    return SeveralSources([PrometheusSource(url) for url in urls])


def test_the_first_that_answers_is_not_named(there: Prometheus) -> None:
    source = several(there.url, nowhere())
    answer = source.instant("up", T, deadline=5.0)
    assert isinstance(answer, Samples)
    assert (len(answer.samples), answer.source) == (1, "")
    source.close()


def test_the_next_answers_for_one_that_is_away_and_is_named(there: Prometheus) -> None:
    source = several(nowhere(), there.url)
    answers = source.instants(["up", "up + 1"], T, deadline=5.0)
    assert {getattr(one, "source", None) for one in answers.values()} == {there.url}
    stretch = source.range("up", T - 60, T, 15, deadline=5.0)
    assert isinstance(stretch, RangeSamples)
    assert stretch.source == there.url
    assert source.clock() is not None
    source.close()


def test_a_wrong_query_is_asked_of_nobody_else(there: Prometheus) -> None:
    source = several(there.url, nowhere())
    assert isinstance(source.instant("sum(", T, deadline=5.0), BadQuery)
    source.close()


def test_a_query_that_only_the_next_one_refuses_waits_for_the_first(there: Prometheus) -> None:
    source = several(nowhere(), there.url)
    for answer in (source.instant("sum(", T, deadline=5.0), source.range("sum(", T - 60, T, 15, deadline=5.0)):
        assert isinstance(answer, Unanswered)
        assert answer.why.startswith("the connection is refused; ")
        assert answer.why.endswith(f"({there.url})")
    source.close()


def test_where_nobody_answers_each_says_why() -> None:
    source = several(nowhere(), nowhere())
    answer = source.instant("up", T, deadline=5.0)
    assert answer == Unanswered("the connection is refused; the connection is refused")
    source.close()


def test_one_that_hangs_leaves_the_next_its_time(there: Prometheus) -> None:
    with Hostile(hang) as hanging:
        source = several(hanging.url, there.url)
        began = time.monotonic()
        answer = source.instant("up", T, deadline=2.0)
        assert isinstance(answer, Samples)
        assert time.monotonic() - began < 2.0
        source.close()
