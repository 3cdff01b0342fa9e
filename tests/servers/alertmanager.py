"""Starts real Alertmanagers for tests: own data folder, free port, no cluster, ended by pid.

    with Alertmanager(receiver=receiver.url) as alertmanager:
        assert alertmanager.alerts() == []

It must not know what is being tested.
"""

import base64
import json
import ssl
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from tests.servers.ports import free_port

STARTED_WITHIN = 20.0
USER, PASSWORD = "monitor", "amtool-canary-42"
HASHED = "$2b$04$RaXEJOPpYLR4qS34gcC.iO1am7T6YJd/RLm6nRyCYT3eMqad/yUr2"
"""The password as the server keeps it, bcrypt with the least rounds."""


class Alertmanager:
    """A real Alertmanager for the length of a `with` block; it tells `receiver` of alerts within a second.

    `guarded` makes it ask for USER and PASSWORD; with `certificate` (and its key beside it) it speaks TLS.
    `config` takes the place of that configuration, `flags` are added to the command line. `kill()` and `start()` may be
    called within the block: the port and the data stay.
    """

    def __init__(
        self,
        receiver: str = "http://127.0.0.1:1/",
        *,
        guarded: bool = False,
        certificate: tuple[str, str] | None = None,
        config: Mapping[str, Any] | None = None,
        flags: Sequence[str] = (),
    ) -> None:
        self.port = free_port()
        self._guarded, self._certificate = guarded, certificate
        self._config = config or _telling(receiver)
        self._flags = tuple(flags)
        self._folder = tempfile.TemporaryDirectory(prefix="alertmanager-")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http{'s' if self._certificate else ''}://127.0.0.1:{self.port}"

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
        web: dict[str, Any] = {"basic_auth_users": {USER: HASHED}} if self._guarded else {}
        if self._certificate is not None:
            web["tls_server_config"] = dict(zip(("cert_file", "key_file"), self._certificate, strict=True))
        (path / "web.yml").write_text(json.dumps(web))
        with (path / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    "prometheus-alertmanager",
                    f"--config.file={path / 'alertmanager.yml'}",
                    f"--storage.path={path / 'data'}",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                    "--cluster.listen-address=",
                    f"--web.config.file={path / 'web.yml'}",
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
                with self._open("/-/ready"):
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
        with self._open(f"/api/v2/{what}") as answer:
            found: list[dict[str, Any]] = json.load(answer)
        return found

    def _open(self, path: str) -> Any:  # noqa: ANN401  # the library's answer
        token = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"Basic {token}"})
        trust = ssl.create_default_context(cafile=self._certificate[0]) if self._certificate else None
        return urllib.request.urlopen(request, timeout=5, context=trust)


def _telling(receiver: str) -> dict[str, Any]:
    waits = {"group_wait": "100ms", "group_interval": "1s", "repeat_interval": "1s"}
    return {
        "route": {"receiver": "people", "group_by": ["page"], **waits},
        "receivers": [{"name": "people", "webhook_configs": [{"url": receiver}]}],
    }
