"""Drills on real parts: two shops, a Prometheus that scrapes both, a strict Slack, the daemon as a process."""

import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tests.e2e import drillfigures as figures
from tests.e2e.drillchecks import (
    PEOPLE,
    figures_hold,
    nothing_real_happened,
    printed_figures_hold,
    production_was_untouched,
    real_metrics,
    roots_of,
    says_that_it_is_a_drill,
    world_agrees,
)
from tests.e2e.drilling import CHANNEL, NOT_REAL, Part, World, world
from tests.e2e.drillshops import BAD, GOOD, ReadyMade, demo_shop
from tests.e2e.running import eventually
from tests.servers.slack_workspace import Stored

pytestmark = [pytest.mark.alone, pytest.mark.timeout(300)]

# --- a whole drill --------------------------------------------------------------------------------------------------


Story: TypeAlias = "Future[None]"


@pytest.fixture(scope="module")
def stories(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Story]]:
    """Every story in a world of its own, all at the same time: most of them is waiting."""
    told = (held_to_its_end, killed_and_given_up, unseen_and_pre_empted)
    with ThreadPoolExecutor(len(told)) as threads:
        yield {one.__name__: threads.submit(one, tmp_path_factory.mktemp("drills")) for one in told}


def test_a_drill_on_staging_from_the_injection_to_two_signatures(stories: dict[str, Story]) -> None:
    stories["held_to_its_end"].result()


def test_a_drill_whose_monitor_is_killed_goes_on_and_one_given_up_is_aborted(stories: dict[str, Story]) -> None:
    stories["killed_and_given_up"].result()


def test_a_drill_without_evidence_is_incomplete_and_something_real_comes_first(stories: dict[str, Story]) -> None:
    stories["unseen_and_pre_empted"].result()


def held_to_its_end(folder: Path) -> None:
    """From the injection to two signatures, on the shop of the demo, beside another one that is production."""
    with world(folder, demo_shop) as held:
        before = real_metrics(held)
        begun(held)
        injected = break_staging(held, "DRILL-0001")
        part = held.part("DRILL-0001")
        paged(part)
        clicks = taken(part)
        pinned(part)
        versions = rolled_back(part)
        verified(part)
        finished(part)
        drill = held.result("DRILL-0001")
        assert drill["result"] == "passed", drill
        figures_hold(part, drill)
        world_agrees(part, drill, injected, clicks | versions)
        reported(part, drill)
        bundled(part, drill)
        beside_the_next(held, drill)
        says_that_it_is_a_drill(held)
        nothing_real_happened(held, before)
        production_was_untouched(held, drill)
        assert held.slack.refused == []


def begun(held: World) -> None:
    """Somebody begins it from a shell, and is told what to do; so is the channel."""
    told = held.drill("start", "--scenario", "staging-login", "--as", "ana")
    assert "DRILL-0001 has begun: Logins fail on staging (staging), in C0DRILL." in told
    assert "To be mitigated within 5 min of the injection." in told
    assert "rollback-monitor drill inject DRILL-0001" in told
    (note,) = eventually(lambda: held.slack.messages(CHANNEL), 5, "the channel is told")
    assert note.text.startswith(f"{NOT_REAL}: DRILL-0001 begins: Logins fail on staging (staging), by ana.")
    assert "Inject the fault: break the logins of staging" in note.text
    assert held.gate("auth", "2.14.1", "staging") == (200, held.gate("auth", "2.14.1", "staging")[1])
    before = len(held.slack.told)
    assert held.slack.click("U0CLEO", note, "inject_fault").acked  # who does not take part injects nothing
    (why, *_) = eventually(lambda: held.slack.told[before:], 5, "cleo is told why not")
    assert "Only responders and commanders" in why["text"]
    assert "Only responders and commanders" in held.types("U0GUS", "finish")


def break_staging(held: World, name: str, by: str = "bob") -> tuple[float, float]:
    """Say that staging is broken, and break it; give before and after the saying."""
    began = time.time()
    held.says(f"/api/v1/drills/{name}/inject", by, note="logins of staging are broken")
    ended = time.time()
    held.staging.breaks()
    return began, ended


