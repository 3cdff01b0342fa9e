"""A world in which drills are held: production and staging beside each other, and somebody who takes part.

Two shops that one Prometheus scrapes, a registry with the images of both, a strict Slack with a channel for drills, a
webhook that real pages call, and the daemon as a process.
"""

import json
import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.running import Monitor, Shop, eventually, rules_with
from tests.servers.prometheus import History, Prometheus
from tests.servers.receiver import Receiver
from tests.servers.registry import DockerRegistry
from tests.servers.slack import SlackServer, pressed
from tests.servers.slack_rules import buttons_of
from tests.servers.slack_workspace import Stored

ONE_AT_A_TIME = threading.Lock()
"""Held while a daemon starts, which takes a whole processor: worlds that begin together must not starve each other."""

NOT_REAL = "DRILL (not real)"
CHANNEL = "C0DRILL"

RULES = """
groups:
  - name: logins
    interval: 1s
    query_offset: 1s
    rules:
      - alert: LoginFailing
        service: auth
        suspects: [web]
        signal:
          error_ratio:
            requests: 'http_requests_total{job="shop",route="/login"}'
            failures: 'code=~"5.."'
            window: 4s
        guards: {min_requests: 20, min_failures: 5}
        rollback: {above: 20%, for: 2s}
        annotations: {summary: "login: {{ $value | humanizePercentage }} of logins fail"}
"""

ROUTING = """
environment: production
default: {responders: [S0ONCALL], commanders: [S0IC], approvers: [U0CLEO]}
page: {rollback: [slack, webhook], blind: [slack, webhook], prepare: [slack, webhook]}
drills: {channel: C0DRILL, responders: [U0ANA, U0BOB]}
"""

SERVICES = """
  auth: {version: 'app_build_info{job="JOB",service="auth"}', image: 'REGISTRY/auth:{version}'}
  web: {version: 'app_build_info{job="JOB",service="web"}', image: 'REGISTRY/web:{version}'}
"""
RELEASES = 'version: 1\nregistry: {url: "http://REGISTRY"}\nlookback: 2h\nproven: 10m\nservices:' + SERVICES

PROCEDURE = """
version: 1
title: Roll back to the last good release
verify_for: 3s
steps:
  - {id: declare, title: Declare incident mode, does: freeze}
  - {id: target, title: Pin the rollback target, does: pin}
  - {id: flags, title: Feature flags first}
  - id: services
    title: Roll back the services
    services:
      - {title: Backend, services: [auth]}
      - {title: Frontend, services: [web]}
    commands:
      - 'kubectl set image "deployment/$SERVICE" "$SERVICE=$IMAGE"'
  - id: verify
    title: Verify
    checks:
      - {title: The signals that paged are clear, signals: true}
      - title: Logins flow
        promql: 'sum(rate(http_requests_total{job="staging",route="/login",code="200"}[4s]))'
        above: 1
  - {id: close, title: Close, does: end}
"""

STAGING = """
version: 1
title: Logins fail on staging
trigger: login
alert: LoginFailing
kind: staging
environment: staging
hypothesis: Within a minute the version before serves logins again.
recovery_target: 5m
watch:
  error_ratio:
    requests: 'http_requests_total{job="staging",route="/login"}'
    failures: 'code=~"5.."'
    window: 4s
releases:
  registry: {url: "http://REGISTRY"}
  lookback: 2h
  proven: 10m
  services:SERVICES
inject: break the logins of staging
mend: deploy the version before to staging
abort_if: [a real page comes]
"""

PAGER = """
version: 1
title: Rehearsal of a page
trigger: login
alert: LoginFailing
kind: pager
hypothesis: A page reaches people, and they take it.
play:
  healthy: {value: 0%, requests: 20}
  broken: {value: 90%, requests: 20}
  clears: acknowledged
"""

GOOD = {"auth": "2.13.4", "web": "5.2.0"}
BAD = {"auth": "2.14.0", "web": "5.3.0"}
RELEASED = 900
"""Seconds before the test at which the bad versions came."""


