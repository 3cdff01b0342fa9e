"""The daemon as a real process, and a small shop whose counters can be made to fail.

What the end-to-end tests run on.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, TypeVar

from tests.servers.prometheus import Exporter
from tests.servers.slack import SlackServer

T = TypeVar("T")
ROOT = Path(__file__).parents[2]

STARTED_WITHIN = 45.0
"""Seconds after which a daemon is given up; it takes one, and more where others take the machine."""

MEASURED = "COVERAGE_PROCESS_CONFIG"
"""Set where coverage is measured, for the processes that tests start. What it costs would spoil figures."""


def unmeasured() -> dict[str, str]:
    """The environment without the measurement of coverage."""
    return {name: value for name, value in os.environ.items() if name != MEASURED}


def eventually(look: Callable[[], T], within: float, what: str) -> T:
    """The first truthy thing that `look` gives."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {within} s: {what}")


def rules_with(folder: Path, text: str, reopen_within: str = "30m") -> Path:
    """A rules folder with one rule file of the test and the shipped procedure."""
    rules = folder / "rules"
    shutil.copytree(ROOT / "rules" / "procedures", rules / "procedures")
    (rules / "fast.yaml").write_text(text)
    routing = f"environment: production\ndefault: {{responders: [S0ONCALL]}}\nreopen_within: {reopen_within}\n"
    (rules / "routing.yaml").write_text(routing)
    return rules


class Shop:
    """An exporter with logins and API requests at a steady rate; `failing` is the share of each that fails.

    `versions` is what runs of each service, as `app_build_info` tells it.
    """

    RATE = 40.0
    EVERY = 0.1

    def __init__(self) -> None:
        self.failing = {"login": 0.0, "api": 0.0}
        self.versions: dict[str, str] = {}
        self.exporter = Exporter(self._text({}))
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self.exporter.__enter__()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self.exporter.__exit__()

    def _run(self) -> None:
        counts: dict[tuple[str, str], float] = {}
        while not self._ended.wait(self.EVERY):
            for what, failing in self.failing.items():
                for code, share in (("500", failing), ("200", 1 - failing)):
                    counts[what, code] = counts.get((what, code), 0.0) + share * self.RATE * self.EVERY
            self.exporter.text = self._text(counts)

    def _text(self, counts: dict[tuple[str, str], float]) -> str:
        routes = {"login": "/login", "api": "/pay"}
        lines = ["# TYPE http_requests_total counter"]
        for what, route in routes.items():
            for code in ("200", "500"):
                labels = f'route="{route}",code="{code}"'
                lines.append(f"http_requests_total{{{labels}}} {counts.get((what, code), 0.0):.3f}")
        lines += [f'app_build_info{{service="{name}",version="{one}"}} 1' for name, one in self.versions.items()]
        return "\n".join(lines) + "\n"


