"""Real daemons, killed at random moments and at every boundary of a commit, under a Slack that loses replies.

A dozen kills here; `make faults` makes 500. Nothing may be lost, doubled, late or of the wrong tier.
"""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlencode

import pytest

from monitor.adapters.store import open_store
from monitor.core.events import AlertFired
from monitor.ports import Post, PostKind
from tests.e2e.running import Monitor, Shop, eventually, rules_with
from tests.faults.checker import Breach, Fired, Run, Told, check
from tests.servers.prometheus import Prometheus
from tests.servers.slack import SlackServer, hangs, lost_reply, rate_limited

KILLS = int(os.environ.get("KILLS", "12"))
SEED = int(os.environ.get("SEED", "1"))
OFFSET = 3
PATIENCE = OFFSET + 1 + 2.0
ANNOUNCED = {"rollback_opens", "rollback_joins", "raised", "back"}

RULES = f"""
groups:
  - name: logins
    interval: 1s
    query_offset: {OFFSET}s
    rules:
      - alert: LoginFailing
        service: auth
        signal:
          error_ratio:
            requests: 'http_requests_total{{job="auth",route="/login"}}'
            failures: 'code=~"5.."'
            window: 4s
        guards: {{min_requests: 20, min_failures: 5}}
        rollback: {{above: 20%, confidence: 99%}}
"""

BAD = """
(   sum(increase(http_requests_total{job="auth",route="/login",code=~"5.."}[4s]))
  / sum(increase(http_requests_total{job="auth",route="/login"}[4s])) > 0.6)
"""
"""Surely a breach, with proof: the truth that is asked of Prometheus afterwards."""


class Killable(Monitor):
    """A daemon that may already be dead when it is looked for."""

    def launch(self) -> bool:
        """Start it; whether it came to listen before it died."""
        with (self.folder / "log").open("ab") as log, (self.folder / "pages").open("ab") as pages:
            self.process = subprocess.Popen(
                [*self.program, "run"],
                env=self.env,
                cwd=Path(__file__).parents[2],
                stdout=pages,
                stderr=log,
            )
        end = time.monotonic() + 20
        while time.monotonic() < end:
            if self.process.poll() is not None:
                return False
            if self._owner().get("pid") == self.process.pid and self._owner().get("url"):
                return True
            time.sleep(0.02)
        raise AssertionError(f"it neither listens nor ends: {self.log[-2000:]}")

    def dies(self, within: float) -> bool:
        """Whether it ends by itself within so many seconds."""
        assert self.process is not None
        try:
            self.process.wait(within)
        except subprocess.TimeoutExpired:
            return False
        return True

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def cuts(dice: random.Random) -> Iterator[list[str]]:
    """Every boundary in turn, and every other time none: that one is killed from outside."""
    every = [(side, name) for name in ("commit", "record", "deliver") for side in ("before", "after")]
    while True:
        for side, name in every:
            yield [sys.executable, "-m", "tests.faults.entry", side, name, str(dice.randint(1, 6))]
            yield [sys.executable, "-m", "monitor"]


def weather(slack: SlackServer, dice: random.Random) -> None:
    """Something that goes wrong in Slack with the next posts, or nothing."""
    slack.fault("chat.postMessage", *dice.choice([(), (), (lost_reply(),), (rate_limited(),), (hangs(1.0),)]))


def toggling(shop: Shop, ended: threading.Event) -> None:
    """Break the login for a while, and mend it, again and again."""
    while not ended.wait(7):
        shop.failing["login"] = 0.95
        if ended.wait(5):
            break
        shop.failing["login"] = 0.0
    shop.failing["login"] = 0.0


