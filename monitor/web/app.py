"""The one HTTP listener. Reading is open (it binds to loopback by default); changing anything asks for a bearer token.

Handlers run in threads, since commands and the store are synchronous. They know commands and the store, nothing of
Slack.
"""

import hmac
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

import orjson
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from monitor.core.gate import GateAnswer
from monitor.core.incident import Incident
from monitor.drills.conductor import Conductor
from monitor.drills.duty import Duty
from monitor.people.commands import Commands, Done
from monitor.people.requesting import NotDone
from monitor.people.requesting import Request as Asked
from monitor.people.silencing import Outcome as Silenced
from monitor.people.silencing import Refused
from monitor.ports import ConflictError, Store, StoreError
from monitor.ruleset.rulesfolder import Outcome, Standing
from monitor.survey import Doubt
from monitor.web import prometheus, silences
from monitor.web.asking import NAME, WHO, WordsError, request_of, somebody
from monitor.web.bodies import BodyError, body_of
from monitor.web.deploys import deploy_routes
from monitor.web.drilldue import due_routes
from monitor.web.drills import drill_routes
from monitor.web.evidence import evidence_routes
from monitor.web.guard import Guard
from monitor.web.pagerduty import Hooks, pagerduty_routes
from monitor.web.rules import report_of, standing_of, state_of, transition_of
from monitor.web.shapes import incident_after, incident_in_full, incident_in_short, told_of
from monitor.web.slack import Door, slack_routes


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the daemon does its work; `trouble` says in a sentence why not."""

    ok: bool
    trouble: str = ""


UNTRUSTED = "Changing something asks for the token: MONITOR_CONSOLE_TOKEN, or the one in the lock file."


class Acted(Protocol):
    """Where an incident is kept, and who acts on it."""

    @property
    def store(self) -> Store:
        """The store that has it."""

    @property
    def commands(self) -> Commands:
        """Who carries out what is asked of it."""


@dataclass(frozen=True, slots=True)
class Inside:
    """What the application shows and moves."""

    store: Store
    commands: Commands
    registry: CollectorRegistry
    token: str
    healthy: Callable[[], Health]
    ready: Callable[[], Health]
    reload: Callable[[], Outcome]
    standing: Callable[[], Standing]
    gauges: Callable[[], None]
    view: Callable[[], prometheus.View]
    doubts: Callable[[], Sequence[Doubt]] = tuple
    slack: Door | None = None
    gate: Callable[[str, str, str], GateAnswer] | None = None
    pagerduty: Hooks | None = None
    evidence: Callable[[str], Mapping[str, bytes] | None] | None = None
    side: Callable[[str], Acted] | None = None
    drills: Conductor | None = None
    duty: Duty | None = None

    def acted(self, incident: str) -> Acted:
        """Give where an incident is kept, and who acts on it."""
        return self.side(incident) if self.side is not None else self


def application(inside: Inside) -> Starlette:
    """Give the ASGI application."""
    pages = _Pages(inside)
    return Starlette(
        routes=[
            Route("/-/healthy", pages.healthy),
            Route("/-/ready", pages.ready),
            Route("/-/reload", pages.reload, methods=["POST"]),
            Route("/metrics", pages.metrics),
            Route("/api/v1/reload", pages.standing),
            Route("/api/v1/rules", pages.rules),
            Route("/api/v1/alerts", pages.alerts),
            Route("/api/v1/states", pages.states),
            Route("/api/v1/transitions", pages.transitions),
            Route("/api/v1/silences", pages.silences),
            Route("/api/v1/silences", pages.silence, methods=["POST"]),
            Route("/api/v1/silences/{id:int}/expire", pages.expire, methods=["POST"]),
            Route("/api/v1/incidents", pages.incidents),
            Route("/api/v1/incidents/{id}", pages.incident),
            *evidence_routes(inside.evidence),
            Route("/api/v1/incidents/{id}/{action}", pages.act, methods=["POST"]),
            *slack_routes(inside.slack),
            *deploy_routes(inside.gate),
            *pagerduty_routes(inside.pagerduty),
            *due_routes(inside.duty, pages.body),
            *drill_routes(inside.drills, pages.body),
        ],
        middleware=[Middleware(Guard)],
        exception_handlers={StoreError: _unusable},
    )


def _json(body: object, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")


def _wrong(sentence: str, status: int) -> Response:
    return _json({"version": 1, "error": sentence}, status)


async def _unusable(_request: Request, error: Exception) -> Response:
    return _wrong(str(error), 503)


class _Pages:
    def __init__(self, inside: Inside) -> None:
        self._inside = inside

    async def healthy(self, _request: Request) -> Response:
        return _health(self._inside.healthy())

    async def ready(self, _request: Request) -> Response:
        return _health(self._inside.ready())

    async def metrics(self, _request: Request) -> Response:
        with suppress(StoreError):  # the counters that tell of it must be seen just then
            await run_in_threadpool(self._inside.gauges)
        return Response(generate_latest(self._inside.registry), media_type=CONTENT_TYPE_LATEST)

    async def reload(self, request: Request) -> Response:
        if not self._trusted(request):
            return _untrusted()
        outcome = await run_in_threadpool(self._inside.reload)
        if outcome.report is None:
            problems = {"error": "; ".join(outcome.problems), "problems": outcome.problems}
            return _json({"version": 1, "reloaded": False, **problems}, 422)
        return _json({"version": 1, "reloaded": True, **report_of(outcome.report)})

    async def standing(self, _request: Request) -> Response:
        return _json({"version": 1, **standing_of(self._inside.standing(), self._inside.doubts())})

    async def rules(self, request: Request) -> Response:
        view = await run_in_threadpool(self._inside.view)
        return _json(prometheus.rules(view, request.query_params.get("type", "")))

    async def alerts(self, _request: Request) -> Response:
        return _json(prometheus.alerts(await run_in_threadpool(self._inside.view)))

    async def states(self, _request: Request) -> Response:
        view = await run_in_threadpool(self._inside.view)
        found = sorted(view.states.values(), key=lambda one: one.name)
        return _json({"version": 1, "rules": view.book.rules.digest, "states": [state_of(one) for one in found]})

    async def transitions(self, request: Request) -> Response:
        alert = request.query_params.get("alert", "")
        found = await run_in_threadpool(self._inside.store.transitions, alert)
        return _json({"version": 1, "transitions": [transition_of(one) for one in found]})

    async def incidents(self, _request: Request) -> Response:
        found = await run_in_threadpool(self._inside.store.incidents)
        return _json({"version": 1, "incidents": [incident_in_short(one) for one in found]})

    async def incident(self, request: Request) -> Response:
        name = request.path_params["id"]
        store = self._inside.acted(name).store
        found = await run_in_threadpool(store.incident, name)
        if found is None:
            return _wrong(f"There is no incident {name}.", 404)
        events = await run_in_threadpool(store.events, name)
        return _json({"version": 1, "incident": incident_in_full(found, events)})

    async def silences(self, _request: Request) -> Response:
        found = await run_in_threadpool(self._inside.commands.silencing.overview)
        return _json({"version": 1, **silences.overview_of(found)})

    async def silence(self, request: Request) -> Response:
        silencing = self._inside.commands.silencing
        return await self._silenced(request, lambda name, body: silences.wanted(silencing, name, body))

    async def expire(self, request: Request) -> Response:
        number, silencing = request.path_params["id"], self._inside.commands.silencing
        return await self._silenced(request, lambda name, _body: silencing.expire(number, somebody(name)))

    async def _silenced(self, request: Request, change: Callable[[str, dict[str, Any]], Silenced]) -> Response:
        if not self._trusted(request):
            return _untrusted()
        try:
            body = await _body(request)
        except BodyError as error:
            return _wrong(f"Not understood: {error.why}.", error.status)
        except ValueError as error:
            return _wrong(f"Not understood: {error}.", 400)
        name = str(body.get("as", ""))
        if not NAME.fullmatch(name):
            return _wrong(WHO, 400)
        try:
            outcome = await run_in_threadpool(change, name, body)
        except (StoreError, ConflictError) as error:
            return _wrong(f"It could not be written down, so it was not done: {error}", 503)
        if isinstance(outcome, Refused):
            return _wrong(outcome.sentence, 404 if outcome.unknown else 409)
        return _json({"version": 1, "silence": silences.silence_of(outcome)})

    async def act(self, request: Request) -> Response:
        if not self._trusted(request):
            return _untrusted()
        asked = await self._asked(request)
        if isinstance(asked, Response):
            return asked
        try:
            outcome = await run_in_threadpool(self._inside.acted(asked.incident).commands.carry_out, asked)
        except (StoreError, ConflictError) as error:
            return _wrong(f"It could not be written down, so it was not done: {error}", 503)
        match outcome:
            case Done(incident):
                told = await run_in_threadpool(self._told, incident, asked)
                return _json({"version": 1, "told": told, "incident": incident_after(incident)})
            case NotDone(sentence, unknown):
                return _wrong(sentence, 404 if unknown else 409)

    def _told(self, incident: Incident, asked: Asked) -> list[str]:
        """Give in words what was done: what whoever asked did last, and what followed from it."""
        events = self._inside.acted(incident.id).store.events(incident.id)[: incident.rev]
        at = max((one.at for one in events if one.by == asked.by), default=None)
        own = [number for number, one in enumerate(events) if one.by == asked.by and one.at == at]
        return told_of(events[own[0] :] if own else (), incident)

    async def _asked(self, request: Request) -> Asked | Response:
        name, action = request.path_params["id"], request.path_params["action"]
        try:
            body = await _body(request)
            return request_of(
                name, action, body, await run_in_threadpool(self._inside.acted(name).store.incident, name)
            )
        except BodyError as error:
            return _wrong(f"Not understood: {error.why}.", error.status)
        except ValueError as error:
            return _wrong(_not_understood(error), 400)

    async def body(self, request: Request) -> dict[str, Any]:
        """Read the body of a request that is trusted. Raises PermissionError, and ValueError with what is wrong."""
        if not self._trusted(request):
            raise PermissionError(UNTRUSTED)
        try:
            return await _body(request)
        except BodyError as error:
            raise ValueError(error.why) from error

    def _trusted(self, request: Request) -> bool:
        given = request.headers.get("authorization", "").removeprefix("Bearer ").encode()
        return bool(self._inside.token) and hmac.compare_digest(given, self._inside.token.encode())


def _health(health: Health) -> Response:
    return Response("ok\n" if health.ok else f"{health.trouble}\n", 200 if health.ok else 503, media_type="text/plain")


def _untrusted() -> Response:
    return _wrong(UNTRUSTED, 401)


def _not_understood(error: ValueError) -> str:
    """Give the sentence of a request that cannot be read; some are sentences already."""
    said = str(error)
    return said if isinstance(error, WordsError) and said.endswith(".") else f"Not understood: {said}."


async def _body(request: Request) -> dict[str, Any]:
    body = orjson.loads(await body_of(request) or b"{}")
    if not isinstance(body, dict):
        raise ValueError("the body is no JSON object")  # noqa: TRY004  # it is the request that is wrong
    return body
