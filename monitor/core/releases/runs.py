"""Which versions of a service ran alone, for how long, and through which breaches: the last known good one.

Pure functions of what was seen. This module must not know where versions and breaches are seen.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from monitor.core.judging.deploy import Seen
from monitor.core.model import utc
from monitor.core.words import lasted_seconds

SLACK = 30
"""Seconds by which a release may be seen later than its first failing sample: both are scraped."""

LINGER = 1800
"""Seconds that a breach may outlast the version under which it began before it counts against the next one too."""


@dataclass(frozen=True, slots=True)
class Breach:
    """An alert of a service that fired: since when it breached, and until when (None: it still does)."""

    alert: str
    begin: int
    end: int | None = None

    def __str__(self) -> str:
        return f"{self.alert} on {utc(self.begin):%d %b %H:%M} UTC"


@dataclass(frozen=True, slots=True)
class Run:
    """One stretch in which a version was the only one that was seen; `first`: it ran before anything was read."""

    version: str
    begin: int
    end: int
    first: bool = False


@dataclass(frozen=True, slots=True)
class Good:
    """The last known good version: seconds it ran alone, `at_least` where it ran before anything was read too.

    `begun` and `last` are the beginning and the end of its last run.
    """

    version: str
    ran: int
    begun: int
    last: int
    at_least: bool = False


def runs(seen: Sequence[Seen], until: int) -> tuple[Run, ...]:
    """Give the runs in what was `seen` up to `until`, in order; a time in which nothing was seen is nobody's."""
    shown = [(at, versions) for at, versions in seen if versions]
    ends = [*(at for at, _ in seen[1:]), until][: len(seen)]
    found: list[Run] = []
    for (at, versions), end in zip(seen, ends, strict=True):
        if len(versions) == 1 and end > at:
            found.append(Run(next(iter(versions)), at, end, first=at == shown[0][0]))
    return tuple(found)


def blamed(seen: Sequence[Seen], ran: Sequence[Run], breaches: Sequence[Breach]) -> Mapping[str, Breach]:
    """Give the versions that are not known to be good, each with the first breach that says so.

    A breach counts against the version that ran when it began (while a release is rolled out, or was first seen just
    after: against the new one), and against one that ran later and did not end it within half an hour.
    """
    found: dict[str, Breach] = {}
    for breach in sorted(breaches, key=lambda one: one.begin):
        for version in (*_suspected(seen, breach.begin), *_not_cured(ran, breach)):
            found.setdefault(version, breach)
    return found


def _suspected(seen: Sequence[Seen], at: int) -> frozenset[str]:
    """Give the versions that ran at `at`; in a mixture those that are new in it.

    A release that is first seen shortly after `at` ran already: it may fail before it is seen. A version that ran
    before is no release but a way back, which breaks nothing.
    """
    before: frozenset[str] = frozenset()
    running: frozenset[str] = frozenset()
    known: frozenset[str] = frozenset()
    for begin, versions in seen:
        released = running and versions - known
        if begin > at + SLACK or (begin > at and versions and not released):
            break
        if versions and versions != running:
            before, running, known = running, versions, known | versions
    return (running - before) or running


def _not_cured(ran: Sequence[Run], breach: Breach) -> Iterator[str]:
    for run in ran:
        if run.begin > breach.begin:
            end = run.end if breach.end is None else min(run.end, breach.end)
            if end - run.begin > LINGER:
                yield run.version


@dataclass(frozen=True, slots=True)
class Sought:
    """Which version is looked for: one that ran before the time `before`, and is none of the `suspects`.

    One that ran `proven` seconds needs no longer run to be trusted.
    """

    before: int
    suspects: frozenset[str]
    proven: int


def last_known_good(seen: Sequence[Seen], until: int, breaches: Sequence[Breach], sought: Sought) -> Good | str:
    """Give the version to go back to, from what was `seen` up to `until`, or why none is known.

    The last one that ran `proven` seconds alone without a breach; where none did, the one that ran longest.
    """
    every = runs(seen, until)
    wrong = blamed(seen, every, breaches)
    earlier = [
        replace(run, end=min(run.end, sought.before))
        for run in every
        if run.version not in sought.suspects and run.begin < sought.before
    ]
    good = [
        _good(version, earlier) for version in dict.fromkeys(run.version for run in earlier) if version not in wrong
    ]
    if not earlier:
        return "no other version was seen to run alone"
    if not good:
        longest = max((_good(run.version, earlier) for run in earlier), key=lambda one: one.ran)
        ran = lasted_seconds(longest.ran)
        return f"every version before ran during a breach; {longest.version} ran {ran}, with {wrong[longest.version]}"
    trusted = [one for one in good if one.ran >= sought.proven]
    return max(trusted, key=lambda one: one.last) if trusted else max(good, key=lambda one: (one.ran, one.last))


def _good(version: str, ran: Sequence[Run]) -> Good:
    own = [run for run in ran if run.version == version]
    last = own[-1]
    seconds = sum(run.end - run.begin for run in own)
    return Good(version, seconds, last.begin, last.end, at_least=own[0].first)


def steps(seen: Sequence[Seen]) -> Iterator[tuple[int, frozenset[str], frozenset[str]]]:
    """Give each time at which something else was seen than before, with both; not seeing anything is no change."""
    shown = [(at, values) for at, values in seen if values]
    for (_, before), (at, after) in pairwise(shown):
        if before != after:
            yield at, before, after
