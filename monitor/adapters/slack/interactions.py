"""Clicks, forms and slash commands, whatever carried them here: checked, deduplicated, handed on, and answered.

A button carries no authority: who clicked is looked up at the click, what it does is decided by the handler against the
present state. Knows nothing of Socket Mode or HTTP. What cannot be read is dropped with a log line, never an exception.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeAlias

import structlog

from monitor.adapters.slack.clicks import (
    VALUE,
    Click,
    Submission,
    Typed,
    Who,
    click_of,
    kind_of,
    submission_of,
    typed_of,
)
from monitor.adapters.slack.forms import refused, view_of
from monitor.adapters.slack.mrkdwn import escaped
from monitor.core.actor import Actor, Role, Source
from monitor.core.pages.forms import Form
from monitor.core.pages.page import ActionKind
from monitor.core.rules.routing import Route

REMEMBERED = 4_096
"""How many clicks are remembered to know them again at once; those that had an effect are known by its event."""
UNDERWAY = 10.0
"""Seconds that a click told again waits for the first one of it, which is not committed yet, before it tries itself."""
ELSEWHERE = "Use the command line meanwhile: rollback-monitor incident --help"
UNKNOWN = f"This button is not one that the running version knows; nothing was done. {ELSEWHERE}"
BROKEN = f"The monitor had an error: look whether the message changed. {ELSEWHERE}"
FOREIGN = "Only members of the workspace that Rollback Monitor is installed in may use it."
HOMELESS = f"Slack could not be asked which workspace this is, so nothing was done: try again in a moment. {ELSEWHERE}"
LONGEST = 3_000

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What to tell the person who clicked, and nobody else, safe for Slack; None: the message shows what it did.

    `body` goes back with the acknowledgement, as what is wrong with a form does. One that is not `taken` could not be
    judged: the carrier must not hear that it counts, since words may not arrive.
    """

    ephemeral: str | None = None
    click: Click | None = None
    body: Mapping[str, Any] | None = None
    taken: bool = True


@dataclass(frozen=True, slots=True)
class Press:
    """What somebody asks for, as the handler gets it.

    `rev` is the incident's revision that the button was drawn at (None: no button). `subject` is
    what it is about (an alert by its number, a step), `words` are the fields of its form. `doubt` is a sentence where
    not all rights of `by` could be read; those that were are granted.
    """

    incident: str
    command: ActionKind
    by: Actor
    rev: int | None = None
    subject: str = ""
    doubt: str = ""
    words: Mapping[str, str] = field(default_factory=dict)


class Handle(Protocol):
    """Does what a click asks for, and commits it: None when it is done and the message will show it, else words."""

    def __call__(self, press: Press, /) -> str | None:
        """Carry out `press`."""


class Forms(Protocol):
    """The forms of actions, and what opens them."""

    def form_of(self, press: Press, *, chosen: bool) -> Form | str | None:
        """Give the form that `press` asks to be filled in, words where it may not be, None where it asks for none.

        `chosen`: it was chosen from a menu, which could not ask anything beforehand.
        """

    def open(self, click: Click, view: Mapping[str, Any]) -> None:
        """Open `view` for who clicked. Never waits, never raises."""


class Formless:
    """Asks for nothing: every press is carried out as it is."""

    def form_of(self, press: Press, *, chosen: bool) -> None:
        """Give no form."""

    def open(self, click: Click, view: Mapping[str, Any]) -> None:
        """Open nothing."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who typed a slash command.

    `ask` asks for a command on an incident in their name, as a click would; `actor` gives them with their rights there.
    """

    ask: Callable[[str, ActionKind], str | None]
    actor: Callable[[str], Actor]


class SlashAnswer(Protocol):
    """Answers the words of a slash command."""

    def __call__(self, typed: Typed, by: Speaker) -> str:
        """Give the answer to what `by` typed."""


