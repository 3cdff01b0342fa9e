"""The procedure card as Slack shows it: what is next on top, the current step open, the others a line each. Pure.

Commands stand in preformatted rich text, where nothing is parsed: what is copied is what was written.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, takewhile

from slack_sdk.models.blocks import (
    Block,
    RichTextBlock,
    RichTextElement,
    RichTextElementParts,
    RichTextPreformattedElement,
    RichTextSectionElement,
)

from monitor.adapters.slack.blocks import MAX_ALL, Drawn, Json, as_json, context, header, section, size
from monitor.adapters.slack.buttons import WIDE, Room, button_rows
from monitor.adapters.slack.mrkdwn import authored, escaped, literal, one_line
from monitor.core.naming import led
from monitor.core.pages.page import Card, CardCommand, CardLine, CardStep, Mark

MAX_COMMAND = 2_000
MARKS = {
    Mark.OPEN: "⬜",
    Mark.NEXT: "▶️",
    Mark.WAITING: "⏳",
    Mark.DONE: "✅",
    Mark.FAILED: "❌",
    Mark.SKIPPED: "⏭️",
}
"""How a step or a line stands."""


@dataclass(frozen=True, slots=True)
class Cut:
    """How much of a card is shown: characters a part, lines a list, services with commands, and buttons."""

    words: int
    lines: int
    services: int
    room: Room


CUTS = (
    Cut(1_400, 20, 12, WIDE),
    Cut(500, 12, 5, WIDE),
    Cut(250, 6, 1, Room(5, 2)),
    Cut(100, 3, 0, Room(2, 1)),
)
"""Tried in this order until a card fits; a card of the shipped procedure fits the first."""


def draw_card(card: Card) -> Drawn:
    """Give the card of a started procedure."""
    text = one_line(led(f"📋 {card.incident} ", card.title), 220)
    text = f"{text}. Next: {one_line(card.next_for, 300)}" if card.next_for.strip() else text
    return Drawn(text=text, blocks=_card_blocks(card), bare=_bare_card(card, text))


def _card_blocks(card: Card) -> list[Json]:
    """Give the blocks with as much of the card as fits."""
    blocks: list[Json] = []
    for cut in CUTS:
        blocks = as_json(_layout(card, cut))
        if size(blocks) <= MAX_ALL:
            return blocks
    return blocks


def _layout(card: Card, cut: Cut) -> list[Block]:
    """Give the card from top to bottom."""
    before = list(takewhile(lambda step: not step.current, card.steps))
    after = card.steps[len(before) :]
    blocks: list[Block] = [header(led("📋 ", card.title))]
    blocks += [section(f"*Next for you:* {one_line(card.next_for, cut.words)}")] if card.next_for.strip() else []
    status = escaped("\n".join(line for line in card.status if line.strip()), cut.words)
    blocks += [context(status)] if status else []
    blocks += _closed(before, cut)
    for step in after[:1]:
        blocks += _open(step, card, cut)
    blocks += _closed(after[1:], cut)
    blocks += [] if after else _compared(card, cut)
    return [*blocks, *button_rows(card.actions, cut.room)]


def _closed(steps: Sequence[CardStep], cut: Cut) -> list[Block]:
    """Give steps that are not open, one line each."""
    each = max(40, min(200, cut.words // max(1, len(steps))))
    lines = [_headed(step, each) for step in steps]
    text = _whole(lines, cut.words)
    return [section(text)] if text else []


def _headed(step: CardStep, limit: int) -> str:
    title = authored(" ".join(step.title.split()), limit)
    state = f", {one_line(step.state, limit)}" if step.state.strip() else ""
    return f"{MARKS[step.mark]} {step.number}. {title}{state}"


def _open(step: CardStep, card: Card, cut: Cut) -> list[Block]:
    """Give the current step: its words, what to do, the commands to copy, what to decide and check, its buttons."""
    head = f"{MARKS[step.mark]} *{step.number}. {authored(' '.join(step.title.split()), 200)}*"
    body = authored(_flowing(step.text), cut.words)
    tasks = [f"• {authored(' '.join(task.split()), 300)}" for task in step.tasks if task.strip()]
    blocks: list[Block] = [section(f"{head}\n{body}" if body else head)]
    blocks += _list("", tasks, cut)
    blocks += _marked("*Goes back to*", step.targets, cut)
    blocks += _marked("*In this order*", step.waves, cut)
    blocks += _commands(step.commands, cut)
    blocks += _marked("*Decide*", step.choices, cut)
    blocks += _marked("*Checks*", step.checks, cut)
    blocks += _compared(card, cut)
    blocks += _list("*Written down*", [f"• {one_line(one, 300)}" for one in step.collected if one.strip()], cut)
    return [*blocks, *button_rows(step.actions, cut.room)]


def _flowing(text: str) -> str:
    """Give a text whose lines the reader's screen breaks: the file was folded for its author, bold for Slack is not."""
    paragraphs = re.split(r"\n\s*\n|\n(?=\s*(?:[-•>]|\d+[.)]\s|```))", text.strip())
    return "\n".join(" ".join(one.split()) for one in paragraphs)


