"""docs/incidents.md is held to the program: its tables are generated, its commands run, its gate is the real one."""

import json
import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer
from freezegun import freeze_time

from monitor.adapters.memory.world import ManualClock
from monitor.cli.main import app
from monitor.core.incidents.asks import Acknowledge, Choose, FinishStep, Pin
from monitor.core.incidents.events import Ended, EndReason
from monitor.core.incidents.incident import Incident
from monitor.core.model import Tier
from monitor.core.pages.actions import everything
from monitor.core.pages.forms import FORMS, TARGET
from monitor.core.pages.headline import WORDS, tone
from monitor.core.pages.page import OF_DRILLS, ActionKind, Scene
from monitor.core.pages.shell import PROGRAM, SPELLINGS
from monitor.web.shapes import incident_in_full
from tests.cli.folder import Folder
from tests.core.procedural import ANA, AUTH, BEN, Driven, firing

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "incidents.md"


# --- the stages -----------------------------------------------------------------------------------------------------


def _verifying() -> Driven:
    driven = Driven().start()
    for command in (Pin(ANA, (AUTH,)), FinishStep(ANA, "flags"), Choose(ANA, "migrations", "none")):
        driven.do(command)
    return driven.sees("auth", "2.13.4")


def _ended(reason: EndReason) -> Driven:
    driven = Driven().clears() if reason is EndReason.BY_ITSELF else Driven().start().clears()
    driven.add(Ended(driven.at, ANA, reason))
    return driven


def _acknowledged() -> Driven:
    driven = Driven()
    driven.do(Acknowledge(BEN))
    return driven


STAGES: dict[str, Callable[[], Driven]] = {
    "a condition held at *prepare*": lambda: Driven(firing(tier=Tier.PREPARE)),
    "*rollback*": Driven,
    "somebody has it": _acknowledged,
    "a procedure runs": lambda: Driven().start(),
    "everything else is settled": _verifying,
    "all signals are clear, nobody rolled back": lambda: Driven().clears(),
    "ended by a person": lambda: _ended(EndReason.BY_PERSON),
    "ended by itself": lambda: _ended(EndReason.BY_ITSELF),
    "the monitor cannot see": lambda: Driven(firing("Unseen", Tier.BLIND), blind=True),
}


def verb(kind: ActionKind) -> str:
    """The word of a command, as the tables have it."""
    words = SPELLINGS[kind].line.split()
    return f"step … {words[2]}" if words[0] == "step" else words[0]


def stages() -> str:
    """What the page begins with, and what may be done, in each stage."""
    lines = ["| when | the page begins with | what may be done |", "|---|---|---|"]
    for when, driven in STAGES.items():
        incident: Incident = driven().incident
        verbs = ", ".join(f"`{one}`" for one in dict.fromkeys(verb(action.kind) for action in everything(incident)))
        lines.append(f"| {when} | {WORDS[tone(incident)]} | {verbs} |")
    return "\n".join(lines)


# --- the actions ----------------------------------------------------------------------------------------------------


def helps() -> dict[str, str]:
    """What each command says of itself."""
    commands = typer.main.get_command(app).commands["incident"].commands  # type: ignore[attr-defined]  # groups
    found = {name: " ".join((one.help or "").split()) for name, one in commands.items()}
    of_step = re.findall(r"^ *([a-z-]+) (?:\S+ )+ +(.+)$", commands["step"].help, re.MULTILINE)
    return found | {f"step … {name}": f"{what[0].upper()}{what[1:]}." for name, what in of_step}


def words(kind: ActionKind) -> str:
    """The words of a request, those that may be left out in brackets."""
    spelling = SPELLINGS[kind]
    found = [str(spelling.about) if spelling.named else f"[{spelling.about}]"] if spelling.about else []
    form = FORMS.get(kind)
    found += [f"[{ask.name}]" if ask.optional or ask.initial else ask.name for ask in (form.asks if form else ())]
    found += {
        ActionKind.PIN: ["subject: proposed", f"{TARGET}SERVICE"],
        ActionKind.COLLECT: ["the step's fields"],
        ActionKind.CHOOSE: ["choice"],
    }.get(kind, [])
    return ", ".join(found)


