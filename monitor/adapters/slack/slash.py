"""The slash command: `/rbm status`, `ack` and `help`, under whatever name the workspace has given it.

Words in, words out; what may be done is decided where clicks are decided.
"""

import re
from collections.abc import Callable, Sequence

from monitor.adapters.slack.clicks import Typed
from monitor.core.incident import Incident
from monitor.core.page import ActionKind

SHOWN = 10
"""Incidents that the status lists before it says how many more there are."""
_ID = re.compile(r"[A-Z]{1,10}-\d{1,9}", re.ASCII)

Ask = Callable[[str, ActionKind], str | None]


class SlashCommand:
    """Answers what somebody typed."""

    def __init__(self, incidents: Callable[[], Sequence[Incident]], told: Callable[[Incident], str]) -> None:
        """Make it; `incidents` gives the open ones, newest first, `told` the words for one of them."""
        self._incidents = incidents
        self._told = told

    def __call__(self, typed: Typed, ask: Ask) -> str:
        """Give the answer to `typed`; see `monitor.adapters.slack.interactions.SlashAnswer`."""
        match [word.lower() for word in typed.words]:
            case [] | ["help"]:
                return _help(typed.name)
            case ["status"]:
                return self._status()
            case ["ack"]:
                return self._acknowledge_the_one(typed.name, ask)
            case ["ack", which]:
                return _acknowledge(which.upper(), ask)
            case ["drill", *_]:
                return "Drills come with a later version; nothing was started."
            case _:
                return f"Not understood; nothing was done.\n{_help(typed.name)}"

    def _status(self) -> str:
        found = self._incidents()
        lines = [f"• {one.id}: {self._told(one)}" for one in found[:SHOWN]]
        more = [f"…and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
        return "\n".join([*lines, *more]) or "No incident is open."

    def _acknowledge_the_one(self, name: str, ask: Ask) -> str:
        """Acknowledge the incident that waits for it, where there is just one."""
        waiting = [one.id for one in self._incidents() if one.acknowledged_by is None]
        if not waiting:
            return "No incident waits for an acknowledgement."
        if len(waiting) > 1:
            return f"{len(waiting)} incidents wait: say which, such as {name} ack {waiting[0]}."
        return _acknowledge(waiting[0], ask)


def _acknowledge(which: str, ask: Ask) -> str:
    if not _ID.fullmatch(which):
        return f"{which[:40]} is no incident; they look like INC-0001. Nothing was done."
    return ask(which, ActionKind.ACKNOWLEDGE) or f"You have acknowledged {which}."


def _help(name: str) -> str:
    return "\n".join(
        [
            f"{name} status: what is open, and who has it",
            f"{name} ack [INC-0001]: acknowledge the incident, or the one that waits",
            f"{name} help: this",
            "Everything else: the buttons of the page, or rollback-monitor incident --help in a shell.",
        ]
    )
