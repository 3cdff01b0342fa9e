"""The console pager: what people read where no Slack is set. The golden text is the page as a terminal shows it."""

import io
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.adapters.console import ConsolePager
from monitor.core.pages.page import Card, CardCommand, CardStep, Page, Tone, Why
from monitor.ports.pager import Message, Pager, Rejected, Sent
from monitor.ports.store import Post, PostKind

AT = datetime(2026, 3, 1, 3, 2, 11, tzinfo=UTC)
WHY = Why("login: 62 % of logins fail", "310 requests; pages over 25 %", AT, "rollback", (("graph", "https://g/d/1"),))
PAGE = Page(
    "INC-0001",
    Tone.ROLLBACK,
    "ROLLBACK NOW production: login: 62 % of logins fail since 03:02 UTC",
    (WHY, replace(WHY, text="sessions: 3 % fail", numbers="", links=(), since=AT + timedelta(minutes=2))),
    more=3,
    notes=("BLIND since 03:00 UTC: billing is unseen",),
    status=("Nobody has acknowledged this.", "Next: whoever reads this: Acknowledge."),
    footer="INC-0001 · from a shell: rollback-monitor incident ack INC-0001",
    mention=("S0ONCALL",),
)
STEP = CardStep(
    1,
    "Declare incident mode",
    current=True,
    text="Say it.\nFreeze.",
    tasks=("commander",),
    collected=("who",),
    commands=(CardCommand("kubectl get x"),),
)
CARD = Card("INC-0001", "Roll back", "ana: declare", ("Commander: ana.",), (STEP, CardStep(2, "Pin", text="hidden")))


