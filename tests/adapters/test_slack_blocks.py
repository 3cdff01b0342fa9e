"""How pages, cards and lines look in Slack: golden files, limits, escaping."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.adapters.slack.blocks import MAX_ALL, Drawn, draw_line, draw_page, size
from monitor.adapters.slack.card import draw_card
from monitor.adapters.slack.mrkdwn import authored, escaped, link, mention, units
from monitor.core.pages.page import (
    Action,
    ActionKind,
    Card,
    CardCommand,
    CardLine,
    CardStep,
    Mark,
    Page,
    Place,
    Tone,
    Why,
)
from tests.adapters.golden import holds
from tests.servers.slack_rules import buttons_of, readable, refusal, rendition

AT = datetime(2026, 3, 1, 3, 2, 11, tzinfo=UTC)
FOOTER = "INC-0001 · acknowledge from a shell: rollback-monitor incident ack INC-0001"
CONFIRM = (
    "Start the rollback procedure?",
    "Nothing is rolled back by this: you become incident commander and the checklist opens in the thread.",
    "Start",
    "Not yet",
)
ACTIONS = (
    Action(ActionKind.ACKNOWLEDGE, "Acknowledge", "INC-0001|4", place=Place.FIRST),
    Action(ActionKind.START, "Start rollback…", "INC-0001|4", confirm=CONFIRM, danger=True),
)


def why(number: int) -> Why:
    return Why(
        text=f"shop-{number}: {60 - number % 50} % of requests fail",
        numbers=f"limit 25 %, {310 + number} requests in 1 m",
        since=AT + timedelta(seconds=15 * number),
        tier="rollback" if number % 2 == 0 else "prepare",
        links=(("dashboard", f"https://grafana.example/d/shop?var=shop-{number}&from=1"),),
    )


def page(alerts: int) -> Page:
    return Page(
        incident="INC-0001",
        tone=Tone.ROLLBACK if alerts else Tone.ENDED,
        headline=f"ROLLBACK NOW production: {alerts} signals, shop-0 60 % failing since 03:02"
        if alerts
        else "ENDED: all clear",
        why=tuple(why(number) for number in range(alerts)),
        notes=("one server answered late",) if alerts else (),
        status=("nobody has acknowledged yet", "deploys are not frozen") if alerts else ("ended 03:40:00 UTC",),
        actions=ACTIONS if alerts else (),
        footer=FOOTER,
        mention=("S0ONCALL", "U0ANA") if alerts else (),
    )


CARD = Card(
    incident="INC-0001",
    title="Rollback procedure",
    next_for="ana: pin the rollback target",
    status=("commander: ana", "recovery target 15 min, 2 min gone"),
    steps=(
        CardStep(1, "Declare incident mode"),
        CardStep(
            2,
            "Pin the rollback target",
            current=True,
            text="The last known good release of *each* changed service. <https://wiki.example/tags|How to find it>",
            tasks=("the image is available", "nobody is deploying"),
            collected=("Target version",),
            commands=(
                CardCommand("crane manifest registry.example/auth:2.13.4 >/dev/null && echo ok"),
                CardCommand("git tag --sort=-creatordate"),
            ),
            waves=(CardLine("auth, transactions", Mark.OPEN), CardLine("web", Mark.OPEN)),
            choices=(CardLine("backward compatible, keep the schema", Mark.OPEN), CardLine("forward-fix", Mark.OPEN)),
            checks=(CardLine("login works", Mark.OPEN),),
        ),
        CardStep(3, "Feature-flag safe rollback"),
        CardStep(4, "Roll back services"),
    ),
)


STILL = Action(ActionKind.STILL_ON_IT, "Still on it, +15 min", "INC-0001|7", place=Place.FIRST)
ASKED = replace(
    page(1),
    status=(
        "Acknowledged by Ana at 03:04 UTC.",
        "Ana was asked whether they are still on it; without an answer everybody is paged at 03:19 UTC.",
    ),
    actions=(STILL, ACTIONS[1]),
    mention=(),
)
ESCALATION = "ROLLBACK NOW production: login: 62 % fail, since 03:02 UTC. Nobody has acknowledged INC-0001."


@pytest.mark.parametrize(
    ("name", "drawn"),
    [
        ("line-asked", draw_line("Ana, are you still on it?", ("U0ANA",), (STILL,))),
        ("line-escalation", draw_line(ESCALATION, ("S0IC", "S0ONCALL"), (ACTIONS[0],), "C0OPS")),
        ("line", draw_line("acknowledged by ana at 03:04:00 UTC <!channel> & more", ("S0ONCALL",))),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_a_line_looks_as_its_golden_file_says(name: str, drawn: Drawn) -> None:
    assert refusal(drawn.text, drawn.blocks) is None
    shown = rendition(drawn.text, drawn.blocks)
    holds(
        f"{name}.txt",
        f"lock screen: {readable(drawn.text)}\n\n{shown}\n\n--- without blocks ---\n{readable(drawn.bare)}\n",
    )


def test_the_headline_comes_first_and_the_mention_after_it_in_text_and_blocks() -> None:
    drawn = draw_page(page(1))
    assert drawn.text.startswith("🔴 ROLLBACK NOW production")
    assert drawn.text.endswith("<!subteam^S0ONCALL> <@U0ANA>")
    assert drawn.blocks is not None
    assert drawn.blocks[0]["type"] == "header"
    assert drawn.blocks[1]["text"]["text"] == "<!subteam^S0ONCALL> <@U0ANA>"


def test_acknowledge_is_first_and_alone() -> None:
    two = Action(ActionKind.DEALT_WITH, "Dealt with…", "INC-0001|4|1")
    drawn = draw_page(replace(page(1), actions=(ACTIONS[1], two, ACTIONS[0], replace(two, value="INC-0001|4|2"))))
    rows = [block for block in drawn.blocks or () if block["type"] == "actions"]
    assert [[one["action_id"] for one in row["elements"]] for row in rows] == [
        ["acknowledge"],
        ["start", "dealt_with", "dealt_with:2"],
    ]


def test_still_on_it_is_first_and_alone() -> None:
    rows = [block for block in draw_page(ASKED).blocks or () if block["type"] == "actions"]
    assert [[one["action_id"] for one in row["elements"]] for row in rows] == [["still_on_it"], ["start"]]


@pytest.mark.parametrize(
    ("home", "said"),
    [("C0OPS", "in <#C0OPS>."), ("console", "in console."), ("<!channel>", "in &lt;!channel&gt;."), ("", "x")],
    ids=["a channel", "no id", "no mention", "none"],
)
def test_an_escalation_says_where_the_page_stands(home: str, said: str) -> None:
    assert draw_line("x", home=home).text.endswith(said)


def test_a_long_line_with_a_button_fits_a_section() -> None:
    drawn = draw_line("&" * 5000, tuple(f"U{number:08d}" for number in range(30)), (STILL,), "C0OPS")
    assert refusal(drawn.text, drawn.blocks) is None


def test_200_alerts_are_cut_to_whole_rows_and_say_how_many_are_left() -> None:
    shown = rendition("", draw_page(page(200)).blocks)
    assert "shop-9:" in shown
    assert "shop-10:" not in shown
    assert "…and 190 more" in shown


def test_rows_that_are_too_long_are_dropped_whole_before_words_are_cut() -> None:
    long = replace(page(10), why=tuple(replace(why(n), text="x" * 900, numbers="y" * 900) for n in range(10)), more=3)
    wide = replace(long, notes=("&" * 5_000,), status=("<" * 5_000,), footer="f" * 5_000)
    drawn = draw_page(
        replace(wide, why=tuple(replace(one, links=(("d", "https://e.example/" + "a" * 800),) * 2) for one in wide.why))
    )
    assert refusal(drawn.text, drawn.blocks) is None
    assert size(drawn.blocks or []) <= MAX_ALL
    assert "more" in rendition("", drawn.blocks)
    assert buttons_of(drawn.blocks or [])


def test_times_are_in_the_readers_clock_with_utc_beside() -> None:
    blocks = json.dumps(draw_page(page(1)).blocks)
    assert "<!date^1772334131^{date_short_pretty} {time_secs}|03:02:11 UTC> (03:02:11 UTC)" in blocks


def test_start_asks_before_it_is_sent() -> None:
    start = buttons_of(draw_page(page(1)).blocks or [])[1]
    assert start["style"] == "danger"
    assert start["confirm"]["text"]["text"].startswith("Nothing is rolled back by this")
    assert start["value"] == "INC-0001|4"


@pytest.mark.parametrize(
    ("who", "shown"),
    [
        ("S0ONCALL", "<!subteam^S0ONCALL>"),
        ("U0ANA", "<@U0ANA>"),
        ("W0EVE", "<@W0EVE>"),
        ("!channel", ""),
        ("C0OPS", ""),
        ("", ""),
    ],
)
def test_only_people_and_groups_are_called(who: str, shown: str) -> None:
    assert mention(who) == shown


@pytest.mark.parametrize(
    ("url", "is_link"),
    [
        ("https://grafana.example/d?a=1&b=2", True),
        ("javascript:alert(1)", False),
        ("https://a.example/|x>", False),
        ("https://a.example/ b", False),
        ("https://a.example/" + "&" * 400, False),
        ("", False),
    ],
)
def test_only_web_addresses_become_links(url: str, *, is_link: bool) -> None:
    assert bool(link("dashboard", url)) is is_link


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("see <https://wiki.example/a?b&c|the wiki>", "see <https://wiki.example/a?b&c|the wiki>"),
        ("<!channel> <!here> <!everyone>", "&lt;!channel&gt; &lt;!here&gt; &lt;!everyone&gt;"),
        ("p95 < 2 s & rising", "p95 &lt; 2 s &amp; rising"),
        ("already &lt; escaped", "already &lt; escaped"),
        ("ask <@U0ANA> or <!subteam^S0IC>", "ask <@U0ANA> or <!subteam^S0IC>"),
        ("<javascript:alert(1)|x>", "&lt;javascript:alert(1)|x&gt;"),
    ],
)
def test_an_author_keeps_links_and_people_and_cannot_call_everybody(written: str, kept: str) -> None:
    assert authored(written, 500) == kept


@given(st.text(), st.integers(0, 40))
def test_escaped_text_keeps_its_limit_and_cannot_open_a_tag(text: str, limit: int) -> None:
    safe = escaped(text, limit)
    assert units(safe) <= limit
    assert "<" not in safe
    assert ">" not in safe
    assert "&" not in safe.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")


HOSTILE = st.text(max_size=400) | st.sampled_from(
    [
        "<!channel>",
        "<!here|x>",
        "a" * 9000,
        "&" * 3000,
        "\ud800",
        "```",
        "*",
        "\x00\x1b[31m",
        "\u202emoc",
        "🔴" * 2000,
        " ",
        "",
    ]
)
WHYS = st.builds(
    Why, HOSTILE, HOSTILE, st.just(AT), HOSTILE, st.lists(st.tuples(HOSTILE, HOSTILE), max_size=3).map(tuple)
)


def _one_first(actions: list[Action]) -> tuple[Action, ...]:
    """At most two buttons stand first, as in the pages that are drawn."""
    first = [one for one in actions if one.place is Place.FIRST]
    return (*first[:2], *(one for one in actions if one.place is not Place.FIRST))


PAGES = st.builds(
    Page,
    incident=HOSTILE,
    tone=st.sampled_from(Tone),
    headline=HOSTILE,
    why=st.lists(WHYS, max_size=12).map(tuple),
    more=st.integers(0, 500),
    notes=st.lists(HOSTILE, max_size=9).map(tuple),
    status=st.lists(HOSTILE, max_size=9).map(tuple),
    actions=st.just(ACTIONS),
    footer=HOSTILE,
    mention=st.lists(HOSTILE | st.just("S0ONCALL"), max_size=30).map(tuple),
)
LINES = st.lists(st.builds(CardLine, HOSTILE, st.sampled_from(Mark)), max_size=30).map(tuple)
WORDS = st.lists(HOSTILE, max_size=30).map(tuple)
MADE = st.lists(
    st.builds(
        Action,
        st.sampled_from(ActionKind),
        HOSTILE,
        st.sampled_from(["INC-0001|4", "INC-0001|4|" + "s" * 200]),
        st.none() | st.tuples(HOSTILE, HOSTILE, HOSTILE, HOSTILE),
        st.booleans(),
        st.sampled_from(Place),
    ),
    max_size=40,
).map(_one_first)
STEPS = st.builds(
    CardStep,
    st.integers(1, 9),
    HOSTILE,
    st.sampled_from(Mark),
    HOSTILE,
    st.booleans(),
    HOSTILE,
    WORDS,
    WORDS,
    LINES,
    LINES,
    st.lists(st.builds(CardCommand, HOSTILE, HOSTILE, HOSTILE), max_size=40).map(tuple),
    LINES,
    LINES,
    MADE,
)
CARDS = st.builds(
    Card,
    HOSTILE,
    HOSTILE,
    HOSTILE,
    WORDS,
    st.lists(STEPS, max_size=9).map(tuple),
    MADE,
    st.lists(st.tuples(HOSTILE, HOSTILE, HOSTILE), max_size=20).map(tuple),
)


def is_acceptable(drawn: Drawn) -> bool:
    everything = json.dumps([drawn.text, drawn.bare, drawn.blocks])
    parsed = [block for block in drawn.blocks or () if block["type"] != "rich_text"]
    assert refusal(drawn.text, drawn.blocks) is None
    assert units(drawn.bare) <= 8_000
    assert drawn.text.strip()
    json.loads(everything.encode())
    return "<!channel" not in json.dumps([drawn.text, drawn.bare, parsed]) and "<!here" not in json.dumps(
        [drawn.text, parsed]
    )


@settings(max_examples=60, deadline=None)
@given(PAGES)
def test_any_page_is_drawn_within_the_limits_and_calls_nobody_it_should_not(page: Page) -> None:
    assert is_acceptable(draw_page(page))


@settings(max_examples=40, deadline=None)
@given(CARDS)
def test_any_card_is_drawn_within_the_limits(card: Card) -> None:
    assert is_acceptable(draw_card(card))


@given(HOSTILE)
def test_any_line_is_drawn_within_the_limits(said: str) -> None:
    assert is_acceptable(draw_line(said, ("S0ONCALL",)))


@pytest.mark.parametrize(
    ("blocks", "why_not"),
    [
        ([{"type": "divider"}] * 51, "at most 50 blocks"),
        ([{"type": "carousel"}], "unknown type"),
        ([{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}], "1 to 3000"),
        ([{"type": "section", "text": {"type": "mrkdwn", "text": ""}}], "1 to 3000"),
        ([{"type": "section", "colour": "red", "text": {"type": "mrkdwn", "text": "x"}}], "unknown key"),
        ([{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}], "plain_text"),
        ([{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}], "1 to 150"),
        ([{"type": "context", "elements": []}], "1 to 10"),
        ([{"type": "actions", "elements": [{"type": "button", "action_id": "a"}]}], "text object"),
        (
            [
                {
                    "type": "actions",
                    "elements": [{"type": "button", "action_id": "a", "text": {"type": "plain_text", "text": "x"}}] * 2,
                }
            ],
            "unique",
        ),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_the_strict_server_refuses_what_slack_refuses(blocks: list[dict[str, Any]], why_not: str) -> None:
    refused = refusal("x", blocks)
    assert refused is not None
    assert why_not in refused[1]


def test_the_strict_server_refuses_13000_characters_over_all_blocks() -> None:
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 2_900}}
    assert refusal("x", [section] * 4) is None
    assert refusal("x", [section] * 5) == ("msg_blocks_too_long", "all blocks together exceed 13000 characters")
