"""The door for Slack's signed requests behind its real listener, on a house with an incident and the strict Slack."""

import http.client
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from monitor.adapters.slack.client import SlackPager
from monitor.adapters.slack.directory import SlackDirectory
from monitor.adapters.slack.inbound import FormsOf, Teller
from monitor.adapters.slack.interactions import Dispatcher
from monitor.adapters.slack.opening import Modals
from monitor.adapters.slack.signed import SignedDoor
from monitor.adapters.slack.slash import SlashCommand
from monitor.bootstrap.app import SystemClock
from monitor.core.pages.page import Scene
from monitor.core.pages.render import render
from monitor.core.rules.routing import Route
from monitor.desk.scenes import Scenes
from monitor.people.ears import Ears
from monitor.ports.pager import Message, Sent
from monitor.ports.store import Post, PostKind
from monitor.ruleset.rulesfolder import Outcome, Standing
from monitor.runtime.serving import Serving
from monitor.telemetry import Metrics
from monitor.web import Health, Inside, View, application
from tests.middle.house import WORST, House, group, rule, rule_set
from tests.servers.slack import SlackServer, Stored, pressed

TOKEN = "canary-7f3a"
PEOPLE = Route("C0OPS", responders=("S0ONCALL",), commanders=("S0IC",))


@dataclass
class Door:
    """The listener as Slack, or somebody who is not, sees it."""

    port: int
    house: House
    slack: SlackServer
    metrics: Metrics
    page: Stored
    took: list[float] = field(default_factory=list)

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """One request: status, headers (lower case) and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        began = time.monotonic()
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            told = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, told, answer.read()
        finally:
            self.took.append(time.monotonic() - began)
            connection.close()

    def post(self, body: bytes, headers: Mapping[str, str], path: str = "/slack/interactions") -> int:
        """Status of a post."""
        return self.ask("POST", path, body, headers)[0]

    def payload(self, who: str, action: str, **changes: Any) -> dict[str, Any]:  # noqa: ANN401  # any field
        """What Slack sends for a press of a button on the page as it was drawn first."""
        return self.slack.payload(who, self.page, pressed(self.page, action)) | changes

    def submit(self, who: str, view: dict[str, Any], **words: str) -> dict[str, Any]:
        """Send a form: what Slack gets back (nothing: the form closes)."""
        body, headers = self.slack.form({"payload": json.dumps(self.slack.submission(who, view, words))})
        status, _, said = self.ask("POST", "/slack/interactions", body, headers)
        assert status == 200
        back: dict[str, Any] = json.loads(said) if said else {}
        return back

    def click(self, who: str, action: str, **changes: Any) -> int:  # noqa: ANN401  # any field
        """Press a button: the status that Slack gets."""
        return self.post(*self.slack.form({"payload": json.dumps(self.payload(who, action, **changes))}))

    def typed(self, words: str, user: str = "U0ANA", **changes: str) -> tuple[int, str]:
        """Type the slash command: status, and what the person reads."""
        fields = {
            "command": "/rbm",
            "text": words,
            "user_id": user,
            "user_name": user.lower(),
            "team_id": "T0TEAM",
            "api_app_id": "A0APP",
            "trigger_id": str(time.monotonic_ns()),
        }
        body, headers = self.slack.form(fields | changes)
        status, _, said = self.ask("POST", "/slack/commands", body, headers)
        return status, json.loads(said)["text"] if said else ""


@contextmanager
def opened(slack: SlackServer, route: Route = PEOPLE) -> Iterator[Door]:
    """A door that is open, with one rollback incident paged."""
    house, clock, metrics, ended = (
        House(group("logins", rule("Login", rollback=0))),
        SystemClock(),
        Metrics(),
        threading.Event(),
    )
    house.build(rule_set(*house.book.now.rules.groups, route=route))
    house.says("Login", WORST)
    house.tick()

    ears = Ears(house.clock, house.commands, house.book, house.store, Scenes(house.book, {}))
    directory, teller = (
        SlackDirectory(slack.bot_token, clock, base_url=slack.url),
        Teller(slack.bot_token, base_url=slack.url),
    )
    slash = SlashCommand(
        lambda: house.store.incidents(open_only=True), lambda one: render(Scene(one, house.clock.now(), {})).headline
    )
    forms = FormsOf(ears, Modals(slack.bot_token, teller.tell, base_url=slack.url))
    dispatcher = Dispatcher(ears.handle, directory, lambda _incident: route, slash, forms)
    door = SignedDoor(slack.signing_secret, dispatcher, clock, teller.tell, metrics.counted_inbound)
    inside = Inside(
        store=house.store,
        commands=house.commands,
        registry=metrics.registry,
        token=TOKEN,
        healthy=lambda: Health(ok=True),
        ready=lambda: Health(ok=True),
        reload=lambda: Outcome(problems=("no such rule",)),
        standing=lambda: Standing("f" * 64, house.clock.now()),
        gauges=lambda: None,
        view=lambda: View(house.book.now),
        scene=lambda one: Scene(one, one.opened_at, {}),
        slack=door,
    )
    serving = Serving(application(inside), "127.0.0.1:0", None)
    url = serving.bind()
    serving.start()
    threading.Thread(target=teller.run, args=(ended,), daemon=True).start()
    try:
        yield Door(int(url.rpartition(":")[2]), house, slack, metrics, paged(house, slack))
    finally:
        ended.set()
        serving.stop()
        serving.join(5)


def paged(house: House, slack: SlackServer) -> Stored:
    """The incident's page, as it stands in Slack."""
    page = render(Scene(house.incident(), house.clock.now(), {}))
    post = Post("INC-0001", slack.channel, PostKind.ROOT, 1, "rollback_opens", house.clock.now())
    sent = SlackPager(slack.bot_token, base_url=slack.url).deliver(Message(post, page=page))
    assert isinstance(sent, Sent)
    return slack.message(sent.ts)
