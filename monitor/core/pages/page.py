"""What people read: a page, a procedure card, the lines of a thread.

Plain words and aware UTC times; how a pager draws them (Slack's blocks, a terminal) is the pager's business.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from monitor.core.incidents.incident import Incident
from monitor.core.model import AlertKey
from monitor.core.procedures.procedure import Procedure
from monitor.core.procedures.verification import CheckResult


class Tone(StrEnum):
    """The colour of a page."""

    ROLLBACK = "rollback"
    PREPARE = "prepare"
    BLIND = "blind"
    IN_PROCEDURE = "in_procedure"
    VERIFYING = "verifying"
    RECOVERED = "recovered"
    ENDED = "ended"


class ActionKind(StrEnum):
    """What a button (a word on the command line, a path of the API) asks for."""

    ACKNOWLEDGE = "acknowledge"
    STILL_ON_IT = "still_on_it"
    START = "start"
    DEALT_WITH = "dealt_with"
    FIX_ANOTHER_WAY = "fix_another_way"
    FALSE_ALARM = "false_alarm"
    GONE_FOR_GOOD = "gone_for_good"
    SUMMON = "summon"
    NOTE = "note"
    WATCH_BY_HAND = "watch_by_hand"
    PIN = "pin"
    DONE = "done"
    SKIP = "skip"
    NOT_RELEVANT = "not_relevant"
    UNDO = "undo"
    COLLECT = "collect"
    CHOOSE = "choose"
    APPROVE = "approve"
    SERVICE_DONE = "service_done"
    ANSWER_CHECK = "answer_check"
    ALLOW_DEPLOY = "allow_deploy"
    TAKE_COMMAND = "take_command"
    GIVE_COMMAND = "give_command"
    ABORT = "abort"
    END = "end"
    FORCE_END = "force_end"
    REOPEN = "reopen"
    EXPLAIN = "explain"
    COMPLETE = "complete"
    INJECT_FAULT = "inject_fault"
    ABORT_DRILL = "abort_drill"
    SIGN_OFF = "sign_off"


OF_DRILLS = frozenset({ActionKind.INJECT_FAULT, ActionKind.ABORT_DRILL, ActionKind.SIGN_OFF})
"""What is asked of a drill, and not of its incident."""


class Place(StrEnum):
    """Where a button stands: first and alone, in the row below, or behind ⋯."""

    FIRST = "first"
    ROW = "row"
    MORE = "more"


@dataclass(frozen=True, slots=True)
class Action:
    """A button.

    `value` is opaque and carries no authority; `confirm` is asked before it is sent (title, text, yes, no). One that
    `asks` opens a form instead (`monitor.core.pages.forms`), and is sent with its words.
    """

    kind: ActionKind
    label: str
    value: str
    confirm: tuple[str, str, str, str] | None = None
    danger: bool = False
    place: Place = Place.ROW
    asks: bool = False


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
    """The root message. `headline` is the lock screen: it must stand alone in about 110 characters.

    `changes` are what changed before it and what to go back to.
    """

    incident: str
    tone: Tone
    headline: str
    why: tuple[Why, ...]
    more: int = 0
    changes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    actions: tuple[Action, ...] = ()
    footer: str = ""
    mention: tuple[str, ...] = ()


class Mark(StrEnum):
    """How a line of a card stands."""

    OPEN = "open"
    NEXT = "next"
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class CardCommand:
    """A command to copy, filled in for a service where it is for one; `problem` says why it could not be."""

    run: str
    service: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class CardLine:
    """One line of a list of a step: a task, a wave, an answer, a check; `mark` is how it stands."""

    text: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class CardStep:
    """One step as the card shows it.

    The texts are Slack's mrkdwn as the procedure's author wrote them. `mark` is how it stands, `state` the words for
    that (who, when, why); the one that is `current` is open, with its buttons.
    """

    number: int
    title: str
    mark: Mark = Mark.OPEN
    state: str = ""
    current: bool = False
    text: str = ""
    tasks: tuple[str, ...] = ()
    collected: tuple[str, ...] = ()
    targets: tuple[CardLine, ...] = ()
    waves: tuple[CardLine, ...] = ()
    commands: tuple[CardCommand, ...] = ()
    choices: tuple[CardLine, ...] = ()
    checks: tuple[CardLine, ...] = ()
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True)
class Card:
    """The procedure card in the thread: who commands, what is next, and the steps; below them what may always be done.

    `compared` is the table of the signals before and after, once there is one: (what, when it fired, now).
    """

    incident: str
    title: str
    next_for: str
    status: tuple[str, ...]
    steps: tuple[CardStep, ...]
    actions: tuple[Action, ...] = ()
    compared: tuple[tuple[str, str, str], ...] = ()


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

    `buttons` says whether a click would be heard, `undurable` why evidence is not written now, `nobody` whether no
    responder and no commander is configured; `results` are the checks of its verification as they came out last;
    `injected` is when the fault of a drill was injected, `gated` whether its deploys can be frozen at all.
    """

    incident: Incident
    now: datetime
    readings: Mapping[AlertKey, Reading]
    procedure: Procedure | None = None
    mention: tuple[str, ...] = ()
    buttons: bool = True
    undurable: str = ""
    results: tuple[CheckResult, ...] = ()
    nobody: bool = False
    injected: datetime | None = None
    gated: bool = True

    @property
    def began(self) -> tuple[datetime | None, str]:
        """From when on it is counted, and what that was: as the report does it, the injection of a drill.

        One that was told of when the fault was felt already began nobody knows when.
        """
        breach = min((one.since for one in self.incident.alerts), default=None)
        if self.injected is not None and (breach is None or self.injected <= breach):
            return self.injected, "injection"
        return breach, "first breach"
