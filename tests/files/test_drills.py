"""Files of drills: what they say, and what is said about wrong ones."""

from pathlib import Path

import pytest

from monitor.core.drill.scenario import Clears, Kind, Trigger
from monitor.core.rules.signal import ErrorRatio
from monitor.files import Severity, load

ROOT = Path(__file__).parents[2]

RULES = """
groups:
  - name: g
    rules:
      - alert: LoginFailing
        signal: {error_ratio: {requests: 'r{job="auth"}', failures: 'code="500"', by: [route]}}
        rollback: {above: 20%, confidence: 99%}
"""
DRILL = """
title: Logins fail
trigger: login
alert: LoginFailing
kind: tabletop
hypothesis: We are back in 15 minutes.
play: {labels: {route: /login}, healthy: {value: 0%}, broken: {value: 62%, requests: 5}, clears: 2m}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one rule and a procedure."""
    for inner in ("procedures", "drills"):
        (tmp_path / inner).mkdir()
    (tmp_path / "routing.yaml").write_text("environment: production\n")
    (tmp_path / "procedures" / "rollback.yaml").write_text("title: R\nsteps: [{id: a, title: A}]\n")
    (tmp_path / "rules.yaml").write_text(RULES)
    return tmp_path


def told(folder: Path, drill: str) -> list[str]:
    """What is wrong, with where it stands."""
    (folder / "drills" / "login.yaml").write_text(drill.lstrip())
    found = [one for one in load(folder).findings if one.severity is Severity.ERROR]
    return [f"{one.place.line}:{one.place.column}: {one.message} ({one.hint})" for one in found]


@pytest.mark.parametrize("broken", ["rollback: {above: 20%, confidence: 99%}", "rules:"])
def test_a_rule_that_does_not_load_is_no_rule_that_is_missing(folder: Path, broken: str) -> None:
    (folder / "rules.yaml").write_text(RULES.replace(broken, f"{broken} wrong: ["))
    (folder / "drills" / "login.yaml").write_text(DRILL.lstrip())
    found = [one for one in load(folder).findings if one.severity is Severity.ERROR]
    assert found
    assert {Path(one.place.file).name for one in found} == {"rules.yaml"}


def test_a_rule_whose_key_is_wrong_is_no_rule_that_is_missing(folder: Path) -> None:
    (folder / "rules.yaml").write_text(RULES.replace("error_ratio", "eror_ratio"))
    (folder / "drills" / "login.yaml").write_text(DRILL.lstrip())
    found = [one for one in load(folder).findings if one.severity is Severity.ERROR]
    assert {Path(one.place.file).name for one in found} == {"rules.yaml"}


def test_what_a_drill_says_is_read(folder: Path) -> None:
    assert told(folder, DRILL) == []
    rules = load(folder).rules
    assert rules is not None
    drill = rules.drills["login"]
    assert (drill.title, drill.trigger, drill.kind) == ("Logins fail", Trigger.LOGIN, Kind.TABLETOP)
    assert drill.script is not None
    assert (drill.script.labels, drill.script.clears, drill.script.after) == (
        (("route", "/login"),),
        Clears.BY_TIME,
        120,
    )
    assert (drill.script.broken.value, drill.script.broken.requests, drill.script.healthy.requests) == (0.62, 5, 10)


def test_real_traffic_is_watched_by_a_signal_of_the_same_kind(folder: Path) -> None:
    watched = DRILL.replace("kind: tabletop", "kind: staging\nenvironment: staging").partition("play:")[0]
    ratio = "watch: {error_ratio: {requests: 'r{env=\"staging\"}', failures: 'code=\"500\"', by: [route]}}\n"
    assert told(folder, watched + ratio) == []
    rules = load(folder).rules
    assert rules is not None
    assert isinstance(rules.drills["login"].signal, ErrorRatio)
    (wrong,) = told(folder, watched + "watch: {availability: {probe: 'up', by: [job]}}\n")
    assert wrong.startswith("7:8: this signal is Availability, and the rule's is ErrorRatio")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (
            "alert: LoginFailing",
            "alert: LoginFalling",
            "3:8: there is no rule `LoginFalling` (did you mean `LoginFailing`?)",
        ),
        ("kind: tabletop", "kind: staging", "6:7: a staging drill rolls something back: nothing is played in it"),
        (
            "kind: tabletop",
            "kind: staging",
            "a staging drill must not roll back what is called `production` as production",
        ),
        (
            "kind: tabletop",
            "kind: production-canary\nenvironment: production",
            "5:14: a production-canary drill must not roll back what is called `production` as production is (give its",
        ),
        ("kind: tabletop", "kind: paper", "4:7: expected one of pager, tabletop, staging, production-canary"),
        (
            "play:",
            "longest: 10m\nrecovery_target: 15m\nplay:",
            "7:18: the drill is given up before its recovery target",
        ),
        ("clears: 2m", "clears: soon", "`soon` clears nothing (one of rolled_back, acknowledged, or a duration"),
        ("title:", "titel:", "1:1: unknown key `titel` in a drill (did you mean `title`?)"),
        ("play:", "procedure: rolback\nplay:", "6:12: there is no procedure `rolback` (did you mean `rollback`?)"),
        ("value: 62%", "valu: 62%", "unknown key `valu` in what a signal plays"),
    ],
)
def test_what_is_wrong_is_said_with_where_it_stands(folder: Path, before: str, after: str, said: str) -> None:
    assert any(said in one for one in told(folder, DRILL.replace(before, after))), told(
        folder, DRILL.replace(before, after)
    )


def test_every_trigger_of_the_playbook_has_a_drill_that_is_shipped() -> None:
    rules = load(ROOT / "rules", fallback_channel="C1").rules
    assert rules is not None
    assert {one.trigger for one in rules.drills.values() if one.kind is Kind.TABLETOP} == set(Trigger)
    assert rules.drills["rehearsal"].kind is Kind.PAGER


def test_routing_says_where_drills_take_place_and_how_often(folder: Path) -> None:
    (folder / "routing.yaml").write_text(
        "environment: production\n"
        "drills: {channel: C0DRILL, responders: [U1], every: 6, after_migration: 7d,\n"
        '  remind: [2d, 7d], at: "07:30", zone: Europe/Berlin}\n'
    )
    rules = load(folder).rules
    assert rules is not None
    drills = rules.routing.drills
    assert (drills.route.channel, drills.route.responders, drills.route.approvers) == ("C0DRILL", ("U1",), ("U1",))
    cadence = drills.cadence
    assert cadence.at == 7 * 60 + 30
    assert (cadence.months, cadence.after_migration, cadence.remind, cadence.zone) == (6, 7, (7, 2), "Europe/Berlin")
    (folder / "routing.yaml").write_text("environment: production\ndrills: {remind: [36h]}\n")
    (wrong,) = [one for one in load(folder).findings if one.severity is Severity.ERROR]
    assert "whole days are wanted" in wrong.message
    (folder / "routing.yaml").write_text('environment: production\ndrills: {at: "24:00"}\n')
    (wrong,) = [one for one in load(folder).findings if one.severity is Severity.ERROR]
    assert "nobody is reminded then" in wrong.message
