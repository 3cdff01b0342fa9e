"""Forms as Slack's modals: the view that is opened, and what goes back where it could not be done. Pure.

A field's block is named as its words are in requests; the button's value travels in the view, and carries no authority.
"""

from typing import Any, TypeAlias

from slack_sdk.models.blocks import (
    Block,
    InputBlock,
    InputInteractiveElement,
    MarkdownTextObject,
    Option,
    PlainTextInputElement,
    PlainTextObject,
    RadioButtonsElement,
    SectionBlock,
    StaticSelectElement,
    UserMultiSelectElement,
)
from slack_sdk.models.views import View

from monitor.adapters.slack.clicks import FIELD
from monitor.adapters.slack.mrkdwn import escaped, literal, plain
from monitor.core.pages.forms import Ask, Form, Input
from monitor.core.pages.page import ActionKind

Json: TypeAlias = dict[str, Any]

MAX_TITLE, MAX_LABEL, MAX_HINT, MAX_WORDS = 24, 75, 300, 2_000
MAX_FIELDS, MAX_RADIOS, MAX_CHOICES = 90, 5, 100


def view_of(form: Form, kind: ActionKind, value: str) -> Json:
    """Give the modal of `form`; `value` is that of the button that was pressed."""
    view = View(
        type="modal",
        callback_id=str(kind),
        private_metadata=value[:MAX_WORDS],
        title=_plain(form.title, MAX_TITLE),
        submit=_plain(form.submit, MAX_TITLE),
        close=_plain("Cancel", MAX_TITLE),
        blocks=[*_said(form.text), *(_field(one) for one in form.asks[:MAX_FIELDS])],
    )
    return view.to_dict()


def refused(sentence: str, fields: tuple[str, ...]) -> Json:
    """Give what goes back where nothing was done: the sentence under the first field, or in place of the form."""
    if fields:
        return {"response_action": "errors", "errors": {fields[0]: plain(sentence, MAX_HINT * 2)}}
    view = View(
        type="modal",
        title=_plain("Nothing was done", MAX_TITLE),
        close=_plain("Close", MAX_TITLE),
        blocks=_said(sentence),
    )
    return {"response_action": "update", "view": view.to_dict()}


def _said(text: str) -> list[Block]:
    words = escaped(text, MAX_WORDS)
    return [SectionBlock(text=MarkdownTextObject(text=words, verbatim=True))] if words.strip() else []


def _plain(text: str, limit: int) -> PlainTextObject:
    return PlainTextObject(text=plain(" ".join(text.split()), limit) or "-", emoji=False)


def _field(ask: Ask) -> InputBlock:
    return InputBlock(
        block_id=ask.name[:255],
        label=_plain(ask.label, MAX_LABEL),
        element=_element(ask),
        hint=_plain(ask.hint, MAX_HINT) if ask.hint.strip() else None,
        optional=ask.optional,
    )


def _element(ask: Ask) -> InputInteractiveElement:
    match ask.input:
        case Input.LINE | Input.TEXT:
            return PlainTextInputElement(
                action_id=FIELD,
                multiline=ask.input is Input.TEXT,
                initial_value=literal(ask.initial, MAX_WORDS) or None,
                max_length=MAX_WORDS,
            )
        case Input.PEOPLE:
            return UserMultiSelectElement(action_id=FIELD, placeholder=_plain("Choose people", MAX_LABEL))
        case Input.CHOICE:
            return _choice(ask)


def _choice(ask: Ask) -> InputInteractiveElement:
    """Few answers are all seen at once; many stand in a list."""
    options = [Option(text=_plain(label, MAX_LABEL), value=value[:150]) for value, label in ask.choices[:MAX_CHOICES]]
    initial = next((one for one in options if one.value == ask.initial), None)
    if len(options) <= MAX_RADIOS:
        return RadioButtonsElement(action_id=FIELD, options=options, initial_option=initial)
    return StaticSelectElement(
        action_id=FIELD, placeholder=_plain("Choose", MAX_LABEL), options=options, initial_option=initial
    )
