"""What a person writes -> the core value that it means: defaults, spellings, merging."""

from dataclasses import replace
from pathlib import Path

import pytest

from monitor.core.model import Tier
from monitor.core.rules.routing import Route, Routing, ShadowReport
from monitor.core.rules.rule import Guards, Matcher, MatchOp, NoData, Requires, Resolve, Rule, TierRule
from monitor.core.rules.ruleset import VersionMetric
from monitor.core.rules.service import Labelled, Releases, Replicas, Service
from monitor.core.rules.signal import Availability, Baseline, Count, ErrorRatio, Latency, Query, ReferenceKind, TimeUnit
from monitor.files import check, load
from monitor.files.findings import Report
from monitor.files.routingfile import read_routing
from monitor.files.syntax import parse

HEAD = "groups:\n  - name: g\n    rules:\n      - alert: A\n"


def read(folder: Path, rule: str, head: str = HEAD) -> Rule:
    """Load one rule, whose keys are written without indentation."""
    (folder / "procedures").mkdir(exist_ok=True)
    for name in ("rollback", "other"):
        (folder / "procedures" / f"{name}.yaml").write_text("title: R\nsteps: [{id: a, title: A}]\n")
    (folder / "r.yaml").write_text(head + "".join(f"        {line}\n" for line in rule.splitlines()))
    loaded = load(folder)
    assert loaded.rules is not None, [str(finding) for finding in loaded.findings]
    return loaded.rules.groups[0].rules[0]


SIGNALS = [
    (
        "matchers join the requests",
        "{error_ratio: {requests: 'r{a=\"b\"}', failures: 'code=~\"5..\"'}}",
        ErrorRatio('r{a="b"}', 'r{a="b",code=~"5.."}', (), 60),
    ),
    (
        "matchers join bare requests",
        "{error_ratio: {requests: 'r', failures: 'a=\"b\",c!=\"d\"'}}",
        ErrorRatio("r", 'r{a="b",c!="d"}', (), 60),
    ),
    ("failures of their own", "{error_ratio: {requests: r, failures: f}}", ErrorRatio("r", "f", (), 60)),
    (
        "failures of their own with braces",
        "{error_ratio: {requests: r, failures: 'f{a=\"b\"}', by: [x, z], window: 2m}}",
        ErrorRatio("r", 'f{a="b"}', ("x", "z"), 120),
    ),
    (
        "comments and blanks leave a selector",
        "{availability: {probe: \"up { a = 'b' , } # mine\"}}",
        Availability('up{a="b"}', (), 60),
    ),
    (
        "quotes and line ends stay inside a value",
        '{availability: {probe: \'up{a="x\\"}\\n"}\'}}',
        Availability('up{a="x\\"}\\n"}', (), 60),
    ),
    (
        "latency by default",
        "{latency: {histogram: h}}",
        Latency("h", 0.95, (), 60, Baseline()),
    ),
    (
        "baseline in a list",
        "{latency: {histogram: h, baseline: [trailing]}}",
        Latency("h", 0.95, (), 60, Baseline((ReferenceKind.TRAILING,))),
    ),
    (
        "a ceiling",
        "{latency: {histogram: h, quantile: 99%, baseline: trailing, ceiling: 2s}}",
        Latency("h", 0.99, (), 60, Baseline((ReferenceKind.TRAILING,), ceiling=2.0)),
    ),
    (
        "a fixed baseline",
        "{latency: {histogram: h, baseline: {fixed: 250ms}}}",
        Latency("h", 0.95, (), 60, Baseline((), fixed=0.25)),
    ),
    (
        "buckets in milliseconds, thresholds as ever",
        "{latency: {histogram: h_milliseconds, unit: ms, baseline: {fixed: 250ms}}}",
        Latency("h_milliseconds", 0.95, (), 60, Baseline((), fixed=0.25), TimeUnit.MILLISECONDS),
    ),
    (
        "a count, alive by the job of its counter",
        '{count: {counter: \'errors_total{code="500",job=~"a|b",job!="c"}\', by: [job], window: 5m}}',
        Count('errors_total{code="500",job=~"a|b",job!="c"}', ("job",), 300, 'up{job=~"a|b",job!="c"}'),
    ),
    (
        "a count that says what is alive",
        "{count: {counter: errors_total, alive: 'up{instance=\"a:1\"}'}}",
        Count("errors_total", (), 60, 'up{instance="a:1"}'),
    ),
    ("a query", "{query: {expr: 'sum by (a) (x)', by: [a], absent: 0}}", Query("sum by (a) (x)", ("a",), 0.0)),
]


