"""What rule tests say: labels, values, times, alerts and pages in the notation of a test. Pure."""

from collections.abc import Iterable

from monitor.core.model import Judgement, Labels, State, Verdict
from monitor.core.rules.ruletest import ExpectedAlert
from monitor.core.rules.signal import Unit
from monitor.workbench.ruletestcomparison import Firing
from monitor.workbench.ruletestcourse import Page


def shown(labels: Labels) -> str:
    """Give labels as PromQL writes them."""
    return "{" + ", ".join(f'{name}="{value}"' for name, value in labels) + "}"


def number(value: float | None, unit: Unit = Unit.NUMBER) -> str:
    """Give a value as people write it in a test: shares in per cent."""
    if value is None:
        return "nothing"
    return f"{value:.6g}" if unit is Unit.NUMBER else f"{100 * value:.6g}%"


def length(seconds: int) -> str:
    """Give a time since the beginning as people write it: 0s, 90s -> 1m30s."""
    sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
    parts = [(seconds // 86_400, "d"), (seconds // 3600 % 24, "h"), (seconds // 60 % 60, "m"), (seconds % 60, "s")]
    return sign + ("".join(f"{count}{unit}" for count, unit in parts if count) or "0s")


def worded(state: State, judgement: Judgement | None) -> str:
    """Give a state with the verdict behind it."""
    return f"{state} ({judgement.verdict if judgement is not None else Verdict.NO_DATA})"


def expected_alert(one: ExpectedAlert) -> str:
    """Give an expected alert."""
    texts = f" {shown(one.annotations)}" if one.annotations is not None else ""
    return f"{shown(one.labels)}{texts}"


def fired_alert(one: Firing) -> str:
    """Give an alert that fires, with its tier."""
    return f"{shown(one.labels)} [{one.tier}] {shown(one.annotations)}"


def paged(one: Page) -> str:
    """Give when a page was, and of which tier."""
    return f"{length(one.at)}{f' {one.tier}' if one.tier is not None else ''}"


def listed(words: Iterable[str]) -> str:
    """Give several things in one line."""
    return "; ".join(words) or "none"
