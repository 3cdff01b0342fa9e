"""Starts real Alertmanagers for tests: own data folder, free port, no cluster, ended by pid.

    with Alertmanager(receiver=receiver.url) as alertmanager:
        assert alertmanager.alerts() == []

It must not know what is being tested.
"""

import json
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any, Self

from tests.servers.prometheus import free_port

STARTED_WITHIN = 20.0


class Alertmanager:
    """A real Alertmanager for the length of a `with` block; it tells `receiver` of alerts within a second."""

    def __init__(self, receiver: str = "http://127.0.0.1:1/") -> None:
        self.port = free_port()
        self._receiver = receiver
        self._folder = tempfile.TemporaryDirectory(prefix="alertmanager-")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        path = Path(self._folder.name)
        waits = {"group_wait": "100ms", "group_interval": "1s", "repeat_interval": "1s"}
        config = {
            "route": {"receiver": "people", "group_by": ["page"], **waits},
            "receivers": [{"name": "people", "webhook_configs": [{"url": self._receiver}]}],
        }
        (path / "alertmanager.yml").write_text(json.dumps(config))
        with (path / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    "prometheus-alertmanager",
                    f"--config.file={path / 'alertmanager.yml'}",
                    f"--storage.path={path / 'data'}",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                    "--cluster.listen-address=",
                ],
                stdout=log,
                stderr=log,
            )
        ends = time.monotonic() + STARTED_WITHIN
        while True:
            try:
                with urllib.request.urlopen(f"{self.url}/-/ready", timeout=1):
                    return self
            except OSError:
                if time.monotonic() > ends or self._process.poll() is not None:
                    self.__exit__()
                    raise AssertionError("Alertmanager did not start") from None
                time.sleep(0.05)

    def __exit__(self, *_: object) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._folder.cleanup()

    def alerts(self) -> list[dict[str, Any]]:
        """Give the alerts that it holds."""
        return self._get("alerts")

    def silences(self) -> list[dict[str, Any]]:
        """Give its silences."""
        return self._get("silences")

    def _get(self, what: str) -> list[dict[str, Any]]:
        with urllib.request.urlopen(f"{self.url}/api/v2/{what}", timeout=5) as answer:
            found: list[dict[str, Any]] = json.load(answer)
        return found