@pytest.mark.parametrize(("text", "signal"), [row[1:] for row in SIGNALS], ids=[row[0] for row in SIGNALS])
def test_a_signal_is_read(tmp_path: Path, text: str, signal: object) -> None:
    assert read(tmp_path, f"signal: {text}\nprepare: {{above: 0.9, for: 10m}}").signal == signal


THRESHOLDS = [
    ("2%", "error_ratio", 0.02),
    ("0.02", "error_ratio", 0.02),
    ("12.5%", "error_ratio", 0.125),
    ("'2%'", "error_ratio", 0.02),
    ("0", "error_ratio", 0),
    ("50%", "latency", 0.5),
    ("300%", "latency", 3.0),
    ("1.5", "latency", 1.5),
    ("250ms", "query", 0.25),
    ("15m", "query", 900),
    ("1h30m", "query", 5400),
    ("1000000", "query", 1_000_000),
    ("-5", "query", -5),
]
KINDS = {"error_ratio": "{requests: r, failures: f}", "latency": "{histogram: h}", "query": "{expr: x}"}


@pytest.mark.parametrize(("text", "kind", "value"), THRESHOLDS, ids=[f"{row[0]} of {row[1]}" for row in THRESHOLDS])
def test_a_threshold_is_read(tmp_path: Path, text: str, kind: str, value: float) -> None:
    rule = read(tmp_path, f"signal: {{{kind}: {KINDS[kind]}}}\nrollback: {{above: {text}}}")
    assert rule.tiers[0].above == value


def test_the_defaults_of_a_rule(tmp_path: Path) -> None:
    rule = read(
        tmp_path, "signal: {availability: {probe: up, by: [job]}}\nprepare: {below: 50%}\nrollback: {below: 10%}"
    )
    assert rule.tiers == (
        TierRule(Tier.PREPARE, None, 0.5, 300, None, 60, Guards()),
        TierRule(Tier.ROLLBACK, None, 0.1, 0, None, 60, Guards()),
    )
    assert (rule.no_data, rule.resolve, rule.procedure) == (NoData.HOLD, Resolve.BY_SIGNAL, "rollback")
    assert (rule.keep_firing_for, rule.optional, rule.gap_tolerance, rule.suspects) == (0, False, None, ())
    assert (rule.service, rule.place.line, rule.place.column) == ("{{ $labels.job }}", 4, 16)


SERVICES = [
    ("its service label", "{probe: up, by: [job, service]}", "{{ $labels.service }}"),
    ("what the selector demands", "{probe: 'up{job=\"auth\"}'}", "auth"),
    ("nothing", "{probe: 'up{job=~\"auth\"}'}", ""),
]


@pytest.mark.parametrize(("signal", "service"), [row[1:] for row in SERVICES], ids=[row[0] for row in SERVICES])
def test_the_service_of_a_rule_that_names_none(tmp_path: Path, signal: str, service: str) -> None:
    assert read(tmp_path, f"signal: {{availability: {signal}}}\nrollback: {{below: 50%}}").service == service


def test_defaults_lie_under_a_rule_key_by_key(tmp_path: Path) -> None:
    head = (
        "defaults:\n  keep_firing_for: 2m\n  no_data: breach\n  guards: {min_requests: 10, min_failures: 1}\n"
        "  labels: {team: a, tool: b}\n  procedure: other\n" + HEAD
    )
    rule = read(
        tmp_path,
        "signal: {error_ratio: {requests: r, failures: f}}\nguards: {min_failures: 2}\nlabels: {team: c}\n"
        "no_data: clear\nrollback: {above: 10%, guards: {min_requests: 30}}",
        head,
    )
    assert (rule.keep_firing_for, rule.no_data, rule.procedure) == (120, NoData.CLEAR, "other")
    assert rule.labels == (("team", "c"), ("tool", "b"))
    assert rule.tiers[0].guards == Guards(min_requests=30, min_failures=2)


