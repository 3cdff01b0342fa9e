"""Looks at a Prometheus for what services export: requests that fail, latencies, probes, versions.

It asks for names first, then for a few series of the likely ones, then for figures of those that are usable.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from monitor.core.model import Sample
from monitor.evaluation.baselines import Baselines
from monitor.ports.metrics import Unanswered
from monitor.scaffold import words
from monitor.scaffold.asking import Asking, Catalogue
from monitor.scaffold.found import Found, Probes, Slowness, Watched
from monitor.scaffold.latencies import slowness
from monitor.scaffold.releases import versions
from monitor.scaffold.traffic import hold_of, paced, requests, window_of

MOST_METRICS, MOST_RULES = 40, 8
"""Likely metrics that are looked at, and those of one kind that rules are made of."""
SERIES = 300
"""Series that are looked at of each: enough to see its labels."""


@dataclass(frozen=True, slots=True)
class Looker:
    """Looks with `asking`; `scraped` are the seconds between two scrapes where nothing tells them better."""

    asking: Asking
    catalogue: Catalogue
    baselines: Baselines
    scraped: float = 15.0

    def look(self, url: str = "", offset: int = 10) -> Found | Unanswered:
        """Give everything that rules can be made of. Never raises."""
        at, left = self.asking.at, self.asking.deadline
        names = self.catalogue.names(at - 3600, at, deadline=left.left)
        if isinstance(names, Unanswered):
            return names
        types = self.catalogue.types(deadline=left.left)
        found = Found(url=url, metrics=len(names), offset=offset)
        found = self._requests(found, words.of_requests(names, types)[:MOST_METRICS])
        if not found.requests:  # no name says so: the values of labels may
            other = self._requests(found, words.of_work(names, types)[:MOST_METRICS])
            found = other if other.requests else found
        found = self._slowness(found, words.of_latency(names)[:MOST_METRICS])
        if not found.slowness:
            found = self._slowness(found, words.of_time(names)[:MOST_METRICS])
        found = replace(found, probes=tuple(self._probes(names)))
        seen = self._series(words.of_versions(names)[:MOST_METRICS])
        found = replace(found, versions=tuple(versions(seen, found.services)))
        return replace(found, problems=tuple(self.asking.problems))

    def _series(self, metrics: Sequence[str]) -> dict[str, list[Mapping[str, str]]]:
        """Give the labels of some series of each metric that has any."""
        read = self.asking.each(f"topk({SERIES}, {metric})" for metric in metrics)
        seen: dict[str, list[Mapping[str, str]]] = {
            metric: [_labels(one) for one in read[f"topk({SERIES}, {metric})"]] for metric in metrics
        }
        return {metric: series for metric, series in seen.items() if series}

    def _requests(self, found: Found, metrics: Sequence[str]) -> Found:
        passed = dict(found.passed_over)
        usable: list[tuple[Watched, str, str]] = []
        families: dict[str, str] = {}
        for metric, series in self._series(metrics).items():
            failing, label = words.failures(series)
            family = _family(metric)
            if not failing and metric.endswith("_count"):
                continue  # of a histogram or summary: it is one of latencies
            if not failing:
                passed[metric] = "no label of it tells which requests failed"
            elif family in families:
                passed[metric] = f"it seems to tell the same as {families[family]}"
            elif len(usable) == MOST_RULES:
                passed[metric] = f"{MOST_RULES} rules are enough to begin with"
            else:
                families[family] = metric
                usable.append((_watched(metric, series), failing, label))
        made = [
            requests(paced(one, self.asking, self.scraped), fails, label, self.asking) for one, fails, label in usable
        ]
        for one in made:
            if not one.watched.services and one.watched.left_out:
                passed[one.watched.metric] = "; ".join(_reasons(one.watched))
        return replace(found, requests=tuple(one for one in made if _judges(one.watched)), passed_over=passed)

    def _slowness(self, found: Found, metrics: Sequence[str]) -> Found:
        passed, families = dict(found.passed_over), dict[str, str]()
        made: list[Slowness] = []
        series = self._series([f"{metric}_count" for metric in metrics])
        for metric in (one for one in metrics if f"{one}_count" in series):
            if _family(metric) in families or len(made) == MOST_RULES:
                passed[metric] = f"it seems to tell the same as {families.get(_family(metric), 'others')}"
                continue
            families[_family(metric)] = metric
            watched = replace(_watched(f"{metric}_count", series[f"{metric}_count"]), metric=metric)
            one = slowness(watched, self.asking, self.baselines, self.scraped)
            if _judges(one.watched):
                made.append(one)
            else:
                passed[metric] = "; ".join(_reasons(one.watched))
        return replace(found, slowness=tuple(made), passed_over=passed)

    def _probes(self, names: Sequence[str]) -> Iterator[Probes]:
        """Give the probes, and `up`, which every Prometheus has."""
        seen = self._series([one for one in ("probe_success", "up") if one in names])
        for metric, series in seen.items():
            watched = paced(_probed(metric, series), self.asking, self.scraped)
            down = [
                _labels(one).get(watched.label, "")
                for one in self.asking.one(f"avg by ({watched.label}) ({metric}) < 0.5")
            ]
            window = window_of(watched, 60)
            yield Probes(watched, tuple(sorted(down)), window, hold_of(window))


def _labels(sample: Sample) -> dict[str, str]:
    return {name: value for name, value in sample.labels if name != "__name__"}


def _family(metric: str) -> str:
    """Give what two metrics of one source share: their first word, or two where the first is a common one."""
    first, _, rest = metric.partition("_")
    return f"{first}_{rest.partition('_')[0]}" if first in ("http", "app", "grpc", "rpc") else first


def _watched(metric: str, series: Sequence[Mapping[str, str]]) -> Watched:
    label = words.service_label(series)
    services = tuple(sorted({labels[label] for labels in series})) if label else ()
    return Watched(metric, label, services, words.only(series))


def _probed(metric: str, series: Sequence[Mapping[str, str]]) -> Watched:
    """A probe is told apart by what it probes, and `up` by its job."""
    label = "job" if metric == "up" else words.probe_label(series)
    return Watched(metric, label, tuple(sorted({labels.get(label, "") for labels in series} - {""})))


def _judges(watched: Watched) -> bool:
    return bool(watched.services) or not watched.label


def _reasons(watched: Watched) -> list[str]:
    return [f"{name}: {why}" for name, why in watched.left_out.items()]
