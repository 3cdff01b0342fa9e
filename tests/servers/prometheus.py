"""Starts real Prometheus servers for tests: own data folder, free port, history written by promtool, ended by pid.

    with Prometheus(history={'up{job="auth"}': [(t, 1.0), (t + 15, 1.0)]}) as prometheus:
        prometheus.query("up", t + 20)

It must not know what is being tested: no rule, signal or adapter of the monitor is imported here.
"""

import contextlib
import http.server
import json
import re
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, TypeAlias

from tests.servers.ports import free_port

History: TypeAlias = Mapping[str, Sequence[tuple[float, float]]]
"""Series in PromQL's notation, such as `up{job="auth"}`, to their (seconds since the epoch, value) in rising order."""

STARTED_WITHIN = 20.0
ENDED_WITHIN = 5.0

# long blocks instead of one every 2 hours: a month of history is written in a second
BACKFILL = ("promtool", "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=8760h")

_WHITE_OR_QUOTED = re.compile(r'("(?:\\.|[^"\\])*")|\s+')


def steady(start: int, end: int, step: int, *, rate: float, first: float = 0.0) -> list[tuple[float, float]]:
    """Give a counter growing by `rate` a second from `first`, sampled every `step` seconds up to `end` inclusive."""
    return [(t, first + rate * (t - start)) for t in range(start, end + 1, step)]


def openmetrics(history: History) -> str:
    """Give `history` as the OpenMetrics text that `promtool tsdb create-blocks-from openmetrics` reads."""
    names = {series: _WHITE_OR_QUOTED.sub(r"\1", series) for series in history}  # no blanks between labels there
    lines = [f"{names[series]} {value!r} {at:.3f}" for series, points in history.items() for at, value in points]
    return "\n".join([*lines, "# EOF", ""])


class Prometheus:
    """A real Prometheus for the length of a `with` block; it answers as soon as the block begins.

    It starts in about a tenth of a second; its first scrape comes 5 s later (a fixed pace of Prometheus). `history` is
    backfilled before it starts (a dict of series, or an OpenMetrics text ending in `# EOF`); its times may be years
    ago. `scrape` maps job names to `host:port` targets, read every `interval` seconds. `flags` are added to the command
    line. `rules` is the text of a rule file of its own, evaluated every `interval` seconds; `alertmanagers` hear
    of what fires. `stop()`, `kill()` and `start()` may be called within the block: the port and the data stay.
    """

    def __init__(
        self,
        *,
        history: History | str = "",
        scrape: Mapping[str, Iterable[str]] | None = None,
        interval: float = 1.0,
        flags: Sequence[str] = (),
        rules: str = "",
        alertmanagers: Sequence[str] = (),
    ) -> None:
        self.port = free_port()
        self._history = history if isinstance(history, str) else openmetrics(history)
        self._scrape = dict(scrape or {})
        self._interval = interval
        self._flags = tuple(flags)
        self._rules = rules
        self._alertmanagers = list(alertmanagers)
        self._folder = tempfile.TemporaryDirectory(prefix="prometheus-")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The process, for tests that send it signals."""
        assert self._process is not None, "not started"
        return self._process.pid

    def __enter__(self) -> Self:
        try:
            self._write_history()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._folder.cleanup()

    def start(self) -> None:
        """Start it on its port and data, and wait until it is ready."""
        config = self._path / "prometheus.yml"
        config.write_text(json.dumps(self._config()))
        with (self._path / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    "prometheus",
                    f"--config.file={config}",
                    f"--storage.tsdb.path={self._path / 'data'}",
                    "--storage.tsdb.retention.time=100y",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                    "--log.level=warn",
                    "--scrape.discovery-reload-interval=100ms",  # up to 10 s before the first scrape otherwise
                    *self._flags,
                ],
                stdout=log,
                stderr=log,
            )
        self._wait_until_ready()

    def stop(self) -> None:
        """End it: SIGTERM, then SIGKILL. Does nothing where it does not run."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(ENDED_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self._process is not None, "not started"
        self._process.kill()
        self._process.wait()
        self._process = None

    def alerts(self) -> list[dict[str, Any]]:
        """Give the active alerts of its own rules."""
        with urllib.request.urlopen(f"{self.url}/api/v1/alerts", timeout=10) as reply:  # our own loopback URL
            found: list[dict[str, Any]] = json.load(reply)["data"]["alerts"]
            return found

    def query(self, expr: str, at: float) -> list[dict[str, Any]]:
        """Give the result of an instant query, as Prometheus gives it; an HTTP error is raised as it comes."""
        form = urllib.parse.urlencode({"query": expr, "time": at}).encode()
        with urllib.request.urlopen(f"{self.url}/api/v1/query", form, timeout=10) as reply:  # our own loopback URL
            result: list[dict[str, Any]] = json.load(reply)["data"]["result"]
            return result

    @property
    def _path(self) -> Path:
        return Path(self._folder.name)

    def _config(self) -> dict[str, Any]:
        jobs = [
            {"job_name": job, "static_configs": [{"targets": list(targets)}]} for job, targets in self._scrape.items()
        ]
        interval = f"{round(self._interval * 1000)}ms"
        pace = {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval}
        files = []
        if self._rules:
            (self._path / "rules.yml").write_text(self._rules)
            files = [str(self._path / "rules.yml")]
        alerting = {"alertmanagers": [{"static_configs": [{"targets": self._alertmanagers}]}]}
        return {"global": pace, "scrape_configs": jobs, "rule_files": files, "alerting": alerting}

    def _write_history(self) -> None:
        if not self._history:
            return
        text = self._path / "history.om"
        text.write_text(self._history)
        made = subprocess.run(
            [*BACKFILL, str(text), str(self._path / "data")],
            capture_output=True,
            text=True,
            check=False,
        )
        assert made.returncode == 0, f"promtool refused the history: {made.stderr}{made.stdout}"

    def _wait_until_ready(self) -> None:
        assert self._process is not None
        give_up = time.monotonic() + STARTED_WITHIN
        while time.monotonic() < give_up:
            if self._process.poll() is not None:
                break
            with (
                contextlib.suppress(OSError, urllib.error.URLError),
                urllib.request.urlopen(f"{self.url}/-/ready", timeout=1),  # our own loopback URL
            ):
                return
            time.sleep(0.02)
        said = (self._path / "log").read_text()
        raise AssertionError(f"Prometheus did not become ready: {said}")


class Exporter:
    """A scrape target on loopback whose `/metrics` text can be changed at any time: `exporter.text = "up_to_us 1\\n"`.

    With `down = True` every scrape is answered 503, so that Prometheus records `up` 0.
    """

    def __init__(self, text: str = "") -> None:
        self.text = text
        self.down = False
        exporter = self

        class Answer(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = exporter.text.encode()
                self.send_response(503 if exporter.down else 200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Keep the test's output clean."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    @property
    def target(self) -> str:
        """What to put under `scrape`."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