def history() -> History:
    """Two hours of versions of both shops, the last minutes of them the bad ones."""
    now = int(time.time())
    old, new = range(now - 7200, now - RELEASED, 5), range(now - RELEASED, now, 5)
    return {
        f'app_build_info{{job="{job}",service="{service}",version="{versions[service]}"}}': [(at, 1.0) for at in times]
        for job in ("shop", "staging")
        for service in GOOD
        for versions, times in ((GOOD, old), (BAD, new))
    }


def written(folder: Path, registry: str) -> Path:
    """The rules folder: one rule, its procedure, a drill on staging and one of a page."""
    rules = rules_with(folder, RULES)
    (rules / "routing.yaml").write_text(ROUTING)
    (rules / "releases.yaml").write_text(RELEASES.replace("JOB", "shop").replace("REGISTRY", registry))
    (rules / "procedures" / "rollback.yaml").write_text(PROCEDURE)
    (rules / "drills").mkdir()
    services = SERVICES.replace("JOB", "staging").replace("\n", "\n  ")
    staging = STAGING.replace("SERVICES", services).replace("REGISTRY", registry)
    (rules / "drills" / "staging-login.yaml").write_text(staging)
    (rules / "drills" / "page.yaml").write_text(PAGER)
    return rules


@dataclass(frozen=True)
class World:
    """Everything that runs."""

    folder: Path
    shop: Shop
    staging: Shop
    prometheus: Prometheus
    slack: SlackServer
    webhook: Receiver
    monitor: Monitor

    def drill(self, *words: str) -> str:
        """Say something about drills from a shell; give what is printed."""
        told = self.monitor.command("drill", *words)
        assert told.returncode == 0, told.stderr
        return told.stdout

    def says(self, path: str, by: str, **words: str) -> dict[str, Any]:
        """Ask the API for something, in somebody's name."""
        lock = json.loads((self.folder / "monitor.db.lock").read_text())
        headers = {"Authorization": f"Bearer {lock['token']}", "Content-Type": "application/json"}
        request = urllib.request.Request(lock["url"] + path, json.dumps({"as": by, **words}).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=40) as answer:
                return dict(json.load(answer))
        except urllib.error.HTTPError as refused:
            with refused:
                raise AssertionError(json.load(refused)["error"]) from None

    def begins(self, scenario: str) -> bool:
        """Begin a drill in Ana's name; false while what the one before played is still being kept."""
        try:
            return bool(self.says("/api/v1/drills", "ana", scenario=scenario))
        except AssertionError as refused:
            if "is being kept" in str(refused):
                return False
            raise

    def told(self, name: str) -> dict[str, Any]:
        """A drill as the API tells it."""
        drill: dict[str, Any] = json.loads(self.monitor.get(f"/api/v1/drills/{name}"))["drill"]
        return drill

    def result(self, name: str) -> dict[str, Any]:
        """The result of a drill, as the API tells it."""
        with urllib.request.urlopen(f"{self.monitor.url}/api/v1/drills/{name}/report", timeout=90) as answer:
            result: dict[str, Any] = json.load(answer)["result"]
        return result

    def gate(self, service: str, version: str, environment: str = "") -> tuple[int, dict[str, Any]]:
        """Ask the gate as a pipeline does."""
        query = f"service={service}&version={version}" + (f"&environment={environment}" if environment else "")
        try:
            return 200, json.loads(self.monitor.get(f"/api/v1/deploys?{query}"))
        except urllib.error.HTTPError as answer:
            with answer:
                return answer.code, json.load(answer)

    def part(self, name: str) -> "Part":
        """Wait for the page of a drill, to take part in it."""

        def pages() -> list[Stored]:
            return [one for one in self.slack.everything(CHANNEL) if name in key_of(one) and not one.thread_ts]

        return Part(self, name, eventually(pages, 30, f"{name} pages")[0])


