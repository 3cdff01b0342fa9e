"""Which refusals are kept as evidence of a drill: those on its buttons and in words about it. Pure."""

from collections.abc import Iterator
from datetime import datetime

from monitor.core.actor import Actor
from monitor.core.drill.log import Drill, DrillRefused
from monitor.core.pages.page import ActionKind

SIGN_OFF = "sign-off"
SIGNING = frozenset({SIGN_OFF, str(ActionKind.SIGN_OFF)})
OF_A_DRILL = frozenset({"start", "inject", "abort", "finish", SIGN_OFF})
"""What is asked of a drill in words; while one runs, to begin another is asked of it too."""


def refusal(drill: Drill, by: Actor, command: str, why: str, at: datetime) -> DrillRefused | None:
    """Give what is kept of a refusal; nothing where the record is closed, or the very click is on it already.

    It is open while the drill runs, and for signatures until they are there: a late press on an old button changes no
    report that was signed.
    """
    signing = command in SIGNING and drill.finished is not None and drill.unsigned > 0
    if not (drill.running or signing) or (by.click and by.click in _clicks(drill)):
        return None
    return DrillRefused(at, by, command, why)


def _clicks(drill: Drill) -> Iterator[str]:
    """Give every click that is on record: Slack may hand on the same one again."""
    for event in (drill.started, drill.injected, drill.aborted, drill.finished, *drill.signed, *drill.refused):
        if event is not None:
            yield event.by.click
