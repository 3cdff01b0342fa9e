"""The world that the monitor is shown: the shop, its past, and the Prometheus that scrapes it.

This module must not know of the monitor.
"""

import sys
import time
from dataclasses import dataclass
from pathlib import Path

import requests

from monitor.demo import history, prometheus
from monitor.demo.catalogue import EFFECTS, SERVICES, Fault
from monitor.demo.children import Children
from monitor.demo.shop import Ports

HISTORY_SECONDS = 50 * 3600
"""Two days and two hours: 24 full clock hours for trailing baselines, and the same time of yesterday."""

START_SECONDS = 30.0


class NotReadyError(Exception):
    """Something did not come up in time; the sentence says what."""


@dataclass(frozen=True, slots=True)
class World:
    """A running shop and the Prometheus that watches it."""

    ports: Ports
    server: prometheus.Server

    def strike(self, fault: Fault) -> float:
        """Break the shop by `fault` (or heal it by `none`); give the time at which it was told."""
        return tell(self.ports, f"fault/{fault}")

    def deploy(self, service: str, version: str) -> float:
        """Switch what runs of a service; give the time at which it was told."""
        return tell(self.ports, f"version/{service}/{version}")

    def ways_back(self, fault: Fault) -> list[str]:
        """Give what to post to, for every service that `fault` comes with, so that its good version runs again."""
        broken = [one for one in SERVICES if one.name in EFFECTS[fault].services]
        return [f"{self.ports.control}/version/{one.name}/{one.version}" for one in broken]


def tell(shop: Ports, what: str) -> float:
    """Ask `what` of the control endpoint of `shop`; give the time at which it was done."""
    with requests.Session() as session:
        session.trust_env = False
        session.post(f"{shop.control}/{what}", timeout=5).raise_for_status()
    return time.time()


def build(children: Children, folder: Path) -> World:
    """Start the shop, write its past and start Prometheus; give them once Prometheus has live data of every job.

    Raises `MissingProgramError`, `NotReadyError`, and what `Children.check` raises.
    """
    program, promtool = prometheus.programs()
    ports_file = folder / "shop.json"
    children.start("shop", [sys.executable, "-m", "monitor.demo.shop", "--ports-file", str(ports_file)])
    now, data = int(time.time()), folder / "prometheus"
    history.backfill(promtool, folder / "history.om", data, now - HISTORY_SECONDS, now)
    ports = children.until(lambda: Ports.read(ports_file), START_SECONDS)
    if ports is None:
        raise NotReadyError(f"the shop did not start within {START_SECONDS:.0f} s")
    config, port = folder / "prometheus.yml", prometheus.free_port()
    config.write_text(prometheus.configuration(ports.jobs))
    children.start("prometheus", prometheus.command(program, config, data, port))
    world = World(ports, prometheus.Server(f"http://127.0.0.1:{port}"))
    if children.until(lambda: _scraped(world), START_SECONDS) is None:
        raise NotReadyError(f"Prometheus had no data of every service within {START_SECONDS:.0f} s")
    return world


def _scraped(world: World) -> bool | None:
    """Tell whether every job has been scraped twice since Prometheus started: True or None."""
    if not world.server.ready():
        return None
    lively = world.server.number("count(count_over_time(up[3s]) >= 2 and up == 1)")
    return (lively or 0) >= len(world.ports.jobs) or None
