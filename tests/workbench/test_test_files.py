"""Files of rule tests: where the rules are found, and what is wrong with line and column."""

from pathlib import Path

import pytest

from monitor.files import check
from monitor.files.testset import files_of_tests, read_test_set

RULES = """
groups:
  - name: g
    rules:
      - alert: Queue
        signal: {query: {expr: 'max by (job) (queue)', by: [job]}}
        rollback: {above: 5}
"""
EXPECTED = "alert_rule_test: [{alertname: Queue, eval_time: 1m}]"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rules" / "tests").mkdir(parents=True)
    (tmp_path / "rules" / "a.yaml").write_text(RULES)
    return tmp_path / "rules"


def found(folder: Path, text: str) -> list[str]:
    path = folder / "tests" / "t.yaml"
    path.write_text(text)
    return [f"{one.place.line}:{one.place.column} {one.message}" for one in read_test_set(path).findings]


MISTAKES = [
    ("no tests", "rule_files: [../a.yaml]\n", "1:1 `tests` is missing in a file of rule tests"),
    ("nothing at all", "", "1:1 the file is empty"),
    ("no YAML", "tests: [\n", "2:1 "),
    ("a test that is a word", "tests: [x]\n", "1:9 expected a rule test (`key: value` lines), found `x`"),
    ("nothing expected", "tests:\n  - name: x\n", "2:5 nothing is expected in this test"),
    ("a promtool key of later", f"tests: [{{start_timestamp: 1, {EXPECTED}}}]", "1:10 unknown key `start_timestamp`"),
    (
        "readings beside series",
        f"tests: [{{readings: [{{labels: {{job: a}}, values: 1}}], input_series: [], {EXPECTED}}}]",
        "1:20 a test has `readings` or `input_series`, not both",
    ),
    (
        "whose reading",
        "tests: [{readings: [{values: 1}], promql_expr_test: [{expr: up, eval_time: 1m}]}]",
        "1:21 `alert` is missing in a reading",
    ),
    (
        "another alert's reading",
        f"tests: [{{readings: [{{alert: Quue, values: 1}}], {EXPECTED}}}]",
        "1:21 there is no alert `Quue` in the rule files",
    ),
    (
        "labels of a reading",
        f"tests: [{{readings: [{{values: 1}}], {EXPECTED}}}]",
        "1:21 an instance of `Queue` has the labels job, and this one none",
    ),
    (
        "before its beginning",
        f"tests: [{{evaluate_from: 1h, {EXPECTED}}}]",
        "1:59 `eval_time` is before the `evaluate_from`",
    ),
    ("a reading that is a word", f"tests: [{{readings: [x], {EXPECTED}}}]", "1:21 expected a reading"),
    (
        "a series without values",
        f"tests: [{{input_series: [{{series: up}}], {EXPECTED}}}]",
        "1:25 `values` is missing in an input series",
    ),
    (
        "values that are a list",
        f"tests: [{{input_series: [{{series: up, values: [1]}}], {EXPECTED}}}]",
        "1:46 expected values such as 0+10x5, found a list",
    ),
    ("no name", "tests: [{alert_rule_test: [{eval_time: 1m}]}]", "1:28 `alertname` is missing in an alert_rule_test"),
    (
        "no time",
        "tests: [{alert_rule_test: [{alertname: Queue}]}]",
        "1:28 `eval_time` is missing in an alert_rule_test",
    ),
    (
        "an alert that is a word",
        "tests: [{alert_rule_test: [{alertname: Queue, eval_time: 1m, exp_alerts: [x]}]}]",
        "1:75 expected an expected alert",
    ),
    (
        "a label that is a list",
        "tests: [{alert_rule_test: [{alertname: Queue, eval_time: 1m, exp_alerts: [{exp_labels: {a: [b]}}]}]}]",
        "1:92 expected a text of `a`",
    ),
    (
        "a page without a time",
        "tests: [{alert_rule_test: [{alertname: Queue, eval_time: 1m, exp_pages: [{tier: blind}]}]}]",
        "1:74 `at` is missing in an expected page",
    ),
    ("no expression", "tests: [{promql_expr_test: [{eval_time: 1m}]}]", "1:29 `expr` is missing in a promql_expr_test"),
    ("a wrong expression", "tests: [{promql_expr_test: [{expr: 'sum(', eval_time: 1m}]}]", "1:40 `(` is never closed"),
    (
        "a histogram",
        "tests: [{promql_expr_test: [{expr: up, eval_time: 1m, exp_samples: [{histogram: x}]}]}]",
        "1:81 native histograms are not covered",
    ),
    (
        "a sample that is no number",
        "tests: [{promql_expr_test: [{expr: up, eval_time: 1m, exp_samples: [{value: x}]}]}]",
        "1:77 expected a number, found `x`",
    ),
    ("rules that are nowhere", f"rule_files: [../b*.yaml]\ntests: [{{{EXPECTED}}}]", "1:14 no file fits `../b*.yaml`"),
]


@pytest.mark.parametrize(("text", "says"), [row[1:] for row in MISTAKES], ids=[row[0] for row in MISTAKES])
def test_a_mistake_is_told_where_it_stands(folder: Path, text: str, says: str) -> None:
    assert any(one.startswith(says) for one in found(folder, text)), found(folder, text)


def test_wrong_rules_are_told_in_their_own_file(folder: Path) -> None:
    (folder / "a.yaml").write_text(RULES.replace("above", "abov"))
    assert "7:20 unknown key `abov` in a tier" in [one[:33] for one in found(folder, f"tests: [{{{EXPECTED}}}]")]


@pytest.mark.parametrize("named", ["", "rule_files: [../a.yaml]\n", "rule_files: ['../*.yaml']\n"])
def test_rules_are_those_that_are_named_or_those_of_the_folder_above(folder: Path, named: str) -> None:
    assert found(folder, f"{named}tests: [{{{EXPECTED}}}]") == []


def test_no_rules_at_all_are_told_where_an_alert_is_expected(folder: Path) -> None:
    (folder / "a.yaml").unlink()
    assert "there is no alert `Queue` in the rule files" in found(folder, f"tests: [{{{EXPECTED}}}]")[0]


def test_a_file_that_is_not_there_is_a_finding(folder: Path) -> None:
    assert [one.code for one in read_test_set(folder / "tests" / "x.yaml").findings] == ["unreadable"]


def test_a_folder_stands_for_the_files_of_its_tests(folder: Path) -> None:
    (folder / "tests" / "b.yml").write_text("")
    (folder / "tests" / "a.yaml").write_text("")
    (folder / "tests" / ".hidden.yaml").write_text("")
    (folder / "tests" / "notes.md").write_text("")
    names = ["a.yaml", "b.yml"]
    assert [one.name for one in files_of_tests(folder)] == names
    assert [one.name for one in files_of_tests(folder / "tests")] == names
    assert files_of_tests(folder / "a.yaml") == (folder / "a.yaml",)
    assert files_of_tests(folder.parent) == ()


def test_a_test_file_is_known_by_its_text_wherever_it_stands(folder: Path) -> None:
    (folder.parent / "t.yml").write_text(f"rule_files: [rules/a.yaml]\ntests: [{{{EXPECTED}}}]\n")
    assert check([folder.parent / "t.yml"]).findings == ()
    assert check([folder / "a.yaml"]).rules == 1