def paged(part: Part) -> None:
    """The page says what broke and what to go back to, mentions who takes part, and freezes nothing yet."""
    part.sees("go back to 2.13.4", 30)
    assert part.page.text.startswith(f"{NOT_REAL}: 🔴 ROLLBACK NOW staging: login: ")
    assert set(re.findall(r"<[@!][^>]*>", part.page.text)) == PEOPLE
    assert part.world.gate("auth", "2.14.1", "staging")[0] == 200


def taken(part: Part) -> dict[str, tuple[float, float]]:
    """Who does not take part commands nothing; ana does. Deploys of staging freeze, those of production do not."""
    part.is_refused("U0CLEO", "start", f"{NOT_REAL}: ")
    acknowledged = part.clicks("U0BOB", "acknowledge")
    part.sees("cknowledged by bob")
    started = part.clicks("U0ANA", "start")
    part.at_step("Pin the rollback target")
    code, answer = part.world.gate("auth", "2.14.1", "staging")
    assert (code, answer["incident"], answer["by"]) == (423, "DRILL-0001", "ana")
    assert answer["because"].startswith(f"{NOT_REAL}: deploys of staging are frozen")
    assert part.world.gate("auth", "2.14.1")[0] == part.world.gate("auth", "2.14.1", "production")[0] == 200
    code, answer = part.world.gate("auth", "2.14.1", "stagign")
    assert (code, answer["error"]) == (400, "Nobody keeps a gate of stagign. There are those of production, staging.")
    part.hears("A deploy of auth 2.14.1 was stopped")
    return {"T4": acknowledged, "T5": started, "T6": started}


def pinned(part: Part) -> None:
    """The registry has the images; a step is left out with a reason, asked for by a form that says what it is about."""
    part.is_refused("U0CLEO", "Pin auth 2.13.4, web 7.1.0", "not among the responders", card=True)
    part.clicks("U0BOB", "Pin auth 2.13.4, web 7.1.0", card=True)
    part.at_step("Feature flags first")
    assert "its registry has the image" in part.hears("bob pinned what to roll back to").text
    assert part.world.gate("auth", "2.13.4", "staging")[0] == 200
    form = part.fills("U0BOB", "skip", {"reason": "no agents on staging"}, card=True)
    assert form["title"]["text"] == NOT_REAL
    part.at_step("Roll back the services")
    assert "Drill: do this on *staging* and nowhere else." in part.card.shown


def rolled_back(part: Part) -> dict[str, tuple[float, float]]:
    """The version before is switched on, service by service, and seen."""
    moments = {}
    for letter, service in (("T8", "auth"), ("T9", "web")):
        switched = time.time()
        part.world.staging.runs(service, GOOD[service])
        if service == "auth":
            part.sees("auth at 2.13.4", 20, card=True)
        else:
            part.at_step("Verify")
        moments[letter] = switched, time.time()
    return moments


def verified(part: Part) -> None:
    part.at_step("Close", 60)
    assert "✅ 5. Verify" in part.card.shown


def finished(part: Part) -> None:
    """The commander ends it, the record is completed, and the drill is over by that."""
    part.is_refused("U0BOB", "end", "ana commands DRILL-0001", card=True)
    part.clicks("U0ANA", "end", card=True)
    part.sees("🟢 ENDED staging")
    eventually(lambda: part.world.told(part.name)["stage"] == "finished", 10, "the drill is over")
    assert part.world.gate("auth", "2.14.1", "staging")[0] == 200
    words = {"root_cause": "2.14.0 was broken for the drill", "follow_ups": "write it down; bob; 2027-01-15"}
    part.fills("U0BOB", "complete", words)
    part.hears("bob completed the record")

    def over() -> list[str]:
        return [one.text for one in part.world.slack.messages(CHANNEL) if "DRILL-0001 is over" in one.text]

    (told,) = eventually(over, 10, "the channel is told that it is over")
    assert "What it proved: rollback-monitor drill report DRILL-0001" in told


# --- its report -----------------------------------------------------------------------------------------------------


