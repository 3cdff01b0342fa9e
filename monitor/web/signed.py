"""Handlers of requests that are signed over their raw body: read within bounds, handed on as they came."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, TypeAlias

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from monitor.web.bodies import BodyError, body_of


class Reply(Protocol):
    """What goes back."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def body(self) -> Mapping[str, Any] | None:
        """A JSON object, or nothing."""


Take: TypeAlias = Callable[[Mapping[str, str], bytes], Reply]
"""Takes headers and a raw body. Never raises."""


def endpoint(take: Take) -> Callable[[Request], Awaitable[Response]]:
    """Give the handler that hands requests to `take`."""

    async def handler(request: Request) -> Response:
        try:
            body = await body_of(request)
        except BodyError as error:
            return _answer({"error": error.why}, error.status)
        reply = await run_in_threadpool(take, dict(request.headers), body)
        return _answer(reply.body, reply.status)

    return handler


def _answer(body: Mapping[str, Any] | None, status: int) -> Response:
    if body is None:
        return Response(status_code=status)
    return Response(orjson.dumps(dict(body)), status, media_type="application/json")
