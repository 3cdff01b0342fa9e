"""What holds for every drill: its figures follow from what was written, it says what it is, nothing real happens."""

import json
import re
from typing import Any

import pytest

from tests.e2e import drillfigures as figures
from tests.e2e.drilling import CHANNEL, NOT_REAL, Part, World, key_of
from tests.e2e.drillshops import BAD, GOOD, OfTheDemo
from tests.servers.slack_workspace import Stored

PEOPLE = {"<@U0ANA>", "<@U0BOB>"}
"""The mentions of those who take part."""


def figures_hold(part: Part, drill: dict[str, Any]) -> None:
    """Every figure is that which follows from what was written down and what Slack holds."""
    worked = figures.worked(part.world.folder, part.name, roots_of(part.world, part.name))
    for letter in figures.ORDER:
        told, wanted = drill["moments"][letter], worked.clock[letter]
        assert (told is None) == (wanted is None), letter
        if wanted is not None:
            assert figures.seconds(told) == pytest.approx(wanted, abs=0.002), letter
    assert set(drill["durations_s"]) == set(figures.SPANS)
    for what, span in drill["durations_s"].items():
        assert span == pytest.approx(worked.span(what), abs=0.001) if span is not None else worked.span(what) is None
    assert drill["refused_clicks"] == worked.refused
    assert drill["skipped"] == worked.skipped
    assert drill["out_of_order"] == worked.out_of_order
    assert (drill["pages_doubled"], drill["pages_lost"]) == (worked.doubled, worked.lost) == (0, 0)


def roots_of(held: World, name: str) -> list[Stored]:
    """The pages of a drill."""
    return [one for one in held.slack.everything() if not one.thread_ts and key_of(one).startswith(f"{name}/")]


def says_that_it_is_a_drill(held: World) -> None:
    """Everything that anybody can read in its channel begins with it, in every revision; it mentions who takes part."""
    for one in held.slack.everything(CHANNEL):
        for text, blocks in [*one.edits, (one.text, one.blocks)]:
            if not one.files:
                assert text.startswith(f"{NOT_REAL}: "), text
            if blocks:
                assert first_words(blocks[0]).startswith(f"{NOT_REAL}: "), blocks[0]
            mentioned = re.findall(r"<[@!](?!date)[^>]*>", f"{text} {json.dumps(blocks, ensure_ascii=False)}")
            assert set(mentioned) <= PEOPLE, mentioned
        for file in one.files:
            assert file.title.startswith(f"{NOT_REAL}: "), file.title
            assert not file.alt or file.alt.startswith(f"{NOT_REAL}: "), file.alt
    for told in held.slack.told:
        assert told["text"].startswith(f"{NOT_REAL}: "), told
    for views in held.slack.views.values():
        assert {one["title"]["text"] for one in views} == {NOT_REAL}


def first_words(block: dict[str, Any]) -> str:
    """What a message's first block says."""
    return str(block["text"]["text"])


def world_agrees(
    part: Part, drill: dict[str, Any], injected: tuple[float, float], did: dict[str, tuple[float, float]]
) -> None:
    """The clock is true: it fits the clock of those who clicked and switched, and what Prometheus scraped."""
    at = {letter: figures.seconds(told) for letter, told in drill["moments"].items()}
    for course in (figures.ORDER[:10], ("T2", "T10", "T11", "T12")):  # signals may clear before a version is looked at
        assert sorted(at[one] for one in course) == [at[one] for one in course], "the moments come in their order"
    for letter, (began, ended) in {"T0": injected, **did}.items():
        assert began - 0.01 <= at[letter] <= ended + 0.01, f"{letter}: {figures.utc(at[letter])}"
    prometheus, staging = part.world.prometheus, part.world.staging
    seen = figures.breaches(prometheus, staging.logins, at["T0"], at["T10"])
    broke = figures.first(seen, breach=True)
    assert abs(at["T1"] - broke) <= 1
    assert at["T2"] - at["T1"] == figures.HOLD
    assert abs(at["T10"] - figures.first(seen, breach=False, after=broke)) <= 1
    for letter, service in (("T8", "auth"), ("T9", "web")):
        assert figures.runs(prometheus, staging.version(service), at[letter]) == {GOOD[service]}
        assert BAD[service] in figures.runs(prometheus, staging.version(service), did[letter][0] - 1)
    lost = figures.failed(prometheus, staging.logins, at["T10"]) - figures.failed(prometheus, staging.logins, at["T0"])
    assert drill["impact"]["failed"] == pytest.approx(lost, rel=0.15)
    assert drill["impact"]["slow"] is None
    assert drill["recovery_target_s"] == 300
    assert drill["within_target"] is (at["T10"] - at["T0"] <= 300)
    assert drill["refused_clicks"] == 5
    assert drill["skipped"] == ["Feature flags first"]
    assert (drill["gaps"], drill["said_not_seen"], drill["compared"]) == ([], [], [])


