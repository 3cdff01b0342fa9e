"""A Prometheus whose Alertmanager tells a webhook of Slack: both die again and again, while Slack has its troubles.

It must not know how anything is judged.
"""

import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.e2e.running import eventually
from tests.faults.checker import Breach
from tests.servers.alertmanager import Alertmanager
from tests.servers.prometheus import Prometheus
from tests.servers.slack import Fault, SlackServer, hangs, lost_reply, rate_limited
from tests.servers.slack_rules import Json

OUTAGE = 3.0

HAPPENED = (
    '{{ if eq .CommonLabels.tier "rollback" }}ROLLBACK NOW{{ else }}PREPARE{{ end }} {{ .CommonLabels.alertname }}'
)
SINCE = "{{ (index .Alerts.Firing 0).StartsAt.Unix }}"


@dataclass(frozen=True)
class Setting:
    """Who is killed, and how often Prometheus repeats to Alertmanager what fires (it holds for four times that)."""

    killed: str
    resend: str

    def __str__(self) -> str:
        return f"{self.killed} | {self.resend}"


@dataclass(frozen=True)
class Posted:
    """A message that the webhook took: the alert, since when it fires, and whether the answer got through."""

    at: float
    text: str
    alert: str
    since: int
    answered: bool


class Webhook(SlackServer):
    """An incoming webhook of Slack: it knows no token and no key, and answers `ok` or why not."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[Posted] = []

    def weather(self, *faults: Fault) -> None:
        """What goes wrong with the next post, in place of what was to go wrong with it."""
        with self._lock:
            self._faults["webhook"] = list(faults)

    async def _on_call(self, request: web.Request) -> web.Response:
        answer = await super()._on_call(request)
        if "posted" in request:
            at, title, text = request["posted"]
            alert, since = text.split()
            self.taken.append(Posted(at, title, alert, int(since), answered=answer.text == "ok"))
        return answer

    def _answer(self, request: web.Request, method: str, args: Json) -> web.Response:  # noqa: ARG002  # the server's
        attachments = args.get("attachments") or []
        if len(attachments) != 1 or not attachments[0].get("title"):
            return web.Response(status=400, text="no_text")
        request["posted"] = (time.time(), attachments[0]["title"], attachments[0]["text"])
        return web.Response(text="ok")


def alertmanager_config(webhook: str) -> dict[str, Any]:
    """As quick as it can be told to be, and no reminder for the length of the run."""
    slack = {
        "api_url": webhook,
        "channel": "#ops",
        "title": HAPPENED,
        "text": f"{{{{ .CommonLabels.alertname }}}} {SINCE}",
    }
    waits = {"group_wait": "0s", "group_interval": "1s", "repeat_interval": "12h"}
    return {
        "route": {"receiver": "people", "group_by": ["alertname"], **waits},
        "receivers": [{"name": "people", "slack_configs": [slack]}],
    }


@dataclass
class Rival:
    """One Prometheus with its Alertmanager and its Slack; `away` is when one of them was not at work."""

    setting: Setting
    slack: Webhook
    prometheus: Prometheus
    alertmanager: Alertmanager
    away: list[tuple[float, float]] = field(default_factory=list)
    kills: Counter[str] = field(default_factory=Counter)
    closed: float = 0.0

    def live(self, dice: random.Random, kills: int, calm: float) -> None:
        """Die and start again, so many times, and be left alone for so many seconds."""
        for _ in range(kills):
            self.suffer(dice)
            time.sleep(dice.uniform(0.5, 5.0))
            self.die(dice.choice(("Prometheus", "Alertmanager")) if self.setting.killed == "either" else "Alertmanager")
        time.sleep(calm)
        self.closed = time.time()

    def suffer(self, dice: random.Random) -> None:
        """Something that goes wrong in Slack, or nothing; one time in twenty it is gone for a while."""
        self.slack.weather(*dice.choice([(), (), (lost_reply(),), (rate_limited(),), (hangs(1.0),)]))
        if dice.random() < 0.05:
            began = time.time()
            self.slack.down()
            time.sleep(OUTAGE)
            self.slack.up()
            self.away.append((began, time.time()))

    def die(self, victim: str) -> None:
        died = time.time()
        if victim == "Prometheus":
            self.prometheus.kill()
            self.prometheus.start()
            eventually(lambda: self.scraped() > died, 30, "Prometheus scrapes again")
        else:
            self.alertmanager.kill()
            self.alertmanager.start()
        self.kills[victim] += 1
        self.away.append((died, time.time()))

    def scraped(self) -> float:
        """When it read the shop last."""
        found = self.prometheus.query("max(timestamp(http_requests_total))", time.time())
        return float(found[0]["value"][1]) if found else 0.0

    def saw(self, alert: str, breach: Breach, until: float) -> bool:
        """Whether its Prometheus held the alert for firing at any time of a breach."""
        span = int(until - breach.first)
        query = f'count_over_time(ALERTS{{alertname="{alert}",alertstate="firing"}}[{span}s])'
        return bool(self.prometheus.query(query, until))
