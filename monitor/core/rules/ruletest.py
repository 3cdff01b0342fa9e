"""What a file of rule tests says: series or readings, and what is expected of alerts and expressions. Frozen values.

Times are whole seconds since the beginning of a test.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from monitor.core.model import Labels, Tier
from monitor.core.rules.rule import Place


class Gap(StrEnum):
    """A step of a series without a value: no sample, or the mark that the series has ended."""

    OMITTED = "_"
    STALE = "stale"


Step: TypeAlias = float | Gap


@dataclass(frozen=True, slots=True)
class InputSeries:
    """One series: a sample at each interval from time 0 on; its labels hold `__name__`."""

    labels: Labels
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording rule of Prometheus: what a test must write beside its series, each `interval` seconds."""

    record: str
    expr: str
    labels: Labels
    interval: int


@dataclass(frozen=True, slots=True)
class GivenReading:
    """What is read of one instance of `alert` at each interval, in place of any PromQL.

    `values` are the signal's, of a ratio `requests` and `failures` instead. `requires`: the values of the rule's
    condition (None: it is met).
    """

    alert: str
    labels: Labels
    values: tuple[Step, ...] = ()
    requests: tuple[Step, ...] = ()
    failures: tuple[Step, ...] = ()
    requires: tuple[Step, ...] | None = None
    place: Place = field(default=Place("", 1, 1), compare=False)


class Expected(StrEnum):
    """What an alert, its reading or its sight can be expected to be."""

    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"
    RECOVERING = "recovering"
    INSUFFICIENT = "insufficient"
    NO_DATA = "no_data"
    BLIND = "blind"


@dataclass(frozen=True, slots=True)
class ExpectedAlert:
    """One alert that fires; `annotations` None: they are not looked at."""

    labels: Labels
    annotations: Labels | None


@dataclass(frozen=True, slots=True)
class ExpectedPage:
    """One page: when, and in which tier where that is said."""

    at: int
    tier: Tier | None = None


@dataclass(frozen=True, slots=True)
class AlertTest:
    """What is expected of the alerts named `alert` at `eval_time`; what is None is not looked at.

    `labels` choose the instances that `state` and `value` speak of; `tier` is the tier that everything speaks of.
    """

    alert: str
    eval_time: int
    alerts: tuple[ExpectedAlert, ...] | None = None
    state: Expected | None = None
    tier: Tier | None = None
    value: float | None = None
    pages: tuple[ExpectedPage, ...] | None = None
    labels: Labels = ()
    place: Place = field(default=Place("", 1, 1), compare=False)


@dataclass(frozen=True, slots=True)
class ExpressionTest:
    """What a PromQL expression is expected to give at `eval_time`; labels hold `__name__` where there is one.

    `fuzzy`: the last digits do not count.
    """

    expr: str
    eval_time: int
    samples: tuple[tuple[Labels, float], ...]
    fuzzy: bool = False
    place: Place = field(default=Place("", 1, 1), compare=False)


@dataclass(frozen=True, slots=True)
class RuleTest:
    """One test: data, and what is expected of them. Rules are evaluated from `evaluate_from` on."""

    name: str
    interval: int
    series: tuple[InputSeries, ...] = ()
    readings: tuple[GivenReading, ...] = ()
    alerts: tuple[AlertTest, ...] = ()
    expressions: tuple[ExpressionTest, ...] = ()
    evaluate_from: int = 0
    place: Place = field(default=Place("", 1, 1), compare=False)

    @property
    def end(self) -> int:
        """The last time that something is expected at."""
        return max([0, *(one.eval_time for one in self.alerts), *(one.eval_time for one in self.expressions)])

    @property
    def length(self) -> int:
        """The seconds from its beginning after which there are no samples and nothing is asked."""
        return max(self.end, *(len(one.steps) * self.interval for one in self.series), self.interval)


@dataclass(frozen=True, slots=True)
class RuleTestFile:
    """One file of tests. `evaluation_interval` None: each group keeps its own. No `rule_files`: the folder above."""

    file: str
    rule_files: tuple[str, ...]
    evaluation_interval: int | None
    tests: tuple[RuleTest, ...]


PROMTOOLS_INTERVAL = 60
"""Seconds between two evaluations of a Prometheus rule where no `evaluation_interval` stands."""


@dataclass(frozen=True, slots=True)
class PrometheusAlert:
    """What a test must know of a rule that is Prometheus's: its labels as they were written, and what is left out."""

    labels: Labels
    left_out: str = ""
