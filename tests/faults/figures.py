"""The figures of a run with kills, as one table that can be copied into the documentation.

The first rows are those that any other program under the same kills can be held to.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tests.faults.callchecker import to_spare
from tests.faults.checker import LATE, Faults
from tests.faults.happenings import REFUSED, Run, first_of
from tests.faults.killhouse import House
from tests.faults.people import FORGER, RIGHTS


@dataclass(frozen=True)
class Judged:
    """A house after its run."""

    house: House
    run: Run
    faults: Faults


def table(every: Sequence[Judged], broke: Sequence[float], seconds: float) -> str:
    """Give the table, a row a figure; `broke` is when what is watched began to fail."""
    rows = [*_compared(every, broke), *_of_pages(every), *_of_clicks(every), *_of_kills(every)]
    took = f"{len(every)} houses side by side, {seconds / 60:.0f} min"
    return "\n".join(
        [f"| {took} | Rollback Monitor |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)]
    )


def _compared(every: Sequence[Judged], broke: Sequence[float]) -> list[tuple[str, object]]:
    kinds = {"lost": "pages lost", "doubled": "doubled", "late": "late", "wrong_tier": "wrong tier"}
    return [
        ("kills", sum(one.house.places.total() for one in every)),
        ("breaches", sum(len(one.run.breaches) for one in every)),
        *((name, _sum(every, kind)) for kind, name in kinds.items()),
        ("unauthorised", _sum(every, "unauthorised")),
        ("first failure to page, median / p99", _delays(every, broke)),
        ("the same where neither it nor Slack was away", _delays(every, broke, calm=True)),
    ]


def _sum(every: Sequence[Judged], kind: str) -> int:
    return sum(len(getattr(one.faults, kind)) for one in every)


def _delays(every: Sequence[Judged], broke: Sequence[float], *, calm: bool = False) -> str:
    """Seconds from the first failing request to the page in Slack; `calm`: with nothing away between."""
    found = sorted(
        at - began
        for one in every
        for fired in one.run.fired
        if (at := first_of(one.run, fired)) is not None
        if (began := max((start for start in broke if start <= fired.since), default=0.0))
        if not calm or not _away(one.run, began, at)
    )
    if not found:
        return "none"
    return f"{found[len(found) // 2]:.1f} s / {found[math.ceil(0.99 * len(found)) - 1]:.1f} s ({len(found)})"


def _away(run: Run, start: float, end: float) -> bool:
    return any(begin < end and over > start for begin, over in (*run.away, *run.refusing))


def _of_pages(every: Sequence[Judged]) -> list[tuple[str, object]]:
    absence = sum(end - start for one in every for start, end in one.house.refusing)
    return [
        ("alerts that fired", sum(len(one.run.fired) for one in every)),
        ("messages in Slack", sum(len(one.run.told) for one in every)),
        ("documents to PagerDuty, webhook, Alertmanager", sum(len(one.run.calls) for one in every)),
        ("Slack away, in all", f"{absence:.0f} s"),
        ("pages that others had to be called for meanwhile", sum(to_spare(one.run, LATE) for one in every)),
    ]


def _of_clicks(every: Sequence[Judged]) -> list[tuple[str, object]]:
    pressed = [press for one in every for press in one.house.people.pressed]
    done = [did for one in every for did in one.run.did]
    statuses = {status: sum(one.house.people.statuses[status] for one in every) for status in (200, 401)}
    return [
        ("clicks", len(pressed)),
        ("clicks told again", sum(press.tries - 1 for press in pressed if press.tries > 1)),
        ("clicks answered", sum(press.answered is not None for press in pressed)),
        ("clicks that had an effect", sum(did.what != REFUSED for did in done)),
        ("clicks refused in the record", sum(did.what == REFUSED for did in done)),
        ("clicks of strangers and forgers", sum(press.who not in RIGHTS for press in pressed)),
        ("of these forged", sum(press.who == FORGER for press in pressed)),
        ("requests answered 200 / 401", f"{statuses[200]} / {statuses[401]}"),
        ("clicks lost", _sum(every, "clicks_lost")),
        ("clicks that counted twice", _sum(every, "clicks_doubled")),
    ]


def _of_kills(every: Sequence[Judged]) -> list[tuple[str, object]]:
    places = sorted({place for one in every for place in one.house.places})
    return [(f"killed {place}", sum(one.house.places[place] for one in every)) for place in places]
