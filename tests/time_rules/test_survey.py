"""What only data can tell about rules, as a real Prometheus answers on a recorded day.

The day ends at `START`. Everything is scraped every 15 s, but for what its name says.
"""

import re
import time
from pathlib import Path

import pytest
import requests

from monitor.adapters.memory.world import ManualClock, ScriptedSource
from monitor.adapters.prometheus import PrometheusSource
from monitor.core.model import utc
from monitor.core.rules.ruleset import RuleSet
from monitor.evaluation.baselines import Baselines
from monitor.evaluation.ranges import Deadline
from monitor.ports.metrics import Answer, BadQuery, MetricsSource, Partial, RangeAnswer, Unanswered
from monitor.queries.plan import plan
from monitor.survey import Means, Surveyed, survey
from tests.time_rules.histories import START, Points, counter, gauge, histogram, seen, without
from tests.time_rules.walk import written

DOCS = Path(__file__).parents[2] / "docs" / "rules.md"
DAY, HOUR = 86_400, 3600
BUSY, QUIET = 150.0, 5.0
LATELY = seen(-2 * HOUR, 0)


def growing(each: float, *, first: int = -DAY - 300, last: int = 0, step: int = 15) -> Points:
    return counter(seen(first, last, step), lambda _: each)


def night(at: int) -> float:
    """Hardly any requests but in the last two hours."""
    return BUSY if at > -2 * HOUR else QUIET


def latencies(job: str, hours: int, within: float) -> dict[str, Points]:
    times = [*range(-hours * HOUR, -2 * HOUR, 300), *LATELY]
    return histogram("slow", f'job="{job}"', times, lambda _: within)


HISTORY = {
    'good_total{job="auth",code="200"}': growing(BUSY),
    'good_total{job="auth",code="500"}': growing(0.3),
    'alike_total{job="web",code="200"}': growing(BUSY),
    'shift_total{job="day"}': growing(BUSY),
    'shift_total{job="day",code="500"}': growing(0.0),
    'shift_total{job="night"}': counter(seen(-DAY - 300, 0), night),
    'never_total{job="a"}': growing(0.0),
    'never_total{job="b"}': growing(0.0),
    'gone_total{job="auth"}': growing(BUSY, last=-2 * HOUR),
    'each_minute_total{job="auth"}': growing(BUSY, step=60),
    'each_25_seconds_total{job="auth"}': growing(BUSY, step=25),
    'mixed_total{job="a",code="500"}': growing(BUSY),
    'mixed_total{job="b",code="500"}': growing(BUSY, step=25),
    'lost_total{job="auth",code="500"}': without(growing(BUSY), [-60]),
    'up{job="auth"}': gauge(LATELY, lambda _: 1.0),
    'build_info{job="auth",version="1"}': gauge(LATELY, lambda _: 1.0),
    'depth{job="auth"}': gauge(LATELY, lambda _: 1.0),
    **latencies("auth", 26, 0.25),
    **latencies("web", 26, 0.25),
    **{
        name.replace("slow_", "odd_").replace('"5.0"', '"5000"'): one for name, one in latencies("odd", 3, 0.25).items()
    },
    **latencies("stuck", 26, 5.0),
    **latencies("young", 3, 0.25),
    **latencies("fresh", 20, 0.25),
}


def ratio(requests: str, *, by: str = "[job]", window: str = "1m", rest: str = "") -> str:
    failures = requests.replace("{", '{code="500",') if "{" in requests else f'{requests}{{code="500"}}'
    return f"""
- alert: R
  signal: {{error_ratio: {{requests: '{requests}', failures: '{failures}', by: {by}, window: {window}}}}}
  prepare: {{above: 50%, for: 5m}}
  {rest}
"""


def latency(job: str, baseline: str, *, above: str = "50%", rest: str = "", quantile: float = 0.95) -> str:
    signal = f"histogram: 'slow{{job=~\"{job}\"}}', quantile: {quantile}, by: [job], window: 1m, baseline: {baseline}"
    return f"- alert: R\n  signal: {{latency: {{{signal}{rest}}}}}\n  prepare: {{above: {above}, for: 5m}}\n"


def query(expr: str, rest: str = "", *, by: str = "[job]", absent: str = "") -> str:
    signal = f"{{query: {{expr: '{expr}', by: {by}{absent}}}}}"
    return f"- alert: R\n  signal: {signal}\n  prepare: {{above: 1, for: 5m}}\n  {rest}\n"


def count(counter_: str, alive: str = "up") -> str:
    signal = f"{{count: {{counter: {counter_}, by: [job], window: 1m, alive: {alive}}}}}"
    return f"- alert: R\n  signal: {signal}\n  prepare: {{above: 5, for: 5m}}\n"


