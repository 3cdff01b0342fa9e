"""How a picture looks: type, colours, places. Constants only."""

from monitor.core.pages.plot import BandKind

INCHES = (8.0, 4.5)

FONT = ["DejaVu Sans"]
"""Comes with matplotlib."""

SMALL, MIDDLE, LARGE = 11.5, 13.0, 16.5
INK, SOFT, FAINT = "#1b1b1b", "#5c5c5c", "#d9d9d9"
VALUE, OVER, BASE, TOO_LITTLE = "#0072b2", "#d55e00", "#7a7a7a", "#9a9a9a"
"""After Okabe and Ito: blue and vermilion are apart for everybody, also in grey."""

BANDS = {BandKind.PENDING: ("#e69f00", 0.16), BandKind.FIRING: ("#d55e00", 0.16), BandKind.BLIND: ("#000000", 0.10)}
LETTER = 0.014
"""Share of the width that a letter of a band's name takes."""

STRIP = 0.075
"""Share of the height that the named strip of the bands takes."""

BEYOND = 1.02
"""Times the length of what is plotted that the horizontal axis reaches, so that the newest reading stands free."""

LEFT, RIGHT, BOTTOM, TOP = 0.105, 0.875, 0.115, 0.785
ACROSS = 0.965
MOST_MARKS, MARK_ROW = 4, 0.095
FEW = 40
"""Up to so many readings are shown as dots too."""


def paper() -> dict[str, object]:
    """Give the ground of a label that lies on lines."""
    return {"facecolor": "white", "alpha": 0.78, "edgecolor": "none", "pad": 1.2}
