"""Signals to PromQL: what is asked, and that nothing breaks out of its place."""

import re

import promql_parser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.rules.ruleset import VersionMetric
from monitor.core.rules.signal import Availability, Baseline, Count, ErrorRatio, Latency, Query, Signal
from monitor.queries.promql import (
    _known,
    _selector,
    baseline_expression,
    below_expression,
    buckets_selector,
    expressions,
    requests_expression,
    samples_expression,
    selectors,
    series_expression,
    version_expression,
)

BASELINE = Baseline((), fixed=1.0)


def up(probe: str, *by: str) -> Availability:
    return Availability(probe, by, 60)


def slow(histogram: str, *by: str) -> Latency:
    return Latency(histogram, 0.95, by, 60, BASELINE)


def events(counter: str, *by: str, alive: str = "up") -> Count:
    return Count(counter, by, 60, alive)


SIGNALS: list[tuple[str, Signal, dict[str, str]]] = [
    (
        "a ratio",
        ErrorRatio('r{job="a"}', 'r{job="a", code=~"5.."}', ("job",), 60),
        {
            "requests": 'sum by (job) (increase(r{job="a"}[60s]))',
            "failures": 'sum by (job) (increase(r{code=~"5..", job="a"}[60s]))',
        },
    ),
    (
        "a latency",
        slow('h{job!="b"}', "job", "route"),
        {"buckets": 'sum by (job, route, le) (increase(h_bucket{job!="b"}[60s]))'},
    ),
    ("a latency without by", slow("h"), {"buckets": "sum by (le) (increase(h_bucket[60s]))"}),
    ("an availability", up('p{job="x"}', "instance"), {"up": 'avg by (instance) (avg_over_time(p{job="x"}[60s]))'}),
    (
        "a count",
        events('c{job="x"}', "job", alive='up{job="x"}'),
        {
            "seen": 'count by (job) (last_over_time(c{job="x"}[59999ms]))',
            "grown": 'sum by (job) (sum_over_time((c{job="x"}'
            ' - last_over_time(c{job="x"}[300s] offset 5s) >= 0'
            ' or c{job="x"} + 0 < last_over_time(c{job="x"}[3600s] offset 5s))[59999ms:5s]))',
            "born": 'sum by (job) (sum_over_time((c{job="x"}'
            ' unless last_over_time(c{job="x"}[3600s] offset 5s))[59999ms:5s]))',
            "watched": 'count_over_time(count(last_over_time(up{job="x"}[60s]))[360001ms:5s]) == bool 73',
        },
    ),
    ("a query as it is", Query("sum(x) / 2 # half", ()), {"value": "sum(x) / 2 # half"}),
    ("a scalar query", Query(" time() ", ()), {"value": "time()"}),
    ("a comment behind a selector", up("p # ) or vector(1)"), {"up": "avg by () (avg_over_time(p[60s]))"}),
    ("a selector without a name", up('{__name__=~"p.*"}'), {"up": 'avg by () (avg_over_time({__name__=~"p.*"}[60s]))'}),
    ("single quotes", up("p{a='x\"y'}"), {"up": r'avg by () (avg_over_time(p{a="x\"y"}[60s]))'}),
    ("a raw string keeps backslashes", up(r"p{a=~`\d+`}"), {"up": r'avg by () (avg_over_time(p{a=~"\\d+"}[60s]))'}),
    ("a quoted backtick is no raw string", up(r'p{a="`\\"}'), {"up": r'avg by () (avg_over_time(p{a="`\\"}[60s]))'}),
]


@pytest.mark.parametrize(("signal", "parts"), [row[1:] for row in SIGNALS], ids=[row[0] for row in SIGNALS])
def test_the_parts_of_a_signal(signal: Signal, parts: dict[str, str]) -> None:
    assert expressions(signal, 60, 10) == parts


