"""What metrics tell of services over a stretch of time: versions, schemas, flags; many questions in one request.

It owns how questions are asked together and cut where an answer is too large. It must not know what follows from them.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from monitor.core.judging.deploy import Seen
from monitor.core.model import Sample
from monitor.core.releases.release import What
from monitor.core.rules.service import Service
from monitor.evaluation.ranges import Deadline
from monitor.ports.metrics import RangeSamples, RangeSource, TooMuch
from monitor.queries.promql import aggregated

MARK = "__seen__"
"""The label that tells whose answer a sample is."""

MOST = 40
"""Questions in one request."""

Points = dict[int, tuple[Sample, ...]]
"""What was read at each time."""


class NotReadError(Exception):
    """Something was not read whole; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: PromQL, and the label that answers it (none: the value does); `by` names who deployed."""

    service: str
    what: What
    expr: str
    label: str = ""
    by: str = ""


def questions(service: Service) -> Iterator[Asked]:
    """Give what is asked of one service."""
    version = service.version
    labels = (version.label, service.by) if service.by else (version.label,)
    expr = aggregated("group", labels, version.selector)
    yield Asked(service.name, What.RELEASE, expr, version.label, service.by)
    if migrations := service.migrations:
        by = (migrations.label,) if migrations.label else ()
        expr = aggregated("group" if by else "max", by, migrations.selector)
        yield Asked(service.name, What.MIGRATION, expr, migrations.label)
    if flags := service.flags:
        yield Asked(service.name, What.FLAG, aggregated("max", (flags.label,), flags.selector), flags.label)


@dataclass(frozen=True, slots=True)
class Sightings:
    """Reads questions from `source` within `deadline`."""

    source: RangeSource
    deadline: Deadline

    def read(self, asked: Sequence[Asked], times: range) -> Mapping[Asked, Points]:
        """Give what was read for each question at `times`, as many together as one request takes.

        Raises `NotReadError` where anything is missing.
        """
        found: dict[Asked, Points] = {}
        for start in range(0, len(asked), MOST) if times else ():
            found |= self._chunk(asked[start : start + MOST], times)
        return found

    def _chunk(self, chunk: Sequence[Asked], times: range) -> Mapping[Asked, Points]:
        found: dict[Asked, Points] = {one: {} for one in chunk}
        for at, samples in self._piece(together([one.expr for one in chunk]), times):
            for one in chunk:
                found[one].setdefault(at, ())
            for sample in samples:
                number = dict(sample.labels).get(MARK, "")
                if not number.isdecimal() or int(number) >= len(chunk):
                    raise NotReadError("the answer does not tell apart what was asked together")
                found[chunk[int(number)]][at] += (sample,)
        return found

    def _piece(self, expr: str, times: range) -> Iterator[tuple[int, tuple[Sample, ...]]]:
        """Give the samples of each time; an answer that is too large is asked for in halves."""
        if self.deadline.left <= 0:
            raise NotReadError("there was no time left")
        answer = self.source.range(expr, times[0], times[-1], times.step, deadline=self.deadline.left)
        if isinstance(answer, RangeSamples):
            yield from ((at, answer.at.get(at, ())) for at in times)
        elif isinstance(answer, TooMuch) and len(times) > 1:
            half = len(times) // 2
            yield from self._piece(expr, times[:half])
            yield from self._piece(expr, times[half:])
        else:
            raise NotReadError(answer.why)


def together(exprs: Sequence[str]) -> str:
    """Give one query of all `exprs`, whose samples carry the number of theirs; a balanced tree, as `or` is slow."""
    marked = [f'label_replace({expr}, "{MARK}", "{number}", "", "")' for number, expr in enumerate(exprs)]
    while len(marked) > 1:
        pairs = [marked[at : at + 2] for at in range(0, len(marked), 2)]
        marked = [f"({' or '.join(pair)})" if len(pair) > 1 else pair[0] for pair in pairs]
    return marked[0]


def moves(asked: Asked, points: Mapping[int, Sequence[Sample]]) -> tuple[Seen, ...]:
    """Give what was seen from when on; a time that tells the same as the one before is left out."""
    tell = _TELLING[asked.what]
    found: list[Seen] = []
    for at, samples in sorted(points.items()):
        seen = frozenset(tell(asked, samples)) - {""}
        if not found or found[-1][1] != seen:
            found.append((at, seen))
    return tuple(found)


def _labels(asked: Asked, samples: Iterable[Sample]) -> Iterator[str]:
    return (dict(sample.labels).get(asked.label, "") for sample in samples)


def _schema(asked: Asked, samples: Iterable[Sample]) -> Iterator[str]:
    if asked.label:
        return _labels(asked, samples)
    return (str(int(sample.value)) for sample in samples if math.isfinite(sample.value))


def _flags(asked: Asked, samples: Iterable[Sample]) -> Iterator[str]:
    for sample in samples:
        if flag := dict(sample.labels).get(asked.label, ""):
            yield f"{flag}={({0.0: 'off', 1.0: 'on'}).get(sample.value, f'{sample.value:g}')}"


_TELLING: Mapping[What, Callable[[Asked, Iterable[Sample]], Iterator[str]]] = {
    What.RELEASE: _labels,
    What.MIGRATION: _schema,
    What.FLAG: _flags,
}


def deployers(asked: Asked, points: Mapping[int, Sequence[Sample]]) -> tuple[tuple[str, str], ...]:
    """Give who deployed each version, as the label `by` says; the latest word counts."""
    found: dict[str, str] = {}
    for _, samples in sorted(points.items()) if asked.by else ():
        for sample in samples:
            labels = dict(sample.labels)
            if labels.get(asked.by):
                found[labels.get(asked.label, "")] = labels[asked.by]
    return tuple(sorted(found.items()))
