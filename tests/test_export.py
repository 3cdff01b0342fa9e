"""The export: rules that Prometheus reads, that decide as ours do, and that say what they leave out."""

import json
import math
import subprocess
from dataclasses import replace
from pathlib import Path
from statistics import NormalDist

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from monitor.cli.export import run
from monitor.core.model import Tier, labels_of
from monitor.core.rules.rule import Matcher, MatchOp, Override, Rule, TierRule
from monitor.core.rules.ruleset import RuleSet
from monitor.core.rules.signal import ErrorRatio
from monitor.files import load
from monitor.ruleset.export import Peer, _cases, prometheus_rules

ROOT = Path(__file__).parents[1]
OLD, NEW = Peer((2, 42)), Peer((2, 53))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rules = tmp_path / "rules"
    (rules / "procedures").mkdir(parents=True)
    (rules / "procedures" / "rollback.yaml").write_text("title: R\nsteps: [{id: a, title: A}]\n")
    (rules / "routing.yaml").write_text("environment: test\n")
    return rules


def read(folder: Path, text: str) -> RuleSet:
    """Load rules, written without their group and their indentation."""
    listed = "".join(f"      {line}\n" for line in text.strip("\n").split("\n"))
    (folder / "a.yaml").write_text("groups:\n  - name: g\n    query_offset: 0s\n    rules:\n" + listed)
    loaded = load(folder)
    assert loaded.rules is not None, [str(one) for one in loaded.findings]
    return loaded.rules


