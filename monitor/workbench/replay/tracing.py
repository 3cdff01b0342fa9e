"""What an alert was judged by, as the rows of a plot. Pure."""

from collections.abc import Sequence

import numpy as np

from monitor.core.model import AlertKey, State, Transition
from monitor.core.replay.outcome import Band, Trace
from monitor.core.rules.signal import unit_of
from monitor.workbench.replay.finding import Span
from monitor.workbench.replay.folding import Folded
from monitor.workbench.replay.history import Floats

MOST = 60
"""Traces of one outcome: more alerts than anybody looks at."""


def traces(folded: Sequence[Folded], span: Span) -> tuple[Trace, ...]:
    """Give the traces of the alerts that did something, then those of others, as many as can be looked at."""
    every = [(one, key) for one in folded for key in one.tracks]
    moved = {move.alert.key for one in folded for move in one.transitions if move.at >= span.begin}
    every.sort(key=lambda one: one[1] not in moved)
    return tuple(_trace(one, key, span) for one, key in every[:MOST])


def _trace(folded: Folded, key: AlertKey, span: Span) -> Trace:
    track, grid = folded.tracks[key], folded.grid
    begin = max(0, grid.index(span.begin))
    times = tuple(grid.times()[begin:])
    return Trace(
        key=key,
        group=folded.group.name,
        unit=unit_of(folded.rule.signal),
        times=times,
        values=_numbers(track.values[begin:]),
        limits=(track.tier.limit,) * len(times),
        clears=(track.tier.clear,) * len(times),
        baselines=_numbers(track.base[begin:]) if track.base is not None else (),
        bands=_bands(folded, key, span),
    )


def _numbers(values: Floats) -> tuple[float | None, ...]:
    found: list[float | None] = values.tolist()
    for index in np.flatnonzero(~np.isfinite(values)).tolist():
        found[index] = None
    return tuple(found)


def _bands(folded: Folded, key: AlertKey, span: Span) -> tuple[Band, ...]:
    moves = [one for one in folded.transitions if one.alert.key == key]
    ends = [one.at for one in moves[1:]] + [span.end] * bool(moves)
    bands = (_band(one, end, span) for one, end in zip(moves, ends, strict=True))
    return tuple(band for band in bands if band.state is not State.INACTIVE and band.end >= span.begin)


def _band(move: Transition, end: int, span: Span) -> Band:
    return Band(move.after, max(move.at, span.begin), end)
