"""The queries behind an explanation: of the readings at one time, a rule's condition, a latency's references."""

from collections.abc import Iterable
from dataclasses import dataclass

from monitor.core.judging.latency import HOUR, WEEK, same_time_hours, trailing_hours
from monitor.core.rules.changewords import duration
from monitor.core.rules.rule import Rule
from monitor.core.rules.signal import Latency, ReferenceKind
from monitor.queries.plan import Plan
from monitor.queries.promql import baseline_expression


@dataclass(frozen=True, slots=True)
class Question:
    """One query: at one time (`start` is `end`), or from `start` to `end` every `step` seconds."""

    name: str
    expr: str
    start: int
    end: int
    step: int = 0


def questions_of(plan: Plan, rule: Rule, windows: Iterable[int], at: int) -> tuple[Question, ...]:
    """Give what is asked for one reading of `rule` over `windows` at grid time `at`, each once."""
    each = tuple(dict.fromkeys(windows))
    found = [
        Question(f"{part} in {duration(window)}" if len(each) > 1 else part, expr, at, at)
        for window in each
        for part, expr in plan.parts[rule.alert][window].items()
    ]
    if rule.requires is not None:
        found.append(Question("requires", rule.requires.expr, at, at))
    return (*found, *_of_baseline(rule, at))


def _of_baseline(rule: Rule, at: int) -> Iterable[Question]:
    signal = rule.signal
    if not isinstance(signal, Latency):
        return
    expr, kinds = baseline_expression(signal), signal.baseline.kinds
    if ReferenceKind.SAME_TIME in kinds:
        ends = same_time_hours(at)
        yield Question("same_time", expr, ends[0], ends[-1], WEEK)
    if ReferenceKind.TRAILING in kinds:
        ends = trailing_hours(at)
        yield Question("trailing", expr, ends[0], ends[-1], HOUR)
