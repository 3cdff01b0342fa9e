"""The rehearsal that works with any rules folder: a rule of every kind of signal is played, pages, and is healed."""

from dataclasses import replace
from pathlib import Path

import pytest

from monitor.bootstrap.rulesource import load_rules
from monitor.core.drill.rehearsal import NAME, rehearsal, with_rehearsal
from monitor.core.model import Tier
from monitor.core.pages.page import ActionKind
from monitor.settings.settings import Settings
from tests.drills.hall import Hall

PROCEDURE = "title: Roll back\nsteps: [{id: declare, title: Declare incident mode}]\n"
ROUTING = "environment: production\ndefault: {channel: C0OPS, responders: [S0ONCALL]}\n"
ERRORS = "error_ratio: {requests: 'http_requests_total', failures: 'code=~\"5..\"', by: [job], window: 10m}"
SLOW = "latency: {histogram: 'http_seconds', quantile: 0.95, by: [job], window: 5m, baseline: {fixed: 800ms}}"
SIGNALS = {
    "errors, held, with guards and proof": (
        ERRORS,
        "guards: {min_requests: 500, min_failures: 50}\n        prepare: {above: 2%, for: 5m, confidence: 99%}",
    ),
    "latency": (SLOW, "prepare: {above: 100%, for: 5m}"),
    "probes": ("availability: {probe: 'probe_success', by: [endpoint], window: 5m}", "rollback: {below: 50%}"),
    "a count": (
        "count: {counter: 'lost_total', by: [job], window: 5m, alive: 'up{job=\"web\"}'}",
        "rollback: {above: 7}",
    ),
    "a query over": ("query: {expr: 'violations', by: [check]}", "rollback: {above: 0}\n        resolve: by_person"),
    "a query under": ("query: {expr: 'payments_per_minute', by: []}", "prepare: {below: 20, for: 30m}"),
}


def folder(path: Path, *rules: str) -> Path:
    """A rules folder without drills."""
    rules_folder = path / "rules"
    (rules_folder / "procedures").mkdir(parents=True)
    (rules_folder / "procedures" / "rollback.yaml").write_text(PROCEDURE)
    (rules_folder / "routing.yaml").write_text(ROUTING)
    listed = "".join(rules)
    (rules_folder / "own.yaml").write_text(f"groups:\n  - name: own\n    interval: 1m\n    rules:{listed}\n")
    return rules_folder


def rule(alert: str, signal: str, more: str) -> str:
    """A rule as it stands in a file."""
    return (
        f"\n      - alert: {alert}\n        service: auth\n        shadow: true\n        signal: {{{signal}}}"
        f'\n        {more}\n        annotations: {{summary: "{alert} is wrong"}}'
    )


PROMETHEUS = """
groups:
  - name: own
    rules:
      - alert: Broken
        expr: absent(up{job="auth"})
        for: 5m
        labels: {severity: critical}
        annotations: {summary: "auth is gone"}
"""


def test_a_condition_of_a_prometheus_rule_holds_only_while_it_is_played(tmp_path: Path) -> None:
    rules = folder(tmp_path, rule("Broken", *SIGNALS["a count"]))
    (rules / "own.yaml").write_text(PROMETHEUS)
    hall = Hall(tmp_path, rules)
    drill = hall.start(NAME)
    hall.walk(120)
    incident = hall.incident(drill.id)
    assert incident.alerts[0].since >= drill.started.at
    assert incident.recovered_at is not None
    hall.end()


@pytest.mark.parametrize("kind", SIGNALS)
def test_a_rule_of_every_kind_pages_within_a_minute_and_is_healed(tmp_path: Path, kind: str) -> None:
    hall = Hall(tmp_path, folder(tmp_path, rule("Broken", *SIGNALS[kind])))
    drill = hall.start(NAME)
    hall.walk(45)
    incident = hall.incident(drill.id)
    assert [one.key.alert for one in incident.active] == ["Broken"]
    hall.act(drill.id, ActionKind.ACKNOWLEDGE)
    hall.act(drill.id, ActionKind.START)
    hall.walk(120)
    assert hall.incident(drill.id).commander is not None
    assert hall.incident(drill.id).active == () or "by_person" in SIGNALS[kind][1]
    assert hall.app.production.store.incidents() == []
    hall.end()


def test_what_rolls_back_by_itself_is_played_before_what_prepares(tmp_path: Path) -> None:
    rules = folder(
        tmp_path,
        rule("Slow", *SIGNALS["latency"]),
        rule("Data", *SIGNALS["a query over"]),
        rule("Lost", *SIGNALS["a count"]),
    )
    found = rehearsal(load_rules(Settings(rules=rules)))
    assert found is not None
    assert (found.alert, found.tiers[0].tier, found.tiers[0].hold) == ("Lost", Tier.ROLLBACK, 0)


def test_a_rehearsal_of_your_own_is_left_as_it_is_and_without_rules_there_is_none(tmp_path: Path) -> None:
    rules = load_rules(Settings(rules=folder(tmp_path, rule("Slow", *SIGNALS["latency"]))))
    own = replace(rules.drills[NAME], title="Ours")
    assert with_rehearsal(replace(rules, drills={NAME: own})).drills == {NAME: own}
    assert rehearsal(replace(rules, groups=())) is None
