"""`/api/v1/rules` and `/api/v1/alerts` held against a real Prometheus's own answers for the same alerts."""

import json
import re
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from monitor.core.model import AlertKey, Tier
from monitor.core.pages.page import Reading
from monitor.core.rules.rule import Group, Place, Rule, TierRule
from monitor.core.rules.signal import Availability, Baseline, Condition, ErrorRatio, Latency, Query
from monitor.ports.metrics import Answer, BadQuery
from monitor.web.prometheus import Evaluation, View, alerts, go_number, query_of, rules
from tests.e2e.running import eventually
from tests.middle.house import House
from tests.servers.prometheus import Exporter, Prometheus

SUMMARY = "{{ $labels.job }} at {{ $value | humanizePercentage }}"
FILE = f"""
groups:
  - name: apis
    interval: 1s
    rules:
      - alert: Down
        expr: sum by (job) (down) > 0.25
        keep_firing_for: 1m
        labels: {{team: platform}}
        annotations: {{summary: '{SUMMARY}'}}
      - alert: Slow
        expr: sum by (job) (slow) > 0.25
        for: 1h
      - alert: Fine
        expr: sum by (job) (fine) > 0.25
      - alert: Broken
        expr: up * on () {{__name__=~"down|slow"}} > 0
"""
METRICS = "down 0.625\nslow 0.625\nfine 0\n"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
NUMBER = re.compile(r"-?\d(\.\d+)?e[+-]\d\d+|NaN|[+-]Inf")
AT = datetime(2026, 3, 1, 3, 2, 11, 250_000, tzinfo=UTC)


def watched(alert: str, hold: int = 0, **changes: Any) -> Rule:  # noqa: ANN401  # any field
    tier = TierRule(Tier.PREPARE, above=0.25, below=None, hold=hold)
    return Rule(alert, Query(alert.lower(), ("job",)), (tier,), place=Place("rules/apis.yaml", 5, 9), **changes)


RULES = (
    watched("Down", keep_firing_for=60, labels=(("team", "platform"),), annotations=(("summary", SUMMARY),)),
    watched("Slow", hold=3600),
    watched("Fine"),
    watched("Broken"),
)


@pytest.fixture(scope="module")
def theirs() -> Iterator[Prometheus]:
    with Exporter(METRICS) as exporter, Prometheus(scrape={"shop": [exporter.target]}, rules=FILE) as running:
        eventually(lambda: len(running.alerts()) == 2, 30, "one fires and one pends")
        eventually(lambda: "err" in [one["health"] for one in rules_of(running)], 30, "one is in error")
        yield running


