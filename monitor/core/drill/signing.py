"""Who signs the result of a drill: which signatures may be given, which count, and what is said of those that do not.

Two people stand by a result only where somebody vouches that they are two. A name in a shell is only said: it is kept
as what it is, and is no second person. Pure.
"""

from datetime import datetime

from monitor.core.actor import Actor, same_person
from monitor.core.drill.log import SIGNATURES, Drill, SignedOff
from monitor.core.pages.page import ActionKind
from monitor.core.pages.shell import ASKS_FOR_ANOTHER, ASKS_FOR_TWO, SPELLINGS

DOES_NOT_COUNT = "does not count towards the two: nobody vouches for a name that is given in a shell"


def sign(drill: Drill, by: Actor, note: str, at: datetime) -> SignedOff | str:
    """Give the signature of `by`, or why it may not be given.

    Who gave a name in a shell may still sign in Slack: that is how it comes to count.
    """
    if drill.finished is None:
        return f"{drill.id} has not been finished: there is no result to sign."
    if not drill.unsigned:
        return f"{drill.id} is signed by {' and '.join(one.by.name for one in drill.vouched)}."
    if any(_again(one.by, by) for one in drill.signed):
        return f"{by.name} has signed {drill.id} already; a second person must."
    return SignedOff(at, by, note)


def _again(before: Actor, by: Actor) -> bool:
    """Tell whether a signature says nothing that one `before` did not say."""
    return same_person(before, by) and (before.verified or not by.verified)


def counts(drill: Drill, one: SignedOff) -> bool:
    """Whether a signature counts towards the two."""
    return one in drill.vouched


def how(name: str) -> str:
    """Give how a drill is signed so that it counts."""
    label = SPELLINGS[ActionKind.SIGN_OFF].button
    typed = f"drill sign-off {name}"
    return f"press {label} in Slack, where {name} was said to be over (or, behind the slash command: {typed})"


def asked_for(drill: Drill) -> str:
    """Give what people are asked once a drill is over, without a stop; nothing where it was given up.

    It names the button, which is how a message comes to have it.
    """
    if drill.finished is None:
        return ""
    return ASKS_FOR_TWO


def first(drill: Drill) -> str:
    """Give what the channel is told once one of the two has signed."""
    (one,) = drill.vouched
    return f"{one.by.name} stands by the result of {drill.id}. {ASKS_FOR_ANOTHER}."


def incomplete(name: str, missing: int) -> str:
    """Give what is missing of the sign-off, in a sentence without a stop; nothing where it is whole."""
    if not missing:
        return ""
    return (
        f"Sign-off incomplete: {missing} of {SIGNATURES} signatures {'is' if missing == 1 else 'are'} missing. Those "
        f"count that Slack vouches for, of two people: {how(name)}"
    )


def signers(drill: Drill) -> str:
    """Give who signed, in a line; what does not count says so."""
    told = (one.by.name if counts(drill, one) else f"{one.by.signed}, which does not count" for one in drill.signed)
    return "; ".join(told) or "nobody"
