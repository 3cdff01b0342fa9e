"""Every action from a shell where no daemon runs: what is said, what is refused, and what is on record after it."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from freezegun import freeze_time

from monitor.adapters.store import open_store
from monitor.core.actor import MONITOR
from monitor.core.incidents.events import AlertFired, AlertResolved, Ended, EndReason, Event, Firing, Opened
from monitor.core.model import AlertKey, Cause, Tier
from monitor.core.pages.page import OF_DRILLS, ActionKind
from monitor.core.rules.rule import Resolve
from monitor.ports.store import Change, NewEvents
from tests.cli.folder import Folder, Said

AT = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=20)
PROCEDURE = """
title: Roll back
steps:
  - {id: declare, title: Declare incident mode, does: freeze}
  - {id: target, title: Pin the target, does: pin}
  - {id: flags, title: Flags first}
  - {id: wait, title: Wait a little}
  - {id: services, title: Roll back the services, services: [{title: Backend, services: [auth, billing]}]}
  - id: migrations
    title: Decide about migrations
    choose: [{id: none, title: None since}, {id: revert, title: Must be reverted, needs_approver: true}]
  - {id: verify, title: Verify, checks: [{title: Preflight, command: ["true"]}]}
  - {id: close, title: Close, does: end, collect: [{id: root-cause, title: Root cause}]}
