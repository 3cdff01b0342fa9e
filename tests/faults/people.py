"""People who press buttons while the monitor is killed, and Slack that carries what they press.

Slack tells a press again that nobody answered within three seconds, and now and then one that was answered. Some of the
people may not do what they press, some come from elsewhere, and somebody forges. It knows the door, not what is behind.
"""

import http.client
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tests.faults.happenings import REFUSED, Click
from tests.servers.slack import SlackServer, Stored
from tests.servers.slack_rules import buttons_of

MEANS = {"acknowledge": "acknowledged", "start": "procedure_started"}
RESPONDER = frozenset({*MEANS.values(), REFUSED})
RIGHTS = {"U0ANA": RESPONDER, "U0BOB": RESPONDER, "U0EVE": frozenset({"acknowledged", REFUSED})}
"""Who may do what; somebody of another team may do nothing at all."""

STRANGERS = {
    "U0MAL": {"team": {"id": "T0ELSE", "domain": "elsewhere"}},
    "U0GUEST": {"user": {"id": "U0GUEST", "username": "guest", "name": "guest", "team_id": "T0ELSE"}},
}
"""What the payload of a stranger has instead: a press in another workspace, and one by a guest in ours."""

FORGER = "forger"
CROWD = ("U0ANA", "U0ANA", "U0BOB", "U0EVE", "U0EVE", "U0MAL", "U0GUEST", FORGER)
ANSWER_WITHIN = 3.0
AGAIN_AFTER = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds after which a press that nobody answered is told again."""

ANSWERED_AGAIN = 0.3
"""The share of those that were answered and are told again all the same."""


@dataclass
class Press:
    """A press on its way: what is sent, when next, and what became of it."""

    key: str
    who: str
    action: str
    incident: str
    payload: dict[str, Any]
    due: float
    tries: int = 0
    answered: float | None = None

    @property
    def genuine(self) -> bool:
        return self.who != FORGER

    @property
    def click(self) -> Click:
        return Click(self.key, self.who, MEANS[self.action], self.incident, self.answered, self.genuine)


@dataclass
class People:
    """Presses buttons of `slack` and carries them to `door` (its address, where it has one) until told to stop."""

    slack: SlackServer
    door: Callable[[], str]
    dice: random.Random
    carried: threading.Event
    """Set while Slack works."""
    pressed: list[Press] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    def run(self, ended: threading.Event) -> None:
        """Press a button now and then, and carry what is due."""
        underway: list[Press] = []
        while not ended.wait(self.dice.uniform(0.1, 0.5)):
            if not self.carried.is_set():
                continue
            underway += self._press()
            for one in [press for press in underway if press.due <= time.monotonic()]:
                self._carry(one)
            underway = [press for press in underway if press.due < float("inf")]

    def _press(self) -> Iterator[Press]:
        """Let somebody press a button of one of the newest pages, perhaps as it was drawn a while ago."""
        pages = [one for one in self.slack.everything() if one.thread_ts is None and one.blocks][-3:]
        if not pages:
            return
        page = self.dice.choice(pages)
        drawn = self.dice.choice([page.blocks, page.blocks, *(blocks for _, blocks in page.edits)])
        buttons = [one for one in buttons_of(drawn) if one["action_id"] in MEANS]
        if buttons:
            press = self._by(self.dice.choice(CROWD), page, self.dice.choice(buttons))
            self.pressed.append(press)
            yield press

    def _by(self, who: str, page: Stored, button: dict[str, Any]) -> Press:
        payload = self.slack.payload("U0ANA" if who == FORGER else who, page, button) | STRANGERS.get(who, {})
        action = payload["actions"][0]
        key = f"{payload['user']['id']}/{action['action_id']}/{action['action_ts']}"
        incident = button["value"].partition("|")[0]
        return Press(key, who, button["action_id"], incident, payload, time.monotonic())

    def _carry(self, press: Press) -> None:
        """Send it; what was not answered is told again, and so is now and then what was."""
        status = self._send(press)
        self.statuses[status] += 1
        if status == http.client.OK and press.answered is None:
            press.answered = time.time()
            again = self.dice.random() < ANSWERED_AGAIN
        else:
            again = press.answered is None and press.genuine
        again = again and press.tries < len(AGAIN_AFTER)
        press.due = time.monotonic() + AGAIN_AFTER[press.tries] if again else float("inf")
        press.tries += 1

    def _send(self, press: Press) -> int:
        body, headers = self.slack.form({"payload": json.dumps(press.payload)})
        if not press.genuine:
            headers["X-Slack-Signature"] = f"v0={'0' * 64}"
        door = urlsplit(self.door())
        connection = http.client.HTTPConnection(door.hostname or "127.0.0.1", door.port or 9, timeout=ANSWER_WITHIN)
        try:
            connection.request("POST", "/slack/interactions", body, headers)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()
