"""What a drill proved: its clock, what is missing of it, and the verdict. Pure.

The clock is that of its incident; nothing in it is typed. What cannot be shown is incomplete, never passed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from monitor.core.drill.log import Drill, DrillRefused
from monitor.core.drill.scenario import Kind
from monitor.core.evidence.case import Case, Posted
from monitor.core.evidence.checklist import Item, Standing, checklist
from monitor.core.evidence.moments import NAMES, Moments, Steps, accepted_at, moments
from monitor.core.incidents.events import Refused
from monitor.core.incidents.procedureevents import FalseAlarm, GoneForGood, StepDone
from monitor.core.procedures.progress import Progress, StepStatus

_ANSWERED = ("injected", "first_breach", "fired", "paged", "acknowledged", "commanded")
_MITIGATED = ("frozen", "pinned", "first_back", "all_back", "clear", "verified")
REQUIRED = {
    Kind.PAGER: (*_ANSWERED, "ended"),
    Kind.TABLETOP: (*_ANSWERED, *_MITIGATED, "ended"),
    Kind.STAGING: (*_ANSWERED, *_MITIGATED, "ended"),
    Kind.CANARY: (*_ANSWERED, *_MITIGATED, "ended"),
}
"""The moments that a drill of each kind must show."""


class Proven(StrEnum):
    """What a drill came to."""

    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"
    INCOMPLETE = "incomplete"
    ABORTED = "aborted"


@dataclass(frozen=True, slots=True)
class Impact:
    """What users would have felt: requests that failed, or were slow, beyond what is usual; None: not known."""

    failed: float | None = None
    slow: float | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What a drill came to. `gaps` are what could not be shown, `reached` which moments; times are in `moments`.

    `skipped` and `out_of_order` are steps of its procedure by title; `refused` what was refused; `doubled` and
    `lost` pages. `said` are services that nobody saw at their target and somebody spoke for.
    """

    drill: Drill
    proven: Proven
    moments: Moments
    gaps: tuple[str, ...]
    checklist: tuple[Item, ...]
    skipped: tuple[str, ...] = ()
    out_of_order: tuple[str, ...] = ()
    refused: tuple[Refused | DrillRefused, ...] = ()
    doubled: int = 0
    lost: int = 0
    said: tuple[str, ...] = ()
    impact: Impact = Impact()

    @property
    def mitigated(self) -> timedelta | None:
        """From the injection until the signals were clear: what the recovery target is held against."""
        if not self.drill.started.drill_kind.mitigates:
            return None  # what was played of a page heals by itself
        began, clear = self.moments.began, self.moments.clear
        return clear - began if began is not None and clear is not None else None

    @property
    def within_target(self) -> bool | None:
        """Whether it was mitigated within the recovery target; None where that is not known."""
        return self.mitigated <= timedelta(seconds=self.drill.started.seconds) if self.mitigated is not None else None


def result(drill: Drill, case: Case | None, impact: Impact = Impact()) -> Result:
    """Give what `drill` came to; `case` is its incident with all that is known of it, None where none was opened."""
    seen = case.steps if case is not None else ()
    posted = case.posted if case is not None else ()
    injected = drill.injected.at if drill.injected is not None else None
    pages = [one.ts for one in posted if one.kind == "root"]
    found = moments(seen, paged=accepted_at(pages), injected=injected)
    progress = case.incident.progress if case is not None else None
    items = _items(case) if case is not None else ()
    said = tuple(one.service for one in progress.services if one.done_by is not None) if progress else ()
    shown = (*_missing(drill, found), *_late(found), *_retired(drill, seen))
    gaps = (*shown, *_unseen(drill, said), *undocumented(drill, items))
    made = Result(
        drill,
        Proven.RUNNING,
        found,
        gaps,
        items,
        skipped=_skipped(progress),
        out_of_order=tuple(_out_of_order(seen)),
        refused=_refused(drill, seen),
        doubled=_doubled(posted),
        lost=0 if drill.running else sum(one.kind == "root" and one.ts is None for one in posted),
        said=said,
        impact=impact,
    )
    return _judged(made)


