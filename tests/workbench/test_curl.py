"""Queries as commands: a shell gives them to curl as they were meant, and no secret stands in them."""

import shlex
import subprocess
import urllib.parse
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.workbench.curl import Door, curl
from monitor.workbench.moments import MomentError, moment_of
from monitor.workbench.questions import Question
from tests.servers.receiver import Receiver

HOSTILE = 'sum(x{a="it\'s $HOME `id` \\\\ !"}) # no\nor\ty{b=~"|;&"}'


def words(command: str) -> list[str]:
    return shlex.split(command.replace("\\\n", " "))


@settings(max_examples=100, deadline=None)
@example(HOSTILE)
@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=60))
def test_any_query_is_one_word(expr: str) -> None:
    command = words(curl(Door("http://p:9090"), Question("value", expr, 60, 60)))
    assert command == [
        "curl",
        "-sS",
        "http://p:9090/api/v1/query",
        "--data-urlencode",
        "time=60",
        "--data-urlencode",
        f"query={expr}",
    ]


def test_a_stretch_is_a_range_query() -> None:
    command = curl(Door("http://p:9090/mimir"), Question("trailing", "up", 0, 7200, 3600))
    assert command.splitlines() == [
        "curl -sS http://p:9090/mimir/api/v1/query_range \\",
        "  --data-urlencode start=0 --data-urlencode end=7200 --data-urlencode step=3600 \\",
        "  --data-urlencode query=up",
    ]


def test_headers_and_credentials_are_named_and_left_to_the_shell() -> None:
    door = Door("https://p", ("X-Scope-OrgID", "odd'name"), bearer=True, basic=True, ca_file="/etc/my ca.pem")
    assert curl(door, Question("value", "up", 1, 1)).splitlines()[1:6] == [
        '  -H "X-Scope-OrgID: $X_SCOPE_ORGID" \\',
        "  -H 'odd'\"'\"'name: '\"$ODD_NAME\" \\",
        '  -H "Authorization: Bearer $TOKEN" \\',
        '  -u "$USERNAME:$PASSWORD" \\',
        "  --cacert '/etc/my ca.pem' \\",
    ]


def test_a_shell_sends_it_as_it_is_meant(tmp_path: Path) -> None:
    with Receiver() as receiver:
        door = Door(receiver.url.rstrip("/"), ("X-Scope-OrgID",), bearer=True)
        command = curl(door, Question("value", HOSTILE, 60, 60))
        env = {"PATH": "/usr/bin:/bin", "TOKEN": "told", "X_SCOPE_ORGID": "team a", "HOME": str(tmp_path)}
        subprocess.run(["bash", "-c", command], env=env, check=True, capture_output=True, timeout=20)
        (asked,) = receiver.received
    assert urllib.parse.parse_qs(asked.body.decode()) == {"query": [HOSTILE], "time": ["60"]}
    assert (asked.headers["Authorization"], asked.headers["X-Scope-OrgID"]) == ("Bearer told", "team a")


NOW = datetime(2026, 11, 26, 3, 30, 5, tzinfo=UTC)
MOMENTS = [
    ("now", NOW),
    ("-15m", datetime(2026, 11, 26, 3, 15, 5, tzinfo=UTC)),
    ("-1.5h", datetime(2026, 11, 26, 2, 0, 5, tzinfo=UTC)),
    ("03:10", datetime(2026, 11, 26, 3, 10, tzinfo=UTC)),
    ("23:59:30", datetime(2026, 11, 25, 23, 59, 30, tzinfo=UTC)),
    ("2026-11-26T04:10:00+02:00", datetime(2026, 11, 26, 2, 10, tzinfo=UTC)),
    ("2026-11-26T03:10:00Z", datetime(2026, 11, 26, 3, 10, tzinfo=UTC)),
    ("2026-11-26 03:10", datetime(2026, 11, 26, 3, 10, tzinfo=UTC)),
    ("1795660000", datetime.fromtimestamp(1795660000, UTC)),
]


@pytest.mark.parametrize(("text", "expected"), MOMENTS, ids=[row[0] for row in MOMENTS])
def test_a_time_as_people_type_it(text: str, expected: datetime) -> None:
    assert moment_of(text, NOW) == expected


@pytest.mark.parametrize("text", ["", "25:00", "yesterday", "-15", "2026-13-01", "3"])
def test_what_is_no_time_is_told_with_what_would_be(text: str) -> None:
    with pytest.raises(MomentError, match="is no time; write 2026-11-26T03:10:00Z"):
        moment_of(text, NOW)
