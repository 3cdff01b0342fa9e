"""Files of rule tests as promtool reads them, with what to change in them so that they fail; written for these tests.

A case is rules, a test file, and changes: each change, made alone, is another test file. Nothing here says what passes:
promtool does.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Case:
    """Rules and tests; `changes` are (text, in its place) of the tests, `in_rules` of the rules."""

    rules: str
    tests: str
    changes: tuple[tuple[str, str], ...] = ()
    in_rules: tuple[tuple[str, str], ...] = ()

    def variants(self) -> list[tuple[str, str, str]]:
        """Give (what was changed, rules, tests): as it stands last, so that it is not the first of a run."""
        found: list[tuple[str, str, str]] = []
        for old, new in self.changes:
            assert old in self.tests, old
            found.append((f"{old} -> {new}", self.rules, self.tests.replace(old, new, 1)))
        for old, new in self.in_rules:
            assert old in self.rules, old
            found.append((f"rules: {old} -> {new}", self.rules.replace(old, new, 1), self.tests))
        return [*found, ("as it stands", self.rules, self.tests)]


ERRORS = Case(
    rules="""
groups:
  - name: api
    interval: 7s
    rules:
      - alert: HighErrors
        expr: |
          sum by (job) (rate(http_requests_total{code=~"5.."}[5m]))
            / sum by (job) (rate(http_requests_total[5m])) > 0.05
        for: 2m
        labels: {severity: page}
        annotations:
          summary: "{{ $labels.job }} fails {{ $value | humanizePercentage }}"
          runbook_url: "https://wiki/{{ $labels.job }}"
  - name: worse
    rules:
      - alert: HighErrors
        expr: sum by (job) (rate(http_requests_total{code="500"}[5m])) > 2
        labels: {severity: wake}
""",
    tests="""
rule_files: [rules.yml]
evaluation_interval: 1m
tests:
  - name: errors fire after two minutes
    interval: 1m
    input_series:
      - {series: 'http_requests_total{job="api",code="200"}', values: '0+90x30'}
      - {series: 'http_requests_total{job="api",code="500"}', values: '0+10x30'}
      - {series: 'http_requests_total{job="web",code="200"}', values: '0+90x30'}
    alert_rule_test:
      - {alertname: HighErrors, eval_time: 2m}
      - alertname: HighErrors
        eval_time: 3m59s
        exp_alerts:
          - exp_labels: {job: api, severity: page}
            exp_annotations: {summary: "api fails 10%", runbook_url: "https://wiki/api"}
    promql_expr_test:
      - expr: sum by (job) (rate(http_requests_total[5m]))
        eval_time: 10m
        exp_samples: [{labels: '{job="api"}', value: 1.6666666666666667}, {labels: '{job="web"}', value: 1.5}]
""",
    changes=(
        ("eval_time: 2m}", "eval_time: 3m}"),
        ("eval_time: 3m59s", "eval_time: 2m59s"),
        ("severity: page", "severity: wake"),
        ("{job: api, severity: page}", "{job: api}"),
        ("{job: api, severity: page}", "{job: api, severity: page, alertname: HighErrors}"),
        ("{job: api, severity: page}", "{job: api, severity: page, more: ''}"),
        ("{job: api, severity: page}", "{job: api, severity: page, more: x}"),
        ("fails 10%", "fails 11%"),
        (', runbook_url: "https://wiki/api"', ""),
        ("value: 1.5}", "value: 1.5000001}"),
        ("{labels: '{job=\"web\"}', value: 1.5}", ""),
        ("'{job=\"web\"}'", "'{job=\"wob\"}'"),
        ("evaluation_interval: 1m", "evaluation_interval: 30s"),
        ("evaluation_interval: 1m", "evaluation_interval: 3m"),
        ("evaluation_interval: 1m\n", ""),
        ("'0+10x30'", "'0+10x3'"),
        ("'0+10x30'", "'0+1000x30'"),
        ("'0+10x30'", "'0 10 stale 20+10x20'"),
        ("'0+10x30'", "'0 10 _x2 40+10x20'"),
        ("    input_series:", "    external_labels: {cluster: a}\n    input_series:"),
        ("tests:\n", "group_eval_order: [worse, api]\ntests:\n"),
    ),
    in_rules=(
        ("for: 2m", "for: 3m"),
        ("for: 2m", "for: 2m30s"),
        ("> 0.05", "> 0.1"),
        ("> 0.05", ">= 0.1"),
        ("> 2", "> 0.1"),
    ),
)

DOWN = Case(
    rules="""
