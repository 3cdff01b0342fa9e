"""promtool's notation of series, its mistakes by line and column, and the bytes that are written of it."""

import re
import struct

import pytest

from monitor.core.rules.rule import Place
from monitor.core.rules.ruletest import Gap, InputSeries
from monitor.files.nodes import Scalar, WrongError
from monitor.files.seriesnotation import series, values
from monitor.workbench.remotewrite import STALE, body

AT = Place("tests.yaml", 7, 11)
NONE, ENDED = Gap.OMITTED, Gap.STALE


def word(text: str) -> Scalar:
    return Scalar(text, plain=False, place=AT, raw=f"'{text}'")


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("1 2.5 -3", (1.0, 2.5, -3.0)),
        ("5x3", (5.0, 5.0, 5.0, 5.0)),
        ("0+10x3", (0.0, 10.0, 20.0, 30.0)),
        ("9-3x2", (9.0, 6.0, 3.0)),
        ("_ _x2 1 stale", (NONE, NONE, NONE, 1.0, ENDED)),
        ("0x10", (0.0,) * 11),
        ("1e3x1 .5", (1000.0, 1000.0, 0.5)),
        ("0.1+0.1x2", (0.1, 0.2, 0.30000000000000004)),
        ("Inf -Inf", (float("inf"), float("-inf"))),
        ("", ()),
    ],
)
def test_values_read_as_promtool_reads_them(text: str, steps: tuple[object, ...]) -> None:
    assert values(word(text)) == steps


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        ("1 2 oh", 16, "`oh` is no value"),
        ("1 {{schema:0 sum:1}}", 14, "native histograms are not covered"),
        ("1 Stale", 14, "`Stale` is no value"),
        ("1+1", 12, "`1+1` is no value"),
        ("1x99999999", 12, "repeats more than"),
        ("0x150000 0x150000", 21, "at most 200000 values"),
    ],
)
def test_what_is_no_value_is_told_where_it_stands(text: str, column: int, says: str) -> None:
    with pytest.raises(WrongError, match=re.escape(says)) as caught:
        values(word(text))
    assert (caught.value.place.line, caught.value.place.column) == (7, column)


def test_a_series_is_its_labels() -> None:
    assert series(word('up{job="auth", more="a b"}')) == (("__name__", "up"), ("job", "auth"), ("more", "a b"))
    assert series(word("{}")) == ()


@pytest.mark.parametrize("text", ['up{job=~"a"}', 'up{job!="a"}', "up[5m]", "sum(up)", "up offset 5m"])
def test_conditions_and_expressions_are_no_series(text: str) -> None:
    with pytest.raises(WrongError):
        series(word(text))


def test_a_request_holds_labels_samples_and_marks_of_staleness() -> None:
    written = body([InputSeries((("__name__", "up"),), (1.0, NONE, ENDED))], 60, 0)
    sample, mark = struct.pack("<d", 1.0), struct.pack("<Q", STALE)
    content = b"\x0a\x0e\x0a\x08__name__\x12\x02up" + b"\x12\x0b\x09" + sample + b"\x10\x00"
    content += b"\x12\x0d\x09" + mark + b"\x10\xc0\xa9\x07"  # 120,000 ms
    message = b"\x0a" + bytes([len(content)]) + content
    assert written == bytes([len(message)]) + b"\xf4" + struct.pack("<H", len(message) - 1) + message
