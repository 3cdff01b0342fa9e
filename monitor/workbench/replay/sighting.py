"""What a rule's data leave unwatched, and when the lookout must hear of it. Pure.

A lookout measures how long something has not been seen. It is told of every point at which something comes into or
goes out of sight, and asked when it has been out of sight for long enough; nothing happens between.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from monitor.core.judging.judge import nothing
from monitor.core.judging.point import NO_CONDITION, within_limit
from monitor.core.model import AlertKey, Judgement, Labels, State, Verdict
from monitor.core.rules.rule import Rule
from monitor.core.rules.signal import Query
from monitor.evaluation.lookout import Look
from monitor.workbench.replay.folding import Folded
from monitor.workbench.replay.history import Flags, runs
from monitor.workbench.replay.tracks import Track
from monitor.workbench.replay.verdicts import CODES, Code

_VERDICTS = {code: verdict for verdict, code in CODES.items()}
NOT_SEEN = (Code.NO_DATA, Code.ERROR, Code.WRONG, Code.ABSENT)


@dataclass(slots=True)
class Sighting:
    """One rule whose data are away for long enough to be told.

    `points` are the grid indices at which the lookout must hear of it, `asked` those at which it may then say so.
    """

    folded: Folded
    active: Mapping[AlertKey, Flags]
    points: list[int] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)
    stretches: list[tuple[int, int]] = field(default_factory=list)

    def away(self, late: int) -> list[tuple[int, int]]:
        """Give from when to when something is away for long, up to `late` seconds after it is back."""
        grid = self.folded.grid
        return [(grid.time(max(0, begin - 1)), grid.time(end) + late) for begin, end in self.stretches]

    def between(self, begin: int, end: int) -> list[int]:
        """Give the times of `points` from `begin` to `end`."""
        return [at for index in self.points if begin <= (at := self.folded.grid.time(index)) <= end]

    def asked_between(self, begin: int, end: int) -> list[int]:
        """Give the times of `asked` from `begin` to `end`."""
        return [at for index in self.asked if begin <= (at := self.folded.grid.time(index)) <= end]

    def look(self, index: int) -> Look:
        """Give what the engine would tell of the rule at a grid index, or at the last one before it that was read."""
        folded = self.folded
        for hole in reversed(folded.unread):
            if hole.begin <= index < hole.end:
                index = max(0, hole.begin - 1)
        for hole in folded.wrong:
            if hole.begin <= index < hole.end:
                return Look(folded.rule, error=hole.why, active=self._active(index))
        found = {
            key: Judgement(_VERDICTS[Code(int(track.codes[index]))], why=_why(folded.rule, track, index))
            for key, track in folded.tracks.items()
            if Code.ABSENT < track.codes[index] < Code.WRONG
        }
        seen = {key.labels for key, one in found.items() if one.verdict is not Verdict.NO_DATA}
        active = self._active(index)
        _, left_out = within_limit(found, active, folded.group.limit)
        return Look(folded.rule, instances=len(seen), judgements=found, active=active, left_out=left_out)

    def _active(self, index: int) -> tuple[AlertKey, ...]:
        return tuple(key for key, flags in self.active.items() if flags[index])


def _why(rule: Rule, track: Track, index: int) -> str:
    """Give why there is nothing to judge by, in the daemon's words."""
    if track.codes[index] != Code.NO_DATA:
        return ""
    value = float(track.values[index])
    if math.isfinite(value) and rule.requires is not None:
        return NO_CONDITION
    return nothing(value if isinstance(rule.signal, Query) else None)  # of others it may be that there was no number


def sighting(folded: Folded) -> Sighting | None:
    """Give what must be looked at, or None where everything was in sight, or never away for long enough."""
    if folded.rule.shadow or not folded.grid.count:
        return None
    active = _active_flags(folded)
    points: set[int] = set()
    asked: set[int] = set()
    stretches: set[tuple[int, int]] = set()
    for flags in _out_of_sight(folded, active):
        for begin, end in _long(folded, flags):
            stretches.add((begin, end))
            # what was seen before is away since its last point; what is held to having data only now, since this one
            told = (folded.grid.index(folded.grid.time(at) + folded.group.blind_after) for at in (begin - 1, begin))
            asked |= {min(index, folded.grid.count - 1) for index in (*told, end)}
    if not asked:
        return None
    for flags in (*_out_of_sight(folded, active), *active.values()):
        edges = np.flatnonzero(np.diff(flags.astype(np.int8)))
        points |= {0, *edges.tolist(), *(edges + 1).tolist()}
    return Sighting(folded, active, sorted(points | asked), sorted(asked), sorted(stretches))


def _long(folded: Folded, flags: Flags) -> Iterator[tuple[int, int]]:
    """Give the stretches out of sight that are long enough to be told; the last point in sight counts from."""
    step = folded.grid.step
    for begin, end in runs(flags):
        if (end - max(0, begin - 1) - 1) * step >= folded.group.blind_after:
            yield begin, end


def _out_of_sight(folded: Folded, active: Mapping[AlertKey, Flags]) -> Iterable[Flags]:
    """Give when the rule as a whole, each instance that is held to having data, and those beyond the limit are away.

    A point that was not read says nothing: what was in sight before it counts as in sight, and the other way round.
    """
    count = folded.grid.count
    unread, instances = np.zeros(count, dtype=bool), np.zeros(count, dtype=np.int64)
    for hole in folded.unread:
        unread[hole.begin : hole.end] = True
    seen: dict[Labels, Flags] = {}
    for key, track in folded.tracks.items():
        here = ~np.isin(track.codes, (Code.NO_DATA, Code.ABSENT, Code.WRONG, Code.UNREAD))
        seen[key.labels] = seen.get(key.labels, here) | here
    for one in seen.values():
        instances += one
    if not folded.rule.optional or folded.wrong:
        nothing = instances == 0
        if folded.rule.optional:
            nothing &= _wrong(folded)
        yield _carried_on(nothing, unread)
    for key, flags in active.items():
        if key.labels and key in folded.tracks:
            away = np.isin(folded.tracks[key].codes, NOT_SEEN) & flags
            yield _carried_on(away, unread) & flags
    if len(seen) > folded.group.limit:
        yield _carried_on(instances > folded.group.limit, unread)


def _wrong(folded: Folded) -> Flags:
    found = np.zeros(folded.grid.count, dtype=bool)
    for hole in folded.wrong:
        found[hole.begin : hole.end] = True
    return found


def _carried_on(flags: Flags, unread: Flags) -> Flags:
    """Give `flags` with what was last read in place of what was not."""
    if not unread.any():
        return flags
    places = np.where(unread, -1, np.arange(len(flags)))
    last = np.maximum.accumulate(places)
    found: Flags = np.where(last >= 0, flags[np.maximum(last, 0)], False)  # noqa: FBT003  # numpy's order of arguments
    return found


def _active_flags(folded: Folded) -> dict[AlertKey, Flags]:
    """Give when each alert is held to having data: while it pends or fires, and always where it is expected."""
    rule, grid = folded.rule, folded.grid
    expected = {AlertKey(rule.alert, labels, tier.tier) for labels in rule.expect for tier in rule.tiers_of(labels)}
    found = {key: np.full(grid.count, key in expected) for key in {*expected, *(_moved(folded))}}
    for one in folded.transitions:
        if one.alert.key not in expected:
            found[one.alert.key][grid.index(one.at) :] = one.after is not State.INACTIVE
    return found


def _moved(folded: Folded) -> set[AlertKey]:
    return {one.alert.key for one in folded.transitions}
