"""The buttons of drills: who may press which, what becomes of them, and what the thread is told in the end."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.adapters.slack.interactions import Press
from monitor.core.actor import Actor, Role, Source
from monitor.core.drill.log import Drill, Stage
from monitor.core.naming import NOT_REAL
from monitor.core.pages.actions import actions_of, sign_off, under_notice
from monitor.core.pages.forms import Form
from monitor.core.pages.page import OF_DRILLS, ActionKind
from monitor.core.pages.posts import Notice
from monitor.core.pages.shell import ASKS_FOR_TWO, SPELLINGS, typed_action
from monitor.core.rules.routing import Route
from monitor.drills.conductor import Asked
from monitor.drills.pressed import Pressed
from monitor.drills.spoken import Spoken
from monitor.drills.switchboard import Switchboard
from monitor.people.requesting import NotDone
from tests.drills.hall import ANA, BEN, BOB, GUEST, Hall, rules_with_staging

EVA = Actor("U0EVA", "Eva", Source.SLACK, frozenset({Role.RESPONDER}), click="c1")


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    """A monitor with the shipped rules, and a drill that watches staging."""
    made = Hall(tmp_path, rules_with_staging(tmp_path))
    yield made
    made.end()


def board(hall: Hall) -> Switchboard:
    """What clicks reach."""
    return Switchboard(hall.clock, hall.app.production, hall.app.hall, Pressed(hall.app.conductor))


def press(hall: Hall, drill: Drill, kind: ActionKind, by: Actor, **words: str) -> str | None:
    """Press a button of a drill; what is answered says first that it is one."""
    answer = board(hall).handle(Press(drill.id, kind, by, 1, words=words))
    assert answer is None or answer.startswith(NOT_REAL)
    return answer.removeprefix(NOT_REAL) if answer else None


def test_anybody_gives_a_drill_up_by_its_page_and_says_why(hall: Hall) -> None:
    drill = hall.start("login")
    hall.walk(60)
    (abort,) = [one for one in actions_of(hall.incident(drill.id)) if one.kind is ActionKind.ABORT_DRILL]
    assert abort.label.startswith(SPELLINGS[abort.kind].button)
    assert typed_action(abort) == 'rollback-monitor drill abort DRILL-0001 --reason "…"'
    form = board(hall).form_of(Press(drill.id, abort.kind, GUEST), chosen=True)
    assert isinstance(form, Form)
    assert [ask.name for ask in form.asks] == ["reason"]
    assert press(hall, drill, abort.kind, GUEST, reason=" ") == "Say why it is given up."
    assert press(hall, drill, abort.kind, GUEST, reason="it looks real") is None
    assert hall.drill(drill.id).stage is Stage.ABORTED
    assert press(hall, drill, abort.kind, GUEST, reason="again") == "DRILL-0001 does not run."


def test_it_can_be_given_up_before_there_is_a_page_and_an_older_button_stops_no_other(hall: Hall) -> None:
    first = hall.start("login")
    note = hall.stage.side.store.posts("")[-1]
    (abort,) = under_notice(note.reason, note.said)
    assert (abort.kind, abort.value) == (ActionKind.ABORT_DRILL, "DRILL-0001|1")
    assert press(hall, first, abort.kind, GUEST, reason="not now") is None
    hall.walk(1)
    second = hall.start("login")
    assert press(hall, first, abort.kind, GUEST, reason="not now") == "DRILL-0001 does not run."
    assert hall.drill(second.id).running


def test_a_fault_is_said_to_be_injected_by_a_button_of_those_who_take_part(hall: Hall) -> None:
    drill = hall.start("staging")
    note = hall.stage.side.store.posts("")[-1]
    button, abort = under_notice(note.reason, note.said)
    assert abort.kind is ActionKind.ABORT_DRILL
    assert button.label.startswith(SPELLINGS[button.kind].button)
    hall.clock.advance(30)
    assert (press(hall, drill, button.kind, GUEST) or "").startswith("Only responders and commanders")
    assert hall.drill(drill.id).injected is None
    assert press(hall, drill, button.kind, EVA) is None
    injected = hall.drill(drill.id).injected
    assert injected is not None
    assert (injected.at, injected.by.name) == (hall.clock.now(), "Eva")
    assert (press(hall, drill, button.kind, EVA) or "").startswith("The fault of DRILL-0001 was injected at")


def test_what_is_played_waits_for_no_fault_and_other_notes_have_no_buttons(hall: Hall) -> None:
    hall.start("login")
    (note,) = hall.stage.side.store.posts("")
    assert [one.kind for one in under_notice(note.reason, note.said)] == [ActionKind.ABORT_DRILL]
    assert under_notice(Notice.DRILL_OVER, "DRILL-0001 is over") == ()
    assert under_notice(Notice.DRILL_STARTED, "without a name") == ()


def test_two_people_stand_by_its_result_with_the_buttons_where_it_is_said_to_be_over(hall: Hall) -> None:
    drill = hall.start("login")
    hall.walk(60)
    (early,) = sign_off(f"{drill.id}|1", ASKS_FOR_TWO)
    assert press(hall, drill, early.kind, EVA) == "DRILL-0001 has not been finished: there is no result to sign."
    hall.app.conductor.finish(ANA)
    (button,) = [one for one in actions_of(hall.incident(drill.id)) if one.kind is ActionKind.SIGN_OFF]
    assert button.label == SPELLINGS[button.kind].button
    assert typed_action(button) == "rollback-monitor drill sign-off DRILL-0001"
    assert board(hall).form_of(Press(drill.id, button.kind, EVA), chosen=False) is None
    assert (press(hall, drill, button.kind, GUEST) or "").startswith("Only responders and commanders")
    assert press(hall, drill, button.kind, EVA) is None
    assert "a second person must" in (press(hall, drill, button.kind, replace(EVA, click="c2")) or "")
    notes = [one for one in hall.stage.side.store.posts("") if one.reason == Notice.DRILL_SIGNED]
    assert [one.said for one in notes] == [
        f"{NOT_REAL}Eva stands by the result of DRILL-0001. A second person must: Sign off."
    ]
    assert [one.kind for one in under_notice(notes[0].reason, notes[0].said)] == [ActionKind.SIGN_OFF]
    assert press(hall, drill, button.kind, BOB) is None
    assert hall.drill(drill.id).stage is Stage.SIGNED_OFF
    refused = [(one.by.name, one.command) for one in hall.drill(drill.id).refused]
    assert refused == [("Eva", "sign_off"), ("Gus", "sign_off"), ("Eva", "sign_off")]
    assert press(hall, drill, button.kind, BOB) == "DRILL-0001 is signed by Eva and Bob."


def test_where_people_ended_the_page_the_channel_is_asked_to_sign(hall: Hall) -> None:
    drill = hall.start("login")
    hall.walk(60)
    hall.act(drill.id, ActionKind.FALSE_ALARM, reason="only a try", lasts="1h")
    hall.app.conductor.finish(ANA)
    assert not [one for one in actions_of(hall.incident(drill.id)) if one.kind is ActionKind.SIGN_OFF]
    (note,) = [one for one in hall.stage.side.store.posts("") if one.reason == Notice.DRILL_OVER]
    assert [one.kind for one in under_notice(note.reason, note.said)] == [ActionKind.SIGN_OFF]


def test_nobody_is_asked_to_sign_what_was_given_up(hall: Hall) -> None:
    drill = hall.start("login")
    hall.walk(60)
    hall.app.conductor.abort(ANA, f"nobody is left. {ASKS_FOR_TWO}, of DRILL-0007")
    assert ASKS_FOR_TWO in hall.incident(drill.id).end_note
    assert not [one for one in actions_of(hall.incident(drill.id)) if one.kind is ActionKind.SIGN_OFF]
    assert under_notice(Notice.DRILL_OVER, f"{NOT_REAL}DRILL ABORTED by Ana: {ASKS_FOR_TWO}.") == ()


def known(user: str, route: Route) -> Actor:
    """Somebody with the rights that `route` gives."""
    roles = {Role.RESPONDER} if user in route.responders else set()
    return Actor(user, user, Source.SLACK, frozenset(roles), click=f"{user} presses")


def test_who_took_part_signs_by_button_and_in_words_though_others_take_part_in_the_next(hall: Hall) -> None:
    first = hall.app.conductor.start(Asked("login", ANA, ("U0CAT", "U0DOG")))
    hall.walk(40)
    hall.app.conductor.finish(ANA)
    hall.walk(10)
    hall.app.conductor.start(Asked("errors", ANA, ("U0BOB",)))
    assert isinstance(first, Drill)
    switchboard, speak = board(hall), Spoken(hall.app.conductor, hall.app.duty)
    cat = known("U0CAT", switchboard.rights(first.id))
    assert switchboard.handle(Press(first.id, ActionKind.SIGN_OFF, cat, 1)) is None
    assert speak(("sign-off", first.id), known("U0DOG", switchboard.rights(""))).endswith(": signed off")
    assert switchboard.rights("DRILL-0002").responders == ("U0BOB",), "what runs is for those who take part"
    assert not hall.drill(first.id).refused


@pytest.mark.parametrize("kind", sorted(OF_DRILLS))
def test_an_incident_is_not_asked_for_what_is_asked_of_a_drill(hall: Hall, kind: ActionKind) -> None:
    drill = hall.start("login")
    hall.walk(60)
    assert isinstance(hall.act(drill.id, kind), NotDone)
    assert f"rollback-monitor drill {SPELLINGS[kind].line.split()[0]} DRILL-0001" in str(hall.act(drill.id, kind))
    assert hall.drill(drill.id).running


def test_the_thread_is_told_what_it_came_to_with_what_is_missing(hall: Hall) -> None:
    drill = hall.start("login")
    hall.walk(60)
    hall.act(drill.id, ActionKind.ACKNOWLEDGE)
    hall.act(drill.id, ActionKind.START)
    hall.app.conductor.finish(ANA)
    assert hall.incident(drill.id).end_note == (
        "DRILL-0001 is over. Incomplete so far: T3 Slack accepted the page: not seen; T7 Target pinned: not seen; "
        "T8 First service rolled back: not seen; and 6 more. Two people stand by the result: Sign off"
    )


def test_its_report_is_owed_to_the_thread_when_it_is_finished_and_again_when_it_is_signed(hall: Hall) -> None:
    hall.stage.side.desk.plots = True
    drill = hall.start("login")
    hall.walk(60)
    hall.app.conductor.finish(ANA)
    assert reports(hall, drill) == ["result"]
    for who in (ANA, BEN, EVA):  # a name in a shell is no signature that counts
        hall.app.conductor.sign_off(drill.id, who)
        assert reports(hall, drill) == ["result"]
    hall.app.conductor.sign_off(drill.id, BOB)
    assert reports(hall, drill) == ["result", "signed"]


def test_of_one_that_was_given_up_there_is_no_report_in_the_thread(hall: Hall) -> None:
    hall.stage.side.desk.plots = True
    drill = hall.start("login")
    hall.walk(60)
    hall.app.conductor.abort(ANA, "enough")
    assert reports(hall, drill) == []
    assert hall.incident(drill.id).end_note == "DRILL ABORTED by Ana: enough"


def reports(hall: Hall, drill: Drill) -> list[str]:
    """The reports that the thread of a drill is owed or has."""
    owed = [one for one in hall.stage.side.store.posts(drill.id) if one.kind == "report"]
    assert [one.wanted for one in owed] == [1] * len(owed), "each is uploaded once"
    return [one.said for one in owed]
