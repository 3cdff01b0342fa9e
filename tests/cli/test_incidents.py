"""`incident ...` where no daemon runs: on the database itself, through the same code, with the same refusals."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.adapters.store import open_store
from monitor.core.actor import MONITOR
from monitor.core.incidents.events import AlertFired, Ended, EndReason, Event, Firing, Opened
from monitor.core.model import AlertKey, Tier
from monitor.core.rules.rule import Resolve
from monitor.ports.store import Change, NewEvents, Post, PostKind, PostState
from tests.cli.folder import Folder

ROOT = Path(__file__).parents[2]
AT = datetime(2026, 3, 1, 3, 2, 11, tzinfo=UTC)
LOGIN = Firing(
    AlertKey("LoginFailing", (("job", "auth"),), Tier.ROLLBACK), "auth", "login: 62 % fail", AT, AT, why="31 of 50"
)
DATA = Firing(AlertKey("DataAtRisk", (), Tier.ROLLBACK), "billing", "data: at risk", AT, AT, resolve=Resolve.BY_PERSON)


def happened(folder: Folder, number: int, *events: Event) -> None:
    """Write an incident into the folder's database, its page already sent."""
    name = f"INC-{number:04d}"
    root = Post(name, "C0OPS", PostKind.ROOT, 0, "rollback_opens", AT, ts="1.1", sent=1, state=PostState.SENT)
    store = open_store(folder.url)
    store.commit(Change(events=(NewEvents(name, 0, (Opened(AT, MONITOR, "production"), *events)),), posts=(root,)))
    store.close()


@pytest.fixture
def burning(folder: Folder) -> Folder:
    happened(folder, 1, AlertFired(AT, MONITOR, LOGIN), AlertFired(AT, MONITOR, DATA))
    return folder


# --- reading --------------------------------------------------------------------------------------------------------


def test_without_incidents_it_says_so(folder: Folder) -> None:
    said = folder.run("incident", "list")
    assert (said.code, said.out, said.err) == (0, "No incidents.\n", "")


def test_the_list_is_a_line_each_newest_first(burning: Folder) -> None:
    ended = Ended(AT + timedelta(hours=1), MONITOR, EndReason.BY_ITSELF)
    happened(burning, 2, AlertFired(AT, MONITOR, LOGIN), ended)
    burning.run("incident", "ack", "INC-0001", "--as", "ana")
    now = "ROLLBACK NOW production: login: 62 % fail (+1 more) since 03:02 UTC"
    assert burning.run("incident", "list").out.splitlines() == [
        "INC-0002  2026-03-01 03:02:11 UTC  ENDED production: login: 62 % fail since 03:02 UTC  (has it: nobody)",
        f"INC-0001  2026-03-01 03:02:11 UTC  {now}  (has it: ana)",
    ]


def test_one_incident_is_shown_with_its_alerts_and_its_timeline(burning: Folder) -> None:
    burning.run("incident", "ack", "INC-0001", "--as", "ana")
    lines = burning.run("incident", "show", "INC-0001").out.splitlines()
    assert lines[:2] == [
        "ROLLBACK NOW production: login: 62 % fail (+1 more) since 03:02 UTC",
        "INC-0001 opened 2026-03-01 03:02:11 UTC",
    ]
    assert lines[2].startswith("Acknowledged by ana (from a shell, unverified) at ")
    assert "  rollback  login: 62 % fail (LoginFailing), since 2026-03-01 03:02:11 UTC" in lines
    assert "            31 of 50" in lines
    timeline = lines[lines.index("timeline") + 1 : lines.index("what may be done now") - 1]
    assert [line.split("UTC  ")[1] for line in timeline] == [
        "opened    by Rollback Monitor",
        'alert fired  LoginFailing{job="auth"}[rollback]  by Rollback Monitor',
        "alert fired  DataAtRisk{}[rollback]  by Rollback Monitor",
        "acknowledged    by ana (from a shell, unverified)",
    ]


def test_programs_read_json(burning: Folder) -> None:
    listed = json.loads(burning.run("incident", "list", "--format", "json").out)
    assert (listed["version"], [one["id"] for one in listed["incidents"]]) == (1, ["INC-0001"])
    shown = json.loads(burning.run("incident", "show", "INC-0001", "--format", "json").out)["incident"]
    assert (shown["tier"], shown["opened_at"], shown["firing"]) == ("rollback", "2026-03-01T03:02:11Z", 2)
    assert [one["alert"] for one in shown["alerts"]] == ["LoginFailing", "DataAtRisk"]


def test_the_record_is_read_while_the_rules_are_broken_but_nothing_is_done(burning: Folder) -> None:
    burning.write("rules/apis.yaml", "groups: [")
    assert burning.run("incident", "list").code == 0
    assert burning.run("incident", "show", "INC-0001").code == 0
    said = burning.run("incident", "ack", "INC-0001")
    assert said.code == 1
    assert f"{burning.path}/rules/apis.yaml:" in said.err


