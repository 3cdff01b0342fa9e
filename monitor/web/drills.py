"""Drills over HTTP: reading is open, everything else asks for the token. JSON, version 1."""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from monitor.core.drill.log import Drill, DrillEvent
from monitor.core.drill.report import DATA, NAME
from monitor.core.drill.scenario import Scenario
from monitor.drills.conductor import Asked, Conductor, NoDrill, Outcome
from monitor.ports import ConflictError, StoreError
from monitor.web.asking import NAME as CALLED
from monitor.web.asking import WHO, somebody
from monitor.web.timeline import time_of

Body = Callable[[Request], Awaitable[dict[str, Any]]]
"""Reads the body of a trusted request. Raises ValueError with a sentence, PermissionError where nobody is trusted."""

LONGEST = 2000


def drill_routes(conductor: Conductor | None, body: Body) -> list[Route]:
    """Give the routes, or none where no drills are held."""
    if conductor is None:
        return []
    drills = _Drills(conductor, body)
    return [
        Route("/api/v1/drills", drills.every),
        Route("/api/v1/drills", drills.start, methods=["POST"]),
        Route("/api/v1/drills/{id}", drills.one),
        Route("/api/v1/drills/{id}/report", drills.report),
        Route("/api/v1/drills/{id}/{action}", drills.act, methods=["POST"]),
    ]


class _Drills:
    def __init__(self, conductor: Conductor, body: Body) -> None:
        self._conductor = conductor
        self._body = body

    async def every(self, _request: Request) -> Response:
        drills = await run_in_threadpool(self._conductor.drills)
        known = self._conductor.scenarios()
        return _json({"drills": [drill_of(one) for one in drills], "scenarios": [scenario_of(one) for one in known]})

    async def one(self, request: Request) -> Response:
        name = request.path_params["id"].upper()
        drills = await run_in_threadpool(self._conductor.drills)
        found = next((one for one in drills if one.id == name), None)
        return _json({"drill": drill_of(found)}) if found is not None else _wrong(f"There is no drill {name}.", 404)

    async def report(self, request: Request) -> Response:
        name = request.path_params["id"].upper()
        files = await run_in_threadpool(self._conductor.report, name)
        if files is None:
            return _wrong(f"There is no drill {name}.", 404)
        return _json({"report": files[NAME].decode(), "result": orjson.loads(files[DATA])})

    async def start(self, request: Request) -> Response:
        return await self._done(request, lambda who, body: self._conductor.start(_asked(who, body)))

    async def act(self, request: Request) -> Response:
        name, action = request.path_params["id"].upper(), request.path_params["action"]
        return await self._done(request, lambda who, body: self._act(name, action, who, body))

    def _act(self, name: str, action: str, who: str, body: dict[str, Any]) -> Outcome:
        conductor, by, words = self._conductor, somebody(who), str(body.get("note", ""))[:LONGEST]
        if action == "sign-off":
            return conductor.sign_off(name, by, words)
        running = conductor.running
        if running is None or running.id != name:
            return NoDrill(f"{name} does not run.")
        match action:
            case "inject":
                return conductor.inject(by, words)
            case "abort":
                return conductor.abort(by, words)
            case "finish":
                return conductor.finish(by)
            case _:
                return NoDrill(f"There is no {action[:40]!r}; there are inject, abort, finish and sign-off.")

    async def _done(self, request: Request, work: Callable[[str, dict[str, Any]], Outcome]) -> Response:
        try:
            body = await self._body(request)
        except PermissionError as error:
            return _wrong(str(error), 401)
        except ValueError as error:
            return _wrong(f"Not understood: {error}.", 400)
        who = str(body.get("as", ""))
        if not CALLED.fullmatch(who):
            return _wrong(WHO, 400)
        try:
            outcome = await run_in_threadpool(work, who, body)
        except (StoreError, ConflictError) as error:
            return _wrong(f"It could not be written down, so it was not done: {error}", 503)
        return _wrong(outcome.sentence, 409) if isinstance(outcome, NoDrill) else _json({"drill": drill_of(outcome)})


def _asked(who: str, body: dict[str, Any]) -> Asked:
    people, seconds = body.get("participants", []), body.get("recovery_target_s")
    return Asked(
        scenario=str(body.get("scenario", ""))[:200],
        by=somebody(who),
        participants=tuple(str(one)[:50] for one in people[:50]) if isinstance(people, list) else (),
        hypothesis=str(body.get("hypothesis", ""))[:LONGEST],
        recovery_target=seconds if isinstance(seconds, int) and seconds > 0 else None,
        rehearsal=body.get("rehearsal") is True,
    )


def drill_of(drill: Drill) -> dict[str, Any]:
    """Give a drill."""
    started = drill.started
    return {
        "id": drill.id,
        "stage": str(drill.stage),
        "scenario": started.scenario,
        "title": started.title,
        "kind": str(started.drill_kind),
        "hypothesis": started.hypothesis,
        "participants": list(started.participants),
        "recovery_target_s": started.seconds,
        "abort_if": list(started.abort_if),
        "channel": started.channel,
        "rehearsal": started.rehearsal,
        "started": _event(started),
        "injected": _event(drill.injected),
        "aborted": _event(drill.aborted),
        "finished": _event(drill.finished),
        "signed": [_event(one) for one in drill.signed],
    }


def _event(event: DrillEvent | None) -> dict[str, Any] | None:
    if event is None:
        return None
    said = {name: getattr(event, name) for name in ("reason", "incident", "note") if getattr(event, name, "")}
    return {"at": time_of(event.at), "by": event.by.name, "verified": event.by.verified, **said}


def scenario_of(scenario: Scenario) -> dict[str, Any]:
    """Give a scenario that could be begun."""
    return {
        "name": scenario.name,
        "title": scenario.title,
        "kind": str(scenario.kind),
        "trigger": str(scenario.trigger),
        "alert": scenario.alert,
        "hypothesis": scenario.hypothesis,
        "inject": scenario.inject,
        "mend": scenario.mend,
    }


def _json(body: dict[str, Any], status: int = 200) -> Response:
    return Response(orjson.dumps({"version": 1, **body}), status, media_type="application/json")


def _wrong(sentence: str, status: int) -> Response:
    return _json({"error": sentence}, status)
