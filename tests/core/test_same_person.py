"""Who counts as the same person: where nobody vouched for a name, the name counts."""

import pytest

from monitor.core.actor import Actor, Role, Source, same_person
from monitor.core.evidence.telling import told as evidence_told
from monitor.core.incidents.asks import AllowDeploy, Approve, Choose, FinishStep, ForceEnd, No, Pin
from monitor.core.pages.deeds import deed
from tests.core.procedural import ANA, AUTH, BEN, Driven


def shell(name: str) -> Actor:
    return Actor(name, name, Source.CLI, frozenset(Role), verified=False)


OTHER_ANA = Actor("U0ANA2", "Ana", Source.SLACK)

ROWS = [
    ("one Slack user", ANA, ANA, True),
    ("two Slack users of one name", ANA, OTHER_ANA, False),
    ("Slack and a shell, by name", ANA, shell("Ana"), True),
    ("Slack and a shell, in small letters", ANA, shell("ana"), True),
    ("two shells of one name", shell("ana"), shell("ANA"), True),
    ("blanks do not make another", shell("ana  b"), shell("Ana B "), True),
    ("two names", shell("ana"), shell("ben"), False),
]


@pytest.mark.parametrize(("one", "other", "same"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_the_same_person(one: Actor, other: Actor, same: bool) -> None:  # noqa: FBT001  # a column of the table
    assert same_person(one, other) is same_person(other, one) is same


def decided() -> Driven:
    driven = Driven().start()
    for command in (Pin(ANA, (AUTH,)), FinishStep(ANA, "flags"), Choose(ANA, "migrations", "revert")):
        assert driven.do(command) == ""
    return driven


def test_nobody_agrees_with_themselves_from_a_shell() -> None:
    driven = decided()
    assert driven.refused(Approve(shell("ana"), "migrations")) is No.SAME_PERSON
    assert driven.do(Approve(shell("dora"), "migrations")) == ""


def test_nobody_is_their_own_second_person_from_a_shell() -> None:
    driven = decided()
    assert driven.do(ForceEnd(ANA, "enough")) == ""
    assert driven.refused(ForceEnd(shell("ana"), "enough")) is No.NOT_YET
    assert "dora and Ana are two people" in driven.do(ForceEnd(shell("dora"), ""))


FORCERS = [
    ("two of Slack=>two people", ANA, BEN, True),
    ("Slack and another name in a shell=>nobody knows", ANA, shell("dora"), False),
    ("a shell and somebody of Slack=>nobody knows", shell("dora"), ANA, False),
    ("two names in a shell=>nobody knows", shell("ana"), shell("ben"), False),
]


@pytest.mark.parametrize(("one", "other", "two"), [row[1:] for row in FORCERS], ids=[row[0] for row in FORCERS])
def test_an_end_is_forced_by_two_whom_somebody_vouches_for_or_waits_for_five_minutes(
    one: Actor,
    other: Actor,
    two: bool,  # noqa: FBT001  # a column of the table
) -> None:
    driven = Driven().start(one)
    assert driven.do(ForceEnd(one, "enough")) == ""
    assert (driven.do(ForceEnd(other, "")) == "") is two
    if not two:
        assert driven.incident.is_open
        assert driven.later(minutes=5).do(ForceEnd(other, "")) == ""
        told = deed(driven.events[-1], driven.incident)
        assert "single-handed, without proof: enough." in told
        assert f"{one.signed} had asked for it; nobody vouches that they are two people." in told
        assert "SINGLE-HANDED, asked for by" in evidence_told(driven.events[-1])
    assert driven.incident.single_handed is not two
    assert driven.incident.end_note == "enough"


def test_command_is_not_lost_when_slack_is() -> None:
    driven = decided()
    assert driven.refused(AllowDeploy(shell("dora"), "web")) is No.NOT_COMMANDER
    assert 'If you are Ana, say so: --as "Ana".' in driven.do(AllowDeploy(shell("dora"), "web"))
    spoken = driven.incident.spoken_at
    assert driven.later(minutes=5).do(AllowDeploy(shell("ana"), "web")) == ""
    assert driven.incident.spoken_at != spoken


def test_the_second_person_is_shown_as_unverified() -> None:
    driven = decided()
    driven.do(ForceEnd(ANA, "enough"))
    driven.later(minutes=5).do(ForceEnd(shell("dora"), ""))
    assert driven.incident.ended_by is not None
    assert driven.incident.ended_by.signed == "dora (from a shell, unverified)"
