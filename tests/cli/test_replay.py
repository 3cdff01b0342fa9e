"""`replay` as people and programs call it: text, JSON, HTML, comments, sweeps, comparisons, and what goes wrong."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
import typer

from monitor.cli import main, replay
from monitor.cli.replay import Asked
from monitor.cli.replayprogress import Shown
from monitor.workbench.replay.history import Progress
from tests.e2e.running import ROOT
from tests.oracle.timelines import folder_of
from tests.servers.hostile import Hostile, hang, reply
from tests.servers.prometheus import Prometheus
from tests.time_rules.histories import gauge, requests, seen

RULES = """
groups:
  - name: apis
    interval: 15s
    query_offset: 10s
    rules:
      - alert: Errors
        signal: {error_ratio: {requests: requests_total, failures: 'code=~"5.."', by: [job], window: 1m}}
        guards: {min_requests: 50, min_failures: 3}
        keep_firing_for: 1m
        prepare: {above: 2%, for: 5m}
        rollback: {above: 25%, for: 30s}
      - alert: Gone
        signal: {query: {expr: 'max by (job) (not_there)', by: [job]}}
        prepare: {below: 1}
"""
SPAN = ("2025-03-04T03:00:00Z", "2025-03-04T05:00:00Z")


@pytest.fixture(scope="module")
def prometheus() -> Iterator[Prometheus]:
    found = requests('job="a"', [(0, 150.0, 0.0), (900, 150.0, 9.0), (2700, 150.0, 60.0), (3600, 150.0, 0.0)], end=7200)
    found |= requests('job="night"', [(0, 2.0, 1.0)], end=7200)
    found |= {'up{job="a"}': gauge(seen(-7200, 7200), lambda _: 1.0)}
    with Prometheus(history=found) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return folder_of(RULES, tmp_path / "rules")


@pytest.fixture
def run(
    prometheus: Prometheus,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator["Run"]:
    monkeypatch.setenv("MONITOR_PROMETHEUS__URL", prometheus.url)
    yield Run(folder, tmp_path, capsys)
    structlog.reset_defaults()


class Run:
    """Calls the command and gives the exit code, what it printed, and what it said."""

    def __init__(self, folder: Path, there: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.there, self._capsys = folder, there, capsys

    def __call__(self, **more: Any) -> tuple[int, str, str]:  # noqa: ANN401  # the options of the command
        given = {"rules": self.folder, "begin": SPAN[0], "end": SPAN[1], "cache": self.there / "cache", **more}
        code = replay.run(Asked(**given))
        printed = self._capsys.readouterr()
        return code, printed.out, printed.err

    def json(self, **more: Any) -> dict[str, Any]:  # noqa: ANN401  # the same
        code, text, said = self(output="json", **more)
        assert code == 0, said
        found: dict[str, Any] = json.loads(text)
        return found


def test_text_tells_pages_first_and_fits_a_terminal(run: Run) -> None:
    code, text, _ = run()
    assert code == 0
    lines = text.splitlines()
    assert lines[0] == "2025-03-04 03:00:00 to 2025-03-04 05:00:00 UTC, evaluated every 15 s"
    assert lines[1] == "2 pages in 2 h: 1 to roll back, 1 to prepare."
    assert lines[2] == "! For 2 h 00 min data were missing (Gone): no page then is no health."
    assert max(map(len, lines)) <= 100
    assert [line for line in lines if line and not line.startswith(" ")][3:] == [
        "Pages",
        "Alerts",
        "Blind: the data left it unwatched",
        "Insufficient: too little traffic to judge by",
    ]
    assert re.search(r"2025-03-04 03:20:\d\d  prepare   opens   41 min +40 %  INC-0002  Errors a", text)
    assert re.search(r"ROLLBACK  raised", text)
    assert re.search(r"Errors +night +prepare +48\d +100 %", text)


def test_json_has_the_documented_keys(run: Run) -> None:
    found = run.json()
    assert (found["version"], found["from"], found["to"], found["interval_s"]) == (1, *SPAN, 15)
    assert found.keys() >= {"alerts", "pages", "blind", "insufficient", "incidents"}
    keys = {"group", "alert", "labels", "tier", "since", "fired_at", "resolved_at", "peak", "evaluations"}
    assert found["alerts"][0].keys() == keys
    assert found["pages"][0].keys() >= {"at", "reason", "tier", "alerts"}
    assert found["pages"][0]["alerts"] == [{"alert": "Errors", "labels": {"job": "a"}, "tier": "prepare"}]
    assert found["blind"][0].keys() >= {"group", "labels", "from", "to", "why"}
    assert found["insufficient"][0].keys() >= {"group", "alert", "labels", "evaluations"}
    assert found["incidents"] == []


def ranges_read(prometheus: Prometheus) -> float:
    """How many ranges it was asked for, by its own count."""
    with urllib.request.urlopen(f"{prometheus.url}/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    counted = re.compile(r'prometheus_http_requests_total\{.*handler="/api/v1/query_range".*\} (.*)')
    return sum(float(found[1]) for line in lines if (found := counted.fullmatch(line)))


def test_a_second_run_reads_from_the_disk_and_says_the_same(run: Run, prometheus: Prometheus) -> None:
    first = run.json()
    before = ranges_read(prometheus)
    assert run.json(no_cache=True) == first
    read = ranges_read(prometheus)
    assert read > before
    assert run.json() == first
    assert ranges_read(prometheus) == read


def test_a_cache_that_was_asked_for_and_cannot_be_is_told(run: Run, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("")
    code, _, said = run(cache=taken)
    assert (code, f"{taken} cannot hold readings (--cache): nothing is kept for the next run\n" in said) == (0, True)


def test_a_sweep_gives_a_row_for_each_combination(run: Run) -> None:
    changes = ["Errors.prepare.above=2%,5%,20%", "Errors.prepare.for=1m,5m"]
    found = run.json(changes=changes)
    assert [len(one["pages"]) for one in found["variants"]] == [2, 2, 2, 2, 1, 1]
    assert found["variants"][0]["settings"] == ["Errors.prepare.above=2%", "Errors.prepare.for=1m"]
    _, text, _ = run(changes=changes)
    table = text.partition("Sweep\n")[2].partition("\n\n")[0].splitlines()
    assert table[0].split() == ["prepare.above", "prepare.for", "pages", "minutes", "firing", "first", "page"]
    assert table[-1] == "  What follows is about the first of them."
    assert [line.split()[:4] for line in table[1:3]] == [["2%", "1m", "2", "45"], ["2%", "5m", "2", "41"]]


def test_another_rule_set_is_shown_beside(run: Run, tmp_path: Path) -> None:
    other = folder_of(RULES.replace("above: 2%", "above: 20%"), tmp_path / "other")
    found = run.json(against=other)
    assert len(found["against"]["pages"]) == 1
    _, text, _ = run(against=other)
    assert "1 before, 2 after" in text
    assert "Pages gained" in text
    _, text, _ = run(rules=other, against=run.folder)
    lost = text.partition("Pages lost\n")[2].partition("\n\n")[0]
    assert re.search(r"prepare  opens  41 min +40 %  INC-0002  Errors a", lost), "what the other rules made of it"


def test_a_renamed_rule_is_compared_with_what_it_was_in_its_units(run: Run, tmp_path: Path) -> None:
    renamed = RULES.replace("alert: Errors", "alert: Failing\n        renamed_from: Errors")
    _, text, _ = run(rules=folder_of(renamed, tmp_path / "renamed"), against=run.folder)
    assert "The same pages" in text
    other = folder_of(RULES.replace("alert: Errors", "alert: Failing"), tmp_path / "other")
    _, text, _ = run(rules=other, against=run.folder)
    lost = text.partition("Pages lost\n")[2].partition("\n\n")[0]
    assert re.search(r"40 %  INC-0002  Errors a", lost), "the units of a rule that only the other set has"


@pytest.mark.parametrize("output", ["text", "html", "markdown"])
def test_no_page_is_no_quiet_where_a_rule_fires_in_the_shadow(run: Run, output: str) -> None:
    _, text, _ = run(output=output, changes=["Errors.shadow=true"])
    assert "o page in 2 h" in text
    assert "Errors fired in the shadow, where it pages nobody" in text
    assert "shadow, where" not in run(output=output)[1]


def test_a_terminal_shows_when_what_is_in_the_shadow_fired(run: Run) -> None:
    _, text, _ = run(changes=["Errors.shadow=true"])
    shadow = text.partition("Fired in the shadow\n")[2].partition("\n\n")[0]
    assert re.search(r"2025-03-04 03:20:15  prepare   41 min +40 %  Errors a$", shadow, re.MULTILINE), shadow
    assert "Fired in the shadow\n" not in run()[1]


def test_what_fires_in_the_shadow_is_told_to_programs(run: Run, tmp_path: Path) -> None:
    shadowed = folder_of(RULES.replace("keep_firing_for: 1m", "shadow: true"), tmp_path / "shadowed")
    found = run.json(rules=shadowed)
    assert (found["pages"], found["shadowed"]) == ([], ["Errors"])
    assert run.json()["shadowed"] == []


def test_a_variant_of_a_sweep_that_is_wrong_is_named(run: Run) -> None:
    code, _, said = run(changes=["Errors.prepare.above=1%,30%", "Errors.prepare.clear=0.5%,20%"])
    assert code == 2
    assert "Errors.prepare.above=1%, Errors.prepare.clear=20%: " in said
    assert "clear" in said


@pytest.mark.parametrize("beside", [False, True])
def test_a_prometheus_rule_file_replays_alone(run: Run, tmp_path: Path, *, beside: bool) -> None:
    lone = tmp_path / "theirs.rules.yaml"
    expr = 'sum(rate(requests_total{code="500"}[1m])) / sum(rate(requests_total[1m])) > 0.25'
    lone.write_text(f"groups: [{{name: g, rules: [{{alert: Theirs, expr: '{expr}', for: 1m}}]}}]\n")
    if beside:
        (tmp_path / "ours.yaml").write_text("groups: nonsense")
    found = run.json(rules=lone)
    assert {one["alert"] for one in found["alerts"]} == {"Theirs"}
    assert found["pages"]
    assert run.json(rules=lone, changes=["Theirs.for=59m"])["pages"] == []
    assert replays_in_a_folder(run, tmp_path, lone)


def replays_in_a_folder(run: Run, there: Path, lone: Path) -> bool:
    folder = there / "folder"
    folder.mkdir()
    (folder / lone.name).write_text(lone.read_text())
    return bool(run.json(rules=folder)["pages"])


def test_each_tenant_has_readings_of_its_own(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def files() -> int:
        return len(list((run.there / "cache").rglob("*.readings")))

    run()
    one = files()
    for name, value in (
        ("BEARER_TOKEN", "t-one"),
        ("BEARER_TOKEN", "t-two"),
        ("HEADERS", '{"X-Scope-OrgID": "a"}'),
    ):
        before = files()
        monkeypatch.setenv(f"MONITOR_PROMETHEUS__{name}", value)
        assert run()[0] == 0
        assert files() == before + one, (name, value)
        run()
        assert files() == before + one
    text = b"".join(path.read_bytes() for path in (run.there / "cache").rglob("*") if path.is_file())
    assert b"t-one" not in text


def test_known_incidents_are_caught_or_missed(run: Run, tmp_path: Path) -> None:
    known = tmp_path / "known.yaml"
    known.write_text(
        "- {name: slow database, start: 2025-03-04T03:14:00Z, end: 2025-03-04T04:05:00Z, alert: Errors}\n"
        "- {name: nobody noticed, start: 2025-03-04T04:40:00Z, end: 2025-03-04T04:50:00Z}\n"
    )
    found = run.json(incidents=known)
    assert [(one["name"], one["caught"]) for one in found["incidents"]] == [
        ("slow database", True),
        ("nobody noticed", False),
    ]
    assert found["incidents"][0]["time_to_page_s"] == 385
    _, text, _ = run(incidents=known)
    assert "Known incidents" in text


def test_an_incident_that_names_no_rule_is_told_where_it_stands(run: Run, tmp_path: Path) -> None:
    known = tmp_path / "known.csv"
    known.write_text("name,start,end,alert\nslow,2025-03-04T03:14:00Z,2025-03-04T04:05:00Z,Erors\n")
    code, text, said = run(incidents=known)
    assert (code, "slow" in text) == (0, True)
    assert f"{known}:2:48: warning: no rule is called `Erors`" in said
    assert "did you mean `Errors`?" in said


@pytest.mark.parametrize(("output", "begins"), [("html", "<!doctype html>"), ("markdown", "")])
def test_documents_are_written_to_a_file(run: Run, output: str, begins: str) -> None:
    out = run.there / "report"
    code, text, said = run(output=output, out=out)
    assert (code, text) == (0, "")
    assert f"Wrote {out}\n" in said
    written = out.read_text()
    assert written.lower().startswith(begins)
    assert "Errors" in written


@pytest.mark.parametrize("output", ["text", "html", "markdown"])
def test_a_quiet_time_is_told_in_a_whole_sentence(run: Run, output: str) -> None:
    _, text, _ = run(output=output, end="2025-03-04T03:05:00Z")
    assert "No page in 5 min." in text


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"begin": "yesterday"}, "is no time"),
        ({"begin": "now", "end": "-1d"}, "--from must lie before --to"),
        ({"begin": "2999-01-01", "end": "2999-01-02"}, "future"),
        ({"output": "xml"}, "text, json, html, markdown"),
        ({"rules": Path("nowhere")}, "nowhere"),
        ({"against": Path("nowhere")}, "nowhere"),
        ({"incidents": Path("nowhere.yaml")}, "nowhere.yaml"),
        ({"changes": ["Errors"]}, "sets no key"),
        ({"changes": ["Erors.prepare.above=1%"]}, "did you mean `Errors`?"),
        ({"changes": ["Errors.prepare.abvoe=1%"]}, "did you mean `above`?"),
        ({"jobs": 0}, "--jobs"),
        ({"out": Path("nowhere/report"), "begin": SPAN[0]}, "cannot be written"),
        ({"begin": "-9999999999d"}, "before 1970"),
        ({"begin": "2025-03-04T03:00:01Z", "end": "2025-03-04T03:00:14Z"}, "nothing is evaluated"),
        ({"begin": "-1s", "end": "now"}, "nothing is evaluated"),
    ],
)
def test_what_cannot_be_used_is_told_in_a_sentence(run: Run, more: dict[str, Any], words: str) -> None:
    code, text, said = run(**more)
    assert (code, text) == (2, "")
    assert words in said


def test_two_rules_folders_are_no_choice_that_the_program_makes() -> None:
    with pytest.raises(typer.BadParameter, match="one is given as RULES and other as --rules"):
        main.replay(folder=Path("one"), rules=Path("other"))


def test_a_file_that_cannot_be_written_is_told_before_anything_is_read(
    run: Run, prometheus: Prometheus, tmp_path: Path
) -> None:
    before = ranges_read(prometheus)
    for out in (tmp_path / "nowhere" / "report", tmp_path):
        code, _, said = run(out=out, no_cache=True)
        assert (code, "cannot be written" in said) == (2, True)
    assert ranges_read(prometheus) == before


def test_a_prometheus_that_does_not_answer_is_no_health(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with Hostile(reply({"status": "error", "error": "overloaded"}, 503)) as server:
        monkeypatch.setenv("MONITOR_PROMETHEUS__URL", server.url)
        code, text, said = run(no_cache=True)
    assert code == 1
    assert "nothing is known of it" in text
    assert "Unread" in text
    assert "a part was not read" in said


def test_ctrl_c_ends_at_once_with_what_was_there(folder: Path) -> None:
    with Hostile(hang) as server:
        command = [sys.executable, "-m", "monitor", "replay", str(folder), "--from", "-1d", "--no-cache"]
        environment = {**os.environ, "MONITOR_PROMETHEUS__URL": server.url}
        with subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            give_up = time.monotonic() + 20
            while not server.heads and time.monotonic() < give_up:
                time.sleep(0.05)
            began = time.monotonic()
            process.send_signal(signal.SIGINT)
            out, said = process.communicate(timeout=20)
        assert process.returncode == 130, said
        assert "The replay was stopped before any of it was read" in out
        assert "No page" not in out
        assert "Traceback" not in said
        assert time.monotonic() - began < 5


def test_progress_moves_on_a_terminal_and_is_plain_elsewhere() -> None:
    clock = iter(float(second) for second in range(0, 1000, 16)).__next__
    plain = io.StringIO()
    shown = Shown(plain, clock)
    shown(Progress(1, 4, 10, 0))
    shown(Progress(2, 4, 10, 1, "it was \x1b[31mslow"))
    shown.done()
    assert plain.getvalue() == (
        "reading history:  25%, 48 s left  (Ctrl-C: what is there by then)\n"
        "a part was not read: it was \N{REPLACEMENT CHARACTER}[31mslow\n"
        "reading history:  50%, 32 s left, 1 not read  (Ctrl-C: what is there by then)\n"
    )

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    moving = Terminal()
    shown = Shown(moving, clock)
    shown(Progress(1, 4, 10, 0))
    shown.done()
    assert moving.getvalue().startswith("\r\x1b[Kreading history:  25%")
    assert moving.getvalue().endswith("\r\x1b[K")
