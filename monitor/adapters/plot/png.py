"""A figure as the bytes of a PNG that is light enough for a phone."""

import io
import warnings
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from PIL import Image

from monitor.adapters.plot.draw import Drawing
from monitor.adapters.plot.ink import FONT, MIDDLE
from monitor.core.pages.plot import MOST_BYTES, Plot

DOTS = (150, 100)
"""Dots an inch: 1200 x 675, sharp on a phone; where that becomes too large a file, 800 x 450."""

COLOURS = (96, 48, 24)
"""Colours of the file: lines, bands and letters need few, and each one costs bytes."""

LOOK: dict[str, Any] = {
    "font.sans-serif": FONT,
    "font.family": "sans-serif",
    "font.size": MIDDLE,
    "text.parse_math": False,
}


def png(plot: Plot) -> bytes:
    """Give `plot` as a PNG of at most `MOST_BYTES`. Raises ValueError where it has nothing to show."""
    if plot.empty:
        raise ValueError("there is no reading to draw")
    with warnings.catch_warnings(action="ignore"), mpl.rc_context(LOOK):  # type: ignore[arg-type]  # some letters are in no font
        figure = Drawing(plot).figure
        for dots in DOTS:
            image = _image(figure, dots)
            for colours in COLOURS:
                found = _compressed(image, colours)
                if len(found) <= MOST_BYTES:
                    return found
    return found


def _image(figure: Figure, dots: int) -> Image.Image:
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=dots)
    return Image.open(drawn).convert("RGB")


def _compressed(image: Image.Image, colours: int) -> bytes:
    written = io.BytesIO()
    fewer = image.quantize(colours, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    fewer.save(written, "PNG", optimize=True)
    return written.getvalue()
