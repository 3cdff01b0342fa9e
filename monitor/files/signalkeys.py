"""The keys of the signals. Another kind, or another `by`, makes other instances; the rest is judged anew."""

from types import MappingProxyType

from monitor.core.rules.ruledifference import AtReload
from monitor.files.tables import Key, Table

_REDERIVED, _DROPPED = AtReload.REDERIVED, AtReload.DROPPED

SIGNAL = Table(
    "a signal",
    (
        Key("error_ratio", "mapping", "failures over requests", "one of the kinds", at_reload=_DROPPED),
        Key(
            "latency",
            "mapping",
            "how much slower a quantile is than its baseline",
            "one of the kinds",
            at_reload=_DROPPED,
        ),
        Key("availability", "mapping", "the share of successful probes", "one of the kinds", at_reload=_DROPPED),
        Key("count", "mapping", "how many events, the first one too", "one of the kinds", at_reload=_DROPPED),
        Key("query", "mapping", "any PromQL", "one of the kinds", at_reload=_DROPPED),
    ),
)

_BY = Key(
    "by", "list of label names", "one alert instance for each of their values", "none: one instance", at_reload=_DROPPED
)
_WINDOW = Key("window", "duration", "how much time one reading looks at", "`1m`", at_reload=_REDERIVED)
_ELSEWHERE = MappingProxyType(
    {
        "confidence": "`confidence` stands in `prepare` or `rollback`",
        "after_deploy": "`after_deploy` stands in the rule",
        **{name: f"`{name}` stands in `guards`" for name in ("min_requests", "min_failures")},
    }
)

ERROR_RATIO = Table(
    "an error_ratio",
    (
        Key("requests", "selector", "the counter of all requests", required=True, at_reload=_REDERIVED),
        Key(
            "failures",
            "matchers or selector",
            "matchers added to `requests`, or a counter of their own",
            required=True,
            at_reload=_REDERIVED,
        ),
        _BY,
        _WINDOW,
    ),
    hints=_ELSEWHERE,
)

LATENCY = Table(
    "a latency",
    (
        Key("histogram", "selector", "the metric without `_bucket`", required=True, at_reload=_REDERIVED),
        Key("unit", "`s`, `ms`", "what the bounds of its buckets (`le`) count", "`s`", at_reload=_REDERIVED),
        Key("quantile", "share", "which quantile", "`0.95`", at_reload=_REDERIVED),
        _BY,
        _WINDOW,
        Key(
            "baseline",
            "list of `same_time`, `trailing`, or `{fixed: ...}`",
            "what it is held against: the largest counts",
            "`[same_time, trailing]`",
            at_reload=_REDERIVED,
        ),
        Key(
            "ceiling",
            "duration",
            "the limit while there is no history",
            "none: the verdict is *insufficient*",
            at_reload=_REDERIVED,
        ),
    ),
    hints=_ELSEWHERE,
)

BASELINE = Table(
    "a baseline",
    (Key("fixed", "duration", "a latency that somebody decided on", required=True, at_reload=_REDERIVED),),
)

AVAILABILITY = Table(
    "an availability",
    (
        Key("probe", "selector", "a metric that is 1 for up and 0 for down", required=True, at_reload=_REDERIVED),
        _BY,
        _WINDOW,
    ),
)

COUNT = Table(
    "a count",
    (
        Key("counter", "selector", "the counter of the events", required=True, at_reload=_REDERIVED),
        _BY,
        _WINDOW,
        Key(
            "alive",
            "selector",
            "an `up` that shows whether the counter was watched all the time",
            "`up` with the counter's matchers on `job`",
            at_reload=_REDERIVED,
        ),
    ),
)

QUERY = Table(
    "a query",
    (
        Key(
            "expr",
            "PromQL",
            "gives an instant vector; the threshold stays outside",
            required=True,
            at_reload=_REDERIVED,
        ),
        _BY,
        Key(
            "absent", "number", "the value of an empty answer", "none: an empty answer is no data", at_reload=_REDERIVED
        ),
    ),
    hints=MappingProxyType({"window": "the expression carries its windows inside"}),
)
