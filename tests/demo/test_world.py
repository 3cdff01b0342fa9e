import re
import time
from collections.abc import Callable

import pytest
import requests

from monitor.demo.catalogue import EFFECTS, PROBES, SERVICES, Fault
from monitor.demo.world import World

SERIES = re.compile(r"^([a-z_]+)(?:\{(.*?)\})? ", re.MULTILINE)


def wait_for(what: Callable[[], bool], seconds: float = 15) -> bool:
    give_up = time.monotonic() + seconds
    while not what():
        if time.monotonic() > give_up:
            return False
        time.sleep(0.1)
    return True


def exported(world: World, job: str) -> set[tuple[str, tuple[str, ...]]]:
    text = requests.get(f"http://{world.ports.jobs[job]}/metrics", timeout=5).text
    return {(name, tuple(re.findall(r'(\w+)="', labels))) for name, labels in SERIES.findall(text)}


HTTP = {
    ("app_build_info", ("deployed_by", "version")),
    ("http_requests_total", ("code", "route")),
    ("http_request_duration_seconds_bucket", ("le", "route")),
    ("http_request_duration_seconds_count", ("route",)),
    ("http_request_duration_seconds_sum", ("route",)),
}
SCHEMA = {("db_schema_info", ("version",))}
INVOICES = {("invoice_generations_total", ("outcome",)), ("invoice_status_transitions_total", ("outcome",))}


@pytest.mark.parametrize(
    ("job", "names"),
    [
        ("auth", HTTP | SCHEMA),
        ("transactions", HTTP | SCHEMA | {("data_integrity_violations", ("check",))}),
        ("partner-registry", HTTP),
        ("billing", HTTP | INVOICES),
        ("admin", HTTP),
        ("agent-service", HTTP | {("feature_flag_enabled", ("flag",))}),
        ("web", HTTP),
        ("probe", {("probe_success", ("endpoint", "service"))}),
    ],
)
def test_each_job_exports_exactly_these_metrics(
    world: World, job: str, names: set[tuple[str, tuple[str, ...]]]
) -> None:
    assert exported(world, job) == names


def test_every_job_is_scraped_under_its_own_name_and_instance(world: World) -> None:
    jobs = [*(service.name for service in SERVICES), "probe"]
    assert world.server.number("count(up == 1)") == len(jobs)
    for job in jobs:
        assert world.server.number(f'up{{job="{job}",instance="{job}-1"}}') == 1


def test_live_series_continue_those_of_the_history(world: World) -> None:
    dead = "count(last_over_time(http_requests_total[1h] offset 5m) unless http_requests_total)"
    assert world.server.number(dead) is None
    assert world.server.number("count(http_requests_total unless http_requests_total offset 5m)") is None
    assert world.server.number("count(probe_success offset 1d)") == len(PROBES)


@pytest.mark.parametrize("job", ["auth", "transactions", "partner-registry"])
def test_24_full_clock_hours_have_a_p95_that_fits_the_live_one(world: World, job: str) -> None:
    buckets = f'http_request_duration_seconds_bucket{{job="{job}"}}'
    ends = [int(time.time() // 3600 - back) * 3600 for back in range(1, 25)]
    rates = [f"rate({buckets}[1h] @ {end})" for end in ends]
    past = [world.server.number(f"histogram_quantile(0.95, sum by (le) ({rate}))") for rate in rates]
    known = [value for value in past if value]
    assert len(known) == 24
    assert max(known) < 1.05 * min(known)
    live = f"histogram_quantile(0.95, sum by (le) ({buckets}))"
    assert wait_for(lambda: 0.7 < (world.server.number(live) or 0) / known[0] < 1.4)


def test_a_broken_login_is_seen_by_requests_and_prober_and_heals(world: World) -> None:
    failing = (
        'sum(rate(http_requests_total{job="auth",route="/login",code=~"5.."}[5s]))'
        ' / sum(rate(http_requests_total{job="auth",route="/login"}[5s]))'
    )
    up = 'avg_over_time(probe_success{service="auth",endpoint="/login"}[5s])'
    broken = world.strike(Fault.LOGIN)
    assert wait_for(lambda: (world.server.number(failing) or 0) > 0.6)
    assert wait_for(lambda: (world.server.number(up) or 1) < 0.5)
    assert world.server.number('app_build_info{job="auth",version="2.14.0"}') == 1
    sample = world.server.first_change(EFFECTS[Fault.LOGIN].sign, broken)
    assert sample is not None
    assert 0 < sample - broken < 5
    world.strike(Fault.NONE)
    assert wait_for(lambda: world.server.number(failing) == 0)
    assert wait_for(lambda: world.server.number(up) == 1)
    assert wait_for(lambda: world.server.number('app_build_info{job="auth",version="2.13.4"}') == 1)


def test_a_version_that_is_switched_is_seen_at_once_and_by_prometheus(world: World) -> None:
    url = f"http://{world.ports.jobs['auth']}"
    broken = world.strike(Fault.LOGIN)
    try:
        world.deploy("auth", "2.13.4")
        assert requests.get(f"{url}/session", timeout=5).json()["version"] == "2.13.4"
        metrics = requests.get(f"{url}/metrics", timeout=5).text
        assert re.findall(r"^app_build_info\{.*\} .*$", metrics, re.MULTILINE) == [
            'app_build_info{deployed_by="ci",version="2.13.4"} 1.0'
        ]
        told = requests.get(world.ports.control, timeout=5).json()
        assert (told["fault"], told["struck"], told["versions"]["auth"]) == ("login", [], "2.13.4")
        again = world.deploy("auth", "2.14.0")
        assert requests.get(world.ports.control, timeout=5).json()["struck"] == ["auth"]
        assert wait_for(lambda: world.server.first_change(EFFECTS[Fault.LOGIN].sign, again) is not None)
        assert world.server.number('app_build_info{job="auth",version="2.14.0"}') == 1
        assert again >= broken
    finally:
        world.strike(Fault.NONE)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("auht/1", "no service 'auht'; there are auth, transactions"),
        ("auth/9.9.9", "there are 2.13.4 and 2.14.0"),
        ("auth", "there are 2.13.4 and 2.14.0"),
        ("", "there are auth, transactions"),
    ],
)
def test_a_version_that_does_not_exist_is_refused_with_those_that_do(world: World, path: str, words: str) -> None:
    reply = requests.post(f"{world.ports.control}/version/{path}", timeout=5)
    assert reply.status_code == 404
    assert words in reply.json()["error"]
    assert requests.get(world.ports.control, timeout=5).json()["versions"]["auth"] == "2.13.4"


@pytest.mark.parametrize("fault", [Fault.BILLING, Fault.INVOICES, Fault.INTEGRITY, Fault.LATENCY, Fault.ERRORS])
def test_the_first_failing_sample_is_found(world: World, fault: Fault) -> None:
    broken = world.strike(fault)
    try:
        assert wait_for(lambda: world.server.first_change(EFFECTS[fault].sign, broken) is not None)
    finally:
        world.strike(Fault.NONE)


def test_an_unknown_fault_is_refused_with_the_known_ones(world: World) -> None:
    reply = requests.post(f"{world.ports.control}/fault/fire", timeout=5)
    assert reply.status_code == 404
    assert "login" in reply.json()["error"]
    assert requests.get(world.ports.control, timeout=5).json()["fault"] == "none"


def test_a_prometheus_that_does_not_answer_is_no_number(world: World) -> None:
    assert world.server.number("no such thing(") is None
