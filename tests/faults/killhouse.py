"""One house of a run with kills: a daemon with a Slack, other pagers and people of its own, and somebody who kills it.

Kills come at random moments and at the boundaries of `entry`; meanwhile Slack and the pagers lose answers, ask to wait
and hang, and for a while Slack takes nothing at all.
"""

import contextlib
import itertools
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from tests.e2e.running import Monitor, eventually, rules_with
from tests.faults.entry import BOUNDARIES
from tests.faults.happenings import Stretch
from tests.faults.people import People
from tests.servers.receiver import LOST, Receiver
from tests.servers.slack import SlackServer, answers, hangs, lost_reply, rate_limited

OFFSET = 3
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
RELEASES = """
version: 1
services:
  auth: {version: 'up{job="auth"}', label: instance}
"""
"""Something to look for, so that pages wait for it and the daemon is killed meanwhile too."""
PAGE = "page: {rollback: [slack, pagerduty, webhook]}\n"

AT_RANDOM = "at random"
RUN = [sys.executable, "-m", "tests.faults.entry"]
UNREACHED = 5.0
"""Seconds after which a server that could not be reached is asked again."""


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
        end = time.monotonic() + 30
        while time.monotonic() < end:
            if self.process.poll() is not None:
                return False
            if self._owner().get("pid") == self.process.pid and self._owner().get("url"):
                return True
            time.sleep(0.02)
        raise AssertionError(f"it neither listens nor ends: {self.log[-2000:]}")

    @property
    def door(self) -> str:
        """Where it listens, or did; nothing while that is not known."""
        return str(self._owner().get("url", ""))

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


@dataclass(frozen=True)
class Life:
    """How a daemon is started, where it ends by itself, and the seconds after which it is killed from outside."""

    place: str
    program: list[str]
    seconds: float


WHOLE = Life(AT_RANDOM, [*RUN, "never", "commit", "0"], 10.0)
"""A life in which everything has its time."""


def lives(dice: random.Random) -> Iterator[Life]:
    """Every boundary in turn, and every other time none: that one is killed from outside, mostly soon."""
    every = [(side, name) for name in BOUNDARIES for side in ("before", "after")]
    dice.shuffle(every)
    for number in itertools.count():
        side, name = every[number % len(every)]
        yield Life(f"{side} {name}", [*RUN, side, name, str(dice.randint(1, 3))], dice.uniform(1.0, 6.0))
        yield WHOLE if number % 3 == 2 else replace(WHOLE, seconds=dice.uniform(0.5, 5.0))


class House:
    """Everything of one house. `kills` are made by `run`; what is left then is posted by `settle`."""

    def __init__(self, folder: Path, prometheus: str, seed: int, kills: int, outage: Stretch) -> None:
        """Make a house; `outage` is when Slack goes, in seconds from the beginning, and for how long."""
        folder.mkdir()
        self.folder, self.kills, self.outage = folder, kills, outage
        self.slack = SlackServer()
        self.pagers = {"pagerduty": Receiver(202), "webhook": Receiver(200), "alertmanager": Receiver(200)}
        self.dice = random.Random(seed)
        rules = rules_with(folder, RULES, reopen_within="1s")
        with (rules / "routing.yaml").open("a") as routing:
            routing.write(PAGE)
        (rules / "releases.yaml").write_text(RELEASES)
        self.monitor = Killable(folder, rules, prometheus)
        self.away: list[Stretch] = []
        self.refusing: list[Stretch] = []
        self.places: Counter[str] = Counter()
        self._died = 0.0
        self._works = threading.Event()
        self._works.set()
        self.people = People(self.slack, lambda: self.monitor.door, random.Random(seed + 1), self._works)
        self._ended = threading.Event()
        self._pressing = threading.Thread(target=self.people.run, args=[self._ended])

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.slack)
            for pager in self.pagers.values():
                stack.enter_context(pager)
            stack.callback(self.monitor.__exit__)
            self.monitor.env |= self._settings()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._leave()
        self._stack.close()

    def _leave(self) -> None:
        """Let the people go home, and Slack be as it is."""
        self._ended.set()
        if self._pressing.is_alive():
            self._pressing.join()

    def _settings(self) -> dict[str, str]:
        return {
            "MONITOR_SLACK__BOT_TOKEN": self.slack.bot_token,
            "MONITOR_SLACK__SIGNING_SECRET": self.slack.signing_secret,
            "MONITOR_SLACK__API_URL": self.slack.url,
            "MONITOR_SLACK__CHANNEL": self.slack.channel,
            "MONITOR_SLACK__RESPONDERS": "S0ONCALL",
            "MONITOR_PAGERDUTY__ROUTING_KEY": "R0UT1NGKEY",
            "MONITOR_PAGERDUTY__API_URL": self.pagers["pagerduty"].url,
            "MONITOR_WEBHOOK__URL": self.pagers["webhook"].url,
            "MONITOR_ALERTMANAGER__URL": self.pagers["alertmanager"].url,
        }

    # --- the run ----------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Let it evaluate once before anything breaks: one that never wrote anything down has nothing to lose."""
        assert self._launch(WHOLE, time.time())
        eventually(self.monitor.ready, 20, "it evaluates")
        self.monitor.kill()
        self._died = time.time()

    def run(self) -> None:
        """Kill it as often as was asked for, while people press buttons and Slack goes for a while and comes back."""
        self._pressing.start()
        with ThreadPoolExecutor(1) as pool:
            going = pool.submit(self._goes)
            try:
                self._kill_on()
            except BaseException:
                self._ended.set()
                raise
            going.result()

    def _kill_on(self) -> None:
        died = self._died
        for life in itertools.islice(lives(self.dice), self.kills):
            self._weather()
            listens = self._launch(life, died)
            if not listens or self.monitor.dies(life.seconds):
                self.places[life.place] += 1
            else:
                self.monitor.kill()
                self.places[AT_RANDOM] += 1
            died = time.time() if listens else died
        assert self._launch(WHOLE, died)

    def _launch(self, life: Life, died: float) -> bool:
        self.monitor.program = life.program
        listens = self.monitor.launch()
        if listens:
            self.away.append((died, time.time()))
        return listens

    def _weather(self) -> None:
        """Something that goes wrong in Slack and with another pager, or nothing."""
        fault = self.dice.choice([(), (), (lost_reply(),), (rate_limited(),), (hangs(1.0),)])
        self.slack._faults["chat.postMessage"].clear()
        self.slack.fault("chat.postMessage", *fault)
        pager = self.pagers[self.dice.choice(list(self.pagers))]
        pager._next.clear()
        status = self.dice.choice([0, 0, LOST, 429, 500]) if self.dice.random() < 0.6 else None
        if status is not None:
            pager.next(status, headers={"Retry-After": "1"} if status == 429 else {})

    def _goes(self) -> None:
        """Slack refuses connections for the first half of its absence, and answers 503 for the other."""
        begin, length = self.outage
        if self._ended.wait(begin):
            return
        went = time.time()
        self._works.clear()
        self.slack.down()
        self._ended.wait(length / 2)
        self.slack.sick = answers(503, "upstream connect error")
        self.slack.up()
        self._ended.wait(length / 2)
        self.slack.sick = None
        self.refusing.append((went, time.time() + UNREACHED))
        self._works.set()

    def settle(self) -> None:
        """Wait until everything is posted, and stop it."""
        self._leave()
        eventually(lambda: self.monitor.metric("rollback_monitor_outbox_pending") == 0, 120, "everything is posted")
        assert self.monitor.stop()[0] == 0, self.monitor.log[-2000:]