def answer(running: Prometheus, path: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{running.url}/api/v1/{path}", timeout=10) as reply:
        told: dict[str, Any] = json.load(reply)
        return told


def rules_of(running: Prometheus) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = answer(running, "rules")["data"]["groups"][0]["rules"]
    return found


def broken(expr: str, _at: int) -> Answer | None:
    return BadQuery("many-to-many matching not allowed") if expr == "broken" else None


@pytest.fixture
def view() -> View:
    """The same alerts in the monitor: Down fires, Slow pends, Fine is inactive, Broken is in error."""
    house = House(Group("apis", RULES, interval=15))
    house.answer = broken
    for alert in ("Down", "Slow"):
        house.says(alert, {"shop": 0.625})
    house.tick()
    states = {state.name: state for state in house.store.groups()}
    troubles = {"Broken": "many-to-many matching not allowed"}
    return View(house.book.now, states, dict(house.engine.readings), {"apis": Evaluation(AT, 0.0125)}, troubles)


def plain(body: dict[str, Any]) -> Any:  # noqa: ANN401  # JSON
    return json.loads(orjson.dumps(body))


def shape(value: Any) -> Any:  # noqa: ANN401  # JSON
    """The keys and kinds of a JSON value; times and written numbers are kinds of their own."""
    match value:
        case dict():
            return {key: shape(one) for key, one in value.items()}
        case list():
            return [shape(one) for one in value]
        case bool() | None:
            return type(value).__name__
        case int() | float():
            return "number"
        case str() if TIME.fullmatch(value):
            return "time"
        case str() if NUMBER.fullmatch(value):
            return "written number"
        case _:
            return "text"


def without(labels: dict[str, str]) -> dict[str, str]:
    """Labels without ours: Prometheus has no tiers."""
    return {name: value for name, value in labels.items() if name != "tier"}


def free(rule: dict[str, Any]) -> dict[str, Any]:
    """A rule without the maps whose keys are free, which are compared by their values."""
    alerts = [{**one, "labels": {}, "annotations": {}} for one in rule["alerts"]]
    return {**rule, "labels": {}, "annotations": {}, "alerts": alerts}


def test_the_rules_have_the_keys_and_kinds_of_prometheus(theirs: Prometheus, view: View) -> None:
    mine, own = plain(rules(view)), answer(theirs, "rules")
    assert mine.keys() == own.keys()
    assert mine["status"] == own["status"] == "success"
    (my_group,), (own_group,) = mine["data"]["groups"], own["data"]["groups"]
    assert shape({**my_group, "rules": []}) == shape({**own_group, "rules": []})
    for my_rule, own_rule in zip(my_group["rules"], own_group["rules"], strict=True):
        assert shape(free(my_rule)) == shape(free(own_rule)), own_rule["name"]


def test_the_rules_say_what_prometheus_says(theirs: Prometheus, view: View) -> None:
    mine = plain(rules(view))["data"]["groups"][0]["rules"]
    for my_rule, own_rule in zip(mine, rules_of(theirs), strict=True):
        for name in ("name", "state", "health", "duration", "keepFiringFor", "annotations", "type"):
            assert my_rule[name] == own_rule[name], (own_rule["name"], name)
        assert without(my_rule["labels"]) == own_rule["labels"]
        assert my_rule["labels"]["tier"] == "prepare"


def test_the_alerts_have_the_keys_and_say_what_prometheus_says(theirs: Prometheus, view: View) -> None:
    mine = plain(alerts(view))
    own = answer(theirs, "alerts")
    assert mine.keys() == own.keys()
    assert mine["data"].keys() == own["data"].keys()
    for my_alert, own_alert in zip(by_name(mine), by_name(own), strict=True):
        assert shape({**my_alert, "labels": {}}) == shape({**own_alert, "labels": {}})
        assert without(my_alert["labels"]) == own_alert["labels"]
        assert {**my_alert, "labels": {}, "activeAt": ""} == {**own_alert, "labels": {}, "activeAt": ""}


def by_name(body: dict[str, Any]) -> list[dict[str, Any]]:
    return sorted(body["data"]["alerts"], key=lambda one: str(one["labels"]["alertname"]))


# --- what Prometheus does not have ------------------------------------------------------------------------------------


def test_a_rule_that_was_never_evaluated_is_unknown(view: View, theirs: Prometheus) -> None:
    fresh = plain(rules(replace(view, evaluations={}, troubles={})))["data"]["groups"][0]
    assert {one["health"] for one in fresh["rules"]} == {"unknown"}
    assert fresh["lastEvaluation"] == "0001-01-01T00:00:00Z"
    assert fresh.keys() == answer(theirs, "rules")["data"]["groups"][0].keys()


def test_a_rule_stands_once_for_each_tier(view: View) -> None:
    down = view.book.rules.rule("Down")
    assert down is not None
    both = replace(down, tiers=(*down.tiers, replace(down.tiers[0], tier=Tier.ROLLBACK, above=0.5, hold=30)))
    house = House(Group("apis", (both,), interval=15))
    house.says("Down", {"shop": 0.3})
    house.tick()
    shown = plain(rules(View(house.book.now, {"apis": house.store.group("apis")})))["data"]["groups"][0]["rules"]
    told = [(one["labels"]["tier"], one["state"], one["query"], one["duration"]) for one in shown]
    assert told == [("prepare", "firing", "(down) > 0.25", 0), ("rollback", "inactive", "(down) > 0.5", 30)]


def test_recovering_is_firing_and_says_since_when(view: View) -> None:
    house = House(Group("apis", (RULES[0],), interval=15))
    house.says("Down", {"shop": 0.625})
    house.tick()
    house.says("Down", {"shop": 0.0}, since=house.grid + 15)
    house.walk(15)
    recovering = replace(view, book=house.book.now, states={"apis": house.store.group("apis")}, readings={})
    (alert,) = plain(alerts(recovering))["data"]["alerts"]
    assert alert["state"] == "firing"
    assert TIME.fullmatch(alert["keepFiringSince"])
    assert plain(rules(recovering))["data"]["groups"][0]["rules"][0]["state"] == "firing"


def test_a_rule_in_the_shadow_says_so() -> None:
    house = House(Group("apis", (replace(RULES[0], shadow=True),), interval=15))
    house.says("Down", {"shop": 0.625})
    house.tick()
    view = View(house.book.now, {"apis": house.store.group("apis")})
    assert plain(rules(view))["data"]["groups"][0]["rules"][0]["labels"]["shadow"] == "true"
    assert plain(alerts(view))["data"]["alerts"][0]["labels"]["shadow"] == "true"


def test_there_are_no_recording_rules(view: View) -> None:
    assert [group["rules"] for group in plain(rules(view, "record"))["data"]["groups"]] == [[]]
    assert plain(rules(view, "alert")) == plain(rules(view))


def test_the_value_is_what_is_read_now_and_else_the_worst(view: View) -> None:
    key = AlertKey("Down", (("job", "shop"),), Tier.PREPARE)
    now = replace(view, readings={key: Reading(AT, "", "", 0.3)})
    assert {one["labels"]["alertname"]: one["value"] for one in plain(alerts(now))["data"]["alerts"]} == {
        "Down": "3e-01",
        "Slow": "6.25e-01",
    }


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (1.0, "1e+00"),
        (0.0, "0e+00"),
        (0.021, "2.1e-02"),
        (1234.5, "1.2345e+03"),
        (-25e-7, "-2.5e-06"),
        (1e300, "1e+300"),
        (float("inf"), "+Inf"),
        (float("-inf"), "-Inf"),
        (float("nan"), "NaN"),
        (None, "NaN"),
    ],
)
def test_numbers_as_prometheus_writes_them(value: float | None, written: str) -> None:
    assert go_number(value) == written


@pytest.mark.parametrize(
    ("signal", "tier", "parts", "expected"),
    [
        (ErrorRatio("r", "f", (), 60), {"above": 0.02}, {"requests": "R", "failures": "F"}, "(F) / (R) > 0.02"),
        (Availability("up", (), 60), {"below": 0.5}, {"up": "U"}, "(U) < 0.5"),
        (
            Latency("h", 0.95, (), 60, Baseline(fixed=0.25)),
            {"above": 1.0},
            {"buckets": "B"},
            "histogram_quantile(0.95, B) > 0.5",
        ),
        (Latency("h", 0.95, (), 60, Baseline()), {"above": 1.0}, {"buckets": "B"}, "histogram_quantile(0.95, B)"),
        (Condition("absent(x)"), {}, {"value": "absent(x)"}, "absent(x)"),
    ],
)
def test_a_signal_as_one_query(signal: Any, tier: dict[str, float], parts: dict[str, str], expected: str) -> None:  # noqa: ANN401  # any signal
    limited = TierRule(Tier.PREPARE, tier.get("above"), tier.get("below"), hold=0)
    assert query_of(Rule("A", signal, ()), limited, parts) == expected
