"""The long-running process: ticks, threads, signals, ordered shutdown. The only importer of the scheduler library.

The scheduler only ticks. Evaluations run in a bounded pool, the outbox in a thread, HTTP and Socket Mode on one event
loop.
"""

import math
import queue
import signal
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from types import FrameType

import structlog
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED, JobEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from monitor.bootstrap import App
from monitor.core.model import State
from monitor.core.rule import RuleSet
from monitor.engine import Evaluated
from monitor.ports import ConflictError, StoreError
from monitor.rulesfolder import Outcome
from monitor.serving import Serving
from monitor.showing import Progress, Showing
from monitor.vigil import BLIND_GROUP, WATCH_EVERY
from monitor.web import Evaluation, application
from monitor.workers import Workers

log = structlog.get_logger()

POOL = 8
"""Groups that may be evaluated at the same time."""

RULES, RELOAD, RECORD, SURVEY = "(rules)", "(reload)", "(record)", "(survey)"
"""The jobs beside the groups; no group has such a name."""

LOOK_EVERY = 5
"""Seconds between two looks at the rules folder; what has changed is taken at the second that finds the same."""

RECORD_KEPT = 400 * 86400
"""Seconds for which the record of what alerts did is kept; what is older goes once a day."""

NAMED = 5
"""Rules that a log line about a trouble names."""

MOST_SECONDS = 10.0
"""An evaluation reads for at most this, and for at most 0.8 of its interval."""

STOP_WITHIN = 8.0
"""Seconds for the ordered shutdown; the promise is ten."""


class GridTrigger(BaseTrigger):  # type: ignore[misc]  # the library has no types
    """Fires at multiples of `interval` since the epoch, `offset` seconds later.

    Whatever time has passed, in one step.
    """

    def __init__(self, interval: int, offset: int) -> None:
        self._interval = interval
        self._offset = offset

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        """Give the first fire time after `now` (the scheduler's, aware); `previous` does not matter."""
        del previous
        behind = now.timestamp() - self._offset
        return datetime.fromtimestamp((math.floor(behind / self._interval) + 1) * self._interval + self._offset, UTC)


