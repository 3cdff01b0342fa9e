"""Socket Mode: carries clicks from Slack to the dispatcher and acknowledges them once their effect is committed.

Owns the connections: each is watched, and a lost, refused or deaf one is replaced by a new client, with growing pauses.
Slack being down never stands in anybody's way. What a click means is the dispatcher's business.
"""

import asyncio
import math
import random
import time
from collections.abc import Callable
from typing import Any

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from monitor.adapters.slack.answers import quiet_logger, said
from monitor.adapters.slack.client import API_URL
from monitor.adapters.slack.interactions import Answer, Dispatcher

CONNECT_WITHIN = 10.0
ANSWER_WITHIN = 2.5
"""Slack shows the person an error after 3 s without an acknowledgement."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
SETTLED = 15.0
"""Seconds after which a lost connection is replaced at once; one that does not last is not asked for in a hurry."""
WATCH_EVERY = 0.25
PING_EVERY = 5.0
PONG_LATE = 1.5
"""Seconds that a pong may come later than the next ping before the connection counts as deaf."""
DEAF_AFTER = 30.0
"""Seconds without a pong after which open pages say that their buttons are not heard."""
TELL_EVERY = 1.0
DRAIN_WITHIN, CLOSE_WITHIN = 1.0, 0.5

_log = structlog.get_logger(__name__)


class _Connection(SocketModeClient):
    """One client of the SDK that tells when it wants to be replaced, instead of reconnecting by itself.

    The SDK would retry for ever with an address that has expired; a new client asks for a new address.
    """

    def __init__(self, app_token: str, web: AsyncWebClient, ping_every: float) -> None:
        super().__init__(app_token=app_token, web_client=web, logger=quiet_logger(), ping_interval=ping_every)
        self.lost = asyncio.Event()
        self.refreshing = False
        """Whether Slack asked for the replacement: then clicks come through here until the other end closes it."""
        self.ponged_at: float | None = None
        """When (monotonic) the other end last answered a ping; a greeting alone proves nothing."""
        self._pong: float | None = None
        self._heard_at = time.monotonic()
        self.busy: set[asyncio.Task[Any]] = set()

    @property
    def last_ping_pong_time(self) -> float | None:
        """The SDK's own note of the last ping that was answered; at first it is of the first ping, unanswered."""
        return self._noted

    @last_ping_pong_time.setter
    def last_ping_pong_time(self, at: float | None) -> None:
        if at is not None and getattr(self, "_noted", None) is not None:
            self.ponged_at = time.monotonic()
        self._noted = at

    async def connect_to_new_endpoint(self, force: bool = False) -> None:  # noqa: FBT001, FBT002  # the SDK's signature
        """Take note; the owner connects a new client. The SDK forces where Slack has asked for it."""
        self.refreshing = force
        self.lost.set()

    async def is_ping_pong_failing(self) -> bool:
        """Tell whether no pong came in time; on the clock that never jumps, unlike the SDK's own."""
        now = time.monotonic()
        if self.last_ping_pong_time != self._pong:
            self._pong, self._heard_at = self.last_ping_pong_time, now
        return now - self._heard_at > self.ping_interval + PONG_LATE

    async def open(self) -> None:
        """Connect within `CONNECT_WITHIN`, or raise what stood in the way."""
        async with asyncio.timeout(CONNECT_WITHIN):
            answer = await self.web_client.apps_connections_open(app_token=self.app_token)
            self.wss_uri = str(answer["url"])
            self._heard_at = time.monotonic()
            await self.connect()  # type: ignore[no-untyped-call]  # the SDK's coroutine has no hints

    async def is_alive(self) -> bool:
        """Tell whether clicks can come through."""
        return not self.lost.is_set() and await self.is_connected()

    async def shut(self) -> None:
        """Let clicks in flight be acknowledged, then close everything, leaving no task behind."""
        if self.busy:
            await asyncio.wait(self.busy, timeout=DRAIN_WITHIN)
        try:
            async with asyncio.timeout(CLOSE_WITHIN):
                await self.close()  # type: ignore[no-untyped-call]  # the SDK's coroutine has no hints
        except TimeoutError:
            _log.info("slack.socket_left", why="the other end did not say goodbye")
        finally:
            await self._end_tasks()
            await self.aiohttp_client_session.close()

    async def _end_tasks(self) -> None:
        """Cancel what the SDK started and wait until it is over."""
        tasks = [self.message_processor, self.current_session_monitor, self.message_receiver, *self.busy]
        started = [task for task in tasks if task is not None]
        for task in started:
            task.cancel()
        await asyncio.gather(*started, return_exceptions=True)