def reported(part: Part, drill: dict[str, Any]) -> None:
    """The report tells the same; two people sign it in Slack, and no one twice; a name in a shell is none of them."""
    held = part.world
    told = held.drill("sign-off", part.name, "--as", "dora")
    assert "DRILL-0001: finished, signed by dora (from a shell, unverified)." in told
    assert "Sign-off incomplete: 2 of 2 signatures are missing." in told
    assert held.types("U0ANA", f"sign-off {part.name} as I saw it").endswith(": finished")
    assert "a second person must" in held.types("U0ANA", f"sign-off {part.name}")
    assert "Sign-off incomplete: 1 of 2 signatures is missing." in held.drill("report", part.name)
    note = eventually(
        lambda: [one for one in held.slack.messages(CHANNEL) if "ana stands by" in one.text], 10, "a note"
    )[0]
    part.is_refused("U0ANA", "Sign off", "a second person must", on=note)
    part.is_refused("U0GUS", "Sign off", "Only responders and commanders", on=note)
    part.clicks("U0BOB", "Sign off", on=note)
    eventually(lambda: held.told(part.name)["stage"] == "signed_off", 10, "it is signed off")
    report = held.drill("report", part.name)
    assert "Sign-off incomplete" not in report
    refused = report.partition("## What went otherwise")[2]
    assert [who for who in ("cleo", "gus", "bob", "ana") if f"Refused to {who} at " in refused] == [
        "cleo",
        "gus",
        "bob",
        "ana",
    ]
    assert "inject fault: Only responders and commanders" in refused
    assert report.startswith("# DRILL (not real): DRILL-0001: PASSED\n")
    for letter in figures.ORDER:
        (row,) = [line for line in report.splitlines() if line.startswith(f"| {letter} |")]
        assert row.split(" | ")[2].rstrip(" |") == f"{drill['moments'][letter][:19].replace('T', ' ')}", row
    printed_figures_hold(report, drill)
    assert "as I saw it" in report.partition("## Signed off")[2]
    items = report.partition("## Evidence checklist")[2].partition("\n## ")[0].splitlines()
    assert [line.split(" | ")[1] for line in items if line.startswith("| ")][2:] == ["found"] * 5


def bundled(part: Part, drill: dict[str, Any]) -> None:
    """The bundle is whole and has the same result, now with its signatures."""
    told = part.world.monitor.command("incident", "export", part.name, "--out", "bundle")
    assert told.returncode == 0, told.stderr
    assert part.world.monitor.command("incident", "verify", "bundle").returncode == 0
    folder = part.world.folder / "bundle"
    kept = json.loads((folder / "drill.json").read_text())
    assert [one["by"]["name"] for one in kept["signed"]] == ["dora", "ana", "bob"]
    late = [(one["by"]["name"], one["command"]) for one in kept["refused"][len(drill["refused"]) :]]
    assert late == [("ana", "sign-off"), ("ana", "sign_off"), ("gus", "sign_off")], "in words, and by the button"
    assert (kept["refused_clicks"], kept["signatures_missing"]) == (8, 0)
    assert kept["impact"]["failed"] == pytest.approx(drill["impact"]["failed"], rel=0.1)  # read anew until it is kept
    signing = ("signed", "signatures_missing", "refused", "refused_clicks")
    assert kept | {"impact": drill["impact"]} == drill | {name: kept[name] for name in signing}
    assert (folder / "report.md").read_text().startswith(f"# {NOT_REAL}: DRILL-0001: report")
    assert {one.name for one in folder.iterdir()} >= {"drill.md", "signals.json", "timeline.jsonl", "decisions.jsonl"}


def beside_the_next(held: World, drill: dict[str, Any]) -> None:
    """It stands beside the next drill as it came out, though its signals are not those that are read any more."""
    held.says("/api/v1/drills", "bob", scenario="page")
    held.says("/api/v1/drills/DRILL-0002/abort", "bob", note="enough for today")
    (row,) = held.result("DRILL-0002")["compared"]
    assert (row["name"], row["what"], row["came_to"], row["target_s"]) == ("DRILL-0001", "staging", "passed", 300)
    assert row["times_s"] == {what: drill["durations_s"][what] for what in row["times_s"]}


