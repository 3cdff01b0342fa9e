"""Whether a drill can be held as somebody asks for it. Pure."""

import re
from collections.abc import Iterable
from datetime import timedelta

from monitor.core.words import lasted

SLACK_ID = re.compile(r"[SUW][A-Z0-9]{2,30}", re.ASCII)
"""A user, or a user group, as Slack names them."""


def unusable(participants: Iterable[str], seconds: int | None, longest: int) -> str:
    """Say what is wrong with who takes part, or with a recovery target in `seconds`; nothing where all is well.

    `longest` is for how many seconds the drill may run: with a later target it could only be given up.
    """
    nameless = next((one for one in participants if not SLACK_ID.fullmatch(one)), None)
    if nameless is not None:
        return (
            f"{nameless[:40]!r} is no id of Slack's: a person's (U…) stands in their profile behind ⋯, that of a user "
            "group begins with S."
        )
    if seconds is None or 0 < seconds <= longest:
        return ""
    allowed = lasted(timedelta(seconds=longest))
    return f"The recovery target must lie within {allowed}, after which this drill is given up (`longest` in its file)."