class Monitor:
    """The daemon. `env` is added to a clean environment; its output is kept in `folder/log`."""

    def __init__(
        self, folder: Path, rules: Path, prometheus: str, slack: SlackServer | None = None, **env: str
    ) -> None:
        self.folder = folder
        self.env = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "MONITOR_RULES": str(rules),
            "MONITOR_PROMETHEUS__URL": prometheus,
            "MONITOR_LISTEN": "127.0.0.1:0",
            "MONITOR_DATABASE_URL": f"sqlite:///{folder / 'monitor.db'}",
            "MONITOR_LOG_FORMAT": "json",
            **{name: value for name, value in os.environ.items() if name == MEASURED},
            **env,
        }
        if slack is not None:
            self.env |= {
                "MONITOR_SLACK__BOT_TOKEN": slack.bot_token,
                "MONITOR_SLACK__APP_TOKEN": slack.app_token,
                "MONITOR_SLACK__API_URL": slack.url,
                "MONITOR_SLACK__CHANNEL": slack.channel,
                "MONITOR_SLACK__RESPONDERS": "S0ONCALL",
            }
        self.process: subprocess.Popen[bytes] | None = None
        self.program = [sys.executable, "-m", "monitor"]

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(12)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def start(self) -> None:
        """Start the process and wait until it listens."""
        with (self.folder / "log").open("ab") as log, (self.folder / "pages").open("ab") as pages:
            self.process = subprocess.Popen(
                [*self.program, "run"], env=self.env, cwd=self.folder, stdout=pages, stderr=log
            )
        eventually(self.listens, STARTED_WITHIN, f"the daemon listens; it said:\n{self.log}")

    def listens(self) -> bool:
        """Whether it has bound its listener and said where."""
        assert self.process is not None
        assert self.process.poll() is None, f"the daemon ended with {self.process.returncode}:\n{self.log}"
        return self._owner().get("pid") == self.process.pid and bool(self._owner().get("url"))

    def _owner(self) -> dict[str, Any]:
        try:
            owner: dict[str, Any] = json.loads((self.folder / "monitor.db.lock").read_text())
        except (OSError, ValueError):
            return {}
        return owner

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """Send a signal; give the exit code and the seconds it took."""
        assert self.process is not None
        began = time.monotonic()
        self.process.send_signal(number)
        code = self.process.wait(15)
        return code, time.monotonic() - began

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    @property
    def log(self) -> str:
        """Everything it wrote to standard error so far."""
        return (self.folder / "log").read_text() if (self.folder / "log").exists() else ""

    def told(self, event: str) -> list[dict[str, Any]]:
        """The log lines of one event."""
        every = [json.loads(line) for line in self.log.splitlines() if line.startswith("{")]
        return [one for one in every if one.get("event") == event]

    @property
    def pages(self) -> str:
        """What it printed for people."""
        return (self.folder / "pages").read_text()

    @property
    def url(self) -> str:
        """The address of its HTTP listener."""
        return str(self._owner()["url"])

    def get(self, path: str) -> str:
        """Ask its HTTP listener."""
        with urllib.request.urlopen(self.url + path, timeout=5) as response:
            return str(response.read().decode())

    def ready(self) -> bool:
        """Whether it says that everything was evaluated once."""
        try:
            return self.get("/-/ready") == "ok\n"
        except urllib.error.HTTPError as not_yet:
            not_yet.close()
            return False

    def incidents(self) -> list[dict[str, Any]]:
        """The incidents, oldest first."""
        found: list[dict[str, Any]] = json.loads(self.get("/api/v1/incidents"))["incidents"]
        return found[::-1]

    def metric(self, name: str) -> float:
        """The sum of a metric over all its labels."""
        lines = (line for line in self.get("/metrics").splitlines() if re.match(rf"{name}[{{ ]", line))
        return sum(float(line.rpartition(" ")[2]) for line in lines)

    def incident(self, name: str) -> dict[str, Any]:
        """One incident with its alerts and events."""
        found: dict[str, Any] = json.loads(self.get(f"/api/v1/incidents/{name}"))["incident"]
        return found

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the command line as somebody on the same machine would."""
        return subprocess.run(
            [sys.executable, "-m", "monitor", *words],
            env=self.env,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )


class Stepped(Monitor):
    """A daemon whose clock (not its monotonic one) is off by what is written to a file: libfaketime is under it."""

    def __init__(
        self, folder: Path, rules: Path, prometheus: str, slack: SlackServer | None = None, **env: str
    ) -> None:
        libraries = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
        assert libraries, "libfaketime is needed: sudo apt-get install faketime"
        self._offset = folder / "offset"
        self.step(0)
        faked = {
            "LD_PRELOAD": str(libraries[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self._offset),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        super().__init__(folder, rules, prometheus, slack, **faked, **env)

    def step(self, seconds: int) -> None:
        """Let the daemon's clock be off by so much, from now on."""
        new = self._offset.with_name("new")
        new.write_text(f"{seconds:+d}\n")
        new.rename(self._offset)