def test_a_tier_has_its_own_window_hold_and_guards(tmp_path: Path) -> None:
    rule = read(
        tmp_path,
        "signal: {error_ratio: {requests: r, failures: f, window: 2m}}\nguards: {min_requests: 5}\n"
        "prepare: {above: 2%, for: 10m, clear: 1%}\n"
        "rollback: {above: 20%, for: 3m, window: 1m, guards: {min_failures: 3}}",
    )
    assert rule.tiers == (
        TierRule(Tier.PREPARE, 0.02, None, 600, 0.01, 120, Guards(min_requests=5)),
        TierRule(Tier.ROLLBACK, 0.2, None, 180, None, 60, Guards(min_requests=5, min_failures=3)),
    )


def test_a_group_has_its_times(tmp_path: Path) -> None:
    head = HEAD.replace("    rules:", "    interval: 30s\n    query_offset: 0s\n    blind_after: 10m\n    rules:")
    read(tmp_path, "signal: {query: {expr: x}}\nrollback: {above: 1}", head)
    rules = load(tmp_path).rules
    assert rules is not None
    assert (rules.groups[0].interval, rules.groups[0].query_offset, rules.groups[0].blind_after) == (30, 0, 600)


def test_templates_may_read_the_labels_of_the_rule(tmp_path: Path) -> None:
    rule = read(
        tmp_path,
        "signal: {query: {expr: x}}\nrollback: {above: 1}\nlabels: {team: a}\n"
        'annotations: {summary: "{{ $labels.team }} {{ $labels.any }}"}',
    )
    assert dict(rule.annotations)["summary"] == "{{ $labels.team }} {{ $labels.any }}"


RATIO = "signal: {error_ratio: {requests: r, failures: f, by: [job, route]}}\n"


def test_a_tier_asks_for_proof(tmp_path: Path) -> None:
    rule = read(tmp_path, RATIO + "prepare: {above: 2%, for: 5m}\nrollback: {above: 20%, confidence: 99.5%}")
    assert [tier.confidence for tier in rule.tiers] == [None, 0.995]


REQUIRES = [
    ("above a number", "{expr: 'sum(x)', above: 0.1}", Requires("sum(x)", above=0.1)),
    ("below a duration", "{expr: 'max(x)', below: 15m}", Requires("max(x)", below=900)),
    ("below zero", "{expr: 'max(x)', above: -5}", Requires("max(x)", above=-5)),
]


@pytest.mark.parametrize(("text", "expected"), [row[1:] for row in REQUIRES], ids=[row[0] for row in REQUIRES])
def test_a_condition_is_read(tmp_path: Path, text: str, expected: Requires) -> None:
    assert read(tmp_path, RATIO + f"rollback: {{above: 20%, for: 5m}}\nrequires: {text}").requires == expected


def test_what_says_little_more_about_a_rule(tmp_path: Path) -> None:
    rule = read(
        tmp_path,
        "renamed_from: Old\nsignal: {latency: {histogram: h, by: [job]}}\nprepare: {above: 50%}\nafter_deploy: 3m\n"
        "shadow: true\nexpect: [{job: auth}, {job: '8080'}]",
    )
    assert (rule.renamed_from, rule.after_deploy, rule.shadow) == ("Old", 180, True)
    assert rule.expect == ((("job", "auth"),), (("job", "8080"),))


def test_nothing_more_is_said_by_default(tmp_path: Path) -> None:
    rule = read(tmp_path, RATIO + "rollback: {above: 20%, for: 5m}")
    assert (rule.requires, rule.overrides, rule.expect, rule.renamed_from) == (None, (), (), "")
    assert (rule.after_deploy, rule.shadow, rule.tiers[0].confidence) == (0, False, None)


def test_the_one_instance_of_a_rule_without_by_can_be_expected(tmp_path: Path) -> None:
    rule = read(tmp_path, "signal: {availability: {probe: up}}\nrollback: {below: 50%}\nexpect: [{}]")
    assert rule.expect == ((),)


# --- overrides ----------------------------------------------------------------------------------------------------

