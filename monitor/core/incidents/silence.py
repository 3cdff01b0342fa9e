"""Silences and maintenance windows: what keeps an alert from paging, until when, and what was kept. Pure.

Alerts are evaluated and shown all the same; the rollback tier is never kept from paging by a pattern.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from monitor.core.actor import Actor
from monitor.core.incidents.events import Firing, Snapshot
from monitor.core.model import AlertKey, Labels, Tier, labels_of
from monitor.core.rules.routing import Maintenance
from monitor.core.rules.rule import Matcher

DAY = 24 * 60
"""Minutes."""

NAME_LABEL = "alertname"
"""The label under which matchers see an alert's name."""


class HiddenBy(StrEnum):
    """Why an alert pages nobody."""

    SILENCE = "silence"
    MAINTENANCE = "maintenance"


@dataclass(frozen=True, slots=True)
class Silence:
    """What somebody asked not to be paged about. `version` counts its changes; 0 is not stored yet.

    It fits by its matchers, or, where it has `keys`, these very alerts and nothing else, of the rollback tier too.
    """

    id: int
    matchers: tuple[Matcher, ...]
    starts_at: datetime
    ends_at: datetime
    by: Actor
    reason: str
    tiers: tuple[Tier, ...] = (Tier.PREPARE,)
    expired_at: datetime | None = None
    expired_by: Actor | None = None
    version: int = 0
    keys: tuple[AlertKey, ...] = ()

    @property
    def over_at(self) -> datetime:
        """When it ends, or ended because somebody said so."""
        return self.expired_at or self.ends_at

    def in_force(self, now: datetime) -> bool:
        """Whether it keeps alerts from paging at `now`."""
        return self.starts_at <= now < self.over_at


@dataclass(frozen=True, slots=True)
class Cover:
    """What keeps an alert from paging: a silence by its number, a maintenance window by its name; and until when."""

    by: HiddenBy
    name: str
    until: datetime

    def __str__(self) -> str:
        return f"{self.by} {self.name}"


@dataclass(frozen=True, slots=True)
class Hidden:
    """An alert that fired and paged nobody, kept until it clears or what covers it ends.

    `firing` and `snapshot` are what an incident gets to know where it pages after all. `told` says that the thread of
    an incident has named it.
    """

    id: str
    cover: Cover
    at: datetime
    firing: Firing
    snapshot: Snapshot | None = None
    cleared_at: datetime | None = None
    released_at: datetime | None = None
    told: bool = False

    @property
    def live(self) -> bool:
        """Whether it fires still and pages nobody."""
        return self.cleared_at is None and self.released_at is None


def hidden(
    key: AlertKey, labels: Labels, now: datetime, silences: Iterable[Silence], maintenance: Iterable[Maintenance]
) -> Cover | None:
    """Give what keeps the alert `key` from paging at `now`, the longest; None where nothing does.

    `labels` are its rule's; its own count more, and its name is the label `alertname`.
    """
    silences = tuple(silences)
    named = [one for one in silences if key in one.keys and one.in_force(now)]
    if named or key.tier is Tier.ROLLBACK:
        covers = [Cover(HiddenBy.SILENCE, str(one.id), one.over_at) for one in named]
        return max(covers, key=lambda one: one.until, default=None)
    seen = as_seen(key, labels)
    covers = [
        *(Cover(HiddenBy.SILENCE, str(one.id), one.over_at) for one in silences if _silent(one, key.tier, seen, now)),
        *(
            Cover(HiddenBy.MAINTENANCE, one.name, until)
            for one in maintenance
            if key.tier in one.tiers and fits(one.matchers, seen) and (until := window(one, now)) is not None
        ),
    ]
    return max(covers, key=lambda one: one.until, default=None)


def as_seen(key: AlertKey, labels: Labels) -> Labels:
    """Give the labels by which matchers see an alert: `labels` are its rule's, its own count more."""
    return labels_of({**dict(labels), **dict(key.labels), NAME_LABEL: key.alert})


def _silent(silence: Silence, tier: Tier, labels: Labels, now: datetime) -> bool:
    if silence.keys or not silence.in_force(now):
        return False
    return tier in silence.tiers and fits(silence.matchers, labels)


def fits(matchers: Sequence[Matcher], labels: Labels) -> bool:
    """Whether all `matchers` fit."""
    return all(matcher.matches(labels) for matcher in matchers)


# --- maintenance windows --------------------------------------------------------------------------------------------


def window(maintenance: Maintenance, now: datetime) -> datetime | None:
    """Give the end of the window that `now` stands in, in UTC; None where it stands in none."""
    zone = ZoneInfo(maintenance.zone)
    today = now.astimezone(zone).date()
    for day in (today - timedelta(days=1), today):
        begins, ends = _bounds(maintenance, day, zone)
        if day.weekday() in maintenance.days and begins <= now < ends:
            return ends
    return None


def _bounds(maintenance: Maintenance, day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Give begin and end of the window that begins on `day`, in UTC.

    Where the clock shows a time twice, the window begins with the first and ends with the second; one that it skips
    is as far from the time before as it would have been.
    """
    over = 1 if maintenance.end <= maintenance.start else 0
    begins = _local(day, maintenance.start, zone, fold=0)
    last = day + timedelta(days=over)
    return begins, max(_local(last, maintenance.end, zone, fold=fold) for fold in (0, 1))


def _local(day: date, minutes: int, zone: ZoneInfo, *, fold: int) -> datetime:
    days, rest = divmod(minutes, DAY)
    at = time(rest // 60, rest % 60, fold=fold)
    return datetime.combine(day + timedelta(days=days), at, zone).astimezone(UTC)


# --- what was hidden ------------------------------------------------------------------------------------------------


def told_of(kept: Iterable[Hidden], now: datetime, until: dict[str, datetime]) -> tuple[str, ...]:
    """Give a sentence for each cover about the alerts that it keeps or kept: how many, and until when.

    `until` gives the present end of a cover by its words, where it is another than it was (a silence that expired).
    """
    by_cover: dict[str, list[Hidden]] = {}
    for one in kept:
        by_cover.setdefault(str(one.cover), []).append(one)
    return tuple(_sentence(cover, some, now, until.get(cover)) for cover, some in by_cover.items())


def _sentence(cover: str, some: Sequence[Hidden], now: datetime, until: datetime | None) -> str:
    end = until or max(one.cover.until for one in some)
    count = len({one.firing.key for one in some})
    noun = "1 alert" if count == 1 else f"{count} alerts"
    over = end <= now
    verb = ("was" if count == 1 else "were") if over else ("is" if count == 1 else "are")
    return f"{noun} {verb} hidden by {cover} until {end:%H:%M} UTC"
