"""Times as people write them."""

import pytest

from monitor.workbench.replay.moments import moment

NOW = 1_772_323_200.9  # 2026-03-01T00:00:00Z


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", 1_772_323_200),
        ("-7d", 1_772_323_200 - 7 * 86400),
        ("-1d12h", 1_772_323_200 - 36 * 3600),
        ("-2w", 1_772_323_200 - 14 * 86400),
        ("2026-03-01T00:00:00Z", 1_772_323_200),
        ("2026-03-01 01:30:00+01:00", 1_772_323_200 + 1800),
        ("2026-03-01", 1_772_323_200),
    ],
)
def test_a_moment(text: str, expected: int) -> None:
    assert moment(text, NOW) == expected


@pytest.mark.parametrize(
    "text", ["", "yesterday", "7d", "-7", "2026-03-01T00:00:00", "2026-13-01", "-1y", "-9999999999d", "1969-12-31"]
)
def test_what_is_no_moment_is_told_with_what_would_be(text: str) -> None:
    with pytest.raises(ValueError, match="write"):
        moment(text, NOW)
