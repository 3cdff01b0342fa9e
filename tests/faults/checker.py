"""What became of every page, after a run with faults: counts what was lost, doubled, late, of the wrong tier, or done
by somebody who may not.

It judges by three things that know nothing of each other: when the signal was bad (asked of Prometheus afterwards),
what Slack holds, and the record in the database. It must not know how the monitor works.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

LATE = 2.0
"""Seconds of a page beyond what the evaluation and the restart allow."""


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
class Fired:
    """An alert in the record: since when it breached, when it fired, its tier, and the keys of what was owed for it."""

    incident: str
    since: int
    tier: str
    owed: tuple[str, ...]


@dataclass(frozen=True)
class Did:
    """Something that somebody did, by the record."""

    who: str
    what: str


@dataclass(frozen=True)
class Run:
    """Everything that is judged. `away` are the stretches (from, to) in which the monitor or Slack did not run."""

    breaches: Sequence[Breach]
    told: Sequence[Told]
    fired: Sequence[Fired]
    did: Sequence[Did] = ()
    away: Sequence[tuple[float, float]] = ()
    may: Mapping[str, frozenset[str]] = field(default_factory=dict)
    patience: float = 4.0


@dataclass(frozen=True)
class Faults:
    """A sentence for each fault, by kind."""

    lost: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()
    late: tuple[str, ...] = ()
    wrong_tier: tuple[str, ...] = ()
    unauthorised: tuple[str, ...] = ()

    def __str__(self) -> str:
        kinds = ("lost", "doubled", "late", "wrong_tier", "unauthorised")
        return ", ".join(f"{len(getattr(self, kind))} {kind.replace('_', ' ')}" for kind in kinds)


def check(run: Run) -> Faults:
    """Give every fault of `run`."""
    return Faults(
        lost=(*_unseen_breaches(run), *_unposted(run)),
        doubled=(*_posted_twice(run), *_fired_twice(run)),
        late=_late(run),
        wrong_tier=_wrong_tier(run),
        unauthorised=tuple(f"{one.who}: {one.what}" for one in run.did if one.what not in _rights(run, one.who)),
    )


def _rights(run: Run, who: str) -> frozenset[str]:
    return run.may.get(who, frozenset())


def _of(run: Run, breach: Breach) -> list[Fired]:
    return [one for one in run.fired if breach.first - 1 <= one.since <= breach.last]


def _unseen_breaches(run: Run) -> list[str]:
    return [f"the breach at {breach.first} fired nothing" for breach in run.breaches if not _of(run, breach)]


def _unposted(run: Run) -> list[str]:
    there = {one.key for one in run.told}
    return [
        f"{key} of the breach at {fired.since} is not in Slack"
        for fired in run.fired
        for key in fired.owed
        if key not in there
    ]


def _posted_twice(run: Run) -> list[str]:
    counts = Counter(one.key for one in run.told)
    return [f"{key} stands {count} times in Slack" for key, count in counts.items() if count > 1]


def _fired_twice(run: Run) -> list[str]:
    return [
        f"the breach at {breach.first} fired {len(found)} times"
        for breach in run.breaches
        if len(found := _of(run, breach)) > 1
    ]


def _late(run: Run) -> tuple[str, ...]:
    """A page is due `patience` seconds after its breach began, or after the last absence that it fell into ended."""
    faults = []
    first = {one.key: one for one in sorted(run.told, key=lambda one: -one.at)}
    for fired in run.fired:
        came = min((first[key].at for key in fired.owed if key in first), default=None)
        due = _due(run, fired.since + run.patience)
        if came is not None and came > due + LATE:
            faults.append(f"the page of the breach at {fired.since} came {came - due:.1f} s late")
    return tuple(faults)


def _due(run: Run, due: float) -> float:
    """Push a due time behind every absence that it falls into, or that begins within the patience after another."""
    for start, end in sorted(run.away):
        if start - run.patience <= due <= end + run.patience:
            due = end + run.patience
    return due


def _wrong_tier(run: Run) -> tuple[str, ...]:
    words = {"rollback": ("ROLLBACK NOW", "BACK", "Another reason"), "prepare": ("PREPARE", "BACK", "Also")}
    by_key = {one.key: one for one in run.told}
    return tuple(
        f"{key} of tier {fired.tier} says {by_key[key].text[:40]!r}"
        for fired in run.fired
        for key in fired.owed
        if key in by_key and not by_key[key].in_thread and not _speaks(by_key[key].text, words[fired.tier])
    )


def _speaks(text: str, words: Sequence[str]) -> bool:
    """A page that was edited since shows its stage instead of its tier."""
    return any(word in text for word in (*words, "RECOVERED", "ENDED", "ROLLING BACK"))
