"""What a survey finds, and the words that its findings share. Nothing here decides what is doubtful."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from monitor.core.model import Labels
from monitor.core.rules.rule import Place, Rule
from monitor.files.findings import Severity

NAMED = 3
"""Instances that a sentence names, of those that say the same."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """One thing that data say against a rule (or against the releases of a service).

    An error: the rule cannot do what it says. `code` is stable, for programs; `mend` says what would be right. Two are
    the same wherever the rule stands.
    """

    rule: str
    place: Place = field(compare=False)
    severity: Severity
    code: str
    sentence: str
    mend: str

    def __str__(self) -> str:
        return f"{self.place}: {self.severity}: {self.rule}: {self.sentence} ({self.mend}) [{self.code}]"


def error(rule: Rule, code: str, sentence: str, mend: str) -> Doubt:
    """Give a finding for which `rule` cannot do what it says."""
    return Doubt(rule.alert, rule.place, Severity.ERROR, code, sentence, mend)


def warning(rule: Rule, code: str, sentence: str, mend: str) -> Doubt:
    """Give a finding for which `rule` will probably not do what it says."""
    return Doubt(rule.alert, rule.place, Severity.WARNING, code, sentence, mend)


def named(instances: Iterable[Labels]) -> str:
    """Name instances by the values of their labels, the first few of many; nothing where there are no labels."""
    names = [name for name in ("/".join(value for _, value in one if value) for one in sorted(instances)) if name]
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f" of {', '.join(names[:NAMED])}{more}" if names else ""


def seconds(value: float) -> str:
    """Give a latency or a limit: 300 ms, 2.5 s."""
    return f"{value:.3g} s" if value >= 0.9995 else f"{1000 * value:.3g} ms"  # noqa: PLR2004  # rounds to 1 s