GOOD = [
    ("a ratio", ratio("good_total")),
    ("a scrape that was lost", ratio("lost_total")),
    ("a latency", latency("auth|web", "trailing")),
    ("a latency with every reference, yesterday standing in for weeks", latency("auth", "[same_time, trailing]")),
    ("a limit just under the end of the bucket of its baseline", latency("auth", "{fixed: 330ms}")),
    ("a fixed baseline", latency("auth", "{fixed: 240ms}")),
    ("a query with a condition", query("depth", "requires: {expr: 'sum(good_total)', above: 1}")),
    ("a count", count("good_total")),
    ("something that is asked whether it is absent", query("sum by (job) (depth) or absent(gone_total)")),
    (
        "traffic for half of the guard in some hours only",
        ratio('shift_total{job="day"}', rest="guards: {min_requests: 50}"),
    ),
]


YOUNG = "(`trailing`: only 2 of 24 hours had a request; Prometheus keeps 15d)"
FRESH = "(`same_time`: only 0 of 3 weeks had a request, nor did it 1 day ago; Prometheus keeps 15d)"
EACH_25 = "the series of auth come every 25 s, as the last 10 minutes tell"

DOUBTFUL = [
    # series
    ("requests that nobody counts", ratio("god_total"), [
        ("no-series", "error", "`requests` matches no series: god_total"),
    ]),
    ("an optional rule without series", ratio("god_total", rest="optional: true"), [
        ("no-series", "remark", "`requests` matches no series: god_total"),
    ]),
    ("failures that were never counted", ratio("alike_total"), [
        ("no-series", "warning", '`failures` matches no series: alike_total{code="500"}'),
    ]),
    ("a target that is gone for two hours", query("gone_total"), [
        ("no-series-lately", "warning", "`expr` has matched no series for an hour, and did within a week: gone_total"),
    ]),
    ("a count that has not happened yet", count("first_total"), [
        ("no-series", "remark", "`counter` matches no series: first_total"),
    ]),
    ("a count that nobody watches", count("good_total", "'up{job=\"x\"}'"), [
        ("no-series", "error", '`alive` matches no series: up{job="x"}'),
    ]),
    ("one of two selectors", query("depth - on (job) deptth"), [
        ("no-series", "warning", "`expr` matches no series: deptth"),
    ]),
    ("a query whose absence has a value", query("dept", by="[]", absent=", absent: 0"), [
        ("no-series", "remark", "`expr` matches no series: dept"),
    ]),
    ("a condition", query("depth", "requires: {expr: good, above: 1}"), [
        ("no-series", "error", "`requires` matches no series: good"),
    ]),
    # labels
    ("a label that requests do not have", ratio("good_total", by="[job, zone]"), [
        ("no-label", "error", "no series of `requests` has the label `zone`"),
    ]),
    ("a label that a query's answer does not have", query("depth", by="[job, zone]"), [
        ("no-label", "error", "no series of `expr` has the label `zone`"),
    ]),
    # pace
    ("a window of one scrape", ratio("each_minute_total", window="1m"), [
        ("no-series", "warning", '`failures` matches no series: each_minute_total{code="500"}'),
        (
            "window-short",
            "error",
            "a window of 60s is less than 2 scrapes: the series of auth come every 60 s, as the last 10 minutes tell",
        ),
    ]),
    ("a window of three scrapes", ratio("each_25_seconds_total", window="1m"), [
        ("no-series", "warning", '`failures` matches no series: each_25_seconds_total{code="500"}'),
        (
            "window-short",
            "warning",
            f"a window of 60s is less than 4 scrapes, so that a lost one can empty it: {EACH_25}",
        ),
    ]),
    ("one instance whose scrapes are further apart", ratio("mixed_total"), [
        (
            "window-short",
            "warning",
            f"a window of 60s is less than 4 scrapes, so that a lost one can empty it: {EACH_25.replace('auth', 'b')}",
        ),
    ]),
    # latencies
    ("buckets of more than a thousand seconds", latency("odd", "{fixed: 240ms}").replace("slow{", "odd{"), [
        ("unit", "warning", "its buckets end at 5000, which is read as seconds and looks like milliseconds"),
    ]),
    ("a limit above the last bucket", latency("stuck", "trailing"), [
        (
            "never-fires",
            "error",
            "`prepare` of stuck can never fire: its limit of 7.31 s is not under the last finite bucket (5 s)",
        ),
    ]),
    ("a fixed limit at the last bucket", latency("auth|web", "{fixed: 4s}", above="25%"), [
        (
            "never-fires",
            "error",
            "`prepare` of auth, web can never fire: its limit of 5 s is not under the last finite bucket (5 s)",
        ),
    ]),
    ("a limit in the bucket of its baseline", latency("auth|web", "trailing", above="5%", quantile=0.5), [
        (
            "one-bucket",
            "warning",
            "`prepare` of auth, web: baseline and limit (1.05x) fall into one bucket: the limit acts as 1.11x",
        ),
    ]),
    ("a fixed one likewise", latency("auth", "{fixed: 260ms}"), [
        (
            "one-bucket",
            "warning",
            "`prepare` of auth: baseline and limit (1.5x) fall into one bucket: the limit acts as 1.92x",
        ),
    ]),
    ("no reference at all", latency("young", "trailing"), [
        (
            "no-baseline",
            "error",
            f"this rule can never judge: no reference is to be had for any instance {YOUNG}",
        ),
    ]),
    ("no reference, but a ceiling", latency("young", "trailing", rest=", ceiling: 1800ms"), [
        (
            "no-reference",
            "warning",
            f"no reference is to be had for any instance, its ceiling of 1.8 s stands in {YOUNG}",
        ),
    ]),
    ("a ceiling above the last bucket", latency("young", "trailing", rest=", ceiling: 9s"), [
        (
            "never-fires",
            "error",
            "`prepare` of young can never fire: its limit of 9 s is not under the last finite bucket (5 s)",
        ),
        (
            "no-reference",
            "warning",
            f"no reference is to be had for any instance, its ceiling of 9 s stands in {YOUNG}",
        ),
    ]),
    ("one of two references", latency("fresh", "[same_time, trailing]"), [
        (
            "no-reference",
            "warning",
            f"a reference is not to be had for any instance {FRESH}",
        ),
    ]),
    # traffic
    ("hardly any traffic but in two hours", ratio("shift_total", rest="guards: {min_requests: 50}"), [
        (
            "too-few-requests",
            "warning",
            "22 of 24 h of night had fewer than 50 requests in 60s: nothing can be judged then",
        ),
    ]),
    ("no traffic", ratio("never_total"), [
        ("no-series", "warning", '`failures` matches no series: never_total{code="500"}'),
        ("too-few-requests", "warning", "24 of 24 h of a, b had no request in 60s: nothing can be judged then"),
    ]),
]  # fmt: skip


