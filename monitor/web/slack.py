"""Where Slack's signed requests arrive: `/slack/interactions` and `/slack/commands`.

Reads a bounded body and hands it on raw, as it was signed. Who may ask for what is decided behind the door.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from monitor.web.bodies import BodyError, body_of


class Reply(Protocol):
    """What goes back."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def body(self) -> Mapping[str, Any] | None:
        """A JSON object, or nothing."""


class Door(Protocol):
    """Takes raw requests. Never raises."""

    def interaction(self, headers: Mapping[str, str], body: bytes) -> Reply:
        """Take a press of a button, or a form."""

    def command(self, headers: Mapping[str, str], body: bytes) -> Reply:
        """Take a slash command."""


def slack_routes(door: Door | None) -> list[Route]:
    """Give the routes, or none where no signing secret is set."""
    if door is None:
        return []
    return [
        Route("/slack/interactions", _endpoint(door.interaction), methods=["POST"]),
        Route("/slack/commands", _endpoint(door.command), methods=["POST"]),
    ]


def _endpoint(take: Callable[[Mapping[str, str], bytes], Reply]) -> Callable[[Request], object]:
    async def endpoint(request: Request) -> Response:
        try:
            body = await body_of(request)
        except BodyError as error:
            return _answer({"error": error.why}, error.status)
        reply = await run_in_threadpool(take, dict(request.headers), body)
        return _answer(reply.body, reply.status)

    return endpoint


def _answer(body: Mapping[str, Any] | None, status: int) -> Response:
    if body is None:
        return Response(status_code=status)
    return Response(orjson.dumps(dict(body)), status, media_type="application/json")