UNDER = (
    RATIO + "guards: {min_requests: 10, min_failures: 1}\n"
    "prepare: {above: 2%, for: 10m, clear: 1%}\n"
    "rollback: {above: 20%, confidence: 99%, window: 2m, guards: {min_failures: 3}}\n"
    "overrides:\n"
)
P = TierRule(Tier.PREPARE, 0.02, None, 600, 0.01, 60, Guards(10, 1))
R = TierRule(Tier.ROLLBACK, 0.2, None, 0, None, 120, Guards(10, 3), 0.99)
OVERRIDES = [
    ("a limit of its own", "prepare: {above: 5%}", (replace(P, above=0.05), R)),
    ("everything of its own", "rollback: {above: 30%, for: 1m, clear: 9%, window: 1m, confidence: 95%}",
     (P, replace(R, above=0.3, hold=60, clear=0.09, window=60, confidence=0.95))),
    ("a tier switched off", "prepare: none", (R,)),
    ("both switched off", "prepare: none, rollback: none", ()),
    ("guards of a tier, key by key", "rollback: {guards: {min_requests: 50}}", (P, replace(R, guards=Guards(50, 3)))),
    ("guards over those of the rule and its tiers", "guards: {min_failures: 9}",
     (replace(P, guards=Guards(10, 9)), replace(R, guards=Guards(10, 9)))),
    ("guards of a tier in it over its own", "guards: {min_failures: 9}, rollback: {guards: {min_failures: 4}}",
     (replace(P, guards=Guards(10, 9)), replace(R, guards=Guards(10, 4)))),
]  # fmt: skip


@pytest.mark.parametrize(("text", "tiers"), [row[1:] for row in OVERRIDES], ids=[row[0] for row in OVERRIDES])
def test_an_override_is_merged_over_the_tiers(tmp_path: Path, text: str, tiers: tuple[TierRule, ...]) -> None:
    rule = read(tmp_path, UNDER + f"  - {{matchers: ['job=\"auth\"'], {text}}}")
    assert rule.overrides[0].tiers == tiers
    assert rule.tiers == (P, R)


def test_an_override_may_add_a_tier(tmp_path: Path) -> None:
    rule = read(
        tmp_path,
        "signal: {availability: {probe: up, by: [job]}}\nprepare: {below: 50%}\n"
        "overrides: [{matchers: ['job=\"auth\"'], rollback: {below: 10%}}]",
    )
    assert rule.overrides[0].tiers[1] == TierRule(Tier.ROLLBACK, None, 0.1, 0, None, 60)


def test_the_first_override_that_fits_wins(tmp_path: Path) -> None:
    rule = read(
        tmp_path,
        UNDER + "  - {matchers: ['job=~\"a.*\"', 'route!=\"/\"'], prepare: none}\n"
        '  - {matchers: [\'job=~"a.*|b",route!~"x|y"\'], rollback: none}',
    )
    assert [one.matchers for one in rule.overrides] == [
        (Matcher("job", MatchOp.MATCHES, "a.*"), Matcher("route", MatchOp.NOT_EQUAL, "/")),
        (Matcher("job", MatchOp.MATCHES, "a.*|b"), Matcher("route", MatchOp.NOT_MATCHES, "x|y")),
    ]
    seen = {
        (job, route): [tier.tier for tier in rule.tiers_of((("job", job), ("route", route)))]
        for job in ("auth", "b", "web")
        for route in ("/", "x")
    }
    assert seen == {
        ("auth", "/"): [Tier.PREPARE],
        ("auth", "x"): [Tier.ROLLBACK],
        ("b", "/"): [Tier.PREPARE],
        ("b", "x"): [Tier.PREPARE, Tier.ROLLBACK],
        ("web", "/"): [Tier.PREPARE, Tier.ROLLBACK],
        ("web", "x"): [Tier.PREPARE, Tier.ROLLBACK],
    }


def test_a_group_has_its_bounds(tmp_path: Path) -> None:
    head = HEAD.replace("    rules:", "    limit: 20\n    max_catch_up: 2h\n    rules:")
    read(tmp_path, "signal: {query: {expr: x}}\nrollback: {above: 1}", head)
    rules = load(tmp_path).rules
    assert rules is not None
    assert (rules.groups[0].limit, rules.groups[0].max_catch_up) == (20, 7200)
    read(tmp_path, "signal: {query: {expr: x}}\nrollback: {above: 1}")
    rules = load(tmp_path).rules
    assert rules is not None
    assert (rules.groups[0].limit, rules.groups[0].max_catch_up) == (500, 3600)


