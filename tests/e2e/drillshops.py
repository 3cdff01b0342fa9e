"""The shops that drills are held on: one whose parts a test can take away, and that of the demo, a process of its own.

Both have the same releases: of auth the new one fails its logins, of web it does nothing.
"""

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from monitor.demo.shop import Ports
from monitor.demo.world import tell
from tests.e2e.running import ROOT, Shop, eventually
from tests.servers.prometheus import History

GOOD = {"auth": "2.13.4", "web": "7.1.0"}
BAD = {"auth": "2.14.0", "web": "7.2.0"}
RELEASED = 900
"""Seconds before the test at which the bad versions came that run when it begins."""


class Target(Protocol):
    """A shop as a drill sees it."""

    @property
    def scraped(self) -> Mapping[str, list[str]]:
        """Where its metrics are, by job."""

    @property
    def logins(self) -> str:
        """The job whose requests are its logins."""

    @property
    def begins(self) -> Mapping[str, str]:
        """The versions that run when the test begins."""

    def version(self, service: str) -> str:
        """What selects the version of a service that runs."""

    def breaks(self) -> None:
        """Let its logins fail, by the new release of auth."""

    def runs(self, service: str, version: str) -> None:
        """Switch the version of a service; logins are healed by the good one."""


def history(*targets: Target) -> History:
    """Two hours of versions; what is bad when the test begins has been so for the last minutes of them."""
    now = int(time.time())
    old, new = range(now - 7200, now - RELEASED, 5), range(now - RELEASED, now, 5)
    return {
        f'{one.version(service).removesuffix("}")},version="{version}"}}': [(at, 1.0) for at in times]
        for one in targets
        for service in GOOD
        for version, times in _past(one.begins[service], GOOD[service], old, new)
    }


def _past(now: str, good: str, old: range, new: range) -> list[tuple[str, list[int]]]:
    return [(good, [*old, *new])] if now == good else [(good, [*old]), (now, [*new])]


class ReadyMade(Shop):
    """The shop of the tests: an exporter in the process of the test."""

    begins = BAD

    def __init__(self, folder: Path, environment: str) -> None:
        super().__init__()
        del folder
        self.logins = environment or "shop"
        self.versions = dict(BAD)

    @property
    def scraped(self) -> dict[str, list[str]]:
        return {self.logins: [self.exporter.target]}

    def version(self, service: str) -> str:
        return f'app_build_info{{job="{self.logins}",service="{service}"}}'

    def breaks(self) -> None:
        self.failing["login"] = 0.9

    def runs(self, service: str, version: str) -> None:
        self.versions[service] = version
        if service == "auth":
            self.failing["login"] = 0.0


@dataclass(frozen=True)
class OfTheDemo:
    """The shop of the demo: a process with traffic, a prober, and an endpoint that breaks it and deploys to it."""

    ports: Ports
    environment: str

    @property
    def scraped(self) -> dict[str, list[str]]:
        return {job: [address] for job, address in self.ports.jobs.items()}

    @property
    def logins(self) -> str:
        return self._job("auth")

    @property
    def begins(self) -> dict[str, str]:
        return GOOD | {"web": BAD["web"]} if self.environment else GOOD

    def version(self, service: str) -> str:
        return f'app_build_info{{job="{self._job(service)}"}}'

    def breaks(self) -> None:
        tell(self.ports, "fault/login")

    def runs(self, service: str, version: str) -> None:
        tell(self.ports, f"version/{service}/{version}")

    @property
    def told(self) -> dict[str, Any]:
        """What it says of itself."""
        with urllib.request.urlopen(self.ports.control, timeout=5) as answer:
            said: dict[str, Any] = json.load(answer)
        return said

    def _job(self, service: str) -> str:
        return f"{self.environment}-{service}" if self.environment else service


@contextmanager
def demo_shop(folder: Path, environment: str) -> Iterator[OfTheDemo]:
    """Let the demo's shop of an environment run for the length of a `with` block."""
    file = folder / f"shop-{environment}.json"
    command = [sys.executable, "-m", "monitor.demo.shop", "--ports-file", str(file), "--environment", environment]
    with (folder / f"shop-{environment}.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
    try:
        ports = eventually(lambda: Ports.read(file), 30, f"the shop of {environment or 'production'} listens")
        assert ports is not None
        shop = OfTheDemo(ports, environment)
        for service, version in shop.begins.items():
            shop.runs(service, version)
        yield shop
    finally:
        process.terminate()
        process.wait(10)
