"""An explanation on a terminal, wrapped to its width; commands to copy are never wrapped."""

import re
import shutil
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TextIO

from rich.console import Console
from rich.text import Text

from monitor.core.explanation.explainedfacts import changes, facts, lately
from monitor.core.explanation.explainedwords import in_a_line, named, reading, why
from monitor.core.explanation.explaining import Explanation
from monitor.core.model import State, utc
from monitor.core.rules.changewords import duration
from monitor.core.words import CONTROL, plain
from monitor.workbench.curl import Door, curl
from monitor.workbench.explain import Explained

WIDEST, LEAST = 100, 40
IN_FULL = 3
"""Alerts of one rule that are told in full; the others in a line."""
LABEL = 14
_JOINED = "\N{NO-BREAK SPACE}"
_UNITS = re.compile(r"(?<=\d) (?=(%|ms|s|UTC)(?!\w))")
"""A number and its unit stay on one line."""
STYLES = {State.FIRING: "bold red", State.RECOVERING: "bold yellow", State.PENDING: "bold yellow"}


@dataclass(slots=True)
class Page:
    """Lines with a style each, wrapped to `width`."""

    width: int = 0
    lines: list[Text] = field(default_factory=list)

    def __post_init__(self) -> None:
        columns = self.width or shutil.get_terminal_size((80, 24)).columns
        self.width = max(LEAST, min(WIDEST, columns))

    def write(self, stream: TextIO) -> None:
        """Print it."""
        console = Console(file=stream, highlight=False, soft_wrap=True, force_terminal=stream.isatty() or None)
        for line in self.lines:
            console.print(line, soft_wrap=True)

    def line(self, text: str = "", style: str = "") -> None:
        """Add a line as it is, without what would move the cursor."""
        self.lines.append(Text(CONTROL.sub("\N{REPLACEMENT CHARACTER}", text), style=style))

    def prose(self, text: str, indent: str = "  ", first: str = "") -> None:
        """Add a sentence, wrapped."""
        wrapped = textwrap.wrap(
            _UNITS.sub(_JOINED, plain(text)),
            self.width,
            initial_indent=first or indent,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for line in wrapped:
            self.line(line.replace(_JOINED, " "))

    def pairs(self, pairs: Iterable[tuple[str, str]], label: int = LABEL) -> None:
        """Add texts beside their labels."""
        for name, text in pairs:
            self.prose(text, " " * (label + 2), f"  {name:<{label}}")


def explained_page(one: Explained, door: Door) -> Page:
    """Give one rule explained."""
    page = Page()
    page.line(f"{one.rule.alert} at {utc(one.at):%Y-%m-%d %H:%M:%S} UTC", "bold")
    page.prose(f"group {one.group.name}, evaluated every {duration(one.group.interval)}; {one.rule.place}")
    for remark in one.remarks:
        page.prose(f"Note: {remark}.")
    if one.trouble:
        page.prose(f"{one.trouble[:1].upper()}{one.trouble[1:]}.")
    for alert in one.alerts[:IN_FULL]:
        _alert(page, alert)
    if one.alerts[IN_FULL:]:
        page.line()
        page.line(f"{len(one.alerts) - IN_FULL} more; --labels and --tier choose", "bold")
        _rows(page, one.alerts[IN_FULL:])
    _queries(page, one, door)
    return page


def _alert(page: Page, one: Explanation) -> None:
    state = "state unknown" if one.standing.unknown else str(one.standing.state).upper()
    page.line()
    page.line(
        f"{plain(named(one.subject.key))}  {one.subject.key.tier}  {state}", STYLES.get(one.standing.state, "bold")
    )
    page.prose(reading(one))
    page.prose(why(one))
    page.line()
    page.pairs(facts(one))
    if needed := changes(one):
        page.line()
        page.line("  What would have to change, one thing at a time", "bold")
        for sentence in needed:
            page.prose(sentence, "    ", "  - ")
    if spans := lately(one):
        page.line()
        page.line("  Verdicts until then (UTC)", "bold")
        page.pairs(spans, label=len("00:00:00-00:00:00") + 2)


def _queries(page: Page, one: Explained, door: Door) -> None:
    if not one.questions:
        return
    page.line()
    page.line("Queries, to copy", "bold")
    for question in one.questions:
        page.line(f"  # {question.name}")
        for line in curl(door, question).splitlines():
            page.line(line)


# --- everything -------------------------------------------------------------------------------------------------------


def everything_page(found: Sequence[Explained]) -> Page:
    """Give a table of every alert, the gravest first, and what was not judged."""
    page = Page()
    alerts = sorted((alert for one in found for alert in one.alerts), key=_gravity)
    _rows(page, alerts)
    for one in (one for one in found if one.trouble):
        page.line(plain(f"{'-':<11}{one.rule.alert}"))
        page.prose(one.trouble, " " * 11)
    return page


def _gravity(one: Explanation) -> int:
    return [State.FIRING, State.RECOVERING, State.PENDING, State.INACTIVE].index(one.standing.state)


def _rows(page: Page, alerts: Sequence[Explanation]) -> None:
    names = [plain(named(one.subject.key)) for one in alerts]
    wide = min(max(map(len, names), default=0), page.width - 11 - 10)
    for one, name in zip(alerts, names, strict=True):
        state = "unknown" if one.standing.unknown else str(one.standing.state)
        page.line(f"{state:<11}{name:<{wide}}  {one.subject.key.tier}", STYLES.get(one.standing.state, ""))
        page.prose(in_a_line(one), " " * 11)