class SlackSocket:
    """Runs Socket Mode until it is told to stop. `connected` and `failures` may be read from any thread."""

    def __init__(
        self,
        app_token: str,
        bot_token: str,
        dispatcher: Dispatcher,
        *,
        base_url: str = API_URL,
        connections: int = 2,
        ping_every: float = PING_EVERY,
        heard: Callable[[bool], None] | None = None,
        deaf_after: float = DEAF_AFTER,
    ) -> None:
        """Make the transport; two connections, so that the loss of one leaves no gap.

        `heard` is told when clicks can come through, and when for `deaf_after` seconds they could not.
        """
        self._heard = heard
        self._deaf_after = deaf_after
        self._app_token = app_token
        self._doors = {"interactive": dispatcher.dispatch, "slash_commands": dispatcher.command}
        self._ping_every = ping_every
        url = base_url if base_url.endswith("/") else f"{base_url}/"
        self._web = AsyncWebClient(token=bot_token, base_url=url, timeout=5, logger=quiet_logger(), retry_handlers=[])
        self._alive = [False] * connections
        self._ponged_at = -math.inf
        self._told: set[asyncio.Task[None]] = set()
        self.failures = 0
        """Clicks that could not be handled or acknowledged in time."""

    @property
    def connected(self) -> bool:
        """Whether clicks can come through at present."""
        return any(self._alive)

    async def run(self, stop: asyncio.Event) -> None:
        """Stay connected until `stop` is set, then close within about two seconds."""
        await asyncio.gather(self._tell_hearing(stop), *(self._keep(place, stop) for place in range(len(self._alive))))
        if self._told:
            await asyncio.wait(self._told, timeout=DRAIN_WITHIN)
        for task in self._told:
            task.cancel()
        await asyncio.gather(*self._told, return_exceptions=True)

    async def _tell_hearing(self, stop: asyncio.Event) -> None:
        """Tell whether clicks come through: at the first connection, when deaf for long, and when that is over.

        After that first one only pongs count: who greets every new connection and then falls silent is not heard.
        """
        told: bool | None = None
        since = time.monotonic()
        while not stop.is_set() and self._heard is not None:
            now, hears = time.monotonic(), told
            if now - max(since, self._ponged_at) > self._deaf_after:
                hears = False
            elif self.connected and (told is None or self._ponged_at > since):
                hears = True
            if hears is not None and hears is not told and await self._tells(self._heard, hears=hears):
                told = hears
            await _wait(stop, TELL_EVERY)

    async def _tells(self, heard: Callable[[bool], None], *, hears: bool) -> bool:
        """Tell it; False where that failed, and is tried again."""
        try:
            await asyncio.to_thread(heard, hears)
        except Exception as problem:  # noqa: BLE001  # such as a store that cannot be written just now
            _log.warning("slack.hearing_not_told", hears=hears, why=str(problem))
            return False
        return True

    async def _keep(self, place: int, stop: asyncio.Event) -> None:
        """Keep one connection: open, watch, replace, pausing longer while it does not last.

        One that Slack wants to be replaced takes clicks until the next one is open.
        """
        pause = FIRST_PAUSE
        before: _Connection | None = None
        while not stop.is_set():
            connection, began = self._connection(), time.monotonic()
            try:
                opened = await self._opened(connection, stop)
                if opened:
                    await _shut(before)
                    before = None
                    await self._watch(connection, place, stop)
                if opened and connection.refreshing:
                    before = connection
            finally:
                self._alive[place] = False
                if connection is not before:
                    await connection.shut()
            if time.monotonic() - began > SETTLED:
                pause = FIRST_PAUSE
                continue
            await _wait(stop, pause * random.uniform(0.7, 1.3))  # noqa: S311  # spreads the load, hides nothing
            pause = min(pause * 2, LONGEST_PAUSE)
        await _shut(before)

    def _connection(self) -> _Connection:
        """Make a client that hands its envelopes to us."""
        connection = _Connection(self._app_token, self._web, self._ping_every)
        connection.socket_mode_request_listeners.append(self._on_request)
        return connection

    async def _opened(self, connection: _Connection, stop: asyncio.Event) -> bool:
        """Open the connection, unless told to stop first; says what stood in the way."""
        opening, stopping = asyncio.ensure_future(connection.open()), asyncio.ensure_future(stop.wait())
        await asyncio.wait({opening, stopping}, return_when=asyncio.FIRST_COMPLETED)
        for task in (opening, stopping):
            task.cancel()
        ended, _ = await asyncio.gather(opening, stopping, return_exceptions=True)
        if ended is None:
            _log.info("slack.socket_connected")
            return True
        if not isinstance(ended, asyncio.CancelledError):
            _log.warning("slack.socket_not_connected", why=_why(ended))
        return False

    async def _watch(self, connection: _Connection, place: int, stop: asyncio.Event) -> None:
        """Return when the connection is lost or deaf, or `stop` is set."""
        while not stop.is_set():
            self._alive[place] = await connection.is_alive()
            self._ponged_at = max(self._ponged_at, connection.ponged_at or -math.inf)
            if not self._alive[place]:
                _log.info("slack.socket_lost")
                return
            await _wait(stop, WATCH_EVERY)

    async def _on_request(self, connection: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        """Handle one envelope. The SDK swallows what a listener raises, so it is caught and counted here."""
        task = asyncio.current_task()
        if task is not None and isinstance(connection, _Connection):
            connection.busy.add(task)
            task.add_done_callback(connection.busy.discard)
        try:
            await self._handle(connection, request)
        except Exception as problem:  # noqa: BLE001  # the last place that sees it
            self.failures += 1
            _log.exception("slack.envelope_failed", type=request.type, why=_why(problem))

    async def _handle(self, connection: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        """Dispatch in a thread, acknowledge what is committed, then tell the person."""
        began = time.monotonic()
        answer, door = Answer(), self._doors.get(request.type)
        if door is not None:
            async with asyncio.timeout(ANSWER_WITHIN):
                answer = await asyncio.to_thread(door, request.payload, request.envelope_id)
        typed = {"response_type": "ephemeral", "text": answer.ephemeral} if _asked_for(request, answer) else None
        said_back = dict(answer.body) if answer.body else typed
        if answer.taken:
            await connection.send_socket_mode_response(SocketModeResponse(request.envelope_id, said_back))
            took = round((time.monotonic() - began) * 1000)
            _log.info("slack.envelope_acknowledged", type=request.type, took_ms=took)
        if answer.ephemeral and said_back is None:
            task = asyncio.ensure_future(self._tell(answer))
            self._told.add(task)
            task.add_done_callback(self._told.discard)

    async def _tell(self, answer: Answer) -> None:
        """Show the answer to the person who clicked; not tried again, since it is about a moment that has passed."""
        click = answer.click
        if click is None or not click.channel:
            return
        try:
            await self._web.chat_postEphemeral(
                channel=click.channel, user=click.who.user_id, text=answer.ephemeral, thread_ts=click.thread or None
            )
        except (SlackApiError, aiohttp.ClientError, TimeoutError, OSError) as problem:
            _log.warning("slack.answer_not_shown", user=click.who.user_id, why=_why(problem))


async def _shut(connection: _Connection | None) -> None:
    """Shut a connection that has been replaced, where there is one."""
    if connection is not None:
        await connection.shut()


def _asked_for(request: SocketModeRequest, answer: Answer) -> bool:
    """Tell whether the answer goes back with the acknowledgement, as that of a slash command does."""
    return request.type == "slash_commands" and bool(answer.ephemeral)


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    """Wait `seconds`, or until `stop` is set."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return


def _why(problem: object) -> str:
    """Give what stood in the way, without anything that may hold a token or a one-time address."""
    if isinstance(problem, SlackApiError):
        data = problem.response.data if hasattr(problem.response, "data") else None
        error = str(data.get("error", "")) if isinstance(data, dict) else ""
        return said(error) if error and " " not in error else "the answer is not Slack's"
    return "no answer in time" if isinstance(problem, TimeoutError) else type(problem).__name__
