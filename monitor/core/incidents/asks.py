"""What people ask of an incident: the commands, and refusals. Frozen.

Each names who asks. What becomes of it is decided in `monitor.core.incidents.decide`.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeAlias

from monitor.core.actor import Actor
from monitor.core.incidents.procedureevents import FollowUp, Pinned
from monitor.core.model import AlertKey, Labels, Presence
from monitor.core.procedures.procedure import Procedure

# --- about the page -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """I have seen it and am on it."""

    by: Actor
    name: Literal["acknowledge"] = "acknowledge"


@dataclass(frozen=True, slots=True)
class SayStillOnIt:
    """I am still on it, though no procedure runs yet."""

    by: Actor
    name: Literal["still_on_it"] = "still_on_it"


@dataclass(frozen=True, slots=True)
class DealWith:
    """What an alert that resolves by a person reported is dealt with."""

    by: Actor
    key: AlertKey
    note: str
    name: Literal["dealt_with"] = "dealt_with"


@dataclass(frozen=True, slots=True)
class FixAnotherWay:
    """It is real; I mend it by something else than a rollback."""

    by: Actor
    note: str
    name: Literal["fix_another_way"] = "fix_another_way"


@dataclass(frozen=True, slots=True)
class CallFalse:
    """It is no trouble: retire and silence what fires."""

    by: Actor
    reason: str
    name: Literal["false_alarm"] = "false_alarm"


@dataclass(frozen=True, slots=True)
class SayGone:
    """An instance that fired and vanished will not come back; `presence` is what the monitor sees of it."""

    by: Actor
    key: AlertKey
    note: str
    presence: Presence = Presence.UNKNOWN
    name: Literal["gone_for_good"] = "gone_for_good"


@dataclass(frozen=True, slots=True)
class Summon:
    """Page somebody else; `people` are user or user-group ids."""

    by: Actor
    people: tuple[str, ...]
    note: str = ""
    name: Literal["summon"] = "summon"


@dataclass(frozen=True, slots=True)
class Note:
    """Something worth remembering."""

    by: Actor
    note: str
    name: Literal["note"] = "note"


@dataclass(frozen=True, slots=True)
class WatchByHand:
    """I look at the dashboards while the monitor cannot see."""

    by: Actor
    name: Literal["watch_by_hand"] = "watch_by_hand"


# --- the procedure --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StartProcedure:
    """I become incident commander; open the checklist. `steps` is the number of steps of `procedure`."""

    by: Actor
    procedure: str
    steps: int
    plan: Procedure | None = None
    name: Literal["start"] = "start"


@dataclass(frozen=True, slots=True)
class Pin:
    """This is what we roll back to."""

    by: Actor
    targets: tuple[Pinned, ...]
    name: Literal["pin"] = "pin"


@dataclass(frozen=True, slots=True)
class FinishStep:
    """A step is done."""

    by: Actor
    step: str
    name: Literal["done"] = "done"


@dataclass(frozen=True, slots=True)
class SkipStep:
    """A step is left out; not `relevant`: it does not apply here."""

    by: Actor
    step: str
    reason: str
    relevant: bool = True
    name: Literal["skip"] = "skip"


@dataclass(frozen=True, slots=True)
class UndoStep:
    """The last word about a step was a mistake."""

    by: Actor
    step: str
    name: Literal["undo"] = "undo"


@dataclass(frozen=True, slots=True)
class Collect:
    """What a step asks to be written down."""

    by: Actor
    step: str
    fields: Labels
    name: Literal["collect"] = "collect"


@dataclass(frozen=True, slots=True)
class Choose:
    """The answer to the question that a step asks."""

    by: Actor
    step: str
    choice: str
    name: Literal["choose"] = "choose"


@dataclass(frozen=True, slots=True)
class Approve:
    """I agree to the decision of a step."""

    by: Actor
    step: str
    name: Literal["approve"] = "approve"


@dataclass(frozen=True, slots=True)
class SayRolledBack:
    """A service is at its target, though the monitor cannot see its version."""

    by: Actor
    service: str
    name: Literal["service_done"] = "service_done"


@dataclass(frozen=True, slots=True)
class AnswerCheck:
    """How a check came out that the monitor may not run; `check` is its id."""

    by: Actor
    check: str
    passed: bool
    note: str
    name: Literal["answer_check"] = "answer_check"


@dataclass(frozen=True, slots=True)
class AllowDeploy:
    """Let one deploy of a service through the freeze."""

    by: Actor
    service: str
    name: Literal["allow_deploy"] = "allow_deploy"


@dataclass(frozen=True, slots=True)
class TakeCommand:
    """Make me incident commander."""

    by: Actor
    name: Literal["take_command"] = "take_command"


@dataclass(frozen=True, slots=True)
class GiveCommand:
    """I give command to whoever asked for it."""

    by: Actor
    name: Literal["give_command"] = "give_command"


@dataclass(frozen=True, slots=True)
class Abort:
    """Give the procedure up."""

    by: Actor
    reason: str
    name: Literal["abort"] = "abort"


# --- the end --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class End:
    """It is over."""

    by: Actor
    name: Literal["end"] = "end"


@dataclass(frozen=True, slots=True)
class ForceEnd:
    """It is over, though that is not proven: asked by one person, agreed to by a second."""

    by: Actor
    reason: str
    name: Literal["force_end"] = "force_end"


@dataclass(frozen=True, slots=True)
class Reopen:
    """It is not over after all."""

    by: Actor
    reason: str
    name: Literal["reopen"] = "reopen"


@dataclass(frozen=True, slots=True)
class ExplainEnd:
    """Why it went away by itself."""

    by: Actor
    note: str
    name: Literal["explain"] = "explain"


@dataclass(frozen=True, slots=True)
class CompleteRecord:
    """Root cause and follow-ups."""

    by: Actor
    root_cause: str
    follow_ups: tuple[FollowUp, ...] = ()
    name: Literal["complete"] = "complete"


PageCommand: TypeAlias = (
    Acknowledge
    | SayStillOnIt
    | DealWith
    | FixAnotherWay
    | CallFalse
    | SayGone
    | Summon
    | Note
    | WatchByHand
    | StartProcedure
)
StepCommand: TypeAlias = (
    Pin
    | FinishStep
    | SkipStep
    | UndoStep
    | Collect
    | Choose
    | Approve
    | SayRolledBack
    | AnswerCheck
    | AllowDeploy
    | TakeCommand
    | GiveCommand
    | Abort
)
EndCommand: TypeAlias = End | ForceEnd | Reopen | ExplainEnd | CompleteRecord
Command: TypeAlias = PageCommand | StepCommand | EndCommand


class No(StrEnum):
    """Why a command was refused."""

    ENDED = "ended"
    NOT_ENDED = "not_ended"
    NOT_ALLOWED = "not_allowed"
    NOT_COMMANDER = "not_commander"
    ALREADY_ACKNOWLEDGED = "already_acknowledged"
    ALREADY_STARTED = "already_started"
    NOT_STARTED = "not_started"
    NO_SUCH_ALERT = "no_such_alert"
    NO_SUCH_STEP = "no_such_step"
    NO_SUCH_SERVICE = "no_such_service"
    BY_SIGNAL = "by_signal"
    BLIND = "blind"
    NOT_BLIND = "not_blind"
    NOT_GONE = "not_gone"
    OVERTAKEN = "overtaken"
    NOTHING_EXPIRES = "nothing_expires"
    SETTLED = "settled"
    NOT_YET = "not_yet"
    TOO_LATE = "too_late"
    SAME_PERSON = "same_person"
    NOTHING_ASKED = "nothing_asked"
    WORDS_MISSING = "words_missing"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A command that changes nothing, with the sentence for the person who asked."""

    why: No
    sentence: str
