"""What holds for every drill: its figures follow from what was written, it says what it is, nothing real happens."""

import json
import re
from typing import Any

import pytest

from tests.e2e import drillfigures as figures
from tests.e2e.drilling import CHANNEL, NOT_REAL, Part, World, key_of
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
