"""The main job on real parts: the daemon's process, a Prometheus that scrapes an exporter, a strict Slack."""

import json
import threading
import time
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.e2e.running import ROOT, Monitor, Shop, eventually, rules_with
from tests.servers.prometheus import Prometheus
from tests.servers.slack import SlackServer
from tests.servers.slack_workspace import Stored

LOGIN_RATIO = """
  sum(increase(http_requests_total{job="auth",route="/login",code=~"5.."}[1m]))
/ sum(increase(http_requests_total{job="auth",route="/login"}[1m])) > 0.2
"""

FAST = """
groups:
  - name: apis
    interval: 1s
    query_offset: 1s
    rules:
      - alert: ApiErrors
        service: transactions
        signal:
          error_ratio:
            requests: 'http_requests_total{job="auth",route="/pay"}'
            failures: 'code=~"5.."'
            window: 4s
        guards: {min_requests: 20, min_failures: 1}
        prepare: {above: 2%, for: 8s}
        annotations: {summary: "API: {{ $value | humanizePercentage }} of requests fail"}
      - alert: LoginFailing
        service: auth
        signal:
          error_ratio:
            requests: 'http_requests_total{job="auth",route="/login"}'
            failures: 'code=~"5.."'
            window: 4s
        guards: {min_requests: 20, min_failures: 5}
        rollback: {above: 20%}
        annotations: {summary: "login: {{ $value | humanizePercentage }} of logins fail"}
"""


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Shop() as running:
        yield running


@pytest.fixture
def prometheus(shop: Shop) -> Iterator[Prometheus]:
    with Prometheus(scrape={"auth": [shop.exporter.target]}, interval=1.0) as running:
        eventually(lambda: running.query("http_requests_total", time.time()), 20, "Prometheus has scraped the shop")
        yield running


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with SlackServer() as running:
        yield running


def first_bad_sample(prometheus: Prometheus, expr: str, since: float) -> float:
    """The first second at which `expr` gives a result, that is, from which a bad sample can be read."""
    query = urlencode({"query": expr, "start": int(since), "end": int(time.time()), "step": "1"})
    with urllib.request.urlopen(f"{prometheus.url}/api/v1/query_range?{query}") as response:
        found = json.load(response)["data"]["result"]
    return float(found[0]["values"][0][0])


def test_a_failing_login_pages_at_once_by_the_shipped_rules(
    tmp_path: Path, shop: Shop, prometheus: Prometheus, slack: SlackServer
) -> None:
    with Monitor(tmp_path, ROOT / "rules", prometheus.url, slack) as monitor:
        slack.wait_connected()
        time.sleep(5)
        assert not slack.messages()
        broke = time.time()
        shop.failing["login"] = 0.9
        page = slack.wait_for_message(slack.channel, within=30)
        latency = page.posted_at - first_bad_sample(prometheus, LOGIN_RATIO, broke)
        print(f"\npaged {latency:.1f} s after its bad sample could be read (allowed: 5 + 5 + 2)")
        assert latency <= 5 + 5 + 2
        assert page.text.startswith("🔴 ROLLBACK NOW production: login: ")
        assert page.buttons[:2] == ["acknowledge", "start"]
        assert [one["tier"] for one in monitor.incidents()] == ["rollback"]


def test_5xx_at_3_percent_pages_prepare_after_its_hold_and_not_before(
    tmp_path: Path, shop: Shop, prometheus: Prometheus, slack: SlackServer
) -> None:
    with Monitor(tmp_path, rules_with(tmp_path, FAST), prometheus.url, slack) as monitor:
        slack.wait_connected()
        shop.failing["api"] = 0.03
        page = slack.wait_for_message(slack.channel, within=30)
        (incident,) = monitor.incidents()
        (alert,) = json.loads(monitor.get(f"/api/v1/incidents/{incident['id']}"))["incident"]["alerts"]
        since = time.mktime(time.strptime(alert["since"], "%Y-%m-%dT%H:%M:%SZ")) - time.timezone
        assert alert["fired_at"] > alert["since"]
        waited = page.posted_at - since
        print(f"\nprepare paged {waited:.1f} s after the first breach (for: 8 s, interval and offset 1 s each)")
        assert 8 <= waited <= 8 + 1 + 1 + 2
        assert page.text.startswith("🟠 PREPARE production: API: ")


def test_5xx_back_to_normal_before_its_hold_pages_nobody(
    tmp_path: Path, shop: Shop, prometheus: Prometheus, slack: SlackServer
) -> None:
    with Monitor(tmp_path, rules_with(tmp_path, FAST), prometheus.url, slack) as monitor:
        shop.failing["api"] = 0.03
        eventually(lambda: '"after": "pending"' in monitor.log, 15, "the breach is seen")
        time.sleep(2)
        shop.failing["api"] = 0.0
        eventually(lambda: '"after": "inactive"' in monitor.log, 15, "the breach is over")
        time.sleep(2)
        assert not slack.messages()
        assert not monitor.incidents()