@dataclass(frozen=True, slots=True)
class Home:
    """Our workspace, the organisation that it belongs to (nothing: none), and our app (nothing: not known)."""

    team: str
    enterprise: str = ""
    app: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody, as Slack knows them; `trouble` says why they may not use the app at all."""

    name: str
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Rights:
    """What somebody may do; `unread` are the user groups that could not be read, so that they grant nothing."""

    roles: frozenset[Role] = frozenset()
    unread: tuple[str, ...] = ()


class Directory(Protocol):
    """Who is who."""

    def rights(self, user: str, route: Route) -> Rights:
        """Give what `user` may do on incidents of `route`."""

    def person(self, user: str, known_as: str) -> Person:
        """Give who `user` is; `known_as` is the name that came along."""

    def home(self) -> Home | None:
        """Give our workspace, or None while it is not known."""


Known: TypeAlias = Callable[[str], tuple[Actor, str]]
"""Gives somebody as they may act on an incident by its name, and why not all of their rights could be read."""


class Dispatcher:
    """Takes interactive payloads and slash commands, gives answers. Thread-safe; blocks while the handler commits."""

    def __init__(
        self,
        handle: Handle,
        directory: Directory,
        route: Callable[[str], Route],
        slash: SlashAnswer | None = None,
        forms: Forms | None = None,
    ) -> None:
        """Make a dispatcher; `route` gives who may act on an incident by its name, `slash` answers slash commands."""
        self._handle = handle
        self._forms = forms or Formless()
        self._directory = directory
        self._route = route
        self._slash = slash
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._underway: set[str] = set()
        self._over = threading.Condition()

    def dispatch(self, payload: object, envelope: str = "") -> Answer:
        """Do what a payload asks for. Never raises; `envelope` is the carrier's own id of it, where it has one."""
        submission = submission_of(payload)
        if submission is not None:
            return self._submitted(submission, envelope)
        click = click_of(payload)
        if click is None:
            _log.warning("slack.payload_dropped", envelope=envelope, why="no button press that can be read")
            return Answer()
        keys = [click.key, _carried(envelope)]
        words = self._once(keys, click.who, lambda known: self._press(click, known))
        return Answer(escaped(words, LONGEST) if words else None, click, taken=words != HOMELESS)

    def _submitted(self, form: Submission, envelope: str) -> Answer:
        """Carry out a form; what could not be done is said in the form, which stays open, and may be sent again."""

        def act(known: Known) -> str | None:
            press = _press_of(form.action, form.value, known)
            return self._handle(replace(press, words=form.words)) if press else UNKNOWN

        keys = [form.key, _carried(envelope)]
        words = self._once(keys, form.who, act, click=form.attempt)
        if not words:
            return Answer()
        self._done(keys[:1], forget=True)
        return Answer(body=refused(words, tuple(form.words)))

    def command(self, form: object, envelope: str = "") -> Answer:
        """Answer a slash command. Never raises."""
        typed, answer = typed_of(form), self._slash
        if typed is None or answer is None:
            _log.warning("slack.payload_dropped", envelope=envelope, why="no slash command that can be read")
            return Answer()

        def act(known: Known) -> str:
            def press(incident: str, kind: ActionKind) -> str | None:
                actor, doubt = known(incident)
                return self._handle(Press(incident, kind, actor, doubt=doubt))

            return answer(typed, Speaker(press, lambda incident: known(incident)[0]))

        words = self._once([typed.key, _carried(envelope)], typed.who, act)
        return Answer(escaped(words, LONGEST) if words else None)

    def _once(self, names: list[str], who: Who, act: Callable[[Known], str | None], *, click: str = "") -> str | None:
        """Let `who` act, unless it was seen before; one whose effect failed may be tried again, so it is forgotten.

        `names` are those by which it is known again, `click` (default: the first of them) goes on record with it.
        """
        key, keys = click or names[0], [one for one in names if one]
        try:
            refusal, name = self._foreign(who)
            if refusal:
                _log.warning("slack.click_refused", user=who.user_id, team=who.team, why=refusal)
                return refusal
            if not self._remember(keys):
                _log.info("slack.click_repeated", user=who.user_id, click=key)
                return None
            words = act(lambda incident: self._known(who, name, incident, key))
        except Exception:  # noqa: BLE001  # whatever is raised, the person must be told
            self._done(keys, forget=True)
            _log.exception("slack.click_failed", user=who.user_id, click=key)
            return BROKEN
        self._done(keys)
        _log.info("slack.click_handled", user=who.user_id, click=key, words=words)
        return words

    def _known(self, who: Who, name: str, incident: str, key: str) -> tuple[Actor, str]:
        """Give who acts on `incident`, with the rights there, and why some may be missing."""
        rights = self._directory.rights(who.user_id, self._route(incident))
        return Actor(who.user_id, name, Source.SLACK, rights.roles, click=key), _doubt(rights)

    def _press(self, click: Click, known: Known) -> str | None:
        """Read what the button means and hand it on; where it asks for words, open its form instead."""
        press = _press_of(click.action, click.value, known)
        if press is None:
            return UNKNOWN
        form = self._forms.form_of(press, chosen=click.menu)
        if isinstance(form, Form):
            self._forms.open(click, view_of(form, press.command, click.value))
            return None
        return form or self._handle(press)

    def _foreign(self, who: Who) -> tuple[str, str]:
        """Give the words for somebody from outside our workspace or app, or nothing and their name."""
        home = self._directory.home()
        if home is None:
            return HOMELESS, ""
        if who.team != home.team or who.user_team != home.team or who.enterprise not in {"", home.enterprise}:
            return FOREIGN, ""
        if home.app and who.app != home.app:
            return "This button belongs to another Slack app.", ""
        person = self._directory.person(who.user_id, who.user_name)
        return person.trouble, person.name

    def _remember(self, keys: list[str]) -> bool:
        """Remember a click as under way; False where any of its keys was seen before.

        Whoever gets False says to the carrier that the click is taken, so the first one of it must be over by then.
        """
        with self._over:
            self._over.wait_for(lambda: self._underway.isdisjoint(keys), UNDERWAY)
            if any(key in self._seen for key in keys) and self._underway.isdisjoint(keys):
                return False
            self._underway.update(keys)
            self._seen.update(dict.fromkeys(keys))
            while len(self._seen) > REMEMBERED:
                self._seen.popitem(last=False)
            return True

    def _done(self, keys: list[str], *, forget: bool = False) -> None:
        """Take down that a click is over; one that had no effect is forgotten."""
        with self._over:
            self._underway.difference_update(keys)
            for key in keys if forget else ():
                self._seen.pop(key, None)
            self._over.notify_all()


def _carried(envelope: str) -> str:
    """Give the name by which what came in an envelope is known again."""
    return f"envelope {envelope}" if envelope else ""


def _press_of(action: str, value: str, known: Known) -> Press | None:
    """Read what a button or form means; None where the running version knows no such thing."""
    kind, found = kind_of(action), VALUE.fullmatch(value)
    if kind is None or found is None:
        return None
    actor, doubt = known(found["incident"])
    return Press(found["incident"], kind, actor, int(found["rev"]), found["subject"] or "", doubt)


def _doubt(rights: Rights) -> str:
    """Say why somebody may be refused who is in fact allowed: what cannot be read grants nothing."""
    if not rights.unread:
        return ""
    groups = ", ".join(rights.unread)
    return f"Slack could not be asked who is in {groups}, so this was not done: try again in a moment. {ELSEWHERE}"
