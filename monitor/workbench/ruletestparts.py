"""The composition root of rule tests: the only module of them that names adapters."""

import time
from datetime import UTC, datetime

from monitor.adapters.memory.store import MemoryStore
from monitor.adapters.memory.world import ManualClock, ScriptedSource
from monitor.adapters.prometheus import PrometheusSource
from monitor.core.model import utc
from monitor.core.rules.ruleset import RuleSet
from monitor.core.rules.ruletest import RuleTest
from monitor.evaluation.baselines import Baselines
from monitor.evaluation.deploys import Deploys
from monitor.evaluation.reading import Reader
from monitor.ports.metrics import MetricsSource, Samples
from monitor.queries.plan import plan
from monitor.workbench.readahead import ReadAhead
from monitor.workbench.ruletestcourse import Parts, grid
from monitor.workbench.ruletestreadings import GivenReader


class _Watch:
    """The real clock, by which reads are measured."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


def source_at(url: str) -> PrometheusSource:
    """Give the source that reads the Prometheus at `url`."""
    return PrometheusSource(url)


def reading_series(test: RuleTest, rules: RuleSet, base: int, source: MetricsSource) -> Parts:
    """Give the parts of a test whose series begin at `base` of `source`; everything its rules ask is read at once."""
    ahead, planned = ReadAhead(source, _Watch()), plan(rules)
    for group in rules.groups:
        times = [base + at for at in grid(test, group)]
        for expr in dict.fromkeys(expr for rule in group.rules for expr in planned.expressions(rule)):
            ahead.read_ahead(expr, times)
    return _parts(base, Reader(ahead, Baselines(ahead), Deploys(ahead)))


def reading_what_is_given(test: RuleTest, base: int) -> Parts:
    """Give the parts of a test with `readings`."""
    return _parts(base, GivenReader(test, base, ScriptedSource(lambda _expr, _at: Samples(()))))


def _parts(base: int, reader: Reader) -> Parts:
    return Parts(base, ManualClock(utc(base)), MemoryStore(), reader)
