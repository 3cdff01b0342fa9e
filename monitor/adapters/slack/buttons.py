"""Buttons as Slack shows them: the first alone, the others in a row, what is wanted less often behind ⋯. Pure.

An option of a menu cannot ask before it is sent, so one with a question is asked in a modal (`forms`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    ConfirmObject,
    InteractiveElement,
    Option,
    OverflowMenuElement,
    PlainTextObject,
)

from monitor.adapters.slack.clicks import MENU, option_value
from monitor.adapters.slack.mrkdwn import plain
from monitor.core.naming import marked
from monitor.core.pages.page import Action, Place

MAX_OPTIONS = 5
"""Options that one menu may have."""
MAX_OPTION = 150
"""Characters of an option's value."""


@dataclass(frozen=True, slots=True)
class Room:
    """How many buttons a row may have, and how many menus stand behind it."""

    buttons: int = 8
    menus: int = 4


WIDE = Room()


def button_rows(actions: Sequence[Action], room: Room = WIDE) -> list[Block]:
    """Give the buttons: what matters most first and alone, so that a thumb in the dark finds it."""
    first = [one for one in actions if one.place is Place.FIRST]
    row = [one for one in actions if one.place is Place.ROW]
    more = [one for one in actions if one.place is Place.MORE]
    big = [one for one in more if len(option_value(one.kind, one.value)) > MAX_OPTION]
    row += big
    row, behind = row[: room.buttons], row[room.buttons :]
    menus = _menus([*behind, *(one for one in more if one not in big)], room.menus)
    return [ActionsBlock(elements=one) for one in (_buttons(first), [*_buttons(row), *menus]) if one]


def _buttons(actions: Iterable[Action]) -> list[InteractiveElement]:
    """Give buttons; an action id may stand in a block but once, so a second of a kind is numbered."""
    elements: list[InteractiveElement] = []
    seen: dict[str, int] = {}
    for action in actions:
        seen[action.kind] = seen.get(action.kind, 0) + 1
        number = f":{seen[action.kind]}" if seen[action.kind] > 1 else ""
        elements.append(_button(action, f"{action.kind}{number}"))
    return elements


def _button(action: Action, action_id: str) -> ButtonElement:
    """Give one button; its question, where it has one, is asked by Slack before the click is sent."""
    return ButtonElement(
        text=PlainTextObject(text=plain(action.label, 75) or "-", emoji=False),
        action_id=action_id,
        value=action.value[:2000],
        style="danger" if action.danger else "primary" if action.place is Place.FIRST else None,
        confirm=_confirm(action),
    )


def _confirm(action: Action) -> ConfirmObject | None:
    if action.confirm is None:
        return None
    title, text, yes, no = action.confirm
    title = marked(action.value.partition("|")[0], title)
    return ConfirmObject(
        title=PlainTextObject(text=plain(title, 100) or "-"),
        text=PlainTextObject(text=plain(text, 300) or "-"),
        confirm=PlainTextObject(text=plain(yes, 30) or "Yes"),
        deny=PlainTextObject(text=plain(no, 30) or "No"),
        style="danger" if action.danger else None,
    )


def _menus(actions: Sequence[Action], most: int) -> list[InteractiveElement]:
    """Give ⋯ with what is behind it; five options a menu."""
    fits = [one for one in actions if len(option_value(one.kind, one.value)) <= MAX_OPTION][: most * MAX_OPTIONS]
    parts = [fits[start : start + MAX_OPTIONS] for start in range(0, len(fits), MAX_OPTIONS)]
    return [_menu(part, f"{MENU}{f':{number}' if number > 1 else ''}") for number, part in enumerate(parts, start=1)]


def _menu(actions: Iterable[Action], action_id: str) -> OverflowMenuElement:
    options = [
        Option(
            text=PlainTextObject(text=plain(one.label, 75) or "-", emoji=False), value=option_value(one.kind, one.value)
        )
        for one in actions
    ]
    return OverflowMenuElement(action_id=action_id, options=options)
