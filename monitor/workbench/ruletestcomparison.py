"""What is expected of a test beside what was: alerts, samples, values, states. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from monitor.core.model import Judgement, Labels, State, Tier, Verdict
from monitor.core.rules.ruletest import Expected, ExpectedAlert

SAME = 1e-6
"""How far a value may be off, relatively: counts are extrapolated in floating point."""

FUZZY = 2**-50
"""A few of the last bits of a float."""

STATES = {state.value for state in State}


@dataclass(frozen=True, slots=True)
class Firing:
    """One alert that fires: all its labels and texts, and its tier."""

    labels: Labels
    annotations: Labels
    tier: Tier


def matches(expected: Sequence[ExpectedAlert], firing: Sequence[Firing], *, exactly: bool) -> bool:
    """Whether each expected alert is one that fires, another one each, and none is left over."""
    if len(expected) != len(firing):
        return False
    if not expected:
        return True
    first, rest = expected[0], expected[1:]
    return any(
        _fits(first, one, exactly=exactly) and matches(rest, [*firing[:index], *firing[index + 1 :]], exactly=exactly)
        for index, one in enumerate(firing)
    )


def _fits(expected: ExpectedAlert, firing: Firing, *, exactly: bool) -> bool:
    labels = {name: value for name, value in expected.labels if name != "alertname"}
    if exactly:
        return labels == dict(firing.labels) and dict(expected.annotations or ()) == dict(firing.annotations)
    return set(labels.items()) <= set(firing.labels) and set(expected.annotations or ()) <= set(firing.annotations)


def is_in(expected: Expected, state: State, judgement: Judgement | None) -> bool:
    """Whether an alert in `state`, with what was judged of it, is what was expected."""
    if expected in STATES:
        return state.value == expected.value
    if expected is Expected.NO_DATA:
        return judgement is None or judgement.verdict is Verdict.NO_DATA
    return judgement is not None and judgement.verdict.value == expected.value


def is_same(expected: float, value: float | None) -> bool:
    """Whether a value is the expected one, give or take the last digits of a float."""
    return value is not None and math.isclose(expected, value, rel_tol=SAME, abs_tol=SAME / 1000)


def same_samples(
    expected: Sequence[tuple[Labels, float]], actual: Sequence[tuple[Labels, float]], *, fuzzy: bool = False
) -> bool:
    """Whether two vectors hold the same samples, bit by bit as promtool compares them; `fuzzy`: but for the last ones.

    One NaN is like another.
    """
    if len(expected) != len(actual):
        return False
    pairs = zip(sorted(expected, key=repr), sorted(actual, key=repr), strict=True)
    return all(want[0] == got[0] and _equal(want[1], got[1], fuzzy=fuzzy) for want, got in pairs)


def _equal(expected: float, actual: float, *, fuzzy: bool) -> bool:
    if math.isnan(expected) or math.isnan(actual):
        return math.isnan(expected) and math.isnan(actual)
    return expected == actual or (fuzzy and math.isclose(expected, actual, rel_tol=FUZZY, abs_tol=0.0))
