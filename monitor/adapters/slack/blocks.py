"""Pages and lines as Slack shows them: pure functions from a page to a text and blocks.

The text is the lock screen (phones show nothing else); the blocks are the message. What is too long is cut by plan,
never an error: whole rows of signals first, then words. Knows nothing of channels, tokens or the network.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import orjson
from slack_sdk.models.blocks import (
    Block,
    ContextBlock,
    HeaderBlock,
    MarkdownTextObject,
    PlainTextObject,
    SectionBlock,
)

from monitor.adapters.slack.buttons import button_rows
from monitor.adapters.slack.mrkdwn import bold, channel, escaped, link, linked, mentions, one_line, plain, when
from monitor.core.naming import led
from monitor.core.pages.page import Action, Page, Tone, Why

_NEXT = re.compile(r"^(Next:)", re.MULTILINE)
Json: TypeAlias = dict[str, Any]

MAX_HEADER = 150
MAX_ALL = 12_000
"""Slack refuses somewhere about 13,000 characters over all blocks; ours are counted as JSON, the longer count."""
MAX_ROWS = 10
MORE = 200
"""What "…and N more" takes."""
MAX_TEXT = 3_000
MAX_PART = 1_400
PREFIX = {
    Tone.ROLLBACK: "🔴",
    Tone.PREPARE: "🟠",
    Tone.BLIND: "⚫",
    Tone.IN_PROCEDURE: "🔵",
    Tone.VERIFYING: "🔎",
    Tone.RECOVERED: "🟡",
    Tone.ENDED: "🟢",
}
TIER_MARK = {"rollback": "🔴", "prepare": "🟠", "blind": "⚫"}


@dataclass(frozen=True, slots=True)
class Drawn:
    """A message ready to be posted.

    `text` is for lock screens, `blocks` are shown (None: the text is shown), and `bare` is the whole message in one
    text, for when Slack refuses the blocks.
    """

    text: str
    blocks: list[Json] | None
    bare: str


def section(text: str) -> SectionBlock:
    """Give a section of ready mrkdwn; names and addresses in it are not turned into links or mentions by Slack."""
    return SectionBlock(text=MarkdownTextObject(text=text, verbatim=True), expand=True)


def context(text: str) -> ContextBlock:
    """Give one small line of ready mrkdwn."""
    return ContextBlock(elements=[MarkdownTextObject(text=text, verbatim=True)])


def header(text: str) -> HeaderBlock:
    """Give a header of words from outside."""
    return HeaderBlock(text=PlainTextObject(text=plain(" ".join(text.split()), MAX_HEADER) or "-", emoji=False))


def as_json(blocks: Iterable[Block]) -> list[Json]:
    """Give blocks as Slack takes them, checked by the SDK's own validators."""
    return [block.to_dict() for block in blocks]


def size(blocks: Sequence[Json]) -> int:
    """Give the length of `blocks` as JSON, in characters."""
    return len(orjson.dumps(blocks).decode())


# --- pages ----------------------------------------------------------------------------------------------------------


def draw_page(page: Page) -> Drawn:
    """Give the root message of an incident."""
    headline = led(f"{PREFIX[page.tone]} ", page.headline)
    called = mentions(page.mention)
    text = f"{one_line(headline, 300)} {called}".rstrip()
    return Drawn(text=text, blocks=_page_blocks(page, headline, called), bare=_bare_page(page, text))


def _page_blocks(page: Page, headline: str, called: str) -> list[Json]:
    """Give the blocks with as many signals as fit; the parts around them always do."""
    head = as_json([header(headline), *([section(called)] if called else [])])
    words = [*_lines(page.changes), *_lines(page.notes), *_status(page.status)]
    tail = as_json([*words, *button_rows(page.actions), *_footer(page.footer)])
    rows = as_json(section(_row(why)) for why in page.why[:MAX_ROWS])
    while rows and size([*head, *rows, *tail]) > MAX_ALL - MORE:
        rows.pop()
    left = page.more + len(page.why) - len(rows)
    more = as_json([section(f"…and {left} more")]) if left > 0 else []
    return [*head, *rows, *more, *tail]


def _footer(words: str) -> list[Block]:
    """Give the small line at the end, or nothing."""
    return [context(escaped(words, 500))] if words.strip() else []


def _row(why: Why) -> str:
    """Give one signal: its words in bold, its numbers, since when, where to look."""
    mark = "✅" if why.resolved_at else TIER_MARK.get(why.tier, "•")
    since = f"{why.begun} {when(why.since)}"
    until = f"clear since {when(why.resolved_at)}" if why.resolved_at else ""
    links = [link(label, url) for label, url in why.links[:2]]
    lines = [
        f"{mark} {bold(why.text, 400) or '-'}",
        escaped(" ".join(why.numbers.split()), 300),
        " · ".join(part for part in (since, until, *links) if part),
    ]
    return "\n".join(line for line in lines if line)


def _status(lines: Iterable[str]) -> list[Block]:
    """Give the lines of the state, what is next in bold."""
    text = escaped("\n".join(line for line in lines if line.strip()), MAX_PART)
    return [section(_NEXT.sub(r"*\1*", linked(text)))] if text else []


def _lines(lines: Iterable[str]) -> list[Block]:
    """Give plain lines as one section, or nothing."""
    text = escaped("\n".join(line for line in lines if line.strip()), MAX_PART)
    return [section(linked(text))] if text else []


def _bare_page(page: Page, text: str) -> str:
    """Give the page as one text without buttons; the footer says how to acknowledge without them."""
    rows = [
        f"• {one_line(one.text, 200)} ({one_line(one.numbers, 100)}) {one.begun} {when(one.since)}"
        for one in page.why[:5]
    ]
    more = page.more + len(page.why) - len(rows)
    rows += [f"…and {more} more"] if more > 0 else []
    nexts = [line for line in page.status[3:] if _NEXT.match(line)]
    rest = (*page.changes[:4], *page.notes[:3], *page.status[:3], *nexts, page.footer)
    words = [one_line(line, 200) for line in rest if line.strip()]
    return "\n".join([text, *rows, *words])


# --- lines ----------------------------------------------------------------------------------------------------------


def draw_line(said: str, mention: Sequence[str] = (), actions: Sequence[Action] = (), home: str = "") -> Drawn:
    """Give a line of the thread: its words, where the page stands (a channel), whom it calls; then its buttons.

    One text needs no blocks.
    """
    place = f"The page and its thread stand in {channel(home)}." if home else ""
    limit = MAX_PART if actions or home else MAX_TEXT
    text = " ".join(part for part in (linked(escaped(said, limit)) or "-", place, mentions(mention)) if part)
    blocks = as_json([section(text), *button_rows(actions)]) if actions else None
    return Drawn(text=text, blocks=blocks, bare=text)
