"""What is owed -> posted.

Pages first, a thread after its root, failures tried again. Knows the pager's port, not the pager.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from monitor.core.incident import Incident
from monitor.core.model import AlertKey
from monitor.core.page import Reading, Scene, card, render
from monitor.ports import (
    Ambiguous,
    Clock,
    Delivery,
    Message,
    Pager,
    Post,
    PostKind,
    PostState,
    Rejected,
    RetryAfter,
    Sent,
    Store,
    StoreError,
)
from monitor.rulebook import RuleBook

log = structlog.get_logger()

BACKOFF = (1, 2, 5, 10, 20, 30)
"""Seconds until the next try after 1, 2, ... tries that nobody answered."""

REJECTED_PAUSE = 60
"""Seconds until a new post that was refused is tried again: somebody may have mended the channel or the token.

A refused edit is given up; the next change of the incident owes another."""

IDLE = 5.0
"""Seconds after which the outbox looks for debts without having been told of any."""

ORDER = {PostKind.ROOT: 0, PostKind.BROADCAST: 1, PostKind.CARD: 2, PostKind.LINE: 3, PostKind.NOTE: 4}
"""New posts go out in this order, and before all edits."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """One attempt, for metrics and logs: what became of `post`, and the seconds since its transition was decided."""

    post: Post
    delivery: Delivery
    seconds: float


class Bell:
    """Rung where something new is owed; waited for where it is delivered."""

    def __init__(self) -> None:
        self._rung = threading.Event()

    def ring(self) -> None:
        """Say that something new is owed."""
        self._rung.set()

    @property
    def rung(self) -> bool:
        """Whether it rang since it was last waited for or answered."""
        return self._rung.is_set()

    def answer(self) -> None:
        """Be ready for the next ring: what was owed until now is about to be read."""
        self._rung.clear()

    def wait(self, seconds: float) -> None:
        """Wait until it rings, or for `seconds`; and be ready for the next ring."""
        self._rung.wait(seconds)
        self._rung.clear()


@dataclass(frozen=True, slots=True)
class Scenes:
    """What a page is rendered from beside its incident.

    Procedures, what the signals say now (kept up to date by the engine), and why evidence is not durable now.
    """

    book: RuleBook
    readings: Mapping[AlertKey, Reading]
    undurable: Callable[[], str] = lambda: ""

    def of(self, incident: Incident, post: Post, now: datetime) -> Scene:
        """Give the scene of `incident` for `post`."""
        procedure = self.book.now.rules.procedures.get(incident.procedure)
        return Scene(incident, now, dict(self.readings), procedure, post.mention, self.undurable())


class Outbox:
    """Delivers what the store says is owed, woken by the bell. `run` is its thread."""

    def __init__(
        self,
        store: Store,
        pager: Pager,
        clock: Clock,
        scenes: Scenes,
        bell: Bell,
        watched: Callable[[Delivered], None] = lambda _: None,
    ) -> None:
        self.went_round: Callable[[], None] = lambda: None
        """Called with every post and at least every IDLE seconds, as long as the thread is well."""
        self._store = store
        self._pager = pager
        self._clock = clock
        self._scenes = scenes
        self._bell = bell
        self._watched = watched
        self._began = clock.now()
        self._unwritten: set[str] = set()
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Ask `run` to return after the delivery that is under way."""
        self._stopping.set()
        self._bell.ring()

    def run(self, failed: Callable[[Exception], None]) -> None:
        """Deliver until stopped. What goes wrong with the store is told to `failed` and tried again."""
        while not self._stopping.is_set():
            self.went_round()
            try:
                wait = self.deliver_due()
            except Exception as error:  # noqa: BLE001  # the one catch-all of this thread: it counts, and pages go on
                failed(error)
                wait = 1.0
            self._bell.wait(wait)

    def deliver_due(self) -> float:
        """Deliver everything that is due; give the seconds until the next try.

        What goes wrong with one post does not hold up the others; it is raised when they had their turn. Something new
        that is owed meanwhile, such as a page, does not wait until all that was read before it is out.
        """
        self._bell.answer()
        now = self._clock.now()
        waiting: list[datetime] = []
        troubles: list[Exception] = []
        for post in in_order(self._store.owed()):
            if self._stopping.is_set():
                break
            self.went_round()
            if post.not_before is not None and post.not_before > now:
                waiting.append(post.not_before)
                continue
            try:
                after = self._deliver(post)
            except StoreError:
                raise  # what cannot be written down must not be posted on and on
            except Exception as trouble:  # noqa: BLE001  # raised below: nothing is swallowed
                troubles.append(trouble)
                continue
            if after is not None and after.state is PostState.OWED and after.not_before is not None:
                waiting.append(after.not_before)
            if self._bell.rung:
                waiting.append(now)
                break
        if troubles:
            raise troubles[0]
        if not waiting:
            return IDLE
        return min(IDLE, max(0.05, (min(waiting) - self._clock.now()).total_seconds()))

    def _deliver(self, post: Post) -> Post | None:
        """Try one post; None where it must wait for its root."""
        post = self._doubted(post)
        message = self._message(post)
        if message is None:
            return None
        delivery = self._pager.deliver(message)
        now = self._clock.now()
        after = delivered(post, delivery, now)
        self._unwritten.add(post.key)
        self._store.record(after)
        self._unwritten.discard(post.key)
        _tell(post, delivery)
        self._watched(Delivered(post, delivery, (now - post.decided_at).total_seconds()))
        return after

    def _doubted(self, post: Post) -> Post:
        """Take for tried what may have gone out though no attempt is on record.

        An earlier process may have ended, or the disk been full, after the pager's ok and before it was written down.
        """
        untold = post.decided_at < self._began or post.key in self._unwritten
        return replace(post, attempts=1) if untold and post.ts is None and post.attempts == 0 else post

    def _message(self, post: Post) -> Message | None:
        if post.kind is PostKind.NOTE:
            return Message(post)
        incident = self._store.incident(post.incident)
        if incident is None:
            return None
        root_ts = None
        if post.kind is not PostKind.ROOT:
            root_ts = next(
                (
                    one.ts
                    for one in self._store.posts(post.incident)
                    if one.kind is PostKind.ROOT and one.channel == post.channel
                ),
                None,
            )
            if root_ts is None:
                return None
        scene = self._scenes.of(incident, post, self._clock.now())
        if post.kind is PostKind.ROOT:
            return Message(post, page=render(scene))
        return Message(post, card=card(scene) if post.kind is PostKind.CARD else None, root_ts=root_ts)