groups:
  - name: instances
    rules:
      - alert: InstanceDown
        expr: up == 0
        for: 3m
        labels: {severity: critical}
        annotations:
          description: 'Instance {{ $labels.instance }} of {{ $labels.job }} is down: {{ printf "%.1f" $value }}'
""",
    tests="""
rule_files: ['*.yml']
tests:
  - interval: 1m
    input_series:
      - {series: 'up{job="api",instance="a"}', values: '1 1 0x9 1 1'}
      - {series: 'up{job="api",instance="b"}', values: '1x20'}
    alert_rule_test:
      - {alertname: InstanceDown, eval_time: 4m}
      - alertname: InstanceDown
        eval_time: 5m
        exp_alerts:
          - exp_labels: {job: api, instance: a, severity: critical}
            exp_annotations: {description: 'Instance a of api is down: 0.0'}
      - {alertname: InstanceDown, eval_time: 12m, exp_alerts: []}
""",
    changes=(
        ("eval_time: 4m", "eval_time: 5m"),
        ("eval_time: 12m", "eval_time: 11m"),
        ("down: 0.0", "down: 0"),
        ("instance: a,", "instance: b,"),
        ("'1x20'", "'0x20'"),
        ("'1 1 0x9 1 1'", "'0x20'"),
        ("'1 1 0x9 1 1'", "'1 1 0 0 0 1 0 0 0'"),
        ("'1 1 0x9 1 1'", "'1 1 0 _ _ 0 0 0 0 0 0 1'"),
    ),
)

KEEPS = Case(
    rules="""
groups:
  - name: flapping
    rules:
      - alert: Flapping
        expr: changes(state[10m]) >= 3
        keep_firing_for: 5m
        annotations: {summary: "{{ $value }} changes"}
""",
    tests="""
rule_files: [rules.yml]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series: [{series: 'state{x="1"}', values: '0 1 0 1 1x40'}]
    alert_rule_test:
      - {alertname: Flapping, eval_time: 2m}
      - alertname: Flapping
        eval_time: 3m
        exp_alerts: [{exp_labels: {x: "1"}, exp_annotations: {summary: 3 changes}}]
      - alertname: Flapping
        eval_time: 15m
        exp_alerts: [{exp_labels: {x: "1"}, exp_annotations: {summary: 3 changes}}]
      - {alertname: Flapping, eval_time: 17m, exp_alerts: []}
""",
    changes=(
        ("eval_time: 15m", "eval_time: 16m"),
        ("eval_time: 17m", "eval_time: 15m"),
        ("eval_time: 2m", "eval_time: 3m"),
    ),
)

CONDITIONS = Case(
    rules="""
groups:
  - name: conditions
    rules:
      - {alert: Absent, expr: 'absent(heartbeat{job="cron"})', for: 1m}
      - {alert: Both, expr: 'a > 1 and b < 1', annotations: {summary: "a is {{ $value | humanize }}"}}
""",
    tests="""
