"""What is read after a run with kills, from Prometheus, Slack, the other pagers and the database, for the checker."""

import json
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from monitor.adapters.store import SqlStore, open_store
from monitor.core.actor import Source
from monitor.core.incidents.events import AlertFired, Ended
from monitor.core.incidents.incident import Incident
from monitor.ports.store import Post, PostKind
from tests.faults.entry import SCALE
from tests.faults.happenings import Breach, Called, Did, Fired, Run, Told
from tests.faults.killhouse import OFFSET, House
from tests.faults.people import RIGHTS
from tests.servers.prometheus import Prometheus
from tests.servers.receiver import Received, Receiver
from tests.servers.slack import SlackServer

ANNOUNCED = {"rollback_opens", "rollback_joins", "raised", "back"}
PATIENCE = OFFSET + 1 + 2.0
WEATHER = 4.0
"""Seconds that a lost answer, a wait that is asked for, or a hanging server may cost a page."""

BAD = """
(   sum(increase(http_requests_total{job="auth",route="/login",code=~"5.."}[4s]))
  / sum(increase(http_requests_total{job="auth",route="/login"}[4s])) > 0.6)
"""
"""Surely a breach, with proof: the truth that is asked of Prometheus afterwards."""


def history(house: House, found: Sequence[Breach]) -> Run:
    """Give everything that happened in a house, for the breaches that were `found`."""
    store = open_store(f"sqlite:///{house.folder / 'monitor.db'}")
    incidents = store.incidents()[::-1]
    run = Run(
        breaches=found,
        told=told(house.slack),
        fired=[one for incident in incidents for one in _fired(store, incident)],
        did=[one for incident in incidents for one in _did(store, incident)],
        away=house.away,
        may=RIGHTS,
        patience=PATIENCE + WEATHER,
        settle=WEATHER + 1,
        refusing=house.refusing,
        clicks=[one.click for one in house.people.pressed],
        over=dict(_over(store, incidents)),
        calls=[one for name, pager in house.pagers.items() for one in _called(name, pager)],
        pagers=("pagerduty", "webhook"),
        spare="alertmanager",
        fallback=30 / SCALE,
    )
    store.close()
    return run


def breaches(prometheus: Prometheus, start: float, end: float) -> list[Breach]:
    """The stretches of three seconds and more in which the login surely failed."""
    stretches: list[list[int]] = []
    for begin in range(int(start), int(end), 10_000):  # a server gives 11,000 points at most
        for at in _bad(prometheus, begin, min(begin + 9_999, int(end))):
            if stretches and at == stretches[-1][-1] + 1:
                stretches[-1].append(at)
            else:
                stretches.append([at])
    return [Breach(one[0] - 4, one[-1]) for one in stretches if len(one) >= 3]


def _bad(prometheus: Prometheus, start: int, end: int) -> list[int]:
    query = urlencode({"query": BAD, "start": start, "end": end, "step": "1"})
    with urllib.request.urlopen(f"{prometheus.url}/api/v1/query_range?{query}") as response:
        found = json.load(response)["data"]["result"]
    return [int(at) for series in found for at, _ in series["values"]]


def told(slack: SlackServer) -> list[Told]:
    """What stands in Slack; the plots, which a life long enough comes to draw, call nobody and bear no key."""
    return [
        Told(str(one.metadata["event_payload"]["key"]), one.posted_at, one.text, in_thread=one.thread_ts is not None)
        for one in slack.everything()
        if not one.files
    ]


# --- the record -------------------------------------------------------------------------------------------------------


def record(folder: Path) -> list[Fired]:
    """What fired, by the database, with the keys of what had to be posted for it."""
    store = open_store(f"sqlite:///{folder / 'monitor.db'}")
    fired = [one for incident in store.incidents()[::-1] for one in _fired(store, incident)]
    store.close()
    return fired


def _fired(store: SqlStore, incident: Incident) -> list[Fired]:
    posts = [post for post in store.posts(incident.id) if post.reason in ANNOUNCED and post.kind is not PostKind.LINE]
    alerts = [event.firing for event in store.events(incident.id) if isinstance(event, AlertFired)]
    calls = () if _over_at_once(store, incident) else (f"{incident.environment}/{incident.id}",)
    return [
        Fired(incident.id, int(alert.since.timestamp()), str(alert.key.tier), (post.key,), calls)
        for alert, post in zip(alerts, _announcements(posts), strict=True)
    ]


def _over_at_once(store: SqlStore, incident: Incident) -> bool:
    """Whether it was over when it was first heard of: caught up with in one go after a kill. That calls nobody."""
    posts = store.posts(incident.id)
    heard = min(post.decided_at for post in posts if post.kind is PostKind.ROOT)
    if any(post.kind is PostKind.CALL for post in posts):
        return False
    ended = [alert.resolved_at for alert in incident.alerts]
    return all(at is not None and at + timedelta(seconds=OFFSET) <= heard for at in ended)


def _announcements(posts: Sequence[Post]) -> list[Post]:
    """The root first, then what was broadcast: one for each alert that fired."""
    announced = [post for post in posts if post.kind in {PostKind.ROOT, PostKind.BROADCAST}]
    return sorted(announced, key=lambda post: (post.kind is not PostKind.ROOT, post.n))


def _did(store: SqlStore, incident: Incident) -> Iterator[Did]:
    for event in store.events(incident.id):
        if event.by.source is not Source.MONITOR:
            yield Did(event.by.id, event.kind, event.by.click)


def _over(store: SqlStore, incidents: Sequence[Incident]) -> Iterator[tuple[str, float]]:
    for incident in incidents:
        for event in store.events(incident.id):
            if isinstance(event, Ended):
                yield incident.id, event.at.timestamp()


# --- what other pagers got --------------------------------------------------------------------------------------------

STANCES = {"trigger": "triggered", "acknowledge": "acknowledged", "resolve": "resolved"}


def _called(name: str, pager: Receiver) -> Iterator[Called]:
    for one in pager.received:
        known = _READ[name](one)
        if known is not None:
            yield Called(name, known[0], one.at, known[1])


def _event(got: Received) -> tuple[str, str]:
    return got.json["dedup_key"], STANCES[got.json["event_action"]]


def _document(got: Received) -> tuple[str, str]:
    return got.json["key"], got.json["event"]


def _alert(got: Received) -> tuple[str, str] | None:
    """An alert, which ends where its end is no longer to come; a silence says no more of it."""
    if not got.path.endswith("/alerts"):
        return None
    alert: Mapping[str, Any] = got.json[0]
    ends = alert["endsAt"]
    return alert["labels"]["page"], "resolved" if _seconds(ends) <= got.at + 60 else "triggered"


def _seconds(stamp: str) -> float:
    return datetime.fromisoformat(stamp).timestamp()


_READ = {"pagerduty": _event, "webhook": _document, "alertmanager": _alert}
