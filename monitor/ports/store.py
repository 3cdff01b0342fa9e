"""What is kept, and changed in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from monitor.core.drill.duty import DutyFact
from monitor.core.drill.log import Drill, DrillEvent
from monitor.core.incidents.events import Event
from monitor.core.incidents.incident import Incident
from monitor.core.incidents.silence import Hidden, Silence
from monitor.core.model import Alert, AlertKey, Cause, State


class PostKind(StrEnum):
    """What a post is.

    The incident's one root message, the procedure card, a line in the thread, or one told to the channel too; an
    escalation, which tells another channel of the incident, and a note, which belongs to no incident: both stand in
    their channel by themselves; or a call: the page carried to another pager (its name stands for the channel) or to a
    second channel; or a file in the thread: a plot, the picture of a signal, or a report, the evidence of an incident
    when its record is complete. A file is given up where it is not to be had.
    """

    ROOT = "root"
    CARD = "card"
    LINE = "line"
    BROADCAST = "broadcast"
    ESCALATION = "escalation"
    NOTE = "note"
    CALL = "call"
    PLOT = "plot"
    REPORT = "report"


FILES = frozenset({PostKind.PLOT, PostKind.REPORT})
"""What is a file in a thread: it has a lane of its own, and no page waits for it."""


NO_INCIDENT = ""
"""The incident of posts that belong to none."""


class PostState(StrEnum):
    """Where a post stands.

    Owed until `sent` has caught up with `wanted`, or given up for a reason that trying again cannot mend.
    """

    OWED = "owed"
    SENT = "sent"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Post:
    """Something owed to a channel. It is due while `sent < wanted`: first posted, then edited in place.

    `key` is (incident, channel, kind, n) and goes into the message's metadata. `said` is the text of a line,
    broadcast or note (root and card are rendered from the incident when they are sent), of a call the tier that it was
    made at, of a plot the alert that it shows, and of a report which file it is. `mention` are user or user-group ids;
    `reason` is a `core.pages.posts.Happening`, `core.pages.posts.Notice` or `core.pages.calling.Because`. `ts` is
    the pager's own name of the message (of the file, for a file); `decided_at` is when the transition behind it was
    decided; `gone` counts how often the message was found deleted and owed anew.
    """

    incident: str
    channel: str
    kind: PostKind
    n: int
    reason: str
    decided_at: datetime
    said: str = ""
    mention: tuple[str, ...] = ()
    wanted: int = 1
    sent: int = 0
    ts: str | None = None
    attempts: int = 0
    not_before: datetime | None = None
    state: PostState = PostState.OWED
    problem: str = ""
    gone: int = 0

    @property
    def key(self) -> str:
        """The identity that outlives a lost reply."""
        return f"{self.incident or 'monitor'}/{self.channel}/{self.kind}/{self.n}"


@dataclass(frozen=True, slots=True)
class GroupState:
    """What is kept of a group between evaluations.

    A version for the compare-and-set, each rule's cursor, and the alerts that are not inactive.
    """

    name: str
    version: int = 0
    cursors: Mapping[str, int] = field(default_factory=dict)
    alerts: Mapping[AlertKey, Alert] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewEvents:
    """Events to append to an incident.

    `expected_rev` is the number of events it had when they were decided (0: a new incident).
    """

    incident: str
    expected_rev: int
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Recorded:
    """One change of one alert, for the record: `at` is its grid time, `shadow` says that it could page nobody."""

    at: int
    group: str
    key: AlertKey
    before: State
    after: State
    cause: Cause
    since: int
    value: float | None = None
    limit: float | None = None
    shadow: bool = False


@dataclass(frozen=True, slots=True)
class KeptRules:
    """The files of the last rule set that was put in force, by name, and when that was."""

    files: Mapping[str, bytes]
    adopted_at: datetime


@dataclass(frozen=True, slots=True)
class KeptEvidence:
    """Files about the signals of an incident, read at `at`: what the source has may be gone when they are asked for."""

    incident: str
    at: datetime
    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Change:
    """What one decision writes, in one transaction, or not at all.

    `groups` replace the stored states of their names where the stored version is `group.version` (and count it up);
    `posts` are inserted, or, where their key exists, their `wanted` is raised by one and their state becomes owed
    again; `transitions` are appended to the record; `rules` replace the kept rule set. `silences` replace those of
    their numbers where the stored version is `silence.version` (0: none is stored) and count it up; `hidden` replace
    those of their ids. Every call (`PostKind.CALL`) that stands for an incident in `recalled` is wanted once more.
    `duties` are added; one whose name is kept already is a conflict.
    """

    groups: tuple[GroupState, ...] = ()
    events: tuple[NewEvents, ...] = ()
    posts: tuple[Post, ...] = ()
    transitions: tuple[Recorded, ...] = ()
    rules: KeptRules | None = None
    silences: tuple[Silence, ...] = ()
    hidden: tuple[Hidden, ...] = ()
    recalled: tuple[str, ...] = ()
    duties: tuple[DutyFact, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether there is nothing to write."""
        facts = self.groups, self.events, self.posts, self.transitions, self.rules
        return not any((*facts, self.silences, self.hidden, self.recalled, self.duties))


