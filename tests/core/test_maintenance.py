"""Maintenance windows by the clock on the wall: midnight, weekdays, and the two nights a year without 24 hours."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.incidents.silence import hidden, window
from monitor.core.model import AlertKey, Tier
from monitor.core.rules.routing import Maintenance
from monitor.core.rules.rule import Matcher, MatchOp

BERLIN = "Europe/Berlin"
FITS = (Matcher("team", MatchOp.EQUAL, "billing"),)
EVERY = (0, 1, 2, 3, 4, 5, 6)


def of(start: str, end: str, zone: str = "UTC", days: tuple[int, ...] = EVERY) -> Maintenance:
    return Maintenance("w", FITS, _minutes(start), _minutes(end), days=days, zone=zone)


def _minutes(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}:00+00:00")


SUNDAY = (6,)
ROWS = [
    ("before it begins", of("02:00", "04:00"), "03-04T01:59", None),
    ("as it begins", of("02:00", "04:00"), "03-04T02:00", "03-04T04:00"),
    ("just before it ends", of("02:00", "04:00"), "03-04T03:59", "03-04T04:00"),
    ("as it ends", of("02:00", "04:00"), "03-04T04:00", None),
    ("over midnight, the evening", of("23:00", "01:00"), "03-04T23:30", "03-05T01:00"),
    ("over midnight, the morning", of("23:00", "01:00"), "03-05T00:30", "03-05T01:00"),
    ("over midnight, by day", of("23:00", "01:00"), "03-05T12:00", None),
    ("begins on Sunday, Monday morning", of("23:00", "01:00", days=SUNDAY), "03-09T00:30", "03-09T01:00"),
    ("begins on Sunday, Sunday morning", of("23:00", "01:00", days=SUNDAY), "03-08T00:30", None),
    ("a whole day", of("00:00", "24:00", days=SUNDAY), "03-08T23:59", "03-09T00:00"),
    ("a whole day, the next one", of("00:00", "24:00", days=SUNDAY), "03-09T00:00", None),
    ("in the zone's winter", of("02:00", "04:00", BERLIN), "01-04T01:30", "01-04T03:00"),
    ("in the zone's summer", of("02:00", "04:00", BERLIN), "07-05T00:30", "07-05T02:00"),
    ("the zone's weekday, not UTC's", of("00:30", "01:30", BERLIN, SUNDAY), "07-04T23:00", "07-04T23:30"),
    # 29 March 2026: 02:00 becomes 03:00 at 01:00 UTC
    ("spring: begins in the hour that is skipped", of("02:00", "04:00", BERLIN), "03-29T00:59", None),
    ("spring: it is shorter by an hour", of("02:00", "04:00", BERLIN), "03-29T01:00", "03-29T02:00"),
    ("spring: within the hour that is skipped", of("02:15", "02:45", BERLIN), "03-29T01:20", "03-29T01:45"),
    ("spring: over the change", of("01:00", "05:00", BERLIN), "03-29T02:59", "03-29T03:00"),
    # 25 October 2026: 03:00 becomes 02:00 at 01:00 UTC
    ("autumn: it is longer by an hour", of("02:00", "04:00", BERLIN), "10-25T00:00", "10-25T03:00"),
    ("autumn: the hour that comes twice, first", of("02:15", "02:45", BERLIN), "10-25T00:20", "10-25T01:45"),
    ("autumn: the hour that comes twice, second", of("02:15", "02:45", BERLIN), "10-25T01:40", "10-25T01:45"),
    ("autumn: before it", of("02:00", "04:00", BERLIN), "10-24T23:59", None),
]


@pytest.mark.parametrize(("maintenance", "now", "until"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_a_window(maintenance: Maintenance, now: str, until: str | None) -> None:
    assert window(maintenance, at(now)) == (at(until) if until else None)


@given(
    st.integers(0, 1439),
    st.integers(1, 1440),
    st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  # bounds are naive
    st.sampled_from(["UTC", BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]),
)
def test_the_clock_on_the_wall_within_a_window_is_never_told_that_it_is_over(
    start: int, end: int, now: datetime, zone: str
) -> None:
    """A window that is in force ends later, within a day and the hour of a change, and lasts until then."""
    maintenance = Maintenance("w", FITS, start, end, zone=zone)
    until = window(maintenance, now)
    if until is not None:
        assert now < until <= now + timedelta(hours=25, minutes=1)
        assert window(maintenance, until - timedelta(microseconds=1)) is not None


def key(tier: Tier) -> AlertKey:
    return AlertKey("Invoices", (("job", "web"),), tier)


@pytest.mark.parametrize(
    ("tier", "tiers", "covered"),
    [
        (Tier.PREPARE, (Tier.PREPARE,), True),
        (Tier.BLIND, (Tier.PREPARE,), False),
        (Tier.BLIND, (Tier.PREPARE, Tier.BLIND), True),
        (Tier.ROLLBACK, (Tier.PREPARE, Tier.BLIND, Tier.ROLLBACK), False),
    ],
    ids=["prepare", "blind, not named", "blind, named", "rollback, whatever is named"],
)
def test_the_tiers_of_a_window(tier: Tier, tiers: tuple[Tier, ...], *, covered: bool) -> None:
    maintenance = Maintenance("close", FITS, 0, 1440, tiers)
    cover = hidden(key(tier), (("team", "billing"),), at("03-04T12:00"), (), (maintenance,))
    assert (str(cover) if cover else None) == ("maintenance close" if covered else None)


def test_the_longest_of_several_covers_is_named() -> None:
    short, long = Maintenance("short", FITS, 0, 780), Maintenance("long", FITS, 0, 900)
    cover = hidden(key(Tier.PREPARE), (("team", "billing"),), at("03-04T12:00"), (), (long, short))
    assert cover is not None
    assert (cover.name, cover.until) == ("long", at("03-04T15:00"))


def test_the_labels_of_an_alert_count_more_than_those_of_its_rule() -> None:
    maintenance = Maintenance("w", (Matcher("job", MatchOp.EQUAL, "api"),), 0, 1440)
    assert hidden(key(Tier.PREPARE), (("job", "api"),), at("03-04T12:00"), (), (maintenance,)) is None
