"""The long-running process: what runs in which thread, signals, ordered shutdown.

Ticks only begin work. Evaluations run in a bounded pool, the outbox in a thread, HTTP and Socket Mode on one event
loop; the supervisor sees that all of them go round.
"""

import faulthandler
import os
import queue
import signal
import sys
from collections.abc import Callable
from functools import partial
from types import FrameType

import structlog

from monitor.bootstrap.app import App
from monitor.core.model import State
from monitor.core.rules.ruleset import RuleSet
from monitor.drills.duty import DUTY_EVERY
from monitor.drills.stagehand import Stagehand
from monitor.evaluation.engine import Evaluated
from monitor.evaluation.vigil import BLIND_GROUP, WATCH_EVERY
from monitor.evidence.keeping import KEEP_EVERY
from monitor.ports.store import ConflictError, StoreError
from monitor.procedure.following import FOLLOW_EVERY
from monitor.ruleset.rulesfolder import Outcome
from monitor.ruleset.shadows import SHADOWS_EVERY
from monitor.runtime.loops import EVENT_LOOP, OUTBOX, evaluations_of, patience, ticks_of
from monitor.runtime.mending import Thread
from monitor.runtime.notify import Manager
from monitor.runtime.serving import Serving
from monitor.runtime.storagewatch import STORAGE_EVERY, StorageWatch
from monitor.runtime.ticking import Tick, Ticker
from monitor.runtime.workers import Workers
from monitor.showing import Progress, Showing
from monitor.supervision import Parts, Supervision
from monitor.web import Evaluation, application

log = structlog.get_logger()

POOL = 8
"""Groups that may be evaluated at the same time."""

RULES, RELOAD, RECORD, SURVEY, STORAGE = "(rules)", "(reload)", "(record)", "(survey)", "(storage)"
EVIDENCE, SHADOWS, DUTY = "(evidence)", "(shadows)", "(drill due)"
"""The jobs beside the groups; no group has such a name."""

LOOK_EVERY = 5
"""Seconds between two looks at the rules folder; what has changed is taken at the second that finds the same."""

NAMED = 5
"""Rules that a log line about a trouble names."""

MOST_SECONDS = 10.0
"""An evaluation reads for at most this, and for at most 0.8 of its interval."""

GRACE = 10.0
"""Seconds beyond its deadline after which an evaluation counts as stuck: it may have had to wait for the database."""

OUTBOX_WITHIN = 45.0
"""Seconds that the outbox may take for one post: it is looked for, posted, and posted again as text."""

FOLLOW = "(procedures)"
"""The name of the job that looks after procedures; no group has such a name."""

FOLLOW_WITHIN, VERIFY_WITHIN = 120.0, 900.0
"""Seconds after which the thread of a look, and of a verification, is given up."""

KEEP_WITHIN = 300.0
"""Seconds after which the thread that reads evidence is given up."""

DUTY_WITHIN = 120.0
"""Seconds after which the thread that looks at what is due is given up."""

STOP_WITHIN = 8.0
"""Seconds for the ordered shutdown; the promise is ten."""


