"""Clicks and slash commands, whatever carried them here: checked, deduplicated, handed on, and answered.

A button carries no authority: who clicked is looked up at the click, what it does is decided by the handler against the
present state. Knows nothing of Socket Mode or HTTP. What cannot be read is dropped with a log line, never an exception.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import structlog

from monitor.adapters.slack.clicks import VALUE, Click, Typed, Who, click_of, kind_of, typed_of
from monitor.adapters.slack.mrkdwn import escaped
from monitor.core.events import Actor, Role, Source
from monitor.core.page import ActionKind
from monitor.core.rule import Route

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

    One that is not `taken` could not be judged: the carrier must not hear that it counts, since words may not arrive.
    """

    ephemeral: str | None = None
    click: Click | None = None
    taken: bool = True


@dataclass(frozen=True, slots=True)
class Press:
    """What somebody asks for, as the handler gets it.

    `rev` is the incident's revision that the button was drawn at (None: no button). `n` numbers the alert that is
    meant, or is nothing. `doubt` is a sentence where not all rights of `by` could be read; those that were are granted.
    """

    incident: str
    command: ActionKind
    by: Actor
    rev: int | None = None
    n: str = ""
    doubt: str = ""


class Handle(Protocol):
    """Does what a click asks for, and commits it: None when it is done and the message will show it, else words."""

    def __call__(self, press: Press) -> str | None:
        """Carry out `press`."""


class SlashAnswer(Protocol):
    """Answers the words of a slash command."""

    def __call__(self, typed: Typed, ask: Callable[[str, ActionKind], str | None]) -> str:
        """Give the answer; `ask` asks for a command on an incident, in the name of who typed, as a click would."""


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


class Dispatcher:
    """Takes interactive payloads and slash commands, gives answers. Thread-safe; blocks while the handler commits."""

    def __init__(
        self, handle: Handle, directory: Directory, route: Callable[[], Route], slash: SlashAnswer | None = None
    ) -> None:
        """Make a dispatcher; `route` gives the present route, `slash` answers slash commands."""
        self._handle = handle
        self._directory = directory
        self._route = route
        self._slash = slash
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._underway: set[str] = set()
        self._over = threading.Condition()

    def dispatch(self, payload: object, envelope: str = "") -> Answer:
        """Do what a payload asks for. Never raises; `envelope` is the carrier's own id of it, where it has one."""
        click = click_of(payload)
        if click is None:
            _log.warning("slack.payload_dropped", envelope=envelope, why="no button press that can be read")
            return Answer()
        words = self._once(click.key, envelope, click.who, lambda actor, doubt: self._press(click, actor, doubt))
        return Answer(escaped(words, LONGEST) if words else None, click, taken=words != HOMELESS)

    def command(self, form: object, envelope: str = "") -> Answer:
        """Answer a slash command. Never raises."""
        typed, answer = typed_of(form), self._slash
        if typed is None or answer is None:
            _log.warning("slack.payload_dropped", envelope=envelope, why="no slash command that can be read")
            return Answer()

        def act(actor: Actor, doubt: str) -> str:
            return answer(typed, lambda incident, kind: self._handle(Press(incident, kind, actor, doubt=doubt)))

        words = self._once(typed.key, envelope, typed.who, act)
        return Answer(escaped(words, LONGEST) if words else None)

    def _once(self, key: str, envelope: str, who: Who, act: Callable[[Actor, str], str | None]) -> str | None:
        """Let `who` act, unless it was seen before; one whose effect failed may be tried again, so it is forgotten."""
        keys = [key, *([f"envelope {envelope}"] if envelope else [])]
        try:
            refusal, name = self._foreign(who)
            if refusal:
                _log.warning("slack.click_refused", user=who.user_id, team=who.team, why=refusal)
                return refusal
            if not self._remember(keys):
                _log.info("slack.click_repeated", user=who.user_id, click=key)
                return None
            rights = self._directory.rights(who.user_id, self._route())
            actor = Actor(who.user_id, name, Source.SLACK, rights.roles, click=key)
            words = act(actor, _doubt(rights))
        except Exception:  # noqa: BLE001  # whatever is raised, the person must be told
            self._done(keys, forget=True)
            _log.exception("slack.click_failed", user=who.user_id, click=key)
            return BROKEN
        self._done(keys)
        _log.info("slack.click_handled", user=who.user_id, click=key, words=words)
        return words

    def _press(self, click: Click, actor: Actor, doubt: str) -> str | None:
        """Read what the button means and hand it on."""
        kind, value = kind_of(click.action), VALUE.fullmatch(click.value)
        if kind is None or value is None:
            return UNKNOWN
        return self._handle(Press(value["incident"], kind, actor, int(value["rev"]), value["n"] or "", doubt))

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


def _doubt(rights: Rights) -> str:
    """Say why somebody may be refused who is in fact allowed: what cannot be read grants nothing."""
    if not rights.unread:
        return ""
    groups = ", ".join(rights.unread)
    return f"Slack could not be asked who is in {groups}, so this was not done: try again in a moment. {ELSEWHERE}"
