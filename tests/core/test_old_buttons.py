"""Old buttons, an incident that is opened again, and what a procedure that is given up has changed."""

from dataclasses import replace

import pytest

from monitor.core.incidents.asks import (
    Abort,
    Approve,
    Choose,
    Command,
    End,
    FinishStep,
    GiveCommand,
    Pin,
    Reopen,
    SkipStep,
    TakeCommand,
    UndoStep,
)
from monitor.core.incidents.overtaken import overtaken
from tests.core.procedural import ANA, AUTH, BEN, DBA, Driven


def test_what_was_opened_again_does_not_end_by_the_recovery_before() -> None:
    driven = Driven().later(minutes=5).clears().later(minutes=20)
    assert driven.do(End(BEN)) == ""
    assert driven.later(minutes=15).do(Reopen(BEN, "it is not over")) == ""
    assert driven.later(seconds=1).waits() == ()
    assert driven.later(minutes=31).waits() == ("ended",)


def test_an_approver_agrees_to_the_decision_that_was_shown() -> None:
    driven = Driven().start()
    driven.do(Choose(ANA, "migrations", "revert"))
    shown = driven.incident
    assert overtaken(shown, driven.incident, Approve(DBA, "migrations")) is None
    driven.later(minutes=1).do(Choose(BEN, "migrations", "forward"))
    refused = overtaken(shown, driven.incident, Approve(DBA, "migrations"))
    assert refused is not None
    assert "forward instead of revert" in refused.sentence


def test_command_goes_to_who_was_named_on_the_button() -> None:
    driven = Driven().start()
    driven.do(TakeCommand(BEN))
    shown = driven.incident
    assert overtaken(shown, driven.incident, GiveCommand(ANA)) is None
    driven.later(seconds=30).do(TakeCommand(replace(BEN, id="U0CARA", name="Cara")))
    refused = overtaken(shown, driven.incident, GiveCommand(ANA))
    assert refused is not None
    assert "Cara who asks" in refused.sentence


def test_a_card_of_the_procedure_before_does_not_settle_steps_of_this_one() -> None:
    driven = Driven().start()
    shown = driven.incident
    driven.do(Abort(ANA, "wrong service"))
    driven.later(minutes=3).start(BEN)
    refused = overtaken(shown, driven.incident, FinishStep(ANA, "flags"))
    assert refused is not None
    assert "started anew at 03:05" in refused.sentence


def test_giving_up_names_what_is_half_rolled_back_and_not_what_was_skipped() -> None:
    driven = Driven().start()
    driven.do(Pin(ANA, (AUTH,)))
    driven.do(SkipStep(ANA, "flags", "no agent here"))
    driven.sees("auth", "2.13.4", "2.14.0").do(Abort(ANA, "wrong service"))
    aborted = driven.incident.care.aborted
    assert aborted is not None
    assert aborted.changed == ("auth runs 2.13.4 and 2.14.0, half way to 2.13.4",)


DONE, SKIP, UNDO = FinishStep(BEN, "flags"), SkipStep(BEN, "flags", "no agents"), UndoStep(BEN, "flags")
OPENED_AGAIN = "“Flags first” was settled and opened again since"
TURNS: list[tuple[str, list[Command], list[Command], Command, str]] = [
    ("done, nothing new=>good", [], [], DONE, ""),
    ("done, another step moved=>good", [], [Pin(ANA, (AUTH,))], DONE, ""),
    ("done, done meanwhile=>decide says by whom", [], [DONE], DONE, ""),
    ("done, done and undone=>refused", [], [DONE, UNDO], DONE, OPENED_AGAIN),
    ("skip, done and undone=>refused", [], [DONE, UNDO], SKIP, OPENED_AGAIN),
    ("done, skipped and undone=>refused", [], [SKIP, UNDO], DONE, OPENED_AGAIN),
    ("done, drawn after the undo=>good", [DONE, UNDO], [], DONE, ""),
    ("undo, nothing new=>good", [DONE], [], UNDO, ""),
    ("undo, undone meanwhile=>decide says so", [DONE], [UNDO], UNDO, ""),
    ("undo, undone and done anew=>refused", [DONE], [UNDO, DONE], UNDO, "taken back and settled anew since"),
]


@pytest.mark.parametrize(
    ("shown", "since", "command", "why"), [row[1:] for row in TURNS], ids=[row[0] for row in TURNS]
)
def test_a_step_that_was_otherwise_in_between(
    shown: list[Command], since: list[Command], command: Command, why: str
) -> None:
    driven = Driven().start()
    for one in shown:
        assert driven.do(one) == ""
    then = driven.incident
    for one in since:
        assert driven.later(seconds=5).do(one) == ""
    refused = overtaken(then, driven.incident, command)
    assert (refused is not None) == bool(why)
    assert why in (refused.sentence if refused else "")


def test_what_was_decided_by_somebody_else_meanwhile_is_not_decided_anew_unseen() -> None:
    driven = Driven().start()
    shown = driven.incident
    driven.do(Choose(ANA, "migrations", "revert"))
    refused = overtaken(shown, driven.incident, Choose(BEN, "migrations", "forward"))
    assert refused is not None
    assert "Ana decided at 03:02 UTC: revert" in refused.sentence
    assert overtaken(shown, driven.incident, Choose(ANA, "migrations", "forward")) is None, "their own mind"
    assert overtaken(driven.incident, driven.incident, Choose(BEN, "migrations", "forward")) is None, "they saw it"
