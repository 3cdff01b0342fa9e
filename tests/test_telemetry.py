"""What the daemon tells of itself: one line a happening, in two formats, without secrets, that nobody can forge."""

import io
import json
import logging
import re
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from monitor.core.redaction import REDACTED
from monitor.telemetry import Redaction, configure_logging

SECRETS = ("canary-7f3a", "canary-7f3a-and-longer", "")
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Logging is the process's own: leave it to the other tests as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def told(log_format: str, level: str = "info") -> io.StringIO:
    """Where the log goes from now on."""
    stream = io.StringIO()
    configure_logging(log_format, level, SECRETS, stream)
    return stream


# --- formats --------------------------------------------------------------------------------------------------------


def test_people_read_a_line() -> None:
    stream = told("console")
    structlog.get_logger().info("evaluation.completed", group="apis", took_ms=84)
    assert re.fullmatch(rf"{TIME} \[info     \] evaluation\.completed +group=apis took_ms=84\n", stream.getvalue())


def test_programs_read_an_object_a_line() -> None:
    stream = told("json")
    structlog.get_logger().warning("tick.missed", job="apis", code=4, late=1.5, known=None)
    logging.getLogger("a.library").error("broke %d times", 3)
    first, second = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert re.fullmatch(TIME, first.pop("timestamp"))
    assert first == {"event": "tick.missed", "level": "warning", "job": "apis", "code": 4, "late": 1.5, "known": None}
    assert (second["event"], second["level"]) == ("broke 3 times", "error")


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_the_level_holds_for_events_and_libraries_and_chatty_libraries_only_warn(log_format: str) -> None:
    stream = told(log_format, "info")
    structlog.get_logger().debug("too.quiet")
    logging.getLogger("a.library").debug("too quiet")
    logging.getLogger("apscheduler.scheduler").info("too chatty")
    assert not stream.getvalue()
    logging.getLogger("apscheduler.scheduler").warning("heard")
    assert "heard" in stream.getvalue()


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_a_trace_is_told_without_its_secrets_and_without_a_remark_of_the_library(log_format: str) -> None:
    stream = told(log_format)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            int("canary-7f3a")
        except ValueError:
            structlog.get_logger().exception("evaluation.failed")
    assert "Traceback (most recent call last)" in stream.getvalue()
    assert f"ValueError: invalid literal for int() with base 10: '{REDACTED}'" in stream.getvalue()
    assert "canary" not in stream.getvalue()


class Gone(io.StringIO):
    """A reader that went away."""

    def write(self, _text: str) -> int:
        raise BrokenPipeError

    def flush(self) -> None:
        raise BrokenPipeError


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_a_reader_that_goes_away_is_no_trouble(log_format: str, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(log_format, "info", (), Gone())
    structlog.get_logger().error("evaluation.failed")
    assert capsys.readouterr() == ("", "")


# --- secrets --------------------------------------------------------------------------------------------------------

HIDDEN: list[tuple[str, Any, Any]] = [
    ("a secret in a sentence", "it said canary-7f3a twice: canary-7f3a", f"it said {REDACTED} twice: {REDACTED}"),
    ("the longer of two secrets, whole", "canary-7f3a-and-longer", REDACTED),
    ("a bot token that nobody set", "token=xoxb-12-34-abCD_e, ok", f"token={REDACTED}, ok"),
    ("an app token that nobody set", "xapp-1-A0-99-fe", REDACTED),
    ("a bearer token", "Authorization: Bearer abc.def==", f"Authorization: Bearer {REDACTED}"),
    ("a password in a URL", "http://ana:pass@db:5432/x", f"http://{REDACTED}@db:5432/x"),
    ("a URL without one", "http://db:5432/x@y", "http://db:5432/x@y"),
    ("inside a list", ["a", ("canary-7f3a",)], ["a", [REDACTED]]),
    ("inside a mapping, as a name too", {"canary-7f3a": {"a": "xoxb-1"}}, {REDACTED: {"a": REDACTED}}),
    ("inside an exception", ValueError("canary-7f3a"), REDACTED),
    ("numbers are numbers", [1, 1.5, True, None], [1, 1.5, True, None]),
]


@pytest.mark.parametrize(("value", "clean"), [row[1:] for row in HIDDEN], ids=[row[0] for row in HIDDEN])
def test_redaction(value: Any, clean: Any) -> None:  # noqa: ANN401  # events hold anything
    assert Redaction(SECRETS).clean(value) == clean


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_no_secret_reaches_the_log_wherever_it_stands(log_format: str) -> None:
    stream = told(log_format)
    structlog.get_logger().bind(bound="canary-7f3a").info("a canary-7f3a", key={"canary-7f3a": ["canary-7f3a"]})
    logging.getLogger("a.library").warning("sent %s", {"Authorization": "Bearer canary-7f3a"})
    assert "canary" not in stream.getvalue()
    assert stream.getvalue().count(REDACTED) == 5


# --- forgery --------------------------------------------------------------------------------------------------------

FORGED = [
    ("a newline", "login\n2026-03-01T03:02Z [info] all.well", r"login\n2026-03-01T03:02Z [info] all.well"),
    ("a carriage return", "login\rrm", "login�rm"),
    ("an escape sequence", "\x1b[2Jlogin\x1b]0;x\x07", "�[2Jlogin�]0;x�"),
    ("the one-byte escape", "\x9b2Jlogin", "�2Jlogin"),
    ("a turned direction", "log\u202enigol\u2066", "log�nigol�"),
    ("a line separator", "login\u2028paid\x85", "login�paid�"),
    ("a zero", "log\x00in", "log�in"),
]


@pytest.mark.parametrize(("text", "shown"), [row[1:] for row in FORGED], ids=[row[0] for row in FORGED])
@pytest.mark.parametrize("log_format", ["console", "json"])
def test_nobody_forges_a_line_or_hides_one(log_format: str, text: str, shown: str) -> None:
    """Whether it stands in a value of ours (a label, an answer) or in what a library says."""
    stream = told(log_format)
    structlog.get_logger().info("alert.changed", alert=text)
    logging.getLogger("a.library").warning("it said %s", text)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 2
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", "".join(lines))
    plain = [json.dumps(json.loads(line), ensure_ascii=False) for line in lines] if log_format == "json" else lines
    assert all(shown in line for line in plain)
