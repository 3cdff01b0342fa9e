"""A file of rule tests -> core values; what is wrong is noted and left out."""

import re

from monitor.core.model import Labels, Tier, labels_of
from monitor.core.rules.ruletest import (
    PROMTOOLS_INTERVAL,
    AlertTest,
    Expected,
    ExpectedAlert,
    ExpectedPage,
    ExpressionTest,
    GivenReading,
    InputSeries,
    RuleTest,
    RuleTestFile,
    Step,
)
from monitor.core.rules.signal import Unit
from monitor.files import testkeys as keys
from monitor.files.expressions import expression
from monitor.files.fields import Fields, mapping
from monitor.files.findings import Report
from monitor.files.nodes import Mapping, Node, Scalar, WrongError
from monitor.files.scalars import (
    boolean,
    duration,
    label_name,
    name,
    one_of,
    positive_duration,
    scalar,
    sequence,
    threshold,
)
from monitor.files.seriesnotation import series, values

_NUMBER = re.compile(r"[+-]?([0-9]*\.?[0-9]+([eE][+-]?[0-9]+)?|[0-9]+\.|inf|nan|\.inf|\.nan)", re.IGNORECASE)
_OURS = ("exp_state", "exp_tier", "exp_value", "exp_pages")


def read_test_file(root: Node, report: Report) -> RuleTestFile:
    """Give the tests of one file."""
    fields = Fields(root, keys.FILE, report)
    fields.version()
    interval = fields.take("evaluation_interval", duration, 0) or None
    fuzzy = fields.take("fuzzy_compare", boolean, default=False)
    tests = fields.each("tests", lambda node: _test(node, interval, report, fuzzy=fuzzy), "[{input_series: ..., ...}]")
    return RuleTestFile(root.place.file, fields.take("rule_files", _paths, ()), interval, tests)


def _paths(node: Node) -> tuple[str, ...]:
    return tuple(scalar(one, "a path").text for one in sequence(node, "[../critical-apis.yaml]").items)


def _test(node: Node, evaluated: int | None, report: Report, *, fuzzy: bool) -> RuleTest | None:
    fields = Fields(node, keys.TEST, report)
    if not fields.readable:
        return None
    given = fields.each("readings", lambda one: _reading(one, report), "[{values: 0x5 3x5}]")
    if given and fields.has("input_series"):
        report.error(fields.at("readings"), "value", "a test has `readings` or `input_series`, not both", "two tests")
    test = RuleTest(
        name=fields.take("name", _words, ""),
        interval=fields.take("interval", duration, 0) or evaluated or PROMTOOLS_INTERVAL,
        series=fields.each("input_series", lambda one: _series(one, report), "[{series: up, values: 1x5}]"),
        readings=given,
        alerts=fields.each("alert_rule_test", lambda one: _alert_test(one, report), "[{alertname: A, eval_time: 5m}]"),
        expressions=fields.each(
            "promql_expr_test", lambda one: _expression_test(one, report, fuzzy=fuzzy), "[{expr: up}]"
        ),
        evaluate_from=fields.take("evaluate_from", positive_duration, 0),
        place=fields.place,
    )
    _check(test, fields, report)
    return test


def _check(test: RuleTest, fields: Fields, report: Report) -> None:
    for one in test.alerts:
        if one.eval_time < test.evaluate_from:
            report.error(
                one.place, "value", "`eval_time` is before the `evaluate_from` of the test", "nothing is evaluated yet"
            )
    named = {one.alert for one in test.alerts}
    for reading in test.readings:
        if not reading.alert and len(named) != 1:
            report.error(reading.place, "missing-key", "`alert` is missing in a reading", "whose signal is it?")
    if not test.alerts and not test.expressions:
        report.warning(fields.place, "no-expectation", "nothing is expected in this test", "write alert_rule_test")


def _words(node: Node) -> str:
    return scalar(node, "a text").text


def _series(node: Node, report: Report) -> InputSeries | None:
    fields = Fields(node, keys.SERIES, report)
    if not fields.has("series") or not fields.has("values"):
        return None
    return InputSeries(fields.take("series", series, ()), fields.take("values", values, ()))


