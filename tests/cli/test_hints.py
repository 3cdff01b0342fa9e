"""Every command that the core names to people is one that exists, in every state in which it is named."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import click
import pytest
import typer

from monitor.cli.main import app
from monitor.cli.stepwords import step_words
from monitor.core.actor import MONITOR
from monitor.core.incidents.asks import Abort, Choose, DealWith, FinishStep, ForceEnd, Pin, TakeCommand
from monitor.core.incidents.events import Acknowledged, Asked, Ended, EndReason
from monitor.core.incidents.incident import fold
from monitor.core.incidents.response import follow
from monitor.core.incidents.routes import Audience
from monitor.core.pages.actions import everything
from monitor.core.pages.card import card
from monitor.core.pages.page import ActionKind, Scene
from monitor.core.pages.paging import owed
from monitor.core.pages.render import render
from monitor.core.pages.shell import DRILLS, PROGRAM, SPELLINGS, About, typed, typed_action
from monitor.core.procedures.verification import Outcome
from monitor.core.rules.routing import Route
from tests.core.procedural import ANA, AUTH, BEN, WEB, Driven, firing

ROUTE = Route("C0OPS", responders=("S0ONCALL",), approvers=("S0DBA",))
CORE = Path(__file__).parents[2] / "monitor" / "core"
HINT = re.compile(re.escape(PROGRAM) + r'(?: (?:"…"|--?[a-z-]+|[A-Za-z0-9][\w=./-]*))+')


def understood(line: str) -> tuple[str, ...]:
    """Let the command line read a hint, filled in; give the words of its command. Raises click.UsageError."""
    words = shlex.split(line.partition(" (or ")[0].replace("…", "because"))
    assert " ".join(words[:2]) in {PROGRAM, DRILLS}
    group = typer.main.get_command(app)
    assert isinstance(group, click.Group | typer.core.TyperGroup)
    command = group.commands[words[1]].commands[words[2]]  # type: ignore[attr-defined]  # it is a group
    read = command.make_context(words[2], words[3:]).params
    if words[2] == "step":
        step_words(read["what"], read["words"] or [], read["reason"])
    return tuple(words[2:])


def test_every_action_is_spelt() -> None:
    assert set(SPELLINGS) == set(ActionKind)


ABOUT = {About.INCIDENT: "", About.ALERT: "0", About.STEP: "flags", About.SERVICE: "auth", About.CHECK: "preflight"}


@pytest.mark.parametrize("kind", ActionKind)
def test_every_spelling_is_a_command(kind: ActionKind) -> None:
    about = "migrations/none" if kind is ActionKind.CHOOSE else ABOUT[SPELLINGS[kind].about]
    assert "INC-0001" in understood(typed(kind, "INC-0001", about))


def test_what_a_shell_would_take_apart_is_quoted() -> None:
    line = typed(ActionKind.SERVICE_DONE, "INC-0001", "it's $HOME; rm")
    assert understood(line)[-1] == "it's $HOME; rm"


def test_no_command_is_spelt_anywhere_else_in_the_core() -> None:
    of_incidents = [path for path in CORE.rglob("*.py") if path.parent.name != "drill"]
    literal = [path.name for path in of_incidents if PROGRAM in path.read_text()]
    assert literal == ["shell.py"]


def started() -> Driven:
    return Driven(firing("Login"), firing("Pay")).start()


def asked() -> Driven:
    driven = Driven()
    driven.add(Acknowledged(driven.at, ANA), Asked(driven.at, MONITOR))
    return driven


def waiting() -> Driven:
    """A decision that waits for an approver, somebody who wants to command, and one who wants to end it."""
    driven = started()
    for command in (Pin(ANA, (AUTH, WEB)), FinishStep(ANA, "flags"), Choose(ANA, "migrations", "revert")):
        assert driven.do(command) == ""
    assert driven.do(TakeCommand(BEN)) == ""
    assert driven.do(ForceEnd(ANA, "enough")) == ""
    return driven


def ended(reason: EndReason) -> Driven:
    driven = started()
    driven.add(Ended(driven.at, ANA, reason))
    return driven


def given_up() -> Driven:
    driven = started()
    assert driven.do(Abort(ANA, "a flag was it")) == ""
    return driven


STATES: dict[str, Callable[[], Driven]] = {
    "opened": Driven,
    "blind": lambda: Driven(blind=True),
    "asked": asked,
    "started": started,
    "pinned": lambda: _with(started(), Pin(ANA, (AUTH, WEB))),
    "waiting": waiting,
    "not run": lambda: waiting().checked(signals=Outcome.PASSED, preflight=Outcome.NOT_RUN),
    "given up": given_up,
    "ended": lambda: ended(EndReason.BY_PERSON),
    "by itself": lambda: ended(EndReason.BY_ITSELF),
}


def _with(driven: Driven, command: Pin | DealWith) -> Driven:
    assert driven.do(command) == ""
    return driven


@pytest.mark.parametrize("state", STATES)
def test_every_button_has_its_command_and_begins_as_it_is_spelt(state: str) -> None:
    found = everything(STATES[state]().incident)
    assert found
    for action in found:
        line = typed_action(action)
        assert "INC-0001" in understood(line), line
        button = SPELLINGS[action.kind].button
        assert action.label.startswith(button) or action.kind is ActionKind.FORCE_END, action


@pytest.mark.parametrize("state", STATES)
def test_every_hint_on_a_page_a_card_and_in_the_thread_is_a_command(state: str) -> None:
    driven = STATES[state]()
    scene = Scene(driven.incident, driven.at, {}, buttons=False)
    told = [repr(render(scene)), repr(card(scene))]
    for number in range(1, len(driven.events)):
        response = follow(fold("INC-0001", driven.events[:number]), tuple(driven.events[number:]))
        told.append(repr(owed(response, [Audience(ROUTE)])))
    hints = {hint for text in told for hint in HINT.findall(text)}
    assert hints
    for hint in hints:
        understood(hint)
