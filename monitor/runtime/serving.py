"""The event loop in its own thread: the HTTP listener and, where Slack is set, Socket Mode.

Knows ASGI, not what is served.
"""

import asyncio
import socket
import threading
from collections.abc import Callable
from typing import Protocol

import uvicorn
from starlette.applications import Starlette

from monitor.runtime.listening import MOST_HEAD, BoundedProtocol

WIND_DOWN = 2.0
"""Seconds that open connections get at the end."""


class Beside(Protocol):
    """Something that runs on the loop beside the listener until it is told to stop."""

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set."""


class Serving:
    """Serves an application at an address, with something beside it; a thread of its own."""

    def __init__(
        self,
        application: Starlette,
        address: str,
        beside: Beside | None,
        went_round: Callable[[], None] = lambda: None,
        connection: type[BoundedProtocol] = BoundedProtocol,
    ) -> None:
        self._went_round = went_round
        self._address = address
        self._beside = beside
        self._listener: socket.socket | None = None
        config = uvicorn.Config(
            application,
            http=connection,
            ws="none",
            h11_max_incomplete_event_size=MOST_HEAD,
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="serving", daemon=True)
        self._stopping = threading.Event()

    def bind(self) -> str:
        """Bind the listener and give its URL; port 0 takes a free one. Raises OSError."""
        host, _, port = self._address.rpartition(":")
        host = host.strip("[]")
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, int(port)), family=family, backlog=128)
        shown = f"[{host}]" if ":" in host else host
        return f"http://{shown}:{self._listener.getsockname()[1]}"

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def stop(self) -> None:
        """Ask for the end of serving."""
        self._stopping.set()

    def join(self, within: float) -> None:
        """Wait for the end of serving, for at most `within` seconds."""
        self._thread.join(within)

    async def _serve(self) -> None:
        stop = asyncio.Event()
        listener = self._listener
        tasks = [asyncio.create_task(self._server.serve(sockets=[listener] if listener else None))]
        if self._beside is not None:
            tasks.append(asyncio.create_task(self._beside.run(stop)))
        while not self._stopping.is_set():  # the order to stop comes from another thread
            self._went_round()
            await asyncio.sleep(0.1)
        stop.set()
        self._server.should_exit = True
        await asyncio.wait(tasks, timeout=WIND_DOWN)
