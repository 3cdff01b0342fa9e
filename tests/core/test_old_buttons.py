"""Old buttons, an incident that is opened again, and what a procedure that is given up has changed."""

from dataclasses import replace

from monitor.core.asks import Abort, Approve, Choose, End, FinishStep, GiveCommand, Pin, Reopen, SkipStep, TakeCommand
from monitor.core.overtaken import overtaken
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
