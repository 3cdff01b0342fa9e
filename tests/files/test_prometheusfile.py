"""Prometheus rule files: what is split into query and limit, what stays a condition, and what is said about it."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.model import Tier
from monitor.core.rules.rule import Group, NoData, Rule, TierRule
from monitor.core.rules.signal import Condition, Query
from monitor.files import Severity, check, load
from monitor.files.splitting import Split, split

SPLIT = [
    ("above", "rate(x[5m]) > 0.1", Split("rate(x[5m])", above=0.1)),
    ("below", "up < 1", Split("up", below=1)),
    ("number first, above", "5 < x", Split("x", above=5)),
    ("number first, below", "5 > x", Split("x", below=5)),
    ("below zero", "x > -5", Split("x", above=-5)),
    ("a computed limit", "x > 2 * (1024 * 1024) / 4", Split("x", above=524288)),
    ("parentheses around all of it", "( (x) > 5 )", Split("(x)", above=5)),
    ("parentheses that only look like it", "(x) / (y) > 5", Split("(x) / (y)", above=5)),
    ("a ratio", "sum by (job) (a) / sum by (job) (b) > 0.02", Split("sum by (job) (a) / sum by (job) (b)", above=0.02)),
    ("a sign inside a value", 'x{a=">",b!="<"} > 1', Split('x{a=">",b!="<"}', above=1)),
    ("a comment and several lines", "x # the > sign\n  > 1 # limit", Split("x # the > sign", above=1)),
    ("an exponent", "x > 1e6", Split("x", above=1_000_000)),
    ("or inside parentheses", "(a or b) > 1", Split("(a or b)", above=1)),
    ("bool inside", "sum(x > bool 2) > 3", Split("sum(x > bool 2)", above=3)),
    ("raw strings keep their backslashes", "x{a=~`b\\d`} > 1", Split("x{a=~`b\\d`}", above=1)),
    ("at least", "x >= 5", "`>=`: limits are strict here"),
    ("at most", "x <= 5", "`<=`: limits are strict here"),
    ("equal", "up == 0", "`==` has no side"),
    ("not equal", "up != 1", "`!=` has no side"),
    ("bool", "x > bool 5", "`bool` leaves every sample"),
    ("two vectors", "a > b", "two vectors are compared"),
    ("two vectors on labels", "a > on (job) b", "two vectors are compared"),
    ("a scalar that is no number", "x > scalar(y)", "two vectors are compared"),
    ("and", "a > 1 and b > 2", "`and` joins two vectors"),
    ("unless", "a > 1 unless b", "`unless` joins two vectors"),
    ("or", "a > 1 or b > 2", "`or` joins two vectors"),
    ("absent", "absent(up)", "no comparison with a number stands outermost"),
    ("absent over a number", "absent(up) > 0", "`absent` inside chooses samples"),
    ("topk", "topk(3, x) > 5", "`topk` inside chooses samples"),
    ("a bare vector", "x", "no comparison with a number stands outermost"),
    ("a sum", "x + 5", "no comparison with a number stands outermost"),
    ("a comparison inside", "count(up == 0) > 2", "`==` inside drops samples"),
    ("two comparisons", "1 < x < 5", "`<` inside drops samples"),
    ("and inside", "(a and b) > 2", "`and` inside drops samples"),
    ("no finite limit", "x > 1 / 0", "the limit is no number that anything can be compared with"),
    ("infinity", "x > Inf", "the limit is no number that anything can be compared with"),
]  # fmt: skip


@pytest.mark.parametrize(("expr", "expected"), [row[1:] for row in SPLIT], ids=[row[0] for row in SPLIT])
def test_an_expression_is_split_where_that_says_the_same(expr: str, expected: Split | str) -> None:
    assert split(expr) == expected


SIDES = st.sampled_from([">", "<", ">=", "<=", "==", "!="])
NUMBERS = st.integers(-3, 3)


@given(st.lists(st.tuples(SIDES, NUMBERS), min_size=1, max_size=3), NUMBERS, st.booleans())
def test_what_is_split_decides_as_the_whole(chain: list[tuple[str, int]], value: int, number_first: bool) -> None:  # noqa: FBT001
    """Whatever comparisons are chained over one sample: a split one fires for the values that the whole lets by."""
    first, *rest = chain
    expr = f"{first[1]} {first[0]} x" if number_first else f"x {first[0]} {first[1]}"
    expr += "".join(f" {sign} {number}" for sign, number in rest)
    holds = [value_holds(value, *first, turned=number_first), *(value_holds(value, *one) for one in rest)]
    parts = split(expr)
    if isinstance(parts, Split):
        limit = parts.above if parts.above is not None else parts.below
        assert limit is not None
        assert parts.query == "x"
        assert (value > limit if parts.above is not None else value < limit) == all(holds)


def value_holds(value: float, sign: str, number: float, *, turned: bool = False) -> bool:
    left, right = (number, value) if turned else (value, number)
    return {
        ">": left > right, "<": left < right, ">=": left >= right,
        "<=": left <= right, "==": math.isclose(left, right), "!=": not math.isclose(left, right),
    }[sign]  # fmt: skip


# --- files --------------------------------------------------------------------------------------------------------

FILE = """groups:
  - name: node
    interval: 1m
    query_offset: 30s
    limit: 20
    labels: {team: infra, severity: none}
    rules:
      - record: job:errors:rate5m
        expr: sum by (job) (rate(errors_total[5m]))
      - alert: ErrorsHigh
        expr: sum by (job) (rate(errors_total[5m])) > 5
        for: 10m
        keep_firing_for: 2m
        labels: {severity: warning}
        annotations:
          summary: "{{ $labels.job }}: {{ $value | humanize }} errors"
          runbook_url: https://wiki.example/errors
      - alert: Gone
        expr: absent(up{job="auth"})
        labels: {tier: rollback, service: auth, page: yes}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "procedures").mkdir()
    (tmp_path / "procedures" / "rollback.yaml").write_text("title: R\nsteps: [{id: a, title: A}]\n")
    (tmp_path / "routing.yaml").write_text("environment: test\n")
    return tmp_path


