"""The metrics source against servers that misbehave: a typed answer, in time, in bounded memory, without a secret."""

import gzip
import math
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from monitor.adapters.prometheus import Access, PrometheusSource
from monitor.core.model import Sample
from monitor.ports.metrics import Answer, BadQuery, Partial, Samples, Unanswered
from tests.servers.hostile import Behaviour, Hostile, cut, drip, flood, hang, late, reply, vector

AT = 1000
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
JUST_200 = b"HTTP/1.1 200 OK\r\n\r\n"
GZIP = {"Content-Encoding": "gzip"}


def said(status: int, error: str) -> Behaviour:
    return reply({"status": "error", "errorType": "execution", "error": error}, status)


def data(kind: str, result: object) -> Behaviour:
    return reply({"status": "success", "data": {"resultType": kind, "result": result}})


UNANSWERED: dict[str, tuple[Behaviour, str]] = {
    "429 with a huge Retry-After": (reply(b"slow down", 429, {"Retry-After": "86400"}), "asked too much (429)"),
    "503 with a huge Retry-After": (reply(b"no", 503, {"Retry-After": "86400"}), "not ready or overloaded (503)"),
    "500": (said(500, "storage is gone"), "it failed (500: storage is gone)"),
    "401": (reply(b"", 401), "refuses our credentials (401)"),
    "404": (reply(b"", 404), "no query API at this address (404)"),
    "204": (reply(b"", 204), "(204)"),
    "HTML with 200": (reply(b"<html>Sign in</html>", 200, {"Content-Type": "text/html"}), "not Prometheus's JSON"),
    "an empty body": (reply(b""), "not Prometheus's JSON"),
    "JSON that ends early": (reply(b'{"status": "success", "data": {"resu'), "not Prometheus's JSON"),
    "a body that ends early": (reply(b'{"status": "success"', short=500), "broke before the answer was complete"),
    "a connection closed without a word": (cut, "broke before the answer was complete"),
    "not HTTP": (lambda connection, _: connection.sendall(b"SSH-2.0-OpenSSH\r\n\r\n"), "broke before"),
    "another kind of JSON": (reply(b'[1, "status"]'), "not Prometheus's JSON"),
    "100,000 nested brackets": (reply(b"[" * 100_000), "not Prometheus's JSON"),
    "an error with 200": (said(200, "oh no"), "it failed: oh no"),
    "success without data": (reply({"status": "success"}), "shape"),
    "an unknown kind of result": (data("table", []), "shape"),
    "a result that is no list": (data("vector", {"a": 1}), "shape"),
    "a series that is no series": (data("vector", ["a"]), "shape"),
    "a label that is a number": (data("vector", [{"metric": {"a": 1}, "value": [1, "1"]}]), "shape"),
    "a value that is missing": (data("vector", [{"metric": {}}]), "shape"),
    "a value that is no text": (data("vector", [{"metric": {}, "value": [1, 1]}]), "shape"),
    "a value that is no number": (data("vector", [{"metric": {}, "value": [1, "many"]}]), "shape"),
    "a time that is no number": (data("vector", [{"metric": {}, "value": ["x", "1"]}]), "shape"),
    "a scalar of three": (data("scalar", [1, "1", 2]), "shape"),
    "garbage that claims to be compressed": (reply(b"not gzip", 200, GZIP), "cannot be unpacked"),
    "a body larger than 16 MiB": (flood(JUST_200), "larger than 16 MiB"),
    "a promise of 100 MB": (flood(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n"), "larger than 16 MiB"),
    "endless chunks": (flood(CHUNKED, b"10000\r\n" + b" " * 65536 + b"\r\n"), "larger than 16 MiB"),
    "an endless chunk size": (flood(CHUNKED, b"0" * 65536), "broke before"),
    "100 MB in 100 kB of gzip": (reply(gzip.compress(b" " * 100_000_000), 200, GZIP), "larger than 16 MiB"),
    "a header of 100 MB": (flood(b"HTTP/1.1 200 OK\r\nX: ", b"a" * 65536), "broke before"),
    "a million headers": (flood(b"HTTP/1.1 200 OK\r\n", b"X: a\r\n" * 100), "broke before"),
    "answers to come, for ever": (flood(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100), "larger than 16 MiB"),
}

SLOW: dict[str, Behaviour] = {
    "accepts and hangs": hang,
    "begins just in time, and hangs": late(b"HTTP/1.1 200 OK\r\n", 0.55),
    "a body, a byte at a time": drip(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"),
    "a chunked body, a byte at a time": drip(CHUNKED),
    "headers, a byte at a time": drip(b"HTTP/1.1 200 OK\r\nX-Slow: "),
    "a status line, a byte at a time": drip(b"HTTP/1.1 "),
}


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    before = threading.active_count()
    yield
    assert threading.active_count() == before


def ask(behaviour: Behaviour, deadline: float = 5.0, access: Access | None = None) -> Answer:
    with Hostile(behaviour) as hostile:
        source = PrometheusSource(hostile.url, access)
        try:
            return source.instant("up", AT, deadline=deadline)
        finally:
            source.close()


def peak_kib() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


@pytest.mark.alone
@pytest.mark.parametrize("case", UNANSWERED)
def test_it_is_not_answered(case: str) -> None:
    behaviour, why = UNANSWERED[case]
    with Hostile(behaviour) as hostile:
        source = PrometheusSource(hostile.url)
        Path("/proc/self/clear_refs").write_text("5")  # the peak of memory is counted from here
        before = peak_kib()
        answer = source.instant("up", AT, deadline=5)
        grown = peak_kib() - before
        source.close()
    assert isinstance(answer, Unanswered)
    assert why in answer.why
    assert grown < 64 * 1024, f"{grown} KiB more memory"
    assert len(hostile.heads) == 1, "asked more than once"


@pytest.mark.alone
@pytest.mark.parametrize("case", SLOW)
def test_a_slow_answer_ends_at_the_deadline(case: str) -> None:
    began = time.monotonic()
    answer = ask(SLOW[case], deadline=0.6)
    took = time.monotonic() - began
    assert answer == Unanswered("no complete answer within 0.6 s")
    assert 0.55 < took < 1.1


@pytest.mark.alone
def test_a_server_that_does_not_accept_ends_at_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.settimeout(0)
            one.connect_ex(full.getsockname())
        source = PrometheusSource(f"http://127.0.0.1:{full.getsockname()[1]}")
        began = time.monotonic()
        answer = source.instant("up", AT, deadline=0.5)
        took = time.monotonic() - began
        source.close()
        for one in waiting:
            one.close()
    assert answer == Unanswered("no complete answer within 0.5 s")
    assert took < 1.0


@pytest.mark.alone
def test_a_server_that_speaks_no_tls_ends_at_the_deadline() -> None:
    with Hostile(hang) as hostile:
        source = PrometheusSource(f"https://{hostile.address}")
        began = time.monotonic()
        answer = source.instant("up", AT, deadline=0.5)
        took = time.monotonic() - began
        source.close()
    assert isinstance(answer, Unanswered)
    assert took < 1.0


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, str]:
    """Give a server's TLS with a certificate of its own making, and the file to trust it by."""
    folder = tmp_path_factory.mktemp("tls")
    names = ["-subj", "/CN=prometheus", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subprocess.run(["openssl", "req", *kind, *names, *files], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context, str(folder / "cert.pem")


def test_a_certificate_is_checked(certificate: tuple[ssl.SSLContext, str]) -> None:
    context, trusted = certificate
    with Hostile(reply(vector(({}, "7"))), context) as hostile:
        for access, expected in (
            (Access(ca_file=trusted), Samples((Sample((), 7.0),))),
            (Access(), Unanswered("its TLS certificate is not accepted, or it speaks no TLS")),
        ):
            source = PrometheusSource(hostile.url, access)
            assert source.instant("up", AT, deadline=5) == expected
            source.close()


@pytest.mark.alone
def test_a_slow_answer_over_tls_ends_at_the_deadline(certificate: tuple[ssl.SSLContext, str]) -> None:
    context, trusted = certificate
    with Hostile(drip(b"HTTP/1.1 200 OK\r\nX-Slow: "), context) as hostile:
        source = PrometheusSource(hostile.url, Access(ca_file=trusted))
        began = time.monotonic()
        answer = source.instant("up", AT, deadline=0.6)
        took = time.monotonic() - began
        source.close()
    assert answer == Unanswered("no complete answer within 0.6 s")
    assert took < 1.1


def test_a_tls_file_must_exist() -> None:
    with pytest.raises(ValueError, match=r"the TLS file /nowhere/ca\.pem for Prometheus does not exist"):
        PrometheusSource("https://prometheus", Access(ca_file="/nowhere/ca.pem"))


def test_a_name_with_several_addresses_is_tried_in_turn() -> None:
    with Hostile(reply(vector())) as hostile:  # listens on 127.0.0.1 only; the name may mean ::1 too
        source = PrometheusSource(f"http://localhost:{hostile.address.rpartition(':')[2]}")
        assert source.instant("up", AT, deadline=5) == Samples(())
        source.close()


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://127.0.0.1:1", "the connection is refused"),
        ("http://prometheus.invalid:9090", "its name cannot be resolved"),
    ],
    ids=["refused", "an unknown name"],
)
def test_a_server_that_is_not_there(url: str, why: str) -> None:
    source = PrometheusSource(url)
    assert source.instant("up", AT, deadline=2) == Unanswered(why)
    assert source.instant("up", AT, deadline=0) == Unanswered("no time was left to ask")


def test_a_redirect_is_not_followed() -> None:
    with Hostile(reply(vector(({}, "1")))) as elsewhere:
        for status in (301, 302, 303, 307, 308):
            answer = ask(reply(b"", status, {"Location": f"{elsewhere.url}/api/v1/query"}))
            assert answer == Unanswered(f"it redirects elsewhere ({status}), which is not followed")
    assert elsewhere.heads == []


WRONG: dict[str, tuple[Behaviour, str]] = {
    "400": (said(400, "parse error: unexpected end"), "parse error: unexpected end"),
    "422": (said(422, "found duplicate series"), "found duplicate series"),
    "400 without JSON": (reply(b"nope", 400), "refused with 400"),
    "a string": (data("string", [1, "x"]), "the query gives a string"),
    "a matrix": (data("matrix", []), "the query gives a matrix"),
    "two series with one label set": (reply(vector(({"a": "1"}, "1"), ({"a": "1"}, "2"))), "the same labels"),
    "native histograms": (data("vector", [{"metric": {}, "histogram": [1, {}]}]), "native histograms"),
}


@pytest.mark.parametrize("case", WRONG)
def test_the_query_is_wrong(case: str) -> None:
    behaviour, why = WRONG[case]
    answer = ask(behaviour)
    assert isinstance(answer, BadQuery)
    assert why in answer.why


@pytest.mark.parametrize(
    "more",
    [
        {"warnings": ["Addr: store-2 unreachable"]},
        {"warnings": ["PromQL info: ok", "store-2 unreachable"]},
        {"warnings": "store-2 unreachable"},
        {"isPartial": True},
    ],
    ids=["a warning of Thanos", "behind a remark", "not even a list", "VictoriaMetrics"],
)
def test_a_partial_answer(more: Mapping[str, Any]) -> None:
    answer = ask(reply(vector(({}, "1"), **more)))
    assert isinstance(answer, Partial)
    assert "partial" in answer.why


def test_remarks_of_the_engine_are_no_partial_answer() -> None:
    more = {
        "warnings": ["PromQL warning: odd"],
        "infos": ["PromQL info: metric might not be a counter"],
        "isPartial": False,
    }
    answer = ask(reply(vector(({}, "1"), **more)))
    assert answer == Samples((Sample((), 1.0),), ("PromQL warning: odd", "PromQL info: metric might not be a counter"))


def test_numbers_that_are_none_stay_in_the_samples() -> None:
    answer = ask(reply(vector(({"a": "1"}, "NaN"), ({"a": "2"}, "+Inf"), ({"a": "3"}, "-Inf"))))
    assert isinstance(answer, Samples)
    assert math.isnan(answer.samples[0].value)
    assert [one.value for one in answer.samples[1:]] == [math.inf, -math.inf]


def test_a_scalar_is_one_sample_without_labels() -> None:
    assert ask(data("scalar", [1, "42"])) == Samples((Sample((), 42.0),))


def test_the_query_travels_in_the_form_and_asks_for_no_compression() -> None:
    with Hostile(reply(vector())) as hostile:
        source = PrometheusSource(f"{hostile.url}/prefix/", Access({"X-Scope-OrgID": "tenant"}))
        source.instant('up{job="a b&c"}', AT, deadline=2)
        source.close()
    (head,), (body,) = hostile.heads, hostile.bodies
    assert head.startswith("POST /prefix/api/v1/query HTTP/1.1\r\n")
    assert "Accept-Encoding: identity\r\n" in head
    assert "X-Scope-OrgID: tenant\r\n" in head
    assert "Authorization" not in head
    assert "query=up%7Bjob%3D%22a+b%26c%22%7D" in body
    assert "time=1000" in body


def test_no_environment_is_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password canary")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with Hostile(reply(vector(), headers={"Set-Cookie": "session=canary"})) as hostile:
        source = PrometheusSource(hostile.url)
        assert source.instant("up", AT, deadline=2) == Samples(())
        assert source.instant("up", AT, deadline=2) == Samples(())
        source.close()
    assert "canary" not in "".join(hostile.heads)
    assert "Authorization" not in "".join(hostile.heads)


CANARY = "c4nary-s3cret"


@pytest.mark.parametrize(
    ("before", "access", "sent"),
    [
        ("", Access(bearer_token=CANARY), f"Bearer {CANARY}"),
        ("", Access(username="ana", password=CANARY), "Basic YW5hOmM0bmFyeS1zM2NyZXQ="),
        (f"ana:{CANARY}@", None, "Basic YW5hOmM0bmFyeS1zM2NyZXQ="),
        ("", Access({"Authorization": CANARY}), CANARY),
    ],
    ids=["bearer token", "basic", "in the address", "a header"],
)
@pytest.mark.parametrize("status", [200, 400, 500])
def test_secrets_are_sent_and_never_told(before: str, access: Access | None, sent: str, status: int) -> None:
    with Hostile(said(status, f"you sent {sent}")) as hostile:
        source = PrometheusSource(f"http://{before}{hostile.address}", access)
        answer = source.instant("up", AT, deadline=2)
        source.close()
    assert f"Authorization: {sent}\r\n" in hostile.heads[0]
    told = f"{answer} {source.url} {access!r}"
    assert CANARY not in told
    assert sent.rsplit(maxsplit=1)[-1] not in told


@pytest.mark.parametrize("url", ["prometheus:9090", "ftp://a", "http://", "/x", f"//ana:{CANARY}@host"])
def test_an_address_that_is_none_is_refused_without_telling_it(url: str) -> None:
    with pytest.raises(ValueError, match="must look like http://prometheus:9090") as refused:
        PrometheusSource(url)
    assert CANARY not in str(refused.value)


RANGES: dict[str, tuple[Any, str]] = {
    "a vector": ({"resultType": "vector", "result": []}, "no matrix"),
    "a point between the asked ones": (
        {"resultType": "matrix", "result": [{"metric": {}, "values": [[1015, "1"]]}]},
        "a point at 1015",
    ),
    "no values": ({"resultType": "matrix", "result": [{"metric": {}}]}, "without values"),
}


@pytest.mark.parametrize("case", RANGES)
def test_a_range_of_the_wrong_shape(case: str) -> None:
    payload, why = RANGES[case]
    with Hostile(reply({"status": "success", "data": payload})) as hostile:
        source = PrometheusSource(hostile.url)
        answer = source.range("up", 1000, 1060, 30, deadline=2)
        source.close()
    assert isinstance(answer, Unanswered)
    assert why in answer.why


def test_a_kept_connection_forgets_its_last_deadline() -> None:
    def late_and_busy(connection: socket.socket, ended: threading.Event) -> None:
        ended.wait(0.8)
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        ended.wait(0.1)  # what is read now has a fifth of a second left
        reply(vector())(connection, ended)
        ended.wait(0.5)  # the next question is read later than that

    with Hostile(late_and_busy) as hostile:
        source = PrometheusSource(hostile.url)
        assert source.instant("up", AT, deadline=1) == Samples(())
        assert source.instant("up # " + "x" * 12_000_000, AT, deadline=5) == Samples(())
        source.close()
    assert len(hostile._connections) == 1


def test_many_threads_share_the_connections() -> None:
    answers: list[Answer] = []
    with Hostile(reply(vector(({}, "7")))) as hostile:
        source = PrometheusSource(hostile.url, connections=4)

        def work() -> None:
            answers.extend(source.instant("up", AT, deadline=5) for _ in range(20))

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        connections = len(hostile._connections)
        source.close()
    assert answers == [Samples((Sample((), 7.0),))] * 80
    assert connections <= 4
