"""Rule tests as people write them: what is expected, what is told where it is not so, and what is not covered."""

import json
import random
import shutil
from pathlib import Path

import pytest

from monitor.cli.ruletests import test as run_tests
from monitor.files import check, load, read_contents
from monitor.files.testset import files_of_tests, read_test_set
from tests.files.test_shipped import mutated

ROOT = Path(__file__).parents[2]
RULES = """
groups:
  - name: g
    interval: 15s
    rules:
      - alert: Errors
        signal:
          error_ratio: {requests: 'requests_total', failures: 'code="500"', by: [job], window: 1m}
        guards: {min_requests: 10}
        keep_firing_for: 1m
        prepare: {above: 2%, for: 1m, clear: 1%}
        rollback: {above: 50%}
        labels: {team: a}
        annotations: {summary: "{{ $labels.job }}: {{ $value | humanizePercentage }}"}
      - alert: Slow
        signal: {latency: {histogram: seconds, by: [job], window: 2m, baseline: {fixed: 400ms}}}
        prepare: {above: 50%, for: 30s}
      - alert: Up
        signal: {availability: {probe: probe_success, by: [job], window: 1m}}
        requires: {expr: 'sum by (job) (traffic)', above: 1}
        rollback: {below: 50%}
      - alert: Lost
        signal: {count: {counter: lost_total, window: 1m, alive: 'up{job="a"}'}}
        rollback: {above: 2}
      - alert: Queue
        signal: {query: {expr: 'max by (job) (queue)', by: [job]}}
        rollback: {above: 5}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "rules" / "tests").mkdir(parents=True)
    (tmp_path / "rules" / "rules.yaml").write_text(RULES)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "rules"


@pytest.fixture
def bench(folder: Path, capsys: pytest.CaptureFixture[str]) -> "Bench":
    return Bench(folder, capsys)


class Bench:
    """Writes one test file and runs it; `out` is what was printed."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.capsys = capsys
        self.out = ""

    def code(self, *tests: str, prometheus: Path | None = None, output: str = "text") -> int:
        (self.folder / "tests" / "a.yaml").write_text("tests:\n" + "".join(f"  - {one}\n" for one in tests))
        code = run_tests([], prometheus, output)
        self.out = "".join(self.capsys.readouterr())
        return code

    def given(self, readings: str, *expected: str) -> int:
        """Run a test with readings; each expectation stands without its alert's name where one reading names it."""
        return self.code(f"{{interval: 15s, readings: [{readings}], alert_rule_test: [{', '.join(expected)}]}}")


READINGS = [
    ("inactive", "{labels: {job: a}, requests: 100x9, failures: 1x9}", "Errors", "1m", "prepare"),
    ("pending", "{labels: {job: a}, requests: 100x9, failures: 3x9}", "Errors", "45s", "prepare"),
    ("firing", "{labels: {job: a}, requests: 100x9, failures: 3x9}", "Errors", "1m", "prepare"),
    ("firing", "{labels: {job: a}, requests: 100x9, failures: 51x9}", "Errors", "0s", "rollback"),
    ("firing", "{labels: {job: a}, requests: 100x9, failures: 51x9}", "Errors", "0s", "prepare"),
    ("recovering", "{labels: {job: a}, requests: 100x9, failures: 3x5 1x9}", "Errors", "1m30s", "prepare"),
    ("insufficient", "{labels: {job: a}, requests: 9x9, failures: 9x9}", "Errors", "1m", "prepare"),
    ("no_data", "{labels: {job: a}, requests: 100 _x9, failures: 3 _x9}", "Errors", "1m", "prepare"),
    ("no_data", "{labels: {job: a}, requests: 100x1, failures: 1x1}", "Errors", "5m", "prepare"),
    ("inactive", "{labels: {job: a}, values: 0.5x9}", "Slow", "1m", "prepare"),
    ("pending", "{labels: {job: a}, values: 0.5 0.51}", "Slow", "15s", "prepare"),
    ("insufficient", "{labels: {job: a}, values: 0.51x5, requests: 0x5}", "Slow", "1m", "prepare"),
    ("firing", "{labels: {job: a}, values: 0.49}", "Up", "0s", "rollback"),
    ("insufficient", "{labels: {job: a}, values: 0.49, requires: 1}", "Up", "0s", "rollback"),
    ("firing", "{labels: {job: a}, values: 0.49, requires: 2}", "Up", "0s", "rollback"),
    ("inactive", "{values: 2}", "Lost", "0s", "rollback"),
    ("firing", "{values: 3}", "Lost", "0s", "rollback"),
    ("firing", "{labels: {job: a}, values: 5 6}", "Queue", "15s", "rollback"),
    ("blind", "{labels: {job: a}, values: 6x3}", "Queue", "8m", "rollback"),
]


