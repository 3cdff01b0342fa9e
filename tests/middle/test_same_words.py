"""Every kind of change in words: what `diff` says beforehand is, word for word, what a reload reports of it."""

import json
from pathlib import Path

import pytest

from monitor.cli import diff
from monitor.files import read_contents
from monitor.web.rules import report_of
from tests.middle.house import House, group, rule
from tests.middle.watched import load

PROCEDURE = "title: R\nsteps: [{id: a, title: A}]\n"
RULES = """
groups:
  - name: apis
    interval: 15s
    rules:
      - alert: Errors
        service: auth
        signal:
          error_ratio: {requests: 'http_requests_total{job="a"}', failures: 'code=~"5.."', by: [job], window: 1m}
        guards: {min_requests: 50, min_failures: 3}
        requires: {expr: 'up', above: 0.1}
        prepare: {above: 2%, for: 5m, clear: 1.5%}
        rollback: {above: 25%, for: 30s, confidence: 99%}
        overrides:
          - {matchers: ['job="b"'], prepare: {above: 5%, clear: 4%}}
        labels: {team: platform}
      - alert: Slow
        signal: {latency: {histogram: 'h_seconds', quantile: 0.95, by: [job], window: 2m, ceiling: 2s}}
        prepare: {above: 50%}
"""
SLOW = RULES[RULES.index("      - alert: Slow") :]
SIGNAL = "{latency: {histogram: 'h_seconds', quantile: 0.95, by: [job], window: 2m, ceiling: 2s}}"

KINDS: list[tuple[str, str, str, tuple[str, ...]]] = [
    ("a rule is added", SLOW, f"{SLOW}{SLOW.replace('Slow', 'Slower')}", ("Slower: new in group apis",)),
    ("a rule is removed", SLOW, "", ("Slow: removed from group apis",)),
    (
        "a rule is renamed",
        "alert: Slow",
        "alert: Slower\n        renamed_from: Slow",
        ("Slower: renamed from Slow, state kept",),
    ),
    ("a threshold", "above: 2%", "above: 3%", ("Errors: prepare above 2 % -> 3 %, state re-derived",)),
    ("for", "for: 5m", "for: 10m", ("Errors: prepare for 5m -> 10m, state re-derived",)),
    (
        "guards",
        "min_requests: 50",
        "min_requests: 60",
        ("Errors: prepare min_requests 50 -> 60; rollback min_requests 50 -> 60, state re-derived",),
    ),
    (
        "a selector",
        'total{job="a"}',
        'total{job="c"}',
        ('Errors: signal requests http_requests_total{job="a"} -> http_requests_total{job="c"}, state re-derived',),
    ),
    ("labels", "team: platform", "team: core", ("Errors: labels team platform -> core, state kept",)),
    (
        "an override",
        "above: 5%",
        "above: 6%",
        ('Errors: override {job="b"} prepare above 5 % -> 6 %, state re-derived',),
    ),
    ("requires", "above: 0.1", "above: 0.5", ("Errors: requires above 0.1 -> 0.5, state re-derived",)),
    ("the interval", "interval: 15s", "interval: 30s", ("group apis: interval 15s -> 30s",)),
    (
        "the group's name",
        "name: apis",
        "name: api",
        (
            "Errors: moved from group apis to api, state kept",
            "Slow: moved from group apis to api, state kept",
            "group api: new",
            "group apis: removed",
        ),
    ),
    ("the kind of signal", SIGNAL, "{query: {expr: x, by: [job]}}", ("Slow: signal latency -> query, state dropped",)),
    ("routing", "environment: production", "environment: staging", ("routing: environment production -> staging",)),
    ("a procedure", "title: A", "title: B", ("procedure rollback: step a title A -> B",)),
    ("releases", "by: who", "by: whom", ("releases of auth: by who -> whom",)),
]


def folder(path: Path, old: str = "", new: str = "") -> Path:
    """A rules folder, with one text in place of another in whichever file holds it."""
    texts = {
        "apis.yaml": RULES,
        "routing.yaml": "environment: production\n",
        "releases.yaml": "services: {auth: {version: 'app_build_info{job=\"auth\"}', by: who}}\n",
        "procedures/rollback.yaml": PROCEDURE,
    }
    (path / "procedures").mkdir(parents=True)
    for name, text in texts.items():
        (path / name).write_text(text.replace(old, new) if old else text)
    return path


@pytest.mark.parametrize(("old", "new", "sentences"), [row[1:] for row in KINDS], ids=[row[0] for row in KINDS])
def test_a_reload_reports_what_diff_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, sentences: tuple[str, ...]
) -> None:
    before, after = folder(tmp_path / "before"), folder(tmp_path / "after", old, new)
    assert diff.run(before, after, "text") == 0
    *said, blank, _counts = capsys.readouterr().out.splitlines()
    assert (tuple(said), blank) == (sentences, "")
    assert diff.run(before, after, "json") == 0
    document = json.loads(capsys.readouterr().out)

    house = House(group("critical", rule("Login", rollback=0)))
    house.build(load(read_contents(before)))
    report = json.loads(json.dumps(report_of(house.reloader.adopt(load(read_contents(after))))))
    assert [*(one["sentence"] for one in report["changes"]), *report["rest"]] == said
    assert {name: report[name] for name in ("counts", "changes", "rest")} == {
        name: document[name] for name in ("counts", "changes", "rest")
    }
