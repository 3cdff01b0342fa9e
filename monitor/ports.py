"""What the engine asks of the world: metrics, a store, pagers, a registry and a clock, and the answers they give.

Protocols and frozen results only; the adapters implement them and `monitor.adapters.memory` ships a fake of each.
"""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeAlias

from monitor.core.drill.duty import DutyFact
from monitor.core.drill.log import Drill, DrillEvent
from monitor.core.incidents.events import Event
from monitor.core.incidents.incident import Incident
from monitor.core.incidents.silence import Hidden, Silence
from monitor.core.model import Alert, AlertKey, Cause, Labels, Sample, State
from monitor.core.pages.calling import Call
from monitor.core.pages.page import Action, Card, Page
from monitor.core.pages.plot import Plot

# --- metrics ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Samples:
    """A complete answer, possibly empty (no data).

    `remarks` are the engine's annotations, for people only; `source` names a server that stood in for the first one.
    """

    samples: tuple[Sample, ...]
    remarks: tuple[str, ...] = ()
    source: str = ""


@dataclass(frozen=True, slots=True)
class Partial:
    """An answer that the source itself calls incomplete; it must not be judged."""

    why: str


@dataclass(frozen=True, slots=True)
class BadQuery:
    """The source says that the query is wrong (400, 422, or a result that is no vector); asking again will not help."""

    why: str


@dataclass(frozen=True, slots=True)
class Unanswered:
    """No answer: connection, deadline, 429, 5xx, or something that is not Prometheus's JSON; ask again."""

    why: str


Answer: TypeAlias = Samples | Partial | BadQuery | Unanswered


@dataclass(frozen=True, slots=True)
class RangeSamples:
    """A complete range answer: the samples of each asked grid time (a time without samples maps to an empty tuple)."""

    at: Mapping[int, tuple[Sample, ...]]
    remarks: tuple[str, ...] = ()
    source: str = ""


@dataclass(frozen=True, slots=True)
class TooMuch:
    """The range holds more than the source or we are willing to carry at once; ask for less."""

    why: str


RangeAnswer: TypeAlias = RangeSamples | Partial | BadQuery | Unanswered | TooMuch


@dataclass(frozen=True, slots=True)
class Column:
    """One series over a range: its value at each asked grid time.

    `present` has a byte for each of them, 0 where there was no sample (the value is then of no meaning); empty where
    there was one at every time.
    """

    labels: Labels
    values: "array[float]"
    present: bytes = b""


@dataclass(frozen=True, slots=True)
class RangeColumns:
    """A complete range answer by series: what `RangeSamples` says, in a tenth of its memory, for long stretches.

    The times are `start`, `start + step`, ..., `count` of them; `source` names a server that stood in for the first.
    """

    start: int
    step: int
    count: int
    columns: tuple[Column, ...]
    source: str = ""


ColumnAnswer: TypeAlias = RangeColumns | Partial | BadQuery | Unanswered | TooMuch


class RangeSource(Protocol):
    """Where stretches of history come from."""

    def range(self, expr: str, start: int, end: int, step: int, *, deadline: float) -> RangeAnswer:
        """Read `expr` at `start`, `start + step`, ... `end` (whole seconds, inclusive). Never raises."""


class MetricsSource(RangeSource, Protocol):
    """Where readings come from."""

    def instant(self, expr: str, at: int, *, deadline: float) -> Answer:
        """Read `expr` at grid time `at`; give up after `deadline` seconds in all. Never raises."""

    def instants(self, exprs: Sequence[str], at: int, *, deadline: float) -> Mapping[str, Answer]:
        """Read every one of `exprs` at grid time `at`, in as few requests as the source can. Never raises."""

    def clock(self) -> datetime | None:
        """Give the source's own time now, as far as its last answer told it (up to a second behind); None: unknown."""


class ColumnSource(Protocol):
    """Where long stretches of history come from, to be judged as a whole."""

    def columns(self, expr: str, start: int, end: int, step: int, *, deadline: float) -> ColumnAnswer:
        """Read `expr` at `start`, `start + step`, ... `end` (whole seconds, inclusive), by series. Never raises."""

    def instant(self, expr: str, at: int, *, deadline: float) -> Answer:
        """Read `expr` at grid time `at`; give up after `deadline` seconds in all. Never raises."""


# --- checks of a procedure ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Status:
    """A server answered with this HTTP status."""

    code: int


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """A server did not answer in time, or not at all; `why` never holds its address."""

    why: str


class Prober(Protocol):
    """What asks a server for nothing but a status."""

    def status(self, url: str, *, deadline: float) -> Status | NoAnswer:
        """Ask `url` once, following no redirect, for at most `deadline` seconds in all. Never raises."""


@dataclass(frozen=True, slots=True)
class Exited:
    """A command ended with `code` (negative: by that signal); `output` is the end of what it printed."""

    code: int
    output: str = ""