@pytest.mark.parametrize(
    ("state", "reading", "alert", "at", "tier"), READINGS, ids=[f"{row[2]} {row[0]} {row[3]}" for row in READINGS]
)
def test_every_state_can_be_expected_of_readings(
    bench: Bench, state: str, reading: str, alert: str, at: str, tier: str
) -> None:
    right = f"{{alertname: {alert}, eval_time: {at}, exp_tier: {tier}, exp_state: {state}}}"
    assert bench.given(reading, right) == 0, bench.out
    others = {"inactive", "pending", "firing", "recovering"} - {state}
    if state in {"inactive", "pending", "firing", "recovering"}:
        for other in others:
            assert bench.given(reading, right.replace(f"exp_state: {state}", f"exp_state: {other}")) == 1


def test_values_pages_labels_and_texts_can_be_expected(bench: Bench) -> None:
    reading = "{labels: {job: a}, requests: 100x20, failures: 3x9 60x9}"
    expected = [
        "{alertname: Errors, eval_time: 1m, exp_tier: prepare, exp_value: 3%, exp_pages: [1m]}",
        '{alertname: Errors, eval_time: 1m, exp_alerts: [{exp_annotations: {summary: "a: 3%"}}]}',
        "{alertname: Errors, eval_time: 1m, exp_alerts: [{exp_labels: {job: a, team: a, alertname: Errors}}]}",
        "{alertname: Errors, eval_time: 4m, exp_pages: [{at: 1m, tier: prepare}, {at: 2m30s, tier: rollback}]}",
        "{alertname: Errors, eval_time: 4m, exp_tier: rollback, exp_alerts: [{exp_labels: {job: a}}]}",
        "{alertname: Errors, eval_time: 4m, exp_tier: prepare, exp_alerts: [{}]}",
        "{alertname: Errors, eval_time: 3m, exp_tier: rollback}",
    ]
    assert bench.given(reading, *expected) == 0, bench.out
    wrong = [
        ("exp_value: 3%", "exp_value: 3.1%"),
        ("exp_pages: [1m]", "exp_pages: []"),
        ("exp_pages: [1m]", "exp_pages: [1m15s]"),
        ("a: 3%", "a: 4%"),
        ("team: a", "team: b"),
        ("tier: rollback}]", "tier: prepare}]"),
        ("[{}]", "[{}, {}]"),
        ("[{}]", "[]"),
        ("eval_time: 3m", "eval_time: 2m"),
    ]
    for old, new in wrong:
        assert sum(old in one for one in expected) >= 1, old
        assert bench.given(reading, *(one.replace(old, new) for one in expected)) == 1, (old, new)


def test_an_alert_without_other_expectations_must_not_fire(bench: Bench) -> None:
    firing = "{labels: {job: a}, values: 6x5}"
    assert bench.given(firing, "{alertname: Queue, eval_time: 30s}") == 1
    assert bench.given("{labels: {job: a}, values: 5x5}", "{alertname: Queue, eval_time: 30s}") == 0


def test_a_failure_is_told_with_what_was_expected_and_the_readings_around_it(bench: Bench) -> None:
    reading = "{labels: {job: a}, requests: 100x9, failures: 1x3 3x5}"
    assert bench.given(reading, "{alertname: Errors, eval_time: 1m, exp_tier: prepare, exp_state: firing}") == 1
    lines = [line.rstrip() for line in bench.out.splitlines()]
    assert lines[0] == "FAIL rules/tests/a.yaml:2: a test without a name"
    assert lines[1] == "  Errors at 1m (line 2)"
    assert lines[2:4] == ["    expected: firing", '    actual:   Errors{job="a"}[prepare]: pending (breach)']
    assert lines[4].split() == ["time", "instance", "tier", "value", "requests", "verdict", "state", "why"]
    assert [line.split()[0] for line in lines[5:11]] == ["30s", "45s", "1m", "30s", "45s", "1m"]
    assert '1m    {job="a"}  prepare   3%     100       breach   pending   3 % of 100 requests failed' in bench.out
    assert "0 passed, 1 failed in" in lines[-1]


