"""Requests that change something: who may send them, in whose name, and what becomes of one that cannot be taken."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from monitor.core.actor import Actor
from monitor.ports.store import ConflictError, StoreError
from monitor.web.answers import wrong
from monitor.web.asking import NAME, WHO, somebody
from monitor.web.bodies import BodyError, body_of

UNTRUSTED = "Changing something asks for the token: MONITOR_CONSOLE_TOKEN, or the one in the lock file."

Body = dict[str, Any]
Work = Callable[[Actor, Body], Response]
"""Does what a body asks for, in somebody's name; in a thread. Raises StoreError and ConflictError."""


@dataclass(frozen=True, slots=True)
class Changing:
    """Takes such requests, from whoever knows the token; without one nobody is trusted."""

    token: str

    def trusts(self, request: Request) -> bool:
        """Whether a request carries the token."""
        given = request.headers.get("authorization", "").removeprefix("Bearer ").encode()
        return bool(self.token) and hmac.compare_digest(given, self.token.encode())

    async def take(self, request: Request, work: Work) -> Response:
        """Give what `work` answers, or why it was not asked."""
        if not self.trusts(request):
            return wrong(UNTRUSTED, 401)
        try:
            body = await json_of(request)
        except BodyError as error:
            return wrong(f"Not understood: {error.why}.", error.status)
        except ValueError as error:
            return wrong(f"Not understood: {error}.", 400)
        name = str(body.get("as", ""))
        return await written(lambda: work(somebody(name), body)) if NAME.fullmatch(name) else wrong(WHO, 400)


async def written(work: Callable[[], Response]) -> Response:
    """Give what `work` answers, in a thread; where it could not be written down, that it was not done."""
    try:
        return await run_in_threadpool(work)
    except (StoreError, ConflictError) as error:
        return wrong(f"It could not be written down, so it was not done: {error}", 503)


async def json_of(request: Request) -> Body:
    """Give the JSON object of a body; an empty one is none. Raises BodyError, and ValueError where it is no object."""
    body = orjson.loads(await body_of(request) or b"{}")
    if not isinstance(body, dict):
        raise ValueError("the body is no JSON object")  # noqa: TRY004  # it is the request that is wrong
    return body
