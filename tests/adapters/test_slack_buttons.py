"""Where buttons stand, what is behind the menu, and what comes back when something is chosen from it."""

from typing import Any

import pytest

from monitor.adapters.slack.buttons import button_rows
from monitor.adapters.slack.clicks import click_of, submission_of
from monitor.adapters.slack.forms import refused, view_of
from monitor.core.pages.actions import actions_of
from monitor.core.pages.forms import FORMS, Ask, Form, Input, form, question
from monitor.core.pages.page import Action, ActionKind, Place
from monitor.core.procedures.proposals import PROPOSED
from monitor.core.rules.rule import Resolve
from tests.pictures.stages import opened
from tests.servers.slack_rules import buttons_of, options_of, refusal, view_refusal

CONFIRM = ("Really?", "It ends.", "Yes", "No")


def drawn(*actions: Action) -> list[dict[str, Any]]:
    blocks = [block.to_dict() for block in button_rows(actions)]
    assert refusal("x", blocks) is None
    return blocks


def made(kind: ActionKind, place: Place, value: str = "INC-0001|4") -> Action:
    return Action(kind, str(kind), value, place=place)


def test_first_alone_then_the_row_and_the_menu_behind_it() -> None:
    blocks = drawn(
        made(ActionKind.NOTE, Place.MORE), made(ActionKind.START, Place.ROW), made(ActionKind.ACKNOWLEDGE, Place.FIRST)
    )
    ids = [[one["action_id"] for one in block["elements"]] for block in blocks]
    assert ids == [["acknowledge"], ["start", "more"]]


@pytest.mark.parametrize(("count", "menus"), [(1, [1]), (5, [5]), (6, [5, 1]), (30, [5, 5, 5, 5])])
def test_a_menu_holds_five(count: int, menus: list[int]) -> None:
    blocks = drawn(*(made(ActionKind.NOTE, Place.MORE, f"INC-0001|4|{number}") for number in range(count)))
    elements = [one for block in blocks for one in block["elements"]]
    assert [len(one["options"]) for one in elements] == menus
    assert len({one["action_id"] for one in elements}) == len(menus)


def test_what_finds_no_room_in_the_row_stands_behind_the_menu() -> None:
    blocks = drawn(*(made(ActionKind.SERVICE_DONE, Place.ROW, f"INC-0001|4|s{number}") for number in range(10)))
    assert len(buttons_of(blocks)) == 8
    assert [option["value"] for _, option in options_of(blocks)] == [
        "service_done|INC-0001|4|s8",
        "service_done|INC-0001|4|s9",
    ]


def test_a_value_that_no_option_can_hold_is_a_button() -> None:
    blocks = drawn(made(ActionKind.SKIP, Place.MORE, "INC-0001|4|" + "s" * 140))
    assert [one["action_id"] for one in buttons_of(blocks)] == ["skip"]


def chosen(value: str) -> dict[str, Any]:
    action = {"action_id": "more:2", "type": "overflow", "action_ts": "1.0", "selected_option": {"value": value}}
    return {"type": "block_actions", "user": {"id": "U0ANA"}, "trigger_id": "7.a", "actions": [action]}


def test_a_choice_from_a_menu_is_a_click_on_what_was_chosen() -> None:
    click = click_of(chosen("skip|INC-0001|4|flags"))
    assert click is not None
    assert (click.action, click.value, click.menu, click.trigger) == ("skip", "INC-0001|4|flags", True, "7.a")


@pytest.mark.parametrize("value", ["", "skip", "|", "more|INC-0001|4"])
def test_a_choice_that_cannot_be_read_is_no_action(value: str) -> None:
    click = click_of(chosen(value))
    assert click is not None
    assert (click.action, click.value) != ("skip", "INC-0001|4")


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"note": {"value": {"type": "plain_text_input", "value": "x"}}}, {"note": "x"}),
        ({"note": {"value": {"type": "plain_text_input", "value": None}}}, {"note": ""}),
        ({"passed": {"value": {"selected_option": {"value": "yes"}}}}, {"passed": "yes"}),
        ({"passed": {"value": {"selected_option": None}}}, {"passed": ""}),
        ({"people": {"value": {"selected_users": ["U0ANA", "U0BOB"]}}}, {"people": "U0ANA,U0BOB"}),
        ({"note": "no object"}, {"note": ""}),
        ("no object", {}),
    ],
)
def test_what_stands_in_a_form_is_read(state: object, words: dict[str, str]) -> None:
    view = {
        "id": "V1",
        "hash": "h",
        "callback_id": "note",
        "private_metadata": "INC-0001|4",
        "state": {"values": state},
    }
    sent = submission_of({"type": "view_submission", "user": {"id": "U0ANA"}, "view": view})
    assert sent is not None
    assert sent.words == words


def test_of_many_alerts_one_button_asks_which() -> None:
    incident = opened(200, resolve=Resolve.BY_PERSON).incident
    actions = actions_of(incident)
    dealt = [one for one in actions if one.kind is ActionKind.DEALT_WITH]
    gone = [one for one in actions if one.kind is ActionKind.GONE_FOR_GOOD]
    assert [(one.value, one.asks) for one in dealt + gone] == [(f"INC-0042|{incident.rev}", True)] * 2
    assert len([one for one in actions if one.place is Place.MORE]) <= 5
    asked = form(ActionKind.GONE_FOR_GOOD, incident)
    assert asked is not None
    assert asked.asks[0].name == "alert"
    assert asked.asks[0].choices[0] == ("1", "ApiErrors (shop-1)")
    assert view_refusal(view_of(asked, ActionKind.GONE_FOR_GOOD, dealt[0].value)) is None


def test_what_is_proposed_is_pinned_with_one_tap_and_any_other_target_by_a_form() -> None:
    incident = opened(1).incident
    assert form(ActionKind.PIN, incident, PROPOSED) is None
    assert form(ActionKind.PIN, incident) is not None


def test_a_question_from_behind_the_menu_is_a_form_without_fields() -> None:
    asked = question(Action(ActionKind.START, "Start…", "INC-0001|4", CONFIRM, place=Place.MORE))
    view = view_of(asked, ActionKind.START, "INC-0001|4")
    assert view_refusal(view) is None
    assert (view["title"]["text"], view["submit"]["text"], len(view["blocks"])) == ("Really?", "Yes", 1)
    back = refused("Nobody may.", ())
    assert (back["response_action"], view_refusal(back["view"])) == ("update", None)


def test_any_form_is_within_the_limits() -> None:
    long, hostile = "x" * 9000, "<!channel> & \ud800 🔴" * 400
    asks = [
        Ask(f"f{number}", hostile, kind, initial=long, hint=hostile, choices=((long, hostile),) * 200)
        for number, kind in enumerate([*Input] * 40)
    ]
    for one in (Form(long, hostile, tuple(asks), hostile), Form("", "", (Ask("a", ""),), ""), *FORMS.values()):
        assert view_refusal(view_of(one, ActionKind.NOTE, "INC-0001|4")) is None