@pytest.fixture
def terminal() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def pager(terminal: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> Pager:
    monkeypatch.setenv("COLUMNS", "80")
    return ConsolePager(terminal)


def message(kind: PostKind = PostKind.ROOT, *, ts: str | None = None, said: str = "", n: int = 0) -> Message:
    post = Post("INC-0001", "console", kind, n, "raised", AT, said=said, ts=ts)
    page = PAGE if kind is PostKind.ROOT else None
    return Message(post, page, CARD if kind is PostKind.CARD else None, None if page else "root")


def new(terminal: io.StringIO) -> list[str]:
    """What was printed since this was last asked: its lines without their ends and the frame."""
    lines = [re.sub(r"[\s─╭╮╰╯│]+$", "", re.sub(r"^│ ", "", line)) for line in terminal.getvalue().splitlines()]
    terminal.seek(0)
    terminal.truncate()
    return [line for line in lines if line]


def test_a_page_is_printed_whole(pager: Pager, terminal: io.StringIO) -> None:
    assert pager.deliver(message()) == Sent("INC-0001/console/root/0")
    assert new(terminal) == [
        "╭─ INC-0001",
        "ROLLBACK NOW production: login: 62 % of logins fail since 03:02 UTC",
        "• login: 62 % of logins fail, since 03:02 UTC",
        "  310 requests; pages over 25 %",
        "  graph: https://g/d/1",
        "• sessions: 3 % fail, since 03:04 UTC",
        "• and 3 more",
        "BLIND since 03:00 UTC: billing is unseen",
        "Nobody has acknowledged this.",
        "Next: whoever reads this: Acknowledge.",
        "╰────── INC-0001 · from a shell: rollback-monitor incident ack INC-0001",
    ]


def test_an_edit_tells_only_what_changed_and_keeps_the_name_of_the_message(pager: Pager, terminal: io.StringIO) -> None:
    pager.deliver(message())
    new(terminal)
    edit = message(ts="the-name")
    acknowledged = replace(PAGE, status=("Acknowledged by ana at 03:04 UTC.", PAGE.status[1]))
    assert pager.deliver(edit) == Sent("the-name")
    assert new(terminal) == [], "nothing changed"
    pager.deliver(replace(edit, page=acknowledged))
    assert new(terminal) == ["INC-0001  Acknowledged by ana at 03:04 UTC."]
    pager.deliver(replace(edit, page=acknowledged))
    assert new(terminal) == []


def test_after_a_restart_an_edit_tells_where_things_stand(pager: Pager, terminal: io.StringIO) -> None:
    pager.deliver(message(ts="of-before"))
    assert new(terminal) == [f"INC-0001  {line}" for line in PAGE.status]


@pytest.mark.parametrize("kind", [PostKind.LINE, PostKind.BROADCAST])
def test_a_line_names_its_incident(pager: Pager, terminal: io.StringIO, kind: PostKind) -> None:
    assert pager.deliver(message(kind, said="Recovered 03:11 UTC.", n=7)) == Sent(f"INC-0001/console/{kind}/7")
    assert new(terminal) == ["INC-0001  Recovered 03:11 UTC."]


def test_a_card_shows_its_open_step_in_full_and_names_the_others(pager: Pager, terminal: io.StringIO) -> None:
    assert isinstance(pager.deliver(message(PostKind.CARD)), Sent)
    assert new(terminal) == [
        "╭─ INC-0001 · Roll back",
        "ana: declare",
        "Commander: ana.",
        "1. Declare incident mode",
        "   Say it.",
        "   Freeze.",
        "   ☐ commander",
        "   ☐ note: who",
        "   $ kubectl get x",
        "2. Pin",
    ]


def test_a_card_whose_procedure_is_gone_prints_nothing(pager: Pager, terminal: io.StringIO) -> None:
    assert isinstance(pager.deliver(replace(message(PostKind.CARD), card=None)), Sent)
    assert new(terminal) == []


def test_words_are_no_markup(pager: Pager, terminal: io.StringIO) -> None:
    pager.deliver(message(PostKind.LINE, said="[bold]login[/bold] [/] :boom: [link=file:///etc]x"))
    assert new(terminal) == ["INC-0001  [bold]login[/bold] [/] :boom: [link=file:///etc]x"]


HOSTILE = "log\x1b]0;owned\x07in\x1b[2J\x9b2J\u202e\r\x00"
PLAIN = "log�]0;owned�in�[2J�2J���"


@pytest.mark.parametrize(
    "sent",
    [
        message(PostKind.LINE, said=HOSTILE),
        replace(message(), page=replace(PAGE, headline=HOSTILE)),
        replace(message(), page=replace(PAGE, why=(replace(WHY, text=HOSTILE),))),
        replace(message(), page=replace(PAGE, why=(replace(WHY, links=((HOSTILE, "x"),)),))),
        replace(message(ts="1"), page=replace(PAGE, status=(HOSTILE,))),
        replace(message(PostKind.CARD), card=replace(CARD, next_for=HOSTILE)),
    ],
    ids=["a line", "a headline", "a signal", "a link", "a status", "a card"],
)
def test_a_label_cannot_write_to_the_terminal(pager: Pager, terminal: io.StringIO, sent: Message) -> None:
    """Labels and answers come from whoever is scraped."""
    pager.deliver(sent)
    printed = terminal.getvalue()
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", printed)
    assert PLAIN in printed


def test_a_narrow_terminal_wraps_and_loses_no_word(terminal: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    ConsolePager(terminal).deliver(message())
    lines = terminal.getvalue().splitlines()
    assert {len(line) for line in lines} == {30}
    shown = " ".join(line.strip("│ ") for line in lines).split()
    assert set(PAGE.headline.split()) <= set(shown)


class Terminal(io.StringIO):
    """A terminal that breaks with `error` while it is set."""

    error: Exception | None = None

    def write(self, text: str) -> int:
        if self.error is not None:
            raise self.error
        return super().write(text)


BREAKS = [BrokenPipeError(32, "Broken pipe"), ValueError("I/O operation on closed file")]


@pytest.mark.parametrize("error", BREAKS, ids=lambda error: type(error).__name__)
def test_a_terminal_that_is_gone_is_a_rejection_and_ends_nothing(error: Exception) -> None:
    """Not even the thread, which is what the library does over a broken pipe."""
    terminal = Terminal()
    pager = ConsolePager(terminal)
    terminal.error = error
    for _ in range(2):
        assert pager.deliver(message()) == Rejected(f"the terminal cannot be written to ({error})")
    terminal.error = None
    assert isinstance(pager.deliver(message(ts="the-name")), Sent)
    assert new(terminal) == [f"INC-0001  {line}" for line in PAGE.status], "what nobody has read is not old news"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_that_cannot_show_a_letter_shows_the_rest(encoding: str) -> None:
    raw = io.BytesIO()
    terminal = io.TextIOWrapper(raw, encoding=encoding)
    assert isinstance(ConsolePager(terminal).deliver(message(PostKind.LINE, said="🔴 login … 62 %")), Sent)
    terminal.flush()
    assert raw.getvalue() == b"INC-0001  ? login ? 62 %\n"


def test_an_escalation_and_a_question_are_told_with_the_way_to_answer(pager: Pager, terminal: io.StringIO) -> None:
    assert isinstance(pager.deliver(message(PostKind.ESCALATION, said="Nobody has acknowledged INC-0001.")), Sent)
    assert new(terminal) == ["INC-0001  Nobody has acknowledged INC-0001."]
    asked = message(PostKind.LINE, said="Ana, are you still on it? rollback-monitor incident still-on-it INC-0001", n=3)
    assert isinstance(pager.deliver(asked), Sent)
    assert " ".join(new(terminal)).endswith("rollback-monitor incident still-on-it INC-0001")
