"""Many expressions in few requests, against a real Prometheus: the same answers as one by one, and nobody's fault."""

from collections.abc import Iterator, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.adapters.prometheus import PrometheusSource
from monitor.adapters.prometheus.joined import MARK, MOST, Joined, bracketed, is_scalar, joined
from monitor.core.model import Sample
from monitor.ports.metrics import Answer, BadQuery, Partial, RangeSamples, Samples, TooMuch, Unanswered
from tests.servers.prometheus import Prometheus, steady

T = 1_699_999_200
STEP = 15
HISTORY: dict[str, list[tuple[float, float]]] = {
    **{f'requests_total{{job="j{n}"}}': steady(T - 600, T, STEP, rate=n + 1.0) for n in range(20)},
    'up{job="a", instance="x"}': [(t, 1.0) for t in range(T - 600, T + 1, STEP)],
    'up{job="a", instance="y"}': [(t, 0.0) for t in range(T - 600, T + 1, STEP)],
    'odd{Z="capital", a="or"}': [(t, float("nan")) for t in range(T - 600, T + 1, STEP)],
}
GOOD = [
    "up",
    'up{job="a"}',
    "1",
    "-(1 + time())",
    "scalar(up{instance='x'})",
    "vector(3)",
    "odd",
    'odd{a="or"}  # a comment at the end',
    "nothing_of_that_name",
    "sum by (job) (rate(requests_total[5m]))",
    'up{job="a"} or vector(7)',
    "up == bool 1",
    "topk(3, requests_total)",
    *(f'increase(requests_total{{job="j{n}"}}[1m])' for n in range(20)),
]
BROKEN = ["up * on (nothing) up", "sum(", "rate(up)"]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with Prometheus(history=HISTORY) as prometheus:
        yield prometheus.url


class Counting(PrometheusSource):
    """Counts the requests it makes."""

    asked = 0

    def instant(self, expr: str, at: int, *, deadline: float) -> Answer:
        self.asked += 1
        return super().instant(expr, at, deadline=deadline)


@pytest.fixture
def source(url: str) -> Iterator[Counting]:
    reader = Counting(url)
    yield reader
    reader.close()


def told(answers: Mapping[str, Answer]) -> dict[str, object]:
    """Answers without the order of their samples, NaN being equal to itself."""
    return {
        expr: sorted((one.labels, repr(one.value)) for one in answer.samples)
        if isinstance(answer, Samples)
        else type(answer)
        for expr, answer in answers.items()
    }


def test_joined_answers_are_those_of_each_alone(source: Counting) -> None:
    together = source.instants(GOOD, T, deadline=9.0)
    assert source.asked == 1
    alone = {expr: source.instant(expr, T, deadline=9.0) for expr in GOOD}
    assert told(together) == told(alone)


def test_the_same_text_is_asked_once(source: Counting) -> None:
    assert told(source.instants(["up", "1", "up"], T, deadline=9.0)).keys() == {"up", "1"}


def test_chunks_are_bounded(source: Counting) -> None:
    exprs = [f"up + {n}" for n in range(3 * MOST + 1)]
    answers = source.instants(exprs, T, deadline=9.0)
    assert source.asked == 4
    assert all(isinstance(one, Samples) and len(one.samples) == 2 for one in answers.values())


def test_a_wrong_query_harms_nobody_else_and_is_asked_apart_from_then_on(source: Counting) -> None:
    exprs = [*GOOD, *BROKEN]
    answers = source.instants(exprs, T, deadline=9.0)
    assert {expr for expr, one in answers.items() if isinstance(one, BadQuery)} == set(BROKEN)
    assert told({expr: answers[expr] for expr in GOOD}) == told(source.instants(GOOD, T, deadline=9.0))
    source.asked = 0
    again = source.instants(exprs, T, deadline=9.0)
    assert told(again) == told(answers)
    assert source.asked == 1 + len(BROKEN), "the good ones together, the wrong ones alone"


def test_what_works_again_is_joined_again() -> None:
    broken = {"b"}

    def ask(expr: str) -> Answer:
        asked.append(expr)
        wrong = broken and any(f"\n{one}\n" in expr or one == expr for one in broken)
        return BadQuery("many-to-many") if wrong else Samples(())

    asked: list[str] = []
    reader = Joined()
    reader.read(["a", "b", "c"], ask)
    broken.clear()
    reader.read(["a", "b", "c"], ask)
    asked.clear()
    reader.read(["a", "b", "c"], ask)
    assert len(asked) == 1


@pytest.mark.parametrize("answer", [Unanswered("timeout"), Partial("a store is away")], ids=repr)
def test_a_sick_server_is_not_asked_more(answer: Answer) -> None:
    asked: list[str] = []

    def ask(expr: str) -> Answer:
        asked.append(expr)
        return answer

    answers = Joined().read([f"x{n}" for n in range(MOST)], ask)
    assert len(asked) == 1
    assert set(answers.values()) == {answer}


@pytest.mark.parametrize(
    "labels",
    [
        pytest.param((), id="no mark, as a proxy's own answer or a scalar has none"),
        *(pytest.param(((MARK, mark),), id=f"marked {mark!r}") for mark in ("2", "-1", "x", "", "9" * 5000)),
    ],
)
def test_an_answer_without_our_marks_answers_nothing(labels: tuple[tuple[str, str], ...]) -> None:
    answers = Joined().read(["a", "b"], lambda _: Samples((Sample(((MARK, "0"),), 1.0), Sample(labels, 1.0))))
    assert {type(answer) for answer in answers.values()} == {Unanswered}


@pytest.mark.parametrize(
    ("expr", "scalar"),
    [
        *((expr, True) for expr in ("1", "-(1)", "time() - 5", "pi()", "scalar(up)", "(2)")),
        *((expr, False) for expr in ("up", "vector(1)", "up + 1", "time() > bool up", "sum(")),
    ],
)
def test_scalars_are_told_from_vectors(expr: str, *, scalar: bool) -> None:
    assert is_scalar(expr) is scalar


@given(st.lists(st.sampled_from(GOOD), min_size=1, max_size=60, unique=True))
def test_the_tree_of_or_is_balanced(exprs: list[str]) -> None:
    depth = most = 0
    for character in joined([bracketed(expr) for expr in exprs]).split("label_replace")[0]:
        depth += (character == "(") - (character == ")")
        most = max(most, depth)
    assert 2**most < 4 * len(exprs)


def test_a_range_that_holds_too_much_is_told_so() -> None:
    with Prometheus(history=HISTORY, flags=["--query.max-samples=200"]) as prometheus:
        source = PrometheusSource(prometheus.url)
        assert isinstance(source.range("requests_total", T - 600, T, STEP, deadline=9.0), TooMuch)
        assert isinstance(source.range("requests_total", T - 60, T, STEP, deadline=9.0), RangeSamples)
        assert isinstance(source.instant("up", T, deadline=9.0), Samples)
        source.close()


def test_labels_are_given_back_without_the_mark(source: Counting) -> None:
    answers = source.instants(["odd", "up"], T, deadline=9.0)
    (odd,) = _samples(answers["odd"])
    assert odd.labels == (("Z", "capital"), ("__name__", "odd"), ("a", "or"))


def _samples(answer: Answer) -> tuple[Sample, ...]:
    assert isinstance(answer, Samples)
    return answer.samples
