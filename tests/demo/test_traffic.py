from random import Random

import pytest
from prometheus_client import CollectorRegistry

from monitor.demo.catalogue import BUCKETS, EFFECTS, SERVICES, Fault
from monitor.demo.traffic import NoSuchReleaseError, Shop


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


REQUESTS = [
    (Fault.LOGIN, "auth", "/login"),
    (Fault.ERRORS, "transactions", "/transfer"),
    (Fault.BILLING, "billing", "/invoices"),
]


@pytest.mark.parametrize(("fault", "service", "route"), REQUESTS)
def test_going_back_heals_and_shipping_the_release_again_breaks_it_again(
    fault: Fault, service: str, route: str
) -> None:
    shop, (good, bad) = after(fault, 0), next(one.versions for one in SERVICES if one.name == service)
    shop.deploy(service, good)
    assert service not in shop.struck
    assert sum(shop.request(service, route).code != "200" for _ in range(1000)) < 10
    shop.deploy(service, bad)
    assert service in shop.struck
    assert sum(shop.request(service, route).code != "200" for _ in range(1000)) > 30


def test_each_service_goes_back_by_itself() -> None:
    shop = after(Fault.ERRORS, 0)
    shop.deploy("auth", "2.13.4")
    assert shop.struck == ("transactions", "partner-registry")
    assert shop.fault is Fault.ERRORS


def test_another_fault_takes_the_one_before_it_back_and_leaves_other_releases_alone() -> None:
    shop = after(Fault.ERRORS, 0)
    shop.deploy("web", "7.2.0")
    shop.strike(Fault.LOGIN)
    assert shop.struck == ("auth",)
    running = {name: one.version for name, one in shop.services.items()}
    assert (running["auth"], running["transactions"], running["web"]) == ("2.14.0", "5.2.1", "7.2.0")
    shop.strike(Fault.NONE)
    assert shop.services["web"].version == "7.1.0"


def test_going_back_makes_requests_as_fast_as_before() -> None:
    shop = after(Fault.LATENCY, 0)
    shop.deploy("transactions", "5.2.1")
    shop.pass_time(600)
    assert p95(shop, "transactions", "/transactions") < 0.2


def test_a_release_without_a_fault_runs_well() -> None:
    shop = after(Fault.NONE, 0)
    shop.deploy("auth", "2.14.0")
    shop.pass_time(600)
    assert shop.struck == ()
    assert failing(shop, "auth") < 0.02


def test_what_a_release_did_to_the_data_stays_when_it_goes_back() -> None:
    shop = after(Fault.INTEGRITY, 0)
    shop.deploy("transactions", "5.2.1")
    transactions = shop.services["transactions"].registry
    assert total(transactions, "data_integrity_violations", check="ledger_balance") == 3
    assert total(transactions, "db_schema_info", version="205") == 1, "its migration stays too"
    shop.strike(Fault.NONE)
    assert total(transactions, "data_integrity_violations") == 0


@pytest.mark.parametrize(
    ("service", "version", "sentence"),
    [
        pytest.param("auht", "2.13.4", "no service 'auht'; there are auth, transactions, ", id="no such service"),
        pytest.param(
            "auth", "v2.13.4", "auth has no version 'v2.13.4'; there are 2.13.4 and 2.14.0", id="no such version"
        ),
        pytest.param("auth", "7.1.0", "auth has no version '7.1.0'; there are 2.13.4 and 2.14.0", id="that of another"),
        pytest.param("auth", "", "auth has no version ''; there are 2.13.4 and 2.14.0", id="none"),
    ],
)
def test_what_was_never_built_is_not_deployed(service: str, version: str, sentence: str) -> None:
    shop = after(Fault.LOGIN, 0)
    with pytest.raises(NoSuchReleaseError) as refused:
        shop.deploy(service, version)
    assert str(refused.value).startswith(sentence)
    assert shop.services["auth"].version == "2.14.0"


def test_invoices_and_integrity_break_and_heal() -> None:
    shop = after(Fault.INVOICES)
    billing, transactions = shop.services["billing"].registry, shop.services["transactions"].registry
    failed = total(billing, "invoice_generations_total", outcome="failure")
    assert failed > 200
    shop.deploy("billing", "3.4.2")
    shop.pass_time(600)
    assert total(billing, "invoice_generations_total", outcome="failure") == failed
    shop.strike(Fault.INTEGRITY)
    assert total(transactions, "data_integrity_violations", check="ledger_balance") == 3
    shop.strike(Fault.NONE)
    assert total(transactions, "data_integrity_violations") == 0


def test_a_route_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(KeyError):
        after(Fault.NONE, 0).request("auth", "/nowhere")
