"""Templates: what they render to (as Prometheus's own renders it), and where they are wrong."""

import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.template import TemplateError, parse

RENDERED = [
    ("plain text", "no template", 1, "no template"),
    ("value", "{{ $value }}", 5, "5"),
    ("small value", "{{$value}}", 0.0234, "0.0234"),
    ("smaller value", "{{ $value }}", 0.00001, "1e-05"),
    ("large value", "{{ $value }}", 1234567, "1.234567e+06"),
    ("just below an exponent", "{{ $value }}", 123456.789, "123456.789"),
    ("zeros inside", "{{ $value }}", 1000000, "1e+06"),
    ("zero", "{{ $value }}", 0, "0"),
    ("not a number", "{{ $value | humanize }}", math.nan, "NaN"),
    ("endless", "{{ $value | humanizeDuration }}", math.inf, "+Inf"),
    ("no value", "{{ $value | humanizePercentage }}", None, "no value"),
    ("a label", "{{ $labels.job }} fails", 1, "auth fails"),
    ("a label that is missing", "{{ $labels.pod }} fails", 1, " fails"),
    ("humanize", "{{ $value | humanize }}", 1234567, "1.235M"),
    ("humanize below one", "{{ humanize $value }}", 0.0234, "23.4m"),
    ("humanize zero", "{{ $value | humanize }}", 0, "0"),
    ("humanize1024", "{{ $value | humanize1024 }}", 1536, "1.5ki"),
    ("humanize1024 of 1024", "{{ $value | humanize1024 }}", 1024, "1ki"),
    ("humanizePercentage", "{{ $value | humanizePercentage }}", 0.12345, "12.35%"),
    ("humanizeDuration of days", "{{ $value | humanizeDuration }}", 90061, "1d 1h 1m 1s"),
    ("humanizeDuration of an hour", "{{ $value | humanizeDuration }}", 3600, "1h 0m 0s"),
    ("humanizeDuration of a minute", "{{ $value | humanizeDuration }}", 60, "1m 0s"),
    ("humanizeDuration of seconds", "{{ $value | humanizeDuration }}", 59.99, "59.99s"),
    ("humanizeDuration of milliseconds", "{{ $value | humanizeDuration }}", 0.25, "250ms"),
    ("humanizeDuration below zero", "{{ $value | humanizeDuration }}", -90061, "-1d 1h 1m 1s"),
    ("humanizeTimestamp", "{{ $value | humanizeTimestamp }}", 1435065584.128, "2015-06-23 13:19:44.128 +0000 UTC"),
    ("printf by a pipe", '{{ $value | printf "%.2f" }}', 0.125, "0.12"),
    ("printf with several", '{{ printf "%s: %.1f%%" $labels.job $value }}', 12.34, "auth: 12.3%"),
    ("functions in a row", "{{ $labels.job | toUpper | toLower | title }}", 1, "Auth"),
    ("title keeps what follows", '{{ "hello wORLD" | title }}', 1, "Hello WORLD"),
    ("a window in milliseconds", "from={{ $from }}&to={{ $to }}", 1, "from=1000000&to=2000000"),
    ("a window as a time", "{{ $from | humanizeTimestamp }}", 1, "1970-01-01 00:16:40 +0000 UTC"),
    ("a text with braces", '{{ "}}" }}{{ "a\\"b" }}', 1, '}}a"b'),
    ("a label that is no number", "{{ $labels.job | humanize }}", 1, "auth"),
    ("two actions side by side", "{{ $value }}{{ $value }}", 2, "22"),
]


@pytest.mark.parametrize(("text", "value", "expected"), [row[1:] for row in RENDERED], ids=[row[0] for row in RENDERED])
def test_a_template_renders(text: str, value: float | None, expected: str) -> None:
    assert parse(text).render({"job": "auth"}, value, 1000, 2000) == expected


WRONG = [
    ("never closed", "a {{ $value", 2, "`{{` is never closed"),
    ("never opened", "a }} b", 2, "`}}` without its `{{`"),
    ("open quote", 'a {{ "b }}', 5, "a quote is opened and never closed"),
    ("nothing inside", "{{ }}", 2, "nothing stands between {{ and }}"),
    ("a pipe to nothing", "{{ $value | }}", 2, "nothing stands beside `|`"),
    ("unknown function", "{{ $value | humanise }}", 12, "unknown function `humanise`"),
    ("unknown variable", "{{ $valeu }}", 3, "`$valeu` is unknown"),
    ("labels as a whole", "{{ $labels }}", 3, "`$labels` is unknown"),
    ("attribute of an attribute", "{{ $labels.a.b }}", 3, "`$labels.a.b` is unknown"),
    ("dunder attribute", "{{ $value.__class__ }}", 3, "`$value.__class__` is unknown"),
    ("the older spelling", "{{ .Value }}", 3, "`.Value` is unknown"),
    ("condition", "{{ if $value }}", 3, "`if` is not supported"),
    ("loop", "{{ range $value }}", 3, "`range` is not supported"),
    ("query", '{{ query "up" }}', 3, "`query` is not supported"),
    ("two values", "{{ $value $value }}", 10, "`$value` stands too much here"),
    ("two arguments", "{{ humanize $value $value }}", 3, "`humanize` takes one value, not 2"),
    ("pipe into a value", "{{ $value | $value }}", 12, "`$value` is no function"),
    ("printf without a form", "{{ printf $value }}", 3, "`printf` begins with its form"),
    ("printf with %d", '{{ printf "%d" $value }}', 3, "use %.0f"),
    ("printf with too few values", '{{ printf "%f %f" $value }}', 3, "2 places for 1 values"),
    ("printf with a wide field", '{{ printf "%9999f" $value }}', 3, "not `%9`"),
    ("unknown escape", '{{ "a\\q" }}', 3, "unknown escape"),
]


@pytest.mark.parametrize(("text", "offset", "message"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_a_wrong_template_says_where(text: str, offset: int, message: str) -> None:
    with pytest.raises(TemplateError) as caught:
        parse(text)
    assert caught.value.offset == offset
    assert message in caught.value.message


PIECES = [
    "{{",
    "}}",
    "$value",
    "$labels.a",
    "$from",
    " ",
    "|",
    "humanize",
    "printf",
    '"%.2f"',
    '"',
    "title",
    "x",
    "%",
    "\\",
    "-1",
]


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join), st.floats() | st.none())
def test_a_template_is_refused_or_renders(text: str, value: float | None) -> None:
    with suppress(TemplateError):
        assert isinstance(parse(text).render({"a": "b"}, value, 0, 1), str)


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_an_error_stands_inside_the_template(text: str) -> None:
    where = 0
    try:
        parse(text)
    except TemplateError as error:
        where = error.offset
    assert 0 <= where <= len(text)


@given(
    st.floats(),
    st.sampled_from(["humanize", "humanize1024", "humanizePercentage", "humanizeDuration", "humanizeTimestamp"]),
)
def test_every_number_is_written_by_every_function(value: float, function: str) -> None:
    assert parse(f"{{{{ $value | {function} }}}}").render({}, value, 0, 0)
    assert parse("{{ $value }}").render({}, value, 0, 0)
