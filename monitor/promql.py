"""Signals to PromQL: what is asked of Prometheus for each part of a signal's reading.

Every selector is parsed, rendered anew and set into its place; the composed text is parsed again and compared with
what was meant, so that nothing a rule file holds can break out of its place. This module must not know who asks,
nor what the numbers mean.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import promql_parser

from monitor.core.rule import Availability, Condition, Count, ErrorRatio, Latency, Query, Signal

BASELINE_HOUR = 3600

_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_OPERATORS = {"MatchOp.Equal": "=", "MatchOp.NotEqual": "!=", "MatchOp.Re": "=~", "MatchOp.NotRe": "!~"}
# strings of all three kinds, and comments, so that quotes inside them are passed over
_TOKENS = re.compile(r"""\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|`[^`]*`|\#[^\n]*""", re.DOTALL)
# the parser's own rendering leaves backslashes bare, so that a value could end its string early
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n", "\r": r"\r", "\0": r"\x00"})


def expressions(signal: Signal, window: int) -> dict[str, str]:
    """Give the PromQL of each part of `signal`'s reading, over `window` seconds (a query carries its own windows).

    Parts: `requests` and `failures` of a ratio, `buckets` of a latency, `up` of an availability, `events`
    of a count, `value` of a query or condition.
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
        case Count(counter=counter, by=by):
            return {"events": _over_window("sum", by, "increase", _selector(counter), window)}
        case Query(expr=expr) | Condition(expr=expr):
            return {"value": _query(expr)}


def baseline_expression(signal: Latency) -> str:
    """Give the PromQL of the bucket counts of one full hour, to be read at the hour's end. Raises as `expressions`."""
    return _buckets(signal, BASELINE_HOUR)


def _buckets(signal: Latency, window: int) -> str:
    histogram = _selector(signal.histogram)
    if not histogram.name:
        raise ValueError(f"{signal.histogram!r} must begin with the histogram's name, such as http_duration_seconds")
    if histogram.name.endswith("_bucket"):
        raise ValueError(f"{signal.histogram!r} must name the histogram without _bucket")
    if "le" in signal.by or any(name == "le" for name, _, _ in histogram.matchers):
        raise ValueError(f"{signal.histogram!r}: the label le belongs to the buckets and cannot be chosen")
    buckets = _Selector(f"{histogram.name}_bucket", histogram.matchers)
    return _over_window("sum", (*signal.by, "le"), "increase", buckets, window)


@dataclass(frozen=True, slots=True)
class _Selector:
    """A selector by its content: metric name ("" where there is none) and (label, operator, value) of each matcher."""

    name: str
    matchers: tuple[tuple[str, str, str], ...]

    def __str__(self) -> str:
        inside = ", ".join(f'{name}{operator}"{value.translate(_ESCAPES)}"' for name, operator, value in self.matchers)
        return f"{self.name}{{{inside}}}" if inside else self.name


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


def _over_window(aggregate: str, by: tuple[str, ...], function: str, selector: _Selector, window: int) -> str:
    if window <= 0:
        raise ValueError(f"a window of {window} s cannot be read: it must be at least 1 s")
    for label in by:
        if not _LABEL.fullmatch(label):
            raise ValueError(f"{label!r} in by is not a label name")
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
