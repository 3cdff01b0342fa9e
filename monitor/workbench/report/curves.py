"""Rows of buckets as SVG paths and as the text that the read-out of a plot is made from. Pure.

Paths are written in whole steps from point to point (x in buckets, y in tenths of a pixel), which is short.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, pairwise

from monitor.core.replay.reduction import Buckets, Range
from monitor.workbench.report.scale import Scale

TENTHS = 10


def segments(buckets: Buckets) -> Iterator[tuple[int, list[Range]]]:
    """Give the runs of buckets without a gap, each with the number of its first one."""
    position = 0
    for known, run in groupby(buckets, key=lambda one: one is not None):
        found = list(run)
        if known:
            yield position, [one for one in found if one is not None]
        position += len(found)


def height_of(value: float, scale: Scale, height: int) -> int:
    """Give the y of `value` in tenths of a pixel, from the top."""
    return round((1 - scale.share(value)) * height * TENTHS)


def line(buckets: Buckets, scale: Scale, height: int) -> str:
    """Give one line through the highest value of each bucket: for rows that have one value a bucket, such as limits."""
    return "".join(
        _path(first, [height_of(one.high, scale, height) for one in run]) for first, run in segments(buckets)
    )


def envelope(buckets: Buckets, scale: Scale, height: int) -> tuple[str, str]:
    """Give all values as two paths: lines where a bucket has one value, and areas from the lowest to the highest.

    An area goes along the highest of its buckets and back along the lowest.
    """
    lines: list[str] = []
    areas: list[str] = []
    for first, run in segments(buckets):
        tops = [height_of(one.high, scale, height) for one in run]
        floors = [height_of(one.low, scale, height) for one in run]
        if tops == floors:
            lines.append(_path(first, tops))
        else:
            areas.append(_outline(first, tops, floors))
    return "".join(lines), "".join(areas)


def _outline(first: int, tops: Sequence[int], floors: Sequence[int]) -> str:
    if len(tops) == 1:
        return f"M{first} {tops[0]}h1V{floors[0]}h-1z"
    back = list(reversed(floors))
    return f"{_path(first, tops)}V{back[0]}{_steps(back, -1)}z"


def _path(first: int, heights: Sequence[int]) -> str:
    """Give a line through `heights`, one a bucket; a point that stands alone is as wide as its bucket."""
    return f"M{first} {heights[0]}{_steps(heights, 1) if len(heights) > 1 else 'h1'}"


def _steps(heights: Sequence[int], way: int) -> str:
    """Give the steps from the first of `heights` to the last; level ones are made one."""
    parts: list[str] = []
    moves = (after - before for before, after in pairwise(heights))
    for rise, run in groupby(moves):
        count = len(list(run))
        parts.append(f"h{way * count}" if rise == 0 else _slanted(way, rise) * count)
    return "".join(parts)


def _slanted(way: int, rise: int) -> str:
    return f"l{way}{'' if rise < 0 else ' '}{rise}"


def read_out(buckets: Buckets) -> str:
    """Give what the read-out says of each bucket: `low,high`, one number where they are the same, `-` for none.

    `*5` behind one means that five follow each other.
    """
    return " ".join(_counted(one, len(list(run))) for one, run in groupby(map(_written, buckets)))


def _counted(word: str, times: int) -> str:
    return word if times == 1 else f"{word}*{times}"


def _written(one: Range | None) -> str:
    if one is None:
        return "-"
    low, high = _short(one.low), _short(one.high)
    return low if low == high else f"{low},{high}"


def _short(value: float) -> str:
    """Give three digits, without the zero before a point: a report holds tens of thousands of them."""
    text = f"{value:.3g}"
    return text[1:] if text.startswith("0.") else text


def runs_over(buckets: Buckets, top: float) -> Iterable[tuple[int, float]]:
    """Give where the values go beyond `top`: the middle of each such run of buckets, and the highest value in it."""
    position = 0
    for over, run in groupby(buckets, key=lambda one: one is not None and one.high > top):
        found = list(run)
        if over:
            yield position + len(found) // 2, max(one.high for one in found if one is not None)
        position += len(found)