def _items(case: Case) -> tuple[Item, ...]:
    """Give the checklist; where signals were not looked for, as beside another drill, that is no want of evidence."""
    times, snapshots, *others = checklist(case)
    if not case.signals and snapshots.found:
        snapshots = replace(snapshots, missing=())
    return (times, snapshots, *others)


def _judged(made: Result) -> Result:
    """Aborted is a result; what has a gap proved nothing; what is whole met its target or did not."""
    if made.drill.aborted is not None:
        return replace(made, proven=Proven.ABORTED)
    if made.drill.finished is None:
        return made
    if made.gaps:
        return replace(made, proven=Proven.INCOMPLETE)
    if made.drill.started.drill_kind is Kind.PAGER:
        return replace(made, proven=Proven.PASSED)
    return replace(made, proven=Proven.PASSED if made.within_target else Proven.FAILED)


def _missing(drill: Drill, found: Moments) -> Iterator[str]:
    for name in REQUIRED[drill.started.drill_kind]:
        if getattr(found, name) is None:
            letter, words = NAMES[name]
            yield f"{letter} {words}: not seen"


def _late(found: Moments) -> Iterator[str]:
    """A fault that was told of when it was felt already began nobody knows when."""
    if found.injected is not None and found.first_breach is not None and found.injected > found.first_breach:
        letter, words = NAMES["injected"]
        yield f"{letter} {words}: said after the first breach, so it is not known when"


def _retired(drill: Drill, seen: Steps) -> Iterator[str]:
    """Where something is rolled back, an alert that somebody took away is not one that was seen to clear."""
    if drill.started.drill_kind is Kind.PAGER:
        return
    letter, words = NAMES["clear"]
    hows = {FalseAlarm: "a false alarm", GoneForGood: "gone for good"}
    said = ((event.by.name, hows[type(event)]) for event, _ in seen if type(event) in hows)
    yield from (f"{letter} {words}: {who} said that it is {how}, nobody saw it" for who, how in dict.fromkeys(said))


def _unseen(drill: Drill, said: Sequence[str]) -> Iterator[str]:
    """Where something is really rolled back, somebody's word for it is no proof."""
    if drill.started.drill_kind.real:
        yield from (f"{one}: somebody said that it is at its target, nobody saw it" for one in said)


def undocumented(drill: Drill, items: Sequence[Item]) -> Iterator[str]:
    """Of what is really rolled back everything must be there; else something of each item, and of a page two."""
    wanted = items[:2] if drill.started.drill_kind is Kind.PAGER else items
    for item in wanted:
        if item.standing is Standing.MISSING or (item.missing and drill.started.drill_kind.real):
            yield f"{item.title}: {'; '.join(item.missing) or 'nothing was found'}"


def _skipped(progress: Progress | None) -> tuple[str, ...]:
    if progress is None:
        return ()
    titles = {step.id: step.title for step in progress.plan.steps}
    return tuple(titles[one.id] for one in progress.steps if one.status is StepStatus.SKIPPED)


def _out_of_order(steps: Steps) -> Iterator[str]:
    """Give the steps that were done while one before them was still open."""
    for event, incident in steps:
        progress = incident.progress
        if progress is None or not isinstance(event, StepDone):
            continue
        for step, state in zip(progress.plan.steps, progress.steps, strict=True):
            if state.id == event.step:
                break
            if state.open:
                yield f"{_title(progress, event.step)} before {step.title}"
                break


def _refused(drill: Drill, seen: Steps) -> tuple[Refused | DrillRefused, ...]:
    """Give what was refused on the page and its card, and on the drill itself, in the order of time."""
    clicks = (event for event, _ in seen if isinstance(event, Refused))
    return tuple(sorted((*clicks, *drill.refused), key=lambda one: one.at))


def _title(progress: Progress, step: str) -> str:
    found = progress.step(step)
    return found.title if found is not None else step


def _doubled(posted: Sequence[Posted]) -> int:
    """Give how many pages stand in a channel beyond the first."""
    roots = [one.channel for one in posted if one.kind == "root" and one.ts is not None]
    return len(roots) - len(set(roots))