def key_of(message: Stored) -> str:
    """The key by which the monitor knows a message of its own again."""
    return str(message.metadata.get("event_payload", {}).get("key", ""))


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """Let everything run for the length of a `with` block."""
    with ExitStack() as stack:
        shop, staging = stack.enter_context(Shop()), stack.enter_context(Shop())
        shop.versions, staging.versions = dict(BAD), dict(BAD)
        registry = stack.enter_context(DockerRegistry())
        for service, version in GOOD.items():
            registry.push(service, version)
        targets = {"shop": [shop.exporter.target], "staging": [staging.exporter.target]}
        flags = ["--query.lookback-delta=10s"]  # versions that history ends with are gone by the time of a rollback
        prometheus = stack.enter_context(Prometheus(scrape=targets, history=history(), flags=flags))
        slack, webhook = stack.enter_context(SlackServer()), stack.enter_context(Receiver())
        slack.users["U0CLEO"] = "cleo"
        rules, hook = written(folder, registry.host), {"MONITOR_WEBHOOK__URL": webhook.url}
        asked = "count(count by (job) (http_requests_total offset 6s)) == 2"
        eventually(lambda: prometheus.query(asked, time.time()), 20, "Prometheus has scraped both shops")
        with ONE_AT_A_TIME:
            monitor = stack.enter_context(Monitor(folder, rules, prometheus.url, slack, **hook))
        slack.wait_connected()
        yield World(folder, shop, staging, prometheus, slack, webhook, monitor)


@dataclass(frozen=True)
class Part:
    """What somebody sees and does who takes part in a drill."""

    world: World
    name: str
    root: Stored

    @property
    def page(self) -> Stored:
        """Its page as it stands."""
        return self.world.slack.message(self.root.ts)

    @property
    def thread(self) -> list[Stored]:
        """What stands in its thread."""
        return self.world.slack.thread(self.root)

    @property
    def card(self) -> Stored:
        """The card of its procedure."""

        def cards() -> list[Stored]:
            return [one for one in self.thread if "📋" in one.text]

        return eventually(cards, 10, "the card is posted")[0]

    def sees(self, words: str, within: float = 15, *, card: bool = False) -> None:
        """Wait until page or card shows `words`."""

        def shown() -> bool:
            return words in (self.card if card else self.page).shown

        self._until(shown, within, f"it is shown: {words!r}")

    def hears(self, words: str, within: float = 15) -> Stored:
        """Wait for a line of the thread with `words`."""
        self._until(lambda: any(words in one.text for one in self.thread), within, f"it is said: {words!r}")
        return next(one for one in self.thread if words in one.text)

    def at_step(self, title: str, within: float = 20) -> None:
        """Wait until the card is at a step."""
        pattern = re.compile(rf"▶️ \*\d+\. {re.escape(title)}\*")
        self._until(lambda: bool(pattern.search(self.card.shown)), within, f"the card is at {title!r}")

    def _until(self, look: Callable[[], bool], within: float, what: str) -> None:
        try:
            eventually(look, within, what)
        except AssertionError as late:
            shown = [self.page.shown, *(one.shown for one in self.thread), str(self.world.slack.told)]
            late.add_note("\n".join([*shown, self.world.monitor.log[-3000:]]))
            raise

    def clicks(self, user: str, action: str, *, card: bool = False) -> tuple[float, float]:
        """Press a button of page or card, by its action id or its label; give when it was pressed and taken."""
        message = self.card if card else self.page
        labelled = [one for one in buttons_of(message.blocks) if one["text"]["text"] == action]
        button = labelled[0] if labelled else pressed(message, action)
        began = time.time()
        assert self.world.slack.send_payload(self.world.slack.payload(user, message, button)).acked
        return began, time.time()

    def is_refused(self, user: str, action: str, words: str, *, card: bool = False) -> None:
        """Press a button and be told why nothing came of it."""
        before = len(self.world.slack.told)
        self.clicks(user, action, card=card)
        told = eventually(lambda: self.world.slack.told[before:], 5, f"{user} is told {words!r}")
        assert words in told[0]["text"]

    def fills(self, user: str, action: str, words: Mapping[str, str], *, card: bool = False) -> dict[str, Any]:
        """Press a button that asks, fill in its form and send it; give the form."""
        slack, before = self.world.slack, len(self.world.slack.views.get(user, ()))
        self.clicks(user, action, card=card)
        view = eventually(lambda: slack.views.get(user, [])[before:], 5, f"a form for {user}")[0]
        assert not slack.acks[slack.submit(user, view, words).envelope].get("payload")
        return dict(view)
