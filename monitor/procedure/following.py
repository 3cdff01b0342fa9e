"""What the monitor sees of a procedure for itself: what changed before it, which versions run, how checks come out.

It reads metrics and asks registries within deadlines, and writes what it saw as events; it decides nothing. Called
every few seconds by the daemon, beside the evaluations and never in their way.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog

from monitor.core.actor import MONITOR
from monitor.core.incidents.asks import No, Refusal
from monitor.core.incidents.closing import RESULTS_HOLD, outdated
from monitor.core.incidents.decide import with_ticks
from monitor.core.incidents.events import Event
from monitor.core.incidents.incident import Incident
from monitor.core.incidents.procedureevents import (
    BreakdownFound,
    ChangesFound,
    ChecksRun,
    Pinned,
    TargetsPinned,
    VersionsSeen,
)
from monitor.core.pages.headline import telling
from monitor.core.procedures.progress import Progress
from monitor.core.procedures.proposals import THERE
from monitor.core.procedures.verification import CheckResult, Entered
from monitor.core.procedures.verifying import Context
from monitor.core.releases.release import Availability, Target, WhatChanged, WhyNot
from monitor.core.rules.rule import Resolve
from monitor.core.rules.service import Labelled, Service
from monitor.desk.desk import Desk
from monitor.evaluation.ranges import Deadline
from monitor.ports.metrics import Answer, MetricsSource, Samples
from monitor.ports.store import Store
from monitor.ports.world import Clock
from monitor.procedure.breakdowns import BreakdownWatch
from monitor.procedure.releases import NO_REGISTRY, Look, ReleaseWatch, fired
from monitor.procedure.verification import Verifier
from monitor.queries.promql import aggregated
from monitor.rulebook import RuleBook

log = structlog.get_logger()

FOLLOW_EVERY = 5
"""Seconds between two looks."""

LOOK_WITHIN = 20.0
"""Seconds that it may take to find what changed."""

FIRST_WITHIN = 0.8
"""Seconds that the first look may take, for which a page waits: half of them for metrics, the rest for the registry."""

BREAK_DOWN_WITHIN = 8.0
"""Seconds that it may take to find where it fails."""

READ_WITHIN = 8.0
"""Seconds that it may take to see which versions run."""

AGAIN_AFTER = 60.0
"""Seconds after which what could not be found is looked for again."""

VERIFY_EVERY = 15.0
"""Seconds between two runs of the checks."""

NOTHING_NEW = Refusal(No.SETTLED, "")

CHANGING = frozenset({WhyNot.MID_DEPLOY, WhyNot.PARTIAL})
"""Why there is no target now, though there may be one in a minute."""


@dataclass(slots=True)
class _Tried:
    """When (monotonic) something was tried last, by what it was about."""

    at: dict[str, float] = field(default_factory=dict)

    def due(self, about: str, now: float, every: float) -> bool:
        """Whether it is time to try again; if so it counts as tried now."""
        if now - self.at.get(about, -every) < every:
            return False
        self.at[about] = now
        return True

    def keep(self, incidents: set[str]) -> None:
        """Forget what is over."""
        self.at = {about: at for about, at in self.at.items() if about.split()[0] in incidents}


class Follower:
    """Follows procedures. `look` is for one thread, `look_first` for another, `verify` for others."""

    def __init__(  # everything that it looks at
        self,
        store: Store,
        desk: Desk,
        clock: Clock,
        book: RuleBook,
        source: MetricsSource,
        releases: ReleaseWatch,
        breakdowns: BreakdownWatch,
        verifier: Verifier,
    ) -> None:
        self._store = store
        self._desk = desk
        self._clock = clock
        self._book = book
        self._source = source
        self._releases = releases
        self._breakdowns = breakdowns
        self._verifier = verifier
        self._tried = _Tried()
        self._verified: dict[str, float] = {}
        self._latest: dict[str, tuple[CheckResult, ...]] = {}
        self._lock = threading.Lock()

    @property
    def latest(self) -> Mapping[str, tuple[CheckResult, ...]]:
        """How the checks of each incident that is verified came out last, its clocks too."""
        return self._latest

    def look(self) -> tuple[str, ...]:
        """Look once; give the incidents whose checks are due. Raises StoreError where nothing can be written."""
        opened = [one for one in self._store.incidents(open_only=True) if not one.blind]
        self._forget({one.id for one in opened})
        for incident in opened:
            self._breakdown(self._changes(incident))
        running = [(one, one.running) for one in opened if one.running is not None]
        self._versions([(one, progress) for one, progress in running if progress is not None])
        for incident, progress in running:
            if progress is not None:
                self._images(incident, progress)
        return tuple(one.id for one, _ in running if self._due(one))

    def look_first(self, name: str) -> None:
        """See in a moment what changed before incident `name`, which has just opened: its page waits for that.

        What does not come in time is left to `look`. Raises StoreError where it cannot be written.
        """
        within = self._within(FIRST_WITHIN)
        incident = self._store.incident(name)
        if incident is None or incident.changes is not None or not self._book.now.rules.releases.services:
            return
        found = self._found(incident, within)
        if found.problem:
            return
        self._write(name, ChangesFound(self._clock.now(), MONITOR, found))

    def _forget(self, opened: set[str]) -> None:
        self._tried.keep(opened)
        for name in set(self._verified) - opened:
            self._verified.pop(name, None)
            self._latest.pop(name, None)
            self._verifier.forget(name)

    # --- what changed -------------------------------------------------------------------------------------------------

    def _changes(self, incident: Incident) -> Incident:
        """See what changed before `incident`, until it is known whole; give the incident after it."""
        known = incident.changes
        if known is not None and not _may_change(known, running=incident.running is not None):
            return incident
        if not incident.alerts or not self._tried.due(f"{incident.id} changes", self._clock.monotonic(), AGAIN_AFTER):
            return incident
        found = self._found(incident, self._within(LOOK_WITHIN))
        if known is None or _differs(known, found):
            return self._write(incident.id, ChangesFound(self._clock.now(), MONITOR, found)) or incident
        return incident

    def _found(self, incident: Incident, within: Deadline) -> WhatChanged:
        rules, at = self._book.now.rules, int(self._clock.now().timestamp())
        breach = int(min(one.since for one in incident.alerts).timestamp())
        return self._releases.look(rules.releases, Look(at, breach, fired(self._store, rules, at)), within)

    def _breakdown(self, incident: Incident) -> None:
        """Where no change explains it, see where it fails: once for what fires, and again when more does."""
        changes, known = incident.changes, incident.breakdown
        if changes is None or changes.before or not incident.signals:
            return
        stale = known is None or bool(known.problem) or any(one.fired_at > known.at for one in incident.signals)
        if not stale or not self._tried.due(f"{incident.id} where", self._clock.monotonic(), AGAIN_AFTER):
            return
        book = self._book.now
        offset = max((group.query_offset for group in book.rules.groups), default=0)  # scrapes have landed by then
        at, keys = int(self._clock.now().timestamp()) - offset, [one.key for one in telling(incident)]
        found = self._breakdowns.look(book, keys, at, self._within(BREAK_DOWN_WITHIN))
        if found is not None and (known is None or not found.problem):
            self._write(incident.id, BreakdownFound(self._clock.now(), MONITOR, found))

    def _within(self, seconds: float) -> Deadline:
        return Deadline(self._clock, self._clock.monotonic() + seconds)

    # --- versions -----------------------------------------------------------------------------------------------------

    def _versions(self, running: list[tuple[Incident, Progress]]) -> None:
        """See which versions of the services run that are to be rolled back."""
        releases = self._book.now.rules.releases
        wanted = {one.service: releases.service(one.service) for _, progress in running for one in progress.services}
        asked = {name: _versions_of(known) for name, known in wanted.items() if known is not None}
        if not asked:
            return
        at = int(self._clock.now().timestamp())
        answers = self._source.instants(list(dict.fromkeys(asked.values())), at, deadline=READ_WITHIN)
        for incident, progress in running:
            for state in progress.services:
                known = wanted.get(state.service)
                seen = _seen(answers.get(asked[state.service]), known.version) if known is not None else ()
                if seen and (seen != state.versions or state.seen_at is None):
                    self._write(incident.id, VersionsSeen(self._clock.now(), MONITOR, state.service, seen))

    def _images(self, incident: Incident, progress: Progress) -> None:
        """Ask for the images of targets that nobody has confirmed yet."""
        asked = [
            one.pinned
            for one in progress.services
            if one.pinned.image
            and not one.pinned.confirmed
            and self._tried.due(f"{incident.id} {one.pinned.image}", self._clock.monotonic(), AGAIN_AFTER)
        ]
        if not asked:
            return
        releases, targets = self._book.now.rules.releases, [_as_target(one, self._clock.now()) for one in asked]
        answers = self._releases.confirmed(releases, targets, self._within(READ_WITHIN))
        there = {one.service for one in answers if one.available is Availability.YES}
        found = tuple(replace(one, confirmed=THERE) for one in asked if one.service in there)
        if found:
            self._write(incident.id, TargetsPinned(self._clock.now(), MONITOR, found))

    # --- checks -------------------------------------------------------------------------------------------------------

    def _due(self, incident: Incident) -> bool:
        """Whether the checks of `incident` are to be run now: from when they are the next step until it ends."""
        progress = incident.running
        if progress is None or not (progress.verifying or progress.results):
            return False
        now = self._clock.monotonic()
        if now - self._verified.get(incident.id, -VERIFY_EVERY) < VERIFY_EVERY:
            return False
        self._verified[incident.id] = now
        return True

    def verify(self, name: str) -> None:
        """Run the checks of incident `name` and write how they came out where that changed; it may take minutes."""
        incident = self._store.incident(name)
        progress = incident.running if incident is not None else None
        if incident is None or progress is None:
            return
        step = next((one for one in progress.plan.steps if one.checks), None)
        if step is None:
            return
        results = self._verifier.run(step, _context(incident, progress), anew=False)
        shown = self._latest.get(name)
        self._latest[name] = results
        if _outcomes(results) != _outcomes(progress.results) or self._to_be_told(incident):
            self._write(name, ChecksRun(self._clock.now(), MONITOR, results), of=incident)
        elif shown is None or _minutes(results) != _minutes(shown):
            self._desk.refresh(name)

    def _to_be_told(self, incident: Incident) -> bool:
        """Whether results that are as before are written once more, since those on record speak no longer, or soon."""
        now, checked = self._clock.now(), incident.progress.checked_at if incident.progress else None
        return outdated(incident, now) or (checked is not None and now - checked >= RESULTS_HOLD / 2)

    def _write(self, name: str, event: Event, of: Incident | None = None) -> Incident | None:
        """Write what was seen, and the steps that are done because of it; nothing where it ended meanwhile.

        What was found `of` an incident says nothing of a procedure that was started, or of what fired, since. Gives the
        incident after it, or None where nothing was written.
        """

        def decide(now: Incident) -> tuple[Event, ...] | Refusal:
            if not now.is_open or (of is not None and _told_apart(of) != _told_apart(now)):
                return NOTHING_NEW
            if isinstance(event, ChangesFound) and now.changes is not None and not _differs(now.changes, event.found):
                return NOTHING_NEW  # two looks at once
            seen = _still_pinned(event, now) if isinstance(event, TargetsPinned) else event
            return with_ticks(now, (seen,), self._clock.now()) if seen is not None else NOTHING_NEW

        after = self._desk.act(name, decide)
        log.info("procedure.seen", incident=name, what=event.kind)
        return after if isinstance(after, Incident) else None


def _still_pinned(event: TargetsPinned, now: Incident) -> TargetsPinned | None:
    """Give what was confirmed of what is pinned still: somebody may have changed it while the registry was asked."""
    services = now.running.services if now.running is not None else ()
    pinned = [replace(one.pinned, confirmed=THERE) for one in services if not one.pinned.confirmed]
    targets = tuple(one for one in event.targets if one in pinned)
    return replace(event, targets=targets) if targets else None


def _told_apart(incident: Incident) -> tuple[object, ...]:
    """Give what a verification is about: another procedure, or another breach, is another one."""
    return incident.started_at, incident.commander is None, [(one.key, one.fired_at) for one in incident.alerts]


def _may_change(known: WhatChanged, *, running: bool) -> bool:
    """Whether another look may tell more. Which images are there is asked of what is pinned, once a procedure runs."""
    if known.problem or any(one.why_not in CHANGING for one in known.targets):
        return True
    unsure = (one for one in known.targets if one.image and one.available is Availability.UNKNOWN)
    return not running and any(one.image_why != NO_REGISTRY for one in unsure)


def _differs(known: WhatChanged, found: WhatChanged) -> bool:
    return (known.changes, known.targets, known.problem) != (found.changes, found.targets, found.problem)


def _versions_of(service: Service) -> str:
    return aggregated("group", (service.version.label,), service.version.selector)


def _seen(answer: Answer | None, version: Labelled) -> tuple[str, ...]:
    """Give the versions of an answer, or nothing where it cannot be told: no data is no version."""
    if not isinstance(answer, Samples):
        return ()
    return tuple(sorted({dict(one.labels).get(version.label, "") for one in answer.samples} - {""}))


def _as_target(pinned: Pinned, at: datetime) -> Target:
    return Target(pinned.service, pinned.current, at, version=pinned.target, image=pinned.image)


def _context(incident: Incident, progress: Progress) -> Context:
    """Give what is verified: the signals that paged, without those that a person ended, and what people entered."""
    excused = {
        one.key: one.resolved_why
        for one in incident.alerts
        if not one.active and (one.resolve is Resolve.BY_PERSON or ", said by " in one.resolved_why)
    }
    last = max((one.fired_at for one in incident.alerts), default=incident.opened_at)
    entered = {
        one.check: Entered(one.passed, one.by.name, one.at, one.note) for one in progress.answers if one.at >= last
    }
    return Context(incident.id, incident.alerts, progress.plan.verify_for, excused, entered)


def _outcomes(results: tuple[CheckResult, ...]) -> dict[str, tuple[str, bool]]:
    """Give what is told as soon as it is another: how each came out, and whether it cannot be seen just now."""
    return {one.id: (str(one.outcome), one.unseen) for one in results}


def _minutes(results: tuple[CheckResult, ...]) -> tuple[int, ...]:
    return tuple(one.held_for // 60 for one in results)
