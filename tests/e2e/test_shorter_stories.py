"""The shorter stories beside the whole one, on real parts: a daemon, a Prometheus, a shop and a strict Slack each.

They are told beside one another, since most of their time is waiting; each of the tests waits for its own.
"""

import json
import signal
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.running import Monitor, Shop, Stepped, eventually, rules_with
from tests.e2e.test_rollback_story import GOOD, Story, history
from tests.servers.prometheus import History, Prometheus
from tests.servers.receiver import Receiver
from tests.servers.slack import SlackServer, pressed
from tests.servers.slack_rules import buttons_of

pytestmark = [pytest.mark.alone, pytest.mark.timeout(300)]

AT_ONCE = 5
"""Stories that are told at one time."""

LATE = 40.0
"""Seconds that anything may take while the others are told beside it."""

RULES = """
groups:
  - name: logins
    interval: 1s
    query_offset: 1s
    blind_after: 8s
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
      - alert: PaymentsFailing
        service: billing
        signal:
          error_ratio:
            requests: 'http_requests_total{job="shop",route="/pay"}'
            failures: 'code=~"5.."'
            window: 4s
        guards: {min_requests: 20, min_failures: 5}
        rollback: {above: 20%}
        annotations: {summary: "payments: {{ $value | humanizePercentage }} fail"}
"""

ROUTING = """
environment: production
default: {responders: [U0ANA, U0BOB], commanders: [U0ANA], approvers: [U0CLEO]}
page: {rollback: [slack, pagerduty]}
"""

RELEASES = """
version: 1
lookback: 2h
proven: 10m
services:
  auth: {version: 'app_build_info{service="auth"}'}
  web: {version: 'app_build_info{service="web"}'}
"""