# --- drills that end otherwise --------------------------------------------------------------------------------------


def killed_and_given_up(folder: Path) -> None:
    """One passes though its monitor was killed twice; the next is aborted by somebody."""
    with world(folder) as held:
        before = real_metrics(held)
        killed_twice(held)
        given_up(held)
        nothing_real_happened(held, before)
        assert held.slack.refused == []


def unseen_and_pre_empted(folder: Path) -> None:
    """One lacks evidence; the next gives way to something real."""
    with world(folder) as held:
        before = real_metrics(held)
        without_evidence(held)
        nothing_real_happened(held, before)
        pre_empted(held)
        assert held.slack.refused == []


def killed_twice(held: World) -> None:
    """A monitor that is killed as soon as it said that a drill began, and once more after the page, goes on with it."""
    started = held.says("/api/v1/drills", "ana", scenario="page")["drill"]
    held.monitor.kill()
    began = figures.seconds(started["injected"]["at"])
    time.sleep(max(0.0, began + 6 - time.time()))  # by now it would have paged
    held.monitor.start()
    held.slack.wait_connected()
    part = held.part("DRILL-0001")
    late = time.time()
    held.monitor.kill()
    held.monitor.start()
    held.slack.wait_connected()
    part.clicks("U0BOB", "acknowledge")
    part.sees("cknowledged by bob")
    part.clicks("U0ANA", "start")
    part.hears("Recovered", 30)
    held.says("/api/v1/drills/DRILL-0001/finish", "ana")
    part.hears("DRILL-0001 is over")
    drill = held.result("DRILL-0001")
    assert (drill["result"], drill["gaps"]) == ("passed", [])
    figures_hold(part, drill)
    at = {letter: figures.seconds(told) for letter, told in drill["moments"].items() if told}
    assert 0 <= at["T0"] - began < 1, "the API tells whole seconds"
    assert 0 < at["T1"] - at["T0"] <= 2, "it breached while nobody ran"
    assert at["T2"] - at["T1"] == figures.HOLD
    assert at["T2"] < began + 6 <= at["T3"] < late
    notes = [one.text for one in held.slack.messages(CHANNEL) if "DRILL-0001 begins" in one.text]
    assert len(notes) == len(roots_of(held, "DRILL-0001")) == 1


def given_up(held: World) -> None:
    """Aborted by somebody it is aborted, whatever it had shown by then."""
    eventually(lambda: held.begins("staging-login"), 60, "what the drill before played is kept")
    break_staging(held, "DRILL-0002")
    part = held.part("DRILL-0002")
    told = held.drill("abort", "--reason", "the load test is not over", "--as", "bob")
    assert "DRILL-0002: aborted." in told
    said = part.hears("DRILL ABORTED by bob: the load test is not over. The fault is still there; take it back: deploy")
    assert said.broadcast
    part.sees("🟢 ENDED staging")
    drill = held.result("DRILL-0002")
    assert drill["result"] == "aborted"
    assert (drill["aborted"]["by"]["name"], drill["aborted"]["incident"]) == ("bob", "")
    figures_hold(part, drill)
    (beside,) = drill["compared"]
    assert (beside["name"], beside["came_to"]) == ("DRILL-0001", "passed")
    earlier = held.result("DRILL-0001")["durations_s"]
    assert beside["times_s"] == {what: earlier[what] for what in beside["times_s"]}


def mended(held: World) -> None:
    """Staging is well again, and its windows have forgotten."""
    for service, version in BAD.items():
        held.staging.runs(service, version)
    ratio = figures.RATIO.replace("JOB", held.staging.logins)

    def forgotten() -> bool:
        answer = held.prometheus.query(ratio, time.time() - 1)
        return bool(answer) and float(answer[0]["value"][1]) == 0.0

    eventually(forgotten, 15, "staging is well again")