def test_every_kind_of_finding_stands_in_the_documentation() -> None:
    section = DOCS.read_text().partition("## What only your data can tell")[2].partition("\n## ")[0]
    assert {code for row in DOUBTFUL for code, _, _ in row[2]} == set(
        re.findall(r"^\| `([a-z-]+)` \|", section, re.MULTILINE)
    )


RELEASES = [
    ("a version metric that is there", "build_info", "version", []),
    ("none", "build", "version", ["`version` matches no series: build"]),
    ("without its label", "build_info", "release", ["no series of `version` has the label `release`"]),
]


def looked(source: MetricsSource, rules: RuleSet, *, left: float = 20.0) -> Surveyed:
    clock = ManualClock(utc(START))
    means = Means(source, Baselines(source), Deadline(clock, clock.monotonic() + left), "15d")
    return survey(rules, plan(rules), means, START)


@pytest.mark.parametrize("rule", [row[1] for row in GOOD], ids=[row[0] for row in GOOD])
def test_good_rules_give_nothing(tmp_path: Path, source: PrometheusSource, rule: str) -> None:
    found = looked(source, written(tmp_path, rule))
    assert [str(one) for one in found.doubts] == []
    assert found.problem == ""


@pytest.mark.parametrize(("rule", "told"), [row[1:] for row in DOUBTFUL], ids=[row[0] for row in DOUBTFUL])
def test_what_data_say_against_rules(
    tmp_path: Path, source: PrometheusSource, rule: str, told: list[tuple[str, str, str]]
) -> None:
    found = looked(source, written(tmp_path, rule))
    assert [(one.code, str(one.severity), one.sentence) for one in found.doubts] == told
    assert {str(one.place) for one in found.doubts} == {f"{tmp_path}/story.yaml:6:16"}
    assert all(one.mend for one in found.doubts)
    assert found.problem == ""


