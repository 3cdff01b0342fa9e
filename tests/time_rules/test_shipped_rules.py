"""The shipped rules on recorded days of a shop: each fires for its own fault, at its tier and time, and no other does.

The days stand far apart in one Prometheus, so that none is in another's baseline. A scrape is first seen by the grid of
15 s at the time that names it, and 5 s earlier by the grid of 5 s.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from monitor.adapters.prometheus import PrometheusSource
from monitor.core.model import State, Tier
from monitor.core.rules.ruleset import RuleSet
from tests.time_rules.histories import Points
from tests.time_rules.shop import INVOICES, TRANSITIONS, Day, Fault, past
from tests.time_rules.walk import RESPONDERS, Walk, after, load

RULES = Path(__file__).parents[2] / "rules"
APART = 3 * 86_400

F = 60
"""The first scrape of a day's fault."""

LAST = F + 90
"""The last scrape of a fault that is to roll back."""

SEEN = F - 5
"""When rules that are evaluated every 5 s first see the fault."""


@dataclass(frozen=True)
class Paged:
    """What is to become of a day: which alert, since when, and when it fires and resolves."""

    alert: str
    labels: Mapping[str, str]
    tier: Tier
    service: str
    since: int
    fired: int
    resolved: int | None


def endpoint_of(service: str, path: str) -> dict[str, str]:
    return {"service": service, "endpoint": path}


PAGED = [
    (
        Day("data integrity at risk: the first violation", 500, (Fault(F, LAST, violations=2),)),
        Paged("DataIntegrityAtRisk", {"check": "ledger"}, Tier.ROLLBACK, "transactions", SEEN, SEEN, None),
    ),
    (
        Day(
            "login failing: half of the logins, over 20 % with the second scrape",
            500,
            (Fault(F, LAST, {"/login": 0.5}),),
        ),
        Paged("LoginFailing", {"route": "/login"}, Tier.ROLLBACK, "auth", SEEN + 15, SEEN + 15, LAST + 160),
    ),
    (
        Day("login probe failing: the third lost probe of four", 500, (Fault(F, LAST, down=("/login",)),)),
        Paged("LoginProbeFailing", {"endpoint": "/login"}, Tier.ROLLBACK, "auth", SEEN + 30, SEEN + 30, LAST + 160),
    ),
    (
        Day("invoice generation failing: all, proven with the third scrape", 500, (Fault(F, LAST, {INVOICES: 1}),)),
        Paged("InvoiceGenerationFailing", {}, Tier.ROLLBACK, "billing", SEEN + 30, SEEN + 30, LAST + 220),
    ),
    (
        Day(
            "invoice transitions failing: 60 %, proven with the fifth scrape",
            500,
            (Fault(F, LAST, {TRANSITIONS: 0.6}),),
        ),
        Paged("InvoiceTransitionsFailing", {}, Tier.ROLLBACK, "billing", SEEN + 60, SEEN + 60, LAST + 220),
    ),
    (
        Day("critical API errors: 10 % for exactly 5m", 600, (Fault(F, F + 270, {"/transfer": 0.1}),)),
        Paged("CriticalApiErrors", {"job": "transactions"}, Tier.PREPARE, "transactions", F, F + 300, F + 435),
    ),
    (
        Day(
            "critical API latency: over twice the usual for exactly 5m",
            600,
            (Fault(F, F + 210, slow={"auth": 0.5}),),
            known=True,
        ),
        Paged("CriticalApiLatency", {"job": "auth"}, Tier.PREPARE, "auth", F, F + 300, F + 435),
    ),
    (
        Day(
            "critical API latency: over 2 s without a past for exactly 5m",
            600,
            (Fault(F, F + 210, slow={"auth": 2.5}),),
        ),
        Paged("CriticalApiLatency", {"job": "auth"}, Tier.PREPARE, "auth", F, F + 300, F + 435),
    ),
    (
        Day("endpoint unavailable for exactly 5m", 600, (Fault(F - 30, F + 285, down=("/invoices",)),)),
        Paged("EndpointUnavailable", endpoint_of("billing", "/invoices"), Tier.PREPARE, "billing", F, F + 300, F + 450),
    ),
]

