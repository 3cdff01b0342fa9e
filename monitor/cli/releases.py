"""What `doctor` tells of releases.yaml: whether each version is seen, and whether the registry has its image."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from monitor.core.releases.release import What, image_of
from monitor.core.rules.service import Releases, Service
from monitor.evaluation.ranges import Deadline
from monitor.ports.metrics import RangeSource
from monitor.ports.world import Missing, Registry, Unknown
from monitor.procedure.sightings import Asked, NotReadError, Sightings, moves, questions

Finding = tuple[bool | None, str, str]
"""Whether it is well (None: it works, but should be known), what was looked at, and the mend."""

_KINDS = {What.MIGRATION: "migrations", What.FLAG: "flags"}
PATIENCE = 5.0
"""Seconds for everything that is asked of the registry."""


@dataclass(frozen=True, slots=True)
class Means:
    """What is asked, and until when; `registry` None: none is configured."""

    source: RangeSource
    registry: Registry | None
    deadline: Deadline


def findings(releases: Releases, means: Means, at: int) -> Iterator[Finding]:
    """Say per service which version runs and what else is seen of it at `at`, and whether the registry answers.

    A version that is not seen is told by the survey of the rules.
    """
    if not releases.services:
        return
    asked = [one for service in releases.services for one in questions(service)]
    try:
        points = Sightings(means.source, means.deadline).read(asked, range(at, at + 1))
    except NotReadError as problem:
        yield None, f"releases were not looked at: {problem}", "try again when Prometheus has time"
        return
    seen = {one: frozenset().union(*(values for _, values in moves(one, points[one]))) for one in asked}
    for service in releases.services:
        yield from _service(service, seen)
    yield from _registry(releases, means.registry, seen)


def _service(service: Service, seen: Mapping[Asked, frozenset[str]]) -> Iterator[Finding]:
    version, *others = questions(service)
    if not seen[version]:
        return
    parts = [f"version {', '.join(sorted(seen[version]))}"]
    parts += [f"{_KINDS[one.what]} {', '.join(sorted(seen[one]))}" for one in others if seen[one]]
    missing = [_KINDS[one.what] for one in others if not seen[one]]
    mend = f"no series tells its {' and '.join(missing)}; compare releases.yaml with what Prometheus has"
    yield (
        (None, f"releases of {service.name}", mend)
        if missing
        else (
            True,
            f"releases of {service.name}: {'; '.join(parts)}",
            "",
        )
    )


def _registry(releases: Releases, registry: Registry | None, seen: Mapping[Asked, frozenset[str]]) -> Iterator[Finding]:
    """Ask the registry for the images that run now: those are there, unless their names are wrong."""
    named = [one for one in releases.services if one.image or one.image_on]
    if registry is None:
        if named:
            mend = (
                "name it in rules/releases.yaml, or in MONITOR_REGISTRY__URL; until then images are confirmed by hand"
            )
            yield None, "registry: none", mend
        return
    ends = time.monotonic() + PATIENCE
    problem = registry.probe(deadline=PATIENCE)
    if problem:
        yield False, "registry", problem
        return
    images = [image_of(one, version) for one in named for version in sorted(seen[next(questions(one))])]
    answers = {image: registry.available(image, deadline=ends - time.monotonic()) for image in images if image}
    there = len(answers)
    for image, answer in answers.items():
        if isinstance(answer, Missing):
            there -= 1
            yield False, f"registry: {image} runs, and is not there", "is `image` in rules/releases.yaml right?"
        elif isinstance(answer, Unknown):
            there -= 1
            yield False, f"registry: {image}", answer.why
    yield True, f"registry: answers, and has {there} of the {len(answers)} images that run", ""
