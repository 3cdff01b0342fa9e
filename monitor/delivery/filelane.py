"""The deliveries of files, plots and reports: a thread of their own, so that nothing slow about them holds up a page.

A file goes out after everything else that is new in its channel, plots before reports. A plot that does not succeed
within minutes, a report within a day, is given up quietly: messages say it all without. It must not know how files are
made or carried.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from monitor.ports.pager import Ambiguous, Attachment, Delivery, Gone, Message, Pager, Rejected, RetryAfter, Sent
from monitor.ports.store import FILES, Post, PostKind, PostState, Store
from monitor.ports.world import Clock

log = structlog.get_logger()

IDLE, SOON = 5.0, 1.0
"""Seconds until the next look where nothing is owed, and where a plot waits for its page."""

GIVE_UP = {PostKind.PLOT: timedelta(minutes=5), PostKind.REPORT: timedelta(days=1)}
"""After this a plot is no news any more; a report still is the next morning."""

BACKOFF = (5, 10, 20, 40)
"""Seconds until a file is tried again that could not be read or drawn."""

SETTLES = 20
"""Seconds that Slack is given to show a file whose upload was completed without an answer, before it is looked for."""


EVENTS = {
    (kind, what): f"{kind}.{what}"
    for kind in (PostKind.PLOT, PostKind.REPORT)
    for what in ("delivered", "delayed", "given_up")
}
"""What the log says of a file, by its kind."""


class Unmade(Protocol):
    """Why there is no file, and whether there may be one later."""

    @property
    def why(self) -> str:
        """The sentence."""

    @property
    def again(self) -> bool:
        """Whether it is worth trying again."""


class Maker(Protocol):
    """What makes files; `monitor.delivery.pictures` and `monitor.delivery.reports` do."""

    def of(self, post: Post) -> "Attachment | Unmade":
        """Give the file that is owed, or why there is none."""

    def stop(self) -> None:
        """Make no more of them."""


@dataclass(frozen=True, slots=True)
class NoFiles:
    """Makes no files: where pages go, nobody can see them."""

    again: bool = False
    why: str = "where pages go, files cannot be shown"

    def of(self, _: Post) -> "NoFiles":
        """Give the reason."""
        return self

    def stop(self) -> None:
        """There is nothing to stop."""


@dataclass(slots=True)
class _Tries:
    """What this process tried of one file."""

    made: int = 0
    not_before: float = 0.0
    uploaded: bool = False


@dataclass(slots=True)
class FileLane:
    """Delivers what is owed in files. `heard` is told the outcome of each: sent, given_up or failed."""

    store: Store
    pager: Pager
    clock: Clock
    maker: Maker
    heard: Callable[[PostKind, str], None] = lambda _kind, _outcome: None
    _began: datetime = field(init=False)
    _tries: dict[str, _Tries] = field(default_factory=dict)
    _stopping: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._began = self.clock.now()

    def stop(self) -> None:
        """Ask `run` to return; what is being drawn is given up."""
        self._stopping.set()
        self.maker.stop()

    def run(self, wait: Callable[[float], None], failed: Callable[[Exception], None]) -> None:
        """Deliver until stopped, and `wait` between; what goes wrong with the store is told to `failed`."""
        while not self._stopping.is_set():
            try:
                seconds = self.deliver_due()
            except Exception as error:  # noqa: BLE001  # the one catch-all of this thread: it counts
                failed(error)
                seconds = IDLE
            wait(seconds)

    def deliver_due(self) -> float:
        """Deliver every file that is due; give the seconds until the next look. Raises StoreError."""
        owed = self.store.owed()
        files = sorted((post for post in owed if post.kind in FILES), key=lambda post: post.kind is PostKind.REPORT)
        self._tries = {post.key: self._tries.get(post.key, _Tries()) for post in files}
        busy = {post.channel for post in owed if post.kind not in FILES and post.ts is None}
        for post in files:
            if self._stopping.is_set():
                break
            self._look_at(post, busy)
        return SOON if files else IDLE

    def _look_at(self, post: Post, busy: set[str]) -> None:
        """Give up what is too old, leave what must wait, and try the rest."""
        if self.clock.now() - post.decided_at > GIVE_UP[post.kind]:
            self._give_up(post, post.problem or "its page was not posted")
            return
        root_ts = self._root(self.store.posts(post.incident), post.channel)
        tries = self._tries[post.key]
        if (
            root_ts is None
            or post.channel in busy
            or self.clock.monotonic() < tries.not_before
            or self._unsettled(post)
        ):
            return
        made = self.maker.of(post)
        if not isinstance(made, Attachment):
            self._unmade(post, made, tries)
            return
        if not self._stopping.is_set():
            self._deliver(post, made, root_ts, tries)

    def _root(self, posts: Sequence[Post], channel: str) -> str | None:
        return next((one.ts for one in posts if one.kind is PostKind.ROOT and one.channel == channel), None)

    def _doubted(self, post: Post) -> bool:
        """Whether it may have gone out though it is not on record: an earlier process may have ended meanwhile."""
        return post.attempts > 0 or self._tries[post.key].uploaded or post.decided_at < self._began

    def _unsettled(self, post: Post) -> bool:
        """Whether it is too early to look for what an earlier process may have uploaded."""
        return post.decided_at < self._began and self.clock.now() < self._began + timedelta(seconds=SETTLES)

    def _unmade(self, post: Post, unmade: Unmade, tries: _Tries) -> None:
        if not unmade.again:
            self._give_up(post, unmade.why)
            return
        tries.not_before = self.clock.monotonic() + BACKOFF[min(tries.made, len(BACKOFF) - 1)]
        tries.made += 1
        log.info(EVENTS[post.kind, "delayed"], post=post.key, why=unmade.why)
        if post.problem != unmade.why:
            self.store.record(replace(post, problem=unmade.why))

    def _deliver(self, post: Post, file: Attachment, root_ts: str, tries: _Tries) -> None:
        doubted = replace(post, attempts=max(1, post.attempts)) if self._doubted(post) else post
        before, tries.uploaded = tries.uploaded, True
        delivery = self.pager.deliver(Message(doubted, root_ts=root_ts, attachment=file))
        self._after(post, delivery, tries)
        if isinstance(delivery, RetryAfter):  # surely not taken: as much in doubt as before
            tries.uploaded = before

    def _after(self, post: Post, delivery: Delivery, tries: _Tries) -> None:
        """Write down what became of it, and when it is tried again."""
        match delivery:
            case Sent(ts):
                self.store.record(replace(post, ts=ts, sent=post.wanted, state=PostState.SENT, problem=""))
                log.info(EVENTS[post.kind, "delivered"], post=post.key)
                self.heard(post.kind, "sent")
            case Rejected(why) | Gone(why):
                self._give_up(post, why)
            case RetryAfter(seconds, why):
                self._later(post, seconds, why, tries)
            case Ambiguous(why):
                self._later(replace(post, attempts=post.attempts + 1), SETTLES, why, tries)

    def _later(self, post: Post, seconds: float, why: str, tries: _Tries) -> None:
        tries.not_before = self.clock.monotonic() + seconds
        log.info(EVENTS[post.kind, "delayed"], post=post.key, why=why)
        self.heard(post.kind, "failed")
        self.store.record(replace(post, problem=why))

    def _give_up(self, post: Post, why: str) -> None:
        """Owe it no more."""
        log.warning(EVENTS[post.kind, "given_up"], post=post.key, why=why)
        self.heard(post.kind, "given_up")
        self.store.record(replace(post, state=PostState.FAILED, problem=why))
