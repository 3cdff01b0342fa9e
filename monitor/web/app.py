"""The one HTTP listener. Reading is open (it binds to loopback by default); changing anything asks for a bearer token.

Handlers run in threads, since commands and the store are synchronous. They know commands and the store, nothing of
Slack.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from monitor.core.incidents.incident import Incident
from monitor.core.pages.page import Scene
from monitor.core.procedures.gate import GateAnswer
from monitor.drills.conductor import Conductor
from monitor.drills.duty import Duty
from monitor.people.commands import Commands, Done
from monitor.people.requesting import NotDone
from monitor.people.requesting import Request as Asked
from monitor.people.silencing import Outcome as Silenced
from monitor.people.silencing import Refused
from monitor.ports.store import Store, StoreError
from monitor.ruleset.rulesfolder import Outcome, Standing
from monitor.survey import Doubt
from monitor.web import prometheus, silences
from monitor.web.answers import answer, shaped, wrong
from monitor.web.asking import WordsError, request_of
from monitor.web.bodies import BodyError
from monitor.web.changing import UNTRUSTED, Changing, json_of, written
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
    scene: Callable[[Incident], Scene]
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
            *due_routes(inside.duty, Changing(inside.token)),
            *drill_routes(inside.drills, Changing(inside.token)),
        ],
        middleware=[Middleware(Guard)],
        exception_handlers={StoreError: _unusable},
    )


async def _unusable(_request: Request, error: Exception) -> Response:
    return wrong(str(error), 503)


class _Pages:
    def __init__(self, inside: Inside) -> None:
        self._inside = inside
        self._changing = Changing(inside.token)

    async def healthy(self, _request: Request) -> Response:
        return _health(self._inside.healthy())

    async def ready(self, _request: Request) -> Response:
        return _health(self._inside.ready())

    async def metrics(self, _request: Request) -> Response:
        with suppress(StoreError):  # the counters that tell of it must be seen just then
            await run_in_threadpool(self._inside.gauges)
        return Response(generate_latest(self._inside.registry), media_type=CONTENT_TYPE_LATEST)

    async def reload(self, request: Request) -> Response:
        if not self._changing.trusts(request):
            return wrong(UNTRUSTED, 401)
        outcome = await run_in_threadpool(self._inside.reload)
        if outcome.report is None:
            problems = {"error": "; ".join(outcome.problems), "problems": outcome.problems}
            return answer({"reloaded": False, **problems}, 422)
        return answer({"reloaded": True, **report_of(outcome.report)})

    async def standing(self, _request: Request) -> Response:
        return answer(standing_of(self._inside.standing(), self._inside.doubts()))

    async def rules(self, request: Request) -> Response:
        view = await run_in_threadpool(self._inside.view)
        return shaped(prometheus.rules(view, request.query_params.get("type", "")))

    async def alerts(self, _request: Request) -> Response:
        return shaped(prometheus.alerts(await run_in_threadpool(self._inside.view)))

    async def states(self, _request: Request) -> Response:
        view = await run_in_threadpool(self._inside.view)
        found = sorted(view.states.values(), key=lambda one: one.name)
        return answer({"rules": view.book.rules.digest, "states": [state_of(one) for one in found]})

    async def transitions(self, request: Request) -> Response:
        alert = request.query_params.get("alert", "")
        found = await run_in_threadpool(self._inside.store.transitions, alert)
        return answer({"transitions": [transition_of(one) for one in found]})

    async def incidents(self, _request: Request) -> Response:
        return await run_in_threadpool(self._incidents)

    def _incidents(self) -> Response:
        found = self._inside.store.incidents()
        return answer({"incidents": [incident_in_short(self._inside.scene(one)) for one in found]})

    async def incident(self, request: Request) -> Response:
        return await run_in_threadpool(self._incident, request.path_params["id"])

    def _incident(self, name: str) -> Response:
        store = self._inside.acted(name).store
        found = store.incident(name)
        if found is None:
            return wrong(f"There is no incident {name}.", 404)
        return answer({"incident": incident_in_full(self._inside.scene(found), store.events(name))})

    async def silences(self, _request: Request) -> Response:
        found = await run_in_threadpool(self._inside.commands.silencing.overview)
        return answer(silences.overview_of(found))

    async def silence(self, request: Request) -> Response:
        silencing = self._inside.commands.silencing
        return await self._changing.take(request, lambda by, body: _silenced(silences.wanted(silencing, by, body)))

    async def expire(self, request: Request) -> Response:
        number, silencing = request.path_params["id"], self._inside.commands.silencing
        return await self._changing.take(request, lambda by, _body: _silenced(silencing.expire(number, by)))

    async def act(self, request: Request) -> Response:
        if not self._changing.trusts(request):
            return wrong(UNTRUSTED, 401)
        asked = await self._asked(request)
        if isinstance(asked, Response):
            return asked
        return await written(lambda: self._acted(asked))

    def _acted(self, asked: Asked) -> Response:
        match self._inside.acted(asked.incident).commands.carry_out(asked):
            case Done(incident):
                now = incident_after(self._inside.scene(incident))
                return answer({"told": self._told(incident, asked), "incident": now})
            case NotDone(sentence, unknown):
                return wrong(sentence, 404 if unknown else 409)

    def _told(self, incident: Incident, asked: Asked) -> list[str]:
        """Give in words what was done: what whoever asked did last, and what followed from it."""
        events = self._inside.acted(incident.id).store.events(incident.id)[: incident.rev]
        at = max((one.at for one in events if one.by == asked.by), default=None)
        own = [number for number, one in enumerate(events) if one.by == asked.by and one.at == at]
        return told_of(events[own[0] :] if own else (), incident)

    async def _asked(self, request: Request) -> Asked | Response:
        name, action = request.path_params["id"], request.path_params["action"]
        try:
            body = await json_of(request)
            return request_of(
                name, action, body, await run_in_threadpool(self._inside.acted(name).store.incident, name)
            )
        except BodyError as error:
            return wrong(f"Not understood: {error.why}.", error.status)
        except ValueError as error:
            return wrong(_not_understood(error), 400)


def _silenced(outcome: Silenced) -> Response:
    if isinstance(outcome, Refused):
        return wrong(outcome.sentence, 404 if outcome.unknown else 409)
    return answer({"silence": silences.silence_of(outcome)})


def _health(health: Health) -> Response:
    return Response("ok\n" if health.ok else f"{health.trouble}\n", 200 if health.ok else 503, media_type="text/plain")


def _not_understood(error: ValueError) -> str:
    """Give the sentence of a request that cannot be read; some are sentences already."""
    said = str(error)
    return said if isinstance(error, WordsError) and said.endswith(".") else f"Not understood: {said}."
