"""The procedure card as Slack shows it: what is next on top, then the steps, as many of them open as fit. Pure.

Commands stand in preformatted rich text, where nothing is parsed: what is copied is what was written.
"""

from collections.abc import Iterable, Sequence
from itertools import takewhile

from slack_sdk.models.blocks import Block, RichTextBlock, RichTextElementParts, RichTextPreformattedElement

from monitor.adapters.slack.blocks import MAX_ALL, Drawn, Json, as_json, context, header, section, size
from monitor.adapters.slack.mrkdwn import authored, escaped, literal, one_line
from monitor.core.page import Card, CardLine, CardStep

MAX_BLOCKS, MAX_LIST = 50, 1_500
MAX_COMMAND = 2_000
MAX_COMMANDS = 20
LISTS = (
    ("tasks", "☐ ", ""),
    ("collected", "✎ ", "*Write down*"),
    ("waves", "→ ", "*In this order*"),
    ("choices", "○ ", "*Decide*"),
    ("checks", "☐ ", "*Check*"),
)


def draw_card(card: Card) -> Drawn:
    """Give the card of a started procedure."""
    text = f"📋 {one_line(f'{card.incident} {card.title}', 200)}"
    text = f"{text}. Next: {one_line(card.next_for, 300)}" if card.next_for.strip() else text
    return Drawn(text=text, blocks=_card_blocks(card), bare=_bare_card(card, text))


def _card_blocks(card: Card) -> list[Json]:
    """Give the blocks with as many steps open and commands as fit; words are cut last, to parts that do."""
    most = min(max((len(step.commands) for step in card.steps), default=0), MAX_COMMANDS)
    steps = len(card.steps)
    plans = (
        *((most, MAX_LIST, opened) for opened in range(steps, 0, -1)),
        (most, 300, 1),
        (most // 2, 300, 1),
        (most // 4, 300, 1),
        (0, 300, 1),
    )
    for commands, words, opened in plans:
        blocks = as_json(_layout(card, commands, words, opened))
        if size(blocks) <= MAX_ALL and len(blocks) <= MAX_BLOCKS:
            return blocks
    return as_json(_layout(card, 0, 100, 1))


def _layout(card: Card, commands: int, words: int, opened: int) -> list[Block]:
    """Give the card from top to bottom: `opened` steps from the current one on with all they hold.

    `commands` commands a step and at most `words` characters a part.
    """
    before = list(takewhile(lambda step: not step.current, card.steps))
    after = card.steps[len(before) :]
    blocks: list[Block] = [header(f"📋 {card.title}")]
    blocks += [section(f"*Next for you:* {one_line(card.next_for, words)}")] if card.next_for.strip() else []
    status = escaped("\n".join(line for line in card.status if line.strip()), words)
    blocks += [context(status)] if status else []
    blocks += _closed(before, words)
    for step in after[:opened]:
        blocks += _open(step, commands, words)
    blocks += _closed(after[opened:], words)
    return blocks


def _closed(steps: Iterable[CardStep], words: int) -> list[Block]:
    """Give steps that are not open, one line each."""
    text = authored("\n".join(f"{step.number}. {' '.join(step.title.split())}" for step in steps), words)
    return [section(text)] if text else []


def _open(step: CardStep, commands: int, words: int) -> list[Block]:
    """Give a step: its words, what to do, the commands to copy, what to decide and check; ▶ marks the current one."""
    head = f"{'▶ ' if step.current else ''}*{step.number}. {authored(' '.join(step.title.split()), 200)}*"
    body = authored(step.text.strip(), words)
    blocks: list[Block] = [section(f"{head}\n{body}" if body else head)]
    for name, mark, title in LISTS[:3]:
        blocks += _list(getattr(step, name), mark, title, words)
    blocks += [_command(one.run) for one in step.commands[:commands] if one.run.strip()]
    left = len(step.commands) - commands
    blocks += [context(f"…and {left} more commands: see the procedure file")] if left > 0 else []
    for name, mark, title in LISTS[3:]:
        blocks += _list(getattr(step, name), mark, title, words)
    return blocks


def _list(items: Sequence[str | CardLine], mark: str, title: str, words: int) -> list[Block]:
    """Give a list with its title as one section, or nothing."""
    texts = [item if isinstance(item, str) else item.text for item in items]
    lines = [mark + " ".join(item.split()) for item in texts if item.strip()]
    text = authored("\n".join([title, *lines] if title else lines), words) if lines else ""
    return [section(text)] if text else []


def _command(run: str) -> Block:
    """Give one command in a code block of its own."""
    words = RichTextElementParts.Text(text=literal(run.strip(), MAX_COMMAND))
    return RichTextBlock(elements=[RichTextPreformattedElement(elements=[words])])


def _bare_card(card: Card, text: str) -> str:
    """Give the card as one text."""
    steps = [f"{'▶ ' if step.current else ''}{step.number}. {authored(step.title, 150)}" for step in card.steps[:15]]
    return "\n".join([text, *steps])
