"""What names and label values of metrics mean, by the customs of exporters and libraries. Pure.

Nothing here is certain: that is why what is made of it begins in the shadow, with comments that say what to check.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

_OWN = re.compile(
    r"(prometheus|alertmanager|promhttp|go|process|python|node|kube|kubelet|apiserver|etcd|coredns|rest_client|scrape|"
    r"net_conntrack|container|cadvisor|grafana|workqueue|authentication|authorization|loki|cortex|thanos|tempo|"
    r"rollback_monitor|otelcol|ALERTS|storage|registered|hidden|aggregator|controller_runtime|certwatcher|leader)_.*"
    r"|(up|ALERTS|go|scrape)"
)
"""What infrastructure and Prometheus itself export: worth alerts, but none that a rollback of a service would mend."""

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
"""A name that stands in PromQL without quotes."""
_ASKED = re.compile(r"(^|_)(requests?|responses?|handled|calls?|rpcs?|invocations?|http|grpc)(_|$)")
_ELSEWHERE = re.compile(r"^traefik_(entrypoint|router)_|(^|_)(client|started|in_?flight|size|bytes|msg|tls)(_|$)")
"""Names of what tells the same traffic again from elsewhere, or counts no requests at all."""
_NOW = re.compile(r"(^|_)(active|current|pending|queued?|waiting|open|concurrent)(_|$)")
"""Words of gauges."""
_SLOW = re.compile(r"(^|_)(duration|latency|seconds|milliseconds|ms|response_time|request_time|handling|elapsed)(_|$)")

SERVICE_LABELS = (
    "destination_service_name",
    "destination_canonical_service",
    "destination_workload",
    "exported_service",
    "service_name",
    "service",
    "ingress",
    "backend",
    "application",
    "app",
    "app_kubernetes_io_name",
    "exported_job",
    "job",
    "grpc_service",
    "namespace",
)
"""Labels that tell services apart, the surest first."""
_PROBED_BY = ("instance", "target", "endpoint", "url", "service", "job")
MOST_SERVICES = 50

_HTTP = re.compile(r"[1-5](\d\d|xx|XX)")
_GRPC_BAD = ("Unknown", "DeadlineExceeded", "Unimplemented", "Internal", "Unavailable", "DataLoss")
_GRPC = {"OK", "Canceled", "Cancelled", "InvalidArgument", "NotFound", "AlreadyExists", "PermissionDenied", "Aborted",
         "Unauthenticated", "ResourceExhausted", "FailedPrecondition", "OutOfRange", *_GRPC_BAD}  # fmt: skip
_GRPC_NUMBERS = "2|4|12|13|14|15"
_GOOD = re.compile(r"success|succeeded|ok|passed|completed", re.IGNORECASE)
_BAD = re.compile(r"fail(ure|ed)?|errors?|server_error|exception|timeout", re.IGNORECASE)
_PASSABLE = frozenset({"", "0", "unknown", "UNKNOWN", "none", "-"})


def of_requests(names: Iterable[str], types: Mapping[str, str]) -> list[str]:
    """Give the metrics that may count requests, the likeliest first."""
    return [name for name in of_work(names, types) if _ASKED.search(name)]


def of_work(names: Iterable[str], types: Mapping[str, str]) -> list[str]:
    """Give the metrics that may count anything that services do, in words of their own: orders, payments."""
    plain = (name for name in names if _NAME.fullmatch(name) and not _OWN.fullmatch(name))
    usable = [name for name in plain if _counts(name, types) and not _ELSEWHERE.search(name)]
    return sorted(usable, key=lambda name: (not name.endswith("_total"), len(name), name))


def _counts(name: str, types: Mapping[str, str]) -> bool:
    if name.endswith(("_bucket", "_sum", "_created", "_max", "_min")) or _NOW.search(name):
        return False
    kind = types.get(name, "counter" if name.endswith("_requests") else "")
    return name.endswith(("_total", "_count")) or kind == "counter"


def of_latency(names: Iterable[str]) -> list[str]:
    """Give the histograms that may hold latencies of requests, without `_bucket`."""
    return [name for name in of_time(names) if _ASKED.search(name)]


def of_time(names: Iterable[str]) -> list[str]:
    """Give the histograms that may hold latencies of anything that services do, without `_bucket`."""
    known = {name for name in names if _NAME.fullmatch(name)}
    found = [name.removesuffix("_bucket") for name in known if name.endswith("_bucket") and not _OWN.fullmatch(name)]
    slow = [one for one in found if f"{one}_count" in known and _SLOW.search(one)]
    return sorted((one for one in slow if not _ELSEWHERE.search(one)), key=lambda one: (len(one), one))


def of_versions(names: Iterable[str]) -> list[str]:
    """Give the metrics that may carry versions of services."""
    told = {"kube_pod_container_info", "target_info"}
    usable = (
        one
        for one in names
        if one in told or (one.endswith(("_build_info", "_version_info")) and not _OWN.fullmatch(one))
    )
    return sorted(usable, key=lambda one: (one in told, one))


def version_label(labels: Iterable[str]) -> str:
    """Give the label of a version metric that holds the version, or nothing."""
    known = set(labels)
    return next(
        (one for one in ("version", "service_version", "app_version", "image", "tag", "revision") if one in known), ""
    )


def service_label(series: Sequence[Mapping[str, str]]) -> str:
    """Give the label that tells services apart: the surest that all series have, one with several values first."""
    shared = [one for one in SERVICE_LABELS if series and all(labels.get(one) for labels in series)]
    counts = {one: len({labels[one] for labels in series}) for one in shared}
    usable = [one for one in shared if counts[one] <= MOST_SERVICES]
    return next((one for one in usable if counts[one] > 1), usable[0] if usable else "")


def probe_label(series: Sequence[Mapping[str, str]]) -> str:
    """Give the label that tells probes apart best: the first of those with the most values."""
    shared = [one for one in _PROBED_BY if all(labels.get(one) for labels in series)]
    return max(shared, key=lambda one: len({labels[one] for labels in series}), default="instance")


def failures(series: Sequence[Mapping[str, str]]) -> tuple[str, str]:
    """Give the matchers of failed requests and the label that tells them, or nothing where no label does."""
    values: dict[str, set[str]] = {}
    for labels in series:
        for name, value in labels.items():
            if _NAME.fullmatch(name) and value.isprintable():
                values.setdefault(name, set()).add(value)
    for told in (_http, _grpc, _outcome, _truth):
        for name in sorted(values, key=lambda one: (len(one), one)):
            if matchers := told(name, values[name]):
                return matchers, name
    return "", ""


def _http(name: str, values: set[str]) -> str:
    told = values - _PASSABLE
    named = "code" in name or "status" in name
    fits = bool(told) and all(_HTTP.fullmatch(one) for one in told)
    return f'{name}=~"5.."' if fits and named else ""


def _grpc(name: str, values: set[str]) -> str:
    if "code" not in name and "status" not in name:
        return ""
    told = values - _PASSABLE
    if told and {one.replace("_", "").lower() for one in told} <= {one.lower() for one in _GRPC}:
        upper = any("_" in one or (one.isupper() and one != "OK") for one in told)
        bad = [re.sub(r"(?<!^)(?=[A-Z])", "_", one).upper() if upper else one for one in _GRPC_BAD]
        return f'{name}=~"{"|".join(bad)}"'
    numbers = bool(values) and all(one.isdigit() and int(one) <= 16 for one in values if one)  # noqa: PLR2004  # the last code
    return f'{name}=~"{_GRPC_NUMBERS}"' if numbers and "grpc" in name else ""


def _outcome(name: str, values: set[str]) -> str:
    told = values - _PASSABLE
    bad = sorted(one for one in told if _BAD.fullmatch(one))
    if name not in ("outcome", "result", "status", "state", "code") or not any(_GOOD.fullmatch(one) for one in told):
        return ""
    return f'{name}=~"{"|".join(bad)}"' if bad else f'{name}=~"failure|failed|error"'


def _truth(name: str, values: set[str]) -> str:
    if not values or not values <= {"true", "false", "True", "False"}:
        return ""
    capital = any(one[0].isupper() for one in values)
    if name in ("success", "ok"):
        return f'{name}="{"False" if capital else "false"}"'
    return f'{name}="{"True" if capital else "true"}"' if name in ("error", "is_error", "failed") else ""


def only(series: Sequence[Mapping[str, str]]) -> str:
    """Give the matcher that keeps requests from being counted twice: a mesh reports both ends of each."""
    ends = {labels.get("reporter") for labels in series}
    return 'reporter="destination"' if {"source", "destination"} <= ends else ""


def alert_name(metric: str, what: str) -> str:
    """Give the name of an alert about `metric`: IstioFailing of istio_requests_total."""
    words = [
        one for one in re.split(r"[_:]+", metric) if one not in ("total", "count", "requests", "seconds", "duration")
    ]
    words = [one for one in words if one not in ("request", "milliseconds", "controller")] or ["Requests"]
    return "".join(one[:1].upper() + one[1:] for one in words) + what