def _reading(node: Node, report: Report) -> GivenReading | None:
    fields = Fields(node, keys.READING, report)
    if not fields.readable:
        return None
    return GivenReading(
        alert=fields.take("alert", name, ""),
        labels=fields.take("labels", _texts, ()),
        values=fields.take("values", values, ()),
        requests=fields.take("requests", values, ()),
        failures=fields.take("failures", values, ()),
        requires=_values(fields, "requires") if fields.has("requires") else None,
        place=fields.place,
    )


def _values(fields: Fields, key: str) -> tuple[Step, ...]:
    return fields.take(key, values, ())


def _alert_test(node: Node, report: Report) -> AlertTest | None:
    fields = Fields(node, keys.ALERT_TEST, report)
    if not fields.has("alertname"):
        return None
    tier = fields.take("exp_tier", one_of(Tier.PREPARE.value, Tier.ROLLBACK.value), "")
    state = fields.take("exp_state", one_of(*Expected), "")
    listed = fields.has("exp_alerts") or not any(fields.has(key) for key in _OURS)
    return AlertTest(
        alert=fields.take("alertname", name, ""),
        eval_time=fields.take("eval_time", duration, 0),
        alerts=fields.each("exp_alerts", lambda one: _alert(one, report), "[{exp_labels: {job: auth}}]")
        if listed
        else None,
        state=Expected(state) if state else None,
        tier=Tier(tier) if tier else None,
        value=fields.take("exp_value", _value, None),
        pages=fields.each("exp_pages", lambda one: _page(one, report), "[5m]") if fields.has("exp_pages") else None,
        labels=fields.take("labels", _texts, ()),
        place=fields.at("alertname"),
    )


def _value(node: Node) -> float | None:
    return threshold(Unit.NUMBER)(node)


def _alert(node: Node, report: Report) -> ExpectedAlert | None:
    fields = Fields(node, keys.ALERT, report)
    if not fields.readable:
        return None
    labels: Labels = fields.take("exp_labels", _texts, ())
    annotations: Labels = fields.take("exp_annotations", _texts, ())
    return ExpectedAlert(labels, annotations if fields.has("exp_annotations") else None)


def _page(node: Node, report: Report) -> ExpectedPage | None:
    if isinstance(node, Scalar):
        return ExpectedPage(duration(node))
    fields = Fields(node, keys.PAGE, report)
    tier = fields.take("tier", one_of(*Tier), "")
    return ExpectedPage(fields.take("at", duration, 0), Tier(tier) if tier else None)


def _expression_test(node: Node, report: Report, *, fuzzy: bool) -> ExpressionTest | None:
    fields = Fields(node, keys.EXPRESSION_TEST, report)
    if not fields.has("expr"):
        return None
    return ExpressionTest(
        expr=fields.take("expr", expression, ""),
        eval_time=fields.take("eval_time", duration, 0),
        samples=fields.each("exp_samples", lambda one: _sample(one, report), "[{labels: up, value: 1}]"),
        fuzzy=fuzzy,
        place=fields.at("expr"),
    )


def _sample(node: Node, report: Report) -> tuple[Labels, float] | None:
    fields = Fields(node, keys.SAMPLE, report)
    if fields.has("histogram"):
        report.error(fields.at("histogram"), "not-covered", "native histograms are not covered")
    return fields.take("labels", series, ()), fields.take("value", _number, 0.0)


def _number(node: Node) -> float:
    word = scalar(node, "a number").text
    if not _NUMBER.fullmatch(word):
        raise WrongError(node.place, f"expected a number, found `{word}`")
    return float(word.replace(".inf", "inf").replace(".nan", "nan") if word.lower().endswith(("inf", "nan")) else word)


def _texts(node: Node) -> Labels:
    """Give a mapping of texts; any word is a text here, as for promtool, an empty one too."""
    found: dict[str, str] = {}
    for key, value in mapping(node, "labels").items:
        if isinstance(value, Mapping) or not isinstance(value, Scalar):
            raise WrongError(value.place, f"expected a text of `{key.text}`")
        found[label_name(key)] = value.text
    return labels_of(found)
