"""Signals to PromQL: what is asked of Prometheus for each part of a signal's reading.

Every selector is parsed, rendered anew and set into its place; the composed text is parsed again and compared with
what was meant, so that nothing a rule file holds can break out of its place. This module must not know who asks,
nor what the numbers mean.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import promql_parser

from monitor.core.model import Labels
from monitor.core.rules.ruleset import VersionMetric
from monitor.core.rules.signal import Availability, Condition, Count, ErrorRatio, Latency, Query, Signal

BASELINE_HOUR = 3600
LOOKBACK = 300
"""Seconds without a sample after which Prometheus takes a series for gone; a counter that is away longer has a gap."""
REMEMBERED = 3600
"""Seconds for which a counter that is away is remembered: one that comes back lower has been restarted."""

_HOLE = 150  # more than the 2 minutes that scrapes may lie apart, for series that are looked back for by 5 minutes
_COUNT_STEP = 15  # looking more often than targets are scraped finds nothing more
_ABSENT = frozenset({"absent", "absent_over_time"})
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_OPERATORS = {"MatchOp.Equal": "=", "MatchOp.NotEqual": "!=", "MatchOp.Re": "=~", "MatchOp.NotRe": "!~"}
# strings of all three kinds, and comments, so that quotes inside them are passed over
_TOKENS = re.compile(r"""\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|`[^`]*`|\#[^\n]*""", re.DOTALL)
# the parser's own rendering leaves backslashes bare, so that a value could end its string early
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n", "\r": r"\r", "\0": r"\x00"})


def expressions(signal: Signal, window: int, interval: int = 1) -> dict[str, str]:
    """Give the PromQL of each part of `signal`'s reading, over `window` seconds (a query carries its own windows).

    Parts: `requests` and `failures` of a ratio, `buckets` of a latency, `up` of an availability, `seen`, `grown`,
    `born`, `watched` and (without `by`) `alive` of a count, `value` of a query or condition. Only a count asks for
    `interval`, the seconds that every grid time is a multiple of: the larger, the cheaper it is to read.
    Raises `ValueError` with a sentence for people where something in the signal cannot stand in its place.
    """
    match signal:
        case ErrorRatio(requests=requests, failures=failures, by=by):
            return {
                "requests": _over_window("sum", by, "increase", _selector(requests), window),
                "failures": _over_window("sum", by, "increase", _selector(failures), window),
            }
        case Latency():
            return {"buckets": _buckets(signal, window)}
        case Availability(probe=probe, by=by):
            return {"up": _over_window("avg", by, "avg_over_time", _selector(probe), window)}
        case Count():
            return _count(signal, window, interval)
        case Query(expr=expr) | Condition(expr=expr):
            return {"value": _query(expr)}


def baseline_expression(signal: Latency) -> str:
    """Give the PromQL of the bucket counts of one full hour, to be read at the hour's end. Raises as `expressions`."""
    return _buckets(signal, BASELINE_HOUR)


def version_expression(metric: VersionMetric) -> str:
    """Give the PromQL of the versions that are running, one sample each. Raises as `expressions`."""
    return aggregated("group", (metric.label,), metric.selector)


def aggregated(operator: str, by: tuple[str, ...], series: str) -> str:
    """Give the PromQL of an aggregation of `series` (a selector), `by` some labels or none. Raises as `expressions`."""
    _may_be_labels(by)
    selector = _selector(series)
    return _known(f"{operator} by ({', '.join(by)}) ({selector})", selector)


def narrowed(series: str, labels: Labels, present: str) -> str:
    """Give the selector `series` of the one instance with `labels`, and of series that carry the label `present`.

    Raises as `expressions`.
    """
    selector = _selector(series)
    _may_be_labels((present, *(name for name, _ in labels)))
    more = (*((name, "=", value) for name, value in labels), (present, "!=", ""))
    return str(_Selector(selector.name, tuple(sorted({*selector.matchers, *more}))))


def increase_expression(series: str, by: tuple[str, ...], window: int) -> str:
    """Give the PromQL of how much the counters `series` grew in `window` seconds, `by` some labels. Raises as above."""
    return _over_window("sum", by, "increase", _selector(series), window)


@dataclass(frozen=True, slots=True)
class _Selector:
    """A selector by its content: metric name ("" where there is none) and (label, operator, value) of each matcher."""

    name: str
    matchers: tuple[tuple[str, str, str], ...]

    def __str__(self) -> str:
        inside = ", ".join(f'{name}{operator}"{value.translate(_ESCAPES)}"' for name, operator, value in self.matchers)
        return f"{self.name}{{{inside}}}" if inside else self.name


def _buckets(signal: Latency, window: int) -> str:
    return _over_window("sum", (*signal.by, "le"), "increase", _bucket_series(signal), window)


def _bucket_series(signal: Latency) -> _Selector:
    histogram = _selector(signal.histogram)
    if not histogram.name:
        raise ValueError(f"{signal.histogram!r} must begin with the histogram's name, such as http_duration_seconds")
    if histogram.name.endswith("_bucket"):
        raise ValueError(f"{signal.histogram!r} must name the histogram without _bucket")
    if "le" in signal.by or any(name == "le" for name, _, _ in histogram.matchers):
        raise ValueError(f"{signal.histogram!r}: the label le belongs to the buckets and cannot be chosen")
    return _Selector(f"{histogram.name}_bucket", histogram.matchers)


def _all_requests(signal: Latency) -> _Selector:
    """The infinite bucket counts every request."""
    buckets = _bucket_series(signal)
    return _Selector(buckets.name, tuple(sorted((*buckets.matchers, ("le", "=", "+Inf")))))


def _selector(text: str) -> _Selector:
    node = _parse(text)
    if not isinstance(node, promql_parser.VectorSelector):
        raise ValueError(f"{text!r} must be a plain selector, such as http_requests_total{{job='auth'}}")  # noqa: TRY004  # wrong text, no wrong type
    if node.offset is not None or node.at is not None:
        raise ValueError(f"{text!r} must not carry offset or @: the evaluation time decides what is read")
    if node.matchers.or_matchers:
        raise ValueError(f"{text!r} must not join matchers by or: Prometheus does not know it")
    return _content(node)


def _content(node: Any) -> _Selector:  # noqa: ANN401  # promql_parser's compiled nodes carry no types
    matchers = ((one.name, _OPERATORS[str(one.op)], one.value) for one in node.matchers.matchers)
    return _Selector(node.name or "", tuple(sorted(matchers)))


def _count(signal: Count, window: int, interval: int) -> dict[str, str]:
    """Give the parts of a count: exact where the window and every grid time are multiples of the step.

    `increase` would extrapolate, take a series' first sample for its base, and lose what a restart did between two
    windows. Here the window is walked in steps: `grown` adds up what each step added to a counter that was known
    before it (all of its value where it is lower than before: it was restarted), `born` the first values of counters
    that were not seen for an hour. `watched` is 1 where `alive` had samples all through the window and the 5 minutes
    before it: no hole as long as the window, or as 150 s. `last_over_time` looks past the staleness markers that a
    failed scrape leaves.
    """
    _may_stand(signal.by, window)
    counter, alive = _selector(signal.counter), _selector(signal.alive)
    step, by = math.gcd(_COUNT_STEP, interval, window), f"by ({', '.join(signal.by)})"
    inside, walk = f"[{1000 * window - 1}ms]", f"[{1000 * window - 1}ms:{step}s]"
    before, remembered = (f"last_over_time({counter}[{past}s] offset {step}s)" for past in (LOOKBACK, REMEMBERED))
    grown = f"{counter} - {before} >= 0 or {counter} + 0 < {remembered}"
    parts = {
        "seen": _known(f"count {by} (last_over_time({counter}{inside}))", counter),
        "grown": _known(f"sum {by} (sum_over_time(({grown}){walk}))", *[counter] * 4),
        "born": _known(f"sum {by} (sum_over_time(({counter} unless {remembered}){walk}))", *[counter] * 2),
        "watched": _watched(alive, window, step),
    }
    return parts if signal.by else {**parts, "alive": _known(f"max(max_over_time({alive}{inside}))", alive)}


def _watched(alive: _Selector, window: int, step: int) -> str:
    hole, back = min(window, _HOLE), window + LOOKBACK
    walk = f"count(last_over_time({alive}[{hole}s]))[{1000 * back + 1}ms:{step}s]"
    return _known(f"count_over_time({walk}) == bool {back // step + 1}", alive)


def _known(text: str, *meant: _Selector) -> str:
    """Give `text`, known to hold the selectors that were meant, and no other."""
    if tuple(_selectors(_parse(text))) != meant:
        raise ValueError(f"{str(meant[0])!r} cannot stand inside {text!r}")
    return text


def _selectors(node: Any, passed_over: frozenset[str] = frozenset()) -> Iterator[_Selector]:  # noqa: ANN401  # as above
    """Give every selector in `node`, from left to right, but those in calls of functions that are `passed_over`."""
    if isinstance(node, promql_parser.Call) and node.func.name in passed_over:
        return
    if isinstance(node, promql_parser.VectorSelector):
        yield _content(node)
    inner = (getattr(node, name, None) for name in ("lhs", "rhs", "expr", "vector_selector"))
    for child in (*inner, *getattr(node, "args", ())):
        if child is not None:
            yield from _selectors(child, passed_over)


def _may_stand(by: tuple[str, ...], window: int) -> None:
    if window <= 0:
        raise ValueError(f"a window of {window} s cannot be read: it must be at least 1 s")
    _may_be_labels(by)


def _may_be_labels(names: tuple[str, ...]) -> None:
    for label in names:
        if not _LABEL.fullmatch(label):
            raise ValueError(f"{label!r} in by is not a label name")


def _over_window(aggregate: str, by: tuple[str, ...], function: str, selector: _Selector, window: int) -> str:
    _may_stand(by, window)
    text = f"{aggregate} by ({', '.join(by)}) ({function}({selector}[{window}s]))"
    if _structure(text) != (aggregate, by, function, selector, window):
        raise ValueError(f"{str(selector)!r} cannot stand inside {aggregate}({function}(...))")
    return text


def _structure(text: str) -> tuple[str, tuple[str, ...], str, _Selector, int] | None:
    """Give what a parser sees in `text`, or None where that is no aggregate over a function over one selector."""
    node = _parse(text)
    if not isinstance(node, promql_parser.AggregateExpr) or node.modifier is None:
        return None
    call = node.expr
    if not isinstance(call, promql_parser.Call) or len(call.args) != 1:
        return None
    (matrix,) = call.args
    if not isinstance(matrix, promql_parser.MatrixSelector):
        return None
    window = round(matrix.range / timedelta(seconds=1))
    return str(node.op), tuple(node.modifier.labels), call.func.name, _content(matrix.vector_selector), window


def _query(expr: str) -> str:
    """Give `expr` as it is, known to be one expression whose value is an instant vector or a scalar."""
    node = _parse(expr)
    while isinstance(node, promql_parser.ParenExpr):
        node = node.expr
    kinds = {
        promql_parser.MatrixSelector: "a range of samples",
        promql_parser.SubqueryExpr: "a range of samples",
        promql_parser.StringLiteral: "a string",
    }
    kind = kinds.get(type(node))
    if kind is not None:
        raise ValueError(f"{expr!r} gives {kind}; a query must give an instant vector")
    return expr.strip()


def _parse(text: str) -> Any:  # noqa: ANN401  # as above
    try:
        return promql_parser.parse(_TOKENS.sub(_plain_string, text))
    except ValueError as problem:
        raise ValueError(f"{text!r} is not PromQL: {problem}") from None


def _plain_string(token: re.Match[str]) -> str:
    """Give a raw string (backticks) in double quotes, which the parser reads as Prometheus does; the rest as it is."""
    text = token.group()
    return f'"{text[1:-1].translate(_ESCAPES)}"' if text.startswith("`") else text


