"""What else the environment tells: of the service manager, and what commands of checks are started with."""

import os
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServiceManager:
    """What systemd tells of itself: the socket it listens on, and the seconds within which it wants to be fed."""

    address: str = ""
    watchdog: float = 0.0


def service_manager(environ: Mapping[str, str] | None = None, pid: int | None = None) -> ServiceManager:
    """Give what the service manager told; nothing of it where there is none, or where it means another process."""
    environ, pid = os.environ if environ is None else environ, os.getpid() if pid is None else pid
    told = environ.get("WATCHDOG_USEC", "")
    mine = environ.get("WATCHDOG_PID", str(pid)) == str(pid)
    watchdog = int(told) / 1e6 if told.isdecimal() and mine else 0.0
    return ServiceManager(environ.get("NOTIFY_SOCKET", ""), watchdog)


def command_environment(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Give the variables that a command check runs with: where programs are, the language, the home; nothing of ours.

    Whatever else the monitor was started with, its tokens above all, is not handed on.
    """
    environ = os.environ if environ is None else environ
    kept = {name: environ[name] for name in ("PATH", "LANG", "HOME") if environ.get(name)}
    return {"PATH": os.defpath, **kept}
