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
from pathlib import Path
from typing import Any, Self

from tests.servers.prometheus import free_port

STARTED_WITHIN = 20.0
USER, PASSWORD = "monitor", "amtool-canary-42"
HASHED = "$2b$04$RaXEJOPpYLR4qS34gcC.iO1am7T6YJd/RLm6nRyCYT3eMqad/yUr2"
"""The password as the server keeps it, bcrypt with the least rounds."""


class Alertmanager:
    """A real Alertmanager for the length of a `with` block; it tells `receiver` of alerts within a second.

    `guarded` makes it ask for USER and PASSWORD; with `certificate` (and its key beside it) it speaks TLS.
    """

    def __init__(
        self,
        receiver: str = "http://127.0.0.1:1/",
        *,
        guarded: bool = False,
        certificate: tuple[str, str] | None = None,
    ) -> None:
        self.port = free_port()
        self._guarded, self._certificate = guarded, certificate
        self._receiver = receiver
        self._folder = tempfile.TemporaryDirectory(prefix="alertmanager-")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http{'s' if self._certificate else ''}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        path = Path(self._folder.name)
        waits = {"group_wait": "100ms", "group_interval": "1s", "repeat_interval": "1s"}
        config = {
            "route": {"receiver": "people", "group_by": ["page"], **waits},
            "receivers": [{"name": "people", "webhook_configs": [{"url": self._receiver}]}],
        }
        (path / "alertmanager.yml").write_text(json.dumps(config))
        web: dict[str, Any] = {"basic_auth_users": {USER: HASHED}} if self._guarded else {}
        if self._certificate is not None:
            web["tls_server_config"] = dict(zip(("cert_file", "key_file"), self._certificate, strict=True))
        (path / "web.yml").write_text(json.dumps(web))
        with (path / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    "prometheus-alertmanager",
                    f"--config.file={path / 'alertmanager.yml'}",
                    f"--storage.path={path / 'data'}",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                    f"--web.config.file={path / 'web.yml'}",
                    "--cluster.listen-address=",
                ],
                stdout=log,
                stderr=log,
            )
        ends = time.monotonic() + STARTED_WITHIN
        while True:
            try:
                with self._open("/-/ready"):
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
        with self._open(f"/api/v2/{what}") as answer:
            found: list[dict[str, Any]] = json.load(answer)
        return found

    def _open(self, path: str) -> Any:  # noqa: ANN401  # the library's answer
        token = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"Basic {token}"})
        trust = ssl.create_default_context(cafile=self._certificate[0]) if self._certificate else None
        return urllib.request.urlopen(request, timeout=5, context=trust)
