"""The console pager.

Prints pages where no Slack is set. People answer from a shell. Knows nothing of incidents' rules.
"""

import io
import shutil
import threading
from typing import TextIO

from rich.console import Console, Group
from rich.panel import Panel
from rich.text import Text

from monitor.core.pages.page import Card, Page, Tone
from monitor.core.words import clock, plain
from monitor.ports.pager import Delivery, Message, Rejected, Sent
from monitor.ports.store import FILES, PostKind

COLOURS = {
    Tone.ROLLBACK: "bold red",
    Tone.PREPARE: "bold dark_orange",
    Tone.BLIND: "bold white",
    Tone.IN_PROCEDURE: "bold blue",
    Tone.VERIFYING: "bold blue",
    Tone.RECOVERED: "bold green",
    Tone.ENDED: "green",
}
WIDEST = 110


class ConsolePager:
    """Prints each page once, whole; what changes on it later is told in lines. Thread-safe."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._drawn = io.StringIO()
        width = min(WIDEST, shutil.get_terminal_size((100, 24)).columns)
        self._console = Console(file=self._drawn, width=width, highlight=False, force_terminal=stream.isatty() or None)
        self._lock = threading.Lock()
        self._told: dict[str, tuple[str, ...]] = {}
        self._cards: dict[str, str] = {}

    def deliver(self, message: Message) -> Delivery:
        """Print the message; a closed terminal is a rejection, never an exception."""
        if message.post.kind in FILES:
            return Rejected("a terminal shows no files")
        try:
            with self._lock:
                self._write(message)
        except (OSError, ValueError) as error:
            return Rejected(f"the terminal cannot be written to ({error})")
        return Sent(message.post.ts or message.post.key)

    def _write(self, message: Message) -> None:
        """Draw first and write then: where the reader has gone away, the library would end the thread."""
        self._print(message)
        drawn, encoding = self._drawn.getvalue(), self._stream.encoding or "utf-8"
        self._drawn.seek(0)
        self._drawn.truncate()
        self._stream.write(drawn.encode(encoding, "replace").decode(encoding))
        self._stream.flush()
        if message.page is not None:
            self._told[message.page.incident] = (*message.page.changes, *message.page.status)

    def _print(self, message: Message) -> None:
        if message.page is not None:
            self._page(message.page, new=message.post.ts is None)
        elif message.card is not None:
            self._card(message.card)
        elif message.post.kind is not PostKind.CARD:
            about = f"{message.post.incident}  " if message.post.incident else ""
            self._console.print(_text(f"{about}{message.post.said}", "bold"))

    def _page(self, page: Page, *, new: bool) -> None:
        before = self._told.get(page.incident, ())
        if new:
            self._console.print(_panel(page))
            return
        for line in (*page.changes, *page.status):
            if line not in before:
                self._console.print(_text(f"{page.incident}  {line}"))

    def _card(self, card: Card) -> None:
        """Print it when somebody else or something else is next: a terminal edits nothing."""
        if self._cards.get(card.incident) != card.next_for:
            self._cards[card.incident] = card.next_for
            self._console.print(_card(card))


def _text(words: str, style: str = "") -> Text:
    return Text(plain(words), style)


def _panel(page: Page) -> Panel:
    colour = COLOURS[page.tone]
    lines = [_text(page.headline, colour), Text("")]
    for why in page.why:
        since = f", {why.begun} {clock(why.since)}"
        lines.append(Text.assemble("• ", (plain(why.text), "bold"), since))
        lines += [_text(f"  {why.numbers}", "dim")] if why.numbers else []
        lines += [_text(f"  {name}: {url}", "dim") for name, url in why.links]
    if page.more:
        lines.append(Text(f"• and {page.more} more"))
    lines += [_text(change) for change in page.changes]
    lines += [_text(note, "bold") for note in page.notes]
    lines += [Text(""), *(_text(line) for line in page.status)]
    return _framed(lines, colour, page.incident, page.footer)


def _card(card: Card) -> Panel:
    lines = [_text(card.next_for, "bold"), *(_text(line) for line in card.status), Text("")]
    for step in card.steps:
        lines.append(_text(f"{step.number}. {step.title}", "bold" if step.current else ""))
        if step.current:
            lines += [_text(f"   {line}") for line in step.text.splitlines()]
            lines += [_text(f"   ☐ {task}") for task in step.tasks]
            lines += [_text(f"   ☐ note: {field}") for field in step.collected]
            lines += [_text(f"   {one.text}") for one in (*step.targets, *step.waves, *step.choices, *step.checks)]
            lines += [_text(f"   $ {command.run}", "cyan") for command in step.commands]
    return _framed(lines, "blue", f"{card.incident} · {card.title}")


def _framed(lines: list[Text], colour: str, title: str, footer: str = "") -> Panel:
    subtitle = _text(footer) if footer else None
    return Panel(Group(*lines), border_style=colour, title=_text(title), title_align="left", subtitle=subtitle)
