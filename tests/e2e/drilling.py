"""A world in which drills are held: production and staging beside each other, and somebody who takes part.

Two shops that one Prometheus scrapes (those of the tests, or those of the demo), a registry with the images of both, a
strict Slack with a channel for drills, a webhook that real pages call, and the daemon as a process.
"""

import json
import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from tests.e2e.drillrules import written
from tests.e2e.drillshops import GOOD, ReadyMade, Target, history
from tests.e2e.running import Monitor, eventually
from tests.servers.prometheus import Prometheus
from tests.servers.receiver import Receiver
from tests.servers.registry import DockerRegistry
from tests.servers.slack import SlackServer, pressed
from tests.servers.slack_rules import buttons_of
from tests.servers.slack_workspace import APP, TEAM, Stored

ONE_AT_A_TIME = threading.Lock()
"""Held while a daemon starts, which takes a whole processor: worlds that begin together must not starve each other."""

NOT_REAL = "DRILL (not real)"
CHANNEL = "C0DRILL"


@dataclass(frozen=True)
class World:
    """Everything that runs."""

    folder: Path
    shop: Target
    staging: Target
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

    def types(self, user: str, words: str) -> str:
        """Type `/rbm drill …` in Slack; give what is answered."""
        who = {"user_id": user, "team_id": TEAM, "api_app_id": APP, "trigger_id": self.slack.trigger(user)}
        sent = self.slack.send_payload({"command": "/rbm", "text": f"drill {words}", **who}, kind="slash_commands")
        assert sent.acked
        return str(self.slack.acks[sent.envelope]["payload"]["text"])

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


Build: TypeAlias = Callable[[Path, str], AbstractContextManager[Target]]
"""What makes the shop of an environment ("": production)."""


@contextmanager
def world(folder: Path, build: Build = ReadyMade) -> Iterator[World]:
    """Let everything run for the length of a `with` block, on the shops that `build` makes."""
    with ExitStack() as stack:
        shop, staging = (stack.enter_context(build(folder, environment)) for environment in ("", "staging"))
        registry = stack.enter_context(DockerRegistry())
        for service, version in GOOD.items():
            registry.push(service, version)
        scraped = {**shop.scraped, **staging.scraped}
        flags = ["--query.lookback-delta=10s"]  # versions that history ends with are gone by the time of a rollback
        prometheus = stack.enter_context(Prometheus(scrape=scraped, history=history(shop, staging), flags=flags))
        slack, webhook = stack.enter_context(SlackServer()), stack.enter_context(Receiver())
        slack.users |= {"U0CLEO": "cleo", "U0GUS": "gus"}
        rules, hook = written(folder, shop, staging, registry.host), {"MONITOR_WEBHOOK__URL": webhook.url}
        asked = f'count(count by (job) (http_requests_total{{job=~"{shop.logins}|{staging.logins}"}} offset 6s)) == 2'
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

    def clicks(self, user: str, action: str, *, card: bool = False, on: Stored | None = None) -> tuple[float, float]:
        """Press a button, by its action id or its label, of page, card or `on`; give when it was pressed and taken."""
        message = on or (self.card if card else self.page)
        labelled = [one for one in buttons_of(message.blocks) if one["text"]["text"] == action]
        button = labelled[0] if labelled else pressed(message, action)
        began = time.time()
        assert self.world.slack.send_payload(self.world.slack.payload(user, message, button)).acked
        return began, time.time()

    def is_refused(self, user: str, action: str, words: str, *, card: bool = False, on: Stored | None = None) -> None:
        """Press a button and be told why nothing came of it."""
        before = len(self.world.slack.told)
        self.clicks(user, action, card=card, on=on)
        told = eventually(lambda: self.world.slack.told[before:], 5, f"{user} is told {words!r}")
        assert words in told[0]["text"]

    def fills(self, user: str, action: str, words: Mapping[str, str], *, card: bool = False) -> dict[str, Any]:
        """Press a button that asks, fill in its form and send it; give the form."""
        slack, before = self.world.slack, len(self.world.slack.views.get(user, ()))
        self.clicks(user, action, card=card)
        view = eventually(lambda: slack.views.get(user, [])[before:], 5, f"a form for {user}")[0]
        assert not slack.acks[slack.submit(user, view, words).envelope].get("payload")
        return dict(view)