class ConflictError(Exception):
    """Somebody else committed first; nothing was written. Load again and decide again."""


class StoreError(Exception):
    """The store cannot be used; the sentence says why and what to do."""


class StoreUnavailableError(StoreError):
    """The store cannot be used now, but may be without anybody changing a setting: no space, a disk that fails."""


class Store(Protocol):
    """What must survive a restart. Each call is one transaction and may be made from any thread."""

    def group(self, name: str) -> GroupState:
        """Give the kept state of group `name` (version 0 and empty where there is none)."""

    def groups(self) -> Sequence[GroupState]:
        """Give the kept states of all groups."""

    def commit(self, change: Change) -> None:
        """Write `change` whole.

        Raises `ConflictError` when a version or revision moved on, `StoreError` when it cannot be written.
        """

    def incident(self, incident: str) -> Incident | None:
        """Give one incident, folded from its events."""

    def incidents(self, *, open_only: bool = False, since: datetime | None = None) -> Sequence[Incident]:
        """Give the incidents, newest first; `since`: those that are open or ended then or later."""

    def events(self, incident: str) -> Sequence[Event]:
        """Give the events of one incident in order."""

    def next_incident_number(self) -> int:
        """Give the number that the next incident would have; taking it is settled by `commit`."""

    def posts(self, incident: str, *, kind: PostKind | None = None) -> Sequence[Post]:
        """Give everything that is or was owed for one incident (or for NO_INCIDENT), in order of `decided_at`.

        With `kind` only what is of that kind: an incident may have thousands of posts, and few roots and calls.
        """

    def owed(self) -> Sequence[Post]:
        """Give every post that is owed, oldest first."""

    def record(self, post: Post) -> None:
        """Write how the delivery of `post` went (`wanted` is left alone).

        A post recorded as SENT with `sent` below the stored `wanted` stays OWED: an edit was asked for meanwhile.
        """

    def rules(self) -> KeptRules | None:
        """Give the rule set that was last put in force, or None where there never was one."""

    def transitions(self, alert: str = "", *, since: int = 0, most: int = 1000) -> Sequence[Recorded]:
        """Give the newest `most` recorded changes from grid time `since` on, in order; of one alert where named."""

    def silences(self) -> Sequence[Silence]:
        """Give every silence, those that are over too, by number."""

    def hidden(self, *, live_only: bool = False) -> Sequence[Hidden]:
        """Give what fired and paged nobody, in order; `live_only`: what does so now."""

    def duties(self) -> Sequence[DutyFact]:
        """Give what is kept of the duty to hold drills, in order of time; nothing of it is ever forgotten."""

    def prune(self, before: int) -> int:
        """Forget the recorded changes before grid time `before`; give how many there were.

        With them goes what was hidden before that time and is no more, and the evidence that was kept before it.
        """

    def keep(self, kept: KeptEvidence) -> None:
        """Keep files of an incident, in place of those that were kept of it before. Raises `StoreError`."""

    def evidence(self, incident: str) -> KeptEvidence | None:
        """Give what was kept of one incident, or None."""

    def unkept(self, since: datetime, before: datetime) -> Sequence[str]:
        """Give the incidents that ended from `since` up to `before` and of which nothing was kept after that."""

    def evidence_size(self) -> int:
        """Give the bytes that all kept evidence takes."""

    def probe(self) -> None:
        """Write something that changes nothing, to see whether it can be done. Raises `StoreError`."""

    def close(self) -> None:
        """Let go of files and connections."""


class DrillLog(Protocol):
    """What is kept of drills beside their incidents. Each call is one transaction and may be made from any thread."""

    def drills(self) -> Sequence[Drill]:
        """Give every drill, the one that was begun last first, whatever the clock said then."""

    def drill_events(self, drill: str) -> Sequence[DrillEvent]:
        """Give the events of one drill in order."""

    def append_drill(self, drill: str, expected_rev: int, *events: DrillEvent) -> None:
        """Add `events` to a drill that has `expected_rev` of them (0: it begins).

        Raises `ConflictError` where it has moved on, `StoreError` where nothing can be written.
        """