def _marked(title: str, lines: Iterable[CardLine], cut: Cut) -> list[Block]:
    return _list(title, [f"{MARKS[one.mark]} {one_line(one.text, 300)}" for one in lines if one.text.strip()], cut)


def _list(title: str, lines: Sequence[str], cut: Cut) -> list[Block]:
    """Give a list with its title as one section, or nothing; what is left out is counted."""
    shown = list(lines[: cut.lines])
    left = len(lines) - len(shown)
    text = _whole([*([title] if title and lines else []), *shown], cut.words)
    text += f"\n…and {left} more" if left > 0 else ""
    return [section(text)] if text else []


def _whole(lines: Sequence[str], limit: int) -> str:
    """Give whole lines as far as they fit, at least the start of the first; nothing that is escaped is cut apart."""
    kept: list[str] = []
    used = 0
    for line in lines:
        used += len(line) + 1
        if used > max(limit, 350) and kept:
            kept.append("…")
            break
        kept.append(line)
    return "\n".join(kept)


def _compared(card: Card, cut: Cut) -> list[Block]:
    """Give the signals before and after, a line each: a table is too wide for a phone."""
    rows = [
        f"{one_line(what, 100)}: {one_line(before, 40)} → *{one_line(now, 40)}*" for what, before, now in card.compared
    ]
    return _list("*When it fired → now*", rows, cut)


def _commands(commands: Sequence[CardCommand], cut: Cut) -> list[Block]:
    """Give the commands to copy: one code block a service."""
    groups = [(service, list(found)) for service, found in groupby(_by_service(commands), lambda one: one.service)]
    blocks: list[Block] = []
    for service, found in groups[: cut.services]:
        lines = "\n".join(run for one in found if (run := one.run.strip()))
        parts: list[RichTextElement] = []
        if service:
            label = RichTextElementParts.Text(text=literal(service, 100), style={"bold": True})
            parts.append(RichTextSectionElement(elements=[label]))
        if lines:
            code = RichTextElementParts.Text(text=literal(lines, MAX_COMMAND))
            parts.append(RichTextPreformattedElement(elements=[code]))
        blocks += [RichTextBlock(elements=parts)] if parts else []
        blocks += [context(f"⚠️ {one_line(why, 300)}") for why in dict.fromkeys(one.problem for one in found) if why]
    left = len(groups) - cut.services
    more = f"…and {left} more services: their commands come up as these reach their targets"
    return [*blocks, context(more)] if left > 0 else blocks


def _by_service(commands: Sequence[CardCommand]) -> list[CardCommand]:
    """Give the commands with those of one service together, in the order in which services come first."""
    order = {name: place for place, name in enumerate(dict.fromkeys(one.service for one in commands))}
    return sorted(commands, key=lambda one: order[one.service])


def _bare_card(card: Card, text: str) -> str:
    """Give the card as one text."""
    return "\n".join([text, *(_headed(step, 150) for step in card.steps[:15])])
