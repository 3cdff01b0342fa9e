"""The store in memory: everything that the real one keeps, until the process ends."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from monitor.core.drill.duty import DutyFact
from monitor.core.drill.log import Drill, DrillEvent, fold_drill
from monitor.core.incidents.events import Event
from monitor.core.incidents.incident import Incident, fold
from monitor.core.incidents.silence import Hidden, Silence
from monitor.core.naming import number_of
from monitor.ports.store import (
    Change,
    ConflictError,
    GroupState,
    KeptEvidence,
    KeptRules,
    NewEvents,
    Post,
    PostKind,
    PostState,
    Recorded,
)


class MemoryStore:
    """A store that forgets everything with its process."""

    def __init__(self) -> None:
        self._groups: dict[str, GroupState] = {}
        self._events: dict[str, tuple[Event, ...]] = {}
        self._incidents: dict[str, Incident] = {}
        self._posts: dict[str, Post] = {}
        self._keys: dict[tuple[str, PostKind | None], list[str]] = {}
        self._transitions: tuple[Recorded, ...] = ()
        self._rules: KeptRules | None = None
        self._silences: dict[int, Silence] = {}
        self._hidden: dict[str, Hidden] = {}
        self._evidence: dict[str, KeptEvidence] = {}
        self._duties: dict[str, DutyFact] = {}
        self._lock = threading.Lock()

    def group(self, name: str) -> GroupState:
        """Give the kept state of group `name`."""
        with self._lock:
            return self._groups.get(name, GroupState(name))

    def groups(self) -> Sequence[GroupState]:
        """Give the kept states of all groups."""
        with self._lock:
            return [self._groups[name] for name in sorted(self._groups)]

    def commit(self, change: Change) -> None:
        """Write `change` whole, or raise ConflictError and write nothing."""
        with self._lock:
            self._refuse_what_moved_on(change)
            self._silences |= {one.id: replace(one, version=one.version + 1) for one in change.silences}
            self._hidden |= {one.id: one for one in change.hidden}
            for group in change.groups:
                self._groups[group.name] = replace(group, version=group.version + 1)
            for new in change.events:
                self._append(new)
            called = ((name, PostKind.CALL) for name in change.recalled)
            calls = [self._posts[key] for one in called for key in self._keys.get(one, ())]
            for post in (*calls, *change.posts):
                self._owe(post)
            self._transitions += change.transitions
            self._rules = change.rules or self._rules
            self._duties |= {one.name: one for one in change.duties}

    def _refuse_what_moved_on(self, change: Change) -> None:
        for group in change.groups:
            if self._groups.get(group.name, GroupState(group.name)).version != group.version:
                raise ConflictError(f"group {group.name} moved on")
        for new in change.events:
            if len(self._events.get(new.incident, ())) != new.expected_rev:
                raise ConflictError(f"{new.incident} moved on")
        for silence in change.silences:
            known = self._silences.get(silence.id)
            if (known.version if known else 0) != silence.version:
                raise ConflictError(f"silence {silence.id} moved on")
        for fact in change.duties:
            if fact.name in self._duties:
                raise ConflictError(f"{fact.name} is kept already")

    def _append(self, new: NewEvents) -> None:
        """Keep events, and the incident as they leave it: folding everything anew at each look costs the square."""
        known = self._incidents.get(new.incident)
        self._events[new.incident] = (*self._events.get(new.incident, ()), *new.events)
        self._incidents[new.incident] = fold(new.incident, new.events, known)

    def _owe(self, post: Post) -> None:
        known = self._posts.get(post.key)
        again = replace(known, wanted=known.wanted + 1, state=PostState.OWED) if known else post
        if known is None:
            for kind in (None, post.kind):
                self._keys.setdefault((post.incident, kind), []).append(post.key)
        self._posts[post.key] = again

    def incident(self, incident: str) -> Incident | None:
        """Give one incident, folded from its events."""
        with self._lock:
            return self._incidents.get(incident)

    def incidents(self, *, open_only: bool = False, since: datetime | None = None) -> Sequence[Incident]:
        """Give the incidents, newest first."""
        with self._lock:
            known = [one for one in self._incidents.values() if one.is_open or not open_only]
        late = [one for one in known if since is None or one.ended_at is None or one.ended_at >= since]
        return sorted(late, key=lambda one: number_of(one.id), reverse=True)

    def events(self, incident: str) -> Sequence[Event]:
        """Give the events of one incident in order."""
        with self._lock:
            return self._events.get(incident, ())

    def next_incident_number(self) -> int:
        """Give the number that the next incident would have."""
        with self._lock:
            return max(map(number_of, self._events), default=0) + 1

    def posts(self, incident: str, *, kind: PostKind | None = None) -> Sequence[Post]:
        """Give everything that is or was owed for one incident, or for none, in order of decision."""
        with self._lock:
            mine = [self._posts[key] for key in self._keys.get((incident, kind), ())]
        return sorted(mine, key=lambda post: (post.decided_at, post.n))

    def owed(self) -> Sequence[Post]:
        """Give every post that is owed, oldest first."""
        with self._lock:
            owed = [post for post in self._posts.values() if post.state is PostState.OWED]
        return sorted(owed, key=lambda post: (post.decided_at, post.n))

    def record(self, post: Post) -> None:
        """Write how the delivery of `post` went; it stays owed where more was wanted meanwhile."""
        with self._lock:
            known = self._posts.get(post.key)
            if known is None:
                return
            behind = post.state is PostState.SENT and post.sent < known.wanted
            state = PostState.OWED if behind else post.state
            self._posts[post.key] = replace(post, wanted=known.wanted, state=state)

    def rules(self) -> KeptRules | None:
        """Give the rule set that was last put in force, or None."""
        with self._lock:
            return self._rules

    def transitions(self, alert: str = "", *, since: int = 0, most: int = 1000) -> Sequence[Recorded]:
        """Give the newest recorded changes from grid time `since` on, in order."""
        with self._lock:
            mine = [one for one in self._transitions if one.at >= since and alert in {"", one.key.alert}]
        return sorted(mine, key=lambda one: one.at)[-most:]

    def silences(self) -> Sequence[Silence]:
        """Give every silence by number."""
        with self._lock:
            return [self._silences[number] for number in sorted(self._silences)]

    def hidden(self, *, live_only: bool = False) -> Sequence[Hidden]:
        """Give what fired and paged nobody, in order."""
        with self._lock:
            every = sorted(self._hidden.values(), key=lambda one: (one.at, one.id))
        return [one for one in every if one.live or not live_only]

    def duties(self) -> Sequence[DutyFact]:
        """Give what is kept of the duty to hold drills, in order of time."""
        with self._lock:
            return sorted(self._duties.values(), key=lambda one: (one.at, one.name))

    def prune(self, before: int) -> int:
        """Forget what changed and what was hidden before grid time `before`; give the number of changes."""
        with self._lock:
            old = [one.id for one in self._hidden.values() if not one.live and one.at.timestamp() < before]
            for name in old:
                del self._hidden[name]
            self._evidence = {name: one for name, one in self._evidence.items() if one.at.timestamp() >= before}
            left = tuple(one for one in self._transitions if one.at >= before)
            gone, self._transitions = len(self._transitions) - len(left), left
            return gone

    def keep(self, kept: KeptEvidence) -> None:
        """Keep files of an incident, in place of those that were kept of it before."""
        with self._lock:
            self._evidence[kept.incident] = kept

    def evidence(self, incident: str) -> KeptEvidence | None:
        """Give what was kept of one incident, or None."""
        with self._lock:
            return self._evidence.get(incident)

    def unkept(self, since: datetime, before: datetime) -> Sequence[str]:
        """Give the incidents that ended in that time and of which nothing was kept since, oldest first."""
        ended = [(one.id, one.ended_at) for one in reversed(self.incidents()) if one.ended_at is not None]
        with self._lock:
            kept = {name: one.at for name, one in self._evidence.items()}
        return [name for name, at in ended if since <= at <= before and (name not in kept or kept[name] < at)]

    def evidence_size(self) -> int:
        """Give the bytes that all kept evidence takes."""
        with self._lock:
            return sum(len(content) for one in self._evidence.values() for content in one.files.values())

    def probe(self) -> None:
        """Memory can be written."""

    def close(self) -> None:
        """Forget nothing; there is nothing to let go of."""


class MemoryDrillLog:
    """A log of drills that is forgotten with its process."""

    def __init__(self) -> None:
        self._events: dict[str, tuple[DrillEvent, ...]] = {}
        self._lock = threading.Lock()

    def drills(self) -> Sequence[Drill]:
        """Give every drill, the one that was begun last first, whatever the clock said then."""
        with self._lock:
            found = [fold_drill(name, events) for name, events in self._events.items()]
        return sorted(found, key=lambda one: number_of(one.id), reverse=True)

    def drill_events(self, drill: str) -> Sequence[DrillEvent]:
        """Give the events of one drill in order."""
        with self._lock:
            return self._events.get(drill, ())

    def append_drill(self, drill: str, expected_rev: int, *events: DrillEvent) -> None:
        """Add events to a drill, or raise ConflictError where it has moved on."""
        with self._lock:
            before = self._events.get(drill, ())
            if len(before) != expected_rev:
                raise ConflictError(f"{drill} has {len(before)} events, not {expected_rev}")
            self._events[drill] = (*before, *events)