def test_a_count_without_by_asks_whether_anything_is_alive() -> None:
    assert expressions(events("c"), 60)["alive"] == "max(max_over_time(up[59999ms]))"


@pytest.mark.parametrize(
    ("window", "interval", "step"), [(300, 15, 15), (60, 10, 5), (60, 60, 15), (3600, 300, 15), (50, 15, 5), (1, 15, 1)]
)
def test_a_count_steps_by_what_divides_its_window_and_every_grid_time(window: int, interval: int, step: int) -> None:
    assert f"[{1000 * window - 1}ms:{step}s]" in expressions(events("c"), window, interval)["grown"]


def test_the_versions_that_run() -> None:
    metric = VersionMetric("auth", 'build_info{job="auth"}', "version")
    assert version_expression(metric) == 'group by (version) (build_info{job="auth"})'


@pytest.mark.parametrize("selector", ["x) or (y", "sum(x)", "x[5m]", "x offset 1m"])
def test_a_version_metric_that_cannot_stand_in_its_place(selector: str) -> None:
    with pytest.raises(ValueError, match=r"must be a plain selector|must not carry|is not PromQL"):
        version_expression(VersionMetric("auth", selector, "version"))


def test_a_text_that_holds_another_selector_than_was_meant_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot stand inside"):
        _known("sum(c) or sum(d)", _selector("c"))


def test_a_version_label_that_is_none() -> None:
    with pytest.raises(ValueError, match="is not a label name"):
        version_expression(VersionMetric("auth", "x", "a) (b"))


def test_a_baseline_is_read_by_the_hour() -> None:
    assert baseline_expression(slow("h", "job")) == "sum by (job, le) (increase(h_bucket[3600s]))"


REFUSED: list[tuple[str, Signal, str]] = [
    ("a way out", up('p{a="b"}) or vector(1) or (p'), "is not PromQL"),
    ("a function", up("rate(p[1m])"), "must be a plain selector"),
    ("a range", up("p[1m]"), "must be a plain selector"),
    ("an offset", up("p offset 1m"), "must not carry offset"),
    ("a fixed time", up("p @ 100"), "must not carry offset or @"),
    ("or between matchers", up('p{a="1" or b="2"}'), "must not join matchers by or"),
    ("nothing", up(""), "is not PromQL"),
    ("everything", up("{}"), "is not PromQL"),
    ("a broken regular expression", up('p{a=~"("}'), "is not PromQL"),
    ("a way out of by", up("p", "job) (vector(1)) or sum by (x"), "is not a label name"),
    ("an empty label", up("p", ""), "is not a label name"),
    ("buckets", slow("h_bucket"), "without _bucket"),
    ("a histogram without a name", slow('{__name__="h"}'), "must begin with the histogram's name"),
    ("le by hand", slow('h{le="0.5"}'), "the label le"),
    ("le in by", slow("h", "le"), "the label le"),
    ("a query of a range", Query("(x[5m])", ()), "gives a range of samples"),
    ("a query of a subquery", Query("x[5m:1m]", ()), "gives a range of samples"),
    ("a query of a string", Query('"x"', ()), "gives a string"),
    ("a counter with a way out", events("c[1m])) or sum(sum_over_time(x"), "is not PromQL"),
    ("a counter with a function", events("rate(c[1m])"), "must be a plain selector"),
    ("alive with a way out", events("c", alive="up) or vector(1"), "is not PromQL"),
    ("a way out of a count's by", events("c", "job) (vector(1)) or sum by (x"), "is not a label name"),
    ("a query that ends early", Query("sum(x", ()), "is not PromQL"),
]