def run_with_kills(monitor: Killable, slack: SlackServer, dice: random.Random) -> list[tuple[float, float]]:
    """Kill it KILLS times; give when it was away."""
    away: list[tuple[float, float]] = []
    programs, died = cuts(dice), time.time()
    for _ in range(KILLS):
        monitor.program = next(programs)
        weather(slack, dice)
        listens = monitor.launch()
        if listens:
            away.append((died, time.time()))
        if not listens or not monitor.dies(dice.uniform(0.5, 5.0)):
            monitor.kill()
        died = time.time() if listens else died
    monitor.program = [sys.executable, "-m", "monitor"]
    assert monitor.launch()
    away.append((died, time.time()))
    return away


def breaches(prometheus: Prometheus, start: float, end: float) -> list[Breach]:
    """The stretches of three seconds and more in which the login surely failed."""
    query = urlencode({"query": BAD, "start": int(start), "end": int(end), "step": "1"})
    with urllib.request.urlopen(f"{prometheus.url}/api/v1/query_range?{query}") as response:
        found = json.load(response)["data"]["result"]
    times = [int(at) for series in found for at, _ in series["values"]]
    stretches: list[list[int]] = []
    for at in times:
        if stretches and at == stretches[-1][-1] + 1:
            stretches[-1].append(at)
        else:
            stretches.append([at])
    return [Breach(one[0] - 4, one[-1]) for one in stretches if len(one) >= 3]


def record(folder: Path) -> list[Fired]:
    """What fired, by the database, with the keys of what had to be posted for it."""
    store = open_store(f"sqlite:///{folder / 'monitor.db'}")
    fired = []
    for incident in reversed(store.incidents()):
        posts = [
            post for post in store.posts(incident.id) if post.reason in ANNOUNCED and post.kind is not PostKind.LINE
        ]
        alerts = [event.firing for event in store.events(incident.id) if isinstance(event, AlertFired)]
        fired += [
            Fired(incident.id, int(alert.since.timestamp()), str(alert.key.tier), (post.key,))
            for alert, post in zip(alerts, _announcements(posts), strict=True)
        ]
    store.close()
    return fired


def _announcements(posts: Sequence[Post]) -> list[Post]:
    """The root first, then what was broadcast: one for each alert that fired."""
    return sorted(posts, key=lambda post: (post.kind is not PostKind.ROOT, post.n))


def told(slack: SlackServer) -> list[Told]:
    return [
        Told(str(one.metadata["event_payload"]["key"]), one.posted_at, one.text, in_thread=one.thread_ts is not None)
        for one in slack.everything()
    ]


@pytest.mark.timeout(60 + 12 * KILLS)
def test_no_page_is_lost_doubled_late_or_of_the_wrong_tier(tmp_path: Path) -> None:
    dice, ended = random.Random(SEED), threading.Event()
    with (
        SlackServer() as slack,
        Shop() as shop,
        Prometheus(scrape={"auth": [shop.exporter.target]}) as prometheus,
    ):
        eventually(lambda: prometheus.query("http_requests_total", time.time()), 20, "it scrapes")
        monitor = Killable(tmp_path, rules_with(tmp_path, RULES, reopen_within="1s"), prometheus.url, slack)
        shopping = threading.Thread(target=toggling, args=(shop, ended))
        began = time.time()
        shopping.start()
        try:
            away = run_with_kills(monitor, slack, dice)
        finally:
            ended.set()
            shopping.join()
        time.sleep(PATIENCE + 6)
        eventually(lambda: monitor.metric("rollback_monitor_outbox_pending") == 0, 90, "everything is posted")
        monitor.stop()
        found = breaches(prometheus, began, time.time() - PATIENCE)
    fired = record(tmp_path)
    faults = check(Run(found, told(slack), fired, away=away, patience=PATIENCE + 4))
    print(f"\n{KILLS} kills, {len(found)} breaches, {len(fired)} alerts fired, {len(told(slack))} messages: {faults}")
    assert len(found) >= KILLS // 12
    assert (faults.lost, faults.doubled, faults.wrong_tier, faults.late) == ((), (), (), ())
