"""A strict Slack of our own on loopback: Web API, Socket Mode and fingers to click with; it refuses what Slack refuses.

    with SlackServer() as slack:
        ...  # run the program with slack.url, slack.bot_token, slack.app_token, channel slack.channel
        message = slack.wait_for_message(slack.channel)
        clicked = slack.click("U0ANA", message, "acknowledge")
        assert clicked.acked

Faults: `slack.fault("chat.postMessage", OK, lost_reply())` passes the first call and loses the second's reply;
`slack.down()` and `slack.up()` are an outage on the same port, `slack.sick = answers(503)` one in which it answers;
`slack.drop_sockets()` and `slack.ask_to_refresh()` end connections, `slack.frozen` lets them fall silent and
`slack.hangs_up` ends them at once. What people see is in `messages`, `thread`, `message(ts).shown` and `told`; what was
refused, and why, in `refused`.
It must not know what is being tested.
"""

import asyncio
import contextlib
import hashlib
import hmac
import json
import secrets
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Self, TypeVar
from urllib.parse import urlencode

from aiohttp import WSMsgType, web

from tests.servers.slack_rules import Json, buttons_of, options_of
from tests.servers.slack_workspace import APP, NEEDED, SCOPES, TEAM, Stored, Workspace

__all__ = ["NEEDED", "OK", "SCOPES", "Clicked", "Fault", "SlackServer", "Stored"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with one call. `accepted`: the effect happens all the same, only the answer is lost."""

    status: int = 0
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    accepted: bool = False
    hang: float = 0.0
    drip: float = 0.0
    content_type: str = "application/json"


OK = None
"""A call that passes, in a list of faults."""


def error(name: str) -> Fault:
    """Give Slack's `ok: false` with an error."""
    return Fault(status=200, body=json.dumps({"ok": False, "error": name}))


def rate_limited(retry_after: str = "1") -> Fault:
    """Give a 429 with `Retry-After`."""
    body = json.dumps({"ok": False, "error": "ratelimited"})
    return Fault(status=429, body=body, headers={"Retry-After": retry_after})


def answers(status: int, body: str = "", content_type: str = "text/html") -> Fault:
    """Give an answer that is not Slack's."""
    return Fault(status=status, body=body, content_type=content_type)


def lost_reply() -> Fault:
    """Do what was asked, then break the connection."""
    return Fault(accepted=True)


def broken() -> Fault:
    """Break the connection and do nothing."""
    return Fault()


def drips(seconds: float) -> Fault:
    """Answer a byte at a time for so many seconds, then break the connection."""
    return Fault(drip=seconds)


def hangs(seconds: float, *, accepted: bool = False) -> Fault:
    """Keep the caller waiting, then break the connection."""
    return Fault(hang=seconds, accepted=accepted)


@dataclass(frozen=True, slots=True)
class Call:
    """One request that reached the server."""

    method: str
    args: Json
    at: float


@dataclass(frozen=True, slots=True)
class Clicked:
    """What became of a click: whether it was acknowledged within Slack's limit, and after how many seconds."""

    envelope: str
    acked: bool
    seconds: float
    payload: Json


class SlackServer(Workspace):
    """A workspace that answers on loopback, for the length of a `with` block."""

    def __init__(self, *, scopes: tuple[str, ...] = SCOPES, posts_a_second: int | None = None) -> None:
        """Make the server; nothing listens before the block begins."""
        super().__init__(scopes=scopes, posts_a_second=posts_a_second)
        self.bot_token, self.app_token = f"xoxb-{secrets.token_hex(8)}", f"xapp-{secrets.token_hex(8)}"
        self.signing_secret = secrets.token_hex(16)
        self.calls: list[Call] = []
        self.refused: list[str] = []
        self.sockets: list[web.WebSocketResponse] = []
        self.frozen, self.hangs_up = False, False
        self.sick: Fault | None = None
        self.acks: dict[str, Json] = {}
        self._acks: dict[str, threading.Event] = defaultdict(threading.Event)
        self._faults: dict[str, list[Fault | None]] = defaultdict(list)

    # --- running ----------------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self._held = socket.socket()
        self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._held.bind(("127.0.0.1", 0))  # never listens: while the server is down nobody else gets its port
        self.port = self._held.getsockname()[1]
        self.up()
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread.is_alive():
            self.down()
        self._held.close()

    @property
    def url(self) -> str:
        """The address of the Web API, for MONITOR_SLACK__API_URL."""
        return f"http://127.0.0.1:{self.port}/api/"

    def up(self) -> None:
        """Start to answer; after `down`, on the same port with the same messages."""
        started: threading.Event = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(started)), daemon=True)
        self._thread.start()
        assert started.wait(10), "the Slack server did not start"

    def down(self) -> None:
        """Stop to answer: connections break, new ones are refused."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    async def _serve(self, started: threading.Event) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        app = web.Application(client_max_size=1 << 20)
        app.router.add_route("*", "/api/{method}", self._on_call)
        app.router.add_post("/upload/v1/{file}", self._on_upload)
        app.router.add_get("/link", self._on_socket)
        app.router.add_post("/response/{token}", self._on_response)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = runner.addresses[0][1]
        started.set()
        await self._stop.wait()
        _abort_all(list(self.sockets))
        await runner.cleanup()
        self.sockets.clear()

    # --- what goes wrong --------------------------------------------------------------------------------------------

    def fault(self, method: str, *faults: Fault | None) -> None:
        """Let the next calls of `method` go wrong, one each, in order; `OK` lets one pass."""
        with self._lock:
            self._faults[method].extend(faults)

    def drop_sockets(self) -> None:
        """Break every Socket Mode connection without a goodbye."""
        self._loop.call_soon_threadsafe(_abort_all, list(self.sockets))

    def ask_to_refresh(self) -> None:
        """Tell every connection that it will be closed and should be replaced."""
        self._send_all({"type": "disconnect", "reason": "refresh_requested", "debug_info": {}})

    def _send_all(self, message: Json) -> None:
        async def send() -> None:
            for one in list(self.sockets):
                await one.send_json(message)

        asyncio.run_coroutine_threadsafe(send(), self._loop).result(5)

    # --- what was asked, and fingers to click with ------------------------------------------------------------------

    def clear(self) -> None:
        """Forget messages, calls and faults, and open every channel and scope again, for the next test."""
        super().clear()
        with self._lock:
            self._faults.clear()
            self.calls.clear()
            self.refused.clear()

    def made(self, method: str) -> list[Call]:
        """Give the calls of `method` that reached the server."""
        with self._lock:
            return [one for one in self.calls if one.method == method]

    def wait_for_message(self, channel: str | None = None, *, within: float = 10) -> Stored:
        """Give the newest message of a channel, waiting for the first."""
        return wait(lambda: self.messages(channel), within, "a message")[-1]

    def wait_for_words(self, user: str, *, within: float = 3) -> str:
        """Give the newest words that only `user` was told, waiting for them."""
        return str(wait(lambda: [one for one in self.told if one["user"] == user], within, "an answer")[-1]["text"])

    def wait_connected(self, count: int = 1, *, within: float = 10) -> None:
        """Wait until `count` Socket Mode connections are open."""
        wait(lambda: len(self.sockets) >= count, within, f"{count} Socket Mode connections")

    def click(self, user: str, message: Stored, action_id: str, **changes: Any) -> Clicked:  # noqa: ANN401  # any payload field
        """Press a button as `user` and wait up to 3 s for the acknowledgement; `changes` replace payload fields."""
        now = self.message(message.ts)
        return self.send_payload(self.payload(user, now, pressed(now, action_id)) | changes)

    def payload(self, user: str, message: Stored, button: Json) -> Json:
        """Give the `block_actions` payload of a click, as Slack sends it; `button` is one, or what `pressed` gives."""
        container = {"type": "message", "message_ts": message.ts, "channel_id": message.channel, "is_ephemeral": False}
        at = f"{time.time():.3f}{next(self._numbers):03d}"
        names = ("action_id", "value", "text", "style", "selected_option")
        action = {"type": "button"} | {key: button[key] for key in names if key in button}
        action |= {"type": "overflow"} if "selected_option" in button else {}
        return {
            "type": "block_actions",
            "user": {"id": user, "username": self.users.get(user, user), "name": user.lower(), "team_id": TEAM},
            "api_app_id": APP,
            "token": "deprecated",
            "container": container,
            "trigger_id": self.trigger(user),
            "team": {"id": TEAM, "domain": "example"},
            "enterprise": None,
            "is_enterprise_install": False,
            "channel": {"id": message.channel, "name": "ops"},
            "message": message.as_json(with_metadata=False),
            "response_url": self.url.replace("/api/", f"/response/{user}"),
            "actions": [action | {"block_id": "b1", "action_ts": at}],
        }

    def wait_for_view(self, user: str, *, within: float = 5) -> Json:
        """Give the form that was opened for `user` last, waiting for the first."""
        return wait(lambda: list(self.views.get(user, ())), within, f"a form for {user}")[-1]

    def submission(self, user: str, view: Json, words: Mapping[str, str]) -> Json:
        """Give the `view_submission` payload of `view` with its fields filled in, as Slack sends it."""
        fields = {one["block_id"]: one["element"] for one in view["blocks"] if one["type"] == "input"}
        assert set(words) <= set(fields), f"the form has {sorted(fields)}"
        return {
            "type": "view_submission",
            "team": {"id": TEAM, "domain": "example"},
            "user": {"id": user, "username": self.users.get(user, user), "name": user.lower(), "team_id": TEAM},
            "api_app_id": APP,
            "token": "deprecated",
            "trigger_id": self.trigger(user),
            "view": view | {"state": {"values": {name: _filled(one, words.get(name)) for name, one in fields.items()}}},
            "response_urls": [],
            "is_enterprise_install": False,
            "enterprise": None,
        }

    def submit(self, user: str, view: Json, words: Mapping[str, str]) -> Clicked:
        """Send a form over Socket Mode; what came back with the acknowledgement stands in `acks`."""
        return self.send_payload(self.submission(user, view, words))

    def send_payload(self, payload: Json, *, envelope: str = "", kind: str = "interactive") -> Clicked:
        """Send an envelope over one of the connections and wait up to 3 s for its acknowledgement."""
        self.wait_connected()
        envelope = envelope or secrets.token_hex(8)
        message = {"envelope_id": envelope, "type": kind, "accepts_response_payload": False, "payload": payload}
        ack = self._acks[envelope]
        socket = self.sockets[next(self._numbers) % len(self.sockets)]
        began = time.monotonic()
        asyncio.run_coroutine_threadsafe(socket.send_json(message), self._loop).result(5)
        acked = ack.wait(3)
        return Clicked(envelope, acked, time.monotonic() - began, payload)

    def sign(self, body: bytes, at: int) -> dict[str, str]:
        """Give the headers with which Slack signs an HTTP request."""
        digest = hmac.new(self.signing_secret.encode(), b"v0:%d:" % at + body, hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": str(at), "X-Slack-Signature": f"v0={digest}"}

    def form(self, fields: Mapping[str, str], at: int | None = None) -> tuple[bytes, dict[str, str]]:
        """Give body and headers of a signed form, as Slack posts it."""
        body = urlencode(fields).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return body, headers | self.sign(body, int(time.time()) if at is None else at)

    # --- the wire ---------------------------------------------------------------------------------------------------

    async def _on_call(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        args = dict(request.query)
        if request.content_type == "application/json":
            args |= json.loads(await request.text() or "{}")
        else:
            args |= {key: str(value) for key, value in (await request.post()).items()}
        with self._lock:
            self.calls.append(Call(method, args, time.monotonic()))
            faults = self._faults[method]
            fault = self.sick or (faults.pop(0) if faults else OK)
        if fault is None:
            return self._answer(request, method, args)
        if fault.accepted:
            self._answer(request, method, args)
        if fault.status:
            return web.Response(
                status=fault.status, text=fault.body, headers=fault.headers, content_type=fault.content_type
            )
        if fault.drip:
            await _drip(request, fault.drip)
        await asyncio.sleep(fault.hang)
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    def _answer(self, request: web.Request, method: str, args: Json) -> web.Response:
        """Check who asks, do it, and give the answer."""
        wanted = self.app_token if method == "apps.connections.open" else self.bot_token
        known = request.headers.get("Authorization") == f"Bearer {wanted}"
        told = self.do(method, args) if known else {"ok": False, "error": "invalid_auth"}
        if not told["ok"]:
            self.refused.append(f"{method}: {told['error']} {told.get('why', '')}".strip())
        limited = told.get("error") == "ratelimited"
        headers = {"X-OAuth-Scopes": ",".join(sorted(self.scopes))} | ({"Retry-After": "1"} if limited else {})
        return web.json_response(told, status=429 if limited else 200, headers=headers)

    async def _on_upload(self, request: web.Request) -> web.Response:
        """Take the bytes of a file; the token has no business here."""
        content = await request.read()
        with self._lock:
            args = {"file": request.match_info["file"], "token": request.headers.get("Authorization", "")}
            self.calls.append(Call("upload", args, time.monotonic()))
            faults = self._faults["upload"]
            fault = faults.pop(0) if faults else OK
        if fault is not None:
            await asyncio.sleep(fault.hang)
            if fault.status:
                return web.Response(status=fault.status, text=fault.body)
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        status = self.bring(request.match_info["file"], content)
        if status != HTTPStatus.OK:
            self.refused.append(f"upload: HTTP {status}")
        return web.Response(status=status, text=f"OK - {len(content)}")

    async def _on_response(self, request: web.Request) -> web.Response:
        said = await request.json()
        self.told.append({"user": request.match_info["token"], "text": said.get("text", ""), "by": "response_url"})
        return web.Response(text="ok")

    async def _on_socket(self, request: web.Request) -> web.StreamResponse:
        ticket = request.query.get("ticket", "")
        if ticket not in self.tickets:
            return web.Response(status=403)
        self.tickets.discard(ticket)
        socket = web.WebSocketResponse(autoping=False, autoclose=False, timeout=0.1)
        await socket.prepare(request)
        await socket.send_json({"type": "hello", "num_connections": len(self.sockets) + 1})
        self.sockets.append(socket)
        try:
            if self.hangs_up:
                await socket.close()
            async for message in socket:
                if message.type is WSMsgType.PING and not self.frozen:
                    await socket.pong(message.data)
                elif message.type is WSMsgType.TEXT:
                    ack = json.loads(message.data)
                    self.acks[ack.get("envelope_id", "")] = ack
                    self._acks[ack.get("envelope_id", "")].set()
            if self.frozen:
                await self._stop.wait()
            await socket.close()
        finally:
            with contextlib.suppress(ValueError):
                self.sockets.remove(socket)
        return socket


def pressed(message: Stored, action_id: str) -> Json:
    """Give the button of `message` with this action id, or the menu with the option of this kind chosen."""
    found = [one for one in buttons_of(message.blocks) if one["action_id"] == action_id]
    if found:
        return found[0]
    chosen = [one for one in options_of(message.blocks) if one[1]["value"].partition("|")[0] == action_id]
    assert chosen, f"{action_id!r} is not on the message: {message.buttons}, behind ⋯ {message.options}"
    menu, option = chosen[0]
    return {"action_id": menu["action_id"], "selected_option": option}


def _filled(element: Json, words: str | None) -> Json:
    """Give the state of a form's field with `words` in it (None: as it was opened)."""
    kind = element["type"]
    if kind == "multi_users_select":
        state: Json = {"selected_users": words.split(",") if words else []}
    elif kind in {"radio_buttons", "static_select"}:
        chosen = next((one for one in element["options"] if one["value"] == words), element.get("initial_option"))
        state = {"selected_option": chosen}
    else:
        state = {"value": words if words is not None else element.get("initial_value")}
    return {element["action_id"]: {"type": kind} | state}


async def _drip(request: web.Request, seconds: float) -> None:
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(int(seconds * 20)):
        await response.write(b" ")
        await asyncio.sleep(0.05)


def _abort_all(sockets: list[web.WebSocketResponse]) -> None:
    """Break connections without a goodbye."""
    for one in sockets:
        request = one._req
        if request is not None and request.transport is not None:
            request.transport.abort()


def wait(look: Callable[[], T], within: float, what: str) -> T:
    """Give the first truthy thing that `look` finds; fails with words after `within` seconds."""
    until = time.monotonic() + within
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < until, f"{what} did not come within {within} s"
        time.sleep(0.01)
