"""What the service manager is told, over real datagram sockets."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.runtime.notify import Manager
from monitor.settings.environment import service_manager


@pytest.fixture(params=["a path", "an abstract name"])
def listening(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    abstract = request.param == "an abstract name"
    address = f"@rollback-monitor-{tmp_path.name}-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("\0" + address[1:] if abstract else address)
        listener.settimeout(5)
        yield address, listener


def heard(listener: socket.socket) -> list[str]:
    return listener.recv(4096).decode().splitlines()


def test_every_word_arrives(listening: tuple[str, socket.socket]) -> None:
    address, listener = listening
    manager = Manager(address, watchdog=45)
    manager.ready("evaluating 3 groups\nWATCHDOG=1")
    assert heard(listener) == ["READY=1", "STATUS=evaluating 3 groups WATCHDOG=1"]
    manager.fresh()
    assert heard(listener) == ["WATCHDOG=1"]
    manager.reloading()
    reloading, since = heard(listener)
    assert (reloading, since.partition("=")[0]) == ("RELOADING=1", "MONOTONIC_USEC")
    manager.stopping()
    assert heard(listener)[0] == "STOPPING=1"


def test_a_watchdog_that_was_not_asked_for_is_not_fed(listening: tuple[str, socket.socket]) -> None:
    address, listener = listening
    Manager(address).fresh()
    Manager(address).status("well")
    assert heard(listener) == ["STATUS=well"]


@pytest.mark.parametrize("address", ["", "/nowhere/at/all", "@nobody-listens-here"])
def test_nobody_who_listens_is_no_trouble(address: str) -> None:
    manager = Manager(address, 45)
    manager.ready()
    manager.fresh()


TOLD = [
    ("nothing", {}, ("", 0.0)),
    ("both", {"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "45000000", "WATCHDOG_PID": "7"}, ("@x", 45.0)),
    ("a watchdog of another process", {"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "4", "WATCHDOG_PID": "8"}, ("@x", 0.0)),
    ("no number", {"WATCHDOG_USEC": "soon"}, ("", 0.0)),
]


@pytest.mark.parametrize(("environ", "told"), [row[1:] for row in TOLD], ids=[row[0] for row in TOLD])
def test_what_the_service_manager_tells(environ: dict[str, str], told: tuple[str, float]) -> None:
    found = service_manager(environ, pid=7)
    assert (found.address, found.watchdog) == told
