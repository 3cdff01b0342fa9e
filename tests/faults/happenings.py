"""What is known of a run with faults, from sides that know nothing of each other: the truth of the checker.

When the signal was bad (Prometheus), what stands in Slack and what other pagers got (the servers), who pressed what
(the people), and the record (the database). Values only; what is wrong with them is found in `checker`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

Stretch: TypeAlias = tuple[float, float]


@dataclass(frozen=True)
class Breach:
    """A stretch in which the signal was bad at every grid time (seconds since the epoch)."""

    first: int
    last: int


@dataclass(frozen=True)
class Told:
    """A message in Slack: its key, when it came, its text, and whether it stands in a thread."""

    key: str
    at: float
    text: str
    in_thread: bool


@dataclass(frozen=True)
class Called:
    """A document that another pager got: the key that it knows the page by, and how the page stands by it."""

    pager: str
    key: str
    at: float
    stance: str


@dataclass(frozen=True)
class Fired:
    """An alert in the record: since when it breached, when it fired, its tier, and the keys of what was owed for it.

    `calls` are the keys under which every other pager must have heard of it.
    """

    incident: str
    since: int
    tier: str
    owed: tuple[str, ...]
    calls: tuple[str, ...] = ()


@dataclass(frozen=True)
class Click:
    """A press of a button as Slack carried it: `answered` is when Slack was told that it was taken (None: never).

    `genuine` is False for what somebody sent who is not Slack.
    """

    key: str
    who: str
    what: str
    incident: str
    answered: float | None = None
    genuine: bool = True


@dataclass(frozen=True)
class Did:
    """Something that somebody did, by the record; `click` is the press that it came by."""

    who: str
    what: str
    click: str = ""


REFUSED = "refused"
"""What somebody did who was told that it was not done."""


@dataclass(frozen=True)
class Run:
    """Everything that is judged.

    `away` are the stretches (from, to) in which the monitor did not run, `refusing` those in which Slack took nothing;
    `over` is when each incident ended. `pagers` are called with every page, and `spare` where Slack has not taken one
    for `fallback` seconds. A page is due `patience` seconds after its breach began, once all that it needs has been up
    for `settle` seconds at a stretch (None: for `patience`).
    """

    breaches: Sequence[Breach]
    told: Sequence[Told]
    fired: Sequence[Fired]
    did: Sequence[Did] = ()
    away: Sequence[Stretch] = ()
    may: Mapping[str, frozenset[str]] = field(default_factory=dict)
    patience: float = 4.0
    settle: float | None = None
    refusing: Sequence[Stretch] = ()
    clicks: Sequence[Click] = ()
    over: Mapping[str, float] = field(default_factory=dict)
    calls: Sequence[Called] = ()
    pagers: tuple[str, ...] = ()
    spare: str = ""
    fallback: float = 0.0


def of(run: Run, breach: Breach) -> list[Fired]:
    """Give what fired for `breach`."""
    return [one for one in run.fired if breach.first - 1 <= one.since <= breach.last]


def first_of(run: Run, fired: Fired) -> float | None:
    """Give when the first message of what was owed for `fired` came to Slack."""
    return min((one.at for one in run.told if one.key in fired.owed), default=None)


def due(run: Run, earliest: float, absences: Sequence[Stretch]) -> float:
    """Give the first moment from `earliest` on before which none of `absences` was for as long as `run` allows."""
    found, settle = earliest, run.patience if run.settle is None else run.settle
    for start, end in sorted(absences):
        if start < found and end > found - settle:
            found = end + settle
    return found