def production_was_untouched(held: World, drill: dict[str, Any]) -> None:
    """The shop beside it ran its versions all the time, and its logins went on."""
    assert isinstance(held.shop, OfTheDemo)
    assert isinstance(held.staging, OfTheDemo)
    told = held.shop.told
    assert (told["fault"], told["struck"]) == ("none", [])
    assert {service: told["versions"][service] for service in GOOD} == GOOD
    assert (held.staging.told["fault"], held.staging.told["struck"]) == ("login", []), (
        "it is the version that healed it"
    )
    begin, end = (figures.seconds(drill["moments"][one]) for one in ("T0", "T12"))
    for service in GOOD:
        seen = {
            one
            for at in range(int(begin), int(end))
            for one in figures.runs(held.prometheus, held.shop.version(service), at)
        }
        assert seen == {GOOD[service]}
    assert not any(figures.breaches(held.prometheus, held.shop.logins, begin, end).values())


def printed_figures_hold(report: str, drill: dict[str, Any]) -> None:
    """Every figure that people read is that of the result, which follows from the raw events."""
    cells = [[cell.strip() for cell in line.strip("| ").split("|")] for line in report.splitlines() if line[:1] == "|"]
    took = {row[0]: row[-1] for row in cells if row[0] in figures.SPANS}
    assert took == {what: lasted(span) for what, span in drill["durations_s"].items()}
    felt = {row[0]: row[1] for row in cells if row[0].startswith("requests ")}
    failed = float(felt["requests that failed beyond what is usual"])
    assert failed == pytest.approx(drill["impact"]["failed"], rel=0.1), "its signals are read anew until they are kept"
    assert felt["requests while it was slow"] == "unknown"
    took_all = lasted(drill["durations_s"]["Time to mitigate"])
    assert f"Passed: mitigated {took_all} after the injection, within the target of 5 min." in report
    otherwise = report.partition("## What went otherwise")[2].partition("\n## ")[0]
    told = re.findall(r"^- (?!Refused to )(.*)$", otherwise, re.MULTILINE)
    assert told == ["Skipped: Feature flags first", f"Refused clicks: {otherwise.count('- Refused to ')}"]


def lasted(seconds: float) -> str:
    """A length of time as the report says it: seconds under two minutes, then minutes."""
    return f"{int(seconds)} s" if seconds < 120 else f"{int(seconds) // 60} min"


COUNTED = ("incidents_open", "pages_total", "acknowledgement_seconds_count", "page_delivery_seconds_count", "alerts")
"""What is counted of what really happens."""


def real_metrics(held: World) -> dict[str, float]:
    """What is counted of production."""
    return {name: held.monitor.metric(f"rollback_monitor_{name}") for name in COUNTED}


def nothing_real_happened(held: World, before: dict[str, float]) -> None:
    """Production has no incident, alert, transition, post, silence, metric; no other pager was called."""
    assert real_metrics(held) == before == dict.fromkeys(COUNTED, 0.0)
    assert held.monitor.incidents() == []
    assert json.loads(held.monitor.get("/api/v1/alerts"))["data"]["alerts"] == []
    assert held.slack.everything(held.slack.channel) == []
    assert held.webhook.received == []
    for table in ("incidents", "events", "posts", "transitions", "silences", "hidden", "alerts", "drill_events"):
        assert figures.rows(held.folder / "monitor.db", table) == [], table
    assert held.gate("auth", "9.9.9")[0] == 200
