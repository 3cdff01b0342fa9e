"""Which metric tells the running version of each service."""

from collections.abc import Iterator, Mapping, Sequence

from monitor.files.expressions import quoted
from monitor.scaffold import words
from monitor.scaffold.found import Version

_NAMED_BY = ("service_name", "service", "app", "application", "job", "exported_job", "container", "deployment")
"""Labels that may name the service on a version metric."""
_NO_VERSION = frozenset({"", "unknown", "none", "latest"})


def versions(seen: Mapping[str, Sequence[Mapping[str, str]]], services: Sequence[str]) -> Iterator[Version]:
    """Give for each service the first version metric that names it; for services found elsewhere, all that name one."""
    for service in services or _every(seen):
        found = next((one for metric, series in seen.items() if (one := _version(metric, series, service))), None)
        if found is not None:
            yield found


def _every(seen: Mapping[str, Sequence[Mapping[str, str]]]) -> list[str]:
    """Without requests, every job with a version is a service that may be released."""
    named = {
        labels["job"]
        for metric, series in seen.items()
        if metric != "kube_pod_container_info"
        for labels in series
        if labels.get("job")
    }
    return sorted(named)[: words.MOST_SERVICES]


def _version(metric: str, series: Sequence[Mapping[str, str]], service: str) -> Version | None:
    short = service.partition(".")[0].rpartition("/")[2].partition("@")[0]
    for name in _NAMED_BY:
        for value in dict.fromkeys((service, short)):
            mine = [labels for labels in series if labels.get(name) == value]
            label = words.version_label(labels := {key for one in mine for key in one}) if mine else ""
            running = tuple(sorted({one.get(label, "") for one in mine} - _NO_VERSION)) if label and labels else ()
            if running:
                return Version(service, f"{metric}{{{name}={quoted(value)}}}", label, running)
    return None
