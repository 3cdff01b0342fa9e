"""Pages that Slack refuses or does not take in time are handed on: to the second channel, then to the other pagers.

It decides who is called instead and writes that down as one more post; the lanes deliver it. Once Slack is back, one
line tells what happened meanwhile. What was handed on stays owed to Slack too.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from monitor.core.pages.calling import CALLS, PATIENCE, Because, Stance, stance, story
from monitor.ports.store import Change, Post, PostKind, Store

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Where pages can go beside their channel: another Slack channel, and other pagers by name."""

    second: Callable[[], str] = lambda: ""
    pagers: tuple[str, ...] = ()

    def after(self, post: Post) -> tuple[str, ...]:
        """Give the next destinations of a page that was refused where it was."""
        second = self.second()
        if post.kind is not PostKind.CALL and second and second != post.channel:
            return (second,)
        return self.pagers


def is_page(post: Post) -> bool:
    """Whether `post` is a page of the main pager that nobody has seen yet."""
    told = post.ts is not None or post.gone > 0
    return not told and (post.kind is PostKind.ROOT or (post.kind is PostKind.BROADCAST and post.reason in CALLS))


class Handing:
    """Hands pages on. Thread-safe, since the store is."""

    def __init__(self, store: Store, elsewhere: Elsewhere, owed_now: Callable[[], None]) -> None:
        self._store = store
        self._elsewhere = elsewhere
        self._owed_now = owed_now

    def refused(self, post: Post, why: str, now: datetime) -> tuple[Post, ...]:
        """Hand on a page that was refused; give what is owed instead. Raises StoreError."""
        if not (is_page(post) or (post.kind is PostKind.CALL and post.ts is None)):
            return ()
        return self._call(post, self._elsewhere.after(post), Because.REFUSED, why, now)

    def follows_refused(self, post: Post, posts: Sequence[Post], now: datetime) -> tuple[Post, ...]:
        """Hand on a page that waits for a root which was refused, as `posts` say: it goes where the root went."""
        if not is_page(post):
            return ()
        root = next((one for one in posts if one.kind is PostKind.ROOT and one.channel == post.channel), None)
        if root is None or root.ts is not None or not _handed(root, posts):
            return ()
        return self._call(post, self._elsewhere.after(post), Because.REFUSED, root.problem, now)

    def overdue(self, pager: str, owed: Iterable[Post], now: datetime) -> datetime | None:
        """Let `pager` call for pages that Slack has not taken in time; give when the next one will be late."""
        late: list[datetime] = []
        for post in owed:
            incident = self._store.incident(post.incident) if is_page(post) else None
            if incident is None or stance(incident) is not Stance.TRIGGERED:
                continue
            due = post.decided_at + PATIENCE[incident.tier]
            if now < due:
                late.append(due)
            elif not self._taken_elsewhere(post):
                self._call(post, (pager,), Because.NOT_TAKEN, post.problem, now)
        return min(late, default=None)

    def _taken_elsewhere(self, post: Post) -> bool:
        """Whether the second channel shows the page."""
        second = self._elsewhere.second()
        return any(one.ts is not None and one.channel == second for one in self._calls(post))

    def _calls(self, post: Post) -> Sequence[Post]:
        """Every call of the same page."""
        posts = self._store.posts(post.incident)
        numbers = {post.n, _number(post, posts)}
        return [one for one in posts if one.kind is PostKind.CALL and one.n in numbers]

    def _call(
        self, post: Post, destinations: Iterable[str], because: Because, why: str, now: datetime
    ) -> tuple[Post, ...]:
        known = {one.channel for one in self._calls(post)}
        number, mention = self._page(post)
        incident = self._store.incident(post.incident)
        tier = post.said if post.kind is PostKind.CALL else str(incident.tier if incident else "")
        new = tuple(
            Post(post.incident, one, PostKind.CALL, number, because, now, said=tier, mention=mention)
            for one in destinations
            if one not in known
        )
        if new:
            self._store.commit(Change(posts=new))
            log.error("page.handed_on", post=post.key, to=[one.channel for one in new], because=str(because), why=why)
            self._owed_now()
        return new

    def _page(self, post: Post) -> tuple[int, tuple[str, ...]]:
        """Give the number of a page and everybody whom it still has to call: it is handed on once for all channels."""
        posts = self._store.posts(post.incident)
        pages = [one for one in posts if one.kind in {PostKind.ROOT, PostKind.BROADCAST}]
        same = [one for one in pages if one.decided_at == post.decided_at and one.ts is None]
        return _number(post, posts), tuple(dict.fromkeys(who for one in (*same, post) for who in one.mention))

    def back(self, post: Post, now: datetime) -> None:
        """Tell in the thread what happened while the page could not be posted, where it was late or handed on."""
        incident = self._store.incident(post.incident)
        if incident is None:
            return
        calls = self._calls(post)
        late, elsewhere = now - post.decided_at, any(one.reason in set(Because) for one in calls)
        if late < PATIENCE[incident.tier] and not (elsewhere and post.problem):
            return
        told = {one.channel: one.decided_at if one.ts is not None else None for one in calls}
        said = story(late, post.problem, told, incident)
        line = Post(post.incident, post.channel, PostKind.LINE, -post.n, Because.CALLED_MEANWHILE, now, said=said)
        self._store.commit(Change(posts=(line,)))
        self._owed_now()


def _number(post: Post, posts: Sequence[Post]) -> int:
    """Give the number under which a page is handed on: a root that joins later belongs to the newest page by then."""
    if post.kind is not PostKind.ROOT:
        return post.n
    called = [one.n for one in posts if one.kind is PostKind.CALL]
    beside = [one.n for one in posts if one.kind is PostKind.BROADCAST and one.reason in CALLS]
    return max((post.n, *called, *beside))


def _handed(root: Post, posts: Sequence[Post]) -> bool:
    """Whether a root was handed on since it was refused."""
    calls = (one for one in posts if one.kind is PostKind.CALL and one.reason == Because.REFUSED)
    return any(one.decided_at >= root.decided_at for one in calls)
