"""A store that goes on when the database under it cannot be written.

What is decided is held in memory, reads as if it had been written, and is written when that is possible again: what the
mirror has and the database has not, so that nothing is written twice, whatever became of the write that failed.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import RLock
from typing import TypeVar

from monitor.core.drill.duty import DutyFact
from monitor.core.incidents.events import Event
from monitor.core.incidents.incident import Incident
from monitor.core.incidents.silence import Hidden, Silence
from monitor.ports.store import (
    NO_INCIDENT,
    Change,
    GroupState,
    KeptEvidence,
    KeptRules,
    NewEvents,
    Post,
    PostKind,
    Recorded,
    Store,
    StoreError,
)
from monitor.runtime.mirror import Mirror

T = TypeVar("T")

MOST_HELD = 20_000
"""Events and posts that are held; what would be more is refused."""

MOST_TRANSITIONS = 20_000
"""Recorded transitions that are held; the oldest give way, since nothing is decided by them."""

WRITTEN_LATER = frozenset(
    {"groups", "events", "posts", "transitions", "rules", "silences", "hidden", "recalled", "duties"}
)
"""The parts of a change that are written later; a test holds it to `Change`."""


@dataclass(slots=True)
class Held:
    """What is waiting to be written: which groups, incidents and posts differ, and what goes to the record."""

    since_why: str
    groups: dict[str, None] = field(default_factory=dict)
    incidents: dict[str, None] = field(default_factory=dict)
    posts: dict[str, None] = field(default_factory=dict)
    transitions: list[Recorded] = field(default_factory=list)
    silences: dict[int, None] = field(default_factory=dict)
    hidden: dict[str, None] = field(default_factory=dict)
    duties: dict[str, None] = field(default_factory=dict)
    rules: bool = False
    events: int = 0
    dropped: int = 0

    @property
    def decided(self) -> int:
        """How many events and posts are held."""
        return self.events + len(self.posts)

    @property
    def size(self) -> int:
        """How much is held."""
        return self.decided + len(self.transitions)

    def add(self, change: Change) -> None:
        """Note what `change` touches."""
        self.groups |= dict.fromkeys(group.name for group in change.groups)
        self.incidents |= dict.fromkeys(new.incident for new in change.events)
        self.posts |= dict.fromkeys(post.key for post in change.posts)
        self.silences |= dict.fromkeys(one.id for one in change.silences)
        self.hidden |= dict.fromkeys(one.id for one in change.hidden)
        self.duties |= dict.fromkeys(one.name for one in change.duties)
        self.transitions += change.transitions
        self.rules = self.rules or change.rules is not None
        self.events += sum(len(new.events) for new in change.events)
        over = max(0, len(self.transitions) - MOST_TRANSITIONS)
        self.dropped += over
        del self.transitions[:over]


class WriteBehindStore:
    """Implements `monitor.ports.store.Store` on another store. Thread-safe."""

    def __init__(self, inner: Store) -> None:
        self._inner = inner
        self.told: Callable[[str], None] = lambda _: None
        """Hears why writing is put off, and nothing when all is written; locks are held, so it must not come back."""
        self._mirror = Mirror.of(inner)
        self._held: Held | None = None
        self._lock = RLock()
        self.dropped = 0
        """Recorded transitions that found no room and will never be written."""

    @property
    def trouble(self) -> str:
        """Why evidence is not durable now; nothing where it is."""
        held = self._held
        return held.since_why if held is not None else ""

    @property
    def durable(self) -> bool:
        """Whether what was decided is written."""
        return self._held is None

    @property
    def waiting(self) -> int:
        """How much is held in memory."""
        held = self._held
        return held.size if held is not None else 0

    # --- writing --------------------------------------------------------------------------------------------------

    def commit(self, change: Change) -> None:
        """Write `change` whole, now or later. Raises ConflictError; StoreError where too much is held already."""
        if change.empty:
            return
        with self._lock:
            strange = self._mirror.strange(change)
            for incident in strange:
                self._mirror.learn(incident, self._inner)
            if self._held is None and self._written(change):
                self._mirror.apply(change)
                self._mirror.trim()
                return
            self._mirror.check(change)
            self._hold(change)

    def _written(self, change: Change) -> bool:
        try:
            self._inner.commit(change)
        except StoreError as error:
            self._put_off(str(error))
            return False
        return True

    def _put_off(self, why: str) -> None:
        self._held = Held(why)
        self.told(why)

    def _hold(self, change: Change) -> None:
        held = self._held
        assert held is not None, "asked by the caller"  # noqa: S101  # narrows the type
        if held.decided >= MOST_HELD and (change.events or change.posts):
            raise StoreError(f"{held.decided} decisions wait to be written already, and {held.since_why}")
        self._mirror.apply(change)
        held.add(change)
        held.posts |= dict.fromkeys(post.key for post in self._mirror.calls_of(change.recalled))

    def record(self, post: Post) -> None:
        """Write how the delivery of `post` went, now or later."""
        with self._lock:
            if self._held is None:
                try:
                    self._inner.record(post)
                except StoreError as error:
                    self._put_off(str(error))
            if self._held is not None:
                self._held.posts[post.key] = None
            self._mirror.record(post)
            if self._held is None:
                self._mirror.trim()

    def probe(self) -> None:
        """Try whether the database can be written. Raises StoreError."""
        self._inner.probe()

    def flush(self) -> bool:
        """Write what is held where that is possible again; whether everything is written now."""
        if self._held is None:
            return True
        try:
            self._inner.probe()  # without the lock: it may have to wait
            with self._lock:
                self._write_held()
        except StoreError as error:
            held = self._held
            if held is not None:
                held.since_why = str(error)
            return False
        return True

    def _write_held(self) -> None:
        held = self._held
        if held is None:
            return
        change, known = self._difference(held)
        self._inner.commit(change)
        for post in known:
            self._inner.record(post)
        self._mirror.groups |= {name: self._inner.group(name) for name in held.groups}  # at its own version
        self.dropped += held.dropped
        self._held = None
        self._mirror.trim()
        self.told("")

    def _difference(self, held: Held) -> tuple[Change, list[Post]]:
        """Give what the mirror has and the database has not, and the posts that both know, as they now stand."""
        stored = {post.key: post for name in self._incidents(held) for post in self._inner.posts(name)}
        mine = [self._mirror.posts[key] for key in held.posts if key in self._mirror.posts]
        known = [post for post in mine if post.key in stored]
        again = [post for post in known for _ in range(post.wanted - stored[post.key].wanted)]
        events = []
        for name in held.incidents:
            told, rev = self._mirror.events[name], len(self._inner.events(name))
            events += [NewEvents(name, rev, told[rev:])] if len(told) > rev else []
        change = Change(
            groups=tuple(self._rebased(name) for name in held.groups),
            events=tuple(events),
            posts=(*(post for post in mine if post.key not in stored), *again),
            transitions=self._unrecorded(held),
            rules=self._mirror.rules if held.rules else None,
            silences=self._silenced(held),
            hidden=tuple(self._mirror.hidden[one] for one in held.hidden),
            duties=self._unkept(held),
        )
        return change, known

    def _silenced(self, held: Held) -> tuple[Silence, ...]:
        """The silences that are held, each at the version that the database has of it."""
        stored = {one.id: one.version for one in self._inner.silences()} if held.silences else {}
        return tuple(replace(self._mirror.silences[one], version=stored.get(one, 0)) for one in held.silences)

    def _unkept(self, held: Held) -> tuple[DutyFact, ...]:
        """The facts that the database has not: the write that failed first may have come through."""
        there = {one.name for one in self._inner.duties()} if held.duties else set()
        return tuple(self._mirror.duties[name] for name in held.duties if name not in there)

    def _incidents(self, held: Held) -> list[str]:
        return list(dict.fromkeys(self._mirror.posts[key].incident for key in held.posts if key in self._mirror.posts))

    def _rebased(self, name: str) -> GroupState:
        return replace(self._mirror.groups[name], version=self._inner.group(name).version)

    def _unrecorded(self, held: Held) -> tuple[Recorded, ...]:
        """The write that failed first may have been the last one that was written."""
        if not held.transitions:
            return ()
        since = min(one.at for one in held.transitions)
        there = set(self._inner.transitions(since=since, most=2 * MOST_TRANSITIONS))
        return tuple(one for one in held.transitions if one not in there)

    def prune(self, before: int) -> int:
        """Forget the recorded changes before grid time `before`. Raises StoreError while nothing can be written."""
        return self._inner.prune(before)

    def keep(self, kept: KeptEvidence) -> None:
        """Keep files of an incident. Raises StoreError while nothing can be written: they are read anew later."""
        if self._held is not None:
            raise StoreError(self.trouble)
        self._inner.keep(kept)

    def close(self) -> None:
        """Write what is held where that is possible, and let go of the database."""
        self.flush()
        self._inner.close()

    # --- reading --------------------------------------------------------------------------------------------------

    def _read(self, of_store: Callable[[], T], of_mirror: Callable[[], T]) -> T:
        """Read from the database while it is whole, and from the mirror where it is not or cannot be read."""
        if self._held is None:
            try:
                return of_store()
            except StoreError as error:
                unread = error
            with self._lock:
                if self._held is None:
                    self._put_off(str(unread))
        with self._lock:
            return of_mirror()

    def group(self, name: str) -> GroupState:
        """Give the kept state of group `name`."""
        return self._read(lambda: self._inner.group(name), lambda: self._mirror.groups.get(name, GroupState(name)))

    def groups(self) -> Sequence[GroupState]:
        """Give the kept states of all groups."""
        return self._read(
            self._inner.groups, lambda: [self._mirror.groups[name] for name in sorted(self._mirror.groups)]
        )

    def incident(self, incident: str) -> Incident | None:
        """Give one incident."""
        return self._read(
            lambda: self._inner.incident(incident),
            lambda: (
                self._mirror.incident(incident) if incident in self._mirror.events else self._inner.incident(incident)
            ),
        )

    def incidents(self, *, open_only: bool = False, since: datetime | None = None) -> Sequence[Incident]:
        """Give the incidents, newest first: while the database cannot be read, those that have not ended."""
        return self._read(
            lambda: self._inner.incidents(open_only=open_only, since=since),
            lambda: self._told_of(open_only=open_only, since=since),
        )

    def _told_of(self, *, open_only: bool, since: datetime | None) -> Sequence[Incident]:
        mine = self._mirror.incidents(open_only=open_only, since=since)
        if open_only:
            return mine
        try:
            others = [one for one in self._inner.incidents(since=since) if one.id not in self._mirror.events]
        except StoreError:
            return mine
        return sorted((*mine, *others), key=lambda one: one.opened_at, reverse=True)

    def events(self, incident: str) -> Sequence[Event]:
        """Give the events of one incident in order."""
        return self._read(
            lambda: self._inner.events(incident),
            lambda: self._mirror.events[incident] if incident in self._mirror.events else self._inner.events(incident),
        )

    def next_incident_number(self) -> int:
        """Give the number that the next incident would have."""
        return self._read(self._inner.next_incident_number, lambda: self._mirror.next_number)

    def posts(self, incident: str, *, kind: PostKind | None = None) -> Sequence[Post]:
        """Give everything that is or was owed for one incident, or for none."""
        return self._read(
            lambda: self._inner.posts(incident, kind=kind),
            lambda: [one for one in self._posts_held(incident) if kind in {None, one.kind}],
        )

    def _posts_held(self, incident: str) -> Sequence[Post]:
        """Of an incident that ended earlier the mirror knows nothing; of a new one nobody does."""
        if incident != NO_INCIDENT and incident not in self._mirror.events:
            with suppress(StoreError):
                return self._inner.posts(incident)
        return self._mirror.posts_of(incident)

    def owed(self) -> Sequence[Post]:
        """Give every post that is owed, oldest first."""
        return self._read(self._inner.owed, self._mirror.owed)

    def silences(self) -> Sequence[Silence]:
        """Give every silence by number."""
        return self._read(self._inner.silences, lambda: [one for _, one in sorted(self._mirror.silences.items())])

    def hidden(self, *, live_only: bool = False) -> Sequence[Hidden]:
        """Give what fired and paged nobody, in order."""
        return self._read(
            lambda: self._inner.hidden(live_only=live_only),
            lambda: self._mirror.hidden_ones(live_only=live_only),
        )

    def duties(self) -> Sequence[DutyFact]:
        """Give what is kept of the duty to hold drills, in order of time."""
        return self._read(
            self._inner.duties,
            lambda: sorted(self._mirror.duties.values(), key=lambda one: (one.at, one.name)),
        )

    def rules(self) -> KeptRules | None:
        """Give the rule set that was last put in force, or None."""
        return self._read(self._inner.rules, lambda: self._mirror.rules)

    def evidence(self, incident: str) -> KeptEvidence | None:
        """Give what was kept of one incident. Raises StoreError where the database cannot be read."""
        return self._inner.evidence(incident)

    def unkept(self, since: datetime, before: datetime) -> Sequence[str]:
        """Give the incidents that ended and of which nothing was kept. Raises StoreError, as above."""
        return self._inner.unkept(since, before)

    def evidence_size(self) -> int:
        """Give the bytes that all kept evidence takes. Raises StoreError, as above."""
        return self._inner.evidence_size()

    def transitions(self, alert: str = "", *, since: int = 0, most: int = 1000) -> Sequence[Recorded]:
        """Give the newest recorded changes, in order, those that wait to be written among them.

        While the database cannot be read, only these.
        """
        stored = self._read(lambda: self._inner.transitions(alert, since=since, most=most), lambda: None)
        with self._lock:
            held = self._held.transitions if self._held is not None else []
            waiting = [one for one in held if one.at >= since and alert in {"", one.key.alert}]
        if stored is None:
            try:
                stored = self._inner.transitions(alert, since=since, most=most)
            except StoreError:
                stored = ()
        return sorted((*stored, *waiting), key=lambda one: one.at)[-most:]