def group(folder: Path, text: str) -> Group:
    (folder / "prometheus.yml").write_text(text)
    loaded = load(folder)
    assert loaded.rules is not None, [str(one) for one in loaded.findings]
    return loaded.rules.groups[0]


def rules(folder: Path, *written: str) -> tuple[Rule, ...]:
    listed = "".join("      - " + one.replace("\n", "\n        ") + "\n" for one in written)
    return group(folder, f"groups:\n  - name: g\n    rules:\n{listed}").rules


def findings(folder: Path) -> list[str]:
    return [str(one).replace(f"{folder}/", "") for one in load(folder).findings]


def test_a_file_becomes_rules(folder: Path) -> None:
    read = group(folder, FILE)
    assert (read.name, read.interval, read.query_offset, read.limit) == ("node", 60, 30, 20)
    errors, gone = read.rules
    assert errors == Rule(
        "ErrorsHigh",
        Query("sum by (job) (rate(errors_total[5m]))", ()),
        (TierRule(Tier.PREPARE, 5.0, None, 600),),
        service="{{ $labels.job }}",
        keep_firing_for=120,
        labels=(("severity", "warning"), ("team", "infra")),
        annotations=(
            ("runbook_url", "https://wiki.example/errors"),
            ("summary", "{{ $labels.job }}: {{ $value | humanize }} errors"),
        ),
        links=(("runbook", "https://wiki.example/errors"),),
    )
    assert gone == Rule(
        "Gone",
        Condition('absent(up{job="auth"})'),
        (TierRule(Tier.ROLLBACK, None, None, 0),),
        service="auth",
        optional=True,
        labels=(("page", "yes"), ("service", "auth"), ("severity", "none"), ("team", "infra")),
    )
    assert (errors.no_data, errors.optional) == (NoData.HOLD, False)
    passed_over, whole = findings(folder)
    assert passed_over == (
        "prometheus.yml:8:17: remark: recording rules are Prometheus's own: this one is passed over [record]"
    )
    assert whole == (
        "prometheus.yml:19:15: remark: no comparison with a number stands outermost: "
        "a result is a breach and an empty one is clear, as in Prometheus [condition]"
    )


def test_the_defaults_are_prometheus_s(folder: Path) -> None:
    (rule,) = rules(folder, "alert: A\nexpr: x > 1")
    assert rule.tiers == (TierRule(Tier.PREPARE, 1.0, None, 0),)
    assert rule.service == "{{ $labels.job }}"
    read = group(folder, "groups: [{name: g, interval: 5m, limit: 0, rules: [{record: r, expr: x}]}]\n")
    assert (read.interval, read.blind_after, read.limit, read.rules) == (300, 1200, 500, ())


