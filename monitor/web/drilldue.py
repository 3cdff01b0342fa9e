"""When the next drill is due, over HTTP; and that a major migration was made. JSON, version 1."""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from monitor.core.drill.cadence import Counted, Standing
from monitor.core.drill.reminding import sentence
from monitor.drills.duty import Duty, NotNoted
from monitor.ports import StoreError
from monitor.web.asking import NAME, WHO, somebody
from monitor.web.timeline import time_of

Body = Callable[[Request], Awaitable[dict[str, Any]]]
"""Reads the body of a trusted request. Raises ValueError with a sentence, PermissionError where nobody is trusted."""

PATH = "/api/v1/drills/due"


def due_routes(duty: Duty | None, body: Body) -> list[Route]:
    """Give the routes, or none where no drills are held. They come before those of a drill by its name."""
    if duty is None:
        return []
    due = _Due(duty, body)
    return [Route(PATH, due.show), Route(PATH, due.migrated, methods=["POST"])]


class _Due:
    def __init__(self, duty: Duty, body: Body) -> None:
        self._duty = duty
        self._body = body

    async def show(self, _request: Request) -> Response:
        return self._json(await run_in_threadpool(self._duty.standing))

    async def migrated(self, request: Request) -> Response:
        try:
            body = await self._body(request)
        except PermissionError as error:
            return _wrong(str(error), 401)
        except ValueError as error:
            return _wrong(f"Not understood: {error}.", 400)
        who, name = str(body.get("as", "")), body.get("after_migration")
        if not NAME.fullmatch(who):
            return _wrong(WHO, 400)
        if not isinstance(name, str):
            return _wrong('Name the migration: {"after_migration": "invoices to their own schema"}.', 400)
        try:
            noted = await run_in_threadpool(self._duty.after_migration, name, somebody(who))
        except StoreError as error:
            return _wrong(f"It could not be written down, so it was not done: {error}", 503)
        return _wrong(noted.sentence, 409) if isinstance(noted, NotNoted) else self._json(noted)

    def _json(self, stands: Standing) -> Response:
        now = self._duty.clock.now()
        told = {"sentence": sentence(stands, now), "mend": self._duty.mend(), "overdue": stands.overdue(now)}
        return _answer({"due": {**due_of(stands), **told}})


def due_of(stands: Standing) -> dict[str, Any]:
    """Give how a team stands."""
    due, cadence = stands.due, stands.cadence
    return {
        "by": due.day.isoformat(),
        "zone": cadence.zone,
        "ends_at": time_of(due.ends(cadence)),
        "why": str(due.why),
        "about": due.about,
        "counted": _counted(stands.counted),
        "known_since": time_of(stands.known_since) if stands.known_since is not None else None,
        "migrations": [{"at": time_of(one.at), "name": one.name} for one in stands.migrations],
    }


def _counted(counted: Counted | None) -> dict[str, Any] | None:
    if counted is None:
        return None
    return {"id": counted.name, "began_at": time_of(counted.began), "ended_at": time_of(counted.ended)}


def _answer(body: dict[str, Any], status: int = 200) -> Response:
    return Response(orjson.dumps({"version": 1, **body}), status, media_type="application/json")


def _wrong(sentence: str, status: int) -> Response:
    return _answer({"error": sentence}, status)
