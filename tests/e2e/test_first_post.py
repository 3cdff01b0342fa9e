"""What a woken person reads: the first post of a page names the release, and nothing that hangs makes it late."""

import http.server
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

from monitor.delivery.headstart import MOST
from tests.e2e.running import Monitor, eventually, rules_with
from tests.servers.hostile import Hostile, hang
from tests.servers.prometheus import Exporter, Prometheus
from tests.servers.slack import SlackServer

SERVICES = ("auth", "billing", "transactions", "partner-registry", "admin", "agent-service", "web")
OLD, NEW = "2.13.4", "2.14.0"
RELEASED = 600
"""Seconds before the test at which auth was released."""

RULES = """
groups:
  - name: logins
    interval: 1s
    query_offset: 1s
    rules:
      - alert: LoginFailing
        service: auth
        signal: {query: {expr: 'max(login_failing)'}}
        rollback: {above: 0.2}
        annotations: {summary: "login: {{ $value | humanizePercentage }} of logins fail"}
"""

TOLERANCE = 1.5
"""Seconds for the post itself on a machine that has other things to do."""


def exposed(failing: float) -> str:
    """What the shop says of itself now."""
    versions = {name: NEW if name == "auth" else OLD for name in SERVICES}
    lines = [f'app_build_info{{service="{name}",version="{version}"}} 1' for name, version in versions.items()]
    return "\n".join([f"login_failing {failing}", *lines]) + "\n"


def releases(registry: str) -> str:
    """As many services as are shipped, with images where there is a registry."""
    lines = ["version: 1", "lookback: 2h", "proven: 10m", "services:"]
    for name in SERVICES:
        image = f", image: '{registry}/{name}:{{version}}'" if registry else ""
        lines.append(f"  {name}: {{version: 'app_build_info{{service=\"{name}\"}}'{image}}}")
    return "\n".join([*lines, f'registry: {{url: "http://{registry}"}}' if registry else ""]) + "\n"


@pytest.fixture(scope="module")
def shop() -> Iterator[Exporter]:
    with Exporter(exposed(0.0)) as running:
        yield running


@pytest.fixture(scope="module")
def prometheus(shop: Exporter) -> Iterator[Prometheus]:
    now = int(time.time())
    history = {
        f'app_build_info{{service="{name}",version="{version}"}}': [(float(at), 1.0) for at in times]
        for name in SERVICES
        for version, times in (
            (OLD, range(now - 7200, now - RELEASED if name == "auth" else now, 5)),
            (NEW, range(now - RELEASED, now, 5) if name == "auth" else ()),
        )
        if times
    }
    flags = ["--query.lookback-delta=10s"]  # what history ends with would be seen for 5 min beside what came after it
    with Prometheus(scrape={"shop": [shop.target]}, history=history, flags=flags) as running:
        eventually(lambda: running.query("login_failing", time.time()), 20, "Prometheus has scraped the shop")
        yield running


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with SlackServer() as running:
        yield running


class Halved:
    """A Prometheus that hangs where it is asked which versions ran."""

    def __init__(self, url: str) -> None:
        ended = self._ended = threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if "query_range" in self.path and b"app_build_info" in body:
                    ended.wait()
                    return
                asked = urllib.request.Request(url + self.path, body, {"Content-Type": self.headers["Content-Type"]})
                with urllib.request.urlopen(asked, timeout=5) as answer:
                    content = answer.read()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def first_post(
    folder: Path, prometheus: str, slack: SlackServer, shop: Exporter, registry: str = ""
) -> tuple[str, float]:
    """Let the login fail; give the text of the first post, and the seconds from the decision until Slack took it."""
    rules = rules_with(folder, RULES)
    (rules / "releases.yaml").write_text(releases(registry))
    with Monitor(folder, rules, prometheus, slack) as monitor:
        slack.wait_connected()
        eventually(monitor.ready, 20, "it evaluates")
        shop.text = exposed(0.6)
        try:
            slack.wait_for_message(slack.channel, within=30)
            eventually(lambda: monitor.metric("rollback_monitor_page_delivery_seconds_count"), 5, "it is delivered")
        finally:
            shop.text = exposed(0.0)
        delay = monitor.metric("rollback_monitor_page_delivery_seconds_sum")
        assert monitor.metric("rollback_monitor_page_delivery_seconds_count") == 1
    text = str(slack.made("chat.postMessage")[0].args["text"])
    print(f"\ndelivered {delay:.2f} s after it was decided: {text}")
    return text, delay


def test_the_first_post_names_the_release_and_what_to_go_back_to(
    tmp_path: Path, prometheus: Prometheus, slack: SlackServer, shop: Exporter
) -> None:
    text, delay = first_post(tmp_path, prometheus.url, slack, shop)
    assert f"auth {NEW} deployed" in text
    assert f"go back to {OLD}" in text
    assert delay < MOST + TOLERANCE


def test_a_history_that_hangs_makes_the_page_wait_for_its_moment_and_no_longer(
    tmp_path: Path, prometheus: Prometheus, slack: SlackServer, shop: Exporter
) -> None:
    with Halved(prometheus.url) as halved:
        text, delay = first_post(tmp_path, halved.url, slack, shop)
    assert text.startswith("🔴 ROLLBACK NOW production: login: ")
    assert "deployed" not in text
    assert delay < MOST + TOLERANCE


def test_a_registry_that_hangs_keeps_the_release_from_no_page(
    tmp_path: Path, prometheus: Prometheus, slack: SlackServer, shop: Exporter
) -> None:
    with Hostile(hang) as registry:
        text, delay = first_post(tmp_path, prometheus.url, slack, shop, registry.address)
    assert f"go back to {OLD}" in text
    assert delay < MOST + TOLERANCE
