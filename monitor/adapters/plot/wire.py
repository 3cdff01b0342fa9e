"""A plot as JSON, for the process that draws it."""

import json
from dataclasses import asdict
from typing import Any

from monitor.core.pages.plot import Band, BandKind, Limit, Mark, Plot, Point
from monitor.core.rules.signal import Unit


def written(plot: Plot) -> bytes:
    """Give `plot` as JSON."""
    return json.dumps(asdict(plot)).encode()


def read(text: bytes) -> Plot:
    """Give the plot that was written. Raises ValueError, KeyError or TypeError for anything else."""
    told: dict[str, Any] = json.loads(text)
    return Plot(
        **{name: told[name] for name in ("title", "subtitle", "start", "end", "step", "quantity")},
        unit=Unit(told["unit"]),
        values=_points(told["values"]),
        unjudged=_points(told["unjudged"]),
        baseline=_points(told["baseline"]),
        limits=tuple(Limit(**{**one, "points": _points(one["points"])}) for one in told["limits"]),
        bands=tuple(Band(BandKind(one["kind"]), one["begin"], one["end"]) for one in told["bands"]),
        marks=tuple(Mark(**one) for one in told["marks"]),
    )


def _points(told: list[list[Any]]) -> tuple[Point, ...]:
    return tuple((at, value) for at, value in told)
