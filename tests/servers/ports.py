"""Loopback ports for servers that must be told theirs: nobody else's for as long as this process runs.

Tests run in several processes at once, and a server may be killed and started again on its port. So a port is taken
from outside those that the system gives to clients and to listeners on port 0, and is reserved among the processes of
tests by a UDP socket of the same number, which the servers never see and which the system releases with the process.
"""

import secrets
import socket
from pathlib import Path

FIRST = 10_000
GIVEN_BY_THE_SYSTEM = Path("/proc/sys/net/ipv4/ip_local_port_range")
ANY = 65_536
TRIES = 1000

_reserved: list[socket.socket] = []


def free_port() -> int:
    """Give a loopback port that nobody listens on, and that no other call gives, here or in another process."""
    for _ in range(TRIES):
        port = FIRST + secrets.randbelow(_end() - FIRST)
        if _reserve(port):
            return port
    raise AssertionError(f"no port was free between {FIRST} and {_end()} in {TRIES} tries")


def _reserve(port: int) -> bool:
    mark = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        mark.bind(("127.0.0.1", port))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
    except OSError:
        mark.close()
        return False
    _reserved.append(mark)
    return True


def _end() -> int:
    """The first port that the system may give to others; on a system that gives any, all are as good as another."""
    try:
        first = int(GIVEN_BY_THE_SYSTEM.read_text().split()[0])
    except OSError:
        first = 32_768
    return first if first > 2 * FIRST else ANY
