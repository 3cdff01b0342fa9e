"""The whole story on real parts: from the release that breaks logins to the completed record.

A process of the daemon, a Prometheus that scrapes a shop, a strict Slack, a pipeline that asks the gate.
"""

import json
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.running import Monitor, Shop, eventually, rules_with
from tests.servers.prometheus import Exporter, History, Prometheus
from tests.servers.registry import DockerRegistry
from tests.servers.slack import SlackServer, pressed
from tests.servers.slack_rules import buttons_of
from tests.servers.slack_workspace import Stored

RULES = """
groups:
  - name: logins
    interval: 1s
    query_offset: 1s
    rules:
      - alert: LoginFailing
        service: auth
        suspects: [web]
        signal:
          error_ratio:
            requests: 'http_requests_total{job="shop",route="/login"}'
            failures: 'code=~"5.."'
            window: 4s
        guards: {min_requests: 20, min_failures: 5}
        rollback: {above: 20%}
        annotations: {summary: "login: {{ $value | humanizePercentage }} of logins fail"}
"""

ROUTING = """
environment: production
default:
  responders: [U0ANA, U0BOB]
  commanders: [U0ANA]
  approvers: [U0CLEO]
"""

RELEASES = """
version: 1
registry: {url: "http://REGISTRY"}
lookback: 2h
proven: 10m
services:
  auth: {version: 'app_build_info{service="auth"}', image: 'REGISTRY/auth:{version}'}
  web: {version: 'app_build_info{service="web"}', image: 'REGISTRY/web:{version}'}
"""

PROCEDURE = """
version: 1
title: Roll back to the last good release
verify_for: 4s
steps:
  - {id: declare, title: Declare incident mode, does: freeze}
  - {id: target, title: Pin the rollback target, does: pin}
  - {id: flags, title: Feature flags first}
  - id: services
    title: Roll back the services
    services:
      - {title: Backend, services: [auth]}
      - {title: Frontend, services: [web]}
    commands:
      - 'kubectl set image "deployment/$SERVICE" "$SERVICE=$IMAGE"'
  - id: migrations
    title: Decide about migrations
    choose:
      - {id: keep-schema, title: Keep the schema}
      - {id: revert, title: Must be reverted, needs_approver: true}
  - id: verify
    title: Verify
    checks:
      - {title: The signals that paged are clear, signals: true}
      - {title: Logins flow, promql: 'sum(rate(http_requests_total{route="/login",code="200"}[4s]))', above: 1}
      - {title: The login page answers, http: "http://LOGIN_PAGE/login", status: 200, deadline: 5s}
  - id: close
    title: Close
    does: end
    collect:
      - {id: root-cause, title: Root cause}
"""

GOOD = {"auth": "2.13.4", "web": "5.2.0"}
BAD = {"auth": "2.14.0", "web": "5.3.0"}
RELEASED = 600
"""Seconds before the test at which the bad versions came."""


def history() -> History:
    """Two hours of versions, the last minutes of them the bad ones."""
    now = int(time.time())
    old, new = range(now - 7200, now - RELEASED, 5), range(now - RELEASED, now, 5)
    return {
        f'app_build_info{{service="{service}",version="{versions[service]}"}}': [(at, 1.0) for at in times]
        for service in GOOD
        for versions, times in ((GOOD, old), (BAD, new))
    }


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Shop() as running:
        running.versions = dict(BAD)
        yield running


@pytest.fixture
def prometheus(shop: Shop) -> Iterator[Prometheus]:
    # a version that history ends with would be seen for 5 min beside the one that took its place
    flags = ["--query.lookback-delta=10s"]
    with Prometheus(scrape={"shop": [shop.exporter.target]}, history=history(), flags=flags) as running:
        eventually(lambda: running.query("http_requests_total", time.time()), 20, "Prometheus has scraped the shop")
        yield running


@pytest.fixture
def registry() -> Iterator[DockerRegistry]:
    with DockerRegistry() as running:
        running.push("auth", "2.13.4")
        running.push("web", "5.2.0")
        yield running


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with SlackServer() as running:
        running.users["U0CLEO"] = "cleo"
        yield running


@pytest.fixture
def login_page() -> Iterator[Exporter]:
    """The page that the last check asks for; it is `down` until somebody mends it."""
    with Exporter() as running:
        running.down = True
        yield running


def written(folder: Path, login_page: str, registry: str) -> Path:
    rules = rules_with(folder, RULES)
    (rules / "routing.yaml").write_text(ROUTING)
    (rules / "releases.yaml").write_text(RELEASES.replace("REGISTRY", registry))
    (rules / "procedures" / "rollback.yaml").write_text(PROCEDURE.replace("LOGIN_PAGE", login_page))
    return rules


