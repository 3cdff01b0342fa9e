"""Whether the series that rules name exist, carry their labels, and come often enough for the windows."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from monitor.core.model import Labels, Sample, pick
from monitor.core.rules.rule import Rule
from monitor.core.rules.ruleset import VersionMetric
from monitor.core.rules.signal import Availability, Condition, Count, ErrorRatio, Latency, Query
from monitor.files.findings import Severity
from monitor.queries.plan import Plan
from monitor.queries.promql import buckets_selector, samples_expression, selectors, series_expression
from monitor.survey.doubt import Doubt, error, named, warning
from monitor.survey.facts import Facts

LATELY = 3600
"""A series without a sample for so many seconds is told as one that was."""
ONCE = 7 * 86400
"""How far back one that is gone is looked for."""
SPAN = 600
"""Seconds over which samples are counted to estimate the time between two scrapes."""
FEWEST, FEW = 2, 4
"""Scrapes in a window: below the first a window cannot be read, below the second one lost scrape empties it."""


@dataclass(frozen=True, slots=True)
class Named:
    """One selector of a rule.

    `what` it is there; the labels that its series must have; whether it is read over the rule's windows. `alone`: the
    rule has no answer without it; `expected`: it may well match nothing while all is well.
    """

    what: str
    selector: str
    by: tuple[str, ...] = ()
    windowed: bool = False
    alone: bool = True
    expected: bool = False

    @property
    def lately(self) -> str:
        """The PromQL of how many series there were within an hour."""
        return series_expression(self.selector, self.by, LATELY)

    @property
    def once(self) -> str:
        """The PromQL of how many series there were within a week."""
        return series_expression(self.selector, (), ONCE)

    @property
    def samples(self) -> str:
        """The PromQL of how many samples came of each instance."""
        return samples_expression(self.selector, tuple(name for name in self.by if name != "le"), SPAN)


def named_by(rule: Rule) -> Iterator[Named]:
    """Give every selector that `rule` names."""
    match rule.signal:
        case ErrorRatio(requests=requests, failures=failures, by=by):
            yield Named("requests", requests, by, windowed=True)
            yield Named("failures", failures, alone=False)
        case Latency(by=by):
            yield Named("histogram", buckets_selector(rule.signal), (*by, "le"), windowed=True)
        case Availability(probe=probe, by=by):
            yield Named("probe", probe, by, windowed=True)
        case Count(counter=counter, alive=alive, by=by):
            yield Named("counter", counter, by, windowed=True, expected=True)
            yield Named("alive", alive)
        case Query(expr=expr, absent=absent):
            yield from _inside("expr", expr, expected=absent is not None)
        case Condition(expr=expr):
            yield from _inside("expr", expr)
    if rule.requires is not None:
        yield from _inside("requires", rule.requires.expr)


def _inside(what: str, expr: str, *, expected: bool = False) -> Iterator[Named]:
    found = selectors(expr)
    for one in found:
        yield Named(what, one, alone=len(found) == 1, expected=expected)


def version_of(metric: VersionMetric) -> Named:
    """Give the selector of a version metric."""
    return Named("version", metric.selector, (metric.label,), alone=False)


def values_of(rule: Rule, planned: Plan) -> tuple[str, ...]:
    """Give the expressions whose own answers must carry the labels of `by`."""
    if not isinstance(rule.signal, Query) or not rule.signal.by:
        return ()
    return tuple(dict.fromkeys(parts["value"] for parts in planned.parts[rule.alert].values()))


# --- findings ---------------------------------------------------------------------------------------------------------


def series_doubts(rule: Rule, planned: Plan, facts: Facts) -> Iterator[Doubt]:
    """Give the selectors of `rule` that match nothing, and the labels that their series do not have."""
    missing: set[str] = set()
    for one in named_by(rule):
        lately = facts.of(one.lately)
        if lately == ():
            if one.what == "failures" and "requests" in missing:
                continue  # said already
            missing.add(one.what)
            yield _missing(rule, one, facts)
        elif lately is not None:
            yield from _labels(rule, one.what, tuple(name for name in one.by if name != "le"), lately)
    for expr in values_of(rule, planned):
        if answer := facts.of(expr):
            yield from _labels(rule, "expr", rule.signal.by, answer)


def version_doubts(metric: VersionMetric, facts: Facts) -> Iterator[Doubt]:
    """Give what is wrong with a version metric: releases of its service are then never seen."""
    rule = Rule(f"releases of {metric.service}", Condition(""), (), place=metric.place)
    one = version_of(metric)
    lately = facts.of(one.lately)
    if lately == ():
        yield _missing(rule, one, facts)
    elif lately is not None:
        yield from _labels(rule, one.what, one.by, lately)


def _missing(rule: Rule, one: Named, facts: Facts) -> Doubt:
    if facts.of(one.once):
        sentence = f"`{one.what}` has matched no series for an hour, and did within a week: {one.selector}"
        mend = "is its target gone, or its metric renamed?"
        doubt = warning(rule, "no-series-lately", sentence, mend)
    else:
        sentence = f"`{one.what}` matches no series: {one.selector}"
        mend = "compare its name and labels with what Prometheus has"
        if one.what == "failures":
            mend += "; failures should be exported at 0 from the start, or the first ones are not seen"
        elif one.what != "version" and not rule.optional:
            mend += ", or say `optional: true`"
        doubt = (error if one.alone else warning)(rule, "no-series", sentence, mend)
    return replace(doubt, severity=Severity.REMARK) if rule.optional or one.expected else doubt


def _labels(rule: Rule, what: str, by: tuple[str, ...], found: tuple[Sample, ...]) -> Iterator[Doubt]:
    known = {name for sample in found for name, value in sample.labels if value}
    for name in by:
        if name not in known:
            sentence = f"no series of `{what}` has the label `{name}`"
            has = ", ".join(f"`{one}`" for one in sorted(known - {"__name__", "le"}))
            mend = f"tell instances apart by what they have{f', such as {has}' if has else ''}"
            yield error(rule, "no-label", sentence, mend)


# --- pace -------------------------------------------------------------------------------------------------------------


def paces(rule: Rule, facts: Facts) -> dict[Labels, float]:
    """Give the seconds between two scrapes of each instance, estimated, where that can be told."""
    found: dict[Labels, float] = {}
    for one in named_by(rule):
        for sample in (facts.of(one.samples) or ()) if one.windowed else ():
            if sample.value > 0:
                found[pick(sample.labels, rule.signal.by)] = SPAN / sample.value
    return found


def pace_doubts(rule: Rule, facts: Facts) -> Iterator[Doubt]:
    """Give the windows of `rule` that hold too few scrapes of its slowest instances."""
    found = paces(rule, facts)
    if not found:
        return
    slowest = max(found.values())
    whose = named(labels for labels, pace in found.items() if pace == slowest)
    for window in sorted({tier.window for tier in rule.every_tier}):
        if _short(window, slowest, FEW):
            yield _window(rule, window, slowest, whose)


def _window(rule: Rule, window: int, pace: float, whose: str) -> Doubt:
    says = f"the series{whose} come every {pace:.0f} s, as the last 10 minutes tell"
    if _short(window, pace, FEWEST):
        sentence = f"a window of {window}s is less than {FEWEST} scrapes: {says}"
        return error(rule, "window-short", sentence, f"write {FEW * round(pace)}s or more")
    sentence = f"a window of {window}s is less than {FEW} scrapes, so that a lost one can empty it: {says}"
    return warning(rule, "window-short", sentence, f"write {FEW * round(pace)}s or more")


def _short(window: int, pace: float, scrapes: int) -> bool:
    """Whether the window is too short, even if one more sample than was counted fits into the span."""
    return window < scrapes * SPAN / (SPAN / pace + 1)
