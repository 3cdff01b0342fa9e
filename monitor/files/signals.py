"""The `signal` of a rule -> a core signal, one function a kind.

Adding a kind means a function here and a table in keys.py. What a value means for an alert is not known here.
"""

from dataclasses import replace

from monitor.core.rules.rule import MatchOp
from monitor.core.rules.signal import (
    Availability,
    Baseline,
    Count,
    ErrorRatio,
    Latency,
    Query,
    ReferenceKind,
    Signal,
    TimeUnit,
    Unit,
)
from monitor.files import signalkeys as keys
from monitor.files.expressions import expression, failures, matchers_of, metric_of, selector, written
from monitor.files.fields import Fields
from monitor.files.findings import Report, nearest
from monitor.files.nodes import Mapping, Node, Scalar, Sequence, WrongError
from monitor.files.scalars import label_names, number, one_of, positive_duration, scalar, seconds, threshold

_WINDOW = 60


def read_signal(node: Node, report: Report) -> Signal | None:
    """Give the signal, or None where it cannot be told what is measured (the report says why)."""
    fields = Fields(node, keys.SIGNAL, report)
    kind = fields.only_one(keys.SIGNAL.names())
    inner = fields.node.get(kind) if kind else None
    if inner is None:
        return None
    match kind:
        case "error_ratio":
            return _error_ratio(Fields(inner, keys.ERROR_RATIO, report))
        case "latency":
            return _latency(Fields(inner, keys.LATENCY, report))
        case "availability":
            return _availability(Fields(inner, keys.AVAILABILITY, report))
        case "count":
            return _count(Fields(inner, keys.COUNT, report))
        case _:
            return _query(Fields(inner, keys.QUERY, report))


def _by(fields: Fields) -> tuple[str, ...]:
    return fields.take("by", label_names, ())


def _by_but_le(node: Node) -> tuple[str, ...]:
    found = label_names(node)
    if "le" in found:
        raise WrongError(node.place, "the label `le` tells buckets apart, not instances", "leave it out")
    return found


def _window(fields: Fields) -> int:
    return fields.take("window", positive_duration, _WINDOW)


def _error_ratio(fields: Fields) -> ErrorRatio | None:
    requests = fields.take("requests", selector, "")
    failed = fields.take("failures", lambda node: failures(requests or "x", node), "")
    by, window = _by(fields), _window(fields)
    return ErrorRatio(requests, failed, by, window) if requests and failed else None


def _latency(fields: Fields) -> Latency | None:
    histogram = fields.take("histogram", _histogram, "")
    unit = _unit(fields, histogram)
    quantile = fields.take("quantile", _quantile, 0.95)
    by: tuple[str, ...] = fields.take("by", _by_but_le, ())
    window = _window(fields)
    baseline = fields.take("baseline", lambda node: _baseline(node, fields.report), Baseline())
    baseline = replace(baseline, ceiling=fields.take("ceiling", seconds, None))
    return Latency(histogram, quantile, by, window, baseline, unit) if histogram else None


def _histogram(node: Node) -> str:
    found = selector(node)
    metric = metric_of(found)
    if not metric:
        raise WrongError(node.place, "a histogram needs its name before the braces", "write name{...}", "selector")
    for ending in ("_bucket", "_count", "_sum"):
        if metric.endswith(ending):
            hint = f"write {metric.removesuffix(ending)}"
            raise WrongError(node.place, f"`{metric}`: a histogram is named without `{ending}`", hint, "selector")
    if "{le" in found or ",le" in found:
        raise WrongError(node.place, "the label `le` belongs to the buckets", "leave it out", "selector")
    return found


def _unit(fields: Fields, histogram: str) -> TimeUnit:
    """Give the unit of the buckets; a name that tells another one is worth a remark where nothing is written."""
    metric = metric_of(histogram) if histogram else ""
    if not fields.has("unit") and TimeUnit.told_by(metric) is not TimeUnit.SECONDS:
        message = f"`{metric}` seems to count milliseconds, and its buckets are read as seconds"
        fields.report.warning(fields.at("histogram"), "unit", message, "write `unit: ms` (or `unit: s`) beside it")
    return fields.take("unit", lambda node: TimeUnit(one_of(*TimeUnit)(node)), TimeUnit.SECONDS)


def _quantile(node: Node) -> float:
    found = threshold(Unit.RATIO)(node)
    if not 0 < found < 1:
        raise WrongError(node.place, "a quantile stands between 0 and 1", "write 0.95")
    return found


def _baseline(node: Node, report: Report) -> Baseline:
    """Give the baseline of `trailing`, `[same_time, trailing]` or `{fixed: 250ms}`."""
    if isinstance(node, Mapping):
        return Baseline((), fixed=Fields(node, keys.BASELINE, report).take("fixed", seconds, 1.0))
    items = node.items if isinstance(node, Sequence) else (node,)
    kinds = tuple(_reference(scalar(item, "a baseline")) for item in items)
    if not kinds or len(set(kinds)) < len(kinds):
        raise WrongError(node.place, "expected each reference once", "write [same_time, trailing]")
    return Baseline(kinds)


def _reference(word: Scalar) -> ReferenceKind:
    known = tuple(ReferenceKind)
    if word.text not in known:
        hint = nearest(word.text, known, "write [same_time, trailing], or {fixed: 250ms}")
        raise WrongError(word.place, f"unknown baseline `{word.text}`", hint)
    return ReferenceKind(word.text)


def _availability(fields: Fields) -> Availability | None:
    probe = fields.take("probe", selector, "")
    by, window = _by(fields), _window(fields)
    return Availability(probe, by, window) if probe else None


def _count(fields: Fields) -> Count | None:
    counter = fields.take("counter", selector, "")
    by, window = _by(fields), _window(fields)
    alive = fields.take("alive", selector, _alive(counter))
    if counter and not alive and not fields.has("alive"):
        message = "`alive` is missing in a count: `counter` names no job whose `up` could stand for it"
        hint = "write a selector such as 'up{job=\"auth\"}', or a matcher on `job` into `counter`"
        fields.report.error(fields.at("counter"), "missing-key", message, hint)
    return Count(counter, by, window, alive) if counter and alive else None


def _alive(counter: str) -> str:
    """Give the `up` of the jobs that a canonical selector names; empty where it names none."""
    on_job = [matcher for matcher in matchers_of(counter) if matcher.label == "job"] if counter else []
    if not any(matcher.op in (MatchOp.EQUAL, MatchOp.MATCHES) for matcher in on_job):
        return ""
    return f"up{{{','.join(written(matcher) for matcher in on_job)}}}"


def _query(fields: Fields) -> Query | None:
    expr = fields.take("expr", expression, "")
    by, absent = _by(fields), fields.take("absent", number, None)
    return Query(expr, by, absent) if expr else None