class Story:
    """What the people in it see and do, on the one page of the one incident."""

    def __init__(self, slack: SlackServer, monitor: Monitor, page: Stored) -> None:
        self.slack, self.monitor, self._page = slack, monitor, page

    @property
    def page(self) -> Stored:
        return self.slack.message(self._page.ts)

    @property
    def thread(self) -> list[Stored]:
        return self.slack.thread(self._page)

    @property
    def cards(self) -> list[Stored]:
        return [one for one in self.thread if one.text.startswith("📋")]

    @property
    def card(self) -> Stored:
        return eventually(lambda: self.cards, 5, "the card is posted")[0]

    @property
    def incident(self) -> dict[str, Any]:
        return self.monitor.incident("INC-0001")

    def happened(self, kind: str) -> list[dict[str, Any]]:
        """The events of a kind, oldest first."""
        return [one for one in self.incident["timeline"] if one["kind"] == kind]

    def headed(self, words: str, within: float = 10) -> None:
        """Wait until the page begins with `words`."""
        self._until(lambda: self.page.text.startswith(words), within, f"the page says {words!r}")

    def said(self, words: str, within: float = 10) -> str:
        """Wait for a line of the thread with `words`."""
        lines = eventually(lambda: [one.text for one in self.thread if words in one.text], within, words)
        return lines[-1]

    def on_card(self, words: str, within: float = 10) -> None:
        """Wait until the card shows `words`."""
        self._until(lambda: words in self.card.shown, within, f"the card shows {words!r}")

    def at_step(self, title: str, number: int, within: float = 10) -> None:
        """Wait until the card's current step is this one, and no other."""
        wanted = f"▶️ *{number}. {title}*"
        self._until(lambda: wanted in self.card.shown, within, f"the card is at {wanted!r}")
        assert self.card.shown.count("▶️ *") == 1

    def _until(self, look: Callable[[], bool], within: float, what: str) -> None:
        """Wait for `look`; where it does not come, tell all that people see."""
        try:
            eventually(look, within, what)
        except AssertionError as late:
            late.add_note("\n".join([self.page.shown, *(one.shown for one in self.thread), str(self.slack.told)]))
            raise

    def click(self, user: str, message: Stored, action: str) -> None:
        """Press a button, by its action id or by its label."""
        now = self.slack.message(message.ts)
        labelled = [one for one in buttons_of(now.blocks) if one["text"]["text"] == action]
        button = labelled[0] if labelled else pressed(now, action)
        assert self.slack.send_payload(self.slack.payload(user, now, button)).acked

    def refused(self, user: str, message: Stored, action: str, words: str) -> None:
        """Press a button and be told why nothing came of it; nobody else reads that."""
        before = len(self.slack.told)
        self.click(user, message, action)
        told = eventually(lambda: self.slack.told[before:], 5, f"{user} is told {words!r}")
        assert [one["user"] for one in told] == [user]
        assert words in told[0]["text"]

    def form(self, user: str, message: Stored, action: str, words: Mapping[str, str]) -> dict[str, str]:
        """Press a button that asks, fill in its form and send it; gives what it finds fault with."""
        before = len(self.slack.views.get(user, ()))
        self.click(user, message, action)
        view = eventually(lambda: self.slack.views.get(user, [])[before:], 5, f"a form for {user}")[0]
        return self.again(user, view, words)

    def again(self, user: str, view: dict[str, Any], words: Mapping[str, str]) -> dict[str, str]:
        """Send a form that is open."""
        sent = self.slack.submit(user, view, words)
        assert sent.acked
        errors: dict[str, str] = self.slack.acks[sent.envelope].get("payload", {}).get("errors", {})
        return errors

    def gate(self, service: str, version: str) -> tuple[int, dict[str, Any]]:
        """Ask the gate as a pipeline does."""
        try:
            return 200, json.loads(self.monitor.get(f"/api/v1/deploys?service={service}&version={version}"))
        except urllib.error.HTTPError as answer:
            with answer:
                return answer.code, json.load(answer)


@pytest.mark.timeout(300)
def test_from_the_release_that_breaks_logins_to_the_completed_record(
    tmp_path: Path,
    shop: Shop,
    prometheus: Prometheus,
    slack: SlackServer,
    login_page: Exporter,
    registry: DockerRegistry,
) -> None:
    with Monitor(tmp_path, written(tmp_path, login_page.target, registry.host), prometheus.url, slack) as monitor:
        slack.wait_connected()
        shop.failing["login"] = 0.9
        story = Story(slack, monitor, slack.wait_for_message(slack.channel, within=30))
        paged(story)
        acknowledged_by_two_at_once(story)
        started(story)
        pinned(story)
        flags_switched(story)
        decided(story)
        rolled_back(story, shop)
        verified(story, login_page)
        ended(story)
        completed(story)
        bundled(story, tmp_path)
        told_once(story)
        assert slack.refused == []