def without_evidence(held: World) -> None:
    """Where nobody saw a version, and nothing was verified, it is incomplete, however well everything went."""
    held.says("/api/v1/drills", "ana", scenario="staging-login")
    break_staging(held, "DRILL-0001")
    part = held.part("DRILL-0001")
    part.sees("go back to 2.13.4", 30)
    assert isinstance(held.staging, ReadyMade)
    del held.staging.versions["web"]  # nobody can see its version any more
    web = held.staging.version("web")
    eventually(lambda: not figures.runs(held.prometheus, web, time.time()), 15, "nobody sees web")
    part.clicks("U0ANA", "start")
    part.at_step("Pin the rollback target")
    part.clicks("U0ANA", "Pin auth 2.13.4, web 7.1.0", card=True)
    part.at_step("Feature flags first")
    part.fills("U0BOB", "not_relevant", {"reason": "no agents on staging"}, card=True)
    part.at_step("Roll back the services")
    held.staging.runs("auth", GOOD["auth"])
    part.sees("auth at 2.13.4", 20, card=True)
    part.clicks("U0BOB", "service_done", card=True)
    part.hears("Recovered", 20)
    held.says("/api/v1/drills/DRILL-0001/finish", "ana")
    drill = held.result("DRILL-0001")
    assert drill["result"] == "incomplete"
    assert drill["within_target"] is True
    assert drill["said_not_seen"] == ["web"]
    assert "web: somebody said that it is at its target, nobody saw it" in drill["gaps"]
    assert "Follow-up actions tracked: the record is not completed" in drill["gaps"]
    figures_hold(part, drill)
    held.prometheus.stop()
    blind = held.result("DRILL-0001")
    held.prometheus.start()
    assert blind["result"] == "incomplete"
    assert blind["impact"] == {"failed": None, "slow": None}
    assert any(one.startswith("Trigger metric snapshots: LoginFailing: ") for one in blind["gaps"])
    mended(held)


def pre_empted(held: World) -> None:
    """Something real gives a drill up at once, and shows its people the way."""
    eventually(lambda: held.begins("staging-login"), 60, "what the drill before played is kept")
    break_staging(held, "DRILL-0002")
    part = held.part("DRILL-0002")
    broke = time.time()
    held.shop.breaks()
    page = held.slack.wait_for_message(held.slack.channel, within=30)
    assert page.text.startswith("🔴 ROLLBACK NOW production: login: ")
    assert "<!subteam^S0ONCALL>" in page.text
    eventually(lambda: held.webhook.received, 10, "the other pager is called")
    said = part.hears("DRILL ABORTED by INC-0001")
    link = f"https://example.slack.com/archives/{page.channel}/p{page.ts.replace('.', '')}"
    assert said.text.startswith(f"{NOT_REAL}: DRILL ABORTED by INC-0001, which is real.")
    assert f"<{link}>" in said.text
    assert said.broadcast
    drill = held.result("DRILL-0002")
    assert (drill["result"], drill["aborted"]["incident"]) == ("aborted", "INC-0001")
    assert [(one["name"], one["came_to"]) for one in drill["compared"]] == [("DRILL-0001", "incomplete")]
    real_page_was_not_late(held, page, broke)
    with pytest.raises(AssertionError, match="INC-0001 is open: there is something real to do"):
        held.says("/api/v1/drills", "ana", scenario="page")
    says_that_it_is_a_drill(held)
    left = len(held.slack.thread(part.root))
    time.sleep(2)
    assert len(held.slack.thread(part.root)) == left, "nothing more comes of it"
    assert "DRILL-0002  " in held.drill("status")


def real_page_was_not_late(held: World, page: Stored, broke: float) -> None:
    """From the breach of production to its page no more passed than with no drill."""
    (firing,) = [
        one["firing"]
        for one in figures.written(held.folder / "monitor.db", "events", "incident", "INC-0001")
        if one["kind"] == "alert_fired"
    ]
    seen = figures.breaches(held.prometheus, held.shop.logins, broke, broke + 8)
    assert abs(figures.seconds(firing["since"]) - figures.first(seen, breach=True)) <= 1
    assert figures.seconds(firing["fired_at"]) - figures.seconds(firing["since"]) == figures.HOLD
    assert float(page.ts) - figures.seconds(firing["fired_at"]) < 5
