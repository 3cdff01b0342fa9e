"""The long-running process: what runs in which thread, signals, ordered shutdown.

Ticks only begin work. Evaluations run in a bounded pool, the outbox in a thread, HTTP and Socket Mode on one event
loop; the supervisor sees that all of them go round.
"""

import contextlib
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
from monitor.core.rules.ruleset import RuleSet
from monitor.drills.stagehand import Stagehand
from monitor.jobs.attempt import attempted
from monitor.jobs.evaluations import Evaluations
from monitor.jobs.procedures import Procedures
from monitor.jobs.upkeep import Upkeep
from monitor.ports.store import StoreError
from monitor.ruleset.rulesfolder import Outcome
from monitor.runtime.loops import EVENT_LOOP, OUTBOX, patience
from monitor.runtime.mending import Thread
from monitor.runtime.notify import Manager
from monitor.runtime.serving import Serving
from monitor.runtime.ticking import Tick, Ticker
from monitor.runtime.workers import Workers
from monitor.showing import Progress, Showing
from monitor.supervision import Parts, Supervision
from monitor.web import application

log = structlog.get_logger()

POOL = 8
"""Groups that may be evaluated at the same time."""

RULES, RELOAD = "(rules)", "(reload)"
"""What is done about rules; no group has such a name."""

LOOK_EVERY = 5
"""Seconds between two looks at the rules folder; what has changed is taken at the second that finds the same."""

HEAR_EVERY = 1.0
"""Seconds after which the main thread looks whether a signal came that did not wake it."""

OUTBOX_WITHIN = 45.0
"""Seconds that the outbox may take for one post: it is looked for, posted, and posted again as text."""

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
        self._upkeep = Upkeep(app, self._progress, self._workers)
        self._procedures = Procedures(app.production, clock.monotonic)
        self._evaluations = Evaluations(app, self._progress, self._workers, self._upkeep.survey)
        self._ticker = Ticker(self._evaluations.missed)
        showing = Showing(app, self._progress)
        self._serving = Serving(
            application(showing.inside(self.reload)), app.settings.listen, app.inbound, lambda: self._beat(EVENT_LOOP)
        )
        app.production.outbox.watch(lambda: self._beat(OUTBOX))
        app.production.desk.opened = self._procedures.opened
        self._outbox = Thread("outbox", lambda: app.production.outbox.run(self._outbox_failed))
        self._drills = Stagehand(app.hall, app.conductor, clock)
        parts = Parts(self._ticker, self._workers, self._outbox, self._evaluations.begin_again)
        self._supervision = Supervision(app, self._progress, parts, self._manager, showing.complete_since, leave)

    def run(self) -> None:
        """Run until asked to stop. Raises OSError where the listener cannot be bound."""
        rules = self._app.production.book.now.rules
        address = self._serving.bind()
        self._tell_address(address)
        self._upkeep.begin()
        self._app.folder.begin(self._schedule)
        self._took(Outcome(problems=self._app.folder.standing.problems))
        self._schedule(rules)
        self._outbox.start()
        self._serving.start()
        self._ticker.start()
        groups = [group.name for group in rules.groups]
        pager = "slack" if self._app.settings.slack.bot_token else "console"
        log.info("daemon.started", listen=address, groups=groups, pager=pager, rules=rules.digest[:12])
        for name in groups:
            self._evaluations.tick(name)
        self._drills.start()
        self._upkeep.remind()
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
        while self._ordered() != "stop":  # a folder that hangs must not keep this thread from stopping
            self._workers.submit(RELOAD, self._reload)

    def _ordered(self) -> str:
        """Wait for an order, a little at a time: a signal that comes just before waiting begins does not end it."""
        while True:
            with contextlib.suppress(queue.Empty):
                return self._orders.get(timeout=HEAR_EVERY)

    def _reload(self) -> None:
        self._manager.reloading()
        attempted("rules.failed", self.reload)
        self._manager.ready(f"evaluating {len(self._app.production.book.now.rules.groups)} groups")

    def _shut_down(self) -> None:
        """Let what runs end, in order, and never wait for something that hangs."""
        log.info("daemon.stopping")
        self._manager.stopping()
        self._supervision.stop()
        self._ticker.shutdown()
        self._app.production.outbox.stop()
        self._serving.stop()
        self._upkeep.stop()
        self._procedures.stop()
        clean = self._workers.stop(STOP_WITHIN / 2)
        delivered = self._outbox.join(STOP_WITHIN / 4)
        self._serving.join(STOP_WITHIN / 4)
        self._drills.stop()
        self._app.store.close()
        self._app.hall.close()
        if not self._app.store.durable:
            log.error("storage.lost", held=self._app.store.waiting, why=self._app.store.trouble)
        log.info("daemon.stopped", clean=clean and delivered)

    def _beat(self, loop: str) -> None:
        self._progress.loops.beat(loop, self._app.clock.monotonic())

    def _schedule(self, rules: RuleSet) -> None:
        """Give every group of `rules` and every job its tick, and say what must go round; what ticked is gone."""
        own = [(OUTBOX, OUTBOX_WITHIN), (EVENT_LOOP, patience(0))]
        self._progress.loops.expect([*self._evaluations.loops(rules), *own], self._app.clock.monotonic())
        looks = [self._procedures.tick, Tick(RULES, LOOK_EVERY, 0, self._poll_tick)]
        self._ticker.schedule([*self._evaluations.ticks(rules), *looks, *self._upkeep.ticks()])

    def _outbox_failed(self, error: Exception) -> None:
        self._app.metrics.slack_requests.labels("outbox", "failed").inc()
        log.error("outbox.failed", why=str(error), exc_info=not isinstance(error, StoreError))

    # --- rules ----------------------------------------------------------------------------------------------------

    def reload(self) -> Outcome:
        """Put the rules on disk in force, whole; a refused set changes nothing."""
        return self._took(self._app.folder.reload())

    def _poll_tick(self) -> None:
        self._workers.submit(RULES, partial(attempted, "rules.failed", self._poll))

    def _poll(self) -> None:
        outcome = self._app.folder.poll()
        if outcome is not None:
            self._took(outcome)

    def _took(self, outcome: Outcome) -> Outcome:
        metrics = self._app.metrics
        metrics.reload_success.set(0 if outcome.problems else 1)
        if not outcome.problems:
            metrics.reload_at.set(self._app.clock.now().timestamp())
        return outcome