SERIES = """{interval: 15s, input_series: [{series: 'queue{job="a"}', values: '1 1 9x9 stale'}], alert_rule_test: [
      {alertname: Queue, eval_time: 15s, exp_state: inactive, exp_value: 1},
      {alertname: Queue, eval_time: 30s, exp_alerts: [{exp_labels: {job: a}}], exp_pages: [{at: 30s, tier: rollback}]}]}
"""


def test_series_are_answered_by_a_real_prometheus(bench: Bench) -> None:
    assert bench.code(SERIES) == 0, bench.out
    assert bench.code(SERIES.replace("9x9", "5x9")) == 1


def test_one_test_sees_nothing_of_another(bench: Bench) -> None:
    asks = "{interval: 1m, promql_expr_test: [{expr: 'count_over_time(queue[4w])', eval_time: 1m, exp_samples: []}]}"
    assert bench.code(SERIES, asks, SERIES) == 0, bench.out


def test_a_query_that_prometheus_refuses_passes_no_test(bench: Bench, folder: Path) -> None:
    (folder / "rules.yaml").write_text("groups: [{name: g, rules: [{alert: Q, expr: 'q * on(a) q > 5'}]}]\n")
    two = '[{series: \'q{a="1", b="1"}\', values: 1x9}, {series: \'q{a="1", b="2"}\', values: 1x9}]'
    assert bench.code(f"{{interval: 1m, input_series: {two}, alert_rule_test: [{{alertname: Q, eval_time: 2m}}]}}") == 1
    assert "many-to-many" in bench.out or "duplicate series" in bench.out


def test_missing_data_differ_from_prometheus_and_the_failure_says_so(bench: Bench, folder: Path) -> None:
    (folder / "rules.yaml").write_text("groups: [{name: g, rules: [{alert: Queue, expr: queue > 5}]}]\n")
    gone = "{interval: 1m, input_series: [{series: queue, values: 9x2 stale}], alert_rule_test: [AT]}"
    assert bench.code(gone.replace("AT", "{alertname: Queue, eval_time: 2m, exp_alerts: [{}]}")) == 0, bench.out
    assert bench.code(gone.replace("AT", "{alertname: Queue, eval_time: 5m, exp_alerts: []}")) == 1
    assert "Prometheus resolves what is missing, and the monitor holds it" in bench.out


def test_what_is_not_covered_is_said_and_not_passed(bench: Bench, folder: Path) -> None:
    rules = "groups: [{name: g, rules: [{alert: Q, expr: q > 5, labels: {a: '{{ $value }}'}}]}]\n"
    (folder / "rules.yaml").write_text(rules)
    data = "interval: 1m, input_series: [{series: q, values: 9x9}]"
    assert bench.code(f"{{{data}, alert_rule_test: [{{alertname: Q, eval_time: 1m, exp_alerts: []}}]}}") == 1
    assert "not covered: the label `a` is a template" in bench.out
    assert bench.code(f"{{{data}, promql_expr_test: [{{expr: ALERTS, eval_time: 1m}}]}}") == 1
    assert "not covered: ALERTS" in bench.out


def test_the_readings_of_a_failure_are_there_for_programs_too(bench: Bench) -> None:
    wrong = "{alertname: Queue, eval_time: 0s, exp_state: firing}"
    test = f"{{name: n, interval: 15s, readings: [{{labels: {{job: a}}, values: 1}}], alert_rule_test: [{wrong}]}}"
    assert bench.code(test, output="json") == 1
    document = json.loads(bench.out)
    assert (document["version"], document["passed"], document["failed"]) == (1, 0, 1)
    failure = document["tests"][0]["failures"][0]
    assert (failure["alert"], failure["eval_time_s"], failure["expected"]) == ("Queue", 0, "firing")
    assert failure["readings"][0]["value"] == 1.0
    assert document["tests"][0]["name"] == "n"


# --- files and usage ----------------------------------------------------------------------------------------------


def test_a_file_that_cannot_be_used_fails_and_says_where(bench: Bench) -> None:
    assert bench.code("{intervall: 15s, alert_rule_test: [{alertname: Quue, eval_time: 1m}]}") == 1
    assert (
        "rules/tests/a.yaml:2:6: error: unknown key `intervall` in a rule test (did you mean `interval`?)" in bench.out
    )
    assert "there is no alert `Quue` in the rule files (did you mean `Queue`?)" in bench.out
    assert "1 of 1 files cannot be used" in bench.out


