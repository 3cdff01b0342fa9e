"""A real Prometheus of one's own: on a free loopback port, written to over HTTP, ended by its pid.

It scrapes nothing and keeps nothing. It ends with whoever started it, also when that one is killed. This module must
not know what is written or asked.
"""

import contextlib
import ctypes
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import requests

STARTS_WITHIN = 30.0
ENDS_WITHIN = 10.0
TRIES = 3
"""Times that a start is tried: another process may take the free port first."""
ANSWERS_WITHIN = 30.0
LAST = 800
"""Characters of its log that are told."""

_PR_SET_PDEATHSIG = 1


class NoPrometheusError(Exception):
    """There is no Prometheus to be had; the sentence says why and what would help."""


def program(given: Path | None) -> str:
    """Give the path of the program `given`, or of the one on PATH. Raises `NoPrometheusError`."""
    found = shutil.which(str(given)) if given is not None else shutil.which("prometheus")
    if found is not None:
        return found
    what = f"{given} is no program" if given is not None else "prometheus is not found on PATH"
    raise NoPrometheusError(
        f"{what}. Tests with `input_series` are answered by a real Prometheus: install it with `sudo apt-get install "
        "prometheus` (Debian, Ubuntu) or `brew install prometheus` (macOS), or name the program of a release archive "
        "with --prometheus PATH. Tests with `readings` need none."
    )


class OwnPrometheus:
    """One running Prometheus, from `with` to its end. Raises `NoPrometheusError` where it does not start."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = Path()
        self.url = ""

    @property
    def pid(self) -> int | None:
        """Its process, while it runs."""
        return self._process.pid if self._process is not None else None

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="rollback-monitor-test-"))
        (self._folder / "prometheus.yml").write_text("{}\n")
        try:
            self._start()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end()

    def write(self, body: bytes) -> None:
        """Write the body of a remote write request. Raises `NoPrometheusError` with what was said where it is refused.

        A Prometheus that has no receiver is older than 2.33.
        """
        headers = {"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf"}
        try:
            with requests.Session() as session:
                session.trust_env = False
                reply = session.post(f"{self.url}/api/v1/write", body, headers=headers, timeout=ANSWERS_WITHIN)
        except requests.RequestException as error:
            raise NoPrometheusError(f"Prometheus went away: {error}; {self._said()}") from None
        if not reply.ok:
            raise NoPrometheusError(f"Prometheus refused the series: {reply.text.strip()[:LAST]}")

    def _start(self) -> None:
        for left in reversed(range(TRIES)):
            if self._started():
                return
            if not left or "address already in use" not in self._said():
                raise NoPrometheusError(f"{self._path} did not start: {self._said() or 'it said nothing'}")

    def _started(self) -> bool:
        port = _free_port()
        self.url = f"http://127.0.0.1:{port}"
        with (self._folder / "log").open("w") as log:
            self._process = subprocess.Popen(  # noqa: S603  # the program that was named or found on PATH
                _command(self._path, self._folder, port),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C reaches only us, who end it
                preexec_fn=_dies_with(sys.platform),  # noqa: PLW1509  # no other thread runs yet
            )
        give_up = time.monotonic() + STARTS_WITHIN
        while time.monotonic() < give_up and self._process.poll() is None:
            if self._ready():
                return True
            time.sleep(0.01)
        return False

    def _ready(self) -> bool:
        with contextlib.suppress(requests.RequestException), requests.Session() as session:
            session.trust_env = False
            return session.get(f"{self.url}/-/ready", timeout=1).ok
        return False

    def _said(self) -> str:
        with contextlib.suppress(OSError):
            return (self._folder / "log").read_text(errors="replace").strip()[-LAST:]
        return ""

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                process.wait(ENDS_WITHIN)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)


def _command(path: str, folder: Path, port: int) -> list[str]:
    """Give the command line; one block of a century keeps everything in memory, and nothing is ever compacted."""
    return [
        path,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--storage.tsdb.min-block-duration=100y",
        "--storage.tsdb.max-block-duration=100y",
        "--storage.tsdb.retention.time=100y",
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-remote-write-receiver",
        "--log.level=warn",
    ]


def _free_port() -> int:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as probe:
        return int(probe.getsockname()[1])


def _dies_with(platform: str) -> Callable[[], None] | None:
    """Give what makes a child end with us however we end; only Linux can."""
    if platform != "linux":
        return None
    libc = ctypes.CDLL(None)  # loaded before the fork: nothing may be loaded after it

    def ask() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

    return ask
