"""`silence ...` and `incident still-on-it` where no daemon runs: on the database itself, through the same code."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.adapters.store import open_store
from monitor.core.actor import MONITOR
from monitor.core.incidents.events import AlertFired, Asked, Firing, Opened
from monitor.core.incidents.silence import Cover, Hidden, HiddenBy
from monitor.core.model import AlertKey, Tier
from monitor.ports.store import Change, NewEvents
from tests.cli.folder import Folder

ADD = ("silence", "add", "--match", 'alertname="ApiErrors"', "--match", 'job="web"', "--for", "2h", "--reason", "load")
NIGHTLY = """default: {channel: C0OPS, responders: [S0ONCALL]}
maintenance: [{name: close, matchers: ['job="web"'], days: [sat, sun], from: "22:00", to: "02:00", zone: Europe/Berlin}]
"""


def test_without_silences_it_says_so(folder: Folder) -> None:
    said = folder.run("silence", "list")
    assert (said.code, said.out, said.err) == (0, "No silences.\n", "")


def test_a_silence_is_made_listed_and_ended(folder: Folder) -> None:
    made = folder.run(*ADD, "--as", "ana")
    assert (made.code, made.err) == (0, "")
    first, second = made.out.splitlines()
    assert first.startswith('silence 1: alertname="ApiErrors", job="web" at prepare pages nobody until 20')
    assert second == "It is evaluated and shown all the same, and the rollback tier pages as ever."
    (line,) = folder.run("silence", "list").out.splitlines()
    assert line.startswith("1  until 20")
    assert line.endswith('UTC  alertname="ApiErrors", job="web" at prepare  load (by ana)')
    ended = folder.run("silence", "expire", "1", "--as", "bob")
    assert (ended.code, ended.out.startswith("silence 1 ended at 20")) == (0, True)
    assert folder.run("silence", "list").out.startswith("1  ended 20")


def test_programs_read_json(folder: Folder) -> None:
    folder.run(*ADD, "--as", "ana", "--tier", "prepare", "--tier", "blind")
    listed = json.loads(folder.run("silence", "list", "--format", "json").out)
    (one,) = listed["silences"]
    assert (listed["version"], one["id"], one["tiers"], one["in_force"]) == (1, 1, ["prepare", "blind"], True)
    assert (one["by"], one["reason"], one["hidden"], one["hiding"]) == ("ana", "load", 0, [])
    assert one["match"] == ['alertname="ApiErrors"', 'job="web"']


def test_what_was_hidden_is_counted_in_the_list(folder: Folder) -> None:
    folder.run(*ADD)
    at = datetime.now(UTC)
    key = AlertKey("ApiErrors", (("job", "web"),), Tier.PREPARE)
    live = Hidden("a", Cover(HiddenBy.SILENCE, "1", at), at, Firing(key, "web", "2 %", at, at))
    store = open_store(folder.url)
    store.commit(Change(hidden=(live, replace(live, id="b", cleared_at=at))))
    store.close()
    assert folder.run("silence", "list").out.rstrip().endswith('; hid 2 alerts, now ApiErrors{job="web"}[prepare]')


def test_maintenance_windows_are_listed_too_but_not_where_the_rules_are_broken(folder: Folder) -> None:
    Folder(folder.path, routing=NIGHTLY)
    _, line = folder.run("silence", "list").out.splitlines()
    assert line.startswith("maintenance close  sat,sun 22:00-02:00 Europe/Berlin, ")
    assert line.endswith('  job="web" at prepare')
    folder.write("rules/apis.yaml", "groups: [")
    assert folder.run("silence", "list").out == "No silences.\n"
    assert folder.run(*ADD).code == 1


REFUSED = [
    ("the rollback tier", (*ADD, "--tier", "rollback"), "The rollback tier cannot be silenced by a pattern"),
    ("no such silence", ("silence", "expire", "7"), "There is no silence 7."),
    ("no name", (*ADD, "--as", "<!channel>"), 'Say who you are: {"as": "your name"}, up to 64 letters.'),
    ("no matcher", (*ADD, "--match", "job"), "`job` cannot be read as a matcher"),
]


@pytest.mark.parametrize(("words", "why"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_is_refused_is_a_sentence_and_exit_1(folder: Folder, words: tuple[str, ...], why: str) -> None:
    said = folder.run(*words)
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith(f"rollback-monitor: {why}")
    assert len(said.err.splitlines()) == 1


@pytest.mark.parametrize("words", [("add",), ADD[1:6], ("expire",), ("expire", "one"), ("nope",)])
def test_usage_is_exit_2(folder: Folder, words: tuple[str, ...]) -> None:
    assert folder.run("silence", *words).code == 2


def test_still_on_it_is_said_from_the_shell(folder: Folder) -> None:
    at = datetime.now(UTC) - timedelta(minutes=12)
    fires = Firing(AlertKey("LoginFailing", (), Tier.ROLLBACK), "auth", "login: 62 % fail", at, at)
    opened = Opened(at, MONITOR, "production"), AlertFired(at, MONITOR, fires)
    store = open_store(folder.url)
    store.commit(Change(events=(NewEvents("INC-0001", 0, opened),)))
    store.close()
    assert folder.run("incident", "still-on-it", "INC-0001").err.startswith("rollback-monitor: Nobody has acknowledged")
    folder.run("incident", "ack", "INC-0001", "--as", "ana")
    store = open_store(folder.url)
    store.commit(Change(events=(NewEvents("INC-0001", len(store.events("INC-0001")), (Asked(at, MONITOR),)),)))
    store.close()
    said = folder.run("incident", "still-on-it", "INC-0001", "--as", "ana")
    assert (said.code, said.out.splitlines()[1]) == (0, "has it: ana")
    assert "still on it    by ana" in folder.run("incident", "show", "INC-0001").out
