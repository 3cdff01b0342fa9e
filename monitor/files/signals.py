"""The `signal` of a rule -> a core signal, one function a kind.

Adding a kind means a function here and a table in keys.py. What a value means for an alert is not known here.
"""

from monitor.core.rule import (
    Availability,
    Baseline,
    ErrorRatio,
    FixedBaseline,
    Latency,
    Query,
    Signal,
    TrailingBaseline,
    Unit,
)
from monitor.files import keys
from monitor.files.expressions import expression, failures, metric_of, selector
from monitor.files.fields import Fields
from monitor.files.findings import Report, nearest
from monitor.files.nodes import Node, Scalar, Sequence, WrongError
from monitor.files.scalars import label_names, number, positive_duration, scalar, seconds, threshold

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
        case _:
            return _query(Fields(inner, keys.QUERY, report))


def _by(fields: Fields) -> tuple[str, ...]:
    return fields.take("by", label_names, ())


def _window(fields: Fields) -> int:
    return fields.take("window", positive_duration, _WINDOW)


def _error_ratio(fields: Fields) -> ErrorRatio | None:
    requests = fields.take("requests", selector, "")
    failed = fields.take("failures", lambda node: failures(requests or "x", node), "")
    by, window = _by(fields), _window(fields)
    return ErrorRatio(requests, failed, by, window) if requests and failed else None


def _latency(fields: Fields) -> Latency | None:
    histogram = fields.take("histogram", _histogram, "")
    quantile = fields.take("quantile", _quantile, 0.95)
    by, window = _by(fields), _window(fields)
    default: Baseline = TrailingBaseline()
    baseline = fields.take("baseline", lambda node: _baseline(node, fields.report), default)
    return Latency(histogram, quantile, by, window, baseline) if histogram else None


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


def _quantile(node: Node) -> float:
    found = threshold(Unit.RATIO)(node)
    if not 0 < found < 1:
        raise WrongError(node.place, "a quantile stands between 0 and 1", "write 0.95")
    return found


def _baseline(node: Node, report: Report) -> Baseline:
    """Give the baseline of `trailing`, `[trailing]`, `{fixed: 250ms}` or `{trailing: {ceiling: 2s}}`."""
    if isinstance(node, Sequence):
        if len(node.items) != 1:
            raise WrongError(node.place, "several baselines are not supported yet", "write trailing", "later")
        node = node.items[0]
    if isinstance(node, Scalar):
        return _named_baseline(scalar(node, "a baseline"))
    fields = Fields(node, keys.BASELINE, report)
    if fields.only_one(("trailing", "fixed")) == "fixed":
        return FixedBaseline(fields.take("fixed", seconds, 1.0))
    return fields.take("trailing", lambda inner: _trailing(inner, report), TrailingBaseline())


def _named_baseline(word: Scalar) -> Baseline:
    if word.text == "trailing":
        return TrailingBaseline()
    if word.text in keys.BASELINE.later:
        raise WrongError(word.place, f"the baseline `{word.text}` is not supported yet", "write trailing", "later")
    hint = nearest(word.text, ("trailing",), "write trailing, or {fixed: 250ms}")
    raise WrongError(word.place, f"unknown baseline `{word.text}`", hint)


def _trailing(node: Node, report: Report) -> TrailingBaseline:
    if isinstance(node, Scalar) and not node.text:
        return TrailingBaseline()
    return TrailingBaseline(Fields(node, keys.TRAILING, report).take("ceiling", seconds, None))


def _availability(fields: Fields) -> Availability | None:
    probe = fields.take("probe", selector, "")
    by, window = _by(fields), _window(fields)
    return Availability(probe, by, window) if probe else None


def _query(fields: Fields) -> Query | None:
    expr = fields.take("expr", expression, "")
    by, absent = _by(fields), fields.take("absent", number, None)
    return Query(expr, by, absent) if expr else None