def paged(story: Story) -> None:
    """The page says what broke, what was deployed, and what to go back to."""
    story.headed("🔴 ROLLBACK NOW production: login: ")
    eventually(lambda: "go back to 2.13.4" in story.page.text, 25, f"what to go back to: {story.page.shown}")
    assert "2.14.0" in story.page.shown
    assert story.gate("auth", "2.14.1")[0] == 200, "nothing is frozen yet"


def acknowledged_by_two_at_once(story: Story) -> None:
    """Two tap at once: one has it, the other is told who."""
    taps = [threading.Thread(target=story.click, args=(who, story.page, "acknowledge")) for who in ("U0ANA", "U0BOB")]
    for tap in taps:
        tap.start()
    for tap in taps:
        tap.join()
    told = eventually(lambda: list(story.slack.told), 5, "the slower one is told")
    eventually(lambda: "cknowledged by" in story.page.shown, 5, "the page shows who has it")
    (acknowledged,) = story.happened("acknowledged")
    assert f"already acknowledged by {acknowledged['by']}" in told[0]["text"]
    assert "acknowledge" not in story.page.buttons


def started(story: Story) -> None:
    """Who may not is told so; ana takes command, deploys freeze, and bob is told who commands."""
    old = story.page
    story.refused("U0EVE", old, "start", "eve is not among the responders or commanders of production")
    assert story.cards == []
    button = pressed(old, "start")
    story.click("U0ANA", old, "start")
    story.headed("🔵 ROLLING BACK production · step 2/7")
    story.at_step("Pin the rollback target", 2)
    assert "ana" in story.page.shown.partition("Incident commander")[2]
    before = len(story.slack.told)
    story.slack.send_payload(story.slack.payload("U0BOB", story.page, button))
    told = eventually(lambda: story.slack.told[before:], 5, "bob is told who commands")
    assert "ana commands INC-0001" in told[0]["text"]
    code, answer = story.gate("auth", "2.13.4")
    assert (code, answer["allowed"], answer["incident"], answer["by"]) == (423, False, "INC-0001", "ana")


def pinned(story: Story) -> None:
    """Bob pins what is proposed; eve may not. From then on the gate lets through the targets and nothing else."""
    proposed = next(one for one in story.card.buttons if one.startswith("pin"))
    story.refused("U0EVE", story.card, proposed, "not among the responders")
    story.click("U0BOB", story.card, "Pin auth 2.13.4, web 5.2.0")
    story.on_card("2. Pin the rollback target, seen")
    assert [one["by"] for one in story.happened("targets_pinned")] == ["bob"]
    assert story.gate("auth", "2.13.4")[0] == story.gate("web", "5.2.0")[0] == 200
    code, answer = story.gate("auth", "2.14.1")
    assert code == 423
    assert "auth goes back to 2.13.4, which is let through" in answer["because"]
    assert story.gate("billing", "1.0.0")[0] == 423, "what is not rolled back is frozen as well"
    story.said("2.14.1")
    story.headed("🔵 ROLLING BACK production · step 3/7")


def flags_switched(story: Story) -> None:
    """A step that is left out needs a reason; it stays visible with it."""
    story.at_step("Feature flags first", 3)
    story.refused("U0EVE", story.card, "done", "not among the responders")
    assert story.form("U0BOB", story.card, "not_relevant", {"reason": " "}), "a reason is asked for"
    assert not story.happened("step_skipped")
    assert story.form("U0BOB", story.card, "not_relevant", {"reason": "no agents here"}) == {}
    story.on_card("no agents here")


def decided(story: Story) -> None:
    """Whether migrations ran is not known: the decision comes before the services, and a second person agrees to it."""
    story.at_step("Decide about migrations", 5)
    story.headed("🔵 ROLLING BACK production · step 5/7")
    story.click("U0BOB", story.card, "Must be reverted")
    eventually(lambda: "approve" in story.card.buttons, 10, "an approver is asked")
    story.refused("U0ANA", story.card, "approve", "ana is not among the approvers of production")
    story.refused("U0BOB", story.card, "approve", "bob is not among the approvers of production")
    story.click("U0CLEO", story.card, "approve")
    story.at_step("Roll back the services", 4)
    story.on_card("5. Decide about migrations, Must be reverted: decided by bob, agreed by cleo at ")
    (approved,) = story.happened("approved")
    assert approved["by"] == "cleo"


