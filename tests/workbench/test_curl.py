"""Queries as commands: a shell gives them to curl as they were meant, and no secret stands in them."""

import shlex
import subprocess
import urllib.parse
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.workbench.curl import Door, curl
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
