"""Connections of the HTTP listener, bounded in number and in time: who drips a request a byte at a time is let go.

uvicorn bounds neither how long a request may take to arrive nor how many connections wait for one, and its own limit
answers everybody 503, health too. Here the one that has waited longest makes room. Knows no application.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_WITHIN = 5.0
"""Seconds within which the head of a request must have arrived, after connecting and after each answer."""
WHOLE_WITHIN = 30.0
"""Seconds within which a request must be answered, and the answer taken."""
MOST = 128
"""Connections that are open at the same time."""
MOST_HEAD = 16 * 1024
"""Bytes of a request's head."""


class BoundedProtocol(H11Protocol):
    """One connection. Lives on the event loop's thread."""

    head_within, whole_within, most = HEAD_WITHIN, WHOLE_WITHIN, MOST

    _timer: asyncio.TimerHandle | None = None
    waiting_since: float | None = None
    """Since when (the loop's time) it waits for a request; None while it has one."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Take the connection, letting go of the one that has waited longest where there are too many."""
        super().connection_made(transport)
        self._wait()
        if len(self.connections) > self.most:
            self._make_room()

    def data_received(self, data: bytes) -> None:
        """Take bytes; once they make a request, it has its own time."""
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        """Wait for the next request, unless it is here already."""
        before = self.cycle
        super().on_response_complete()
        if self.cycle is before:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer."""
        self._within(None)
        super().connection_lost(exc)

    def _look(self) -> None:
        if self.waiting_since is not None and self.cycle is not None and not self.cycle.response_complete:
            self.waiting_since = None
            self._within(self.whole_within)

    def _wait(self) -> None:
        """Wait for a request; what is answered and not taken yet has the time of the answer."""
        self.waiting_since = self.loop.time()
        self._within(self.whole_within if self.transport.get_write_buffer_size() else self.head_within)

    def _within(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_later(seconds, self.let_go) if seconds is not None else None

    def let_go(self) -> None:
        """Break the connection, answered or not."""
        self.transport.abort()

    def _make_room(self) -> None:
        """Let go of whoever has waited longest without a request; where all have one, of the newcomer."""
        waiting = [
            one for one in self.connections if isinstance(one, BoundedProtocol) and one.waiting_since is not None
        ]
        longest: Any = min(waiting, key=lambda one: one.waiting_since or 0.0, default=self)
        self.connections.discard(longest)  # at once: it is told of the loss only in the loop's next round
        longest.let_go()