@pytest.mark.parametrize(("metric", "label", "told"), [row[1:] for row in RELEASES], ids=[row[0] for row in RELEASES])
def test_what_data_say_against_releases(
    tmp_path: Path, source: PrometheusSource, metric: str, label: str, told: list[str]
) -> None:
    (tmp_path / "releases.yaml").write_text(f"services:\n  auth: {{version: {metric}, label: {label}}}\n")
    found = looked(source, written(tmp_path, query("depth"))).doubts
    assert [one.sentence for one in found] == told
    assert not any("optional" in one.mend for one in found)
    assert {(one.rule, str(one.place)) for one in found} <= {("releases of auth", f"{tmp_path}/releases.yaml:2:19")}


def test_guards_of_overrides_count_for_their_instances_alone(tmp_path: Path, source: PrometheusSource) -> None:
    milder = """overrides:
    - matchers: ['job="night"']
      prepare: {guards: {min_requests: 5}}"""
    rest = f"guards: {{min_requests: 50}}\n  {milder}"
    found = looked(source, written(tmp_path, ratio("shift_total", rest=rest)))
    assert [str(one) for one in found.doubts] == []


def test_the_pace_of_a_group_is_that_of_its_slowest_series(tmp_path: Path, source: PrometheusSource) -> None:
    rules = ratio("good_total") + ratio("each_minute_total").replace("alert: R", "alert: Slow")
    assert looked(source, written(tmp_path, rules)).paces == {"story": 60.0}


# --- what is not answered ---------------------------------------------------------------------------------------------

UNANSWERED = [
    ("no answer", Unanswered("the connection is refused"), "the connection is refused"),
    ("half an answer", Partial("one store is away"), "one store is away"),
    ("a question that the server does not understand", BadQuery("unknown function"), ""),
]


@pytest.mark.parametrize(("answer", "problem"), [row[1:] for row in UNANSWERED], ids=[row[0] for row in UNANSWERED])
def test_what_is_not_answered_is_one_sentence_and_no_finding(tmp_path: Path, answer: Answer, problem: str) -> None:
    asked: list[str] = []

    def said(expr: str, _at: int) -> Answer:
        asked.append(expr)
        return answer

    rules = latency("auth", "trailing") + ratio("good_total").replace("alert: R", "alert: S")
    found = looked(ScriptedSource(said), written(tmp_path, rules))
    assert (found.doubts, found.problem) == ((), problem)
    assert not any("[86400s:" in expr or "3600s]) by" in expr for expr in asked) or not problem


class Forgetful:
    """A source that answers for one time, and not for a stretch."""

    def __init__(self, source: PrometheusSource) -> None:
        self.instant, self.instants, self.clock = source.instant, source.instants, source.clock

    def range(self, expr: str, start: int, end: int, step: int, *, deadline: float) -> RangeAnswer:  # noqa: ARG002  # the port's
        return Unanswered("timeout")


def test_what_was_read_before_the_trouble_is_told_and_nothing_else(tmp_path: Path, source: PrometheusSource) -> None:
    high = latency("young", "trailing", rest=", ceiling: 9s")
    found = looked(Forgetful(source), written(tmp_path, high + query("god").replace("alert: R", "alert: S")))
    assert ([one.sentence for one in found.doubts], found.problem) == (["`expr` matches no series: god"], "timeout")


def test_nothing_is_asked_without_time(tmp_path: Path) -> None:
    def said(expr: str, at: int) -> Answer:
        raise AssertionError(f"{expr} at {at} was not to be read")

    found = looked(ScriptedSource(said), written(tmp_path, ratio("good_total")), left=0.0)
    assert (found.doubts, found.problem) == ((), "no time was left to ask")


# --- what it costs ----------------------------------------------------------------------------------------------------


def answered(source: PrometheusSource) -> int:
    """How many queries the server has answered, as it says itself."""
    said = requests.get(f"{source.url}/metrics", timeout=5).text
    counts = re.findall(
        r'^prometheus_http_requests_total{.*handler="/api/v1/query(?:_range)?"} (\S+)$', said, re.MULTILINE
    )
    return round(sum(map(float, counts)))


def test_fifty_rules_cost_few_requests(tmp_path: Path, source: PrometheusSource) -> None:
    kinds = (
        ratio("good_total"),
        ratio("god_total"),
        latency("auth|web", "[same_time, trailing]"),
        query("depth"),
        count("good_total"),
    )
    rules = "".join(kinds[n % 5].replace("alert: R", f"alert: R{n}").replace("1m", f"{60 + n}s") for n in range(50))
    before, began = answered(source), time.monotonic()
    found = looked(source, written(tmp_path, rules))
    asked, took = answered(source) - before, time.monotonic() - began
    print(f"50 rules: {asked} requests, {took:.2f} s, {len(found.doubts)} findings")
    assert found.problem == ""
    assert 3 <= asked <= 10
    assert took < 5
