"""What rules in the shadow would have paged within a day, in one line; and when that line is due. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from monitor.core.daily import moment, newest
from monitor.core.model import Alert, AlertKey, Cause, State, Tier
from monitor.core.rules.routing import ShadowReport
from monitor.core.rules.rule import Rule
from monitor.core.rules.signal import unit_of
from monitor.core.words import lasted_seconds, measure

NAMED = 10
"""Rules that would never have paged and are named; of more the number is told."""

_UP = frozenset({State.FIRING, State.RECOVERING})


@dataclass(frozen=True, slots=True)
class Seen:
    """One recorded change of an alert in the shadow: at grid time `at`, with the value that it was judged by."""

    at: int
    key: AlertKey
    before: State
    after: State
    cause: Cause
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Unsent:
    """A page that was not sent: when it would have been (grid time), until when it fired, the worst value known.

    `ended` None: it fires still. `reached` None: no value was recorded.
    """

    key: AlertKey
    began: int
    ended: int | None = None
    reached: float | None = None


def due(report: ShadowReport, now: datetime, last: datetime | None) -> datetime | None:
    """Give the moment whose report is owed at `now`, `last` being when one was told; None where none is.

    One a day of the report's zone, and the newest only.
    """
    day = newest(now, report.at, report.zone)
    owed = moment(day, report.at, report.zone)
    told = last is not None and (last >= owed or last.astimezone(ZoneInfo(report.zone)).date() == day)
    return None if told else owed


def unsent(seen: Iterable[Seen], alerts: Iterable[Alert], rules: Sequence[Rule]) -> tuple[Unsent, ...]:
    """Give what would have been paged, from changes in their order; `alerts` are those that stand now.

    A prepare that fires only because its rollback does would have been no page of its own.
    """
    known = {rule.alert for rule in rules}
    going: dict[AlertKey, Unsent] = {}
    over: list[Unsent] = []
    for one in (one for one in seen if one.key.alert in known):
        if one.after is State.FIRING and one.before not in _UP and one.cause is not Cause.CARRIED_BY_ROLLBACK:
            going[one.key] = Unsent(one.key, one.at, reached=one.value)
        elif one.after is State.INACTIVE and one.key in going:
            over.append(replace(going.pop(one.key), ended=one.at))
    peaks = {alert.key: alert.peak for alert in alerts if alert.peak is not None}
    still = (replace(one, reached=peaks.get(one.key, one.reached)) for one in going.values())
    return tuple(sorted((*over, *still), key=lambda one: (one.began, str(one.key))))


def told(pages: Sequence[Unsent], rules: Sequence[Rule], report: ShadowReport, moment: datetime) -> str:
    """Give the line for the day that ended at `moment`; nothing where none of `rules` would have paged."""
    if not pages:
        return ""
    paged = [words for rule in rules for words in _of_rule(rule, pages, moment)]
    quiet = [rule.alert for rule in rules if rule.alert not in {one.key.alert for one in pages}]
    never = [f"{name} never" for name in quiet[:NAMED]]
    never += [f"{len(quiet) - NAMED} more rules never"] if len(quiet) > NAMED else []
    day = f"{moment.astimezone(ZoneInfo(report.zone)):%d %b}"  # two days that went alike are two lines
    return f"IN THE SHADOW, {day}: would have paged in the last 24 h: {', '.join((*paged, *never))}."


def _of_rule(rule: Rule, pages: Sequence[Unsent], moment: datetime) -> Iterable[str]:
    for tier in (Tier.ROLLBACK, Tier.PREPARE):
        mine = [one for one in pages if one.key.alert == rule.alert and one.key.tier is tier]
        if mine:
            count = "once" if len(mine) == 1 else f"{len(mine)} times"
            yield f"{rule.alert} ({tier}) {count} ({'; '.join(_how_badly(rule, tier, mine, moment))})"


def _how_badly(rule: Rule, tier: Tier, pages: Sequence[Unsent], moment: datetime) -> Iterable[str]:
    end = int(moment.timestamp())
    longest = max((end if one.ended is None else one.ended) - one.began for one in pages)
    yield f"{'longest' if len(pages) > 1 else 'for'} {lasted_seconds(longest)}"
    values = [one.reached for one in pages if one.reached is not None]
    limits = [one.above for one in rule.every_tier if one.tier is tier]
    if values:
        worst = min(values) if None in limits else max(values)
        yield f"reached {measure(worst, unit_of(rule.signal))}"
    firing = sum(one.ended is None for one in pages)
    if firing:
        yield "fires still" if firing == 1 else f"{firing} fire still"
