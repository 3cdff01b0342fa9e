"""The slash command: `/rbm status`, `ack`, `drill` and `help`, under whatever name the workspace has given it.

Words in, words out; what may be done is decided where clicks are decided.
"""

import re
from collections.abc import Callable, Sequence

from monitor.adapters.slack.clicks import Typed
from monitor.adapters.slack.interactions import Speaker
from monitor.core.actor import Actor
from monitor.core.incidents.incident import Incident
from monitor.core.naming import marked
from monitor.core.pages.page import ActionKind

SHOWN = 10
"""Incidents that the status lists before it says how many more there are."""
_ID = re.compile(r"[A-Z]{1,10}-\d{1,9}", re.ASCII)

Drills = Callable[[tuple[str, ...], Actor], str]
"""Answers words about drills, in somebody's name."""


class SlashCommand:
    """Answers what somebody typed."""

    def __init__(
        self, incidents: Callable[[], Sequence[Incident]], told: Callable[[Incident], str], drills: Drills | None = None
    ) -> None:
        """Make it; `incidents` gives the open ones, newest first, `told` the words for one of them."""
        self._incidents = incidents
        self._told = told
        self._drills = drills

    def __call__(self, typed: Typed, by: Speaker) -> str:
        """Give the answer to `typed`; see `monitor.adapters.slack.interactions.SlashAnswer`."""
        match [word.lower() for word in typed.words]:
            case [] | ["help"]:
                return _help(typed.name)
            case ["status"]:
                return self._status()
            case ["ack"]:
                return self._acknowledge_the_one(typed.name, by)
            case ["ack", which]:
                return _acknowledge(which.upper(), by)
            case ["drill", *_] if self._drills is not None:
                return self._drills(typed.words[1:], by.actor(""))
            case _:
                return f"Not understood; nothing was done.\n{_help(typed.name)}"

    def _status(self) -> str:
        found = self._incidents()
        lines = [f"• {one.id}: {self._told(one)}" for one in found[:SHOWN]]
        more = [f"…and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
        return "\n".join([*lines, *more]) or "No incident is open."

    def _acknowledge_the_one(self, name: str, by: Speaker) -> str:
        """Acknowledge the incident that waits for it, where there is just one."""
        waiting = [one.id for one in self._incidents() if one.acknowledged_by is None]
        if not waiting:
            return "No incident waits for an acknowledgement."
        if len(waiting) > 1:
            return f"{len(waiting)} incidents wait: say which, such as {name} ack {waiting[0]}."
        return _acknowledge(waiting[0], by)


def _acknowledge(which: str, by: Speaker) -> str:
    if not _ID.fullmatch(which):
        return f"{which[:40]} is no incident; they look like INC-0001. Nothing was done."
    return by.ask(which, ActionKind.ACKNOWLEDGE) or marked(which, f"You have acknowledged {which}.")


def _help(name: str) -> str:
    return "\n".join(
        [
            f"{name} status: what is open, and who has it",
            f"{name} ack [INC-0001]: acknowledge the incident, or the one that waits",
            f"{name} drill [status|start SCENARIO [with @ana @ben]|inject]: what runs, and beginning one",
            f"{name} drill [abort REASON|finish|report|sign-off DRILL-0001]: ending one, and what it came to",
            f"{name} drill [due|migrated NAME]: when the next drill is due; that a major migration was made",
            f"{name} help: this",
            "Everything else: the buttons of the page, or rollback-monitor incident --help in a shell.",
        ]
    )
