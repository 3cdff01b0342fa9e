"""What must be known to go on without the database: group states, open incidents with their posts, what is owed.

Kept beside the database all the time and read where it cannot be. The same rules as in every store decide who was
first. It forgets what has ended and owes nothing, so that it stays small.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from monitor.core.drill.duty import DutyFact
from monitor.core.incidents.events import Event
from monitor.core.incidents.incident import Incident, fold
from monitor.core.incidents.silence import Hidden, Silence
from monitor.core.naming import number_of
from monitor.ports.store import (
    NO_INCIDENT,
    Change,
    ConflictError,
    GroupState,
    KeptRules,
    Post,
    PostKind,
    PostState,
    Store,
)


@dataclass(slots=True)
class Mirror:
    """A part of a store, in memory. Not thread-safe: who keeps it holds a lock."""

    groups: dict[str, GroupState] = field(default_factory=dict)
    events: dict[str, tuple[Event, ...]] = field(default_factory=dict)
    folded: dict[str, Incident] = field(default_factory=dict)
    posts: dict[str, Post] = field(default_factory=dict)
    silences: dict[int, Silence] = field(default_factory=dict)
    hidden: dict[str, Hidden] = field(default_factory=dict)
    duties: dict[str, DutyFact] = field(default_factory=dict)
    rules: KeptRules | None = None
    next_number: int = 1

    @classmethod
    def of(cls, store: Store) -> "Mirror":
        """Give the mirror of what `store` holds now. Raises StoreError."""
        mirror = cls({state.name: state for state in store.groups()}, rules=store.rules())
        mirror.next_number = store.next_incident_number()
        mirror.silences = {one.id: one for one in store.silences()}
        mirror.hidden = {one.id: one for one in store.hidden()}
        mirror.duties = {one.name: one for one in store.duties()}
        for name in {one.id for one in store.incidents(open_only=True)} | {post.incident for post in store.owed()}:
            mirror.learn(name, store)
        mirror.learn(NO_INCIDENT, store)
        mirror.trim()
        return mirror

    def learn(self, incident: str, store: Store) -> None:
        """Take over everything that `store` has of one incident, or of none. Raises StoreError."""
        if incident != NO_INCIDENT:
            self._go_on(incident, store.events(incident))
        self.posts |= {post.key: post for post in store.posts(incident)}

    def strange(self, change: Change) -> tuple[str, ...]:
        """Give the incidents that `change` goes on with though nothing is known of them (any more)."""
        begun = {new.incident for new in change.events if new.expected_rev == 0}
        named = [new.incident for new in change.events] + [post.incident for post in change.posts]
        return tuple(dict.fromkeys(one for one in named if one and one not in self.events and one not in begun))

    def check(self, change: Change) -> None:
        """Raise ConflictError where somebody else was first."""
        for group in change.groups:
            if self.groups.get(group.name, GroupState(group.name)).version != group.version:
                raise ConflictError(f"group {group.name} moved on")
        for new in change.events:
            if len(self.events.get(new.incident, ())) != new.expected_rev:
                raise ConflictError(f"{new.incident} moved on")
        for silence in change.silences:
            known = self.silences.get(silence.id)
            if (known.version if known else 0) != silence.version:
                raise ConflictError(f"silence {silence.id} moved on")
        for fact in change.duties:
            if fact.name in self.duties:
                raise ConflictError(f"{fact.name} is kept already")

    def apply(self, change: Change) -> None:
        """Take over what was, or would have been, committed."""
        for group in change.groups:
            self.groups[group.name] = replace(group, version=group.version + 1)
        for new in change.events:
            self._go_on(new.incident, new.events)
            self.next_number = max(self.next_number, number_of(new.incident) + 1)
        self.silences |= {one.id: replace(one, version=one.version + 1) for one in change.silences}
        self.hidden |= {one.id: one for one in change.hidden}
        self.duties |= {one.name: one for one in change.duties}
        for post in (*self.calls_of(change.recalled), *change.posts):
            known = self.posts.get(post.key)
            again = replace(known, wanted=known.wanted + 1, state=PostState.OWED) if known else post
            self.posts[post.key] = again
        self.rules = change.rules or self.rules

    def calls_of(self, incidents: Iterable[str]) -> list[Post]:
        """Give every call that stands for one of `incidents`."""
        names = set(incidents)
        return [post for post in self.posts.values() if post.kind is PostKind.CALL and post.incident in names]

    def hidden_ones(self, *, live_only: bool) -> list[Hidden]:
        """Give what fired and paged nobody, in order."""
        found = sorted(self.hidden.values(), key=lambda one: (one.at, one.id))
        return [one for one in found if one.live or not live_only]

    def record(self, post: Post) -> None:
        """Take over how a delivery went; it stays owed where more was wanted meanwhile."""
        known = self.posts.get(post.key)
        if known is None:
            return
        behind = post.state is PostState.SENT and post.sent < known.wanted
        self.posts[post.key] = replace(post, wanted=known.wanted, state=PostState.OWED if behind else post.state)

    def trim(self) -> None:
        """Forget incidents that have ended and owe nothing, and old notes."""
        owing = {post.incident for post in self.posts.values() if post.state is PostState.OWED}
        ended = {name for name, one in self.folded.items() if name not in owing and not one.is_open}
        for name in ended:
            del self.events[name], self.folded[name]
        newest = {post.reason: post.key for post in self.posts_of(NO_INCIDENT)}  # of each sort
        self.posts = {
            key: post
            for key, post in self.posts.items()
            if post.incident not in ended
            and (post.incident != NO_INCIDENT or post.state is PostState.OWED or key == newest[post.reason])
        }

    def incident(self, name: str) -> Incident:
        """Give one incident that is known."""
        return self.folded[name]

    def incidents(self, *, open_only: bool, since: datetime | None = None) -> list[Incident]:
        """Give the incidents that are known, newest first."""
        folded = sorted(self.folded.values(), key=lambda one: number_of(one.id), reverse=True)
        late = [one for one in folded if since is None or one.ended_at is None or one.ended_at >= since]
        return [one for one in late if one.is_open or not open_only]

    def _go_on(self, incident: str, events: Sequence[Event]) -> None:
        if events:
            self.events[incident] = (*self.events.get(incident, ()), *events)
            self.folded[incident] = fold(incident, events, self.folded.get(incident))

    def posts_of(self, incident: str) -> Sequence[Post]:
        """Give the posts of one incident, or of none, in order of decision."""
        return in_order(post for post in self.posts.values() if post.incident == incident)

    def owed(self) -> Sequence[Post]:
        """Give every post that is owed, oldest first."""
        return in_order(post for post in self.posts.values() if post.state is PostState.OWED)


def in_order(posts: Iterable[Post]) -> list[Post]:
    """Give posts in order of decision."""
    return sorted(posts, key=lambda post: (post.decided_at, post.n))