class Daemon:
    """One running monitor. `run` returns when it was asked to stop, by signal or by `stop`."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._orders: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._workers = Workers(POOL, "evaluation")
        self._surveys = Workers(1, "survey")
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )
        self._progress = Progress()
        inside = Showing(app, self._progress).inside(self.reload)
        self._serving = Serving(application(inside), app.settings.listen, app.inbound)
        self._outbox = threading.Thread(target=app.outbox.run, args=(self._outbox_failed,), name="outbox", daemon=True)

    def run(self) -> None:
        """Run until asked to stop. Raises OSError where the listener cannot be bound."""
        rules = self._app.book.now.rules
        address = self._serving.bind()
        self._app.store.listening(address, self._app.token)
        self._app.folder.begin(self._schedule)
        self._took(Outcome(problems=self._app.folder.standing.problems))
        self._schedule(rules)
        self._outbox.start()
        self._serving.start()
        self._scheduler.add_listener(self._missed, EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES | EVENT_JOB_ERROR)
        self._scheduler.start()
        groups = [group.name for group in rules.groups]
        pager = "slack" if self._app.settings.slack.bot_token else "console"
        log.info("daemon.started", listen=address, groups=groups, pager=pager, rules=rules.digest[:12])
        for group in rules.groups:
            self._tick(group.name)
        self._obey()
        self._shut_down()

    def stop(self) -> None:
        """Ask for an ordered shutdown."""
        self._orders.put("stop")

    def catch_signals(self) -> None:
        """Let SIGTERM and SIGINT stop the daemon, and SIGHUP reload the rules. For the main thread."""

        def order(name: str) -> Callable[[int, FrameType | None], None]:
            return lambda _number, _frame: self._orders.put(name)

        signal.signal(signal.SIGTERM, order("stop"))
        signal.signal(signal.SIGINT, order("stop"))
        signal.signal(signal.SIGHUP, order("reload"))

    def _obey(self) -> None:
        while self._orders.get() != "stop":  # a folder that hangs must not keep this thread from stopping
            self._workers.submit(RELOAD, lambda: self._look(self.reload))

    def _shut_down(self) -> None:
        """Let what runs end, in order, and never wait for something that hangs."""
        log.info("daemon.stopping")
        self._scheduler.shutdown(wait=False)
        self._app.outbox.stop()
        self._serving.stop()
        self._surveys.stop(0.0)
        clean = self._workers.stop(STOP_WITHIN / 2)
        self._outbox.join(STOP_WITHIN / 4)
        self._serving.join(STOP_WITHIN / 4)
        self._app.store.close()
        log.info("daemon.stopped", clean=clean and not self._outbox.is_alive())

    # --- ticks ----------------------------------------------------------------------------------------------------

    def _schedule(self, rules: RuleSet) -> None:
        """Give every group its tick, and the vigil and the looks at folder and record theirs; what ticked is gone."""
        self._scheduler.remove_all_jobs()
        self._progress.ticked = {}
        now = self._app.clock.monotonic()
        for group in rules.groups:
            trigger = GridTrigger(group.interval, group.query_offset)
            self._scheduler.add_job(self._tick, trigger, args=(group.name,), id=group.name)
            self._progress.ticked[group.name] = now
        self._scheduler.add_job(self._watch_tick, GridTrigger(WATCH_EVERY, 0), id=BLIND_GROUP)
        self._progress.ticked[BLIND_GROUP] = now
        self._scheduler.add_job(self._poll_tick, GridTrigger(LOOK_EVERY, 0), id=RULES)
        self._scheduler.add_job(self._prune_tick, GridTrigger(86400, 0), id=RECORD)

    def _tick(self, name: str) -> None:
        self._progress.ticked[name] = self._app.clock.monotonic()
        if not self._workers.submit(name, lambda: self._evaluate(name)):
            self._app.metrics.missed.labels(name).inc()

    def _watch_tick(self) -> None:
        self._progress.ticked[BLIND_GROUP] = self._app.clock.monotonic()
        self._workers.submit(BLIND_GROUP, self._watch)

    def _missed(self, event: JobEvent) -> None:
        self._app.metrics.missed.labels(event.job_id).inc()
        log.warning("tick.missed", job=event.job_id, code=event.code)

    # --- work -----------------------------------------------------------------------------------------------------

    def _evaluate(self, name: str) -> None:
        group = self._app.book.now.group(name)
        if group is None:
            return
        metrics, clock = self._app.metrics, self._app.clock
        most = min(MOST_SECONDS, 0.8 * group.interval, self._app.settings.prometheus.timeout)
        began = clock.monotonic()
        try:
            evaluated = self._app.engine.evaluate(name, most)
        except Exception as error:  # the one catch-all on this way: it counts, is told, and the points stay due
            metrics.failures.labels(name).inc()
            expected = isinstance(error, StoreError | ConflictError)
            log.error("evaluation.failed", group=name, why=str(error), exc_info=not expected)  # noqa: TRY400  # with a trace only where the cause is unknown
            return
        finally:
            self._progress.tried.add(name)
            metrics.duration.observe(clock.monotonic() - began)
        if evaluated is not None:
            self._tell(evaluated, clock.monotonic() - began)
        self._survey_once_all_ran()

    def _tell(self, evaluated: Evaluated, seconds: float) -> None:
        metrics = self._app.metrics
        metrics.evaluations.labels(evaluated.group).inc()
        metrics.caught_up.labels(evaluated.group).inc(evaluated.caught_up)
        if evaluated.failed:
            metrics.failures.labels(evaluated.group).inc(evaluated.failed)
        else:
            metrics.last.labels(evaluated.group).set(self._app.clock.now().timestamp())
        self._progress.evaluations[evaluated.group] = Evaluation(self._app.clock.now(), seconds)
        for one in evaluated.transitions:
            told = {"before": str(one.before), "after": str(one.after), "at": one.at, "cause": str(one.cause)}
            shadow = {"shadow": True} if self._app.book.now.in_shadow(one.alert.key.alert) else {}
            log.info("alert.changed", alert=str(one.alert.key), **told, **shadow)
        self._tell_time(evaluated)
        self._tell_troubles(evaluated)
        level = log.info if evaluated.transitions else log.debug
        told = {"group": evaluated.group, "rules": evaluated.rules, "firing": evaluated.firing}
        level("evaluation.completed", points=evaluated.points, took_ms=round(seconds * 1000), **told)

    def _tell_time(self, evaluated: Evaluated) -> None:
        """Say what became of time: a clock that went back, points that were too old, states read from history."""
        if evaluated.ahead:
            log.warning("evaluation.clock_behind", group=evaluated.group, seconds=evaluated.ahead)
        if evaluated.skipped:
            log.warning("evaluation.points_skipped", group=evaluated.group, points=evaluated.skipped)
        if evaluated.derived:
            log.info("evaluation.derived", group=evaluated.group, rules=evaluated.derived)

    def _tell_troubles(self, evaluated: Evaluated) -> None:
        """Say what is wrong once, not with every evaluation nor for every rule that it befalls."""
        if not evaluated.points and not evaluated.troubles:
            return  # nothing was due: what was wrong still stands
        group, troubles = evaluated.group, evaluated.troubles
        known = set(self._progress.troubles.get(group, {}).values())
        self._progress.troubles[group] = troubles
        for why in dict.fromkeys(troubles.values()):
            if why not in known:
                rules = [alert for alert, one in troubles.items() if one == why]
                log.warning("evaluation.incomplete", group=group, failed=len(rules), why=why, rules=rules[:NAMED])
        if known and not troubles:
            log.info("evaluation.complete_again", group=group)

    def _watch(self) -> None:
        try:
            for one in self._app.vigil.watch():
                blind = one.after is State.FIRING
                level = log.warning if blind else log.info
                why = one.judgement.why if one.judgement else ""
                level("blind.began" if blind else "blind.ended", subject=one.alert.key.alert, why=why)
        except Exception as error:  # the one catch-all on this way
            self._app.metrics.failures.labels(BLIND_GROUP).inc()
            log.exception("watch.failed", why=str(error))

    def _outbox_failed(self, error: Exception) -> None:
        self._app.metrics.slack_requests.labels("outbox", "failed").inc()
        log.error("outbox.failed", why=str(error), exc_info=not isinstance(error, StoreError))

    # --- rules ----------------------------------------------------------------------------------------------------

    def reload(self) -> Outcome:
        """Put the rules on disk in force, whole; a refused set changes nothing."""
        return self._took(self._app.folder.reload())

    def _poll_tick(self) -> None:
        self._workers.submit(RULES, lambda: self._look(self._poll))

    def _poll(self) -> None:
        outcome = self._app.folder.poll()
        if outcome is not None:
            self._took(outcome)

    def _survey_once_all_ran(self) -> None:
        """Let rules that came into force be surveyed, in a thread of its own, once every group was evaluated."""
        names = {group.name for group in self._app.book.now.rules.groups}
        if self._app.surveyor.due and names <= self._progress.tried:
            self._surveys.submit(SURVEY, lambda: self._look(self._app.surveyor.look))

    def _look(self, look: Callable[[], object]) -> None:
        try:
            look()
        except Exception as error:  # the one catch-all on this way: the rules in force go on
            log.exception("rules.failed", why=str(error))

    def _took(self, outcome: Outcome) -> Outcome:
        metrics = self._app.metrics
        metrics.reload_success.set(0 if outcome.problems else 1)
        if not outcome.problems:
            metrics.reload_at.set(self._app.clock.now().timestamp())
        return outcome

    # --- the record -----------------------------------------------------------------------------------------------

    def _prune_tick(self) -> None:
        self._workers.submit(RECORD, self._prune)

    def _prune(self) -> None:
        try:
            gone = self._app.store.prune(int(self._app.clock.now().timestamp()) - RECORD_KEPT)
        except Exception as error:  # the one catch-all on this way
            log.exception("record.failed", why=str(error))
            return
        log.debug("record.pruned", gone=gone)
