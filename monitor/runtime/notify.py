"""The protocol of the service manager (sd_notify): a datagram to the socket that it names. Standard library only.

Without a socket, or when nobody listens, nothing happens: the daemon runs as well without systemd.
"""

import contextlib
import socket
import time
from dataclasses import dataclass

SEND_WITHIN = 0.5
"""Seconds after which a full socket is given up: the next word says the same."""


@dataclass(frozen=True, slots=True)
class Manager:
    """The service manager: its `address` (a path, or @name for an abstract socket; empty: none), and its watchdog.

    `watchdog` are the seconds within which it wants to be fed; 0 where it does not.
    """

    address: str = ""
    watchdog: float = 0.0

    def ready(self, status: str = "") -> None:
        """Say that the start, or a reload, is complete."""
        self._say("READY=1", f"STATUS={_line(status)}")

    def reloading(self) -> None:
        """Say that the rules are being reloaded."""
        self._say("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        """Say that the daemon ends."""
        self._say("STOPPING=1", "STATUS=stopping")

    def fresh(self) -> None:
        """Feed the watchdog: every loop goes round."""
        if self.watchdog:
            self._say("WATCHDOG=1")

    def status(self, text: str) -> None:
        """Say in a line how it goes."""
        self._say(f"STATUS={_line(text)}")

    def _say(self, *lines: str) -> None:
        if not self.address:
            return
        where = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as talking,
        ):
            talking.settimeout(SEND_WITHIN)
            talking.sendto("\n".join(lines).encode(), where)


def _line(text: str) -> str:
    return " ".join(text.split())
