"""Release changes, from the versions of a service that were seen at each grid point, and the warm-up after them.

Pure functions of what was seen. This module must not know where versions are seen, nor what a release does to a rule.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from monitor.core.model import utc

Seen: TypeAlias = tuple[int, frozenset[str]]
"""A grid time, and the versions that were seen from it on; an empty set says nothing of what was running."""

LONGEST = 900
"""Seconds after which a release change is no excuse any more, however long it takes."""


@dataclass(frozen=True, slots=True)
class Change:
    """One release change: `begin` is when a new version was first seen, `end` when the change was over.

    It is over when none of the versions that ran before is left, when the new one is gone again, or when yet another
    one appears. `end` None: it still goes on. A version that comes back after it was gone is new: a rollback is a
    release change too.
    """

    service: str
    version: str
    begin: int
    end: int | None = None

    def __str__(self) -> str:
        return f"{self.service} {self.version}"


def changes(service: str, seen: Iterable[Seen]) -> tuple[Change, ...]:
    """Give the release changes in what was `seen` of `service`, in order; what ran at first is no change."""
    found: list[Change] = []
    before: frozenset[str] = frozenset()
    running: frozenset[str] = frozenset()
    for at, versions in seen:
        if not versions:
            continue
        new = versions - running if running else frozenset()
        if found and found[-1].end is None and (new or not versions & before or not versions - before):
            found[-1] = replace(found[-1], end=at)
        if new:
            before = running
            found.append(Change(service, ", ".join(sorted(new)), at, None if versions & before else at))
        running = versions
    return tuple(found)


def warm_from(change: Change, after_deploy: int) -> int:
    """Give the grid time at which the warm-up of `change` is over.

    `after_deploy` seconds after its end, at most 15 minutes after its beginning.
    """
    longest = change.begin + LONGEST
    return longest if change.end is None else min(change.end + after_deploy, longest)


def warming_up(found: Sequence[Change], after_deploy: int, at: int) -> str:
    """Give why prepare does not start at `at`, or nothing where no release change stands in its way."""
    warm = [change for change in found if change.begin <= at < warm_from(change, after_deploy)]
    if not warm:
        return ""
    last = max(warm, key=lambda change: warm_from(change, after_deploy))
    until = f"{utc(warm_from(last, after_deploy)):%H:%M} UTC"
    if last.end is None:
        return f"warming up while {last} rolls out, until {until} at the latest"
    return f"warming up after {last} until {until}"
