"""The HTTP application without a listener: what the shell asks where no daemon runs, through the very same code."""

import asyncio
import io
from typing import Any

import orjson

from monitor.bootstrap.app import App, build
from monitor.core.rules.routing import Route, Routing
from monitor.core.rules.ruleset import RuleSet
from monitor.ruleset.rulesfolder import Outcome, RulesError
from monitor.settings.settings import Settings
from monitor.telemetry import configure_logging
from monitor.web import Health, Inside, View, application

NO_RULES = RuleSet((), Routing("", Route("")), {})
"""What reading the record needs of the rules: it can be read while they are broken."""


def ask(
    settings: Settings, method: str, path: str, body: dict[str, Any] | None, level: str = "warning"
) -> tuple[int, bytes]:
    """Give status and body of one request against the store.

    Raises StoreError; rules that cannot be used are told as 503.
    """
    configure_logging("console", level, settings.secrets)  # what was done is told by the answer, not by a log line
    try:
        app = _built(settings, method)
    except RulesError as error:
        return 503, orjson.dumps({"error": str(error)})
    try:
        answer = asyncio.run(_request(_inside(app), method, path, body))
        if not app.store.flush():  # nobody is left to write it later
            problem = f"It could not be written down, so it was not done: {app.store.trouble}"
            return 503, orjson.dumps({"version": 1, "error": problem})
        return answer
    finally:
        app.hall.close()
        app.store.close()


def _built(settings: Settings, method: str) -> App:
    """Put it together with the rules; what is only read does without them where they are broken."""
    try:
        return build(settings, io.StringIO())
    except RulesError:
        if method != "GET":
            raise
        return build(settings, io.StringIO(), NO_RULES)


def _inside(app: App) -> Inside:
    return Inside(
        store=app.store,
        commands=app.production.commands,
        registry=app.metrics.registry,
        token=app.token,
        healthy=lambda: Health(ok=True),
        ready=lambda: Health(ok=True),
        reload=lambda: Outcome(problems=("no daemon runs",)),
        standing=lambda: app.folder.standing,
        gauges=lambda: None,
        evidence=lambda name: app.hall.of(name, app.production).evidence.bundle(name),
        side=lambda name: app.hall.of(name, app.production),
        drills=app.conductor,
        duty=app.duty,
        scene=app.scene,
        view=lambda: View(app.production.book.now, {state.name: state for state in app.store.groups()}),
    )


async def _request(inside: Inside, method: str, path: str, body: dict[str, Any] | None) -> tuple[int, bytes]:
    """Speak ASGI to the application: one request, one answer."""
    sent: list[dict[str, Any]] = []
    headers = [(b"authorization", f"Bearer {inside.token}".encode())]
    path, _, query = path.partition("?")
    scope = {"type": "http", "method": method, "path": path, "query_string": query.encode(), "headers": headers}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"" if body is None else orjson.dumps(body), "more_body": False}

    async def send(message: Any) -> None:  # noqa: ANN401  # ASGI's messages are dictionaries of anything
        sent.append(message)

    await application(inside)(scope, receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])
