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

    @property
    def signed(self) -> str:
        """The name as it is shown: one that nobody vouched for says so."""
        return self.name if self.verified else f"{self.name} (from a shell, unverified)"


def same_person(one: Actor, other: Actor) -> bool:
    """Tell whether two are the same person as far as anybody knows.

    Where nobody vouched for a name it counts as the name that it is: Ana in Slack and ana in a shell are one.
    """
    if one.id == other.id:
        return True
    unsure = not (one.verified and other.verified)
    return unsure and " ".join(one.name.split()).casefold() == " ".join(other.name.split()).casefold()


def two_people(one: Actor, other: Actor) -> bool:
    """Tell whether it is certain that two are two people: somebody must have vouched for both names.

    A name that is typed in a shell may be anybody's, also that of whoever spoke in Slack a moment before.
    """
    return one.verified and other.verified and not same_person(one, other)


MONITOR = Actor("monitor", "Rollback Monitor", Source.MONITOR)