def test_rules_of_one_name_are_told_apart_by_their_labels(folder: Path) -> None:
    read = rules(
        folder,
        "alert: A\nexpr: x > 1\nlabels: {severity: warning}",
        "alert: A\nexpr: x > 5\nlabels: {severity: critical, tier: rollback}",
    )
    assert [rule.alert for rule in read] == ["A", 'A{severity="critical", tier="rollback"}']
    assert [one.code for one in load(folder).findings] == ["renamed"]


def test_rules_that_nothing_tells_apart_are_an_error(folder: Path) -> None:
    text = "groups: [{name: g, rules: [{alert: A, expr: x > 1}, {alert: A, expr: x > 5}]}]\n"
    (folder / "p.yaml").write_text(text)
    assert [one.code for one in load(folder).findings] == ["duplicate-alert"]


TEXTS = [
    ("a condition", "annotations: {summary: '{{ if $value }}x{{ end }}'}", "template"),
    ("the older spelling", "annotations: {summary: '{{ .Value }}'}", "template"),
    ("external labels", "annotations: {summary: '{{ $externalLabels.cluster }}'}", "template"),
    ("a query", "annotations: {summary: '{{ with query \"up\" }}{{ end }}'}", "template"),
    ("a label that is a template", "labels: {severity: '{{ $labels.x }}'}", "template"),
    ("a runbook that is no link", "annotations: {runbook_url: wiki}", "link"),
]


@pytest.mark.parametrize(("text", "code"), [row[1:] for row in TEXTS], ids=[row[0] for row in TEXTS])
def test_what_cannot_be_rendered_is_left_out_and_said(folder: Path, text: str, code: str) -> None:
    (rule,) = rules(folder, f"alert: A\nexpr: x > 1\n{text}")
    assert (rule.labels, rule.links) == ((), ())
    assert "summary" not in dict(rule.annotations)
    (finding,) = load(folder).findings
    assert (finding.severity, finding.code) == (Severity.WARNING, code)


WRONG = [
    ("no alert", "{expr: x > 1}", "1:28", "missing-key"),
    ("a misspelt key", "{alert: A, expr: x > 1, fro: 5m}", "1:52", "unknown-key"),
    ("a tier of ours", "{alert: A, expr: x > 1, prepare: {above: 1}}", "1:52", "unknown-key"),
    ("an unknown tier", "{alert: A, expr: x > 1, labels: {tier: page}}", "1:67", "value"),
    ("wrong PromQL", "{alert: A, expr: 'sum(x'}", "1:49", "promql"),
    ("labels as a list", "{alert: A, expr: x > 1, labels: [a]}", "1:60", "value"),
    ("half a second", "{alert: A, expr: x > 1, for: 500ms}", "1:57", "value"),
]


@pytest.mark.parametrize(("rule", "place", "code"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_a_mistake_is_answered(folder: Path, rule: str, place: str, code: str) -> None:
    (folder / "p.yaml").write_text(f"groups: [{{name: g, rules: [{rule}]}}]\n")
    (finding,) = load(folder).findings
    assert (str(finding.place), finding.code) == (f"{folder}/p.yaml:{place}", code)


def test_defaults_do_not_stand_in_prometheus_s_files(folder: Path) -> None:
    (folder / "p.yaml").write_text("defaults: {}\ngroups: [{name: g, rules: [{alert: A, expr: x > 1}]}]\n")
    assert [one.code for one in load(folder).findings] == ["unknown-key"]


def test_a_file_of_both_kinds_is_ours_and_the_mistake_is_named(folder: Path) -> None:
    ours = "{alert: B, signal: {query: {expr: x}}, prepare: {above: 1}}"
    (folder / "p.yaml").write_text(f"groups: [{{name: g, rules: [{{alert: A, expr: x > 1}}, {ours}]}}]\n")
    assert {one.code for one in load(folder).findings} == {"unknown-key", "missing-key"}


def test_remarks_fail_no_check(folder: Path) -> None:
    (folder / "p.yaml").write_text(FILE)
    assert {one.severity for one in check([folder]).findings} == {Severity.REMARK}
