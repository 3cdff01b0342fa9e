"""The deliveries of one pager, one after the other: what is owed -> posted.

Pages first, a thread after its root, failures tried again, what was deleted posted anew. A lane waits for its own pager
and for nobody else's. Knows the pager's port, not the pager.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.core.incidents.incident import Incident
from monitor.core.model import Tier
from monitor.core.pages import calling
from monitor.core.pages.actions import UNDER, under_escalation, under_notice
from monitor.core.pages.card import card
from monitor.core.pages.render import render
from monitor.delivery.attempts import Delivered, anew, delivered, tell
from monitor.delivery.handing import Handing, is_page
from monitor.delivery.pacing import Pace, Stage, Tempo, in_order, stage_of
from monitor.desk.scenes import Scenes
from monitor.ports.pager import Delivery, Gone, Message, Pager, Rejected, RetryAfter, Sent
from monitor.ports.store import FILES, Post, PostKind, PostState, Store, StoreError
from monitor.ports.world import Clock

IDLE = 5.0
"""Seconds after which the outbox looks for debts without having been told of any."""

MOST_GONE = 5
"""Times that a root is posted anew for posts that hang on it."""

POSTED_ANEW = "The message before this one was deleted in Slack; this one takes its place."


class Bell:
    """Rung where something new is owed; waited for where it is delivered."""

    def __init__(self) -> None:
        self._rung = threading.Event()
        self._others: list[Bell] = []

    def another(self) -> "Bell":
        """Give a bell that rings with this one, for somebody else to wait for."""
        bell = Bell()
        self._others.append(bell)
        return bell

    def ring(self) -> None:
        """Say that something new is owed."""
        self._rung.set()
        for other in self._others:
            other.ring()

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
class Work:
    """What every lane works with."""

    store: Store
    clock: Clock
    scenes: Scenes
    handing: Handing
    tempo: Tempo
    watched: Callable[[Delivered], None]
    held: Callable[[str], float] = lambda _incident: 0.0
    """The seconds for which the posts of an incident still wait for what changed before it."""


class Lane:
    """Delivers what `pager` owes, woken by its bell. `name` is that of another pager; "" is the main one.

    The main lane posts into channels and threads; another pager's lane makes its calls, and calls too where a page of
    the main lane is late.
    """

    def __init__(self, name: str, pager: Pager, others: frozenset[str], work: Work, bell: Bell) -> None:
        self._name = name
        self._pager = pager
        self._others = others
        self._work = work
        self._bell = bell
        self._began = work.clock.now()
        self._unwritten: set[str] = set()
        self.went_round: Callable[[], None] = lambda: None
        """Called with every post and at least every IDLE seconds, as long as the thread is well."""
        self._pace = Pace(work.tempo)
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
        now = self._work.clock.now()
        seen, waiting, troubles = _Seen(self._work.store), _Waiting(), list[Exception]()
        for post in self._mine(now, waiting):
            if self._stopping.is_set():
                break
            self.went_round()
            if post.not_before is not None and post.not_before > now:
                waiting.until(post.not_before)
                continue
            try:
                self._try(post, seen, waiting)
            except StoreError:
                raise  # what cannot be written down must not be posted on and on
            except Exception as trouble:  # noqa: BLE001  # raised below: nothing is swallowed
                troubles.append(trouble)
                continue
            if self._bell.rung:
                waiting.until(now)
                break
        if troubles:
            raise troubles[0]
        return waiting.seconds(self._work.clock.now())

    def _mine(self, now: datetime, waiting: "_Waiting") -> list[Post]:
        """Give what is owed to this pager, in order; another pager first calls for what the main one did not take."""
        owed = self._owed()
        if self._name:
            theirs = [post for post in owed if post.channel not in self._others]
            waiting.until(self._work.handing.overdue(self._name, theirs, now))
            owed = self._owed()
            return in_order(post for post in owed if post.channel == self._name)
        return in_order(post for post in owed if post.channel not in self._others)

    def _owed(self) -> list[Post]:
        """Give what is owed but files, which have a lane of their own."""
        return [post for post in self._work.store.owed() if post.kind not in FILES]

    def _try(self, post: Post, seen: "_Seen", waiting: "_Waiting") -> None:
        """Try one post, unless its channel or its root make it wait."""
        clock = self._work.clock
        wait = max(self._pace.held(post, clock.monotonic()), self._work.held(post.incident))
        stage: Stage = ()
        if wait == 0 and post.incident:
            stage = stage_of(seen.incident(post.incident))
            wait = self._pace.rests(post, stage, clock.monotonic())
        if wait > 0:
            waiting.until(clock.now() + timedelta(seconds=wait))
            return
        message = self._message(self._doubted(post), seen)
        if message is None:
            self._work.handing.follows_refused(post, seen.posts(post.incident), clock.now())
            return
        after = self._deliver(message, stage)
        seen.forget()
        if after.state is PostState.OWED and after.not_before is not None:
            waiting.until(after.not_before)

    def _deliver(self, message: Message, stage: Stage) -> Post:
        post, work = message.post, self._work
        delivery = self._pager.deliver(message)
        now = work.clock.now()
        self._pace.tried(post, stage, work.clock.monotonic())
        if isinstance(delivery, RetryAfter) and not delivery.alone:
            self._pace.hold(post, delivery.seconds, work.clock.monotonic())
        after = delivered(post, delivery, now)
        if isinstance(delivery, Rejected) and message.call and message.call.stance is calling.Stance.RESOLVED:
            after = replace(after, state=PostState.FAILED, not_before=None)  # nobody needs to hear of it any more
        self._unwritten.add(post.key)
        work.store.record(after)
        self._unwritten.discard(post.key)
        tell(post, delivery)
        work.watched(Delivered(post, delivery, (now - post.decided_at).total_seconds()))
        self._consequences(post, delivery, now)
        return after

    def _consequences(self, post: Post, delivery: Delivery, now: datetime) -> None:
        """What a delivery makes owed elsewhere."""
        match delivery:
            case Sent() if is_page(post) and not self._name:
                self._work.handing.back(post, now)
            case Rejected(why) if not self._name:
                self._work.handing.refused(post, why, now)
            case Gone(why):
                self._gone(post, why)
                self._bell.ring()
            case _:
                return

    def _gone(self, post: Post, why: str) -> None:
        """Where a root was deleted, it is owed anew, and the card that stood in its thread with it."""
        lost = {PostKind.ROOT, PostKind.CARD} if post.ts is None else set()
        if post.kind is PostKind.ROOT and post.gone == 0:
            lost = {PostKind.CARD}
        for one in self._work.store.posts(post.incident):
            if one.kind in lost and one.channel == post.channel and one.ts is not None and one.gone < MOST_GONE:
                self._work.store.record(anew(one, why))

    def _doubted(self, post: Post) -> Post:
        """Take for tried what may have gone out though no attempt is on record.

        An earlier process may have ended, or the disk been full, after the pager's ok and before it was written down.
        """
        untold = post.decided_at < self._began or post.key in self._unwritten
        return replace(post, attempts=1) if untold and post.ts is None and post.attempts == 0 else post

    def _message(self, post: Post, seen: "_Seen") -> Message | None:
        """Give what `post` says now; None where it must wait for its root."""
        if post.kind is PostKind.NOTE:
            return Message(post, actions=under_notice(post.reason, post.said))
        incident = seen.incident(post.incident)
        if incident is None:
            return None
        if post.kind is PostKind.ESCALATION:
            home = self._home(seen.posts(post.incident))
            return Message(post, actions=under_escalation(incident), home=home, urgent=True)
        scene = self._work.scenes.of(incident, self._work.clock.now(), post.mention)
        urgent = incident.tier is Tier.ROLLBACK
        if post.kind is PostKind.ROOT:
            page = render(scene)
            page = replace(page, notes=(*page.notes, POSTED_ANEW)) if post.gone else page
            return Message(post, page=page, urgent=urgent)
        posts = seen.posts(post.incident)
        if post.kind is PostKind.CALL:
            calls = [one for one in posts if one.kind is PostKind.CALL and one.channel == post.channel]
            over = any(one.n > post.n for one in calls)
            ringing = post.ts is None and calling.rings(incident, post.reason, post.decided_at)
            told = calling.call(incident, post.n, Tier(post.said), superseded=over, ringing=ringing)
            return Message(post, page=render(scene), call=told, urgent=urgent)
        roots = [one for one in posts if one.kind is PostKind.ROOT and one.channel == post.channel]
        root_ts = next((one.ts for one in roots), None)
        if root_ts is None:
            return None
        shown = card(scene) if post.kind is PostKind.CARD else None
        actions = UNDER[post.reason](incident) if post.reason in UNDER else ()
        return Message(post, card=shown, root_ts=root_ts, urgent=urgent, actions=actions)

    def _home(self, posts: Sequence[Post]) -> str:
        """Give a channel in which people find the page: one that shows it already, where there is one."""
        roots = sorted((one for one in posts if one.kind is PostKind.ROOT), key=lambda one: one.ts is None)
        return roots[0].channel if roots else self._work.scenes.book.now.rules.routing.default.channel


class _Seen:
    """What was read of incidents since something was last written: a thousand owed posts read theirs once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.forget()

    def forget(self) -> None:
        """Read anew from now on."""
        self._incidents: dict[str, Incident | None] = {}
        self._posts: dict[str, Sequence[Post]] = {}

    def incident(self, name: str) -> Incident | None:
        """Give an incident."""
        if name not in self._incidents:
            self._incidents[name] = self._store.incident(name)
        return self._incidents[name]

    def posts(self, name: str) -> Sequence[Post]:
        """Give everything that is or was owed for an incident."""
        if name not in self._posts:
            self._posts[name] = self._store.posts(name)
        return self._posts[name]


class _Waiting:
    """When the next try is due: the earliest of everything that waits."""

    def __init__(self) -> None:
        self._at: datetime | None = None

    def until(self, at: datetime | None) -> None:
        """Take down that something waits until `at` (None: nothing)."""
        if at is not None and (self._at is None or at < self._at):
            self._at = at

    def seconds(self, now: datetime) -> float:
        """Give the seconds from `now`: at least a moment, at most `IDLE`."""
        return IDLE if self._at is None else min(IDLE, max(0.05, (self._at - now).total_seconds()))
