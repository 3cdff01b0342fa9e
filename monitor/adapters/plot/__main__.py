"""Draws one plot: JSON on standard input, a PNG on standard output."""

import logging
import os
import sys

NICE = 10
"""Evaluations and pages go first."""

MOST_INPUT = 4_000_000


def main() -> None:
    """Draw what is read; the last line on standard error says what went wrong."""
    os.nice(NICE)
    logging.disable()  # standard error is for what went wrong
    from monitor.adapters.plot.png import png  # noqa: PLC0415  # at lowered priority too
    from monitor.adapters.plot.wire import read  # noqa: PLC0415  # the same

    sys.stdout.buffer.write(png(read(sys.stdin.buffer.read(MOST_INPUT))))


if __name__ == "__main__":
    main()
