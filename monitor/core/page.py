"""What people read: a page, a procedure card, the lines of a thread.

Plain words and aware UTC times; how a pager draws them (Slack's blocks, a terminal) is the pager's business.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from monitor.core.incident import Incident
from monitor.core.model import AlertKey
from monitor.core.procedure import Procedure


class Tone(StrEnum):
    """The colour of a page."""

    ROLLBACK = "rollback"
    PREPARE = "prepare"
    BLIND = "blind"
    IN_PROCEDURE = "in_procedure"
    RECOVERED = "recovered"
    ENDED = "ended"


class ActionKind(StrEnum):
    """What a button asks for."""

    ACKNOWLEDGE = "acknowledge"
    STILL_ON_IT = "still_on_it"
    START = "start"
    DEALT_WITH = "dealt_with"


@dataclass(frozen=True, slots=True)
class Action:
    """A button.

    `value` is opaque and carries no authority; `confirm` is asked before it is sent (title, text, yes, no).
    """

    kind: ActionKind
    label: str
    value: str
    confirm: tuple[str, str, str, str] | None = None
    danger: bool = False


@dataclass(frozen=True, slots=True)
class Why:
    """One signal that breaches.

    Its words ("login: 62 % of requests fail"), numbers ("limit 25 %, 310 requests"), since when, and links.
    """

    text: str
    numbers: str
    since: datetime
    tier: str
    links: tuple[tuple[str, str], ...] = ()
    resolved_at: datetime | None = None
    begun: str = "since"


@dataclass(frozen=True, slots=True)
class Page:
    """The root message. `headline` is the lock screen: it must stand alone in about 110 characters."""

    incident: str
    tone: Tone
    headline: str
    why: tuple[Why, ...]
    more: int = 0
    notes: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    actions: tuple[Action, ...] = ()
    footer: str = ""
    mention: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CardStep:
    """One step as the card shows it.

    The texts are Slack's mrkdwn as the procedure's author wrote them. `current` is the open one.
    """

    number: int
    title: str
    current: bool = False
    text: str = ""
    tasks: tuple[str, ...] = ()
    collect: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    waves: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Card:
    """The procedure card in the thread: who commands, what is next, and the steps."""

    incident: str
    title: str
    next_for: str
    status: tuple[str, ...]
    steps: tuple[CardStep, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What an alert's signal says now, for a page that is read now: the rule's summary and the judgement's sentence."""

    at: datetime
    summary: str
    why: str
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything a page is a function of.

    `buttons` says whether a click would be heard, `undurable` why evidence is not written now.
    """

    incident: Incident
    now: datetime
    readings: Mapping[AlertKey, Reading]
    procedure: Procedure | None = None
    mention: tuple[str, ...] = ()
    buttons: bool = True
    undurable: str = ""
