"""One plot as a figure for a phone: large type, few ticks, labels at the lines, colours that are apart for everybody.

With `monitor.adapters.plot.png` the only module that imports matplotlib; it uses neither pyplot nor a display.
"""

import math

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from monitor.adapters.plot.ink import (
    ACROSS,
    BANDS,
    BASE,
    BEYOND,
    BOTTOM,
    FAINT,
    FEW,
    INCHES,
    INK,
    LARGE,
    LEFT,
    LETTER,
    MARK_ROW,
    MIDDLE,
    MOST_MARKS,
    OVER,
    RIGHT,
    SMALL,
    SOFT,
    STRIP,
    TOO_LITTLE,
    TOP,
    VALUE,
    paper,
)
from monitor.adapters.plot.scale import Places, Reach, far, height_ticks, numbers, reach, rows_of, said, time_ticks
from monitor.core.model import utc
from monitor.core.pages.plot import Band, BandKind, Limit, Plot, Point


class Drawing:
    """The figure of one plot."""

    def __init__(self, plot: Plot) -> None:
        self._plot = plot
        self._reach: Reach = reach(plot)
        self._seconds = (plot.end - plot.start) * BEYOND
        self.figure = Figure(figsize=INCHES, facecolor="white")
        FigureCanvasAgg(self.figure)
        self._axes: Axes = self.figure.add_axes((LEFT, BOTTOM, RIGHT - LEFT, TOP - BOTTOM))
        self._edge = Places([])
        self._frame()
        self._bands()
        self._baseline()
        self._values()
        self._limits()
        self._marks()
        self._words()

    # --- frame --------------------------------------------------------------------------------------------------------

    def _frame(self) -> None:
        axes, plot, shown = self._axes, self._plot, self._reach
        rows = min(len(plot.marks), MOST_MARKS)
        room = (shown.high - shown.low) * (1 + 0.6 * MARK_ROW * rows)
        axes.set_xlim(plot.start, plot.start + self._seconds)
        axes.set_ylim(shown.low - room * STRIP, shown.low + room)
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)
        axes.spines["bottom"].set_color(SOFT)
        heights = height_ticks(shown)
        axes.set_yticks(heights, [said(one, plot) for one in heights], fontsize=SMALL, color=SOFT)
        times = time_ticks(plot.start, plot.end)
        axes.set_xticks(times, [f"{utc(one):%H:%M}" for one in times], fontsize=SMALL, color=SOFT)
        axes.tick_params(length=0, pad=6)
        axes.grid(axis="y", color=FAINT, linewidth=0.8)
        axes.set_axisbelow(True)
        day = f"UTC\n{utc(plot.end):%d %b}"
        self.figure.text(0.985, BOTTOM - 0.022, day, ha="right", va="top", fontsize=SMALL, color=SOFT, linespacing=1.1)

    def _across(self, at: int) -> float:
        """Give where a time lies, as a share of the width of the axes."""
        return (at - self._plot.start) / self._seconds

    def _words(self) -> None:
        title = self.figure.text(0.02, 0.955, "", ha="left", va="top", fontsize=LARGE, color=INK, fontweight="bold")
        while self._size(title) > MIDDLE and self._width(title, " ".join(self._plot.title.split())) > ACROSS:
            title.set_fontsize(self._size(title) - 0.5)
        self._fitted(title, self._plot.title, ACROSS)
        line = self.figure.text(0.02, 0.868, "", ha="left", va="top", fontsize=SMALL, color=SOFT)
        self._fitted(line, self._plot.subtitle, ACROSS)

    def _fitted(self, shown: Text, words: str, share: float) -> None:
        """Let `shown` say `words`, on one line and cut to a share of the width."""
        words = " ".join(words.split())
        width, length = share * self.figure.bbox.width, len(words)
        while True:
            shown.set_text(words if length >= len(words) else words[:length].rstrip() + "…")
            is_wide = shown.get_window_extent(self.figure.canvas.get_renderer()).width  # type: ignore[attr-defined]
            if is_wide <= width or length <= 1:
                return
            length = min(length - 1, int(length * width / is_wide))

    # --- bands --------------------------------------------------------------------------------------------------------

    def _bands(self) -> None:
        for band in self._plot.bands:
            colour, alpha = BANDS[band.kind]
            self._axes.axvspan(band.begin, band.end, color=colour, alpha=alpha, linewidth=0, zorder=0.5)
            strip = 0.85 if band.kind is not BandKind.BLIND else 0.55
            self._axes.axvspan(band.begin, band.end, 0, STRIP, color=colour, alpha=strip, linewidth=0, zorder=3)
        self._name_bands()

    def _name_bands(self) -> None:
        """Name bands inside the strip, each or a row of neighbours at once; without room, the last ones before it."""
        rows = rows_of(self._plot.bands)
        free = self._plot.start
        for row in rows:
            names = " → ".join(list(dict.fromkeys(one.kind for one in row))[-2:])
            whole, before = Band(row[0].kind, row[0].begin, row[-1].end), Band(row[0].kind, free, row[0].begin)
            fitting = [one for one in row if self._has_room(one, one.kind)]
            if len(fitting) < len(row) and self._has_room(whole, names):
                self._band_name(names, (whole.begin + whole.end) / 2, "center", INK)
            elif len(fitting) < len(row) and row is rows[-1] and self._has_room(before, names):
                self._band_name(f"{names} ", row[0].begin, "right", INK)
            else:
                self._name_each(fitting)
            free = row[-1].end

    def _name_each(self, bands: list[Band]) -> None:
        for one in bands:
            colour = INK if one.kind is BandKind.PENDING else "white"
            self._band_name(one.kind, (one.begin + one.end) / 2, "center", colour)

    def _has_room(self, band: Band, name: str) -> bool:
        return (band.end - band.begin) / self._seconds > LETTER * len(name)

    def _band_name(self, words: str, at: float, align: str, colour: str) -> None:
        shown = self._axes.text(
            at, STRIP / 2, words, transform=self._axes.get_xaxis_transform(), ha=align, va="center_baseline",
            fontsize=SMALL, fontweight="bold", color=colour, zorder=6,
        )  # fmt: skip
        if align == "right":
            shown.set_bbox(paper())

    # --- lines --------------------------------------------------------------------------------------------------------

    def _line(
        self, points: tuple[Point, ...], colour: str, width: float, style: str = "-", zorder: float = 2.0
    ) -> None:
        heights = [math.nan if value is None else value for _, value in points]
        self._axes.plot([at for at, _ in points], heights, style, color=colour, linewidth=width, zorder=zorder)

    def _baseline(self) -> None:
        self._line(self._plot.baseline, BASE, 2.0, zorder=2.5)
        known = numbers(self._plot.baseline)
        if known:
            self._at_edge("baseline", known[-1], BASE, bold=False)

    def _values(self) -> None:
        plot = self._plot
        little = [(at, value) for at, value in plot.unjudged if value is not None]
        self._axes.plot(
            [at for at, _ in little], [value for _, value in little], ".", color=TOO_LITTLE, markersize=4, zorder=2.2
        )
        self._line(plot.values, VALUE, 2.6, zorder=4)
        few = len(numbers(plot.values)) <= FEW
        self._dots(plot.values, VALUE, few=few)
        for limit in plot.limits:
            if limit.paged:
                self._exceeded(limit, few=few)
        if little:
            self._little()
        known = [(at, value) for at, value in plot.values if value is not None]
        if known:
            at, value = known[-1]
            now = "" if at >= plot.end - 2 * plot.step else f"{utc(at):%H:%M}: "
            self._at_edge(f"{now}{said(value, plot, fine=True)}", value, OVER if self._over(at, value) else VALUE)
            if plot.quantity:
                self._at_edge(plot.quantity, value, SOFT, bold=False)
        if self._reach.peak is not None:
            self._peak(self._reach.peak)

    def _little(self) -> None:
        """Say once what the faint dots are."""
        self._axes.text(
            0.01, 1.0, "· grey: too few to judge", transform=self._axes.transAxes, ha="left", va="bottom",
            fontsize=SMALL - 1, color=SOFT, zorder=6,
        )  # fmt: skip

    def _dots(self, points: tuple[Point, ...], colour: str, *, few: bool) -> None:
        """Show readings that stand alone between gaps, and all of them where they are few."""
        values = [value for _, value in points]
        around = [None, *values, None]
        alone = [
            (at, value)
            for number, (at, value) in enumerate(points)
            if value is not None and (few or (around[number] is None and around[number + 2] is None))
        ]
        self._axes.plot([at for at, _ in alone], [one for _, one in alone], "o", color=colour, markersize=5, zorder=4.5)

    def _exceeded(self, limit: Limit, *, few: bool) -> None:
        """Show what is over the limit of the tier that paged, larger and in its own colour."""
        plot = self._plot
        bounds = dict(limit.points)
        over: tuple[Point, ...] = tuple(
            (at, value if value is not None and self._over(at, value) else None) for at, value in plot.values
        )
        heights = [math.nan if value is None else value for _, value in plot.values]
        levels = [math.nan if (bound := bounds.get(at)) is None else bound for at, _ in plot.values]
        where = [value is not None for _, value in over]
        times = [at for at, _ in plot.values]
        self._axes.fill_between(times, heights, levels, where=where, color=OVER, alpha=0.30, linewidth=0, zorder=3.5)
        self._line(over, OVER, 4.2, zorder=5)
        self._dots(over, OVER, few=few)

    def _over(self, at: int, value: float) -> bool:
        for limit in self._plot.limits:
            bound = dict(limit.points).get(at) if limit.paged else None
            if bound is not None:
                return value > bound if limit.above else value < bound
        return False

    def _peak(self, peak: float) -> None:
        """Say how high what is cut off goes."""
        at = max((value, at) for at, value in self._plot.values if value is not None)[1]
        share = self._across(at)
        self._axes.annotate(
            f"↑ {said(peak, self._plot, fine=True)}", (at, self._reach.high), fontsize=MIDDLE, fontweight="bold",
            color=OVER, ha="left" if share < 0.5 else "right", va="top", xytext=(6 if share < 0.5 else -6, 0),  # noqa: PLR2004  # half
            textcoords="offset points", zorder=7, bbox=paper(),
        )  # fmt: skip

    # --- limits and marks ---------------------------------------------------------------------------------------------

    def _limits(self) -> None:
        near = [limit for limit in self._plot.limits if not far(limit, self._reach)]
        taken = Places([])
        for limit in sorted(near, key=lambda one: not one.paged):
            colour = OVER if limit.paged else SOFT
            self._line(limit.points, colour, 1.8 if limit.paged else 1.3, "--", zorder=3.2)
            known = numbers(limit.points)
            if known:
                self._limit_name(limit, known[0], colour, taken)
        beyond = [f"{limit.name} ↑" for limit in self._plot.limits if far(limit, self._reach)]
        if beyond:
            self._axes.text(
                0.995, 1.0, ", ".join(beyond), transform=self._axes.transAxes, ha="right", va="bottom",
                fontsize=SMALL - 1, color=SOFT, zorder=6,
            )  # fmt: skip

    def _limit_name(self, limit: Limit, level: float, colour: str, taken: Places) -> None:
        """Name a limit on its line, at the left, where a breach seldom is."""
        bottom, top = self._axes.get_ylim()
        side = 0.042 if limit.above else -0.042  # where a breach would be: nothing else is there at the left
        place = taken.place((level - bottom) / (top - bottom) + side)
        self._axes.text(
            0.012, place, limit.name, transform=self._axes.transAxes, ha="left", va="center", fontsize=MIDDLE,
            fontweight="bold" if limit.paged else "normal", color=colour, zorder=7, bbox=paper(),
        )  # fmt: skip

    def _marks(self) -> None:
        for row, mark in enumerate(self._plot.marks[-MOST_MARKS:]):
            share = self._across(mark.at)
            if not 0 <= share <= 1:
                continue
            right = share > 0.55  # noqa: PLR2004  # little more than half
            self._axes.axvline(mark.at, 0, 1, color=INK, linewidth=1.2, linestyle=(0, (1, 1.5)), zorder=3)
            words = f"{mark.text} {utc(mark.at):%H:%M}"
            align, place = "right" if right else "left", (share, 0.985 - row * MARK_ROW)
            shown = self._axes.annotate(
                "", place, xycoords="axes fraction", ha=align, va="top", xytext=(-5 if right else 5, 0),
                textcoords="offset points", fontsize=SMALL, color=INK, zorder=8, bbox=paper(),
            )  # fmt: skip
            self._fitted(shown, words, (share if right else 1 - share) * (RIGHT - LEFT) * 0.95)

    def _at_edge(self, words: str, level: float, colour: str, *, bold: bool = True) -> None:
        """Name a line at its end, right of the picture."""
        bottom, top = self._axes.get_ylim()
        place = self._edge.place(min(max((level - bottom) / (top - bottom), 0.0), 1.0))
        shown = self._axes.text(
            1.012, place, "", transform=self._axes.transAxes, ha="left", va="center", color=colour,
            fontsize=LARGE if bold else SMALL, fontweight="bold" if bold else "normal",
        )  # fmt: skip
        room = 0.995 - RIGHT - 0.012 * (RIGHT - LEFT)
        while bold and self._size(shown) > SMALL and self._width(shown, words) > room:
            shown.set_fontsize(self._size(shown) - 1)
        self._fitted(shown, words, room)

    def _size(self, shown: Text) -> float:
        return float(shown.get_fontsize())

    def _width(self, shown: Text, words: str) -> float:
        """Give the share of the width that `words` would take."""
        shown.set_text(words)
        renderer = self.figure.canvas.get_renderer()  # type: ignore[attr-defined]
        return float(shown.get_window_extent(renderer).width / self.figure.bbox.width)
