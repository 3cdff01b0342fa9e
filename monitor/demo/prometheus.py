"""The demo's Prometheus: its scrape configuration, its command line, and the few questions the demo asks it.

This module must not know of the monitor or of faults.
"""

import contextlib
import json
import shutil
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import requests

from monitor.demo.catalogue import instance

ANSWER_SECONDS = 2.0
PROGRAMS = ("prometheus", "promtool")


class MissingProgramError(Exception):
    """A program that the demo needs is not installed; the sentence says what to install."""


def programs() -> tuple[str, str]:
    """Give the paths of `prometheus` and `promtool`. Raises `MissingProgramError`."""
    paths = [shutil.which(name) for name in PROGRAMS]
    missing = [name for name, path in zip(PROGRAMS, paths, strict=True) if path is None]
    if missing:
        raise MissingProgramError(
            f"{' and '.join(missing)} not found on PATH. The demo runs a real Prometheus: install it with "
            "`sudo apt-get install prometheus` (Debian, Ubuntu), `brew install prometheus` (macOS), or put the "
            "programs of the release archive on PATH."
        )
    prometheus, promtool = (path for path in paths if path)
    return prometheus, promtool


def free_port() -> int:
    """Give a loopback port that nobody listens on at this moment."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as probe:
        return int(probe.getsockname()[1])


def configuration(jobs: Mapping[str, str]) -> str:
    """Give a configuration (JSON is YAML) that scrapes `jobs` (name to host:port) every second."""
    scrapes = [
        {
            "job_name": job,
            "static_configs": [{"targets": [address], "labels": {"instance": instance(job)}}],
        }
        for job, address in jobs.items()
    ]
    return json.dumps({"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}, "scrape_configs": scrapes})


def command(program: str, config: Path, data: Path, port: int) -> list[str]:
    """Give the command line of a Prometheus on loopback that keeps what it finds in `data`."""
    return [
        program,
        f"--config.file={config}",
        f"--storage.tsdb.path={data}",
        "--storage.tsdb.retention.time=30d",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
        "--scrape.discovery-reload-interval=100ms",  # the first scrape comes 5 s later without
    ]


@dataclass(frozen=True, slots=True)
class Server:
    """A Prometheus at `url`; questions that it does not answer in time are answered None."""

    url: str

    def ready(self) -> bool | None:
        """Tell whether it is ready: True or None."""
        with contextlib.suppress(requests.RequestException), requests.Session() as session:
            session.trust_env = False
            return session.get(f"{self.url}/-/ready", timeout=ANSWER_SECONDS).ok or None
        return None

    def number(self, expr: str) -> float | None:
        """Give the value of `expr` now where it is one number."""
        result = self._query(expr)
        return float(result[0]["value"][1]) if result else None

    def first_change(self, selector: str, after: float) -> float | None:
        """Give the time of the first raw sample of `selector` after `after` that differs from the one before it."""
        result = self._query(f"{selector}[15m]")
        samples: list[tuple[float, str]] = result[0]["values"] if result else []
        return next((at for (_, old), (at, new) in pairwise(samples) if at > after and old != new), None)

    def _query(self, expr: str) -> list[dict[str, Any]]:
        with contextlib.suppress(requests.RequestException, ValueError, KeyError), requests.Session() as session:
            session.trust_env = False
            reply = session.post(f"{self.url}/api/v1/query", data={"query": expr}, timeout=ANSWER_SECONDS)
            found: list[dict[str, Any]] = reply.json()["data"]["result"]
            return found
        return []
