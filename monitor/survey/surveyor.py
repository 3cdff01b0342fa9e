"""Surveys the rules in force once, in the background of the daemon, and tells of each finding once."""

import structlog

from monitor.evaluation.baselines import Baselines
from monitor.evaluation.grid import newest_point
from monitor.evaluation.ranges import Deadline
from monitor.files.findings import Severity
from monitor.ports.metrics import MetricsSource
from monitor.ports.world import Clock
from monitor.rulebook import InForce, RuleBook
from monitor.survey.doubt import Doubt
from monitor.survey.facts import Means
from monitor.survey.look import Surveyed, survey

log = structlog.get_logger()

PATIENCE = 30.0
"""Seconds that a survey may read for."""

AGAIN = 300.0
"""Seconds after which a survey that was not answered is tried again."""


class Surveyor:
    """Keeps the last survey in `last`. For one thread at a time; `last` and `due` may be read by any."""

    def __init__(self, source: MetricsSource, baselines: Baselines, clock: Clock, book: RuleBook) -> None:
        self._source = source
        self._baselines = baselines
        self._clock = clock
        self._book = book
        self._done: InForce | None = None
        self._not_before = 0.0
        self._told: frozenset[Doubt] = frozenset()
        self.last = Surveyed()

    @property
    def due(self) -> bool:
        """Whether the rules in force were not surveyed yet, and it is time to try."""
        return self._done is not self._book.now and self._clock.monotonic() >= self._not_before

    def look(self) -> None:
        """Survey the rules in force and tell what is new. Takes up to `PATIENCE` seconds."""
        book, began = self._book.now, self._clock.monotonic()
        means = Means(self._source, self._baselines, Deadline(self._clock, began + PATIENCE))
        now = self._clock.now().timestamp()
        at = min((newest_point(group, now) for group in book.rules.groups), default=int(now))
        surveyed = survey(book.rules, book.plan, means, at)
        if self._book.now is not book:
            return  # other rules came into force meanwhile: they are due
        if surveyed.problem:
            self._not_before = self._clock.monotonic() + AGAIN
            if surveyed.problem != self.last.problem:
                log.info("rules.not_surveyed", why=surveyed.problem)
        else:
            self._done = book
        self._tell(surveyed)
        self.last = surveyed

    def _tell(self, surveyed: Surveyed) -> None:
        for one in surveyed.doubts:
            if one not in self._told and one.severity is not Severity.REMARK:
                told = {"severity": str(one.severity), "code": one.code, "why": one.sentence, "mend": one.mend}
                log.warning("rule.doubtful", rule=one.rule, place=str(one.place), **told)
        kept = self._told if surveyed.problem else frozenset[Doubt]()
        self._told = kept.union(surveyed.doubts)
