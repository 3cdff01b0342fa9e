"""A headless Chromium with one page, driven over its DevTools protocol: pictures, a pointer, complaints."""

import asyncio
import base64
import contextlib
import itertools
import subprocess
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
)


class Page:
    """The one page of a browser. `complaints` are what the browser had to say against it so far."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self._loaded = False

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401  # the protocol's JSON
        """Call a method of the protocol; what the page tells meanwhile is noted."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        while True:
            told = await self._socket.receive_json()
            if told.get("id") == number:
                assert "error" not in told, told
                found: dict[str, Any] = told["result"]
                return found
            self._note(told)

    def _note(self, told: dict[str, Any]) -> None:
        match told.get("method"):
            case "Log.entryAdded":
                self.complaints.append(told["params"]["entry"]["text"])
            case "Runtime.exceptionThrown":
                self.complaints.append(str(told["params"]["exceptionDetails"]))
            case "Network.requestWillBeSent":
                self.requests.append(told["params"]["request"]["url"])
            case "Page.loadEventFired":
                self._loaded = True

    async def open(self, address: str) -> None:
        """Load a file, and wait until it is there."""
        for domain in ("Page", "Runtime", "Log", "Network"):
            await self.call(f"{domain}.enable")
        await self.call("Page.navigate", url=address)
        while not self._loaded:
            self._note(await self._socket.receive_json())

    async def size(self, width: int, height: int, *, dark: bool = False, phone: bool = False) -> None:
        """Look at the page through a window of this size."""
        scale = 2 if phone else 1
        await self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=phone
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.call("Emulation.setEmulatedMedia", features=[scheme])

    async def evaluate(self, expression: str) -> Any:  # noqa: ANN401  # whatever the page answers
        """Give what an expression is in the page."""
        found = await self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    async def point(self, x: float, y: float) -> None:
        """Move the pointer."""
        await self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    async def picture(self, clip: dict[str, float] | None = None) -> bytes:
        """Take a picture of all that the window shows, or of a part (x, y, width, height) of the whole page."""
        part = {"clip": {**clip, "scale": 1}, "captureBeyondViewport": True} if clip else {}
        found = await self.call("Page.captureScreenshot", format="png", **part)
        return base64.b64decode(found["data"])


def start(folder: str) -> "subprocess.Popen[bytes]":
    """Start the browser with a profile of its own."""
    command = ["chromium", *FLAGS, f"--user-data-dir={folder}", "about:blank"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def end(process: "subprocess.Popen[bytes]") -> None:
    """End the browser."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.asynccontextmanager
async def browser() -> AsyncIterator[Page]:
    """Start Chromium with an empty page, and end it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        process = start(folder)
        try:
            port = await _port(Path(folder) / "DevToolsActivePort")
            async with aiohttp.ClientSession(trust_env=False) as session:
                address = await _address(session, port)
                async with session.ws_connect(address, max_msg_size=0) as socket:
                    yield Page(socket)
        finally:
            end(process)


async def _port(told: Path) -> int:
    while not (port := _written(told)):  # noqa: ASYNC110  # another process writes the file
        await asyncio.sleep(0.02)
    return port


def _written(told: Path) -> int:
    """The port that the browser wrote down, once it did; 0 before."""
    words = told.read_text() if told.exists() else ""
    return int(words.split("\n")[0]) if "\n" in words else 0


async def _address(session: aiohttp.ClientSession, port: int) -> str:
    while True:
        async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
            pages = [one for one in await answer.json() if one["type"] == "page"]
        if pages:
            return str(pages[0]["webSocketDebuggerUrl"])
        await asyncio.sleep(0.02)
