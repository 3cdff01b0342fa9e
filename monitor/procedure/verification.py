"""Runs the checks of a verification step, as often as it is asked to: all at once, bounded, in threads of its own.

The signals that paged are always among them. Nothing here is in the way of an evaluation, and nothing raises: what does
not come in time, or breaks, is unknown. What the results mean stands in `monitor.core.procedures.verification`.
"""

import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

import structlog

from monitor.core.model import AlertKey
from monitor.core.procedures.clearance import Watched
from monitor.core.procedures.procedure import Check, Step
from monitor.core.procedures.verification import CheckResult, Outcome, result_of
from monitor.core.procedures.verifying import LOOK, SIGNALS, Answers, Context, checks_of, results_of
from monitor.ports.world import Clock
from monitor.procedure.checks import Asking
from monitor.procedure.signalwatch import READ_WITHIN, SignalWatch
from monitor.runtime.workers import Workers

log = structlog.get_logger()

THREADS = 4
WITHIN = 330.0
"""Seconds that a whole run may take; the longest deadline of one check is 300."""

SPARE = 30.0
"""Seconds over its deadline after which the thread of a check is given up."""

COMMAND_KEPT = 300
"""Seconds for which a command that has passed is not run again, where nobody asks for it anew."""


class Verifier:
    """Verifies incidents. Thread-safe; two runs of one incident wait for each other."""

    def __init__(self, watch: SignalWatch, asking: Asking, clock: Clock, within: float = WITHIN) -> None:
        self._watch, self._asking, self._clock, self._within = watch, asking, clock, within
        self._workers: Workers | None = None
        self._kept: dict[str, dict[str, CheckResult]] = {}
        self._before: dict[tuple[str, str], str] = {}
        self._turns: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def run(self, step: Step, context: Context, *, anew: bool = True) -> tuple[CheckResult, ...]:
        """Run every check of `step` and give the results in its order, within bounds. Never raises.

        Where it is not `anew`, a command that has passed lately is not run again, unless a signal breached since.
        """
        started_at, checks = self._clock.now(), checks_of(step)
        with self._turn(context.incident) as mine:
            if mine:
                return self._all(checks, context, started_at, anew=anew)
        missing = dict.fromkeys((LOOK, *(check.id for check in checks)), "another run has not ended")
        return results_of(checks, context, Answers(started_at, self._clock.now(), {}, {}, missing))

    def forget(self, incident: str) -> None:
        """Let go of what is kept of an incident that is over."""
        self._watch.forget(incident)
        with self._lock:
            self._kept.pop(incident, None)
            self._turns.pop(incident, None)
            self._before = {key: one for key, one in self._before.items() if key[0] != incident}

    def stop(self, within: float) -> bool:
        """Kill what commands run, and let the rest end for at most so many seconds; whether it has."""
        self._asking.close()
        return self._workers is None or self._workers.stop(within)

    def _all(
        self, checks: tuple[Check, ...], context: Context, started_at: datetime, *, anew: bool
    ) -> tuple[CheckResult, ...]:
        found = {} if anew else self._fresh(context.incident, started_at)
        looked: dict[AlertKey, Watched] = {}
        jobs: dict[str, tuple[Callable[[], None], float]] = {LOOK: (partial(self._look, looked, context), READ_WITHIN)}
        for check in checks:
            if check.kind != SIGNALS.kind and check.id not in found:
                jobs[check.id] = partial(self._ask, found, check, context), float(check.deadline)
        missing = self._together(context.incident, jobs)
        answers = Answers(started_at, self._clock.now(), dict(found), dict(looked), missing)
        results = results_of(checks, context, answers)
        self._keep(context.incident, results)
        return results

    def _look(self, looked: dict[AlertKey, Watched], context: Context) -> None:
        keys = [one.key for one in context.watched]
        looked |= self._watch.look(context.incident, keys, context.verify_for)

    def _ask(self, found: dict[str, CheckResult], check: Check, context: Context) -> None:
        started_at, known = self._clock.now(), (context.incident, check.id)
        before_at = context.fired_at if known not in self._before else None
        finding = self._asking.ask(check, int(started_at.timestamp()), before_at)
        with self._lock:
            if finding.before:
                self._before[known] = finding.before
            finding = replace(finding, before=self._before.get(known, ""))
        found[check.id] = result_of(check, finding, started_at, self._clock.now())

    def _together(self, incident: str, jobs: Mapping[str, tuple[Callable[[], None], float]]) -> Mapping[str, str]:
        """Do all jobs in the pool; give those that have no result, each with why."""
        workers, ends = self._pool(), self._clock.monotonic() + self._within
        done: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
        missing, waiting = {}, set()
        for name, (job, within) in jobs.items():
            work = _Work(name, job, done, lambda: self._clock.monotonic() < ends)
            if workers.submit((incident, name), work, within + SPARE):
                waiting.add(name)
            else:
                missing[name] = "its last run has not ended"
        while waiting and (left := ends - self._clock.monotonic()) > 0:
            try:
                name, problem = done.get(timeout=left)
            except queue.Empty:
                break
            waiting.discard(name)
            missing |= {name: problem} if problem else {}
        return missing | dict.fromkeys(waiting, f"no result within {self._within:.0f} s")

    def _pool(self) -> Workers:
        """Give the threads, which begin with the first verification; those that hang are replaced."""
        with self._lock:
            if self._workers is None:
                self._workers = Workers(THREADS, "check", self._clock.monotonic)
            self._workers.replace_stuck()
            return self._workers

    @contextmanager
    def _turn(self, incident: str) -> Iterator[bool]:
        """Wait until no other run of `incident` is under way; whether that came about."""
        with self._lock:
            lock = self._turns.setdefault(incident, threading.Lock())
        mine = lock.acquire(timeout=self._within + SPARE)
        try:
            yield mine
        finally:
            if mine:
                lock.release()

    def _fresh(self, incident: str, now: datetime) -> dict[str, CheckResult]:
        with self._lock:
            kept = self._kept.get(incident, {})
        return {name: one for name, one in kept.items() if (now - one.ended_at).total_seconds() < COMMAND_KEPT}

    def _keep(self, incident: str, results: tuple[CheckResult, ...]) -> None:
        """Keep the commands that have passed, unless a signal breaches: what passed before that proves nothing."""
        breached = any(one.kind == SIGNALS.kind and one.outcome is Outcome.FAILED for one in results)
        passed = [one for one in results if one.kind == "command" and one.outcome is Outcome.PASSED and not one.by]
        with self._lock:
            self._kept[incident] = {} if breached else {one.id: one for one in passed}


@dataclass(frozen=True, slots=True)
class _Work:
    """A job that tells when it is done, and what broke; one whose time is over before it began is left undone."""

    name: str
    job: Callable[[], None]
    done: queue.SimpleQueue[tuple[str, str]]
    wanted: Callable[[], bool]

    def __call__(self) -> None:
        """Do it."""
        problem = ""
        try:
            if self.wanted():
                self.job()
        except Exception as error:  # the one catch-all of these threads: a check that breaks has not passed
            log.exception("check.broken", check=self.name)
            problem = f"the check itself broke ({type(error).__name__}); see the log"
        self.done.put((self.name, problem))
