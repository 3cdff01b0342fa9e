"""Drills over HTTP: reading is open, everything else asks for the token. JSON, version 1."""

from collections.abc import Callable
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from monitor.core.actor import Actor
from monitor.core.drill.log import Drill, DrillEvent
from monitor.core.drill.refusals import OF_A_DRILL
from monitor.core.drill.report import DATA, NAME
from monitor.core.drill.result import Result
from monitor.core.drill.scenario import Scenario
from monitor.core.drill.signing import counts
from monitor.core.evidence.moments import NAMES
from monitor.core.evidence.plainly import time_of as exactly
from monitor.drills.conductor import Asked, Conductor, NoDrill, Outcome
from monitor.web.answers import answer, wrong
from monitor.web.changing import Body, Changing
from monitor.web.timeline import time_of

LONGEST, MOST_PEOPLE = 2000, 50
"""Letters of what somebody writes, and people and groups that take part."""


def drill_routes(conductor: Conductor | None, changing: Changing) -> list[Route]:
    """Give the routes, or none where no drills are held."""
    if conductor is None:
        return []
    drills = _Drills(conductor, changing)
    return [
        Route("/api/v1/drills", drills.every),
        Route("/api/v1/drills", drills.start, methods=["POST"]),
        Route("/api/v1/drills/{id}", drills.one),
        Route("/api/v1/drills/{id}/report", drills.report),
        Route("/api/v1/drills/{id}/{action}", drills.act, methods=["POST"]),
    ]


class _Drills:
    def __init__(self, conductor: Conductor, changing: Changing) -> None:
        self._conductor = conductor
        self._changing = changing

    async def every(self, _request: Request) -> Response:
        drills = await run_in_threadpool(self._conductor.records.drills)
        known = self._conductor.scenarios()
        return answer({"drills": [drill_of(one) for one in drills], "scenarios": [scenario_of(one) for one in known]})

    async def one(self, request: Request) -> Response:
        name = request.path_params["id"].upper()
        found = await run_in_threadpool(self._conductor.records.result, name)
        if found is None:
            return wrong(f"There is no drill {name}.", 404)
        untold = await run_in_threadpool(self._conductor.records.untold, name)
        return answer({"drill": result_of(found) | {"untold": untold}})

    async def report(self, request: Request) -> Response:
        name = request.path_params["id"].upper()
        files = await run_in_threadpool(self._conductor.records.report, name)
        if files is None:
            return wrong(f"There is no drill {name}.", 404)
        return answer({"report": files[NAME].decode(), "result": orjson.loads(files[DATA])})

    async def start(self, request: Request) -> Response:
        return await self._changing.take(request, self._start)

    def _start(self, by: Actor, body: Body) -> Response:
        try:
            asked = _asked(by, body)
        except ValueError as error:
            return wrong(f"Not understood: {error}", 400)
        outcome = self._conductor.start(asked)
        if isinstance(outcome, NoDrill):
            self._conductor.refused("", by, "start", outcome.sentence)
        return _told(outcome)

    async def act(self, request: Request) -> Response:
        name, action = request.path_params["id"].upper(), request.path_params["action"]
        return await self._done(request, lambda by, body: self._acted(name, action, by, body))

    def _acted(self, name: str, action: str, by: Actor, body: Body) -> Outcome:
        """Do something; what is refused of a drill is evidence, as a click is."""
        outcome = self._act(name, action, by, body)
        if isinstance(outcome, NoDrill) and action in OF_A_DRILL:
            self._conductor.refused(name, by, action, outcome.sentence)
        return outcome

    def _act(self, name: str, action: str, by: Actor, body: Body) -> Outcome:
        conductor, words = self._conductor, str(body.get("note", ""))[:LONGEST]
        if action == "sign-off":
            return conductor.sign_off(name, by, words)
        running = conductor.records.running
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

    async def _done(self, request: Request, work: Callable[[Actor, Body], Outcome]) -> Response:
        return await self._changing.take(request, lambda by, body: _told(work(by, body)))


def _told(outcome: Outcome) -> Response:
    return wrong(outcome.sentence, 409) if isinstance(outcome, NoDrill) else answer({"drill": drill_of(outcome)})


def _asked(by: Actor, body: Body) -> Asked:
    """Read what is asked for. Raises ValueError, in a sentence, where it would be another drill than was meant."""
    people, seconds = body.get("participants", []), body.get("recovery_target_s")
    if not isinstance(people, list) or len(people) > MOST_PEOPLE:
        raise ValueError(f"`participants` is a list of up to {MOST_PEOPLE} ids of Slack's.")
    if seconds is not None and type(seconds) is not int:  # true is an int too
        raise ValueError("`recovery_target_s` is a number of whole seconds, such as 900.")
    return Asked(
        scenario=str(body.get("scenario", ""))[:200],
        by=by,
        participants=tuple(dict.fromkeys(str(one) for one in people)),
        hypothesis=str(body.get("hypothesis", ""))[:LONGEST],
        recovery_target=seconds,
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
        "recovery_target_s": started.target,
        "abort_if": list(started.abort_if),
        "channel": started.channel,
        "rehearsal": started.rehearsal,
        "started": _event(started),
        "injected": _event(drill.injected),
        "aborted": _event(drill.aborted),
        "finished": _event(drill.finished),
        "signed": [(_event(one) or {}) | {"counts": counts(drill, one)} for one in drill.signed],
        "signatures_missing": drill.unsigned,
    }


def result_of(found: Result) -> dict[str, Any]:
    """Give a drill with what is known of its clock by now, to the millisecond, and what is missing."""
    moments = {letter: getattr(found.moments, name) for name, (letter, _) in NAMES.items()}
    return drill_of(found.drill) | {
        "result": str(found.proven),
        "moments": {letter: exactly(at) if at is not None else None for letter, at in moments.items()},
        "gaps": list(found.gaps),
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