@pytest.mark.parametrize(("signal", "why"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_cannot_stand_in_its_place(signal: Signal, why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)):
        expressions(signal, 60)


def test_a_window_must_last() -> None:
    with pytest.raises(ValueError, match="must be at least 1 s"):
        expressions(up("p"), 0)
    with pytest.raises(ValueError, match="must be at least 1 s"):
        expressions(events("c"), 0)


@given(st.text(max_size=30))
def test_a_label_value_never_breaks_out(value: str) -> None:
    quoted = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    (text,) = expressions(up(f'p{{a="{quoted}"}}', "job"), 60).values()
    node = promql_parser.parse(text)
    assert isinstance(node, promql_parser.AggregateExpr)
    assert isinstance(node.expr, promql_parser.Call)
    matrix = node.expr.args[0]
    assert [one.value for one in matrix.vector_selector.matchers.matchers] == [value]


@given(st.text(max_size=30))
def test_a_label_value_never_breaks_out_of_a_count(value: str) -> None:
    quoted = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    for text in expressions(events(f'c{{a="{quoted}"}}'), 60).values():
        assert isinstance(promql_parser.parse(text), promql_parser.AggregateExpr | promql_parser.BinaryExpr)


@given(st.text("p{}()[]\"'`\\#\n ,=~!ab1:@", max_size=25))
def test_any_text_stays_one_selector_or_is_refused(text: str) -> None:
    try:
        (composed,) = expressions(up(text), 60).values()
    except ValueError:
        return
    node = promql_parser.parse(composed)
    assert isinstance(node, promql_parser.AggregateExpr)
    assert isinstance(node.expr, promql_parser.Call)
    assert isinstance(node.expr.args[0], promql_parser.MatrixSelector)


# --- what data can tell -----------------------------------------------------------------------------------------------

SELECTORS = [
    ("one", 'sum by (job) (rate(x{job="a"}[5m]))', ('x{job="a"}',)),
    ("several, each once", "x / on (job) y + x", ("x", "y")),
    ("none", "vector(1) + time()", ()),
    ("without offset and time", "x offset 1d + y @ 5", ("x", "y")),
    ("not what is asked whether it is absent", "absent(x) or absent_over_time(y[5m]) or z", ("z",)),
    ("in every branch", 'label_replace(-x, "a", "", "b", "") and topk(2, (y)) or rate(z[5m:1m])', ("x", "y", "z")),
    ("matchers that Prometheus does not know", '{a="b" or c="d"} + x', ("x",)),
]


@pytest.mark.parametrize(("expr", "found"), [row[1:] for row in SELECTORS], ids=[row[0] for row in SELECTORS])
def test_the_selectors_of_an_expression(expr: str, found: tuple[str, ...]) -> None:
    assert selectors(expr) == found


SURVEYED = [
    ("how many series there were", series_expression("x", ("job",), 60), "count by (job) (last_over_time(x[60s]))"),
    (
        "how many samples came",
        samples_expression('x{job="a"}', ("job", "route"), 600),
        'max by (job, route) (count_over_time(x{job="a"}[600s]) and x{job="a"} offset 600s)',
    ),
    ("every bucket", buckets_selector(slow('h{job!="b"}')), 'h_bucket{job!="b"}'),
    (
        "every request",
        requests_expression(slow('h{job!="b"}', "job"), 60),
        'sum by (job) (increase(h_bucket{job!="b", le="+Inf"}[60s]))',
    ),
    ("how often there was less", below_expression("x", 50, 3600, 900), "sum_over_time(((x) < bool 50)[3600s:900s])"),
]


@pytest.mark.parametrize(("made", "expr"), [row[1:] for row in SURVEYED], ids=[row[0] for row in SURVEYED])
def test_what_a_survey_asks(made: str, expr: str) -> None:
    assert made == expr
    promql_parser.parse(made)


@pytest.mark.parametrize("selector", ["x[5m]", "x) or (y", 'x{job="a"} offset 5m', "x + y"])
def test_nothing_breaks_out_of_a_question(selector: str) -> None:
    for ask in (series_expression, samples_expression):
        with pytest.raises(ValueError, match=r"must|PromQL"):
            ask(selector, (), 60)
