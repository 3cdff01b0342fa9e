"""What changed before a breach and what to go back to, read from metrics and asked of a registry, within a deadline.

A few requests: the whole lookback coarsely, the last day by the minute, and then the edges. From an answer that is not
whole nothing is proposed. It must not know of incidents; what it gives is theirs to keep.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from monitor.core.incidents.firing import service_of
from monitor.core.model import AlertKey, State, Tier
from monitor.core.releases.release import Availability, Target, What, WhatChanged, image_of, not_read, with_image
from monitor.core.releases.runs import Breach
from monitor.core.releases.targeting import BEFORE, History, Question, what_changed
from monitor.core.rules.ruleset import RuleSet
from monitor.core.rules.service import Releases, Service
from monitor.evaluation.ranges import Deadline
from monitor.ports.metrics import RangeSource
from monitor.ports.store import Recorded, Store
from monitor.ports.world import Missing, Present, Registry
from monitor.procedure.sightings import Asked, NotReadError, Points, Sightings, deployers, moves, questions
from monitor.queries.promql import aggregated

GRID, MINUTE, HOUR = 15, 60, 3600
"""The steps in seconds: of edges in the last day, of the last day and of edges before it, of the whole lookback."""

MOST_MINUTES = 2000
"""How many points the last day may have; where the breach lies far back they stand farther apart."""

MOST_EDGES = 12
"""How many edges of the last day, and of the time before, are looked at closely, the newest first.

