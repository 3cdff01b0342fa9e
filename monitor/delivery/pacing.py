"""How fast posts may follow each other: a second apart in a channel, edits of a message three, as long as told to wait.

Time is an argument (monotonic seconds); nothing sleeps. What is not ready yet is left for later, so that other channels
go on. Which post goes first is decided here too.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from monitor.core.incidents.incident import Incident
from monitor.core.pages.calling import CALLS
from monitor.core.pages.headline import tone
from monitor.ports.store import Post, PostKind

Stage: TypeAlias = tuple[object, ...]

ORDER = {
    PostKind.ROOT: 0,
    PostKind.CALL: 0,
    PostKind.ESCALATION: 0,
    PostKind.BROADCAST: 2,
    PostKind.CARD: 3,
    PostKind.LINE: 4,
    PostKind.NOTE: 5,
    PostKind.PLOT: 6,
    PostKind.REPORT: 7,
}
"""New posts go out in this order, and before all edits; what pages or calls people in a thread comes right after 0."""

PAGED_AGAIN = 1


@dataclass(frozen=True, slots=True)
class Tempo:
    """Seconds between two new posts of a channel, and between two edits of a message that bring it no new stage."""

    post_every: float = 1.0
    edit_every: float = 3.0


def in_order(posts: Iterable[Post]) -> list[Post]:
    """Give `posts` as they go out: new before edits; pages, what pages again, the thread; what calls people first."""
    return sorted(
        posts, key=lambda post: (post.ts is not None, rank(post), not post.mention, post.decided_at, post.n, post.key)
    )


def rank(post: Post) -> int:
    """Give the place of `post` in the order."""
    again = ORDER[post.kind] and (post.mention or post.reason in CALLS)
    return PAGED_AGAIN if again else ORDER[post.kind]


def stage_of(incident: Incident | None) -> Stage:
    """Give what people must see at once when it changes: the stage, who has it and who commands."""
    if incident is None:
        return ()
    owner, commander = incident.acknowledged_by, incident.commander
    return (tone(incident), incident.tier, owner and owner.id, commander and commander.id)


class Pace:
    """What went when. Forgotten with the process: the first of everything goes at once."""

    def __init__(self, tempo: Tempo) -> None:
        self._tempo = tempo
        self._free: dict[tuple[str, str], float] = {}
        self._shown: dict[str, tuple[Stage, float]] = {}

    def held(self, post: Post, now: float) -> float:
        """Give the seconds until anything may go the way of `post`; 0: now."""
        return max(0.0, self._free.get(_way(post), now) - now)

    def rests(self, post: Post, stage: Stage, now: float) -> float:
        """Give the seconds until `post`, where it is an edit that shows no new stage, may be made; 0: now."""
        shown, at = self._shown.get(post.key, ((), now))
        return max(0.0, at + self._tempo.edit_every - now) if post.ts is not None and shown == stage else 0.0

    def tried(self, post: Post, stage: Stage, now: float) -> None:
        """Take down that `post` was tried."""
        self._shown[post.key] = (stage, now)
        if post.ts is None:
            self.hold(post, self._tempo.post_every, now)
        if len(self._shown) > MOST_SHOWN:
            self._shown.pop(next(iter(self._shown)))

    def hold(self, post: Post, seconds: float, now: float) -> None:
        """Let everything that goes the way of `post` wait for so long."""
        way = _way(post)
        self._free[way] = max(self._free.get(way, now), now + seconds)


MOST_SHOWN = 1000
"""Messages whose last edit is remembered."""


def _way(post: Post) -> tuple[str, str]:
    """The method and channel that limits hold for."""
    return ("post" if post.ts is None else "edit", post.channel)
