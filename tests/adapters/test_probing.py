"""A status asked of servers that behave and that do not."""

import time
from collections.abc import Callable

import pytest

from monitor.adapters.memory.world import ScriptedProber
from monitor.adapters.probing import HttpProber
from monitor.ports.world import NoAnswer, Prober, Status
from tests.servers.hostile import Behaviour, Hostile, cut, drip, flood, hang, late, reply
from tests.servers.ports import free_port

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n"
ENOUGH = 20.0

STATUSES: list[tuple[str, Behaviour, int]] = [
    ("well", reply(b"ok"), 200),
    ("unavailable", reply(b"", 503), 503),
    ("nothing there", reply(b"<html>", 404), 404),
    ("a body without end", flood(HEAD), 200),
    ("a body that hangs", late(HEAD + b"x", 0), 200),
    ("a body that is cut off", reply(b"ok", short=5), 200),
]


@pytest.mark.parametrize(("behaviour", "status"), [case[1:] for case in STATUSES], ids=[case[0] for case in STATUSES])
def test_the_status_counts_and_nothing_else(behaviour: Behaviour, status: int) -> None:
    with Hostile(behaviour) as server:
        assert HttpProber().status(f"{server.url}/health?token=x", deadline=ENOUGH) == Status(status)
        assert [head.split(" HTTP")[0] for head in server.heads] == ["GET /health?token=x"]


@pytest.mark.parametrize("status", [301, 302, 307])
def test_a_redirect_to_another_host_is_not_followed(status: int) -> None:
    with (
        Hostile(reply(b"ok")) as other,
        Hostile(reply(b"", status, {"Location": f"{other.url}/login"})) as server,
    ):
        assert HttpProber().status(server.url, deadline=ENOUGH) == Status(status)
        assert other.heads == []


SILENT: list[tuple[str, Behaviour, str]] = [
    ("hangs", hang, "no answer within 0.5 s"),
    ("drips its headers", drip(b"HTTP/1.1 200 OK\r\nX-Slow: "), "no answer within 0.5 s"),
    ("closes", cut, "the connection broke before the answer"),
    ("speaks something else", late(b"SSH-2.0-x\r\n\r\n", 0), "the connection broke"),
]


@pytest.mark.parametrize(("behaviour", "why"), [case[1:] for case in SILENT], ids=[case[0] for case in SILENT])
def test_no_answer_is_told_in_time(behaviour: Behaviour, why: str) -> None:
    with Hostile(behaviour) as server:
        began = time.monotonic()
        answer = HttpProber().status(f"{server.url}/?token=canary-7f3a", deadline=0.5)
        assert time.monotonic() - began < ENOUGH / 2
    assert isinstance(answer, NoAnswer)
    assert answer.why.startswith(why)
    assert "canary" not in answer.why


UNREACHED: list[tuple[str, Callable[[], str], str]] = [
    ("nobody listens", lambda: f"http://127.0.0.1:{free_port()}", "the connection is refused"),
    ("no such name", lambda: "http://no-such-host.invalid", "its name cannot be resolved"),
    ("no host", lambda: "http://", "the connection broke before the answer"),
]


@pytest.mark.parametrize(("url", "why"), [case[1:] for case in UNREACHED], ids=[case[0] for case in UNREACHED])
def test_a_server_that_is_not_there(url: Callable[[], str], why: str) -> None:
    assert HttpProber().status(url(), deadline=ENOUGH) == NoAnswer(why)


def test_a_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with Hostile(reply(b"ok")) as proxy, Hostile(reply(b"", 204)) as server:
        monkeypatch.setenv("http_proxy", proxy.url)
        assert HttpProber().status(server.url, deadline=ENOUGH) == Status(204)
        assert proxy.heads == []


@pytest.mark.parametrize("prober", [HttpProber(), ScriptedProber({"http://x": Status(200)})], ids=["real", "fake"])
def test_without_time_nobody_is_asked(prober: Prober) -> None:
    assert isinstance(prober.status("http://x", deadline=0), NoAnswer)
