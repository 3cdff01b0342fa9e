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
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from tests.servers.prometheus import free_port

STARTED_WITHIN = 20.0


class Alertmanager:
    """A real Alertmanager for the length of a `with` block; it tells `receiver` of alerts within a second.

    `config` takes the place of that configuration, `flags` are added to the command line. `kill()` and `start()` may be
    called within the block: the port and the data stay.
    """

    def __init__(
        self,
        receiver: str = "http://127.0.0.1:1/",
        *,
        config: Mapping[str, Any] | None = None,
        flags: Sequence[str] = (),
    ) -> None:
        self.port = free_port()
        self._config = config or _telling(receiver)
        self._flags = tuple(flags)
        self._folder = tempfile.TemporaryDirectory(prefix="alertmanager-")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def start(self) -> None:
        """Start it on its port and data, and wait until it is ready."""
        path = Path(self._folder.name)
        (path / "alertmanager.yml").write_text(json.dumps(self._config))
        with (path / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    "prometheus-alertmanager",
                    f"--config.file={path / 'alertmanager.yml'}",
                    f"--storage.path={path / 'data'}",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                    "--cluster.listen-address=",
                    *self._flags,
                ],
                stdout=log,
                stderr=log,
            )
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        assert self._process is not None
        ends = time.monotonic() + STARTED_WITHIN
        while time.monotonic() < ends and self._process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.url}/-/ready", timeout=1):
                    return
            except OSError:
                time.sleep(0.05)
        raise AssertionError(f"Alertmanager did not start: {(Path(self._folder.name) / 'log').read_text()[-2000:]}")

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self._process is not None, "not started"
        self._process.kill()
        self._process.wait()
        self._process = None

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


def _telling(receiver: str) -> dict[str, Any]:
    waits = {"group_wait": "100ms", "group_interval": "1s", "repeat_interval": "1s"}
    return {
        "route": {"receiver": "people", "group_by": ["page"], **waits},
        "receivers": [{"name": "people", "webhook_configs": [{"url": receiver}]}],
    }