# --- what data can tell -----------------------------------------------------------------------------------------------


def buckets_selector(signal: Latency) -> str:
    """Give the selector of every bucket of a latency. Raises as `expressions`."""
    return str(_bucket_series(signal))


def requests_selector(signal: Latency) -> str:
    """Give the selector of the bucket that counts every request of a latency. Raises as `expressions`."""
    return str(_all_requests(signal))


def requests_expression(signal: Latency, window: int) -> str:
    """Give the PromQL of how many requests a latency counts in `window` seconds. Raises as `expressions`."""
    return _over_window("sum", signal.by, "increase", _all_requests(signal), window)


def selectors(expr: str) -> tuple[str, ...]:
    """Give each selector in `expr` once, without offsets, and without those that are asked whether they are absent.

    Matchers that are joined by `or` are left out, as Prometheus does not know them. Raises as above.
    """
    found = (str(one) for one in _selectors(_parse(expr), passed_over=_ABSENT))
    return tuple(dict.fromkeys(one for one in found if one))


def series_expression(selector: str, by: tuple[str, ...], seconds: int) -> str:
    """Give the PromQL of how many series had a sample in the last `seconds`, by label. Raises as above."""
    return _over_window("count", by, "last_over_time", _selector(selector), seconds)


def samples_expression(selector: str, by: tuple[str, ...], seconds: int) -> str:
    """Give the PromQL of how many samples the fullest series had in the last `seconds`, by label.

    Only series that were there all the time count. Raises as above.
    """
    _may_stand(by, seconds)
    known = _selector(selector)
    text = f"max by ({', '.join(by)}) (count_over_time({known}[{seconds}s]) and {known} offset {seconds}s)"
    return _known(text, known, known)


def below_expression(expr: str, limit: float, seconds: int, step: int) -> str:
    """Give the PromQL of how often `expr` was less than `limit`, looked at each `step` in the last `seconds`."""
    return f"sum_over_time((({expr}) < bool {limit!r})[{seconds}s:{step}s])"
