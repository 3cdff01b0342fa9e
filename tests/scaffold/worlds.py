"""Prometheus servers of other people: a mesh with an ingress, OpenTelemetry, Spring, gRPC; and one with nothing useful.

Each is a day of calm up to `START` and ten minutes of trouble after it, as (series, values); no name in them is ours.
"""

from collections.abc import Iterator

from tests.servers.prometheus import History
from tests.time_rules.histories import START

DAY, STEP = 86_400, 30
TROUBLE = 600
"""Seconds of trouble after `START`."""
SHARES = (0.2, 0.6, 0.93, 0.97, 0.99, 1, 1, 1)
SLOW = (0.0, 0.0, 0.1, 0.3, 0.6, 0.9, 1, 1)
"""Cumulative shares of requests at or below each bucket, in calm and in trouble."""
SECONDS = ("0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "+Inf")
MILLIS = ("5", "10", "25", "50", "100", "250", "1000", "+Inf")


def grown(calm: float, trouble: float) -> list[tuple[float, float]]:
    """A counter with these rates before and after `START`."""
    before: list[tuple[float, float]] = [(t, calm * (t - START + DAY)) for t in range(START - DAY, START + 1, STEP)]
    after = range(START + STEP, START + TROUBLE + 1, STEP)
    return before + [(t, calm * DAY + trouble * (t - START)) for t in after]


def told(calm: float, trouble: float, *, since: int = 3600) -> list[tuple[float, float]]:
    """A gauge with these values before and after `START`."""
    return [(t, calm if t <= START else trouble) for t in range(START - since, START + TROUBLE + 1, STEP)]


def codes(metric: str, labels: str, name: str, rate: float, shares: dict[str, tuple[float, float]]) -> History:
    """Counters by a label of how requests ended, with the share of each code in calm and in trouble."""
    return {
        f'{metric}{{{labels},{name}="{code}"}}': grown(rate * calm, rate * trouble)
        for code, (calm, trouble) in shares.items()
    }


def buckets(metric: str, labels: str, rate: float, bounds: tuple[str, ...] = SECONDS, *, then: float = 0.0) -> History:
    """A histogram that becomes slow; `then` is the rate in trouble where it is another."""
    counted = {
        f'{metric}_bucket{{{labels},le="{le}"}}': grown(rate * calm, (then or rate) * trouble)
        for le, calm, trouble in zip(bounds, SHARES, SLOW, strict=True)
    }
    return {**counted, f"{metric}_count{{{labels}}}": grown(rate, then or rate)}


HTTP = {"200": (0.99, 0.6), "404": (0.008, 0.008), "500": (0.002, 0.392)}


def mesh() -> Iterator[History]:
    """Istio, which reports both ends of each request, behind an nginx ingress that has no `_total`."""
    for service, rate in (("shop-web", 20.0), ("shop-api", 8.0), ("cron.d", 0.01)):
        own = f'job="ingress-nginx",ingress="{service}",exported_service="{service}"'
        yield codes("nginx_ingress_controller_requests", f'{own},method="GET"', "status", rate, HTTP)
        yield buckets("nginx_ingress_controller_request_duration_seconds", own, rate)
    for reporter in ("source", "destination"):
        for service in ("cart.shop.svc.cluster.local", "pay.shop.svc.cluster.local"):
            own = f'reporter="{reporter}",destination_service_name="{service}"'
            shares = {"200": (0.994, 0.6), "503": (0.005, 0.399), "0": (0.001, 0.001)}
            yield codes("istio_requests_total", own, "response_code", 5.0, shares)
            yield buckets("istio_request_duration_milliseconds", own, 5.0, MILLIS)
    for service in ("shop-web", "shop-api", "cart"):
        of = f'namespace="shop",pod="{service}-1",container="{service}",image="reg.example/{service}:1.2"'
        yield {f"kube_pod_container_info{{{of}}}": told(1, 1)}
    yield {'probe_success{job="blackbox",instance="https://shop.example/?a=1"}': told(1, 0)}
    yield {'up{job="ingress-nginx",instance="a:1"}': told(1, 1)}


def otel() -> Iterator[History]:
    """OpenTelemetry's HTTP server metrics: the histogram alone, its count carries the code."""
    for service in ("shop/checkout", "shop/catalog"):
        for code, calm, trouble in (("200", 5.94, 3.0), ("502", 0.06, 3.0)):
            own = f'job="{service}",http_request_method="GET",http_response_status_code="{code}"'
            yield buckets("http_server_request_duration_seconds", own, calm, then=trouble)
        version = f'target_info{{job="{service}",service_version="3.{len(service)}.0",instance="a"}}'
        yield {version: told(1, 1)}
        yield {f'up{{job="{service}",instance="a"}}': told(1, 1)}


def spring() -> Iterator[History]:
    """Micrometer: a count with status and outcome, told apart by application; no buckets, and a version of its own."""
    for service in ("orders", "billing"):
        for code, outcome, calm, trouble in (("200", "SUCCESS", 0.99, 0.5), ("500", "SERVER_ERROR", 0.01, 0.5)):
            own = f'application="{service}",job="spring",instance="10.0.0.1:8080",uri="/x",outcome="{outcome}"'
            yield {f'http_server_requests_seconds_count{{{own},status="{code}"}}': grown(4 * calm, 4 * trouble)}
            yield {f'http_server_requests_seconds_sum{{{own},status="{code}"}}': grown(calm, trouble)}
        yield {f'orders_build_info{{application="{service}",version="1.{len(service)}"}}': told(1, 1)}
    yield {'up{job="spring",instance="10.0.0.1:8080"}': told(1, 0)}


def grpc() -> Iterator[History]:
    """go-grpc-prometheus, started and handled, with codes in words; its history is an hour old."""
    for service in ("shop.v1.Cart", "shop.v1.Pay"):
        own = f'job="{service[8:].lower()}",grpc_service="{service}",grpc_method="Get"'
        shares = {"OK": (0.97, 0.5), "NotFound": (0.03, 0.03), "Unavailable": (0.0, 0.47)}
        yield codes("grpc_server_handled_total", own, "grpc_code", 3.0, shares)
        yield {f"grpc_server_started_total{{{own}}}": grown(3.0, 3.0)}
        young = buckets("grpc_server_handling_seconds", own, 3.0)
        yield {name: [(t, value) for t, value in points if t > START - 3600] for name, points in young.items()}
    yield {'up{job="cart",instance="a"}': told(1, 1)}


def quiet() -> Iterator[History]:
    """A service with three requests a minute."""
    yield codes("app_http_requests_total", 'job="intranet"', "code", 0.05, {"200": (1.0, 0.0), "503": (0.0, 1.0)})
    yield {'up{job="intranet",instance="a"}': told(1, 1)}


def young() -> Iterator[History]:
    """The mesh, ten minutes after its Prometheus was started."""
    for part in mesh():
        yield {name: [(t, value) for t, value in points if t > START - 600] for name, points in part.items()}


def own_words() -> Iterator[History]:
    """A shop that counts what it sells: no name says request, and only the values of a label tell what failed."""
    own = 'job="orders"'
    yield codes("shop_orders_placed_total", own, "result", 4.0, {"ok": (0.998, 0.6), "error": (0.002, 0.4)})
    yield {f'shop_orders_stored_total{{{own},size="big"}}': grown(4, 4)}
    yield buckets("shop_checkout_latency_seconds", own, 4.0)
    yield {f'up{{{own},instance="a"}}': told(1, 1)}


def nothing() -> Iterator[History]:
    """Machines, and a counter of requests that does not tell how they ended."""
    yield {'node_cpu_seconds_total{job="node",cpu="0",mode="idle"}': grown(0.9, 0.9)}
    yield {'jobs_requests_total{job="batch",kind="a"}': grown(3, 3)}
    yield {'go_gc_duration_seconds_count{job="node"}': grown(0.1, 0.1)}
    yield {'up{job="node",instance="a:9100"}': told(1, 1)}
    yield {'prometheus_build_info{job="prometheus",version="2.42.0"}': told(1, 1)}


def history(world: Iterator[History]) -> History:
    """All series of a world."""
    return {name: points for part in world for name, points in part.items()}
