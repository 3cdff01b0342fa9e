"""The console pager.

Prints pages where no Slack is set. People answer from a shell. Knows nothing of incidents' rules.
"""

import shutil
import threading
from typing import TextIO

from rich.console import Console, Group
from rich.panel import Panel
from rich.text import Text

from monitor.core.page import Card, Page, Tone
from monitor.core.words import clock
from monitor.ports import Delivery, Message, PostKind, Rejected, Sent

COLOURS = {
    Tone.ROLLBACK: "bold red",
    Tone.PREPARE: "bold dark_orange",
    Tone.BLIND: "bold white",
    Tone.IN_PROCEDURE: "bold blue",
    Tone.RECOVERED: "bold green",
    Tone.ENDED: "green",
}
WIDEST = 110


class ConsolePager:
    """Prints each page once, whole; what changes on it later is told in a line. Thread-safe."""

    def __init__(self, stream: TextIO) -> None:
        width = min(WIDEST, shutil.get_terminal_size((100, 24)).columns)
        self._console = Console(file=stream, width=width, highlight=False, soft_wrap=False)
        self._lock = threading.Lock()
        self._status: dict[str, tuple[str, ...]] = {}

    def deliver(self, message: Message) -> Delivery:
        """Print the message; a closed terminal is a rejection, never an exception."""
        try:
            with self._lock:
                self._print(message)
        except (OSError, ValueError) as error:
            return Rejected(f"the terminal cannot be written to ({error})")
        return Sent(message.post.ts or message.post.key)

    def _print(self, message: Message) -> None:
        if message.page is not None:
            self._page(message.page, new=message.post.ts is None)
        elif message.card is not None:
            self._console.print(_card(message.card))
        elif message.post.kind is not PostKind.CARD:
            about = f"{message.post.incident}  " if message.post.incident else ""
            self._console.print(Text(f"{about}{message.post.said}", style="bold"))

    def _page(self, page: Page, *, new: bool) -> None:
        before = self._status.get(page.incident, ())
        self._status[page.incident] = page.status
        if new:
            self._console.print(_panel(page))
            return
        for line in page.status:
            if line not in before:
                self._console.print(Text(f"{page.incident}  {line}"))


def _panel(page: Page) -> Panel:
    colour = COLOURS[page.tone]
    lines = [Text(page.headline, style=colour), Text("")]
    for why in page.why:
        since = f", since {clock(why.since)}"
        lines.append(Text.assemble("• ", (why.text, "bold"), since))
        lines += [Text(f"  {why.numbers}", style="dim")] if why.numbers else []
        lines += [Text(f"  {name}: {url}", style="dim") for name, url in why.links]
    if page.more:
        lines.append(Text(f"• and {page.more} more"))
    lines += [Text(note, style="bold") for note in page.notes]
    lines += [Text(""), *(Text(line) for line in page.status)]
    return Panel(Group(*lines), border_style=colour, title=page.incident, title_align="left", subtitle=page.footer)


def _card(card: Card) -> Panel:
    lines = [Text(card.next_for, style="bold"), *(Text(line) for line in card.status), Text("")]
    for step in card.steps:
        lines.append(Text(f"{step.number}. {step.title}", style="bold" if step.current else ""))
        if step.current:
            lines += [Text(f"   {line}") for line in step.text.splitlines()]
            lines += [Text(f"   ☐ {task}") for task in step.tasks]
            lines += [Text(f"   ☐ note: {field}") for field in step.collect]
            lines += [Text(f"   $ {command}", style="cyan") for command in step.commands]
    return Panel(Group(*lines), border_style="blue", title=f"{card.incident} · {card.title}", title_align="left")
