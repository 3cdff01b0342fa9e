"""What is made of odd answers about names and kinds of metrics; test_prometheus.py asks a real server."""

from typing import Any

import pytest

from monitor.adapters.prometheus import PrometheusSource, catalogue
from monitor.ports.metrics import Unanswered


def test_nobody_tells_nothing() -> None:
    source = PrometheusSource("http://127.0.0.1:1")
    assert source.names(0, 1, deadline=1) == Unanswered("the connection is refused")
    assert source.types(deadline=1) == {}


ODD: list[Any] = [None, {}, "names", 3]


@pytest.mark.parametrize("answer", ODD)
def test_an_odd_answer_is_none(answer: Any) -> None:  # noqa: ANN401  # JSON is anything
    assert isinstance(catalogue.names(lambda _path: answer, 0, 1), Unanswered)
    assert catalogue.types(lambda _path: answer) == {}


def test_odd_parts_are_left_out() -> None:
    assert catalogue.names(lambda _path: ["a", 1, None, "b"], 0, 1) == ("a", "b")
    odd = {"a": [{"type": "counter"}], "b": [], "c": [{"type": 1}], "d": "gauge", "e": [7]}
    assert catalogue.types(lambda _path: odd) == {"a": "counter"}
