"""What names and label values mean: the customs of exporters and libraries, as a table."""

import pytest

from monitor.core.rules.signal import TimeUnit
from monitor.scaffold import words
from monitor.scaffold.found import escaped

FAILURES = [
    ("http codes", "code", ["200", "500"], 'code=~"5.."'),
    ("traefik", "code", ["200", "404"], 'code=~"5.."'),
    ("classes", "status", ["2xx", "5xx"], 'status=~"5.."'),
    ("istio, where 0 is no answer", "response_code", ["0", "200"], 'response_code=~"5.."'),
    ("otel", "http_response_status_code", ["200", "502", ""], 'http_response_status_code=~"5.."'),
    ("grpc in words", "grpc_code", ["OK", "NotFound"],
     'grpc_code=~"Unknown|DeadlineExceeded|Unimplemented|Internal|Unavailable|DataLoss"'),
    ("grpc in capitals", "grpc_status", ["OK", "NOT_FOUND"],
     'grpc_status=~"UNKNOWN|DEADLINE_EXCEEDED|UNIMPLEMENTED|INTERNAL|UNAVAILABLE|DATA_LOSS"'),
    ("grpc in numbers", "rpc_grpc_status_code", ["0", "14"], 'rpc_grpc_status_code=~"2|4|12|13|14|15"'),
    ("grpc, all well until now", "rpc_grpc_status_code", ["0"], 'rpc_grpc_status_code=~"2|4|12|13|14|15"'),
    ("outcomes", "outcome", ["success", "failure"], 'outcome=~"failure"'),
    ("outcomes without a failure yet", "result", ["ok"], 'result=~"failure|failed|error"'),
    ("truth", "success", ["true"], 'success="false"'),
    ("truth the other way", "error", ["false", "true"], 'error="true"'),
    ("truth in Python", "success", ["True"], 'success="False"'),
    ("a port is no code", "port", ["443", "200"], ""),
    ("a status that is a word for something else", "status", ["active", "idle"], ""),
    ("a code of a country", "country_code", ["DE", "US"], ""),
    ("a value that nobody prints", "code", ["200\n# x"], ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("label", "values", "expected"), [row[1:] for row in FAILURES], ids=[row[0] for row in FAILURES]
)
def test_which_label_tells_what_failed(label: str, values: list[str], expected: str) -> None:
    series = [{"job": "auth", label: value} for value in values]
    assert words.failures(series) == (expected, label if expected else "")


def test_a_code_of_http_goes_before_an_outcome() -> None:
    series = [{"outcome": "SUCCESS", "status": "200"}, {"outcome": "SERVER_ERROR", "status": "500"}]
    assert words.failures(series) == ('status=~"5.."', "status")


NAMES = [
    ("http_requests_total", True),
    ("traefik_service_requests_total", True),
    ("istio_requests_total", True),
    ("haproxy_backend_http_responses_total", True),
    ("nginx_ingress_controller_requests", True),
    ("http_server_requests_seconds_count", True),
    ("http_requests_received_total", True),
    ("grpc_server_handled_total", True),
    ("myapp_rpc_calls_total", True),
    ("traefik_entrypoint_requests_total", False),
    ("grpc_server_started_total", False),
    ("grpc_server_msg_received_total", False),
    ("http_client_requests_total", False),
    ("http_requests_in_flight", False),
    ("http_active_requests", False),
    ("http_response_size_bytes_count", False),
    ("http_request_duration_seconds_bucket", False),
    ("http_request_duration_seconds_sum", False),
    ("prometheus_http_requests_total", False),
    ("promhttp_metric_handler_requests_total", False),
    ("apiserver_request_total", False),
    ("node_network_transmit_packets_total", False),
    ("orders_created_total", False),
    ("http.server.requests_total", False),
]


@pytest.mark.parametrize(("name", "counts"), NAMES, ids=[name for name, _ in NAMES])
def test_which_metric_counts_requests(name: str, counts: bool) -> None:  # noqa: FBT001  # a row of the table
    assert words.of_requests([name], {}) == ([name] if counts else [])


def test_a_gauge_is_none_whatever_its_name() -> None:
    assert words.of_requests(["app_requests"], {"app_requests": "gauge"}) == []
    assert words.of_requests(["app_http_hits"], {"app_http_hits": "counter"}) == ["app_http_hits"]


LATENCIES = [
    ("http_request_duration_seconds", True),
    ("istio_request_duration_milliseconds", True),
    ("traefik_service_request_duration_seconds", True),
    ("grpc_server_handling_seconds", True),
    ("http_client_request_duration_seconds", False),
    ("http_response_size_bytes", False),
    ("prometheus_http_request_duration_seconds", False),
    ("go_gc_duration_seconds", False),
]


@pytest.mark.parametrize(("name", "is_one"), LATENCIES, ids=[name for name, _ in LATENCIES])
def test_which_histogram_holds_latencies(name: str, is_one: bool) -> None:  # noqa: FBT001  # a row of the table
    assert words.of_latency([f"{name}_bucket", f"{name}_count"]) == ([name] if is_one else [])


def test_the_unit_stands_in_the_name() -> None:
    assert [TimeUnit.told_by(one) for one in ("istio_request_duration_milliseconds", "a_ms", "http_seconds")] == [
        "ms",
        "ms",
        "s",
    ]


SERVICES = [
    ("the surest that tells several apart", [{"job": "k", "service": "a"}, {"job": "k", "service": "b"}], "service"),
    ("one of one value, where no other does better", [{"job": "auth", "pod": "x"}, {"job": "auth", "pod": "y"}], "job"),
    ("a label that all series have", [{"job": "a", "service": "x"}, {"job": "b"}], "job"),
    ("what the controller exports, not itself",
     [{"service": "ingress", "ingress": "a"}, {"service": "ingress", "ingress": "b"}], "ingress"),
    ("none", [{"pod": "a"}, {"pod": "b"}], ""),
    ("nothing at all", [], ""),
    ("too many to be services", [{"service": str(n), "job": "a"} for n in range(60)], "job"),
]  # fmt: skip


@pytest.mark.parametrize(("series", "expected"), [row[1:] for row in SERVICES], ids=[row[0] for row in SERVICES])
def test_which_label_tells_services_apart(series: list[dict[str, str]], expected: str) -> None:
    assert words.service_label(series) == expected


PROBES = [
    ("the blackbox exporter, relabelled", [{"instance": "a", "job": "b"}, {"instance": "c", "job": "b"}], "instance"),
    ("one prober for many", [{"instance": "p", "endpoint": "/a"}, {"instance": "p", "endpoint": "/b"}], "endpoint"),
    ("one probe", [{"instance": "p", "job": "b"}], "instance"),
    ("a label that some lack", [{"instance": "p", "url": "/a"}, {"instance": "p"}], "instance"),
]


@pytest.mark.parametrize(("series", "expected"), [row[1:] for row in PROBES], ids=[row[0] for row in PROBES])
def test_which_label_tells_probes_apart(series: list[dict[str, str]], expected: str) -> None:
    assert words.probe_label(series) == expected


def test_a_mesh_that_reports_both_ends_is_counted_once() -> None:
    assert words.only([{"reporter": "source"}, {"reporter": "destination"}]) == 'reporter="destination"'
    assert words.only([{"reporter": "source"}]) == ""


ALERTS = {
    "http_requests_total": "HttpFailing",
    "istio_requests_total": "IstioFailing",
    "nginx_ingress_controller_requests": "NginxIngressFailing",
    "requests_total": "RequestsFailing",
    "job:requests:total": "JobFailing",
}


def test_an_alert_is_named_after_its_metric() -> None:
    assert {name: words.alert_name(name, "Failing") for name in ALERTS} == ALERTS


def test_a_name_is_matched_and_nothing_else() -> None:
    assert escaped("api@v1.0 (x)|.*") == r"api@v1\.0 \(x\)\|\.\*"
    assert escaped("a\nb") == "a.b"
