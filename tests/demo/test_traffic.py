from random import Random

import pytest
from prometheus_client import CollectorRegistry

from monitor.demo.catalogue import BUCKETS, EFFECTS, SERVICES, Fault
from monitor.demo.traffic import Shop


def total(registry: CollectorRegistry, name: str, **labels: str) -> float:
    wanted = labels.items()
    samples = (sample for family in registry.collect() for sample in family.samples)
    return sum(one.value for one in samples if one.name == name and wanted <= one.labels.items())


def after(fault: Fault, seconds: float = 600) -> Shop:
    shop = Shop(Random(7))  # traffic, not secrets
    shop.strike(fault)
    shop.pass_time(seconds)
    return shop


def failing(shop: Shop, service: str, **labels: str) -> float:
    registry = shop.services[service].registry
    bad = sum(total(registry, "http_requests_total", code=code, **labels) for code in ("500", "503"))
    return bad / total(registry, "http_requests_total", **labels)


def p95(shop: Shop, service: str, route: str) -> float:
    registry = shop.services[service].registry
    counts = [total(registry, "http_request_duration_seconds_bucket", route=route, le=str(bound)) for bound in BUCKETS]
    rank = 0.95 * total(registry, "http_request_duration_seconds_count", route=route)
    above = next(index for index, count in enumerate(counts) if count >= rank)
    low, high, below = BUCKETS[above - 1], BUCKETS[above], counts[above - 1]
    return low + (high - low) * (rank - below) / (counts[above] - below)


def test_healthy_traffic_is_60_to_100_requests_a_second_and_hardly_ever_fails() -> None:
    shop = after(Fault.NONE)
    requests = sum(total(one.registry, "http_requests_total") for one in shop.services.values())
    assert 60 <= requests / 600 <= 100
    assert 0 < max(failing(shop, service.name) for service in SERVICES) < 0.02


@pytest.mark.parametrize(
    ("fault", "service", "route", "low", "high"),
    [
        pytest.param(Fault.LOGIN, "auth", "/login", 0.6, 1.0, id="login: most logins fail"),
        pytest.param(Fault.LOGIN, "auth", "/session", 0.0, 0.01, id="login: sessions live on"),
        pytest.param(Fault.LOGIN, "transactions", "/transfer", 0.0, 0.01, id="login: other services live on"),
        pytest.param(Fault.ERRORS, "auth", "/login", 0.05, 0.07, id="errors: auth fails at about 6 %"),
        pytest.param(Fault.ERRORS, "transactions", "/transfer", 0.05, 0.07, id="errors: transactions too"),
        pytest.param(Fault.ERRORS, "partner-registry", "/partners", 0.05, 0.07, id="errors: partner-registry too"),
        pytest.param(Fault.ERRORS, "billing", "/invoices", 0.0, 0.01, id="errors: billing lives on"),
        pytest.param(Fault.BILLING, "billing", "/invoices", 1.0, 1.0, id="billing: nothing is answered"),
        pytest.param(Fault.LATENCY, "transactions", "/transfer", 0.0, 0.01, id="latency: slow, not failing"),
        pytest.param(Fault.INVOICES, "billing", "/invoices", 0.0, 0.01, id="invoices: the endpoint lives on"),
    ],
)
def test_what_a_fault_does_to_requests(fault: Fault, service: str, route: str, low: float, high: float) -> None:
    assert low <= failing(after(fault), service, route=route) <= high


def test_the_slow_release_takes_two_and_a_half_times_as_long_at_p95() -> None:
    healthy, slow = (p95(after(fault), "transactions", "/transactions") for fault in (Fault.NONE, Fault.LATENCY))
    assert 2.2 < slow / healthy < 2.8


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault is not Fault.NONE])
def test_a_fault_comes_as_a_release_and_healing_takes_the_release_back(fault: Fault) -> None:
    shop = after(fault, 0)
    for service in SERVICES:
        expected = service.release if service.name in EFFECTS[fault].services else service.version
        assert total(shop.services[service.name].registry, "app_build_info", version=expected) == 1
        assert total(shop.services[service.name].registry, "app_build_info") == 1
    shop.strike(Fault.NONE)
    assert [shop.services[service.name].version for service in SERVICES] == [one.version for one in SERVICES]


def test_invoices_and_integrity_break_and_heal() -> None:
    shop = after(Fault.INVOICES)
    billing, transactions = shop.services["billing"].registry, shop.services["transactions"].registry
    assert total(billing, "invoice_generations_total", outcome="failure") > 200
    shop.strike(Fault.INTEGRITY)
    assert total(transactions, "data_integrity_violations", check="ledger_balance") == 3
    shop.strike(Fault.NONE)
    assert total(transactions, "data_integrity_violations") == 0


def test_a_route_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(KeyError):
        after(Fault.NONE, 0).request("auth", "/nowhere")
