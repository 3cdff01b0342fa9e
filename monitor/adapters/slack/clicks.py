"""What Slack sends when somebody presses a button, sends a form or types the slash command, read into values.

Pure. Whatever is sent, nothing is raised: what cannot be read is None.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from monitor.core.pages.page import ActionKind

VALUE = re.compile(r"(?P<incident>[A-Z]{1,10}-[0-9]{1,9})\|(?P<rev>[0-9]{1,9})(?:\|(?P<subject>[^|\x00-\x1f]{1,200}))?")
"""A button's value: the incident, its revision when the button was drawn, and what it is about (an alert, a step)."""
MENU = "more"
"""The action id of a menu; what was chosen from it stands in the option's value, behind its kind."""
LONGEST = 3_000
MOST_FIELDS = 100
FIELD = "value"
"""The action id of the element in a form's field; the field itself is named by its block."""


def option_value(kind: str, value: str) -> str:
    """Give the value of a menu's option: what it asks for, and the value that its button would have."""
    return f"{kind}|{value}"


@dataclass(frozen=True, slots=True)
class Who:
    """Who sent something, from where, as Slack told it. `enterprise` is the organisation of the workspace, if any."""

    user_id: str
    user_name: str
    user_team: str
    team: str
    enterprise: str
    app: str


@dataclass(frozen=True, slots=True)
class Click:
    """One press of a button, or one choice from a `menu`.

    `thread` is the ts of the thread that the message stands in, `trigger` what a form can be opened with for 3 s.
    """

    who: Who
    action: str
    value: str
    channel: str
    message_ts: str
    thread: str
    action_ts: str
    trigger: str = ""
    menu: bool = False

    @property
    def key(self) -> str:
        """The identity of this very press, whatever carries it and however often."""
        return f"{self.who.user_id}/{self.action}/{self.action_ts}"


@dataclass(frozen=True, slots=True)
class Submission:
    """A form that was sent: `action` and `value` are those of its button, `words` what stands in its fields."""

    who: Who
    action: str
    value: str
    words: Mapping[str, str]
    view: str
    hash: str
    trigger: str

    @property
    def key(self) -> str:
        """The identity of this very form: it takes effect but once."""
        return f"{self.who.user_id}/{self.action}/{self.view}/{self.hash}"

    @property
    def attempt(self) -> str:
        """The identity of this very sending: a form that was refused can be sent again."""
        return f"{self.key}/{self.trigger}"


@dataclass(frozen=True, slots=True)
class Typed:
    """One slash command: its name as the workspace has it, and the words behind it."""

    who: Who
    name: str
    words: tuple[str, ...]
    trigger: str

    @property
    def key(self) -> str:
        """The identity of this very command."""
        return f"{self.who.user_id}/{self.name}/{self.trigger}"


def kind_of(action_id: str) -> ActionKind | None:
    """Give what an action id asks for; a number behind a colon only tells buttons of one kind apart."""
    try:
        return ActionKind(action_id.partition(":")[0])
    except ValueError:
        return None


def click_of(payload: object) -> Click | None:
    """Read a `block_actions` payload; None where it is something else or lacks who, what or when."""
    if not isinstance(payload, Mapping) or payload.get("type") != "block_actions":
        return None
    actions = payload.get("actions")
    if not isinstance(actions, list) or not actions:
        return None
    message, container = _part(payload, "message"), _part(payload, "container")
    action = actions[0] if isinstance(actions[0], Mapping) else {}
    menu = _text(action, "action_id").partition(":")[0] == MENU
    kind, _, about = _text(_part(action, "selected_option"), "value").partition("|")
    click = Click(
        who=_who(payload),
        action=(kind or MENU) if menu else _text(action, "action_id"),
        value=about if menu else _text(action, "value"),
        channel=_text(_part(payload, "channel"), "id") or _text(container, "channel_id"),
        message_ts=_text(message, "ts") or _text(container, "message_ts"),
        thread=_text(message, "thread_ts"),
        action_ts=_text(action, "action_ts"),
        trigger=_text(payload, "trigger_id"),
        menu=menu,
    )
    return click if click.who.user_id and click.action and click.action_ts else None


def submission_of(payload: object) -> Submission | None:
    """Read a `view_submission` payload; None where it is something else or lacks who, what or which."""
    if not isinstance(payload, Mapping) or payload.get("type") != "view_submission":
        return None
    view = _part(payload, "view")
    submission = Submission(
        who=_who(payload),
        action=_text(view, "callback_id"),
        value=_text(view, "private_metadata"),
        words=_words(_part(_part(view, "state"), "values")),
        view=_text(view, "id"),
        hash=_text(view, "hash"),
        trigger=_text(payload, "trigger_id"),
    )
    return submission if submission.who.user_id and submission.action and submission.view else None


def _words(values: Mapping[str, Any]) -> dict[str, str]:
    """Give what stands in each field, as words: a text, the value that was chosen, or ids with commas."""
    found = {}
    for name in list(values)[:MOST_FIELDS]:
        field = _part(_part(values, name), FIELD)
        users = field.get("selected_users")
        chosen = _text(_part(field, "selected_option"), "value")
        called = ",".join(str(one)[:20] for one in users[:MOST_FIELDS]) if isinstance(users, list) else ""
        found[str(name)] = _text(field, "value") or chosen or called
    return found


def typed_of(form: object) -> Typed | None:
    """Read a slash command's form; None where it lacks who, or the command."""
    if not isinstance(form, Mapping):
        return None
    team = _text(form, "team_id")
    who = Who(
        user_id=_text(form, "user_id"),
        user_name=_text(form, "user_name"),
        user_team=team,
        team=team,
        enterprise=_text(form, "enterprise_id"),
        app=_text(form, "api_app_id"),
    )
    name = _text(form, "command")
    if not who.user_id or not name.startswith("/"):
        return None
    return Typed(who, name[:60], tuple(_text(form, "text")[:300].split()), _text(form, "trigger_id"))


def _who(payload: Mapping[str, Any]) -> Who:
    user, team = _part(payload, "user"), _text(_part(payload, "team"), "id")
    return Who(
        user_id=_text(user, "id"),
        user_name=_text(user, "username") or _text(user, "name"),
        user_team=_text(user, "team_id") or team,
        team=team,
        enterprise=_text(_part(payload, "enterprise"), "id"),
        app=_text(payload, "api_app_id"),
    )


def _part(of: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Give a nested object, or an empty one."""
    part = of.get(name)
    return part if isinstance(part, Mapping) else {}


def _text(of: Mapping[str, Any], name: str) -> str:
    """Give a text, or an empty one; nothing of Slack's is longer than a few thousand characters."""
    text = of.get(name)
    return text[:LONGEST] if isinstance(text, str) else ""