class Daemon:
    """One running monitor. `run` returns when it was asked to stop, by signal or by `stop`."""

    def __init__(self, app: App, manager: Manager | None = None, leave: Callable[[int], object] = os._exit) -> None:
        self._app = app
        self._manager = manager or Manager()
        self._orders: queue.SimpleQueue[str] = queue.SimpleQueue()
        clock, self._progress = app.clock, Progress()
        self._workers = Workers(POOL, "evaluation", clock.monotonic)
        self._surveys = Workers(1, "survey", clock.monotonic)
        self._following = Workers(3, "procedure", clock.monotonic)
        self._first_looks = Workers(1, "changes", clock.monotonic)
        self._keeping = Workers(1, "evidence", clock.monotonic)
        self._ticker = Ticker(self._missed)
        showing = Showing(app, self._progress)
        self._serving = Serving(
            application(showing.inside(self.reload)), app.settings.listen, app.inbound, lambda: self._beat(EVENT_LOOP)
        )
        app.production.outbox.watch(lambda: self._beat(OUTBOX))
        self._outbox = Thread("outbox", lambda: app.production.outbox.run(self._outbox_failed))
        self._drills = Stagehand(app.hall, app.conductor, clock)
        self._storage = StorageWatch(app.production.desk)
        app.store.told = self._storage.hear
        app.production.desk.opened = self._opened
        parts = Parts(self._ticker, self._workers, self._outbox, self._begin_again)
        self._supervision = Supervision(app, self._progress, parts, self._manager, showing.complete_since, leave)
        self._stuck: set[str] = set()

    def run(self) -> None:
        """Run until asked to stop. Raises OSError where the listener cannot be bound."""
        rules = self._app.production.book.now.rules
        address = self._serving.bind()
        self._tell_address(address)
        self._look(lambda: self._storage.begin(self._app.disk.set_aside))
        self._app.folder.begin(self._schedule)
        self._took(Outcome(problems=self._app.folder.standing.problems))
        self._schedule(rules)
        self._outbox.start()
        self._serving.start()
        self._ticker.start()
        groups = [group.name for group in rules.groups]
        pager = "slack" if self._app.settings.slack.bot_token else "console"
        log.info("daemon.started", listen=address, groups=groups, pager=pager, rules=rules.digest[:12])
        for group in rules.groups:
            self._tick(group.name)
        self._drills.start()
        self._duty_tick()
        self._supervision.start()
        self._manager.ready(f"evaluating {len(groups)} groups")
        self._obey()
        self._shut_down()

    def _tell_address(self, address: str) -> None:
        """For the command line; that a full disk does not take it keeps nobody from running."""
        try:
            self._app.disk.listening(address, self._app.token)
        except OSError as error:
            log.error("lock.unwritten", why=str(error))  # noqa: TRY400  # the sentence says it all

    def stop(self) -> None:
        """Ask for an ordered shutdown."""
        self._orders.put("stop")

    def catch_signals(self) -> None:
        """Let SIGTERM and SIGINT stop the daemon, SIGHUP reload the rules, SIGUSR1 tell what every thread does.

        For the main thread.
        """

        def order(name: str) -> Callable[[int, FrameType | None], None]:
            return lambda _number, _frame: self._orders.put(name)

        signal.signal(signal.SIGTERM, order("stop"))
        signal.signal(signal.SIGINT, order("stop"))
        signal.signal(signal.SIGHUP, order("reload"))
        faulthandler.enable(sys.stderr)  # SIGABRT is what the service manager's watchdog sends
        faulthandler.register(signal.SIGUSR1, sys.stderr)

    def _obey(self) -> None:
        while self._orders.get() != "stop":  # a folder that hangs must not keep this thread from stopping
            self._workers.submit(RELOAD, self._reload)

    def _reload(self) -> None:
        self._manager.reloading()
        self._look(self.reload)
        self._manager.ready(f"evaluating {len(self._app.production.book.now.rules.groups)} groups")

    def _shut_down(self) -> None:
        """Let what runs end, in order, and never wait for something that hangs."""
        log.info("daemon.stopping")
        self._manager.stopping()
        self._supervision.stop()
        self._ticker.shutdown()
        self._app.production.outbox.stop()
        self._serving.stop()
        self._surveys.stop(0.0)
        self._app.production.evidence.stop()
        self._keeping.stop(0.0)
        self._app.production.verifier.stop(0.0)
        self._following.stop(0.0)
        self._first_looks.stop(0.0)
        clean = self._workers.stop(STOP_WITHIN / 2)
        delivered = self._outbox.join(STOP_WITHIN / 4)
        self._serving.join(STOP_WITHIN / 4)
        self._drills.stop()
        self._app.store.close()
        self._app.hall.close()
        if not self._app.store.durable:
            log.error("storage.lost", held=self._app.store.waiting, why=self._app.store.trouble)
        log.info("daemon.stopped", clean=clean and delivered)

    # --- supervision ----------------------------------------------------------------------------------------------

    def _beat(self, loop: str) -> None:
        self._progress.loops.beat(loop, self._app.clock.monotonic())

    def _begin_again(self, key: str) -> None:
        """Evaluate anew what was left to hang; its group's state is loaded anew by whoever does."""
        self._stuck.add(key)
        if key == BLIND_GROUP:
            self._watch_tick()
        else:
            self._tick(key)

    def _let_go(self, name: str) -> None:
        if name in self._stuck:
            self._stuck.discard(name)
            self._app.production.desk.leave(name)

    # --- ticks ----------------------------------------------------------------------------------------------------

    def _schedule(self, rules: RuleSet) -> None:
        """Give every group its tick, and the vigil and the looks at folder and record theirs; what ticked is gone."""
        groups = [(group.name, patience(group.interval)) for group in rules.groups]
        groups.append((BLIND_GROUP, patience(WATCH_EVERY)))
        loops = [(named(name), within) for name, within in groups for named in (ticks_of, evaluations_of)]
        self._progress.loops.expect(
            [*loops, (OUTBOX, OUTBOX_WITHIN), (EVENT_LOOP, patience(0))], self._app.clock.monotonic()
        )
        ticks = [
            Tick(group.name, group.interval, group.query_offset, lambda name=group.name: self._tick(name))  # type: ignore[misc]  # bound at once
            for group in rules.groups
        ]
        ticks.append(Tick(BLIND_GROUP, WATCH_EVERY, 0, self._watch_tick))
        ticks.append(Tick(FOLLOW, FOLLOW_EVERY, 0, self._follow_tick))
        ticks.append(Tick(RULES, LOOK_EVERY, 0, self._poll_tick))
        ticks.append(Tick(STORAGE, STORAGE_EVERY, 0, self._storage_tick))
        ticks.append(Tick(SHADOWS, SHADOWS_EVERY, 0, self._shadows_tick))
        ticks.append(Tick(DUTY, DUTY_EVERY, 0, self._duty_tick))
        ticks.append(Tick(RECORD, 86400, 0, self._prune_tick))
        ticks.append(Tick(EVIDENCE, KEEP_EVERY, 0, self._keep_tick))
        self._ticker.schedule(ticks)

    def _tick(self, name: str) -> None:
        self._beat(ticks_of(name))
        if not self._workers.submit(name, lambda: self._evaluate(name), self._most(name) + GRACE):
            self._app.metrics.missed.labels(name, "overrun").inc()

    def _watch_tick(self) -> None:
        self._beat(ticks_of(BLIND_GROUP))
        self._workers.submit(BLIND_GROUP, self._watch, 2 * GRACE)

    def _missed(self, name: str, why: str) -> None:
        self._app.metrics.missed.labels(name, why).inc()
        log.warning("tick.missed", job=name, why=why)

    def _most(self, name: str) -> float:
        """Give the seconds for which an evaluation may read."""
        group = self._app.production.book.now.group(name)
        interval = group.interval if group is not None else MOST_SECONDS
        return min(MOST_SECONDS, 0.8 * interval, self._app.settings.prometheus.timeout)

    # --- work -----------------------------------------------------------------------------------------------------

    def _evaluate(self, name: str) -> None:
        if self._app.production.book.now.group(name) is None:
            return
        metrics, clock = self._app.metrics, self._app.clock
        self._let_go(name)
        began = clock.monotonic()
        try:
            evaluated = self._app.production.engine.evaluate(name, self._most(name))
        except Exception as error:  # the one catch-all on this way: it counts, is told, and the points stay due
            metrics.failures.labels(name).inc()
            expected = isinstance(error, StoreError | ConflictError)
            log.error("evaluation.failed", group=name, why=str(error), exc_info=not expected)  # noqa: TRY400  # with a trace only where the cause is unknown
            return
        finally:
            self._progress.tried.add(name)
            self._beat(evaluations_of(name))
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
            self._progress.complete[evaluated.group] = self._app.clock.monotonic()
        self._progress.evaluations[evaluated.group] = Evaluation(self._app.clock.now(), seconds)
        for one in evaluated.transitions:
            told = {"before": str(one.before), "after": str(one.after), "at": one.at, "cause": str(one.cause)}
            shadow = {"shadow": True} if self._app.production.book.now.in_shadow(one.alert.key.alert) else {}
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
            self._let_go(BLIND_GROUP)
            for one in self._app.production.vigil.watch():
                blind = one.after is State.FIRING
                level = log.warning if blind else log.info
                why = one.judgement.why if one.judgement else ""
                level("blind.began" if blind else "blind.ended", subject=one.alert.key.alert, why=why)
        except Exception as error:  # the one catch-all on this way
            self._app.metrics.failures.labels(BLIND_GROUP).inc()
            log.exception("watch.failed", why=str(error))
        finally:
            self._beat(evaluations_of(BLIND_GROUP))

    def _follow_tick(self) -> None:
        self._following.replace_stuck()
        self._first_looks.replace_stuck()
        self._following.submit(FOLLOW, lambda: self._follow(self._look_after), FOLLOW_WITHIN)

    def _look_after(self) -> None:
        for name in self._app.production.follower.look():
            self._following.submit(
                name, partial(self._follow, partial(self._app.production.follower.verify, name)), VERIFY_WITHIN
            )

    def _opened(self, incident: str) -> None:
        """Let the page of a new incident wait for what changed before it, for a moment, while that is looked for."""
        self._app.production.head_start.begin(incident)
        if not self._first_looks.submit(incident, partial(self._look_first, incident), FOLLOW_WITHIN):
            self._app.production.head_start.over(incident)

    def _look_first(self, incident: str) -> None:
        try:
            self._follow(partial(self._app.production.follower.look_first, incident))
        finally:
            self._app.production.head_start.over(incident)

    def _follow(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # the one catch-all on this way: it is tried again soon
            expected = isinstance(error, StoreError | ConflictError)
            log.error("procedure.not_followed", why=str(error), exc_info=not expected)  # noqa: TRY400  # as above

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
        names = {group.name for group in self._app.production.book.now.rules.groups}
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

    # --- storage and the record------------------------------------------------------------------------------------

    def _storage_tick(self) -> None:
        self._workers.submit(STORAGE, lambda: self._look(lambda: self._storage.look(self._app.store)))

    def _shadows_tick(self) -> None:
        """Look once every group was evaluated: what happened while nobody ran is on the record then."""
        if {group.name for group in self._app.production.book.now.rules.groups} <= self._progress.tried:
            self._workers.submit(SHADOWS, lambda: self._look(self._app.shadows.look))

    def _duty_tick(self) -> None:
        """Not among the evaluations, since it may read Prometheus; and not before drills can go on."""
        if not self._app.conductor.live:
            return
        self._surveys.replace_stuck()
        self._surveys.submit(DUTY, self._remind, DUTY_WITHIN)

    def _remind(self) -> None:
        try:
            self._app.duty.look()
        except Exception as error:  # the one catch-all on this way: it is tried again soon
            expected = isinstance(error, StoreError | ConflictError)
            log.error("duty.failed", why=str(error), exc_info=not expected)  # noqa: TRY400  # as above

    def _keep_tick(self) -> None:
        self._keeping.replace_stuck()
        self._keeping.submit(EVIDENCE, self._keep, KEEP_WITHIN)

    def _keep(self) -> None:
        try:
            self._app.production.keeper.look()
        except Exception as error:  # the one catch-all on this way: it is tried again soon
            log.error("evidence.failed", why=str(error), exc_info=not isinstance(error, StoreError))  # noqa: TRY400  # as above

    def _prune_tick(self) -> None:
        self._workers.submit(RECORD, self._prune)

    def _prune(self) -> None:
        try:
            kept = self._app.settings.retention_seconds
            gone = self._app.store.prune(int(self._app.clock.now().timestamp()) - kept)
            self._app.production.keeper.count()
        except Exception as error:  # the one catch-all on this way
            log.exception("record.failed", why=str(error))
            return
        log.debug("record.pruned", gone=gone)
