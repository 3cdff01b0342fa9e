"""What is done beside judging: storage, shadows, drills that are due, evidence, the record, surveys of new rules."""

from collections.abc import Iterable
from functools import partial

import structlog

from monitor.bootstrap.app import App
from monitor.drills.duty import DUTY_EVERY
from monitor.evidence.keeping import KEEP_EVERY
from monitor.jobs.attempt import attempted
from monitor.ruleset.shadows import SHADOWS_EVERY
from monitor.runtime.storagewatch import STORAGE_EVERY, StorageWatch
from monitor.runtime.ticking import Tick
from monitor.runtime.workers import Workers
from monitor.showing import Progress

log = structlog.get_logger()

RECORD, SURVEY, STORAGE = "(record)", "(survey)", "(storage)"
EVIDENCE, SHADOWS, DUTY = "(evidence)", "(shadows)", "(drill due)"
"""The jobs; no group has such a name."""

PRUNE_EVERY = 86400
"""Seconds between two looks for what is older than the record is kept."""

KEEP_WITHIN = 300.0
"""Seconds after which the thread that reads evidence is given up."""

DUTY_WITHIN = 120.0
"""Seconds after which the thread that looks at what is due is given up."""


class Upkeep:
    """Keeps house. What only touches the database is done in `workers`, what reads Prometheus in threads of its own."""

    def __init__(self, app: App, progress: Progress, workers: Workers) -> None:
        self._app, self._progress, self._workers = app, progress, workers
        self._surveys = Workers(1, "survey", app.clock.monotonic)
        self._keeping = Workers(1, "evidence", app.clock.monotonic)
        self._storage = StorageWatch(app.production.desk)
        app.store.told = self._storage.hear

    def begin(self) -> None:
        """Tell of databases that were set aside."""
        attempted("storage.failed", lambda: self._storage.begin(self._app.disk.set_aside))

    def ticks(self) -> Iterable[Tick]:
        """Give the ticks of all of it."""
        yield Tick(STORAGE, STORAGE_EVERY, 0, self._watch_storage)
        yield Tick(SHADOWS, SHADOWS_EVERY, 0, self._look_at_shadows)
        yield Tick(DUTY, DUTY_EVERY, 0, self.remind)
        yield Tick(RECORD, PRUNE_EVERY, 0, self._prune)
        yield Tick(EVIDENCE, KEEP_EVERY, 0, self._keep)

    def stop(self) -> None:
        """End, without waiting for what hangs."""
        self._surveys.stop(0.0)
        self._app.production.evidence.stop()
        self._keeping.stop(0.0)

    def remind(self) -> None:
        """Look at what is due: not among the evaluations, since it may read Prometheus; not before drills can go on."""
        if not self._app.conductor.live:
            return
        self._surveys.replace_stuck()
        self._surveys.submit(DUTY, partial(attempted, "duty.failed", self._app.duty.look), DUTY_WITHIN)

    def survey(self) -> None:
        """Let rules that came into force be surveyed once every group was evaluated."""
        if self._app.surveyor.due and self._all_ran:
            self._surveys.submit(SURVEY, partial(attempted, "survey.failed", self._app.surveyor.look))

    @property
    def _all_ran(self) -> bool:
        return {group.name for group in self._app.production.book.now.rules.groups} <= self._progress.tried

    def _watch_storage(self) -> None:
        look = partial(self._storage.look, self._app.store)
        self._workers.submit(STORAGE, partial(attempted, "storage.failed", look))

    def _look_at_shadows(self) -> None:
        """Look once every group was evaluated: what happened while nobody ran is on the record then."""
        if self._all_ran:
            self._workers.submit(SHADOWS, partial(attempted, "shadows.failed", self._app.shadows.look))

    def _keep(self) -> None:
        self._keeping.replace_stuck()
        look = self._app.production.keeper.look
        self._keeping.submit(EVIDENCE, partial(attempted, "evidence.failed", look), KEEP_WITHIN)

    def _prune(self) -> None:
        self._workers.submit(RECORD, partial(attempted, "record.failed", self._pruned))

    def _pruned(self) -> None:
        before = int(self._app.clock.now().timestamp()) - self._app.settings.retention_seconds
        gone = self._app.store.prune(before)
        self._app.production.keeper.count()
        stage = self._app.hall.stage
        if stage is not None:
            gone += stage.side.store.prune(before)
        log.debug("record.pruned", gone=gone)