PROCEDURE = """
version: 1
title: Roll back to the last good release
verify_for: 8s
helps_within: 3s
steps:
  - {id: declare, title: Declare incident mode, does: freeze}
  - {id: target, title: Pin the rollback target, does: pin}
  - {id: flags, title: Feature flags first}
  - id: services
    title: Roll back the services
    services:
      - {title: Backend, services: [auth, billing]}
      - {title: Frontend, services: [web]}
    commands:
      - 'kubectl set image "deployment/$SERVICE" "$SERVICE=registry/$SERVICE:$TARGET"'
  - id: migrations
    title: Decide about migrations
    choose:
      - {id: keep-schema, title: Keep the schema}
      - {id: revert, title: Must be reverted, needs_approver: true}
  - {id: verify, title: Verify, checks: [{title: The signals that paged are clear, signals: true}]}
  - {id: close, title: Close, does: end}
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """What a story is told on."""

    shop: Shop
    prometheus: Prometheus
    slack: SlackServer
    monitor: Monitor

    def breaks(self) -> "Told":
        """Let logins fail and wait for the page."""
        self.shop.failing["login"] = 0.9
        story = Told(self.slack, self.monitor, self.slack.wait_for_message(self.slack.channel, within=LATE))
        story.headed("🔴 ROLLBACK NOW production: login: ")
        return story

    def heals(self) -> None:
        self.shop.failing["login"] = 0.0


class Told(Story):
    """A story that is told beside others, which takes its time."""

    def headed(self, words: str, within: float = LATE) -> None:
        super().headed(words, within)

    def said(self, words: str, within: float = LATE) -> str:
        self._until(lambda: any(words in one.text for one in self.thread), within, f"the thread says {words!r}")
        return super().said(words, within)

    def on_card(self, words: str, within: float = LATE) -> None:
        super().on_card(words, within)

    def at_step(self, title: str, number: int, within: float = LATE) -> None:
        super().at_step(title, number, within)

    @property
    def kinds(self) -> Counter[str]:
        """How often each kind of event happened."""
        return Counter(str(one["kind"]) for one in self.incident["timeline"])


@contextmanager
def stage(
    folder: Path,
    past: History,
    *,
    reopen_within: str = "30m",
    verify_for: str = "8s",
    monitor: Callable[..., Monitor] = Monitor,
    **env: str,
) -> Iterator[Stage]:
    """A shop that runs the bad versions, and everything that watches it."""
    rules = rules_with(folder, RULES)
    (rules / "routing.yaml").write_text(f"{ROUTING}reopen_within: {reopen_within}\n")
    (rules / "releases.yaml").write_text(RELEASES)
    procedure = PROCEDURE.replace("verify_for: 8s", f"verify_for: {verify_for}")
    (rules / "procedures" / "rollback.yaml").write_text(procedure)
    # a version that history ends with would be seen for 5 min beside the one that took its place
    flags = ["--query.lookback-delta=10s"]
    with ExitStack() as stack:
        shop, slack = stack.enter_context(Shop()), stack.enter_context(SlackServer())
        slack.users["U0CLEO"] = "cleo"
        shop.versions = {name: points[-1] for name, points in versions_of(past).items()}
        scrape = {"shop": [shop.exporter.target]}
        prometheus = stack.enter_context(Prometheus(scrape=scrape, history=past, flags=flags))
        eventually(lambda: prometheus.query("http_requests_total", time.time()), LATE, "the shop is scraped")
        running = stack.enter_context(monitor(folder, rules, prometheus.url, slack, **env))
        slack.wait_connected()
        yield Stage(shop, prometheus, slack, running)
        assert slack.refused == []


def versions_of(past: History) -> dict[str, list[str]]:
    """The versions of each service in the order in which they came."""
    found: dict[str, list[str]] = {}
    for series in past:
        service, version = series.split('"')[1::2]
        found.setdefault(service, []).append(version)
    return found


# --- heals, comes back, ends by itself -----------------------------------------------------------------------------


def heals_comes_back_and_ends_by_itself(folder: Path) -> None:
    """Nobody rolls back. What comes back is the same incident; other pagers hear of it every ten minutes at most."""
    with Receiver() as duty:
        env = {"MONITOR_PAGERDUTY__ROUTING_KEY": "R0UT1NG", "MONITOR_PAGERDUTY__API_URL": duty.url}
        with stage(folder, history(), reopen_within="25s", monitor=Stepped, **env) as on:

            def paged() -> int:
                return sum(one.json["event_action"] == "trigger" for one in duty.received)

            story = on.breaks()
            eventually(lambda: paged() == 1, LATE, "the other pager is called")
            story.click("U0ANA", story.page, "acknowledge")
            recovers(on, story, 1)

            back(on, story, 1)
            recovers(on, story, 2)
            assert paged() == 1, "within ten minutes nobody is called a second time"

            assert isinstance(on.monitor, Stepped)
            on.monitor.step(11 * 60)
            back(on, story, 2)
            eventually(lambda: paged() == 2, LATE, "it is called again")
            recovers(on, story, 3)

            story.headed("🟢 ENDED production")
            assert "by itself; the signals stayed clear and nobody rolled back" in story.page.shown
            assert story.form("U0BOB", story.page, "explain", {"note": "it healed by itself"}) == {}
            eventually(lambda: "it healed by itself" in story.page.shown, LATE, "the page says why")
            assert story.gate("auth", "2.14.1")[0] == 200
            assert story.cards == []
            assert [one["id"] for one in on.monitor.incidents()] == ["INC-0001"]
            assert story.kinds["acknowledged"] == 1
            assert story.kinds["unacknowledged"] == 0
            assert paged() == 2


def recovers(on: Stage, story: Told, times: int) -> None:
    """Everything is clear: it is told once, and the page stands down without having ended."""
    on.heals()
    eventually(lambda: len(broadcasts(story, "Recovered")) == times, LATE, "recovery is told")
    story.headed("🟡 RECOVERED production")


def back(on: Stage, story: Told, times: int) -> None:
    """It is told as BACK, on the same page, and whoever had it has it still."""
    on.shop.failing["login"] = 0.9
    eventually(lambda: len(broadcasts(story, "BACK production")) == times, LATE, "BACK is told")
    story.headed("🔴 ROLLBACK NOW production")
    assert "Acknowledged by ana" in story.page.shown


def broadcasts(story: Told, words: str) -> list[str]:
    return [one.text for one in story.thread if one.broadcast and words in one.text]


# --- nothing was released, and it was none -------------------------------------------------------------------------


def nothing_was_released_and_it_is_a_false_alarm_after_start(folder: Path) -> None:
    """A rollback will hardly help, and Start stands behind ⋯. Somebody starts, and finds that it is a load test."""
    now = int(time.time())
    steady = {'app_build_info{service="auth",version="2.13.4"}': [(at, 1.0) for at in range(now - 26 * 3600, now, 10)]}
    with stage(folder, steady | {'app_build_info{service="web",version="5.2.0"}': [*steady.popitem()[1]]}) as on:
        on.shop.versions = dict(GOOD)
        story = on.breaks()
        unlikely = "No release in 24 h: a rollback is unlikely to help."
        eventually(lambda: unlikely in story.page.shown, LATE, f"the page says so: {story.page.shown}")
        eventually(lambda: "start" not in story.page.buttons, LATE, "Start is no button of its own any more")
        assert "start" in story.page.options

        assert story.form("U0ANA", story.page, "start", {}) == {}
        story.headed("🔵 ROLLING BACK production")
        assert story.gate("auth", "2.14.1")[0] == 423
        words = {"reason": "the load test of the quarter"}
        assert "ana commands" in str(story.form("U0BOB", story.page, "false_alarm", words))
        assert story.form("U0ANA", story.page, "false_alarm", words) == {}
        story.headed("🟢 ENDED production")
        assert "a false alarm, says ana" in story.page.shown
        eventually(lambda: "▶️" not in story.card.shown, LATE, "no step of the card is open")
        assert story.gate("auth", "2.14.1")[0] == 200

        on.shop.failing["api"] = 0.9
        other = eventually(lambda: on.slack.messages()[-1], LATE, "another alert pages")
        eventually(lambda: len(on.monitor.incidents()) == 2, LATE, "what is something else pages as ever")
        assert other is not None
        time.sleep(3)
        _, second = on.monitor.incidents()
        alerts = on.monitor.incident(second["id"])["alerts"]
        assert [one["alert"] for one in alerts] == ["PaymentsFailing"], "logins fail still, and are silent"


# --- which way to go -----------------------------------------------------------------------------------------------


def clear_at_step_4_then_rolled_back_and_still_breaching(folder: Path) -> None:
    """The card asks twice which way to go. A button on a step that was opened again since does nothing."""
    with stage(folder, history()) as on:
        story = started_and_pinned(on)
        shown = story.card
        done = pressed(shown, "done")
        story.click("U0BOB", story.card, "done")
        story.at_step("Decide about migrations", 5)
        assert story.kinds["step_done"] == 3
        story.click("U0BOB", story.card, "undo")
        story.at_step("Feature flags first", 3)
        before = len(on.slack.told)
        on.slack.send_payload(on.slack.payload("U0BOB", shown, done))
        told = eventually(lambda: on.slack.told[before:], LATE, "bob is told that the button is old")
        assert "“Feature flags first” was settled and opened again since the page" in told[0]["text"]
        story.click("U0BOB", story.card, "done")
        story.at_step("Decide about migrations", 5)
        story.click("U0BOB", story.card, "Keep the schema")
        story.at_step("Roll back the services", 4)

        on.shop.versions["auth"] = GOOD["auth"]
        story.on_card("Backend: auth at 2.13.4")
        on.heals()
        mixed = "versions are mixed (auth 2.13.4, web 5.3.0): go on to verify, finish this wave"
        story.on_card(f"{mixed} (Frontend), or stop here")
        assert {"Go on to verify…", "Stop here…"} <= set(labels(story))
        story.said("Versions are mixed (auth 2.13.4, web 5.3.0): go on to verify, finish this wave, or stop here.")
        story.refused("U0EVE", story.card, "Go on to verify…", "not among the responders")

        on.shop.failing["login"] = 0.9
        eventually(lambda: broadcasts(story, "BACK production"), LATE, "it is back")
        on.shop.versions["web"] = GOOD["web"]
        story.said("Roll back suspects too, fix forward, or escalate")
        story.on_card("roll back suspects too, fix forward, or escalate")
        ways = {"Roll back suspects too…", "Fix forward: allow one deploy…", "Escalate: page somebody else…"}
        eventually(lambda: ways <= set(labels(story)), LATE, "with a button for each")

        who = {"people": "U0CLEO", "note": "the schema?"}
        assert story.form("U0BOB", story.card, "Escalate: page somebody else…", who) == {}
        story.said("bob asks for you in INC-0001: the schema?")
        assert story.form("U0ANA", story.card, "Fix forward: allow one deploy…", {"service": "auth"}) == {}
        story.said("lets one deploy of auth through")
        assert story.gate("auth", "2.14.2")[0] == 200
        assert story.form("U0BOB", story.card, "Roll back suspects too…", {"other": "billing 3.1.0"}) == {}
        story.at_step("Decide about migrations", 5)
        assert "Escalate: page somebody else…" not in labels(story), "a way was taken"
        story.click("U0BOB", story.card, "Keep the schema")
        story.at_step("Roll back the services", 4)
        story.click("U0BOB", story.card, "billing is at 3.1.0")
        on.heals()
        ends(story)


def started_and_pinned(on: Stage) -> Told:
    """Ana commands; what is proposed is pinned, and bob says that the images are there, which no registry tells."""
    story = on.breaks()
    eventually(lambda: "go back to 2.13.4" in story.page.text, LATE, f"what to go back to: {story.page.shown}")
    story.click("U0ANA", story.page, "start")
    pin(story)
    return story


def pin(story: Told) -> None:
    story.at_step("Pin the rollback target", 2)
    story.click("U0BOB", story.card, "Pin auth 2.13.4, web 5.2.0")
    eventually(lambda: "done" in story.card.buttons, LATE, "the targets are to be looked at")
    story.click("U0BOB", story.card, "done")
    story.at_step("Feature flags first", 3)


SAID_AGAIN = "Everything is rolled back for"
"""What is said anew once more was rolled back, where that has not helped either by then."""


def labels(story: Told) -> list[str]:
    """What stands on the buttons of the card."""
    return [one["text"]["text"] for one in buttons_of(story.card.blocks)]


def to_services(story: Told) -> None:
    story.click("U0BOB", story.card, "done")
    story.at_step("Decide about migrations", 5)
    story.click("U0BOB", story.card, "Keep the schema")
    story.at_step("Roll back the services", 4)


def ends(story: Told) -> None:
    """Verification holds, the commander ends it, and nothing was told twice."""
    story.at_step("Close", 7, within=90)
    story.click("U0ANA", story.card, "end")
    story.headed("🟢 ENDED production")
    assert story.gate("billing", "1.0.0")[0] == 200
    assert len(story.cards) == 1
    told = Counter(one.text for one in story.thread if not one.text.startswith(SAID_AGAIN))
    assert {line: count for line, count in told.items() if count > 1} == {}


# --- Prometheus is gone --------------------------------------------------------------------------------------------


def prometheus_is_gone_in_the_middle_of_verification(folder: Path) -> None:
    """What nobody sees is neither held nor failed; when it is seen again the clock goes on from where it stood."""
    hold = 14
    with stage(folder, history(), verify_for=f"{hold}s", MONITOR_CONSOLE_TOKEN=TOKEN) as on:
        story = on.breaks()
        for action, words in TO_SERVICES:
            act(on.monitor, action, **words)
        story.at_step("Roll back the services", 4)
        on.shop.versions = dict(GOOD)
        on.heals()
        story.at_step("Verify", 6)
        (before,) = eventually(partial(waiting, story, f" of {hold} s: "), LATE, "the clock runs")
        on.prometheus.kill()
        story.on_card("cannot see: ")
        (gone,) = eventually(partial(waiting, story, "and the clock stands"), LATE, "the clock stands")
        assert before["held_for"] <= gone["held_for"] < hold
        eventually(lambda: "cannot see" in story.page.shown, LATE, f"the page says so: {story.page.shown}")
        blind = eventually(lambda: [one for one in on.slack.messages() if "BLIND" in one.text], LATE, "it pages blind")
        assert blind
        time.sleep(max(0.0, hold - gone["held_for"]))
        story.headed("🔎 VERIFYING production")
        assert waiting(story, "and the clock stands"), "as long as it takes, it is not held"
        end = {
            "action_id": "end",
            "value": pressed(story.card, "force_end")["selected_option"]["value"].partition("|")[2],
        }
        told_before = len(on.slack.told)
        on.slack.send_payload(on.slack.payload("U0ANA", story.card, end))
        told = eventually(lambda: on.slack.told[told_before:], LATE, "ana is told why it cannot end")
        assert "INC-0001 cannot end yet: " in told[0]["text"]
        on.prometheus.start()
        again = time.monotonic()
        story.at_step("Close", 7, within=120)
        lacked = hold - gone["held_for"]
        assert time.monotonic() - again >= lacked - 2, "what was not seen does not count later"
        assert "cannot see" not in story.page.shown
        assert story.kinds["ended"] == 0
        ends(story)


TOKEN = "0f-the-console"
TO_SERVICES: tuple[tuple[str, dict[str, str]], ...] = (
    ("start", {}),
    ("pin", {"target.auth": GOOD["auth"], "target.web": GOOD["web"]}),
    ("done", {"step": "target"}),
    ("done", {"step": "flags"}),
    ("choose", {"step": "migrations", "choice": "keep-schema"}),
)
"""How ana comes to the step of the services over the API: Slack shows every third second what became of a click."""


def act(monitor: Monitor, action: str, **words: str) -> None:
    """Let ana do something over the API."""
    body = json.dumps({"as": "ana", **words}).encode()
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{monitor.url}/api/v1/incidents/INC-0001/{action}", body, headers)
    urllib.request.urlopen(request, timeout=10).close()


def waiting(story: Told, words: str) -> list[dict[str, Any]]:
    """The checks that are neither passed nor failed, and say so in these words."""
    results: list[dict[str, Any]] = story.incident["checks"]["results"]
    return [one for one in results if one["outcome"] == "waiting" and words in one["said"]]


# --- the daemon is killed ------------------------------------------------------------------------------------------


def the_daemon_is_killed_between_steps_and_while_a_wave_is_observed(folder: Path) -> None:
    """Nothing is lost and nothing told twice: card, commander, gate and clocks go on."""
    with stage(folder, history()) as on:
        story = on.breaks()
        eventually(lambda: "go back to 2.13.4" in story.page.text, LATE, f"what to go back to: {story.page.shown}")
        story.click("U0ANA", story.page, "start")
        story.at_step("Pin the rollback target", 2)
        killed(on)
        assert story.gate("auth", "2.14.1")[0] == 423, "still frozen"
        pin(story)
        killed(on)
        to_services(story)

        on.shop.versions["auth"] = GOOD["auth"]
        killed(on)
        story.on_card("auth at 2.13.4")
        on.monitor.stop(signal.SIGKILL)
        on.shop.versions["web"] = GOOD["web"]
        on.heals()
        back_again(on)
        story.at_step("Verify", 6)
        story.headed("🔎 VERIFYING production")
        killed(on)
        assert "ana" in story.page.shown.partition("Incident commander")[2]
        ends(story)
        once = ("opened", "procedure_started", "targets_pinned", "chosen", "ended")
        assert {kind: story.kinds[kind] for kind in once} == dict.fromkeys(once, 1)
        assert [one["by"] for one in story.happened("targets_pinned")] == ["bob"]
        roots = [one for one in on.slack.everything() if one.thread_ts is None]
        assert [one.ts for one in roots] == [story.page.ts]


def killed(on: Stage) -> None:
    """A power cut for the daemon, and its return."""
    on.monitor.stop(signal.SIGKILL)
    back_again(on)


def back_again(on: Stage) -> None:
    eventually(lambda: not on.slack.sockets, LATE, "its connections are gone")
    on.monitor.start()
    on.slack.wait_connected()
    eventually(lambda: json.loads(on.monitor.get("/api/v1/incidents")), LATE, "it answers")


# --- told ----------------------------------------------------------------------------------------------------------

STORIES: dict[str, Callable[[Path], None]] = {
    one.__name__: one
    for one in (
        prometheus_is_gone_in_the_middle_of_verification,
        heals_comes_back_and_ends_by_itself,
        clear_at_step_4_then_rolled_back_and_still_breaching,
        the_daemon_is_killed_between_steps_and_while_a_wave_is_observed,
        nothing_was_released_and_it_is_a_false_alarm_after_start,
    )
}


@pytest.fixture(scope="module")
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[None]]]:
    """The stories that are asked for, told beside one another."""
    asked = {name for name in STORIES for item in request.session.items if f"[{name}]" in item.name}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {name: pool.submit(STORIES[name], tmp_path_factory.mktemp("story")) for name in STORIES if name in asked}


@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", STORIES)
def test_story(name: str, told: dict[str, Future[None]]) -> None:
    told[name].result()
