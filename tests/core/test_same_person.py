"""Who counts as the same person: where nobody vouched for a name, the name counts."""

import pytest

from monitor.core.actor import Actor, Role, Source, same_person
from monitor.core.asks import AllowDeploy, Approve, Choose, FinishStep, ForceEnd, No, Pin
from tests.core.procedural import ANA, AUTH, Driven


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
    assert driven.do(ForceEnd(shell("dora"), "")) == ""


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
    driven.do(ForceEnd(shell("dora"), ""))
    assert driven.incident.ended_by is not None
    assert driven.incident.ended_by.signed == "dora (from a shell, unverified)"