def test_releases_name_the_version_of_each_service(tmp_path: Path) -> None:
    (tmp_path / "releases.yaml").write_text(
        "version: 1\nservices:\n  auth: {version: 'app_build_info{job=\"auth\"}'}\n"
        "  partner-registry: {version: kube_pod_container_info, label: image}\n"
    )
    read(tmp_path, "signal: {query: {expr: x}}\nrollback: {above: 1}")
    rules = load(tmp_path).rules
    assert rules is not None
    assert rules.versions == (
        VersionMetric("auth", 'app_build_info{job="auth"}', "version"),
        VersionMetric("partner-registry", "kube_pod_container_info", "image"),
    )


def test_releases_say_where_everything_is_seen(tmp_path: Path) -> None:
    (tmp_path / "releases.yaml").write_text(
        "registry: {url: 'https://r.example.com:5000/'}\nlookback: 7d\nproven: 2h\nservices:\n"
        "  auth:\n    version: build\n    by: who\n    image: 'r.example.com:5000/auth:{version}'\n"
        "    replicas: {desired: d, updated: u}\n    migrations: {schema: s}\n    flags: {metric: f, label: name}\n"
        "  web: {version: pods, label: image, migrations: {applied: a, major: false}}\n"
        "  till: {version: build, image: {metric: pods}}\n"
    )
    read(tmp_path, "signal: {query: {expr: x}}\nrollback: {above: 1}")
    rules = load(tmp_path).rules
    assert rules is not None
    auth = Service(
        "auth",
        Labelled("build", "version"),
        "who",
        "r.example.com:5000/auth:{version}",
        replicas=Replicas("d", "u"),
        migrations=Labelled("s", "version"),
        flags=Labelled("f", "name"),
    )
    web = Service("web", Labelled("pods", "image"), image="{version}", migrations=Labelled("a"), major=False)
    till = Service("till", Labelled("build", "version"), image_on=Labelled("pods", "image"))
    assert rules.releases == Releases((auth, web, till), "https://r.example.com:5000", 7 * 86400, 7200)


def test_a_short_lookback_shortens_what_is_proven(tmp_path: Path) -> None:
    (tmp_path / "releases.yaml").write_text("services: {}\nlookback: 2h\n")
    read(tmp_path, "signal: {query: {expr: x}}\nrollback: {above: 1}")
    loaded = load(tmp_path)
    assert loaded.rules is not None
    assert loaded.rules.releases.proven == 7200


ENVIRONMENT = "environment: test\n"
REPORTS = [
    ("nine in UTC by default", "", ShadowReport()),
    (
        "a time of day in a zone",
        'shadow_report: {at: "07:30", zone: Europe/Berlin}\n',
        ShadowReport(450, "Europe/Berlin"),
    ),
    ("a zone alone", "shadow_report: {zone: Asia/Tokyo}\n", ShadowReport(540, "Asia/Tokyo")),
    ("none", "shadow_report: none\n", None),
]


@pytest.mark.parametrize(("text", "expected"), [row[1:] for row in REPORTS], ids=[row[0] for row in REPORTS])
def test_when_the_shadow_is_told(tmp_path: Path, text: str, expected: ShadowReport | None) -> None:
    (tmp_path / "routing.yaml").write_text(ENVIRONMENT + text)
    checked = check([tmp_path / "routing.yaml"])
    assert [str(one) for one in checked.findings] == []
    assert routing_of(tmp_path / "routing.yaml").shadow_report == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{at: "24:00"}', "a day ends at 24:00"),
        ("{at: 09:00}", "is a number to some YAML readers"),
        ('{at: "9am"}', "expected a time of day"),
        ("{zone: Berlin}", "there is no time zone"),
        ("never", "expected shadow_report"),
    ],
)
def test_a_wrong_time_of_the_shadow_report_is_told(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "routing.yaml").write_text(f"{ENVIRONMENT}shadow_report: {text}\n")
    (finding,) = check([tmp_path / "routing.yaml"]).findings
    assert why in str(finding)


def routing_of(path: Path) -> Routing:
    root = parse(path.read_text(), str(path))
    assert root is not None
    return read_routing(root, Route(""), Report())
