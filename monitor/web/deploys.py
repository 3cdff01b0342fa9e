"""The deploy gate over HTTP: `GET /api/v1/deploys?service=S&version=V[&environment=E]`, for pipelines.

It asks for no token.
"""

import re
from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from monitor.core.procedures.gate import GateAnswer, UnknownEnvironmentError
from monitor.web.answers import answer, wrong
from monitor.web.timeline import time_of

LOCKED = 423
NAME = re.compile(r"[A-Za-z0-9._:/@+-]{1,200}")
HOW = (
    "Ask with ?service=NAME&version=VERSION, and &environment=NAME where it is another one, each 1 to 200 of letters, "
    "digits and . _ : / @ + -"
)


Ask = Callable[[str, str, str], GateAnswer]
"""Answers for a service, a version and an environment (nothing: the one that is watched).

Raises UnknownEnvironmentError for one that nobody keeps a gate of.
"""


def deploy_routes(ask: Ask | None) -> list[Route]:
    """Give the route, or none where nobody keeps a gate."""
    if ask is None:
        return []

    async def deploys(request: Request) -> Response:
        service, version = (request.query_params.get(name, "") for name in ("service", "version"))
        if not NAME.fullmatch(service) or not NAME.fullmatch(version):
            return wrong(HOW, 400)
        environment = request.query_params.get("environment", "")
        if environment and not NAME.fullmatch(environment):
            return wrong(HOW, 400)
        try:
            told = await run_in_threadpool(ask, service, version, environment)
        except UnknownEnvironmentError as error:
            return wrong(str(error), 400)
        return answer(_told(told), 200 if told.allowed else LOCKED)

    return [Route("/api/v1/deploys", deploys)]


def _told(answer: GateAnswer) -> dict[str, object]:
    told: dict[str, object] = {"allowed": answer.allowed, "because": answer.because}
    if answer.incident:
        told |= {"incident": answer.incident, "since": time_of(answer.since), "by": answer.by}
    return told
