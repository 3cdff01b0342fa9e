"""Files of rule tests -> what came of each test. One Prometheus answers all tests with series that can share it.

It knows how a test is run, not how a result is shown.
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from monitor.core.model import Labels, State, Tier, labels_of
from monitor.core.rules.ruletest import AlertTest, ExpressionTest, RuleTest
from monitor.core.rules.signal import Unit, unit_of
from monitor.files.expressions import code_of
from monitor.files.testset import RuleTestSet
from monitor.ports.metrics import MetricsSource, Samples
from monitor.queries.plan import plan
from monitor.workbench.ownprometheus import OwnPrometheus, program
from monitor.workbench.recording import recorded
from monitor.workbench.remotewrite import body
from monitor.workbench.ruletestcomparison import same_samples
from monitor.workbench.ruletestcourse import Course, drive, rules_of
from monitor.workbench.ruletestparts import reading_series, reading_what_is_given, source_at
from monitor.workbench.ruletestslots import Slot, Wanted, slots
from monitor.workbench.ruletestverdicts import Case, failures, moment_of, rules_named
from monitor.workbench.ruletestwords import number, shown

AROUND = (-2, -1, 0, 1)
"""Evaluations around the one that failed that are shown."""
MOST_ROWS = 24
ASKED_FOR = 10.0
EPOCH = 0


@dataclass(frozen=True, slots=True)
class Row:
    """One reading near a failure: when, of which instance and tier, and what was made of it."""

    at: int
    labels: Labels
    tier: Tier
    value: float | None
    unit: Unit
    requests: float | None
    verdict: str
    state: State
    why: str


@dataclass(frozen=True, slots=True)
class Missed:
    """One expectation that was not met, and the readings around it."""

    test: AlertTest | ExpressionTest
    expected: str
    actual: str
    remark: str = ""
    rows: tuple[Row, ...] = ()

    @property
    def subject(self) -> str:
        """The alert or the expression."""
        return self.test.alert if isinstance(self.test, AlertTest) else self.test.expr


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one test."""

    file: str
    test: RuleTest
    missed: tuple[Missed, ...] = ()
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether everything was as expected."""
        return not self.missed


@dataclass(slots=True)
class _Servers:
    """The Prometheus servers of a run, each started when it is first needed."""

    stack: contextlib.ExitStack
    given: Path | None
    _running: dict[int, tuple[OwnPrometheus, MetricsSource]] = field(default_factory=dict)

    def get(self, number: int) -> tuple[OwnPrometheus, MetricsSource]:
        if number not in self._running:
            server = self.stack.enter_context(OwnPrometheus(program(self.given)))
            source = source_at(server.url)
            self.stack.callback(source.close)
            self._running[number] = server, source
        return self._running[number]


def run(
    sets: Sequence[RuleTestSet], prometheus: Path | None = None, told: Callable[[Outcome], None] = lambda _: None
) -> tuple[Outcome, ...]:
    """Run every test of `sets`, in order, telling each outcome as it comes.

    `prometheus` is the program (None: the one on PATH), which only tests with series need. Raises `NoPrometheusError`.
    """
    every = [(one, test) for one in sets if one.file is not None for test in one.file.tests]
    places = iter(slots([_wanted(one, test) for one, test in every if not test.readings], int(time.time())))
    found: list[Outcome] = []
    with contextlib.ExitStack() as stack:
        servers = _Servers(stack, prometheus)
        for one, test in every:
            began = time.monotonic()
            missed = _with_readings(one, test) if test.readings else _with_series(one, test, next(places), servers)
            file = one.file.file if one.file is not None else ""
            found.append(Outcome(file, test, tuple(missed), time.monotonic() - began))
            told(found[-1])
    return tuple(found)


def _wanted(one: RuleTestSet, test: RuleTest) -> Wanted:
    rules = rules_of(test, one.groups, one.versions)
    planned = plan(rules)
    asked = [expr for group in rules.groups for rule in group.rules for expr in planned.expressions(rule)]
    asked += [each.expr for each in test.expressions] + [each.expr for each in one.recordings]
    paces = (*(group.interval for group in rules.groups), *(each.interval for each in one.recordings))
    return Wanted(test.length, paces, tuple(asked))


def _with_readings(one: RuleTestSet, test: RuleTest) -> list[Missed]:
    course = drive(test, rules_of(test, one.groups, ()), reading_what_is_given(test, EPOCH))
    found = _missed(one, test, course)
    return found + [Missed(each, "series", "`promql_expr_test` needs `input_series`") for each in test.expressions]


def _with_series(one: RuleTestSet, test: RuleTest, slot: Slot, servers: _Servers) -> list[Missed]:
    server, source = servers.get(slot.server)
    server.write(body(test.series, test.interval, slot.base))
    for recording in one.recordings:
        times = range(slot.base, slot.base + test.end + 1, recording.interval)
        server.write(body(recorded(recording, times, source), recording.interval, slot.base))
    rules = rules_of(test, one.groups, one.versions)
    course = drive(test, rules, reading_series(test, rules, slot.base, source))
    expressions = (_asked(each, slot.base, source) for each in test.expressions)
    return _missed(one, test, course) + [each for each in expressions if each is not None]


def _missed(one: RuleTestSet, test: RuleTest, course: Course) -> list[Missed]:
    case = Case(test, course, one.prometheus)
    return [
        Missed(each.test, each.expected, each.actual, each.remark, tuple(rows(course, each.test))[:MOST_ROWS])
        for each in failures(case)
    ]


def rows(course: Course, test: AlertTest) -> Iterator[Row]:
    """Give the readings of an alert around the time that something was expected of it, by instance and time."""
    found: list[Row] = []
    for rule in rules_named(course, test.alert):
        group, here = course.group_of(rule.alert), moment_of(course, rule, test.eval_time)
        if group is None or here is None:
            continue
        for at in (here[0] + step * group.interval for step in AROUND):
            moment = course.moments[group.name].get(at)
            look = moment.looks.get(rule.alert) if moment is not None else None
            if moment is None or look is None:
                continue
            for key in sorted(one for one in {*moment.alerts, *look.judgements} if one.alert == rule.alert):
                alert, judged = moment.alerts.get(key), look.judgements.get(key)
                state = alert.state if alert is not None else State.INACTIVE
                verdict, why = (judged.verdict.value, judged.why) if judged is not None else ("no_data", "")
                value, requests = (judged.value, judged.requests) if judged is not None else (None, None)
                found.append(Row(at, key.labels, key.tier, value, unit_of(rule.signal), requests, verdict, state, why))
    yield from sorted(found, key=lambda row: (row.labels, row.tier, row.at))


# --- expressions --------------------------------------------------------------------------------------------------


def _asked(test: ExpressionTest, base: int, source: MetricsSource) -> Missed | None:
    """Ask Prometheus for an expression; None where it gives what is expected."""
    if any(word in ("ALERTS", "ALERTS_FOR_STATE") for _, word in code_of(test.expr)):
        return Missed(test, "a covered expression", "not covered: ALERTS is written by Prometheus's own rules")
    answer = source.instant(test.expr, base + test.eval_time, deadline=ASKED_FOR)
    if not isinstance(answer, Samples):
        return Missed(test, "an answer", answer.why)
    actual = [(labels_of(sample.labels), sample.value) for sample in answer.samples]
    if same_samples(test.samples, actual, fuzzy=test.fuzzy):
        return None
    return Missed(test, _samples(test.samples), _samples(actual))


def _samples(samples: Sequence[tuple[Labels, float]]) -> str:
    return "; ".join(f"{shown(labels)} {number(value)}" for labels, value in sorted(samples)) or "no sample"
