"""The evaluations: the ticks of groups and of the vigil, their work in the pool, and what is told of it."""

from collections.abc import Callable, Iterable

import structlog

from monitor.bootstrap.app import App
from monitor.core.model import State
from monitor.core.rules.ruleset import RuleSet
from monitor.evaluation.engine import Evaluated
from monitor.evaluation.vigil import BLIND_GROUP, WATCH_EVERY
from monitor.jobs.attempt import attempted
from monitor.runtime.loops import evaluations_of, patience, ticks_of
from monitor.runtime.ticking import Tick
from monitor.runtime.workers import Workers
from monitor.showing import Progress
from monitor.web import Evaluation

log = structlog.get_logger()

NAMED = 5
"""Rules that a log line about a trouble names."""

MOST_SECONDS = 10.0
"""An evaluation reads for at most this, and for at most 0.8 of its interval."""

GRACE = 10.0
"""Seconds beyond its deadline after which an evaluation counts as stuck: it may have had to wait for the database."""


class Evaluations:
    """Evaluates the groups of production, and keeps vigil. `after` is called when an evaluation is over."""

    def __init__(self, app: App, progress: Progress, workers: Workers, after: Callable[[], None]) -> None:
        self._app, self._side = app, app.production
        self._progress = progress
        self._workers = workers
        self._after = after
        self._stuck: set[str] = set()

    @staticmethod
    def loops(rules: RuleSet) -> list[tuple[str, float]]:
        """Give what must go round with `rules`, each with the seconds it may take."""
        groups = [(group.name, patience(group.interval)) for group in rules.groups]
        groups.append((BLIND_GROUP, patience(WATCH_EVERY)))
        return [(named(name), within) for name, within in groups for named in (ticks_of, evaluations_of)]

    def ticks(self, rules: RuleSet) -> Iterable[Tick]:
        """Give the ticks of every group of `rules`, and of the vigil."""
        for group in rules.groups:
            yield Tick(group.name, group.interval, group.query_offset, lambda name=group.name: self.tick(name))  # type: ignore[misc]  # bound at once
        yield Tick(BLIND_GROUP, WATCH_EVERY, 0, self._watch_tick)

    def tick(self, name: str) -> None:
        """Let group `name` be evaluated soon."""
        self._beat(ticks_of(name))
        if not self._workers.submit(name, lambda: self._evaluate(name), self._most(name) + GRACE):
            self.missed(name, "overrun")

    def missed(self, name: str, why: str) -> None:
        """Tell of a tick that did not come."""
        self._app.metrics.missed.labels(name, why).inc()
        log.warning("tick.missed", job=name, why=why)

    def begin_again(self, key: str) -> None:
        """Evaluate anew what was left to hang; its group's state is loaded anew by whoever does."""
        self._stuck.add(key)
        if key == BLIND_GROUP:
            self._watch_tick()
        else:
            self.tick(key)

    def _watch_tick(self) -> None:
        self._beat(ticks_of(BLIND_GROUP))
        self._workers.submit(BLIND_GROUP, self._watch, 2 * GRACE)

    def _beat(self, loop: str) -> None:
        self._progress.loops.beat(loop, self._app.clock.monotonic())

    def _let_go(self, name: str) -> None:
        if name in self._stuck:
            self._stuck.discard(name)
            self._side.desk.leave(name)

    def _most(self, name: str) -> float:
        """Give the seconds for which an evaluation may read."""
        group = self._side.book.now.group(name)
        interval = group.interval if group is not None else MOST_SECONDS
        return min(MOST_SECONDS, 0.8 * interval, self._app.settings.prometheus.timeout)

    # --- work -----------------------------------------------------------------------------------------------------

    def _evaluate(self, name: str) -> None:
        """Evaluate a group; where that fails it counts, is told, and the points stay due."""
        if self._side.book.now.group(name) is None:
            return
        self._let_go(name)
        began = self._app.clock.monotonic()
        well = attempted("evaluation.failed", lambda: self._evaluated(name, began), group=name)
        if not well:
            self._app.metrics.failures.labels(name).inc()
        self._progress.tried.add(name)
        self._beat(evaluations_of(name))
        self._app.metrics.duration.observe(self._app.clock.monotonic() - began)
        if well:
            self._after()

    def _evaluated(self, name: str, began: float) -> None:
        evaluated = self._side.engine.evaluate(name, self._most(name))
        if evaluated is not None:
            self._tell(evaluated, self._app.clock.monotonic() - began)

    def _watch(self) -> None:
        if not attempted("watch.failed", self._watched):
            self._app.metrics.failures.labels(BLIND_GROUP).inc()
        self._beat(evaluations_of(BLIND_GROUP))

    def _watched(self) -> None:
        self._let_go(BLIND_GROUP)
        for one in self._side.vigil.watch():
            blind = one.after is State.FIRING
            level = log.warning if blind else log.info
            why = one.judgement.why if one.judgement else ""
            level("blind.began" if blind else "blind.ended", subject=one.alert.key.alert, why=why)

    # --- what is told of it ---------------------------------------------------------------------------------------

    def _tell(self, evaluated: Evaluated, seconds: float) -> None:
        self._count(evaluated, seconds)
        for one in evaluated.transitions:
            told = {"before": str(one.before), "after": str(one.after), "at": one.at, "cause": str(one.cause)}
            shadow = {"shadow": True} if self._side.book.now.in_shadow(one.alert.key.alert) else {}
            log.info("alert.changed", alert=str(one.alert.key), **told, **shadow)
        self._tell_time(evaluated)
        self._tell_troubles(evaluated)
        level = log.info if evaluated.transitions else log.debug
        told = {"group": evaluated.group, "rules": evaluated.rules, "firing": evaluated.firing}
        level("evaluation.completed", points=evaluated.points, took_ms=round(seconds * 1000), **told)

    def _count(self, evaluated: Evaluated, seconds: float) -> None:
        metrics, clock = self._app.metrics, self._app.clock
        metrics.evaluations.labels(evaluated.group).inc()
        metrics.caught_up.labels(evaluated.group).inc(evaluated.caught_up)
        if evaluated.failed:
            metrics.failures.labels(evaluated.group).inc(evaluated.failed)
        else:
            metrics.last.labels(evaluated.group).set(clock.now().timestamp())
            self._progress.complete[evaluated.group] = clock.monotonic()
        self._progress.evaluations[evaluated.group] = Evaluation(clock.now(), seconds)

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
