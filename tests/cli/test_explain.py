"""`explain` as somebody who was woken sees it: at 80 columns, without colour, against a real Prometheus."""

import json
import re
import shlex
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.cli.explainview import Page
from tests.cli.folder import Folder
from tests.servers.prometheus import Prometheus

ROOT = Path(__file__).parents[2]
RULES = """
groups:
  - name: apis
    rules:
      - alert: ApiErrors
        signal:
          error_ratio: {requests: 'http_requests_total', failures: 'code="500"', by: [job], window: 1m}
        guards: {min_requests: 50}
        prepare: {above: 2%, for: 10m, clear: 1.5%}
      - alert: QueueLong
        signal: {query: {expr: 'queue_length', by: [queue]}}
        prepare: {above: 1500}
      - alert: Gone
        optional: true
        signal: {query: {expr: 'nothing', by: [queue]}}
        prepare: {above: 1}
"""


@pytest.fixture(scope="module")
def prometheus() -> Iterator[Prometheus]:
    """Auth fails by 5 % for about 5 minutes now; pay has too few requests."""
    now = int(time.time()) // 15 * 15
    times = range(now - 7200, now + 900, 15)
    failed = [(at, 0.5 * max(0, at - (now - 300))) for at in times]
    history = {
        'http_requests_total{job="auth",code="200"}': [(at, 9.5 * (at - times[0])) for at in times],
        'http_requests_total{job="auth",code="500"}': failed,
        'http_requests_total{job="pay",code="200"}': [(at, 0.2 * (at - times[0])) for at in times],
        'queue_length{queue="mail\x1b[2J"}': [(at, 1200.0) for at in times],
    }
    with Prometheus(history=history) as running:
        yield running


@pytest.fixture
def asked(folder: Folder, prometheus: Prometheus, monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.setenv("COLUMNS", "80")
    folder.write("rules/apis.yaml", RULES)
    folder.settings |= {"PROMETHEUS__URL": prometheus.url}
    return folder


def test_a_breach_that_has_not_held_for_long_enough(asked: Folder) -> None:
    said = asked.run("explain", "ApiErrors", "--labels", 'job="auth"')
    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    assert lines[0].startswith("ApiErrors at 2")
    assert 'ApiErrors{job="auth"}  prepare  PENDING' in lines
    assert "5 % of 600 requests failed: a breach (limit: above 2 %)." in said.out
    told = " ".join(said.out.split())
    assert "It does not fire yet: over the limit since" in told
    assert "held 4m" in told or "held 5m" in told
    assert "- clear: 21 fewer failures (9 of 600 requests)" in told
    whole = ("curl", "--data-urlencode", str(asked.path))  # commands and paths are not broken
    assert all(len(line) <= 80 for line in lines if not line.strip().startswith(whole))
    assert "\x1b" not in said.out


def test_too_few_requests_then(asked: Folder) -> None:
    said = asked.run("explain", "ApiErrors", "--labels", 'job=~"p.*"', "--tier", "prepare", "--at", "-20m")
    told = " ".join(said.out.split())
    assert (said.code, said.err) == (0, "")
    assert "Too little to judge: 12 of 50 requests needed. It does not fire: only a breach starts an alert" in told
    assert "min_requests 50: not met, 12 is 38 short" in told
    assert "clear: 38 more requests (50), the same share of them failing" in told


def test_everything_in_a_table_without_what_moves_the_cursor(asked: Folder) -> None:
    said = asked.run("explain")
    assert (said.code, said.err, "\x1b" in said.out) == (0, "", False)
    lines = said.out.splitlines()
    assert lines[0].split() == ["pending", 'ApiErrors{job="auth"}', "prepare"]
    assert "           1200; limit above 1500" in lines
    assert lines[-2:] == ["-          Gone", "           its reading is empty: there is no instance"]
    assert all(len(line) <= 80 for line in lines)


def test_a_narrow_terminal_keeps_numbers_and_units_together(asked: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    for columns in range(40, 80, 3):
        page = Page(columns)
        page.prose("3.85 % of 624 requests failed since 02:25:45 UTC: a breach (limit: above 2 %), p95 458 ms, 1.2 s.")
        lines = [line.plain for line in page.lines]
        assert all(len(line) <= columns for line in lines)
        assert not [line for line in lines if line.split()[0] in {"%", "%),", "UTC:", "ms,", "s."}]
    monkeypatch.setenv("COLUMNS", "50")
    narrow = asked.run("explain").out.splitlines()
    assert all(len(line) <= 50 for line in narrow)


def test_for_programs(asked: Folder) -> None:
    told = json.loads(asked.run("explain", "QueueLong", "--format", "json").out)
    assert (told["version"], told["alert"], told["interval_s"]) == (1, "QueueLong", 15)
    (one,) = told["alerts"]
    assert (one["value"], one["verdict"], one["state"]["state"]) == (1200, "clear", "inactive")
    assert one["would_have_to_change"] == [
        {"quantity": "value", "now": 1200, "bound": "over", "needed": 1500, "verdict": "breach"},
        {"quantity": "limit", "now": 1500, "bound": "under", "needed": 1200, "verdict": "breach"},
    ]
    everything = json.loads(asked.run("explain", "--format", "json").out)
    assert [one["alert"] for one in everything["rules"]] == ["ApiErrors", "QueueLong", "Gone"]


MISTAKES = [
    (("ApiErors",), "there is no alert `ApiErors`; did you mean `ApiErrors`?"),
    (("ApiErrors", "--at", "25:00"), "'25:00' is no time; write "),
    (("ApiErrors", "--labels", "job=auth"), "--labels: `job=auth` cannot be read as a matcher; write 'job=\"auth\"'"),
]


@pytest.mark.parametrize(("words", "told"), MISTAKES, ids=["alert", "time", "matcher"])
def test_what_was_misspelt_is_told(asked: Folder, words: tuple[str, ...], told: str) -> None:
    said = asked.run("explain", *words)
    assert (said.code, said.out) == (2, "")
    assert told in said.err


def test_a_prometheus_that_does_not_answer(asked: Folder) -> None:
    said = asked.run("explain", "ApiErrors", PROMETHEUS__URL="http://127.0.0.1:9")
    assert said.code == 1
    assert "It was not answered: " in said.out


DOCUMENTED = re.findall(
    r"^rollback-monitor (explain.*?) *(?:#|$)", (ROOT / "docs" / "tuning.md").read_text(), re.MULTILINE
)


@pytest.mark.parametrize("line", DOCUMENTED)
def test_every_line_of_the_documentation_runs(asked: Folder, line: str) -> None:
    said = asked.run(*shlex.split(line.replace("CriticalApiErrors", "ApiErrors")))
    assert (said.code in {0, 1}, said.err) == (True, "")
    assert "Api" in said.out


def test_the_lines_of_the_documentation_are_found() -> None:
    assert len(DOCUMENTED) >= 5


def test_rules_that_cannot_be_used(asked: Folder) -> None:
    asked.write("rules/apis.yaml", RULES.replace("above: 2%", "abov: 2%"))
    said = asked.run("explain", "ApiErrors")
    assert (said.code, said.out) == (1, "")
    assert "abov" in said.err


def test_a_database_that_cannot_be_read_is_told_and_history_has_to_do(asked: Folder) -> None:
    asked.write("monitor.db", "no database at all")
    said = asked.run("explain", "ApiErrors", "--labels", 'job="auth"')
    assert said.code == 0
    assert "so that states are derived from history" in said.err
    assert "derived from Prometheus's history" in " ".join(said.out.split())
