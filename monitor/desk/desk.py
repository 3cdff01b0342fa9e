"""Where decisions become durable: group states, incident events and what is owed, in one transaction.

Where somebody else committed first, the decision is made anew. Every writer comes through here: evaluations, blindness,
time and people. It decides nothing itself.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import Lock

from monitor.core.drill.duty import DutyFact
from monitor.core.incidents.asks import Refusal
from monitor.core.incidents.events import Event
from monitor.core.incidents.incident import Incident
from monitor.core.incidents.response import Finding, Response, Scope, follow, respond
from monitor.core.incidents.routes import Audience
from monitor.core.incidents.silence import Hidden, Silence
from monitor.core.judging.evaluate import retire
from monitor.core.model import Cause, Tier, Transition
from monitor.core.naming import INCIDENT, marked
from monitor.core.pages.calling import calls, to_be_told
from monitor.core.pages.paging import Owed, owed
from monitor.core.pages.posts import Happening, NewPost, Notice
from monitor.core.rules.routing import Pages
from monitor.core.rules.ruleset import RuleSet
from monitor.desk.channels import Channels
from monitor.desk.hiding import Hiding, say
from monitor.ports.store import (
    FILES,
    NO_INCIDENT,
    Change,
    ConflictError,
    GroupState,
    KeptRules,
    NewEvents,
    Post,
    PostKind,
    Recorded,
    Store,
)
from monitor.ports.world import Clock
from monitor.rulebook import InForce, RuleBook

ATTEMPTS = 8
"""Times that a decision is made anew when somebody else committed first."""

SPOKEN = frozenset({PostKind.LINE, PostKind.BROADCAST, PostKind.ESCALATION})
"""Posts whose text is what people read."""

KEPT_FOR = 60
"""Seconds after which an evaluation that changed nothing is stored too, so that a restart has little to catch up."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What to keep of a group, and what its alerts did.

    `findings` are what incidents must hear of it, `transitions` all of it, for the record. `durable` asks for it to be
    written now.
    """

    state: GroupState
    findings: tuple[Finding, ...] = ()
    durable: bool = True
    transitions: tuple[Transition, ...] = ()


@dataclass(frozen=True, slots=True)
class Takeover:
    """What is written when another rule set takes over: the groups that change, what incidents hear, the record."""

    groups: tuple[GroupState, ...]
    findings: tuple[Finding, ...] = ()
    transitions: tuple[Recorded, ...] = ()
    rules: KeptRules | None = None


@dataclass(frozen=True, slots=True)
class Beside:
    """What a decision about an incident writes beside its events: states of groups, silences."""

    groups: tuple[GroupState, ...] = ()
    silences: tuple[Silence, ...] = ()


NOTHING_BESIDE = Beside()


@dataclass(slots=True)
class _Kept:
    """A group's state as last committed, loaded or moved on, and when (monotonic) it was last written."""

    state: GroupState
    stored_at: float
    lock: Lock = field(default_factory=Lock)


