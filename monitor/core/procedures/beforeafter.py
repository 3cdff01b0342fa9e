"""The table of a verification: what each signal and check read when it was bad, and what it reads now. Pure.

Cells are words; how a pager draws them is the pager's business.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from monitor.core.incidents.events import Firing
from monitor.core.model import AlertKey
from monitor.core.procedures.verification import CheckResult, Outcome, SignalHeld
from monitor.core.words import measure

NOTHING = "-"
"""A cell of which nothing is known."""


@dataclass(frozen=True, slots=True)
class Row:
    """One signal or check: before, now, and how it stands."""

    what: str
    before: str
    now: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Table:
    """The rows, the signals that paged first, in the order in which they fired."""

    rows: tuple[Row, ...]


def before_and_after(
    firings: Iterable[Firing], results: Iterable[CheckResult], worst: Mapping[AlertKey, float] | None = None
) -> Table:
    """Give the table of `results`; `worst` is the worst value of each signal, where it is known."""
    results, fired, worst = tuple(results), {one.key: one for one in firings}, worst or {}
    held = {one.key: one for result in results for one in result.signals}
    ordered = [*(key for key in fired if key in held), *(key for key in held if key not in fired)]
    signals = [_signal(held[key], fired.get(key), worst.get(key)) for key in ordered]
    checks = [one for one in results if not one.signals]
    return Table((*signals, *(Row(one.title, one.before or NOTHING, one.said, one.outcome) for one in checks)))


def _signal(one: SignalHeld, firing: Firing | None, worst: float | None) -> Row:
    now = measure(one.value, one.unit) if one.value is not None else NOTHING
    held = "" if one.outcome is not Outcome.PASSED else ", clear"
    before = NOTHING
    if firing is not None:
        before = "; ".join(_before(firing, worst)) or NOTHING
    return Row(one.summary, before, f"{now}{held}", one.outcome)


def _before(firing: Firing, worst: float | None) -> Iterator[str]:
    if worst is not None:
        yield f"{measure(worst, firing.unit)} at its worst"
    if firing.value is not None and firing.value != worst:
        yield f"{measure(firing.value, firing.unit)} when it fired"
