"""What changed before a breach, and what each service is to go back to: the values that an incident keeps.

Times are aware UTC. How they are decided stands in `monitor.core.releases.targeting`.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from monitor.core.rules.service import VERSION, Service


class What(StrEnum):
    """What kind of change it was."""

    RELEASE = "release"
    FLAG = "flag"
    MIGRATION = "migration"


@dataclass(frozen=True, slots=True)
class Changed:
    """One change of one service: what was there before and after it, when it began, and by whom where that is known.

    `under_way`: a release of which the version before still runs. `later`: it came only after the breach.
    """

    service: str
    what: What
    before: str
    after: str
    at: datetime
    by: str = ""
    under_way: bool = False
    later: bool = False


class WhyNot(StrEnum):
    """Why no target is proposed."""

    NONE = ""
    MID_DEPLOY = "mid_deploy"
    NO_KNOWN_GOOD = "no_known_good"
    ALREADY_BACK = "already_back"
    PARTIAL = "partial"


class Availability(StrEnum):
    """Whether an image is there, as its registry says."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Target:
    """What one changed service is to go back to: `version`, or "" and `why_not`, in words `why`.

    `ran` are the seconds that it ran alone, `at_least` where nobody knows how long before; `good_at` a time at which it
    did, `good_until` the last. `image` is its image ("" where unknown), `available` what its registry says, with the
    `digest`, or in `image_why` why that is not known. `migrations` are those since `good_until`; they are known only
    where `migrations_seen`.
    """

    service: str
    current: str
    changed_at: datetime
    version: str = ""
    ran: int = 0
    at_least: bool = False
    good_at: datetime | None = None
    good_until: datetime | None = None
    image: str = ""
    available: Availability = Availability.UNKNOWN
    digest: str = ""
    image_why: str = ""
    migrations: tuple[str, ...] = ()
    migrations_seen: bool = False
    why_not: WhyNot = WhyNot.NONE
    why: str = ""


@dataclass(frozen=True, slots=True)
class WhatChanged:
    """What changed in the 24 h before `breach` and since, as it was seen at `at`: the first change first.

    `targets` has one for each service with a release before the breach. `watched` are the kinds of change that could be
    seen, `unseen` the services whose version never was, and `dark` the other kinds that should be seen of a service and
    never were ("flags of auth"). `problem` says why not everything was read: then nothing is
    proposed.
    """

    at: datetime
    breach: datetime
    changes: tuple[Changed, ...] = ()
    targets: tuple[Target, ...] = ()
    watched: tuple[What, ...] = ()
    unseen: tuple[str, ...] = ()
    problem: str = ""
    dark: tuple[str, ...] = ()

    @property
    def before(self) -> tuple[Changed, ...]:
        """The changes before the breach; the first one came first."""
        return tuple(one for one in self.changes if not one.later)

    @property
    def nothing(self) -> bool:
        """Whether nothing is known to have changed before: everything was read, and nothing watched is unseen."""
        return bool(self.watched) and not (self.before or self.problem or self.unseen or self.dark)

    def target(self, service: str) -> Target | None:
        """Give the target of `service`, or None where it had no release."""
        return next((one for one in self.targets if one.service == service), None)


def not_read(found: WhatChanged, problem: str) -> WhatChanged:
    """Give what was found, known to be partial: nothing is proposed from it."""
    targets = tuple(
        Target(one.service, one.current, one.changed_at, why_not=WhyNot.PARTIAL, why=problem) for one in found.targets
    )
    return replace(found, targets=targets, problem=problem)


def with_image(target: Target, image: str, why: str = "") -> Target:
    """Give the target with its image, or `why` that is not known; its registry has not been asked yet."""
    return replace(target, image=image, image_why=why, available=Availability.UNKNOWN, digest="")


def image_of(service: Service, version: str) -> str:
    """Give the image of a version by the service's template, or nothing where it has none."""
    return service.image.replace(VERSION, version)
