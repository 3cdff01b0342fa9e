"""How long the first posts of an incident wait for what changed before it, so that a woken person reads it at once.

Edits notify nobody: what the first post does not say is not on the lock screen. It is a bounded wait in memory: after a
restart nothing waits. It must not know what is waited for, nor what is posted.
"""

import threading
from collections.abc import Callable

MOST = 0.9
"""Seconds that a page is held back at most, whatever hangs."""


class HeadStart:
    """Holds the posts of new incidents back for a moment. Thread-safe; `ring` wakes whoever posts."""

    def __init__(self, monotonic: Callable[[], float], ring: Callable[[], None]) -> None:
        self._monotonic, self._ring = monotonic, ring
        self._until: dict[str, float] = {}
        self._lock = threading.Lock()

    def begin(self, incident: str) -> None:
        """Hold the posts of `incident` back, for `MOST` seconds from now."""
        with self._lock:
            self._until[incident] = self._monotonic() + MOST

    def over(self, incident: str) -> None:
        """Let the posts of `incident` go: what they waited for is known, or will not come in time."""
        with self._lock:
            known = self._until.pop(incident, None)
        if known is not None:
            self._ring()

    def left(self, incident: str) -> float:
        """Give the seconds for which posts of `incident` are still held back, 0 where they are not."""
        with self._lock:
            until = self._until.get(incident)
            if until is None:
                return 0.0
            left = until - self._monotonic()
            if left <= 0:
                del self._until[incident]
            return max(0.0, left)
