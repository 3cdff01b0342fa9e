"""A test page: what is sent to every destination to see that it arrives, clearly marked. Pure.

Other pagers are told that it is over at once, so that nobody is kept awake by a test.
"""

from collections.abc import Sequence
from datetime import datetime

from monitor.core.model import Tier
from monitor.core.pages.calling import Call, Stance
from monitor.core.pages.page import Page, Tone
from monitor.ports.pager import Message
from monitor.ports.store import NO_INCIDENT, Post, PostKind

REASON = "test"
WORDS = "TEST, nothing is wrong"
"""What every test page begins with."""


def line_for(channel: str, environment: str, mention: Sequence[str], at: datetime) -> Message:
    """Give the test page for a channel; `mention` are those who are called by it."""
    said = (
        f"{WORDS}: a test page of Rollback Monitor for {environment}. Pages of incidents arrive here like this one; "
        "there is nothing to do."
    )
    n = int(at.timestamp())
    return Message(Post(NO_INCIDENT, channel, PostKind.NOTE, n, REASON, at, said=said, mention=tuple(mention)))


def calls_for(pager: str, environment: str, at: datetime) -> tuple[Message, Message]:
    """Give the test page for another pager, and what ends it."""
    return (
        _call(pager, environment, at, Stance.TRIGGERED),
        _call(pager, environment, at, Stance.RESOLVED),
    )


def _call(pager: str, environment: str, at: datetime, stance: Stance) -> Message:
    n, name = int(at.timestamp()), "TEST"
    headline = f"{WORDS}: a test page of Rollback Monitor for {environment}"
    page = Page(name, Tone.ENDED, headline, (), notes=("There is nothing to do.",))
    call = Call(f"{environment}/{name}/{n}", stance, name, environment, Tier.PREPARE, at)
    return Message(Post(name, pager, PostKind.CALL, n, REASON, at, said=str(Tier.PREPARE)), page=page, call=call)