"""


def firing(alert: str, tier: Tier = Tier.ROLLBACK, *, by_person: bool = False) -> AlertFired:
    key = AlertKey(alert, (("job", alert.lower()),), tier)
    resolve = Resolve.BY_PERSON if by_person else Resolve.BY_SIGNAL
    return AlertFired(AT, MONITOR, Firing(key, "auth", f"{alert}: 62 % fail", AT, AT, resolve=resolve))


LOGIN, DATA, PAY = firing("Login"), firing("Data", by_person=True), firing("Pay")
BLIND = firing("Unseen", Tier.BLIND)
CLEAR = AlertResolved(AT, MONITOR, LOGIN.firing.key, Cause.NO_LONGER_OVER_LIMIT, 0.0)
INCIDENTS: Sequence[tuple[bool, tuple[Event, ...]]] = (
    (False, (LOGIN, DATA, PAY)),
    (False, (LOGIN,)),
    (True, (BLIND,)),
    (False, (LOGIN, CLEAR, Ended(AT + timedelta(minutes=1), MONITOR, EndReason.BY_ITSELF))),
    (False, (LOGIN, CLEAR)),
)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    folder = Folder(tmp_path_factory.mktemp("shop"))
    folder.write("rules/procedures/rollback.yaml", PROCEDURE)
    store = open_store(folder.url)
    for number, (blind, events) in enumerate(INCIDENTS, start=1):
        opened = Opened(AT, MONITOR, "production", blind=blind)
        store.commit(Change(events=(NewEvents(f"INC-{number:04d}", 0, (opened, *events)),)))
    store.close()
    return folder


Row = tuple[ActionKind, str, str, str]
"""An action, who asks for it, the words behind `incident`, and what is said: in an error where it begins with a “!”."""

LATER = " (5 min later)"
"""At the end of a line: so much later than the one before, and from then on."""

A = ActionKind
STORY: list[Row] = [
    (A.ACKNOWLEDGE, "ana", "ack 1", "next: ana: start the rollback"),
    (A.STILL_ON_IT, "ana", "still-on-it 1", "has it: ana"),
    (A.FIX_ANOTHER_WAY, "ana", "fix-another-way 1 --note|scaling up", "ana: it is real, and is mended another way: sc"),
    (A.DEALT_WITH, "ana", "dealt-with 1 Data --note|restored", "has it: ana"),
    (A.GONE_FOR_GOOD, "ana", "gone-for-good 1 Pay --note|scaled|down", "!unexpected extra argument"),
    (A.GONE_FOR_GOOD, "ana", "gone-for-good 1 2 --note|scaled down", "!Whether Pay vanished is not known"),
    (A.NOTE, "bob", "note 1 |seen this last week", "Noted: seen this last week"),
    (A.SUMMON, "bob", "summon 1 dora", "!dora cannot be called: name people by their Slack ids"),
    (A.SUMMON, "bob", "summon 1 S0DBA U0EVE --note|the schema", "bob asks for you in INC-0001: the schema."),
    (A.DONE, "ana", "step 1 done", "!No procedure runs on INC-0001"),
    (A.START, "ana", "start 1", "rollback-monitor incident pin INC-0001 SERVICE=VERSION"),
    (A.PIN, "ana", "pin 1", "!Name a service and the version that it goes back to."),
    (A.PIN, "ana", "pin 1 auth", "!'auth' is not understood; write it as NAME=VALUE, such as auth=2.13.4"),
    (A.PIN, "ana", "pin 1 auth=2.13.4 billing=1.7.0", "ana pinned what to roll back to: auth to 2.13.4"),
    (A.DONE, "bob", "step 1 done target", "“Pin the target” is done."),
    (A.DONE, "bob", "step 1 done", "“Flags first” is done."),
    (A.DONE, "eve", "step 1 done flags", "!“Flags first” is done already, by bob at "),
    (A.UNDO, "bob", "step 1 undo", "“Flags first” is open again."),
    (A.SKIP, "bob", "step 1 skip flags", '!skip needs a reason: --reason "why it is left out"'),
    (A.SKIP, "bob", "step 1 skip flags --reason|no agents", "“Flags first” is skipped: no agents"),
    (A.NOT_RELEVANT, "bob", "step 1 not-relevant 4 --reason|no time", "“Wait a little” is not relevant: no time"),
    (A.SERVICE_DONE, "bob", "service-done 1 auth", "!auth waits for the decision about its migrations"),
    (A.CHOOSE, "ana", "step 1 choose migrations", "!choose needs a STEP and one of its answers"),
    (A.CHOOSE, "ana", "step 1 choose migrations maybe", "!“Decide about migrations” has the answers none, revert"),
    (A.CHOOSE, "ana", "step 1 choose migrations revert", "waits: ana (from a shell, unverified) decided revert"),
    (A.APPROVE, "Ana", "step 1 approve migrations", "!You made this decision; a second person must agree to it."),
    (A.APPROVE, "bob", "step 1 approve", "bob agreed to “revert”."),
    (A.SERVICE_DONE, "bob", "service-done 1 auth", "auth is at its target, says bob; not observed."),
    (A.SERVICE_DONE, "bob", "service-done 1 web", "!web has no rollback target: pin it first."),
    (A.ALLOW_DEPLOY, "bob", "allow-deploy 1 web", "!ana commands INC-0001 (since "),
    (A.ALLOW_DEPLOY, "Ana", "allow-deploy 1 web", "Ana lets one deploy of web through the freeze."),
    (A.ANSWER_CHECK, "bob", "check 1 preflight", "!say how the check came out: --passed or --failed"),
    (A.ANSWER_CHECK, "bob", "check 1 preflight --failed --note|port 80", "preflight: failed, says bob."),
    (A.ANSWER_CHECK, "bob", "check 1 nope --passed", "!No check nope waits for an answer by a person."),
    (
        A.COLLECT,
        "bob",
        "step 1 collect close cause=dns",
        "!Not understood: collect knows no word 'cause'; it takes as, ",
    ),
    (A.COLLECT, "bob", "step 1 collect close root-cause=dns", "Written down for “Close”: root-cause."),
    (A.TAKE_COMMAND, "bob", "take-command 1", "waits: bob (from a shell, unverified) asks for command"),
    (A.GIVE_COMMAND, "ana", "give-command 1", "has it: bob"),
    (A.ABORT, "bob", "abort 1", "!Missing option '--reason'"),
    (A.ABORT, "bob", "abort 1 --reason|a flag was it", "bob gave the procedure up: a flag was it. Changed already"),
    (A.START, "ana", "start 1", "has it: ana"),
    (A.END, "ana", "end 1", "!INC-0001 cannot end yet: Login: 62 % fail still breaches"),
    (A.FORCE_END, "ana", "force-end 1", "!Not understood: force_end needs 'reason' (Why may it end?)."),
    (
        A.FORCE_END,
        "ana",
        "force-end 1 --reason|it is over",
        "a second person: rollback-monitor incident force-end INC-0",
    ),
    (A.FORCE_END, "ANA", "force-end 1 --reason|it is", "!A second person was asked at "),
    (A.COMPLETE, "ana", "complete 1 --root-cause|dns", "!End INC-0001 first"),
    (A.FORCE_END, "bob", "force-end 1 --for|2h", "!Nobody vouches that bob and ana are two people"),
    (A.FORCE_END, "bob", f"force-end 1 --for|2h{LATER}", "ana (from a shell, unverified) had asked for it; nobody"),
    (A.REOPEN, "ana", "reopen 1 --reason|too early", "ana opened INC-0001 again: too early."),
    (A.FORCE_END, "ana", "force-end 1 --reason|now it is", "ana wants to end INC-0001"),
    (A.FORCE_END, "bob", f"force-end 1{LATER}", 'rollback-monitor incident complete INC-0001 --root-cause "…"'),
    (
        A.COMPLETE,
        "ana",
        "complete 1 --root-cause|dns --follow-up|tests",
        "!Not understood: “tests”. Write: what; owner;",
    ),
    (
        A.COMPLETE,
        "ana",
        "complete 1 --root-cause|dns --follow-up|a test; eve; 2026-12-31 --follow-up|an alert; bob; 2027-01-31",
        "ana completed the record: dns (2 follow-ups).",
    ),
    (A.FALSE_ALARM, "eve", "false-alarm 2 --reason|a test --for|3d", "!Say how long it stays silenced as 30m or 2h"),
    (A.FALSE_ALARM, "eve", "false-alarm 2 --reason|a test --for|2h", "eve says that it is a false alarm: a test."),
    (A.WATCH_BY_HAND, "eve", "watch-by-hand 3", "eve watches by hand until "),
    (
        A.EXPLAIN,
        "eve",
        "explain 4 |it healed",
        "!Not understood: 'note' is one of “it healed by itself”, “somebody fixed",
    ),
    (A.EXPLAIN, "eve", "explain 4 |it healed by itself", "Noted: it healed by itself"),
    (A.END, "eve", "end 5", "eve ended INC-0005."),
]


def words_of(line: str) -> Iterator[str]:
    """The words of a line of the story: `1` after the verb is the incident, and words with blanks stand after a |."""
    verb, number, *rest = line.split(" ", 2)
    yield from (verb, f"INC-{int(number):04d}")
    for word in (rest[0] if rest else "").replace(" --", "\0--").replace(" |", "\0|").split("\0"):
        option, bar, text = word.partition("|")
        yield from (*option.split(), *(text.split("|") if bar else ()))


def said(shop: Folder, by: str, line: str) -> Said:
    return shop.run("incident", *words_of(line), "--as", by)


def test_every_action_has_its_command_and_the_story_of_an_incident_is_told_by_them(shop: Folder) -> None:
    assert {row[0] for row in STORY} == set(ActionKind) - OF_DRILLS
    ahead = timedelta()
    for _, by, line, expected in STORY:
        ahead += timedelta(minutes=5) if line.endswith(LATER) else timedelta()
        with freeze_time(datetime.now(UTC) + ahead, tick=True):
            done = said(shop, by, line.removesuffix(LATER))
        if expected.startswith("!"):
            assert done.code in {1, 2}, line
            assert expected[1:] in " ".join(done.err.replace("│", " ").split()), (line, done.err)
        else:
            assert (done.code, done.err) == (0, ""), (line, done.err)
            assert expected in done.out, (line, done.out)
    _shown(shop)
    _on_record(shop)


def _shown(shop: Folder) -> None:
    """What a person reads at the end, and that it is the same as a program reads."""
    text = shop.run("incident", "show", "INC-0001").out
    for line in (
        "Ended ",
        "Roll back: not running any more",
        "[x] 1 declare",
        "root cause: dns (by ana (from a shell, unverified))",
        "a test: eve, until 2026-12-31",
        'rollback-monitor incident reopen INC-0001 --reason "…"',
    ):
        assert line in text, line
    full = json.loads(shop.run("incident", "show", "INC-0001", "--format", "json").out)["incident"]
    assert full["record"]["follow_ups"][1] == {"what": "an alert", "owner": "bob", "due": "2027-01-31"}
    assert (full["end"]["reason"], full["end"]["by"], full["end"]["verified"]) == ("forced", "bob", False)
    assert full["deploys"]["frozen"] is False


def _on_record(shop: Folder) -> None:
    """All of it in the names that were given, and none of them vouched for."""
    store = open_store(shop.url)
    events = store.events("INC-0001")
    silences = store.silences()
    store.close()
    people = [one for one in events if one.by is not MONITOR and one.by.id != MONITOR.id]
    assert {one.by.id for one in people} <= {"ana", "bob", "eve", "Ana", "ANA"}
    assert not any(one.by.verified for one in people)
    assert [one.by.name for one in events if one.kind == "approved"] == ["bob"]
    assert sum(one.kind == "refused" for one in events) > 5
    assert [one.ends_at - one.starts_at for one in silences][:1] == [timedelta(hours=2)]


def test_help_is_for_people(folder: Folder) -> None:
    out = folder.run("incident", "step", "--help").out
    assert "collect [STEP] FIELD=VALUE" in out, out
    assert "choose STEP ANSWER" in out


def test_paths_are_not_written_by_names(folder: Folder) -> None:
    done = folder.run("incident", "step", "INC-0001/x", "done")
    assert (done.code, done.err) == (1, "rollback-monitor: 'INC-0001/x' names no incident; write it like INC-0001.\n")