def in_order(posts: Iterable[Post]) -> list[Post]:
    """Give `posts` in the order in which they go out: new before edits, pages before the rest, oldest first."""
    return sorted(posts, key=lambda post: (post.ts is not None, ORDER[post.kind], post.decided_at, post.n))


def delivered(post: Post, delivery: Delivery, now: datetime) -> Post:
    """Give `post` after one attempt: what to remember of it and when to try again."""
    match delivery:
        case Sent(ts):
            return replace(post, ts=ts, sent=post.wanted, state=PostState.SENT, attempts=0, not_before=None, problem="")
        case Rejected(why) if post.ts is not None:
            return replace(post, state=PostState.FAILED, attempts=post.attempts + 1, problem=why)
        case Rejected(why):
            not_before = now + timedelta(seconds=REJECTED_PAUSE)
            return replace(post, attempts=post.attempts + 1, not_before=not_before, problem=why)
        case RetryAfter(seconds, why):
            return replace(post, attempts=post.attempts + 1, not_before=now + timedelta(seconds=seconds), problem=why)
        case Ambiguous(why):
            pause = BACKOFF[min(post.attempts, len(BACKOFF) - 1)]
            return replace(post, attempts=post.attempts + 1, not_before=now + timedelta(seconds=pause), problem=why)


def _tell(post: Post, delivery: Delivery) -> None:
    """A line a post, and one for whatever stands in its way."""
    told = {"post": post.key, "reason": post.reason}
    match delivery:
        case Sent():
            level = log.debug if post.ts is not None else log.info
            level("post.delivered", **told)
        case Rejected(why):
            log.error("post.rejected", why=why, attempts=post.attempts + 1, **told)
        case RetryAfter(_, why) | Ambiguous(why):
            log.warning("post.delayed", why=why, attempts=post.attempts + 1, **told)