rule_files: [rules.yml]
evaluation_interval: 1m
tests:
  - name: absent
    interval: 1m
    input_series: [{series: 'heartbeat{job="cron"}', values: '1 1 stale'}]
    alert_rule_test:
      - {alertname: Absent, eval_time: 2m}
      - {alertname: Absent, eval_time: 3m, exp_alerts: [{exp_labels: {job: cron}}]}
  - name: both
    interval: 30s
    input_series:
      - {series: a, values: '1+1x10'}
      - {series: b, values: '0 0 0 0 2 _x3 0 stale 0'}
    alert_rule_test:
      - {alertname: Both, eval_time: 0s}
      - {alertname: Both, eval_time: 1m, exp_alerts: [{exp_annotations: {summary: "a is 3"}}]}
      - {alertname: Both, eval_time: 2m}
    promql_expr_test:
      - {expr: 'count_over_time(b[10m])', eval_time: 5m, exp_samples: [{labels: '{}', value: 7}]}
      - {expr: '1 + 2', eval_time: 0s, exp_samples: [{labels: '{}', value: 3}]}
""",
    changes=(
        ("'1 1 stale'", "'1 1'"),
        ("'1 1 stale'", "'1 1 _ 1'"),
        ("eval_time: 3m, exp_alerts: [{exp_labels: {job: cron}}]", "eval_time: 3m"),
        ("value: 7", "value: 8"),
        ("_x3", "_x2"),
        ("a is 3", "a is 2"),
    ),
)

RECORDED = Case(
    rules="""
groups:
  - name: recorded
    rules:
      - record: job:errors:ratio
        expr: sum by (job) (rate(errors_total[2m])) / sum by (job) (rate(requests_total[2m])) > 0
        labels: {kind: ratio}
      - {record: total:errors, expr: sum(job:errors:ratio)}
      - {alert: TooMany, expr: job:errors:ratio > 0.1, for: 1m, annotations: {summary: "{{ $value }}"}}
""",
    tests="""
rule_files: [rules.yml]
evaluation_interval: 30s
tests:
  - interval: 30s
    input_series:
      - {series: 'errors_total{job="a"}', values: '0+3x10 30x10'}
      - {series: 'requests_total{job="a"}', values: '0+12x30'}
    alert_rule_test:
      - alertname: TooMany
        eval_time: 2m
        exp_alerts: [{exp_labels: {job: a, kind: ratio}, exp_annotations: {summary: "0.25"}}]
    promql_expr_test:
      - {expr: 'total:errors', eval_time: 2m, exp_samples: [{labels: 'total:errors', value: 0.25}]}
      - {expr: 'job:errors:ratio', eval_time: 7m, exp_samples: []}
      - expr: job:errors:ratio
        eval_time: 6m30s
        exp_samples: [{labels: 'job:errors:ratio{job="a",kind="ratio"}', value: 0.0625}]
  - name: what is recorded ends, and begins again
    interval: 30s
    input_series:
      - {series: 'errors_total{job="a"}', values: '0+3x4 12x6 15+3x9'}
      - {series: 'requests_total{job="a"}', values: '0+12x30'}
    promql_expr_test:
      - {expr: 'job:errors:ratio', eval_time: 4m30s, exp_samples: []}
      - {expr: 'job:errors:ratio > bool 0', eval_time: 6m, exp_samples: [{labels: '{job="a",kind="ratio"}', value: 1}]}
""",
    changes=(
        ("eval_time: 2m\n", "eval_time: 1m\n"),
        ("eval_time: 7m", "eval_time: 6m30s"),
        ("eval_time: 6m30s", "eval_time: 7m"),
        ("value: 0.25}", "value: 0.3}"),
        ('summary: "0.25"', 'summary: "0.5"'),
        ("kind: ratio}, exp", "kind: rate}, exp"),
    ),
)

CLOCK = Case(
    rules="""
groups:
  - name: conditions
    rules:
      - {alert: BackupOld, expr: 'time() - backup_last_success_seconds > 3600', labels: {severity: warn}}
      - {alert: AtNight, expr: 'hour() < 2 and on() vector(1)'}
""",
    tests="""
