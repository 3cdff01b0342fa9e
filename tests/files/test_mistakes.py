"""Every mistake in a rule file is answered with its place, what is wrong and what would be right (mistakes.golden)."""

import os
import re
from pathlib import Path

import pytest

from monitor.files import Severity, check, load

GOLDEN = Path(__file__).with_name("mistakes.golden").read_text()
CASES = [
    (name, re.sub(r"^> .*\n", "", body, flags=re.MULTILINE), re.findall(r"^> (.*)$", body, re.MULTILINE))
    for name, body in re.findall(r"^=== (.*)\n((?:(?!=== ).*\n?)*)", GOLDEN, re.MULTILINE)
]
PROCEDURE = "title: R\nsteps: [{id: a, title: A}]\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "procedures").mkdir()
    (tmp_path / "procedures" / "rollback.yaml").write_text(PROCEDURE)
    (tmp_path / "routing.yaml").write_text("environment: test\n")
    return tmp_path


def findings(folder: Path) -> list[str]:
    return [str(finding).replace(f"{folder}/", "") for finding in load(folder).findings]


def test_the_table_is_read_whole() -> None:
    assert len(CASES) > 85
    assert len({name for name, _, _ in CASES}) == len(CASES)


@pytest.mark.parametrize(("text", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_mistake_is_answered(folder: Path, text: str, expected: list[str]) -> None:
    (folder / "r.yaml").write_text(text)
    assert findings(folder) == expected
    assert (load(folder).rules is None) == any(": error: " in line for line in expected)


QUERY = "groups: [{{name: g, rules: [{{alert: A, signal: {{query: {{expr: '{}'}}}}, rollback: {{above: 1}}}}]}}]\n"
DEEP = [
    ("20,000 brackets", "groups: " + "[" * 20_000, "r.yaml:1:1008", "depth"),
    ("20,000 braces", "groups: " + "{a: " * 20_000, "r.yaml:1:133", "depth"),
    ("20,000 levels of dashes", "groups:\n" + "- " * 20_000, "r.yaml:2:63", "depth"),
    ("20,000 minus signs", QUERY.format("-" * 20_000 + "x"), "r.yaml:1:62", "promql"),
    ("20,000 parentheses", QUERY.format("(" * 20_000 + "x" + ")" * 20_000), "r.yaml:1:62", "promql"),
    ("20,000 sums", QUERY.format("x" + "+x" * 20_000), "r.yaml:1:62", "promql"),
    ("a control character", "groups: \x07\n", "r.yaml:1:9", "syntax"),
]


@pytest.mark.parametrize(("text", "place", "code"), [case[1:] for case in DEEP], ids=[case[0] for case in DEEP])
def test_depth_is_an_error_and_never_a_crash(folder: Path, text: str, place: str, code: str) -> None:
    (folder / "r.yaml").write_text(text)
    (finding,) = load(folder).findings
    assert (str(finding.place).replace(f"{folder}/", ""), finding.code) == (place, code)


@pytest.mark.parametrize(
    "nested", ["(" * 390 + "x" + ")" * 390, "-" * 790 + "x", "x" + "+x" * 395, "abs(" * 260 + "x" + ")" * 260]
)
def test_what_is_still_read_does_not_overflow_the_parser(folder: Path, nested: str) -> None:
    (folder / "r.yaml").write_text(QUERY.format(nested))
    assert load(folder).rules is not None


CONTENTS = [
    (
        "not UTF-8",
        b"# \xc3\xa9\ngroups: \xff\n",
        "r.yaml:2:9: error: the file is not UTF-8 (save it as UTF-8) [encoding]",
    ),
    ("UTF-16", "groups: []".encode("utf-16"), "r.yaml:1:1: error: the file is not UTF-8 (save it as UTF-8) [encoding]"),
    (
        "over 1 MiB",
        b"#" * ((1 << 20) + 1),
        "r.yaml:1:1: error: the file is larger than 1 MiB (split it into several files) [size]",
    ),
]


@pytest.mark.parametrize(("content", "expected"), [case[1:] for case in CONTENTS], ids=[case[0] for case in CONTENTS])
def test_what_is_no_text_is_refused(folder: Path, content: bytes, expected: str) -> None:
    (folder / "r.yaml").write_bytes(content)
    assert findings(folder) == [expected]


def test_a_byte_order_mark_and_windows_line_ends_are_read(folder: Path) -> None:
    text = "groups:\r\n  - name: g\r\n    rules: []\r\n"
    (folder / "r.yaml").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert findings(folder) == []


ESCALATION = "environment: e\nescalation:"


AGAIN = """name: w, matchers: ['a="b"'], from: "01:00", to: "02:00\""""


def window(more: str) -> str:
    """A maintenance window, and more of it."""
    return f'environment: e\nmaintenance: [{{name: w, matchers: [\'job="a"\'], from: "02:00", to: "04:00", {more}}}]\n'


def route(more: str) -> str:
    """A route for one team, and more of it."""
    return f"environment: e\nroutes: [{{matchers: ['team=\"a\"'], {more}}}]\n"


ROUTING = [
    ("no environment", "default: {}\n", "1:1", "missing-key"),
    ("a channel's name", "environment: e\ndefault: {channel: '#ops'}\n", "2:20", "value"),
    ("a person's name", "environment: e\ndefault: {responders: ['@ana']}\n", "2:24", "value"),
    ("responders as a text", "environment: e\ndefault: {responders: S1}\n", "2:23", "value"),
    ("routes that are none", "environment: e\nroutes: {}\n", "2:9", "value"),
    ("matchers of the default route", "environment: e\ndefault: {matchers: ['a=\"b\"']}\n", "2:11", "unknown-key"),
    ("a route without a channel", route("responders: [S1]"), "2:10", "missing-key"),
    ("a route whose channel is left blank", route("channel: '', responders: [S1]"), "2:44", "value"),
    ("a route to a channel's name", route("channel: '#bill', responders: [S1]"), "2:44", "value"),
    ("a route without matchers", "environment: e\nroutes: [{channel: C1, responders: [S1]}]\n", "2:10", "missing-key"),
    (
        "a route for everything",
        "environment: e\nroutes: [{matchers: [], channel: C1, responders: [S1]}]\n",
        "2:21",
        "value",
    ),
    ("a matcher that is none", route("channel: C1, responders: [S1]").replace("=", "=="), "2:22", "selector"),
    ("a person's name in a route", route("channel: C1, responders: ['@ana']"), "2:61", "value"),
    ("misspelt in a route", route("chanel: C2, channel: C1, responders: [S1]"), "2:35", "unknown-key"),
    ("a route that calls nobody", route("channel: C1"), "2:10", "nobody"),
    ("a route with an empty list of responders", route("channel: C1, responders: []"), "2:10", "nobody"),
    ("group_by without a list", "environment: e\ngroup_by: team\n", "2:11", "value"),
    ("group_by with no label", "environment: e\ngroup_by: ['a b']\n", "2:12", "value"),
    ("group_by with one label twice", "environment: e\ngroup_by: [team, team]\n", "2:18", "value"),
    ("again in no order", f"{ESCALATION} {{rollback: {{again: [4m, 2m]}}}}\n", "2:37", "order"),
    ("the same time twice", f"{ESCALATION} {{blind: {{again: [5m, 5m]}}}}\n", "2:34", "order"),
    ("a time without a unit", f"{ESCALATION} {{rollback: {{again: [2]}}}}\n", "2:33", "value"),
    ("again at once", f"{ESCALATION} {{rollback: {{again: [0s]}}}}\n", "2:33", "value"),
    ("escalate to nowhere", f"{ESCALATION} {{rollback: {{escalate: 5m}}}}\n", "2:35", "no-channel"),
    (
        "escalate before the last again",
        f"{ESCALATION} {{rollback: {{again: [6m], escalate: 5m}}, channel: C0ESCAL}}\n",
        "2:48",
        "order",
    ),
    (
        "escalate to a channel left blank",
        f"{ESCALATION} {{rollback: {{escalate: 5m}}, channel: ''}}\n",
        "2:35",
        "no-channel",
    ),
    ("escalate to a name", f"{ESCALATION} {{channel: '#oncall'}}\n", "2:23", "value"),
    ("misspelt in the escalation", f"{ESCALATION} {{rolback: {{}}}}\n", "2:14", "unknown-key"),
    ("a prepare that pages again", f"{ESCALATION} {{prepare: {{again: [5m]}}}}\n", "2:24", "unknown-key"),
    ("rollback under maintenance", window("tiers: [prepare, rollback]"), "2:93", "rollback"),
    ("a time without quotes", window("zone: UTC").replace('"02:00"', "02:00"), "2:54", "value"),
    ("no such time", window("zone: UTC").replace("02:00", "25:00"), "2:54", "value"),
    ("a window of no length", window("zone: UTC").replace("04:00", "02:00"), "2:54", "value"),
    ("no such zone", window("zone: Europe/Berlim"), "2:82", "value"),
    ("no such day", window("days: [sunday]"), "2:83", "value"),
    ("a window over everything", window("zone: UTC").replace("job=", "job!="), "2:35", "value"),
    ("two windows of one name", window(f"zone: UTC}}, {{{AGAIN}"), "2:88", "value"),
    ("a window without its end", window("zone: UTC").replace(', to: "04:00"', ""), "2:15", "missing-key"),
    ("a pager that is none", "environment: e\npage: {rollback: [slack, pagerdutty]}\n", "2:26", "value"),
    ("pages that leave Slack out", "environment: e\npage: {blind: [webhook]}\n", "2:15", "value"),
    ("a tier that is none", "environment: e\npage: {rolback: [slack]}\n", "2:8", "unknown-key"),
    ("a pager that a setting brings", "environment: e\npage: {blind: [slack, webhook]}\n", "2:7", "pager"),
    ("misspelt key", "enviroment: e\nenvironment: e\n", "1:1", "unknown-key"),
    ("no as an environment", "environment: no\n", "1:14", "value"),
]


@pytest.mark.parametrize(("text", "place", "code"), [case[1:] for case in ROUTING], ids=[case[0] for case in ROUTING])
def test_a_mistake_in_the_routing_is_answered(folder: Path, text: str, place: str, code: str) -> None:
    (folder / "r.yaml").write_text("groups: []\n")
    (folder / "routing.yaml").write_text(text)
    (finding,) = load(folder).findings
    assert (str(finding.place), finding.code) == (f"{folder}/routing.yaml:{place}", code)


RULED = """
groups:
  - name: apis
    rules:
      - {alert: Slow, labels: {team: web}, signal: {query: {expr: x, by: [job]}}, prepare: {above: 1, for: 5m}}
"""
CARRIED = "labels in a signal's `by`, and the labels of rules"
NO_RULE = f"matchers see `alertname`, the {CARRIED}"
MATCHED = [
    ("a label of a rule", "[environment]", 'team="web"', []),
    (
        "another value of it",
        "[environment]",
        'team="ops"',
        [f"2:21: warning: no rule's alerts fit: nothing goes to C1 ({NO_RULE}) [no-rule]"],
    ),
    ("all but a value", "[environment]", 'team!="ops"', []),
    ("what tells instances apart", "[environment]", 'job=~"a|b"', []),
    (
        "a label that nothing has",
        "[environment]",
        'squad="a"',
        [f"2:21: warning: no rule's alerts fit: nothing goes to C1 ({NO_RULE}) [no-rule]"],
    ),
    ("a rule by its name", "[environment]", 'alertname="Slow"', []),
    ("a group, which can be blind", "[environment]", 'alertname="apis"', []),
    (
        "a rule that is not there",
        "[environment]",
        'alertname="Fast"',
        [f"2:21: warning: no rule's alerts fit: nothing goes to C1 ({NO_RULE}) [no-rule]"],
    ),
    ("parted by a label", "[environment, team, job]", 'team="web"', []),
    (
        "parted by nothing",
        "[environment, squad]",
        'team="web"',
        [f"3:11: warning: no rule's alerts have a label `squad`: it parts nothing ({CARRIED}) [no-rule]"],
    ),
]


@pytest.mark.parametrize(("group_by", "matcher", "told"), [one[1:] for one in MATCHED], ids=[one[0] for one in MATCHED])
def test_what_no_rule_matches_is_told(folder: Path, group_by: str, matcher: str, told: list[str]) -> None:
    (folder / "r.yaml").write_text(RULED)
    text = (
        f"environment: e\nroutes: [{{matchers: ['{matcher}'], channel: C1, responders: [S1]}}]\ngroup_by: {group_by}\n"
    )
    (folder / "routing.yaml").write_text(text)
    assert findings(folder) == [f"routing.yaml:{one}" for one in told]
    assert load(folder).rules is not None


STEP = "title: T\nsteps:\n  - {{id: a, title: A, {}}}\n"
ONE = "{title: x, signals: true}"
PROCEDURES = [
    ("no title", "steps: [{id: a, title: A}]\n", "1:1", "missing-key"),
    ("no steps", "title: T\nsteps: []\n", "2:8", "value"),
    ("the same id twice", "title: T\nsteps:\n  - {id: a, title: A}\n  - {id: a, title: B}\n", "4:10", "duplicate-id"),
    ("an id in capitals", "title: T\nsteps: [{id: A, title: A}]\n", "2:14", "value"),
    ("a shell line", STEP.format("checks: [{title: x, command: 'rm -rf /'}]"), "3:52", "value"),
    ("a check of two kinds", STEP.format("checks: [{title: x, signals: true, http: 'http://x'}]"), "3:58", "value"),
    ("a check without a kind", STEP.format("checks: [{title: x}]"), "3:32", "missing-key"),
    ("promql without a limit", STEP.format("checks: [{title: x, promql: up}]"), "3:32", "missing-key"),
    ("no URL", STEP.format("checks: [{title: x, http: 'ftp://x'}]"), "3:49", "link"),
    ("no status", STEP.format("checks: [{title: x, http: 'http://x', status: 20}]"), "3:69", "value"),
    ("status of a command", STEP.format("checks: [{title: x, command: [a], status: 200}]"), "3:65", "value"),
    ("two checks of one title", STEP.format(f"checks: [{ONE}, {ONE}]"), "3:67", "duplicate-id"),
    ("a title of nothing", STEP.format("checks: [{title: '!!', signals: true}]"), "3:40", "value"),
    ("a filter in a check", STEP.format("checks: [{title: x, promql: up == 1, above: 0}]"), "3:51", "query-filter"),
    (
        "a check that reads nothing",
        STEP.format("checks: [{title: x, promql: vector(1), above: 0}]"),
        "3:51",
        "constant",
    ),
    (
        "a check that only the clock decides",
        STEP.format("checks: [{title: x, promql: time(), above: 0}]"),
        "3:51",
        "constant",
    ),
    ("a deadline without an end", STEP.format("checks: [{title: x, command: [a], deadline: 6m}]"), "3:67", "value"),
    ("a pipe in a command", STEP.format("checks: [{title: x, command: [ls, '|', wc]}]"), "3:52", "shell"),
    ("a variable in a command", STEP.format("checks: [{title: x, command: [ls, $HOME]}]"), "3:52", "shell"),
    ("a redirection in a command", STEP.format("checks: [{title: x, command: [ls, '2>&1']}]"), "3:52", "shell"),
    ("a line as a program", STEP.format("checks: [{title: x, command: [rm -rf /]}]"), "3:52", "shell"),
    ("no time to verify", "title: T\nverify_for: 0s\nsteps: [{id: a, title: A}]\n", "2:13", "value"),
    ("two choices of one id", STEP.format("choose: [{id: b, title: B}, {id: b, title: C}]"), "3:56", "duplicate-id"),
    ("longer than a card", STEP.format(f"text: '{'x' * 3000}'"), "3:5", "too-long"),
]


@pytest.mark.parametrize(
    ("text", "place", "code"), [case[1:] for case in PROCEDURES], ids=[case[0] for case in PROCEDURES]
)
def test_a_mistake_in_a_procedure_is_answered(folder: Path, text: str, place: str, code: str) -> None:
    (folder / "r.yaml").write_text("groups: []\n")
    (folder / "procedures" / "rollback.yaml").write_text(text)
    (finding,) = load(folder).findings
    assert (str(finding.place), finding.code) == (f"{folder}/procedures/rollback.yaml:{place}", code)


ASKED = "registry: {{url: {}}}\nservices: {{auth: {{version: v, image: 'r/auth:{{version}}'}}}}\n"
RELEASED = "services:\n  auth: {{version: v, {}}}\n"
RELEASES = [
    ("no services", "version: 1\n", "1:1", "missing-key"),
    ("services as a list", "services: [auth]\n", "1:11", "value"),
    ("a service without its metric", "services:\n  auth: {label: version}\n", "2:9", "missing-key"),
    ("a metric without its name", "services:\n  auth: {version: '{job=\"auth\"}'}\n", "2:19", "selector"),
    ("a label that is none", "services:\n  auth: {version: v, label: a-b}\n", "2:29", "value"),
    ("a service named no", "services:\n  no: {version: v}\n", "2:3", "value"),
    ("a registry as a text", "services: {}\nregistry: x\n", "2:11", "value"),
    ("a registry without its address", "services: {}\nregistry: {}\n", "2:11", "missing-key"),
    ("a registry without a scheme", ASKED.format("registry.example.com"), "1:17", "link"),
    ("a registry with a password", ASKED.format("'https://ana:secret@registry.example.com'"), "1:17", "link"),
    ("a registry with a path", ASKED.format("https://registry.example.com/v2"), "1:17", "link"),
    ("a password beside it", ASKED.format("https://r.example.com, password: p"), "1:40", "unknown-key"),
    ("a registry for no image", "registry: {url: 'https://r.example.com'}\nservices: {}\n", "1:17", "no-image"),
    ("looking back for no time", "services: {}\nlookback: 0s\n", "2:11", "value"),
    ("proven in more than is seen", "services: {}\nlookback: 2d\nproven: 3d\n", "3:9", "value"),
    ("the version deployed it", RELEASED.format("by: version"), "2:26", "value"),
    ("an image without its version", RELEASED.format("image: 'r.example.com/auth'"), "2:29", "value"),
    ("an image with two versions", RELEASED.format("image: 'r/{version}:{version}'"), "2:29", "value"),
    ("an image for a shell", RELEASED.format("image: 'r/auth:{version};id'"), "2:29", "value"),
    ("an image on no metric", RELEASED.format("image: {label: image}"), "2:29", "missing-key"),
    ("replicas by halves", RELEASED.format("replicas: {desired: d}"), "2:32", "missing-key"),
    ("migrations as a text", RELEASED.format("migrations: m"), "2:34", "value"),
    ("migrations of two kinds", RELEASED.format("migrations: {schema: s, applied: a}"), "2:46", "value"),
    ("migrations of no kind", RELEASED.format("migrations: {label: l}"), "2:34", "missing-key"),
    ("a label of a count", RELEASED.format("migrations: {applied: a, label: l}"), "2:54", "value"),
    ("flags without their metric", RELEASED.format("flags: {label: l}"), "2:29", "missing-key"),
    ("flags that are computed", RELEASED.format("flags: {metric: 'max(f)'}"), "2:38", "selector"),
]


@pytest.mark.parametrize(("text", "place", "code"), [case[1:] for case in RELEASES], ids=[case[0] for case in RELEASES])
def test_a_mistake_in_the_releases_is_answered(folder: Path, text: str, place: str, code: str) -> None:
    (folder / "r.yaml").write_text("groups: []\n")
    (folder / "releases.yaml").write_text(text)
    (finding,) = load(folder).findings
    assert (str(finding.place), finding.code) == (f"{folder}/releases.yaml:{place}", code)


WARM = (
    "groups: [{{name: g, rules: [{{alert: A, {}signal: {{latency: {{histogram: '{}', by: [job]}}}},"
    " prepare: {{above: 50%}}, after_deploy: 3m}}]}}]\n"
)
SEEN = "services: {auth: {version: 'v{job=\"auth\"}'}}\n"
WARM_UPS = [
    ("no releases at all", "", WARM.format("", "h"), "of any service"),
    ("the one job that is selected", SEEN, WARM.format("", 'h{job="web"}'), "of `web`"),
    ("one of the jobs that are selected", SEEN, WARM.format("", 'h{job=~"auth|web"}'), "of `web`"),
    ("the service by name", SEEN, WARM.format("service: web, ", "h"), "of `web`"),
    ("an expected instance", SEEN, WARM.format("expect: [{job: web}], ", "h"), "of `web`"),
    ("each job that is selected is seen", SEEN, WARM.format("", 'h{job="auth"}'), None),
    ("only the data can tell", SEEN, WARM.format("", 'h{job=~"a.+"}'), None),
]


@pytest.mark.parametrize(
    ("releases", "rule", "whose"), [case[1:] for case in WARM_UPS], ids=[case[0] for case in WARM_UPS]
)
def test_a_warm_up_needs_a_version(folder: Path, releases: str, rule: str, whose: str | None) -> None:
    (folder / "r.yaml").write_text(rule)
    if releases:
        (folder / "releases.yaml").write_text(releases)
    found = [(one.severity, one.code, one.message) for one in load(folder).findings]
    message = f"`after_deploy` does nothing: no version metric {whose} says when a release changed"
    assert found == ([] if whose is None else [(Severity.WARNING, "no-version", message)])
    assert [one.code for one in check([folder / "r.yaml"]).findings] == [one[1] for one in found]


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    loaded = load(tmp_path / "gone")
    assert loaded.rules is None
    assert [finding.code for finding in loaded.findings] == ["unreadable"]


def test_a_named_pipe_is_refused_without_waiting(folder: Path) -> None:
    os.mkfifo(folder / "r.yaml")
    assert [finding.code for finding in load(folder).findings] == ["unreadable"]


def test_a_dangling_link_is_an_error(folder: Path) -> None:
    (folder / "r.yaml").symlink_to(folder / "gone")
    assert [finding.code for finding in load(folder).findings] == ["unreadable"]


def test_no_routing_is_a_warning_and_the_fallback_is_used(folder: Path) -> None:
    (folder / "routing.yaml").unlink()
    (folder / "r.yaml").write_text("groups: []\n")
    loaded = load(folder, fallback_channel="C1", fallback_responders=("S1",))
    assert [(finding.severity, finding.code) for finding in loaded.findings] == [(Severity.WARNING, "no-environment")]
    assert loaded.rules is not None
    assert (loaded.rules.routing.environment, loaded.rules.routing.default.channel) == ("production", "C1")
    assert loaded.rules.routing.default.responders == ("S1",)


def test_names_are_unique_over_files(folder: Path) -> None:
    text = next(text for name, text, _ in CASES if name == "window of half the hold")
    (folder / "a.yaml").write_text(text)
    (folder / "b.yaml").write_text(text)
    assert {finding.code for finding in load(folder).findings} == {"duplicate-alert", "duplicate-group", "window-long"}
