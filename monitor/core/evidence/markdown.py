"""Markdown that names and notes cannot change: everything that somebody wrote stays text of its own place. Pure."""

import re
from collections.abc import Iterable, Sequence

SPECIAL = re.compile(r"[\\`*\[\]|#~!$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
"""What means something within a line. What means something at its beginning cannot stand there."""

FENCE = re.compile(r"`+")


def text(words: object) -> str:
    """Give `words` as they read, on one line."""
    line = " ".join(str(words).split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return SPECIAL.sub(r"\\\g<0>", line)


def heading(level: int, words: str) -> str:
    """Give a heading."""
    return f"{'#' * level} {text(words)}\n"


def table(titles: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Give a table; an empty cell is a dash."""
    lines = [titles, ["---"] * len(titles), *([text(cell) or "-" for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def items(lines: Iterable[object]) -> str:
    """Give a list."""
    return "".join(f"- {text(line)}\n" for line in lines)


def code(block: str) -> str:
    """Give a block of code, fenced so that nothing in it ends the block."""
    longest = max((len(one) for one in FENCE.findall(block)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}sh\n{block}\n{fence}\n"