def promtool(*words: str | Path) -> str:
    done = subprocess.run(["promtool", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


# --- decisions, by promtool's own engine --------------------------------------------------------------------------

RATIO = """
- alert: A
  signal: {error_ratio: {requests: 'r_total', failures: 'code="500"', by: [job], window: 1m}}
"""
LATENCY = """
- alert: A
  signal: {latency: {histogram: h, quantile: 0.5, by: [job], window: 1m, baseline: {fixed: 1s}}}
"""
HALF = {'r_total{job="a",code="500"}': "0+10x40", 'r_total{job="a",code="200"}': "0+10x40"}
SOME = {'r_total{job="a",code="500"}': "0+1x40", 'r_total{job="a",code="200"}': "0+3x40"}
ENDS = {'r_total{job="a",code="500"}': "0+10x8 80+2x40", 'r_total{job="a",code="200"}': "0+10x8 80+98x40"}
GAP = {'r_total{job="a",code="500"}': "0+10x8 _x40", 'r_total{job="a",code="200"}': "0+10x8 _x40"}
SLOW = {
    'h_bucket{job="a",le="1"}': "0+1x40",
    'h_bucket{job="a",le="2"}': "0+2x40",
    'h_bucket{job="a",le="4"}': "0+8x40",
    'h_bucket{job="a",le="+Inf"}': "0+8x40",
}

A = {"job": "a"}
DECISIONS = [
    # name, rule, series, the instances of prepare or rollback that fire at 10m (None: at all)
    ("over the limit", RATIO + "  prepare: {above: 20%, for: 5m}", HALF, [A]),
    ("exactly at the limit", RATIO + "  prepare: {above: 50%, for: 5m}", HALF, []),
    ("not long enough", RATIO + "  prepare: {above: 20%, for: 11m}", HALF, []),
    (
        "healthy, failures never seen",
        RATIO + "  rollback: {below: 1%, for: 1m}",
        {'r_total{job="a",code="200"}': "0+10x40"},
        [A],
    ),
    (
        "failures alone are nothing",
        RATIO.replace("'code=\"500\"'", "f_total") + "  rollback: {above: 1%, for: 1m}",
        {'f_total{job="a"}': "0+10x40"},
        [],
    ),
    ("no request", RATIO + "  rollback: {above: 1%, for: 1m}", {'r_total{job="a",code="500"}': "5+0x40"}, []),
    (
        "less than one request",
        RATIO + "  rollback: {above: 1%, for: 1m}",
        {'r_total{job="a",code="500"}': "0+0.1x40"},
        [],
    ),
    ("too few requests", RATIO + "  guards: {min_requests: 90}\n  rollback: {above: 1%, for: 1m}", HALF, []),
    ("enough requests", RATIO + "  guards: {min_requests: 70}\n  rollback: {above: 1%, for: 1m}", HALF, [A]),
    ("too few failures", RATIO + "  guards: {min_failures: 50}\n  rollback: {above: 1%, for: 1m}", HALF, []),
    ("proof is there", RATIO + "  rollback: {above: 25%, confidence: 99%}", HALF, [A]),
    ("4 of 16 are no proof of 20 %", RATIO + "  rollback: {above: 20%, confidence: 99%}", SOME, []),
    ("4 of 16 are over 20 %", RATIO + "  rollback: {above: 20%, for: 1m}", SOME, [A]),
    ("proof of what is below", RATIO + "  rollback: {below: 60%, confidence: 99%, for: 0s}", SOME, [A]),
    ("between clear and the limit", RATIO + "  prepare: {above: 20%, for: 1m, clear: 1%}", ENDS, [A]),
    ("under clear", RATIO + "  prepare: {above: 20%, for: 1m, clear: 10%}", ENDS, []),
    ("kept firing for a while", RATIO + "  prepare: {above: 20%, for: 1m}\n  keep_firing_for: 20m", ENDS, [A]),
    ("data that end resolve nothing", RATIO + "  prepare: {above: 20%, for: 1m}", GAP, [A]),
    ("unless that is what they say", RATIO + "  no_data: clear\n  prepare: {above: 20%, for: 1m}", GAP, []),
    (
        "the condition is met",
        RATIO + "  requires: {expr: sum by (job) (c), above: 1}\n  prepare: {above: 20%, for: 1m}",
        {**HALF, 'c{job="a"}': "2x40"},
        [A],
    ),
    (
        "the condition is met by another",
        RATIO + "  requires: {expr: sum by (job) (c), above: 1}\n  prepare: {above: 20%, for: 1m}",
        {**HALF, 'c{job="b"}': "2x40"},
        [],
    ),
    (
        "the condition is not met",
        RATIO + "  requires: {expr: sum(c), below: 1}\n  prepare: {above: 20%, for: 1m}",
        {**HALF, 'c{job="a"}': "2x40"},
        [],
    ),
    (
        "unmet, what fires goes on",
        RATIO + "  requires: {expr: sum(c), above: 1}\n  prepare: {above: 20%, for: 1m}",
        {**ENDS, 'c{job="a"}': "2x8 0x40"},
        [A],
    ),
    (
        "unmet, it would have ended",
        RATIO + "  requires: {expr: sum(c), above: 1}\n  prepare: {above: 20%, for: 1m}",
        {**ENDS, 'c{job="a"}': "2x40"},
        [],
    ),
    (
        "missing is a breach",
        ("- alert: A\n  signal: {availability: {probe: up}}\n  no_data: breach\n  rollback: {below: 50%}"),
        {"x": "1x40"},
        [{}],
    ),
    (
        "an expected one is missing",
        (
            "- alert: A\n  signal: {availability: {probe: up, by: [job]}}\n  no_data: breach\n"
            "  expect: [{job: a}, {job: b$1}]\n  rollback: {below: 50%}"
        ),
        {'up{job="a"}': "1x40"},
        [{"job": "b$1"}],
    ),
    (
        "half of the probes",
        "- alert: A\n  signal: {availability: {probe: up, by: [job]}}\n  rollback: {below: 60%}",
        {'up{job="a"}': "0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1"},
        [A],
    ),
    ("slower than a fixed time", LATENCY + "  prepare: {above: 150%, for: 1m}", SLOW, [A]),
    ("not so slow", LATENCY + "  prepare: {above: 170%, for: 1m}", SLOW, []),
    ("too few are slow", LATENCY + "  guards: {min_requests: 90}\n  prepare: {above: 10%, for: 1m}", SLOW, []),
    (
        "a query, told apart by all of its labels",
        "- alert: A\n  signal: {query: {expr: q}}\n  rollback: {above: 1}",
        {'q{x="1"}': "2x40", 'q{x="2"}': "1x40"},
        [{"x": "1"}],
    ),
    (
        "a query goes on without data",
        ("- alert: A\n  signal: {query: {expr: q}}\n  labels: {team: t}\n  rollback: {above: 1}"),
        {'q{x="1"}': "2x8 _x40"},
        [{"x": "1", "team": "t"}],
    ),
    (
        "a query that is endless",
        "- alert: A\n  signal: {query: {expr: q / 0}}\n  rollback: {above: 1}",
        {"q": "1x40"},
        [],
    ),
    (
        "an empty query has a value",
        "- alert: A\n  signal: {query: {expr: q, absent: 5}}\n  rollback: {above: 1}",
        {"x": "1x40"},
        [{}],
    ),
    (
        "an empty query has none where it is not empty",
        "- alert: A\n  signal: {query: {expr: q, absent: 5}}\n  rollback: {above: 1}",
        {'q{x="1"}': "0x40"},
        [],
    ),
    (
        "a query of several lines",
        ("- alert: A\n  signal:\n    query:\n      expr: |-\n        q # of\n        + 1 # x\n  rollback: {above: 1}"),
        {"q": "1x40"},
        [{}],
    ),
    (
        "a label of the rule is no template",
        ("- alert: A\n  signal: {query: {expr: sum(q)}}\n  rollback: {above: 1}\n  labels: {note: '{{ x }}'}"),
        {"q": "2x40"},
        [{"note": "{{ x }}"}],
    ),
]


@pytest.mark.parametrize(
    ("text", "series", "firing"), [row[1:] for row in DECISIONS], ids=[row[0] for row in DECISIONS]
)
def test_prometheus_decides_as_we_do(
    folder: Path, text: str, series: dict[str, str], firing: list[dict[str, str]]
) -> None:
    assert_fires(read(folder, text), series, firing)


def assert_fires(
    rules: RuleSet, series: dict[str, str], firing: list[dict[str, str]], *, every: str = "15s", at: str = "10m"
) -> None:
    """Let promtool evaluate the exported rules over `series`, and compare what fires in the end."""
    folder = Path(rules.groups[0].rules[0].place.file).parent.parent
    exported = folder / "exported.yml"
    exported.write_text(prometheus_rules(rules, OLD).text)
    bare = folder / "bare.yml"  # annotations are compared too, and are not the point
    document = yaml.safe_load(exported.read_text())
    for rule in document["groups"][0]["rules"]:
        rule.pop("annotations", None)
    bare.write_text(json.dumps(document))
    tier = rules.groups[0].rules[0].every_tier[0].tier.value
    expected = [{"exp_labels": {"tier": tier, **labels}} for labels in firing]
    test = {
        "rule_files": [str(bare)],
        "evaluation_interval": "15s" if every == "15s" else "5m",
        "tests": [
            {
                "interval": every,
                "input_series": [{"series": name, "values": values} for name, values in series.items()],
                "alert_rule_test": [{"eval_time": at, "alertname": "A", "exp_alerts": expected}],
            }
        ],
    }
    (folder / "test.yml").write_text(json.dumps(test))
    promtool("check", "rules", exported)
    promtool("test", "rules", folder / "test.yml")


OVERRIDDEN = """
- alert: A
  signal: {{{signal}}}
  prepare: {{above: 20%, for: 1m}}
  overrides:
    - {{matchers: ['job="a"', 'env=~"p|q"'], prepare: {{above: 60%}}}}
    - {{matchers: ['job!~"a|b"'], prepare: none}}
    - {{matchers: ['env="slow"'], prepare: {{for: 5m}}}}
"""
SIGNALS = {
    "a signal of selectors": "error_ratio: {requests: r_total, failures: 'code=\"500\"', by: [job, env]}",
    "any query": "query: {expr: 'sum by (job, env) (rate(r_total{code=\"500\"}[1m])) * 1.5', by: [job, env]}",
}


@pytest.mark.parametrize("signal", SIGNALS.values(), ids=SIGNALS)
def test_each_instance_has_the_tiers_of_the_first_override_that_fits(folder: Path, signal: str) -> None:
    rules = read(folder, OVERRIDDEN.format(signal=signal))
    jobs = [(job, env) for job in ("a", "b", "c", "") for env in ("p", "x", "slow")]
    series = {f'r_total{{job="{job}",env="{env}",code="{code}"}}': "0+5x50" for job, env in jobs for code in (200, 500)}
    soon = [{"job": "a", "env": "x"}, {"job": "b", "env": "p"}, {"job": "b", "env": "x"}]
    assert_fires(rules, series, soon, at="4m")
    assert_fires(rules, series, [*soon, {"job": "a", "env": "slow"}, {"job": "b", "env": "slow"}])


TRAILING = """
- alert: A
  signal:
    latency: {{histogram: h, quantile: 0.5, by: [job], window: 10m, baseline: trailing{ceiling}}}
  guards: {{min_requests: {needed}}}
  prepare: {{above: {limit}, for: 0s}}
"""
DAY = {
    # 12 hours of few requests that take 0.5 s, 12 hours of 120 that take 1.5 s, and an hour of 3 s
    'h_bucket{job="a",le="1"}': "0+0.1x780 78+0x789",
    'h_bucket{job="a",le="2"}': "0+0.1x780 80+2x719 1518+0x69",
    'h_bucket{job="a",le="4"}': "0+0.1x780 80+2x719 1538+20x69",
    'h_bucket{job="a",le="+Inf"}': "0+0.1x780 80+2x719 1538+20x69",
}
HALF_A_DAY = {
    'h_bucket{job="a",le="1"}': "0+0.1x840 84+0x729",
    'h_bucket{job="a",le="2"}': "0+0.1x840 86+2x659 1404+0x69",
    'h_bucket{job="a",le="4"}': "0+0.1x840 86+2x659 1424+20x69",
    'h_bucket{job="a",le="+Inf"}': "0+0.1x840 86+2x659 1424+20x69",
}
"""The same with 11 hours that count, and the one that has just ended."""
HELD_AGAINST = [
    ("the median of the hours that count", DAY, ("", 50, "90%"), [A]),
    ("hours of few requests do not count", DAY, ("", 50, "110%"), []),
    ("no hour counts", DAY, ("", 130, "1%"), []),
    ("less than half of the hours count", HALF_A_DAY, ("", 50, "1%"), []),
    ("no hour counts, and the ceiling is passed", DAY, (", ceiling: 2900ms", 130, "50%"), [A]),
    ("no hour counts, and the ceiling is not", DAY, (", ceiling: 3100ms", 130, "50%"), []),
    ("hours count, and the ceiling is nothing", DAY, (", ceiling: 1s", 50, "110%"), []),
]


@pytest.mark.parametrize(
    ("series", "written", "firing"), [row[1:] for row in HELD_AGAINST], ids=[row[0] for row in HELD_AGAINST]
)
def test_a_latency_is_held_against_the_last_24_hours(
    folder: Path, series: dict[str, str], written: tuple[str, int, str], firing: list[dict[str, str]]
) -> None:
    ceiling, needed, limit = written
    rules = read(folder, TRAILING.format(ceiling=ceiling, needed=needed, limit=limit))
    assert_fires(rules, series, firing, every="1m", at="26h5m")


MATCHERS = st.builds(
    Matcher, st.sampled_from(["job", "env"]), st.sampled_from(list(MatchOp)), st.sampled_from(["a", "b", ""])
)
OVERRIDES = st.lists(st.lists(MATCHERS, min_size=1, max_size=2).map(tuple), max_size=3)
PLAIN = TierRule(Tier.PREPARE, 0.5, None, 0, window=60)


@given(OVERRIDES, st.sampled_from(["a", "b", "c", ""]), st.sampled_from(["a", "b", "c", ""]))
def test_an_instance_stands_in_one_region_that_of_its_tiers(
    overrides: list[tuple[Matcher, ...]], job: str, env: str
) -> None:
    tiers = [(replace(PLAIN, above=index / 10),) for index, _ in enumerate(overrides)]
    rule = Rule(
        "A",
        ErrorRatio("r", "f", ("job", "env"), 60),
        (PLAIN,),
        overrides=tuple(Override(matchers, own) for matchers, own in zip(overrides, tiers, strict=True)),
    )
    labels = labels_of({"job": job, "env": env})
    fitting = [
        own for own, regions in _cases(rule) for region in regions if all(matcher.matches(labels) for matcher in region)
    ]
    assert fitting == [rule.tiers_of(labels)]


@given(
    st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    st.integers(1, 99),
    st.sampled_from([0.5, 0.9, 0.99, 0.999]),
)
def test_the_exported_proof_is_the_wilson_bound(counts: tuple[int, int], percent: int, confidence: float) -> None:
    (k, n), limit, z = counts, percent / 100, NormalDist().inv_cdf(confidence)
    p = k / n
    spread = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    bound = (p + z * z / (2 * n) - spread) / (1 + z * z / n)
    if not math.isclose(bound, limit, rel_tol=1e-9):
        assert (bound > limit) == (p > limit and (p - limit) ** 2 * n > z * z * limit * (1 - limit))


# --- what is said -------------------------------------------------------------------------------------------------

NO = "is left out, Prometheus has no expression for "
SAID = [
    (
        "a shadow rule",
        RATIO + "  shadow: true\n  prepare: {above: 1%}",
        OLD,
        ["A: is left out, a shadow rule pages nobody"],
    ),
    (
        "a count",
        "- alert: A\n  signal: {count: {counter: 'c{job=\"a\"}'}}\n  rollback: {above: 0}",
        OLD,
        [(f"A (rollback): {NO}a count, which is read in steps that its evaluations do not stand on")],
    ),
    (
        "the same time of other weeks",
        LATENCY.replace("{fixed: 1s}", "same_time") + "  prepare: {above: 50%}",
        OLD,
        [(f"A (prepare): {NO}the baseline `same_time`, which depends on how far back the data reach")],
    ),
    (
        "proof of a latency",
        LATENCY + "  prepare: {above: 50%}\n  rollback: {above: 90%, confidence: 99%}",
        OLD,
        [(f"A (rollback): {NO}proof that enough requests are slower than a limit between two buckets")],
    ),
    (
        "a condition of any labels",
        RATIO + "  requires: {expr: c, above: 1}\n  prepare: {above: 1%}",
        OLD,
        [(f"A (prepare): {NO}`requires` whose labels only the data can tell; aggregate it by the labels it is for")],
    ),
    (
        "no_data: breach of whom",
        RATIO + "  no_data: breach\n  prepare: {above: 1%}",
        OLD,
        [(f"A (prepare): {NO}`no_data: breach` for instances that are not named in `expect`")],
    ),
    (
        "a person ends it",
        RATIO + "  resolve: by_person\n  prepare: {above: 1%}",
        OLD,
        ["A: by_person is left out, it ends when its signal is clear"],
    ),
    (
        "a warm-up",
        LATENCY + "  after_deploy: 3m\n  prepare: {above: 1%}",
        OLD,
        ["A: after_deploy is left out, prepare may start during a release"],
    ),
    (
        "keep_firing_for before 2.42",
        RATIO + "  keep_firing_for: 1m\n  prepare: {above: 1%}",
        Peer((2, 41)),
        ["A: keep_firing_for is left out, Prometheus knows it from 2.42 on"],
    ),
    (
        "clear without ALERTS",
        RATIO + "  prepare: {above: 2%, clear: 1%}",
        Peer(remembers=False),
        ["A: clear is left out, it needs ALERTS"],
    ),
    (
        "a label that instances have",
        RATIO + "  labels: {job: x}\n  prepare: {above: 2%}",
        OLD,
        ["A: the label job is left out, its instances have one of that name"],
    ),
    (
        "a link with a time",
        RATIO + "  links: {d: 'https://x.example/?from={{ $from }}'}\n  prepare: {above: 2%}",
        OLD,
        ["A: the link d is left out, it reads the time of the alert"],
    ),
    ("nothing at all", RATIO + "  guards: {min_requests: 5}\n  prepare: {above: 2%}", OLD, []),
]


@pytest.mark.parametrize(("text", "peer", "remarks"), [row[1:] for row in SAID], ids=[row[0] for row in SAID])
def test_what_is_left_out_is_said_in_the_file_too(folder: Path, text: str, peer: Peer, remarks: list[str]) -> None:
    exported = prometheus_rules(read(folder, text), peer)
    assert list(exported.remarks) == remarks
    assert [line.strip() for line in exported.text.splitlines() if line.startswith("      #")] == [
        f"# {remark}" for remark in remarks
    ]
    (folder / "exported.yml").write_text(exported.text)
    promtool("check", "rules", folder / "exported.yml")


def test_too_many_overrides_are_not_taken_apart(folder: Path) -> None:
    text = RATIO.replace("[job]", "[job, env]") + "  prepare: {above: 2%}\n  overrides:\n"
    text += "".join(f"    - {{matchers: ['job=\"{n}\"', 'env=\"{n}\"'], prepare: none}}\n" for n in range(5))
    exported = prometheus_rules(read(folder, text), OLD)
    assert exported.remarks == (f"A: {NO}so many overrides with several matchers",)
    assert yaml.safe_load(exported.text)["groups"][0]["rules"] == []


def test_the_offset_is_for_those_who_know_it(folder: Path) -> None:
    rules = read(folder, RATIO + "  prepare: {above: 2%}")
    late = replace(rules, groups=(replace(rules.groups[0], query_offset=10),))
    old, new = (prometheus_rules(late, peer) for peer in (OLD, NEW))
    assert old.remarks == ("g: query_offset: 10s is left out, Prometheus knows it from 2.53 on",)
    assert "query_offset" not in yaml.safe_load(old.text)["groups"][0]
    assert new.remarks == ()
    assert yaml.safe_load(new.text)["groups"][0]["query_offset"] == "10s"


def test_rules_that_stand_alone_do_not_look_at_alerts() -> None:
    rules = load(ROOT / "rules").rules
    assert rules is not None
    assert "ALERTS{" in prometheus_rules(rules, OLD).text
    assert "ALERTS{" not in prometheus_rules(rules, Peer(remembers=False)).text


ODD = 'a"b\\c{{ x }}\x85\u2028é'


def test_odd_texts_stay_what_they_are(folder: Path) -> None:
    rules = read(folder, RATIO + "  prepare: {above: 2%}")
    rule = replace(rules.groups[0].rules[0], alert=ODD, annotations=(("summary", ODD),), links=(), service="")
    odd = replace(rules, groups=(replace(rules.groups[0], name=ODD, rules=(rule,)),))
    group = yaml.safe_load(prometheus_rules(odd, Peer(remembers=False)).text)["groups"][0]
    assert (group["name"], group["rules"][0]["alert"]) == (ODD, ODD)
    assert group["rules"][0]["annotations"] == {"summary": ODD}


# --- the command --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alone", [False, True], ids=["remembering", "alone"])
def test_the_shipped_rules_pass_promtool(tmp_path: Path, capsys: pytest.CaptureFixture[str], *, alone: bool) -> None:
    assert run(ROOT / "rules", "2.42", remembers=not alone) == 0
    said = capsys.readouterr()
    (tmp_path / "r.yml").write_text(said.out)
    assert "SUCCESS: 7 rules found" in promtool("check", "rules", tmp_path / "r.yml")
    assert "CriticalApiLatency" in said.err, "its references are no PromQL, and that is said"
    assert "rollback-monitor: rollback: query_offset: 5s is left out" in said.err


def test_exported_rules_load_here_too(folder: Path) -> None:
    rules = load(ROOT / "rules").rules
    assert rules is not None
    (folder / "a.yaml").write_text(prometheus_rules(rules, OLD).text)
    loaded = load(folder)
    assert loaded.rules is not None
    assert {one.code for one in loaded.findings} == {"condition"}


@pytest.mark.parametrize(("version", "code"), [("2.42", 0), ("v3.5.1", 0), ("3", 2), ("new", 2)])
def test_a_version_is_two_numbers(version: str, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(ROOT / "rules", version, remembers=True) == code
    assert bool(capsys.readouterr().out) == (code == 0)


def test_rules_with_errors_are_not_exported(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "a.yaml").write_text("groups: [{name: g}]\n")
    assert run(folder, "2.42", remembers=True) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "`rules` is missing in a group" in said.err
