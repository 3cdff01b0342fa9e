"""Which versions of a service were seen when: the version metrics of the rules folder, each grid point read once.

It owns what was read; what a release change is stands in `core.judging.deploy`. It must not know which rule asks, nor
what the present is: changes are a function of the asked time alone, live and in replay.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias

from monitor.core.judging.deploy import Change, Seen, changes
from monitor.core.rules.ruleset import VersionMetric
from monitor.ports.metrics import BadQuery, Partial, RangeSamples, RangeSource, TooMuch, Unanswered
from monitor.queries.promql import version_expression

Failed: TypeAlias = Partial | BadQuery | Unanswered

GRID = 15
"""Versions are looked at every 15 s, whatever the interval of the rule that asks."""
BACK = 24 * 3600
"""How far back a release change is looked for."""
AHEAD = 4 * 3600
"""How far ahead of an asked time is read at once, where later ones are expected to be asked for."""


@dataclass(frozen=True, slots=True)
class _Track:
    """What was seen of one metric at the grid points from `first` to `last`; one like its predecessor is left out."""

    first: int
    last: int
    moves: tuple[Seen, ...] = ()

    def between(self, start: int, end: int) -> tuple[Seen, ...]:
        """Give the moves from `start` to `end`, what was seen at `start` being the first."""
        before = [versions for at, versions in self.moves if at <= start]
        later = (move for move in self.moves if start < move[0] <= end)
        return ((start, before[-1]), *later) if before else tuple(later)


class Deploys:
    """Gives the release changes of services; safe to use from several threads at once.

    A metric is read over 24 h when it is first asked for, and from then on point by point.
    """

    def __init__(self, source: RangeSource) -> None:
        self._source = source
        self._lock = threading.Lock()
        self._tracks: dict[VersionMetric, _Track] = {}
        self._expected = 0

    def expect(self, last: int) -> None:
        """Say that grid times up to `last` can be read and will be asked for, so that one query reads them all."""
        self._expected = max(self._expected, last)

    def changes(
        self, metrics: Sequence[VersionMetric], service: str, at: int, *, deadline: float
    ) -> tuple[Change, ...] | Failed:
        """Give the release changes of `service` in the 24 h up to `at`, in order of their beginning.

        Only the `metrics` of that service are read. A read that fails is given as it came and is not kept.
        """
        end = at // GRID * GRID
        found: list[tuple[Change, ...]] = []
        for metric in (one for one in metrics if one.service == service):
            track = self._track(metric, end, deadline)
            if not isinstance(track, _Track):
                return track
            found.append(changes(service, track.between(end - BACK, end)))
        return tuple(sorted(chain(*found), key=lambda change: (change.begin, change.version)))

    def _track(self, metric: VersionMetric, end: int, deadline: float) -> _Track | Failed:
        """Give what was seen up to `end`, reading on from what is kept where that goes back far enough."""
        with self._lock:
            kept = self._tracks.get(metric)
        start = end - BACK
        if kept is None or not kept.first <= start <= kept.last + GRID:
            kept = _Track(start, start - GRID)
        if kept.last >= end:
            return kept
        end = max(end, min(self._expected // GRID * GRID, end + AHEAD))
        answer = self._source.range(version_expression(metric), kept.last + GRID, end, GRID, deadline=deadline)
        if isinstance(answer, TooMuch):
            return Unanswered(answer.why)
        if not isinstance(answer, RangeSamples):
            return answer
        track = _longer(kept, metric.label, answer, end)
        with self._lock:
            self._tracks[metric] = track
        return track


def _longer(track: _Track, label: str, answer: RangeSamples, end: int) -> _Track:
    """Give `track` with the points up to `end` that were read, without what is older than twice the time looked at."""
    moves = list(track.moves)
    for at in range(track.last + GRID, end + 1, GRID):
        versions = frozenset(dict(sample.labels).get(label, "") for sample in answer.at.get(at, ())) - {""}
        if not moves or moves[-1][1] != versions:
            moves.append((at, versions))
    first = max(track.first, end - 2 * BACK)
    longer = _Track(first, end, tuple(moves))
    return _Track(first, end, longer.between(first, end))