def rolled_back(story: Story, shop: Shop) -> None:
    """Backend first; each wave is seen to be at its target, which nobody may merely say."""
    story.headed("🔵 ROLLING BACK production · step 4/7")
    assert "auth runs 2.14.0, goes to 2.13.4" in story.card.shown
    assert "/auth:2.13.4" in story.card.shown.replace('"', "").replace("'", "")
    assert "web=registry" not in story.card.shown, "the second wave is not open yet"
    assert "done" not in story.card.buttons, "the step ticks itself"
    shop.versions["auth"] = GOOD["auth"]
    shop.failing["login"] = 0.0
    story.on_card("auth at 2.13.4", within=20)
    assert "/web:5.2.0" in story.card.shown.replace('"', "").replace("'", "")
    story.headed("🔵 ROLLING BACK production · step 4/7")
    shop.versions["web"] = GOOD["web"]
    story.at_step("Verify", 6, within=20)
    assert len(story.happened("versions_seen")) >= len(GOOD)


def verified(story: Story, login_page: Exporter) -> None:
    """The page is not up: verification fails and nobody can end it. Then it holds."""
    story.headed("🔎 VERIFYING production")
    story.on_card("❌ The login page answers: ", within=20)
    assert "answered 503; 200 is asked for" in story.card.shown
    end = {"action_id": "end", "value": pressed(story.card, "force_end")["selected_option"]["value"].partition("|")[2]}
    before = len(story.slack.told)
    story.slack.send_payload(story.slack.payload("U0ANA", story.card, end))
    told = eventually(lambda: story.slack.told[before:], 5, "ana is told why it cannot end")
    assert "INC-0001 cannot end yet: " in told[0]["text"]
    assert "The login page answers: " in told[0]["text"]
    login_page.down = False
    story.at_step("Close", 7, within=45)


def ended(story: Story) -> None:
    """Only the commander ends it; the page goes green and deploys open."""
    story.refused("U0BOB", story.card, "end", "ana commands INC-0001")
    story.click("U0ANA", story.card, "end")
    story.headed("🟢 ENDED production")
    assert story.gate("billing", "1.0.0")[0] == 200
    assert story.incident["state"] == "ended"


def completed(story: Story) -> None:
    """The record asks for owner and day of each follow-up."""
    cause = {"root_cause": "2.14.0 drops the session table"}
    errors = story.form("U0BOB", story.page, "complete", cause | {"follow_ups": "a test"})
    assert "Write: what; owner; due date as 2026-12-31" in " ".join(errors.values())
    follow_ups = "a test of the session table; bob; 2027-01-15\nan alert on it; ana; 2027-01-20"
    assert story.form("U0BOB", story.page, "complete", cause | {"follow_ups": follow_ups}) == {}
    eventually(lambda: "complete" not in story.page.buttons, 5, "nothing is left to write down")
    (record,) = story.happened("record_completed")
    assert record["by"] == "bob"


CHECKLIST = {
    "Start and end timestamps": "ended ",
    "Trigger metric snapshots": "snapshot",
    "Rollback commands and target versions": "auth 2.14.0 to 2.13.4",
    "Validation results": "checks passed",
    "Follow-up actions tracked": "a test of the session table (bob, due 2027-01-15)",
}
"""The playbook's evidence checklist, and something that is found for each item of this story."""


def bundled(story: Story, folder: Path) -> None:
    """The bundle is whole, and has something for each item of the playbook's checklist."""
    told = story.monitor.command("incident", "export", "INC-0001", "--out", "bundle")
    assert told.returncode == 0, told.stderr
    assert story.monitor.command("incident", "verify", "bundle").returncode == 0
    report = (folder / "bundle" / "report.md").read_text()
    rows = {line.split(" | ")[0].strip("| "): line for line in report.splitlines() if line.startswith("| ")}
    for item, found in CHECKLIST.items():
        assert found in rows[item], rows[item]
        assert rows[item].split(" | ")[1] == "found", rows[item]
    for moment in ("T3", "T4", "T5", "T6", "T7", "T8", "T9", "T10", "T11", "T12"):
        assert "unknown" not in rows[moment], rows[moment]
    decisions = [json.loads(line) for line in (folder / "bundle" / "decisions.jsonl").read_text().splitlines()]
    assert {"bob", "ana", "cleo", "eve"} <= {
        str(one["by"]["name"] if isinstance(one["by"], dict) else one["by"]) for one in decisions
    }


def told_once(story: Story) -> None:
    """At the end there is one page, one card, and no line twice."""
    roots = [one for one in story.slack.everything() if one.thread_ts is None]
    assert [one.ts for one in roots] == [story.page.ts]
    assert len(story.cards) == 1
    twice = {line: count for line, count in Counter(one.text for one in story.thread).items() if count > 1}
    assert not twice
    print("\n" + "\n".join(one.text for one in [story.page, *story.thread]))