def test_a_test_that_would_run_for_hours_is_refused(bench: Bench) -> None:
    assert bench.given("{labels: {job: a}, values: 1}", "{alertname: Queue, eval_time: 30d}") == 1
    assert "172800 evaluations, one each 15 s, are more than 100000" in bench.out


def test_check_reads_the_tests_of_a_folder_and_single_test_files(bench: Bench, folder: Path) -> None:
    bench.code("{intervall: 15s, alert_rule_test: [{alertname: Queue, eval_time: 1m}]}")
    for path in (folder, folder / "tests", folder / "tests" / "a.yaml"):
        codes = [(one.code, one.place.line) for one in check([path]).findings if one.severity == "error"]
        assert ("unknown-key", 2) in codes, path


def test_the_daemon_takes_no_test_for_rules_and_its_content_not_for_a_change(bench: Bench, folder: Path) -> None:
    (folder / "procedures").mkdir()
    (folder / "procedures" / "rollback.yaml").write_text("title: R\nsteps: [{id: a, title: A}]\n")
    (folder / "routing.yaml").write_text("environment: test\n")
    before = read_contents(folder).digest
    bench.code(SERIES)
    loaded = load(folder)
    assert loaded.rules is not None, loaded.findings
    assert len(loaded.rules.groups) == 1
    assert loaded.rules.digest == before


@pytest.mark.parametrize(
    ("paths", "says"),
    [(["nowhere"], "nowhere: there is no such file or folder"), (["bare"], "bare: there are no tests")],
)
def test_paths_without_tests_are_usage_errors(
    folder: Path, capsys: pytest.CaptureFixture[str], paths: list[str], says: str
) -> None:
    (folder.parent / "bare").mkdir()
    assert run_tests([Path(one) for one in paths], None, "text") == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize("output", ["text", "json"])
@pytest.mark.parametrize("text", ["tests: []\n", "rule_files: []\ntests: []\n"])
def test_files_without_a_test_are_usage_errors(
    folder: Path, capsys: pytest.CaptureFixture[str], text: str, output: str
) -> None:
    (folder / "tests" / "a.yaml").write_text(text)
    assert run_tests([], None, output) == 2
    assert "a.yaml: there are no tests" in capsys.readouterr().err


def test_an_alert_that_does_not_load_is_no_alert_that_is_missing(bench: Bench) -> None:
    (bench.folder / "broken.yaml").write_text("groups: [{name: b, rules: [{alert: Broken, signal: {}}]}]\n")
    assert bench.code("{alert_rule_test: [{alertname: Broken, eval_time: 1m}]}") == 1
    assert "broken.yaml:" in bench.out
    assert "there is no alert" not in bench.out


def test_without_prometheus_readings_can_be_tested_and_series_say_what_to_install(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert bench.given("{labels: {job: a}, values: 6}", "{alertname: Queue, eval_time: 0s, exp_state: firing}") == 0
    assert bench.code(SERIES) == 2
    assert "prometheus is not found on PATH" in bench.out
    assert "apt-get install" in bench.out


def test_a_program_that_is_no_prometheus_is_told_with_what_it_said(bench: Bench, tmp_path: Path) -> None:
    program = tmp_path / "false"
    program.write_text("#!/bin/sh\necho I am no Prometheus\nexit 3\n")
    program.chmod(0o755)
    assert bench.code(SERIES, prometheus=program) == 2
    assert "did not start: I am no Prometheus" in bench.out


def test_a_named_program_is_used(bench: Bench) -> None:
    assert bench.code(SERIES, prometheus=Path(shutil.which("prometheus") or "")) == 0


@pytest.mark.parametrize("seed", range(3))
def test_mutated_test_files_give_findings_and_never_an_exception(tmp_path: Path, seed: int) -> None:
    shutil.copytree(ROOT / "rules", tmp_path / "rules")
    paths = files_of_tests(tmp_path / "rules")
    texts = {path: path.read_text() for path in paths}
    chance, refused = random.Random(seed), 0
    for _ in range(25):
        path = chance.choice(paths)
        path.write_bytes(mutated(texts[path], chance))
        read = read_test_set(path)
        assert all(one.place.line > 0 and one.place.column > 0 and one.message for one in read.findings)
        refused += bool(read.errors)
    assert refused > 5, "mutations that change nothing test nothing"