@dataclass(frozen=True, slots=True)
class Killed:
    """A command did not end in time: it and everything that it had started were killed."""

    output: str = ""


@dataclass(frozen=True, slots=True)
class NotStarted:
    """A command could not be started at all."""

    why: str


class CommandRunner(Protocol):
    """What runs fixed commands, without a shell."""

    def run(self, argv: Sequence[str], *, deadline: float) -> Exited | Killed | NotStarted:
        """Run `argv` for at most `deadline` seconds. Never raises."""

    def close(self) -> None:
        """Kill whatever still runs."""


# --- the store ----------------------------------------------------------------------------------------------------


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

    def posts(self, incident: str) -> Sequence[Post]:
        """Give everything that is or was owed for one incident (or for NO_INCIDENT), in order of `decided_at`."""

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
        """Give every drill, newest first."""

    def drill_events(self, drill: str) -> Sequence[DrillEvent]:
        """Give the events of one drill in order."""

    def append_drill(self, drill: str, expected_rev: int, *events: DrillEvent) -> None:
        """Add `events` to a drill that has `expected_rev` of them (0: it begins).

        Raises `ConflictError` where it has moved on, `StoreError` where nothing can be written.
        """


# --- pagers -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sent:
    """The pager took it; `ts` is its name of the message."""

    ts: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """The pager refused it for a reason that trying again cannot mend."""

    why: str


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Nobody knows whether it arrived (timeout, reset, 5xx)."""

    why: str


@dataclass(frozen=True, slots=True)
class RetryAfter:
    """Not taken; try again in `seconds`. Unless it is `alone`, what goes the same way to the same channel waits too."""

    seconds: float
    why: str
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Gone:
    """The message to be edited, or the root whose thread it belongs to, is not there any more: somebody deleted it."""

    why: str


Delivery: TypeAlias = Sent | Rejected | Ambiguous | RetryAfter | Gone


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file for a thread: the name it is filed under, its title, and what a picture shows in words."""

    content: bytes
    name: str
    title: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class Undrawn:
    """A plot that could not be drawn, and why."""

    why: str


class Artist(Protocol):
    """Something that draws plots."""

    def draw(self, plot: Plot) -> bytes | Undrawn:
        """Draw `plot` as a PNG of at most `monitor.core.pages.plot.MOST_BYTES`. Never raises; bounded in time."""

    def stop(self) -> None:
        """Give up what is being drawn, and draw no more. Never raises; from any thread."""


@dataclass(frozen=True, slots=True)
class Message:
    """One post with what it says.

    `page` for a root or call, `card` for a procedure card, `attachment` for a file, `post.said` for the rest.

    `root_ts` is the pager's name of the incident's root message in that channel (None for the root itself). `actions`
    are buttons under a line that asks for something; `home` is the channel of the page that an escalation tells of.
    `call` is how the incident stands, for pagers that know no messages. `urgent`: better posted twice than late.
    """

    post: Post
    page: Page | None = None
    card: Card | None = None
    root_ts: str | None = None
    actions: tuple[Action, ...] = ()
    home: str = ""
    call: Call | None = None
    urgent: bool = False
    attachment: Attachment | None = None


class Pager(Protocol):
    """Something that carries pages to people."""

    def deliver(self, message: Message) -> Delivery:
        """Post the message, or edit it where `message.post.ts` is set. Never raises; bounded in time."""


class Permalinks(Protocol):
    """Something that knows under which address a message can be looked at."""

    def permalink(self, channel: str, ts: str) -> str:
        """Give the address of a message, or nothing where it cannot be had. Never raises; bounded in time."""


class ProbedPager(Pager, Protocol):
    """A pager that can be asked whether it listens."""

    def probe(self) -> Delivery:
        """See whether it would take a page, without paging anybody. Never raises; bounded in time."""


class Switch(Protocol):
    """A dead-man's switch: somebody else's alarm that rings when it is called no longer."""

    def call(self) -> str:
        """Call it once; give what was wrong, or nothing. Never raises; bounded in time."""


# --- the registry of images -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Present:
    """The registry has the image; `digest` is what its name stands for now ("" where it did not say)."""

    digest: str = ""


@dataclass(frozen=True, slots=True)
class Missing:
    """The registry says that it does not have the image."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody knows whether the image is there: no answer, refused, or not an image of this registry."""

    why: str


Availability: TypeAlias = Present | Missing | Unknown


class Registry(Protocol):
    """Where images come from."""

    def available(self, image: str, *, deadline: float) -> Availability:
        """Say whether `image` (such as registry.example.com/shop/auth:2.13.4) can be had. Never raises."""

    def probe(self, *, deadline: float) -> str:
        """See whether it answers and takes our credentials; give what is wrong, or nothing. Never raises."""


class Clock(Protocol):
    """The only source of time."""

    def now(self) -> datetime:
        """Give the present as an aware UTC time."""

    def monotonic(self) -> float:
        """Give seconds that never jump."""