def actions() -> str:
    """Every action: its button, its command, its request, and what it does."""
    lines = ["| button | `rollback-monitor incident …` | action and its words | what it does |", "|---|---|---|---|"]
    said = helps()
    for kind, spelling in ((kind, one) for kind, one in SPELLINGS.items() if kind not in OF_DRILLS):
        about = (
            str(spelling.about).upper() if spelling.named else f"[{str(spelling.about).upper() or 'SERVICE=VERSION'}]"
        )
        line = spelling.line.format(id="ID", about=about)
        line = line.replace("choose STEP", "choose STEP ANSWER")
        button = spelling.button or {ActionKind.CHOOSE: "the answer itself"}.get(kind, "*service* is at *version*")
        told = f": {words(kind)}" if words(kind) else ""
        lines.append(f"| {button} | `{line}` | `{kind}`{told} | {said[verb(kind)]} |")
    return "\n".join(lines)


def generated(text: str) -> str:
    """The page with its tables as the program has them."""
    for name, table in (("stages", stages()), ("actions", actions())):
        pattern = rf"(<!-- {name}: .*?-->\n).*?(<!-- {name} end -->)"
        text = re.sub(pattern, lambda found, table=table: f"{found[1]}{table}\n{found[2]}", text, flags=re.DOTALL)  # type: ignore[misc]  # bound at once
    return text


def test_the_tables_are_those_of_the_program() -> None:
    text = PAGE.read_text()
    assert text == generated(text)
    assert all(f"| `{kind}`" in text for kind in ActionKind if kind not in OF_DRILLS)


def test_every_field_of_the_api_stands_in_the_page() -> None:
    section = PAGE.read_text().partition("<!-- fields")[2]
    named = [name for line in section.splitlines() if line.startswith("| `") for name in re.findall(r"`(\w+)`", line)]
    driven = Driven().start()
    scene = Scene(driven.incident, driven.incident.opened_at, {})
    assert sorted(named) == sorted(incident_in_full(scene, driven.events))


# --- its commands ---------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    from monitor.adapters.store import open_store  # noqa: PLC0415  # only here
    from monitor.ports.store import Change, NewEvents  # noqa: PLC0415

    monkeypatch.delenv("MONITOR_DATABASE_URL", raising=False)
    made = Folder(tmp_path)
    shutil.copy(ROOT / "rules" / "procedures" / "rollback.yaml", made.path / "rules" / "procedures")
    store = open_store(made.url)
    store.commit(Change(events=(NewEvents("INC-0001", 0, tuple(Driven().events)),)))
    store.close()
    return made


def commands() -> Iterator[tuple[str, str]]:
    """Each command of the page with what stands behind its #."""
    for block in re.findall(r"^```console\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            command, _, remark = line.partition(" # ")
            yield command.removeprefix("$ "), remark


def test_its_commands_work_in_their_order(folder: Folder) -> None:
    ahead = timedelta()
    for command, remark in commands():
        assert command.startswith(PROGRAM)
        ahead += timedelta(minutes=5) if "five minutes later" in remark else timedelta()
        with freeze_time(datetime.now(UTC) + ahead, tick=True):
            done = folder.run(*shlex.split(command)[1:])
        assert (done.code, done.err[:0]) == (1 if "refused" in remark else 0, ""), (command, done.err)
    assert "root cause: an expired certificate" in folder.run("incident", "show", "INC-0001").out
    assert len(list(commands())) > 10


# --- the gate -------------------------------------------------------------------------------------------------------


def test_the_answers_of_the_gate_are_those_that_its_page_shows() -> None:
    from tests.middle.house import WORST, House, group, rule  # noqa: PLC0415
    from tests.web.test_app import serve  # noqa: PLC0415

    table = (ROOT / "docs" / "deploys.md").read_text()
    shown = {
        int(code): set(re.findall(r'"(\w+)":', body)) for code, body in re.findall(r"\| `(\d+)` `(\{.*?\})`", table)
    }
    house = House(group("logins", rule("Login", rollback=0)))
    assert isinstance(house.clock, ManualClock)
    house.says("Login", WORST)
    house.walk(15)
    for server in serve(house, house.commands):
        path = "/api/v1/deploys?service=auth&version=2.14.1"
        free, opened = server.ask(path, token=None)
        server.ask("/api/v1/incidents/INC-0001/start", {"as": "ana"})
        frozen, refused = server.ask(path, token=None)
        assert (free, frozen) == (200, 423)
        assert shown[200] <= json.loads(opened).keys()
        assert shown[423] <= json.loads(refused).keys()
        assert json.loads(refused)["incident"] == "INC-0001"


if __name__ == "__main__":
    PAGE.write_text(generated(PAGE.read_text()))
