"""When the next drill is due, over HTTP; and that a major migration was made. JSON, version 1."""

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from monitor.core.actor import Actor
from monitor.core.drill.cadence import Counted, Standing
from monitor.core.drill.reminding import sentence
from monitor.drills.duty import Duty, NotNoted
from monitor.web.answers import answer, wrong
from monitor.web.changing import Body, Changing
from monitor.web.timeline import time_of

PATH = "/api/v1/drills/due"


def due_routes(duty: Duty | None, changing: Changing) -> list[Route]:
    """Give the routes, or none where no drills are held. They come before those of a drill by its name."""
    if duty is None:
        return []
    due = _Due(duty, changing)
    return [Route(PATH, due.show), Route(PATH, due.migrated, methods=["POST"])]


class _Due:
    def __init__(self, duty: Duty, changing: Changing) -> None:
        self._duty = duty
        self._changing = changing

    async def show(self, _request: Request) -> Response:
        return self._told(await run_in_threadpool(self._duty.standing))

    async def migrated(self, request: Request) -> Response:
        return await self._changing.take(request, self._migrated)

    def _migrated(self, by: Actor, body: Body) -> Response:
        name = body.get("after_migration")
        if not isinstance(name, str):
            return wrong('Name the migration: {"after_migration": "invoices to their own schema"}.', 400)
        noted = self._duty.after_migration(name, by)
        return wrong(noted.sentence, 409) if isinstance(noted, NotNoted) else self._told(noted)

    def _told(self, stands: Standing) -> Response:
        now = self._duty.clock.now()
        told = {"sentence": sentence(stands, now), "mend": self._duty.mend(), "overdue": stands.overdue(now)}
        return answer({"due": {**due_of(stands), **told}})


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
