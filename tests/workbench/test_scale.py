"""Scales show what matters, ticks are round and in the unit, times are UTC."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.replay.panels import Axis
from monitor.workbench.report.scale import (
    Scale,
    measured,
    moment,
    scale_of,
    stretch_of_time,
    time_ticks,
    value_ticks,
)

DAY = 86400
THURSDAY = 1_795_046_400
FLOATS = st.floats(1e-6, 1e9)


@given(st.sampled_from(Axis), st.lists(FLOATS, min_size=1, max_size=50), st.lists(FLOATS, max_size=2))
def test_every_value_that_is_not_said_to_be_beyond_lies_on_the_scale(
    axis: Axis, highs: list[float], limits: list[float]
) -> None:
    scale = scale_of(axis, highs, highs, limits)
    assert scale.clipped or (scale.low <= min(highs) and max(highs) <= scale.high)
    assert 0 <= scale.share(min(highs)) <= scale.share(max(highs)) <= 1
    ticks = value_ticks(scale, axis)
    assert 1 <= len(ticks) <= 7
    assert len({tick.text for tick in ticks}) == len(ticks)
    assert all(scale.low - 1e-9 * scale.high <= tick.at <= scale.high * (1 + 1e-9) for tick in ticks)


TICKS = [
    pytest.param(Axis.SHARE, Scale(0, 0.064), ["0 %", "2 %", "4 %", "6 %"], id="shares"),
    pytest.param(Axis.SHARE, Scale(0, 0.009), ["0 %", "0.25 %", "0.50 %", "0.75 %"], id="small shares"),
    pytest.param(Axis.SHARE, Scale(0, 1), ["0 %", "25 %", "50 %", "75 %", "100 %"], id="up"),
    pytest.param(Axis.SECONDS, Scale(0, 0.9), ["0 ms", "250 ms", "500 ms", "750 ms"], id="milliseconds"),
    pytest.param(Axis.SECONDS, Scale(0, 4.2), ["0 s", "2 s", "4 s"], id="seconds"),
    pytest.param(Axis.TIMES, Scale(0, 2), ["1.0×", "1.5×", "2.0×", "2.5×", "3.0×"], id="times slower"),  # noqa: RUF001  # the sign
    pytest.param(Axis.NUMBER, Scale(0, 43_000), ["0", "20k", "40k"], id="thousands"),
    pytest.param(Axis.NUMBER, Scale(0, 2.1), ["0", "1", "2"], id="a few"),
    pytest.param(Axis.SHARE, Scale(0, 0.66, root=True), ["0 %", "3 %", "10 %", "30 %", "50 %"], id="by their roots"),
]


@pytest.mark.parametrize(("axis", "scale", "words"), TICKS)
def test_ticks_are_round_and_in_the_unit(axis: Axis, scale: Scale, words: list[str]) -> None:
    assert [tick.text for tick in value_ticks(scale, axis)] == words


def test_a_limit_far_above_everything_does_not_flatten_the_rest() -> None:
    assert scale_of(Axis.SHARE, [0.01], [0.0], [0.02, 0.9]).high < 0.03


def test_a_small_limit_stays_visible_below_a_large_value() -> None:
    scale = scale_of(Axis.SHARE, [*[0.005] * 200, 0.62], [0.0], [0.02, 0.25])
    assert scale.root
    assert scale.share(0.02) > 0.15


def test_values_that_dwarf_everything_are_beyond_and_said_to_be() -> None:
    scale = scale_of(Axis.NUMBER, [*[100.0] * 200, 1e9], [100.0], [200.0])
    assert scale.clipped
    assert scale.high < 1000


def test_values_close_together_fill_the_plot_and_others_begin_at_zero() -> None:
    assert scale_of(Axis.NUMBER, [1005.0], [1000.0], []).low > 990
    assert scale_of(Axis.NUMBER, [1005.0], [10.0], []).low == 0
    assert scale_of(Axis.NUMBER, [1.0], [-1.0], []).low < -1
    assert scale_of(Axis.SHARE, [], [], [0.02]).high > 0.02


TIMES = [
    pytest.param(THURSDAY, THURSDAY + 7 * DAY, ["Thu 19 Nov", "Fri 20 Nov", "Thu 26 Nov"], id="a week in days"),
    pytest.param(THURSDAY + 60, THURSDAY + 3600, ["00:10", "00:20", "01:00"], id="an hour"),
    pytest.param(THURSDAY - 3600, THURSDAY + 5 * 3600, ["23:00", "Thu 19 Nov", "05:00"], id="around midnight"),
    pytest.param(
        THURSDAY, THURSDAY + 60 * DAY, ["Mon 30 Nov", "Mon 14 Dec", "Mon 11 Jan"], id="two months, in fortnights"
    ),
]


@pytest.mark.parametrize(("begin", "end", "words"), TIMES)
def test_times_are_round(begin: int, end: int, words: list[str]) -> None:
    found = [tick.text for tick in time_ticks(begin, end)]
    assert [*found[:2], found[-1]] == words
    assert len(found) <= 9


def test_times_and_values_in_words() -> None:
    assert moment(THURSDAY + 3 * 3600 + 120) == "Thu 19 Nov 03:02"
    assert moment(THURSDAY + 15) == "Thu 19 Nov 00:00:15"
    assert stretch_of_time(THURSDAY, THURSDAY + 7 * DAY) == "19 to 26 Nov 2026 UTC"
    assert stretch_of_time(THURSDAY, THURSDAY + 45 * DAY) == "19 Nov 2026 to 3 Jan 2027 UTC"
    assert stretch_of_time(THURSDAY, THURSDAY + 3600) == "Thu 19 Nov 00:00 to Thu 19 Nov 01:00 2026 UTC"
    said = [measured(0.31, axis) for axis in (Axis.SHARE, Axis.SECONDS, Axis.NUMBER)]
    assert said == ["31 %", "310 ms", "0.31"]
    assert measured(41_234, Axis.NUMBER) == "41.23k"
