"""vmalert's replay of a rule file over the past of a Prometheus, read back from a VictoriaMetrics.

Both are Debian's. It must not know the monitor: a rule file goes in, and what each alert was at each time comes out.
"""

import json
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from tests.servers.ports import free_port

STARTED_WITHIN, ENDED_WITHIN = 20.0, 10.0

Series = Sequence[tuple[Mapping[str, str], Mapping[int, float]]]
"""Labels, and values by seconds since the epoch."""


@contextmanager
def victoria_metrics() -> Iterator[str]:
    """A VictoriaMetrics of its own for the length of a `with` block; gives its address."""
    address = f"127.0.0.1:{free_port()}"
    with tempfile.TemporaryDirectory(prefix="victoria-metrics-") as folder:
        command = ["victoria-metrics", f"-storageDataPath={folder}", f"-httpListenAddr={address}"]
        command += ["-retentionPeriod=100y", "-loggerLevel=ERROR"]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            try:
                _wait_until_ready(process, f"http://{address}")
                yield f"http://{address}"
            finally:
                _end(process)


def _wait_until_ready(process: subprocess.Popen[bytes], url: str) -> None:
    give_up = time.monotonic() + STARTED_WITHIN
    while time.monotonic() < give_up and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=1):
                return
        except OSError:
            time.sleep(0.02)
    raise AssertionError("VictoriaMetrics did not become ready")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(ENDED_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def replay(rules: Path, prometheus: str, into: str, begin: int, end: int) -> None:
    """Evaluate a rule file at every interval of its groups from `begin` to `end` (seconds since the epoch)."""
    command = [
        "vmalert",
        f"-rule={rules}",
        f"-datasource.url={prometheus}",
        "-datasource.queryStep=0s",  # the group's interval
        f"-remoteWrite.url={into}",
        "-remoteWrite.maxQueueSize=1000000",
        f"-replay.timeFrom={_rfc3339(begin)}",
        f"-replay.timeTo={_rfc3339(end)}",
        "-replay.maxDatapointsPerQuery=10000",  # between two queries it would forget what pends
        "-replay.rulesDelay=0s",  # no rule reads what another wrote
        "-replay.disableProgressBar",
        f"-httpListenAddr=127.0.0.1:{free_port()}",
        "-loggerLevel=WARN",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1200, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _rfc3339(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")


def written(url: str, name: str) -> Series:
    """Every sample of the metric `name`, as it was written."""
    with urllib.request.urlopen(f"{url}/internal/force_flush", timeout=10):
        pass
    asked = urllib.parse.urlencode({"match[]": name})
    with urllib.request.urlopen(f"{url}/api/v1/export?{asked}", timeout=10) as reply:
        lines = [json.loads(line) for line in reply.read().splitlines()]
    return [
        (one["metric"], {at // 1000: value for at, value in zip(one["timestamps"], one["values"], strict=True)})
        for one in lines
    ]