SILENT = [
    Day("critical API errors: one scrape less", 500, (Fault(F, F + 255, {"/transfer": 0.1}),)),
    Day("critical API latency: one scrape less", 500, (Fault(F, F + 195, slow={"auth": 0.5}),), known=True),
    Day("endpoint unavailable: one scrape less", 500, (Fault(F - 30, F + 270, down=("/invoices",)),)),
    Day(
        "a quiet night whose few requests all fail", 600, (Fault(0, 600, {"/login": 1, "/transfer": 1}),), traffic=0.008
    ),
]

HEALTHY = Day(
    "a healthy day: small troubles, a restart of everything and a missed scrape",
    900,
    (
        Fault(0, 900, {"/transfer": 0.015, INVOICES: 0.05}, slow={"auth": 0.25}),
        Fault(60, 60, {"/login": 0.1}, down=("/login", "/invoices", "/plans")),
        Fault(120, 120, {TRANSITIONS: 0.9}),
        Fault(600, 600, {"/login": 0.2}),
        Fault(600, 615, down=("/login", "/invoices")),
    ),
    known=True,
    restart=300,
    missed=450,
)

BEGINS = {day.name: number * APART for number, day in enumerate([*(day for day, _ in PAGED), *SILENT, HEALTHY])}


def recorded() -> dict[str, Points]:
    """All days, one after the other."""
    series: dict[str, Points] = {}
    for day in [*(day for day, _ in PAGED), *SILENT, HEALTHY]:
        for name, points in past(day, BEGINS[day.name]).items():
            series.setdefault(name, []).extend(points)
    return series


HISTORY = recorded()


@pytest.fixture(scope="module")
def rules() -> RuleSet:
    return load(RULES)


def lived(day: Day, source: PrometheusSource, rules: RuleSet) -> Walk:
    """The day, walked every 5 s."""
    begin = BEGINS[day.name]
    return Walk(source, rules, begin=begin).to(begin + day.end, stride=5)


@pytest.mark.parametrize(("day", "paged"), PAGED, ids=[day.name for day, _ in PAGED])
def test_fires_for_its_own_fault_and_no_other_rule_does(
    day: Day, paged: Paged, source: PrometheusSource, rules: RuleSet
) -> None:
    walk = lived(day, source, rules)
    begin = BEGINS[day.name]
    assert walk.fired() == {(paged.alert, paged.tier, begin + paged.fired)}
    (firing,) = walk.incident.alerts
    assert (firing.key.labels, firing.key.tier) == (tuple(sorted(paged.labels.items())), paged.tier)
    assert (firing.service, after(firing.since) - begin) == (paged.service, paged.since)
    resolved = None if firing.resolved_at is None else after(firing.resolved_at) - begin
    assert resolved == paged.resolved
    assert walk.told() == [f"{paged.tier}_opens", *(["recovered"] if paged.resolved else [])]
    page = walk.pager.messages[0].post
    assert page.mention == (RESPONDERS if paged.tier is Tier.ROLLBACK else ())
    assert after(page.decided_at) - begin == paged.fired + (5 if paged.tier is Tier.ROLLBACK else 10)


@pytest.mark.parametrize("day", SILENT, ids=[day.name for day in SILENT])
def test_nobody_is_paged_for_less(day: Day, source: PrometheusSource, rules: RuleSet) -> None:
    walk = lived(day, source, rules)
    assert walk.fired() == set()
    assert walk.pager.messages == []


def test_nothing_stirs_on_a_healthy_day(source: PrometheusSource, rules: RuleSet) -> None:
    walk = lived(HEALTHY, source, rules)
    assert walk.moves() == []
    assert walk.pager.messages == []
    assert walk.alerts() == []


def test_a_risk_to_the_data_fires_on_though_no_violation_is_found_any_more(
    source: PrometheusSource, rules: RuleSet
) -> None:
    day, _ = PAGED[0]
    (alert,) = lived(day, source, rules).alerts()
    assert (alert.state, alert.peak) == (State.FIRING, 2.0)