class Desk:
    """Writes decisions. Thread-safe; decisions about one group wait for each other."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        book: RuleBook,
        owed_now: Callable[[], None],
        *,
        plots: bool = False,
        prefix: str = INCIDENT,
    ) -> None:
        """Make a desk; `plots` says that the pager carries them, so that they are owed. Names begin with `prefix`."""
        self.plots = plots
        """Whether files can be owed."""
        self._prefix = prefix
        self._store = store
        self._clock = clock
        self._book = book
        self._hiding = Hiding(store, book)
        self._channels = Channels(store, book)
        self._owed_now = owed_now
        self.opened: Callable[[str], None] = lambda _incident: None
        """Called with each incident that opened at the rollback tier, once it is written and before it is posted. It
        must neither wait nor raise: a page depends on it."""
        self.number: Callable[[], int] = store.next_incident_number
        """Gives the number of an incident that opens: a drill has its own before anything fires."""
        self._kept: dict[str, _Kept] = {}
        self._lock = Lock()
        self._turn = Lock()
        """Held while anything decided under the rules in force is written: never while Prometheus is read."""
        self._noting = Lock()
        """Held while a note takes its number."""

    def settle(self, name: str, decide: Callable[[GroupState], Decision]) -> None:
        """Decide about group `name` and write it.

        `decide` may be called again with a newer state, so it must be repeatable.
        Raises StoreError where nothing can be written, ConflictError where others were always first; the state is then
        as before.
        """
        kept = self._keep(name)
        with kept.lock:
            for _ in range(ATTEMPTS):
                decision = decide(kept.state)
                now = self._clock.monotonic()
                happened = decision.findings or decision.transitions  # such as what fired and ended in one stretch
                durable = decision.durable or bool(happened)
                if not durable and now - kept.stored_at < KEPT_FOR:
                    kept.state = decision.state
                    return
                try:
                    self._write(decision)
                except ConflictError:
                    kept.state = self._store.group(name)
                    continue
                kept.state = replace(decision.state, version=decision.state.version + 1)
                kept.stored_at = now
                return
        raise ConflictError(f"group {name} was changed by others {ATTEMPTS} times in a row")

    def _keep(self, name: str) -> _Kept:
        with self._lock:
            if name not in self._kept:
                self._kept[name] = _Kept(self._store.group(name), self._clock.monotonic() - KEPT_FOR)
            return self._kept[name]

    def _write(self, decision: Decision) -> None:
        with self._turn:
            recorded = recorded_of(decision.state.name, decision.transitions, self._book.now)
            self._commit_found(decision.findings, Change((decision.state,), transitions=recorded))

    def _commit_found(self, findings: tuple[Finding, ...], change: Change, *, rerouted: bool = False) -> None:
        """Write what incidents make of `findings`; where they may be `rerouted`, to channels that joined by it too."""
        responses, kept = self._responses(findings)
        if rerouted:
            told = {one.after.id for one in responses}
            others = (one for one in self._store.incidents(open_only=True) if one.id not in told)
            responses = (*responses, *(follow(one, ()) for one in others))
        self._commit(responses, replace(change, hidden=kept))
        say(kept)

    def _responses(self, findings: tuple[Finding, ...]) -> tuple[tuple[Response, ...], tuple[Hidden, ...]]:
        """Give what incidents make of `findings`, and what becomes of those that pages nobody hears of."""
        now = self._clock.now()
        heard = self._hiding.sort(findings, now)
        if not heard.findings:
            return (), heard.kept
        routing, number = self._book.now.rules.routing, self.number()
        scope = Scope(routing.environment, number, routing.reopen_within, routing.group_by, self._prefix)
        responses = respond(self._store.incidents(open_only=True), heard.findings, now, scope)
        return self._hiding.tell(responses, heard.kept, now)

    def release(self) -> None:
        """Page what was kept from paging by a silence or a maintenance window that is over."""
        with self._turn:
            for _ in range(ATTEMPTS):
                findings = self._hiding.released(self._clock.now())
                if not findings:
                    return
                try:
                    self._commit_found(findings, Change())
                except ConflictError:
                    continue
                return
        raise ConflictError(f"what was hidden was changed by others {ATTEMPTS} times in a row")

    def take_over(self, rules: RuleSet, decide: Callable[[Sequence[GroupState]], Takeover]) -> None:
        """Put `rules` in force and write what `decide` makes of the kept states, in one transaction.

        `decide` may be called again. Evaluations that are under way have read with the rules before and are thrown
        away. Raises ValueError where the rules' PromQL cannot be composed, StoreError and ConflictError; the rules
        before stay in force then, and nothing is written.
        """
        with self._turn:
            before = self._book.now
            self._book.swap(rules)
            try:
                self._write_takeover(decide)
            except BaseException:
                self._book.put_back(before)
                raise
            finally:
                self.forget()

    def _write_takeover(self, decide: Callable[[Sequence[GroupState]], Takeover]) -> None:
        for _ in range(ATTEMPTS):
            takeover = decide(self._store.groups())
            change = Change(takeover.groups, transitions=takeover.transitions, rules=takeover.rules)
            try:
                self._commit_found(takeover.findings, change, rerouted=True)
            except ConflictError:
                continue
            return
        raise ConflictError(f"the groups were changed by others {ATTEMPTS} times in a row")

    def note(self, notice: Notice, said: str) -> bool:
        """Owe a note to the default channel; False, and nothing is owed, where the last note said just that."""
        with self._noting:
            told = self._store.posts(NO_INCIDENT)
            if told and (told[-1].reason, told[-1].said) == (notice, said):
                return False
            self._store.commit(Change(posts=(self._note(notice, said, ""),)))
        self._owed_now()
        return True

    def remind(self, notice: Notice, said: str, channel: str, fact: DutyFact) -> None:
        """Owe a note to `channel` (empty: the default one) and keep, in the same transaction, that it is owed.

        Raises ConflictError where that is kept already: then nothing is owed.
        """
        with self._noting:
            self._store.commit(Change(posts=(self._note(notice, said, channel),), duties=(fact,)))
        self._owed_now()

    def _note(self, notice: Notice, said: str, channel: str) -> Post:
        """Give a note under a number of its own; who asks holds `_noting`, so that no other takes it."""
        number = 1 + max((post.n for post in self._store.posts(NO_INCIDENT)), default=0)
        where = channel or self._book.now.rules.routing.default.channel
        return Post(NO_INCIDENT, where, PostKind.NOTE, number, notice, self._clock.now(), said=said)

    def last_notice(self, *among: Notice) -> str:
        """Give what the last note of these sorts was about, or nothing where there never was one."""
        told = [post.reason for post in self._store.posts(NO_INCIDENT) if post.reason in among]
        return told[-1] if told else ""

    def act(
        self,
        name: str,
        decide: Callable[[Incident], tuple[Event, ...] | Refusal],
        beside: Callable[[Response], Beside] = lambda _response: NOTHING_BESIDE,
    ) -> Incident | Refusal | None:
        """Decide about incident `name` and write it.

        Gives the incident after it, or the refusal; None where there is no such incident.
        `beside` gives what is written in the same transaction (alerts that the decision retires, silences).
        """
        for _ in range(ATTEMPTS):
            incident = self._store.incident(name)
            if incident is None:
                return None
            decided = decide(incident)
            if isinstance(decided, Refusal):
                return decided
            response = follow(incident, decided)
            more = beside(response)
            change = Change(more.groups, transitions=self._retired(more.groups), silences=more.silences)
            try:
                self._commit((response,), change)
            except ConflictError:
                continue
            self._reload(state.name for state in more.groups)
            return response.after
        raise ConflictError(f"{name} was changed by others {ATTEMPTS} times in a row")

    def _retired(self, after: Iterable[GroupState]) -> tuple[Recorded, ...]:
        """What people end is recorded too."""
        at, book = int(self._clock.now().timestamp()), self._book.now
        found: list[Recorded] = []
        for state in after:
            gone = [one for key, one in self._store.group(state.name).alerts.items() if key not in state.alerts]
            found += recorded_of(state.name, retire(gone, at, Cause.RETIRED), book)
        return tuple(found)

    def present(self, name: str) -> GroupState:
        """Give the stored state of group `name`, with its cursors as far as evaluations have moved them on since."""
        stored, kept = self._store.group(name), self._keep(name).state
        return kept if kept.version == stored.version else stored

    def _reload(self, names: Iterable[str]) -> None:
        """Let the next decision about these groups begin from what was just written beside them."""
        for name in names:
            kept = self._keep(name)
            with kept.lock:
                kept.state = self._store.group(name)

    def leave(self, name: str) -> None:
        """Let the next decision about group `name` begin from the store, waiting for none that hangs."""
        with self._lock:
            self._kept.pop(name, None)

    def forget(self) -> None:
        """Let every decision begin from the store again (after the kept states were rearranged)."""
        with self._lock:
            self._kept.clear()

    def refresh(self, incident: str) -> None:
        """Owe an edit of the page and of the procedure card in every channel that shows them: they show the present."""
        now, found = self._clock.now(), self._store.incident(incident)
        kinds = [NewPost.EDIT, *([NewPost.CARD] if found is not None and found.running else [])]
        held = self._channels.held(incident)
        edits = [Owed(kind, Happening.REFRESHED, channel=one) for one in held for kind in kinds]
        self._store.commit(Change(posts=tuple(_post(incident, edit, now) for edit in edits)))
        self._owed_now()

    def _commit(self, responses: Sequence[Response], change: Change) -> None:
        routing, now = self._book.now.rules.routing, self._clock.now()
        change = with_responses(change, responses, self._channels.audiences, now)
        if not self.plots:
            change = replace(change, posts=tuple(one for one in change.posts if one.kind not in FILES))
        change = with_calls(change, responses, routing.page, self._last_call, now)
        if not change.empty:
            self._store.commit(change)
        for one in responses:
            if one.before is None and one.after.tier is Tier.ROLLBACK:
                self.opened(one.after.id)
        if responses:
            self._owed_now()

    def _last_call(self, incident: str) -> datetime | None:
        """When another pager was last called for an incident."""
        return max((post.decided_at for post in self._store.posts(incident, kind=PostKind.CALL)), default=None)


def recorded_of(group: str, transitions: Iterable[Transition], book: InForce) -> tuple[Recorded, ...]:
    """Give what `transitions` leave in the record."""
    return tuple(recorded(group, one, shadow=book.in_shadow(one.alert.key.alert)) for one in transitions)


def recorded(group: str, transition: Transition, *, shadow: bool) -> Recorded:
    """Give what one transition leaves in the record."""
    alert, judgement = transition.alert, transition.judgement
    return Recorded(
        at=transition.at,
        group=group,
        key=alert.key,
        before=transition.before,
        after=transition.after,
        cause=transition.cause,
        since=alert.since,
        value=judgement.value if judgement else None,
        limit=judgement.limit if judgement else None,
        shadow=shadow,
    )


def with_responses(
    change: Change, responses: Sequence[Response], audiences: Callable[[Response], Sequence[Audience]], at: datetime
) -> Change:
    """Give `change` with the events of `responses` and what they owe to the `audiences` of each."""
    return replace(
        change,
        events=tuple(NewEvents(one.after.id, one.expected_rev, one.events) for one in responses if one.events),
        posts=tuple(_post(one.after.id, post, at) for one in responses for post in owed(one, audiences(one))),
    )


def with_calls(
    change: Change, responses: Sequence[Response], pages: Pages, last: Callable[[str], datetime | None], at: datetime
) -> Change:
    """Give `change` with the other pagers that `responses` call by `pages`, and those that must be told anew."""
    posts = tuple(
        Post(one.after.id, called.pager, PostKind.CALL, called.n, called.happening, at, said=called.tier)
        for one in responses
        for called in calls(one, pages, last(one.after.id) if one.before else None, at)
    )
    told = tuple(one.after.id for one in responses if to_be_told(one))
    return replace(change, posts=(*change.posts, *posts), recalled=told)


def _post(incident: str, post: Owed, at: datetime) -> Post:
    """An edit is the root message wanted once more."""
    kind = PostKind.ROOT if post.post is NewPost.EDIT else PostKind(post.post.value)
    said = marked(incident, post.said) if kind in SPOKEN else post.said
    return Post(incident, post.channel, kind, post.n, post.happening, at, said=said, mention=post.mention)
