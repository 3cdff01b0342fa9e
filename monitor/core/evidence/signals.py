"""The signals of an incident as files: one JSON file about all, a CSV and a plot of each. Pure.

The readings are those that were judged, at the grid times of the evaluations; beside them stands what Prometheus
answered, unrounded.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from monitor.core.evidence.plainly import json_file, time_of
from monitor.core.model import AlertKey, Judgement, Labels, utc

NAME = "signals.json"
JUDGED = ("time", "verdict", "value", "limit", "requests", "failures", "baseline_seconds")
"""The columns of every CSV file; those of the raw samples follow."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """A limit of the rule: beyond `limit` for `hold` seconds it fires."""

    tier: str
    above: float | None
    below: float | None
    hold: int
    window: int


@dataclass(frozen=True, slots=True)
class RawSeries:
    """What Prometheus answered for one part of a signal: `labels` beyond those of the instance, value by grid time."""

    part: str
    labels: Labels
    values: Mapping[int, float]

    @property
    def column(self) -> str:
        """The title of its column."""
        inside = ",".join(f'{name}="{value}"' for name, value in self.labels)
        return f"raw {self.part}{{{inside}}}" if inside else f"raw {self.part}"


@dataclass(frozen=True, slots=True)
class SignalRead:
    """One alert of an incident with what was read of its signal, or with the `problem` why nothing was.

    `judged` are its judgements at grid times (None: not answered), `step` seconds apart; `queries` the PromQL by part;
    `picture` its plot as a PNG, or `undrawn` why there is none.
    """

    key: AlertKey
    summary: str = ""
    unit: str = ""
    queries: Labels = ()
    thresholds: tuple[Threshold, ...] = ()
    step: int = 0
    judged: tuple[tuple[int, Judgement | None], ...] = ()
    raw: tuple[RawSeries, ...] = ()
    problem: str = ""
    picture: bytes = b""
    undrawn: str = ""
    snapshots: tuple[Mapping[str, Any], ...] = field(default=())


def files_of(signals: Sequence[SignalRead], note: str = "") -> Mapping[str, bytes]:
    """Give the files of `signals`; `note` says what was left out."""
    files: dict[str, bytes] = {}
    told = []
    for number, one in enumerate(signals, start=1):
        name = file_name(number, one.key)
        table, picture = f"{name}.csv" if one.judged else "", f"{name}.png" if one.picture else ""
        if table:
            files[table] = csv_file(one)
        if picture:
            files[picture] = one.picture
        told.append(_told(one, table, picture))
    return {NAME: json_file({"version": 1, "note": note, "signals": told}), **files}


def file_name(number: int, key: AlertKey) -> str:
    """Give the name of a signal's files, without what comes after the dot."""
    return f"signal-{number:02d}-{re.sub(r'[^A-Za-z0-9]+', '-', f'{key.alert}-{key.tier}').strip('-')[:60]}"


def _told(one: SignalRead, table: str, picture: str) -> dict[str, Any]:
    answered = [judgement for _, judgement in one.judged if judgement is not None]
    return {
        "alert": one.key.alert,
        "labels": dict(one.key.labels),
        "tier": one.key.tier,
        "summary": one.summary,
        "unit": one.unit,
        "queries": dict(one.queries),
        "thresholds": [
            {"tier": t.tier, "above": t.above, "below": t.below, "for_seconds": t.hold, "window_seconds": t.window}
            for t in one.thresholds
        ],
        "from": time_of(utc(one.judged[0][0])) if one.judged else None,
        "to": time_of(utc(one.judged[-1][0])) if one.judged else None,
        "step_seconds": one.step,
        "points": len(one.judged),
        "answered": len(answered),
        "baseline": next((list(each.baseline) for each in reversed(answered) if each.baseline), []),
        "snapshots": list(one.snapshots),
        "csv": table or None,
        "plot": picture or None,
        "problem": one.problem,
        "plot_problem": one.undrawn,
    }


def csv_file(one: SignalRead) -> bytes:
    """Give the readings of a signal: a line a grid time, empty where nothing was read."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*JUDGED, *(series.column for series in one.raw)])
    for at, judgement in one.judged:
        raw = [_number(series.values.get(at)) for series in one.raw]
        writer.writerow([time_of(utc(at)), *_judged(judgement), *raw])
    return out.getvalue().encode()


def _judged(judgement: Judgement | None) -> list[str]:
    if judgement is None:
        return [""] * (len(JUDGED) - 1)
    base = max((one.seconds for one in judgement.baseline if one.seconds is not None), default=None)
    figures = (judgement.value, judgement.limit, judgement.requests, judgement.failures, base)
    return [str(judgement.verdict), *map(_number, figures)]


def _number(value: float | None) -> str:
    return "" if value is None else repr(float(value))


def raw_of(key: AlertKey, part: str, samples: Iterable[tuple[int, Labels, float]]) -> tuple[RawSeries, ...]:
    """Give the series of one part that belong to the instance of `key`."""
    mine = dict(key.labels)
    found: dict[Labels, dict[int, float]] = {}
    for at, labels, value in samples:
        known = dict(labels)
        if all(known.get(name, "") == wanted for name, wanted in mine.items()):
            rest = tuple((name, value) for name, value in labels if name not in mine)
            found.setdefault(rest, {})[at] = value
    return tuple(RawSeries(part, rest, values) for rest, values in sorted(found.items()))
