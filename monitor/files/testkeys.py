"""The keys of files of rule tests: promtool's, and those that are only known here."""

from types import MappingProxyType

from monitor.files.tables import Key, Table

FILE = Table(
    "a file of rule tests",
    (
        Key("rule_files", "list of texts", "the rules under test, from this file's folder", "the folder above"),
        Key("evaluation_interval", "duration", "how often every rule is evaluated", "the groups' own; Prometheus's 1m"),
        Key("fuzzy_compare", "`true`, `false`", "whether the last digits of samples do not count", "`false`"),
        Key("group_eval_order", "list of texts", "promtool's; groups do not depend on each other here", "none"),
        Key("tests", "list of tests", "the tests", required=True),
        Key("version", "`1`", "the version of the format", "`1`"),
    ),
)

TEST = Table(
    "a rule test",
    (
        Key("name", "text", "what it shows", "its place"),
        Key("interval", "duration", "between two values of a series", "`evaluation_interval`"),
        Key("input_series", "list of series", "what Prometheus has", "none"),
        Key("readings", "list of readings", "what is read, in place of `input_series`", "none"),
        Key("evaluate_from", "duration", "when the rules are evaluated first: what is before is history", "`0s`"),
        Key("alert_rule_test", "list of expectations", "what is expected of alerts", "none"),
        Key("promql_expr_test", "list of expectations", "what is expected of PromQL", "none"),
        Key("external_labels", "mapping of texts", "promtool's; only templates see them", "none"),
        Key("external_url", "text", "promtool's; only templates see it", "none"),
    ),
    hints=MappingProxyType(
        {"alert_rule_tests": "write alert_rule_test", "promql_expr_tests": "write promql_expr_test"}
    ),
)

SERIES = Table(
    "an input series",
    (
        Key("series", "selector", 'metric{label="value"}', required=True),
        Key("values", "series of values", "such as 0+10x5 _x2 stale", required=True),
    ),
)

READING = Table(
    "a reading",
    (
        Key("alert", "name", "whose signal it is", "the only alert of the test"),
        Key("labels", "mapping of texts", "the instance: the values of the `by` labels", "none"),
        Key("values", "series of values", "of the signal; of a latency how much slower than the baseline", "none"),
        Key("requests", "series of values", "in the window", "none"),
        Key("failures", "series of values", "in the window, of an error ratio", "none"),
        Key("requires", "series of values", "of the rule's condition", "it is met"),
    ),
)

ALERT_TEST = Table(
    "an alert_rule_test",
    (
        Key("alertname", "name", "the rule", required=True),
        Key("eval_time", "duration", "since the beginning of the test", required=True),
        Key("exp_alerts", "list of alerts", "what fires, and nothing else", "none, where no other exp_ stands"),
        Key(
            "exp_state",
            "`inactive`, `pending`, `firing`, `recovering`, `insufficient`, `no_data`, `blind`",
            "what it is in",
            "any",
        ),
        Key("exp_tier", "`prepare`, `rollback`", "the tier that the others speak of; alone: it fires", "any"),
        Key("exp_value", "threshold", "the signal's value", "any"),
        Key("exp_pages", "list of times", "every page of the test up to then", "any"),
        Key("labels", "mapping of texts", "the instance that exp_state and exp_value speak of", "all of them"),
    ),
)

ALERT = Table(
    "an expected alert",
    (
        Key("exp_labels", "mapping of texts", "its labels", "none"),
        Key("exp_annotations", "mapping of texts", "its texts", "any; none of a Prometheus rule"),
    ),
)

PAGE = Table(
    "an expected page",
    (
        Key("at", "duration", "since the beginning of the test", required=True),
        Key("tier", "`prepare`, `rollback`, `blind`", "what it pages", "any"),
    ),
)

EXPRESSION_TEST = Table(
    "a promql_expr_test",
    (
        Key("expr", "PromQL", "what is asked", required=True),
        Key("eval_time", "duration", "since the beginning of the test", required=True),
        Key("exp_samples", "list of samples", "what it gives", "none"),
    ),
)

SAMPLE = Table(
    "an expected sample",
    (
        Key("labels", "selector", 'such as up{job="auth"}', "none"),
        Key("value", "number", "its value", "`0`"),
        Key("histogram", "text", "native histograms are not covered", "none"),
    ),
)

TABLES = (FILE, TEST, SERIES, READING, ALERT_TEST, ALERT, PAGE, EXPRESSION_TEST, SAMPLE)
