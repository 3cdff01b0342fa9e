"""The HTTP application while the database cannot be read: what does not need it answers, the rest says why not."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest

from monitor.core.incidents.incident import Incident
from monitor.core.pages.page import Scene
from monitor.ports.store import StoreError
from monitor.ruleset.rulesfolder import Outcome, Standing
from monitor.telemetry import Metrics
from monitor.web import Health, Inside, View, application
from tests.middle.house import House, RecallingStore, group

WHY = "the database cannot be read: disk I/O error"


class Unreadable(RecallingStore):
    def incident(self, incident: str) -> Incident | None:  # noqa: ARG002  # the port's
        raise StoreError(WHY)

    def incidents(self, *, open_only: bool = False, since: datetime | None = None) -> Sequence[Incident]:  # noqa: ARG002  # the port's
        raise StoreError(WHY)


def unreadable() -> None:
    raise StoreError(WHY)


def got(path: str) -> tuple[int, str]:
    """Give status and body of one request."""
    house, metrics = House(group("critical")), Metrics()
    metrics.failures.labels("critical").inc()
    well = lambda: Health(ok=True)  # noqa: E731  # short
    inside = Inside(
        store=Unreadable(),
        commands=house.commands,
        registry=metrics.registry,
        token="token",
        healthy=well,
        ready=well,
        reload=lambda: Outcome(problems=(WHY,)),
        standing=lambda: Standing("", house.clock.now()),
        gauges=unreadable,
        view=lambda: View(house.book.now),
        scene=lambda one: Scene(one, one.opened_at, {}),
    )
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:  # noqa: ANN401  # ASGI's messages are dictionaries of anything
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": []}
    asyncio.run(application(inside)(scope, receive, send))
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:]).decode()


def test_the_metrics_that_tell_of_it_are_shown() -> None:
    status, body = got("/metrics")
    assert status == 200
    assert 'rollback_monitor_evaluation_failures_total{group="critical"} 1.0' in body


@pytest.mark.parametrize("path", ["/api/v1/incidents", "/api/v1/incidents/INC-0001"])
def test_incidents_say_why_they_cannot_be_told(path: str) -> None:
    assert got(path) == (503, f'{{"version":1,"error":"{WHY}"}}')


def test_health_does_not_depend_on_it() -> None:
    assert got("/-/healthy") == (200, "ok\n")