def test_acknowledge_and_start_show_on_the_same_message(
    tmp_path: Path, shop: Shop, prometheus: Prometheus, slack: SlackServer
) -> None:
    with Monitor(tmp_path, rules_with(tmp_path, FAST, reopen_within="1s"), prometheus.url, slack) as monitor:
        slack.wait_connected()
        shop.failing["login"] = 0.9
        page = slack.wait_for_message(slack.channel, within=30)

        answers: dict[str, bool] = {}
        clicks = [
            threading.Thread(target=lambda who=who: answers.update({who: slack.click(who, page, "acknowledge").acked}))
            for who in ("U0ANA", "U0BOB")
        ]
        for click in clicks:
            click.start()
        for click in clicks:
            click.join()
        assert answers == {"U0ANA": True, "U0BOB": True}
        (told,) = eventually(lambda: list(slack.told), 5, "the slower one is told")
        shown = eventually(lambda: _shown(slack, page.ts, "Acknowledged by "), 5, "the page shows who has it")
        assert "acknowledge" not in slack.message(page.ts).buttons
        winner = next(name for name in ("ana", "bob") if f"acknowledged by {name}" in shown.lower())
        assert winner in told["text"].lower(), "the slower one is told who was first"

        slack.click("U0EVE", page, "start")
        words = slack.wait_for_words("U0EVE")
        assert "not among the responders" in words
        assert not slack.thread(page)

        assert slack.click("U0ANA", page, "start").acked
        card = eventually(lambda: slack.thread(page), 5, "the procedure opens in the thread")[0]
        assert all(f"{number}" in card.shown for number in range(1, 8))
        shown = eventually(lambda: _shown(slack, page.ts, "Incident commander"), 5, "the page names the commander")
        assert slack.message(page.ts).text.startswith("🔵 ROLLING BACK production")
        assert len(slack.messages()) == 1, "everything happened on one message"

        shop.failing["login"] = 0.0
        eventually(lambda: any("Recovered" in one.text for one in slack.thread(page)), 20, "recovery is told")
        time.sleep(2)
        shop.failing["login"] = 0.9
        eventually(lambda: len(monitor.incidents()) == 2, 20, "a later breach is a new incident")
        roots = eventually(lambda: [m for m in slack.messages() if m.thread_ts is None][1:], 10, "a page of its own")
        assert roots[0].text.startswith("🔴 ROLLBACK NOW")


def _shown(slack: SlackServer, ts: str, words: str) -> str:
    shown = slack.message(ts).shown
    return shown if words in shown else ""


def _card(slack: SlackServer, page: Stored) -> list[Stored]:
    return [one for one in slack.thread(page) if "/card/" in str(one.metadata)]


def test_without_slack_the_page_is_printed_and_acknowledged_from_a_shell(
    tmp_path: Path, shop: Shop, prometheus: Prometheus
) -> None:
    with Monitor(tmp_path, rules_with(tmp_path, FAST), prometheus.url) as monitor:
        shop.failing["login"] = 0.9
        eventually(lambda: "ROLLBACK NOW production" in monitor.pages, 30, "the page is printed")
        assert "rollback-monitor incident ack INC-0001" in monitor.pages
        done = monitor.command("incident", "ack", "INC-0001", "--as", "ana")
        assert done.returncode == 0, done.stderr
        eventually(lambda: "Acknowledged by ana (from a shell, unverified)" in monitor.pages, 5, "it is told")
        again = monitor.command("incident", "ack", "INC-0001", "--as", "bob")
        assert again.returncode == 1
        assert "already acknowledged by ana" in again.stderr
        started = monitor.command("incident", "start", "INC-0001", "--as", "ana")
        assert started.returncode == 0, started.stderr
        eventually(lambda: "Declare incident mode" in monitor.pages, 5, "the card is printed")
        assert monitor.stop()[0] == 0
        listed = monitor.command("incident", "list")
        assert "ROLLING BACK production" in listed.stdout, listed.stderr


BILLED = FAST.replace("prepare: {above: 2%, for: 8s}", "rollback: {above: 20%}\n        labels: {team: billing}")
BILLING = """routes: [{matchers: ['team="billing"'], channel: C0BILL, responders: [U0EVE]}]\n"""


def test_billing_joins_an_incident_in_its_own_channel_and_a_click_there_shows_in_both(
    tmp_path: Path, shop: Shop, prometheus: Prometheus, slack: SlackServer
) -> None:
    rules = rules_with(tmp_path, BILLED)
    with (rules / "routing.yaml").open("a") as routing:
        routing.write(BILLING)
    with Monitor(tmp_path, rules, prometheus.url, slack) as monitor:
        slack.wait_connected()
        shop.failing["login"] = 0.9
        ops = slack.wait_for_message("C0OPS", within=30)
        assert "S0ONCALL" in str(ops.blocks)
        slack.click("U0EVE", ops, "start")
        assert "not among the responders" in slack.wait_for_words("U0EVE"), "billing is not in it yet"

        shop.failing["api"] = 0.9
        billing = slack.wait_for_message("C0BILL", within=30)
        assert (billing.thread_ts, "U0EVE" in str(billing.blocks), "S0ONCALL" in str(billing.blocks)) == (
            None,
            True,
            False,
        )
        assert billing.text.startswith("🔴 ROLLBACK NOW production: ")
        (joined,) = eventually(lambda: slack.thread(ops), 10, "the first channel hears that another service is in it")
        assert joined.broadcast

        assert slack.click("U0EVE", slack.message(billing.ts), "start").acked
        for page in (ops, billing):
            eventually(partial(_shown, slack, page.ts, "Incident commander"), 10, "the page names the commander")
            eventually(partial(_card, slack, page), 10, "each thread has its checklist")
            assert len([one for one in slack.messages(page.channel) if one.thread_ts is None]) == 1
        assert len(monitor.incidents()) == 1
