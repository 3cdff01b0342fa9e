"""How far reading is, on stderr: one line that moves on a terminal, a line now and then elsewhere."""

import sys
import time
from collections.abc import Callable
from typing import TextIO

from monitor.core.words import lasted_seconds, plain
from monitor.workbench.replay.history import Progress

EVERY, QUIET = 0.2, 2.0
"""Seconds between two looks of a line that moves, and before the first."""
PLAINLY_EVERY = 15.0


class Shown:
    """Shows progress on a stream, by default on stderr."""

    def __init__(self, stream: TextIO | None = None, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._stream = stream or sys.stderr
        self._terminal = self._stream.isatty()
        self._began = monotonic()
        self._last = self._began
        self._drawn = False
        self._told = ""

    def __call__(self, progress: Progress) -> None:
        """Show how far it is, unless that was done just now."""
        now = self._monotonic()
        if progress.why and progress.why != self._told:
            self._told = progress.why
            self._say(f"a part was not read: {progress.why}")
        every = (EVERY if self._drawn else QUIET) if self._terminal else PLAINLY_EVERY
        if now - self._last < every:
            return
        self._last = now
        self._draw(_words(progress, now - self._began))

    def say(self, text: str) -> None:
        """Say something on a line of its own."""
        self._say(text)

    def done(self) -> None:
        """Leave the terminal as it was."""
        if self._drawn:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._drawn = False

    def _draw(self, text: str) -> None:
        if self._terminal:
            self._stream.write(f"\r\x1b[K{text[:79]}")
            self._drawn = True
        else:
            self._stream.write(f"{text}\n")
        self._stream.flush()

    def _say(self, text: str) -> None:
        self.done()
        self._stream.write(f"{plain(text)}\n")
        self._stream.flush()


def _words(progress: Progress, seconds: float) -> str:
    share = progress.done / max(1, progress.of)
    left = lasted_seconds(seconds / share - seconds) if share else "?"
    troubles = f", {progress.troubles} not read" if progress.troubles else ""
    return f"reading history: {share:4.0%}, {left} left{troubles}  (Ctrl-C: what is there by then)"
