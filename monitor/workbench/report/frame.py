"""Where things are drawn: times in per cent of the width, values in pixels of the height, and what all plots share."""

from dataclasses import dataclass

from monitor.core.model import Tier
from monitor.core.replay.reduction import Grid
from monitor.workbench.report.markup import Markup, joined, tag
from monitor.workbench.report.scale import DAY, Scale, time_ticks

TOP = 30
"""Pixels above the values, for the marks of pages and the names of incidents."""
HEIGHT, CLOSE_HEIGHT = 150, 110
"""Pixels of the values: of a whole period, which is as wide as the page, and from close by, half as wide."""
ROW = 15
"""Pixels that a row of states takes."""
TIER_WORDS = {Tier.ROLLBACK: "roll back", Tier.PREPARE: "prepare", Tier.BLIND: "blind"}


@dataclass(frozen=True, slots=True)
class Frame:
    """Where things are drawn: the buckets along the time, the scale of the values, and the pixels of their height."""

    buckets: Grid
    scale: Scale
    height: int

    def x(self, at: float) -> float:
        """Give a time in per cent of the width."""
        share = (at - self.buckets.begin) / (self.buckets.end - self.buckets.begin)
        return min(100.0, max(0.0, share * 100))

    def y(self, value: float) -> float:
        """Give a value in pixels from the top of the picture."""
        return round(TOP + (1 - self.scale.share(value)) * self.height, 1)

    def shows(self, begin: int, end: int) -> bool:
        """Whether anything between the two times is drawn."""
        return begin < self.buckets.end and end >= self.buckets.begin


def time_words(frame: Frame, y: float) -> Markup:
    """Write the times below a plot: days from where they begin, other times around theirs."""
    parts: list[Markup] = []
    ticks = time_ticks(frame.buckets.begin, frame.buckets.end)
    whole_days = all(one.at % DAY == 0 for one in ticks)
    for one in ticks:
        x = frame.x(one.at)
        anchor = "start" if whole_days or x < 4 else "end" if x > 96 else "middle"  # noqa: PLR2004  # words stay inside
        if not (whole_days and x > 94):  # noqa: PLR2004  # there is no room for the last one
            late = whole_days and x > 80  # noqa: PLR2004  # on a phone
            kind = f"time{' minor' if one.minor else ''}{' late' if late else ''}"
            parts.append(tag("text", one.text, x=f"{x:.3f}%", y=y, text_anchor=anchor, class_=kind))
    return joined(parts)