The others are known to the minute and to the hour.
"""


NO_REGISTRY = "no registry is configured"
"""Why nobody knows of an image, where asking again would not help."""

MOST_RECORDED = 20_000
"""How many changes of alerts are read from the record, the newest."""


@dataclass(frozen=True, slots=True)
class Look:
    """What is looked at: the times of the present and of the first breach, and what fired for each service."""

    at: int
    breach: int
    breaches: Mapping[str, Sequence[Breach]] = field(default_factory=dict)


class ReleaseWatch:
    """Finds what changed; `registry` gives the registry that knows the images of a releases.yaml, or None."""

    def __init__(self, source: RangeSource, registry: Callable[[Releases], Registry | None]) -> None:
        self._source = source
        self._registry = registry

    def look(self, releases: Releases, look: Look, deadline: Deadline) -> WhatChanged:
        """Give what changed and the target of each service that had a release, with its image. Never raises.

        Metrics take at most half of `deadline`, so that time is left for the registry.
        """
        at, question = look.at, Question(look.breach, releases.proven)
        reading = _Reading(Sightings(self._source, deadline.halfway), releases, look.breach, at)
        try:
            histories = reading.histories()
        except NotReadError as problem:
            return not_read(what_changed(reading.known(), look.breaches, question, at), str(problem))
        found = what_changed(histories, look.breaches, question, at)
        targets = tuple(self._imaged(releases, target, deadline) for target in found.targets)
        return replace(found, targets=self.confirmed(releases, targets, deadline))

    def _imaged(self, releases: Releases, target: Target, deadline: Deadline) -> Target:
        """Give the target with the name of its image."""
        service = releases.service(target.service)
        if not target.version or service is None:
            return target
        if service.image_on is not None:
            return self._seen_image(service, target, deadline)
        image = image_of(service, target.version)
        return with_image(target, image, "" if image else "rules/releases.yaml does not say which image it has")

    def _seen_image(self, service: Service, target: Target, deadline: Deadline) -> Target:
        """Give the target with the image that was seen while it ran alone."""
        if service.image_on is None or target.good_at is None:
            return target
        label, at = service.image_on.label, int(target.good_at.timestamp())
        asked = Asked(service.name, What.RELEASE, aggregated("group", (label,), service.image_on.selector), label)
        try:
            points = Sightings(self._source, deadline.halfway).read((asked,), range(at, at + 1))
        except NotReadError as problem:
            return with_image(target, "", f"its image was not read: {problem}")
        seen = moves(asked, points[asked])
        images = sorted(seen[0][1]) if seen else []
        if len(images) != 1:
            return with_image(target, "", f"{len(images) or 'no'} images were seen while {target.version} ran")
        return with_image(target, images[0])

    def confirmed(self, releases: Releases, targets: Iterable[Target], deadline: Deadline) -> tuple[Target, ...]:
        """Give the targets with what the registry says of their images now. Never raises."""
        registry, every = self._registry(releases), tuple(targets)
        still = range(len(every), 0, -1)  # each has its share of the time that is left
        return tuple(_confirmed(registry, one, deadline.left / count) for one, count in zip(every, still, strict=True))


def _confirmed(registry: Registry | None, target: Target, seconds: float) -> Target:
    if not target.image:
        return target
    if registry is None:
        return replace(target, available=Availability.UNKNOWN, image_why=NO_REGISTRY)
    answer = registry.available(target.image, deadline=seconds)
    if isinstance(answer, Present):
        return replace(target, available=Availability.YES, digest=answer.digest, image_why="")
    if isinstance(answer, Missing):
        return replace(target, available=Availability.NO, digest="", image_why="the registry does not have it")
    return replace(target, available=Availability.UNKNOWN, digest="", image_why=answer.why)


@dataclass(slots=True)
class _Reading:
    """One reading of all services; what was read so far stays, so that it can be told what is missing."""

    sightings: Sightings
    releases: Releases
    breach: int
    at: int
    points: dict[Asked, Points] = field(default_factory=dict)
    rolling: frozenset[str] = frozenset()

    def histories(self) -> tuple[History, ...]:
        """Read everything. Raises `NotReadError` where anything is missing."""
        asked = [one for service in self.releases.services for one in questions(service)]
        begin = min(self.breach, self.at) - BEFORE - HOUR
        step = max(MINUTE, -(-(self.at - begin) // MOST_MINUTES // MINUTE) * MINUTE)
        fine = _back(self.at, begin, step)
        self._read(asked, fine)
        self._read(
            [one for one in asked if one.what is not What.FLAG],
            _back(fine[0] - HOUR, self.at - self.releases.lookback, HOUR),
        )
        self._refine([one for one in asked if one.what is What.RELEASE], fine[0])
        self._replicas()
        return self.known()

    def known(self) -> tuple[History, ...]:
        """Give the histories of what was read."""
        return tuple(self._history(service) for service in self.releases.services)

    def _read(self, asked: Sequence[Asked], times: range) -> None:
        for one, points in self.sightings.read(asked, times).items():
            self.points.setdefault(one, {}).update(points)

    def _refine(self, asked: Sequence[Asked], fine_from: int) -> None:
        """Look closely at where versions changed: to the grid in the last day, to the minute in the newest before."""
        edges: dict[tuple[int, int], list[Asked]] = {}
        for one in asked:
            for edge in _edges(one, self.points.get(one, {})):
                edges.setdefault(edge, []).append(one)
        newest = sorted(edges, reverse=True)
        recent, older = ([edge for edge in newest if (edge[0] >= fine_from) is late] for late in (True, False))
        for begin, end in (*recent[:MOST_EDGES], *older[:MOST_EDGES]):
            step = GRID if begin >= fine_from else MINUTE
            self._read(edges[begin, end], range(begin + step, end, step))

    def _replicas(self) -> None:
        """See which services have fewer updated replicas than they should."""
        pairs = {}
        for service in self.releases.services:
            if service.replicas is not None:
                sums = (aggregated("sum", (), one) for one in (service.replicas.desired, service.replicas.updated))
                pairs[service.name] = tuple(Asked(service.name, What.RELEASE, expr) for expr in sums)
        now = range(self.at, self.at + 1)
        found = self.sightings.read([one for pair in pairs.values() for one in pair], now)
        values = {one: sum(sample.value for sample in points.get(self.at, ())) for one, points in found.items()}
        self.rolling = frozenset(
            name for name, (desired, updated) in pairs.items() if values[updated] < values[desired]
        )

    def _history(self, service: Service) -> History:
        seen = {one.what: (one, self.points.get(one, {})) for one in questions(service)}
        told = {what: moves(*one) for what, one in seen.items()}
        return History(
            service.name,
            self.at,
            versions=told[What.RELEASE],
            migrations=told.get(What.MIGRATION),
            counted=bool(service.migrations and not service.migrations.label),
            flags=told.get(What.FLAG),
            by=deployers(*seen[What.RELEASE]),
            rolling=service.name in self.rolling,
        )


def _back(end: int, start: int, step: int) -> range:
    """Give the times from `start` on that lie whole steps before `end`, and `end`."""
    return range(end - max(0, end - start) // step * step, end + 1, step)


def _edges(asked: Asked, points: Points) -> Iterator[tuple[int, int]]:
    """Give the neighbouring times between which something else was seen than before."""
    at = dict(moves(asked, points))
    for before, after in pairwise(sorted(points)):
        if after in at and after - before > GRID:
            yield before, after


def fired(store: Store, rules: RuleSet, at: int) -> Mapping[str, tuple[Breach, ...]]:
    """Give what fired for each service within the lookback before `at`, from the store's record."""
    return breaches_of(store.transitions(since=at - rules.releases.lookback, most=MOST_RECORDED), rules)


def breaches_of(recorded: Iterable[Recorded], rules: RuleSet) -> Mapping[str, tuple[Breach, ...]]:
    """Give what fired for each service, from the record in the order of time.

    Alerts of rules that are gone, in the shadow or blind say nothing of a version.
    """
    begun: dict[AlertKey, Breach] = {}
    over: list[tuple[AlertKey, Breach]] = []
    for one in recorded:
        if one.shadow or one.key.tier is Tier.BLIND:
            continue
        if one.after is State.FIRING and one.key not in begun:
            begun[one.key] = Breach(one.key.alert, one.at if one.before is State.RECOVERING else one.since)
        elif one.after in (State.RECOVERING, State.INACTIVE) and one.key in begun:
            over.append((one.key, replace(begun.pop(one.key), end=one.at)))
    found: dict[str, list[Breach]] = {}
    for key, breach in (*over, *begun.items()):
        if rule := rules.rule(breach.alert):
            found.setdefault(service_of(rule, key), []).append(breach)
    return {service: tuple(sorted(several, key=lambda one: one.begin)) for service, several in found.items()}
