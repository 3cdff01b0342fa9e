"""Tests run in several processes at once: what they share is dealt out, and nothing is given twice."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.dealing import dealt
from tests.servers.ports import ANY, FIRST, _end, free_port

ROOT = Path(__file__).parents[1]
ANOTHER = (
    "from tests.servers.ports import free_port, _reserve; import sys; print(_reserve(int(sys.argv[1])), free_port())"
)


def is_long(test: str) -> bool:
    return test.isupper()


@pytest.mark.parametrize(
    ("tests", "processes", "order"),
    [
        ("", 4, ""),
        ("aBcDeFgH", 1, "BDFHaceg"),
        ("aBcDeFgH", 2, "BFacDHeg"),
        ("abcdefgH", 4, "Habcdefg"),
        ("ABCDEFGH", 3, "ADGBEHCF"),
        ("ABCDEFGh", 2, "ACEGBDFh"),
        ("aBc", 8, "Bac"),
    ],
)
def test_each_process_begins_with_its_part_of_the_long_ones(tests: str, processes: int, order: str) -> None:
    assert "".join(dealt(tests, is_long, processes)) == order


def test_a_port_is_given_once_and_never_to_another_process() -> None:
    ports = {free_port() for _ in range(50)}
    assert len(ports) == 50
    taken = str(min(ports))
    told = subprocess.run([sys.executable, "-c", ANOTHER, taken], cwd=ROOT, capture_output=True, text=True, check=True)
    could, other = told.stdout.split()
    assert (could, int(other) in ports) == ("False", False)


@pytest.mark.skipif(_end() == ANY, reason="the system gives nearly every port to clients")
def test_a_port_is_free_for_a_listener_and_none_that_the_system_gives() -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port)), socket.socket() as given:
        given.bind(("127.0.0.1", 0))
        assert FIRST <= port < given.getsockname()[1]
