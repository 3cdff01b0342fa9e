"""One attempt to deliver a post: what is remembered of it, when it is tried again, and what the log says."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from monitor.ports.pager import Ambiguous, Delivery, Gone, Rejected, RetryAfter, Sent
from monitor.ports.store import Post, PostState

log = structlog.get_logger()

BACKOFF = (1, 2, 5, 10, 20, 30)
"""Seconds until the next try after 1, 2, ... tries that nobody answered."""

REJECTED_PAUSE = 60
"""Seconds until a new post that was refused is tried again: somebody may have mended the channel or the token.

A refused edit is given up; the next change of the incident owes another."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """One attempt, for metrics and logs: what became of `post`, and the seconds since its transition was decided."""

    post: Post
    delivery: Delivery
    seconds: float


def anew(post: Post, why: str) -> Post:
    """Give a message that somebody deleted as one that is owed anew."""
    again = replace(post, ts=None, sent=0, attempts=0, not_before=None, state=PostState.OWED)
    return replace(again, gone=post.gone + 1, problem=why)


def delivered(post: Post, delivery: Delivery, now: datetime) -> Post:
    """Give `post` after one attempt: what to remember of it and when to try again.

    Attempts count from the first whose outcome nobody knows: what was surely not taken needs no looking for.
    """
    doubted = post.attempts > 0 or isinstance(delivery, Ambiguous)
    tried = replace(post, attempts=post.attempts + 1) if doubted else post
    match delivery:
        case Sent(ts):
            return replace(post, ts=ts, sent=post.wanted, state=PostState.SENT, attempts=0, not_before=None, problem="")
        case Gone(why) if post.ts is not None and post.gone == 0:
            return anew(post, why)
        case Gone(why) | Rejected(why) if post.ts is not None:
            return replace(tried, state=PostState.FAILED, problem=why)
        case Gone(why):  # its root was deleted; it waits for another
            return replace(tried, not_before=None, problem=why)
        case Rejected(why):
            return replace(tried, not_before=now + timedelta(seconds=REJECTED_PAUSE), problem=why)
        case RetryAfter(seconds, why):
            return replace(tried, not_before=now + timedelta(seconds=seconds), problem=why)
        case Ambiguous(why):
            pause = BACKOFF[min(post.attempts, len(BACKOFF) - 1)]
            return replace(tried, not_before=now + timedelta(seconds=pause), problem=why)


def tell(post: Post, delivery: Delivery) -> None:
    """Log a line a post, and one for whatever stands in its way."""
    told = {"post": post.key, "reason": post.reason}
    match delivery:
        case Sent():
            level = log.debug if post.ts is not None else log.info
            level("post.delivered", **told)
        case Rejected(why) | Gone(why):
            log.error("post.rejected", why=why, **told)
        case RetryAfter(_, why) | Ambiguous(why):
            log.warning("post.delayed", why=why, **told)
