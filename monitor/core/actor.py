"""Who does something: people by their rights, wherever they speak from, and the monitor itself. Frozen."""

from dataclasses import dataclass
from enum import StrEnum


class Source(StrEnum):
    """Where an event came from."""

    MONITOR = "monitor"
    SLACK = "slack"
    CLI = "cli"
    CONSOLE = "console"
    API = "api"
    PAGERDUTY = "pagerduty"


class Role(StrEnum):
    """What somebody may do on an incident, by configured user group or id; nothing configured means nobody."""

    RESPONDER = "responder"
    COMMANDER = "commander"
    APPROVER = "approver"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did something.

    `id` is Slack's user id or a login name; `verified` is False where nobody vouched for the name. `click` names the
    very press of a button that it came by, so that the same one, told again, is known.
    """

    id: str
    name: str
    source: Source
    roles: frozenset[Role] = frozenset()
    verified: bool = True
    click: str = ""

    @property
    def outside(self) -> bool:
        """Whether it is somebody of the channel who is not known as a responder, commander or approver."""
        return self.source is Source.SLACK and not self.roles


MONITOR = Actor("monitor", "Rollback Monitor", Source.MONITOR)
