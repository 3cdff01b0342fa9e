"""What a drill rehearses: a scenario as its file has it. Frozen; durations in seconds."""

from dataclasses import dataclass, field
from enum import StrEnum

from monitor.core.model import Labels
from monitor.core.rules.rule import Place, TierRule
from monitor.core.rules.service import Releases
from monitor.core.rules.signal import Signal


class Kind(StrEnum):
    """How real a drill is."""

    PAGER = "pager"
    TABLETOP = "tabletop"
    STAGING = "staging"
    CANARY = "production-canary"

    @property
    def qualifies(self) -> bool:
        """Whether it satisfies the quarterly duty: only what really rolled something back does."""
        return self in {Kind.STAGING, Kind.CANARY}

    @property
    def mitigates(self) -> bool:
        """Whether it is held against a recovery target: a pager drill ends with whoever has the page."""
        return self is not Kind.PAGER

    @property
    def real(self) -> bool:
        """Whether it watches real traffic instead of a script."""
        return self.qualifies


class Trigger(StrEnum):
    """The conditions of the playbook under which a rollback is prepared or done."""

    ERRORS = "errors"
    LATENCY = "latency"
    BILLING = "billing"
    INTEGRITY = "integrity"
    LOGIN = "login"
    INVOICES = "invoices"


class Clears(StrEnum):
    """What makes a scripted signal healthy again."""

    ROLLED_BACK = "rolled_back"
    ACKNOWLEDGED = "acknowledged"
    BY_TIME = "by_time"


@dataclass(frozen=True, slots=True)
class Load:
    """What a scripted signal says at any moment.

    `value` is in the signal's unit: the share that fails, the quantile in seconds, the share that is up, events a
    minute, the query's value. `requests` is a rate a second, for the signals that count requests.
    """

    value: float
    requests: float = 10.0


@dataclass(frozen=True, slots=True)
class Script:
    """A signal played instead of read: healthy until the injection, broken from it on until it clears.

    `labels` are those of the instance; `after` is for `Clears.BY_TIME`: seconds from the injection on.
    """

    labels: Labels
    healthy: Load
    broken: Load
    clears: Clears = Clears.ROLLED_BACK
    after: int = 0


@dataclass(frozen=True, slots=True)
class Scenario:
    """One file of rules/drills.

    `alert` is the rule that must page. `script` plays its signal; without one real traffic is watched, by `signal`,
    which stands in for that of the rule; `tiers`, where there are any, stand in for the rule's: what is to be shown is
    then the way of a page, as soon as it can be.
    `releases` says where the versions of the target are seen, where that is not as in releases.yaml. `procedure`
    stands in for the rule's where it is named; `recovery_target` (seconds) for the procedure's. `inject` and `mend`
    tell people how to break and mend the target, and are only shown.
    """

    name: str
    title: str
    trigger: Trigger
    alert: str
    kind: Kind
    hypothesis: str
    script: Script | None = None
    signal: Signal | None = None
    tiers: tuple[TierRule, ...] = ()
    releases: Releases | None = None
    environment: str = ""
    procedure: str = ""
    recovery_target: int | None = None
    abort_if: tuple[str, ...] = ()
    inject: str = ""
    mend: str = ""
    longest: int = 7200
    place: Place = field(default=Place("", 1, 1), compare=False)