rule_files: [rules.yml]
evaluation_interval: 1m
tests:
  - name: the clock
    interval: 10m
    input_series: [{series: 'backup_last_success_seconds{db="x"}', values: '0x20'}]
    alert_rule_test:
      - {alertname: BackupOld, eval_time: 60m}
      - {alertname: BackupOld, eval_time: 61m, exp_alerts: [{exp_labels: {db: x, severity: warn}}]}
      - {alertname: AtNight, eval_time: 119m, exp_alerts: [{}]}
      - {alertname: AtNight, eval_time: 120m}
    promql_expr_test:
      - {expr: 'time()', eval_time: 5m, exp_samples: [{labels: '{}', value: 300}]}
      - {expr: 'hour()', eval_time: 65m, exp_samples: [{labels: '{}', value: 1}]}
      - {expr: 'backup_last_success_seconds @ 600 + 1', eval_time: 9m, exp_samples: [{labels: '{db="x"}', value: 1}]}
      - expr: timestamp(backup_last_success_seconds)
        eval_time: 14m
        exp_samples: [{labels: '{db="x"}', value: 600}]
""",
    changes=(
        ("eval_time: 61m", "eval_time: 60m"),
        ("eval_time: 119m", "eval_time: 121m"),
        ("value: 300", "value: 301"),
        ("value: 600", "value: 840"),
    ),
)

NOTATION = Case(
    rules="groups: [{name: g, rules: [{alert: A, expr: x > 100}]}]",
    tests="""
rule_files: [rules.yml]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series: [{series: 'x{a="b"}', values: 'VALUES'}]
    promql_expr_test:
      - {expr: 'count_over_time(x[1h])', eval_time: 50m, exp_samples: [{labels: '{a="b"}', value: 6}]}
""",
    changes=tuple(
        ("VALUES", values)
        for values in (
            "3x5",
            "1 2 3 4 5 6",
            "1 2 3 4 5 6 7",
            "_x2 3x5",
            "1+1x3 2-1x1",
            "0x5 stale",
            "3 3 stale 3 _ 3 3 3",
            "-3x5",
            "-3-2x5",
            ".5 5. 1e3 1e-3 Inf NaN",
            "0+0.1x5",
            " 3   3x4 ",
            "0x10",
            "1e2x5",
            "1+1x5x2",
            "1,2",
            "1+-1x3",
            "_x",
            "Stale",
            "1_0",
            "{{schema:1}}",
            "x5",
            "5x",
            "1 + 1x5",
        )
    ),
)

FLOATS = Case(
    rules="groups: [{name: g, rules: [{alert: A, expr: x > 100}]}]",
    tests="""
rule_files: [rules.yml]
tests:
  - interval: 1m
    input_series:
      - {series: 'x', values: '0.1+0.1x9'}
      - {series: 'latency_bucket{le="0.1"}', values: '0+50x10'}
      - {series: 'latency_bucket{le="+Inf"}', values: '0+100x10'}
    promql_expr_test:
      - {expr: x, eval_time: 9m, exp_samples: [{labels: x, value: 0.9999999999999999}]}
      - {expr: 'sum_over_time(x[5m])', eval_time: 9m, exp_samples: [{labels: '{}', value: 4.499999999999999}]}
      - expr: histogram_quantile(0.25, rate(latency_bucket[5m]))
        eval_time: 9m
        exp_samples: [{labels: '{}', value: 0.05}]
      - {expr: 'x offset 4m', eval_time: 9m, exp_samples: [{labels: x, value: 0.6}]}
""",
    changes=(
        ("value: 0.9999999999999999", "value: 1"),
        ("value: 4.499999999999999", "value: 4.5"),
        ("value: 0.6", "value: 0.5"),
        ("'x offset 4m'", "'x['"),
    ),
)

CASES = {
    "errors": ERRORS,
    "an instance is down": DOWN,
    "keep_firing_for": KEEPS,
    "conditions": CONDITIONS,
    "recording rules": RECORDED,
    "the clock": CLOCK,
    "notation": NOTATION,
    "floats": FLOATS,
}
