"""Times as people type them, after every command alike."""

from datetime import UTC, datetime, timedelta

import pytest

from monitor.workbench.moments import MomentError, moment_of

NOW = datetime(2026, 3, 1, 0, 0, 0, 900_000, tzinfo=UTC)
MARCH = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", NOW),
        (" Now ", NOW),
        ("-7d", NOW - timedelta(days=7)),
        ("-1d12h", NOW - timedelta(hours=36)),
        ("-1.5h", NOW - timedelta(minutes=90)),
        ("-2w", NOW - timedelta(days=14)),
        ("2026-03-01T00:00:00Z", MARCH),
        ("2026-03-01 01:30:00+01:00", MARCH + timedelta(minutes=30)),
        ("2026-03-01", MARCH),
        ("03:10", datetime(2026, 2, 28, 3, 10, tzinfo=UTC)),
        ("0:00", MARCH),
        ("23:59:30", datetime(2026, 2, 28, 23, 59, 30, tzinfo=UTC)),
        ("1772323200", MARCH),
    ],
)
def test_a_moment(text: str, expected: datetime) -> None:
    assert moment_of(text, NOW, zoned=True) == expected


def test_a_time_without_a_zone_is_utc_where_that_is_not_refused() -> None:
    assert moment_of("2026-03-01T00:00:00", NOW) == MARCH
    with pytest.raises(MomentError, match="has no time zone: write 2026-03-01T00:00:00Z for UTC"):
        moment_of("2026-03-01T00:00:00", NOW, zoned=True)


@pytest.mark.parametrize("text", ["", "yesterday", "7d", "-7", "2026-13-01", "25:10", "-1y", "+1d", "3"])
def test_what_is_no_moment_is_told_with_what_would_be(text: str) -> None:
    with pytest.raises(MomentError, match="is no time; write 2026-11-26T03:10:00Z"):
        moment_of(text, NOW)


@pytest.mark.parametrize("text", ["-9999999999d", "1969-12-31", "1950-01-01T00:00:00Z", "0001-01-01T00:00:00+01:00"])
def test_before_the_epoch_there_are_no_samples(text: str) -> None:
    with pytest.raises(MomentError, match="before 1970"):
        moment_of(text, NOW)