def test_a_label_cannot_write_to_the_terminal(folder: Folder) -> None:
    evil = Firing(AlertKey("A", (("job", "\x1b]0;x\x07"),), Tier.ROLLBACK), "auth", "log\x1b[2Jin\nfine", AT, AT)
    happened(folder, 1, AlertFired(AT, MONITOR, evil))
    for words in (("list",), ("show", "INC-0001"), ("ack", "INC-0001")):
        said = folder.run("incident", *words)
        assert said.code == 0
        assert "log�[2Jin fine" in said.out
        assert "\x1b" not in said.out


def test_a_terminal_that_cannot_show_a_letter_shows_the_rest(folder: Folder) -> None:
    long = replace(LOGIN, summary="login: " + "ü" * 200)
    happened(folder, 1, AlertFired(AT, MONITOR, long))
    env = {f"MONITOR_{name}": value for name, value in folder.settings.items()} | {"PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "monitor", "incident", "list"]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "login: ????" in done.stdout


# --- acting ---------------------------------------------------------------------------------------------------------


def test_acknowledge_then_start_then_deal_with(burning: Folder) -> None:
    acknowledged = burning.run("incident", "ack", "INC-0001", "--as", "ana")
    assert (acknowledged.code, acknowledged.out.splitlines()[1]) == (0, "has it: ana")
    started = burning.run("incident", "start", "INC-0001", "--as", "bob")
    assert started.out.splitlines()[0].startswith("ROLLING BACK production · step 1/1: ")
    assert started.out.splitlines()[1] == "has it: bob"
    dealt = burning.run("incident", "dealt-with", "INC-0001", "DataAtRisk", "--note", "restored", "--as", "bob")
    assert dealt.code == 0
    assert "dealt with  DataAtRisk{}[rollback] restored  by bob" in burning.run("incident", "show", "INC-0001").out


def test_what_is_done_owes_an_edit_of_the_page_in_its_channel(burning: Folder) -> None:
    burning.run("incident", "ack", "INC-0001", "--as", "ana")
    store = open_store(burning.url)
    (owed,) = store.owed()
    store.close()
    assert (owed.key, owed.ts, owed.wanted, owed.sent) == ("INC-0001/C0OPS/root/0", "1.1", 2, 1)


def test_the_name_is_kept_as_one_that_nobody_vouched_for(burning: Folder) -> None:
    burning.run("incident", "ack", "INC-0001", "--as", "ana")
    store = open_store(burning.url)
    by = store.events("INC-0001")[-1].by
    store.close()
    assert (by.name, str(by.source), by.verified) == ("ana", "cli", False)


REFUSED = [
    ("acknowledged already", ("ack", "INC-0001"), "INC-0001 is already acknowledged by ana, since "),
    ("no such incident", ("ack", "INC-0009"), "There is no incident INC-0009."),
    ("no such incident to show", ("show", "INC-0009"), "There is no incident INC-0009."),
    ("no such alert", ("dealt-with", "INC-0001", "Nope", "--note", "x"), "INC-0001 has no alert Nope."),
    ("clears by itself", ("dealt-with", "INC-0001", "LoginFailing", "--note", "x"), "LoginFailing clears by its own"),
    ("no name", ("ack", "INC-0001", "--as", "<!channel>"), 'Say who you are: {"as": "your name"}, up to 64 letters.'),
    ("no id", ("show", "INC-0001/../x"), "'INC-0001/../x' names no incident"),
]


@pytest.mark.parametrize(("words", "why"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_is_refused_is_a_sentence_and_exit_1(burning: Folder, words: tuple[str, ...], why: str) -> None:
    burning.run("incident", "ack", "INC-0001", "--as", "ana")
    said = burning.run("incident", *words)
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith(f"rollback-monitor: {why}")
    assert len(said.err.splitlines()) == 1


def test_a_database_that_cannot_be_used_is_a_sentence(folder: Folder) -> None:
    folder.write("monitor.db", "notes" * 1000)
    said = folder.run("incident", "list")
    assert (said.code, said.out) == (1, "")
    path = folder.path / "monitor.db"
    assert said.err == f"rollback-monitor: the database {path} cannot be used: file is not a database\n"


def test_usage_is_exit_2(folder: Folder) -> None:
    for words in (("show",), ("list", "--format", "xml"), ("dealt-with", "INC-0001", "A"), ("nope",)):
        assert folder.run("incident", *words).code == 2


@pytest.mark.skipif(os.getuid() != 0, reason="only root may become somebody without a name")
def test_somebody_without_a_name_is_a_number() -> None:
    code = "import os\nfrom monitor.cli.incidents import login_name\nos.setuid(54321)\nprint(login_name())"
    done = subprocess.run([sys.executable, "-c", code], env={}, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("uid 54321\n", "")
