"""`init` as it is called: what it prints, what it writes, and that it never overwrites anything."""

import contextlib
import io
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from monitor.cli.init import Wanted, run
from monitor.files import check
from tests.servers.ports import free_port
from tests.servers.prometheus import History, Prometheus, steady

ROOT = Path(__file__).parents[2]
FILES = {"errors.yaml", "latency.yaml", "availability.yaml", "routing.yaml", "releases.yaml", "procedures"}


def history(now: int) -> History:
    """A day of a service that counts by code, and of one that names itself to do harm."""
    found: dict[str, list[tuple[float, float]]] = {}
    for job in ("api", "o'clock # {{ x }}"):
        for code, rate in (("200", 4.0), ("500", 0.02)):
            found[f'acme_requests_total{{job="{job}",code="{code}"}}'] = steady(now - 86_400, now, 60, rate=rate)
        found[f'up{{job="{job}",instance="a"}}'] = [(t, 1.0) for t in range(now - 1800, now + 1, 60)]
    return found


@pytest.fixture(scope="module")
def prometheus() -> Iterator[Prometheus]:
    with Prometheus(history=history(int(time.time()))) as server:
        yield server


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


def init(folder: Path, url: str, *, channel: str = "", environment: str = "production", responders: str = "") -> Done:
    people = tuple(responders.split(",")) if responders else ()
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(Wanted(folder, url), environment, channel, people)
    return Done(code, out.getvalue(), err.getvalue())


def test_it_says_what_it_found_and_wrote_and_what_comes_next(prometheus: Prometheus, tmp_path: Path) -> None:
    folder = tmp_path / "our rules"
    options = ["--channel", "C0OPS", "--environment", "stage", "--responders", "S0ONCALL,U0ANA"]
    command = [sys.executable, "-m", "monitor", "init", str(folder), "--prometheus", prometheus.url, *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert 'requests   acme_requests_total: failed code=~"5..", 0.50 % of' in done.stdout
    assert "not found  a histogram of latencies (latency.yaml)" in done.stdout
    assert "all in the shadow" in done.stdout
    assert done.stdout.splitlines()[-4:] == [
        f"  export MONITOR_PROMETHEUS__URL={prometheus.url}",
        f"  rollback-monitor replay --from -7d --rules '{folder}'",
        f"  rollback-monitor check '{folder}'",
        f"  rollback-monitor run --rules '{folder}'",
    ]
    assert {path.name for path in folder.iterdir()} == FILES
    assert {path.name for path in tmp_path.iterdir()} == {"our rules"}, "nothing is left beside it"
    assert check([folder]).findings == ()
    assert 'environment: "stage"' in (folder / "routing.yaml").read_text()
    assert 'responders: ["S0ONCALL", "U0ANA"]' in (folder / "routing.yaml").read_text()


def test_it_overwrites_nothing(prometheus: Prometheus, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("groups: []\n")
    done = init(tmp_path, prometheus.url)
    assert done.code == 1
    assert "nothing is overwritten" in done.err
    assert {path.name for path in tmp_path.iterdir()} == {"mine.yaml"}


def test_a_path_that_cannot_be_written_is_named_as_it_was_typed(prometheus: Prometheus, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for impossible in (tmp_path / "file" / "rules", Path("/proc/nowhere"), tmp_path / ("x" * 300)):
        done = init(impossible, prometheus.url)
        assert done.code == 1
        assert done.err.startswith(f"{impossible} cannot be written: ")
        assert done.err.count("/") == str(impossible).count("/")


def test_an_empty_folder_may_be_there(prometheus: Prometheus, tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    assert init(tmp_path / "rules", prometheus.url).code == 0
    assert {path.name for path in (tmp_path / "rules").iterdir()} == FILES


def test_a_server_that_does_not_answer_is_told_and_nothing_is_written(tmp_path: Path) -> None:
    done = init(tmp_path / "rules", f"http://127.0.0.1:{free_port()}")
    assert done.code == 1
    assert "the connection is refused; name it with --prometheus" in done.err
    assert not (tmp_path / "rules").exists()


def test_a_server_without_anything_to_watch_is_told(tmp_path: Path) -> None:
    with Prometheus() as empty:
        done = init(tmp_path / "rules", empty.url)
    assert done.code == 1
    assert "has 0 metrics, and nothing that rules could watch" in done.err
    assert not (tmp_path / "rules").exists()


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"channel": "#ops"}, "is no id"),
        ({"responders": "S0,@ana"}, "is no id"),
        ({"environment": " "}, "--environment is empty"),
    ],
)
def test_wrong_usage_is_2(tmp_path: Path, more: dict[str, str], why: str) -> None:
    done = init(tmp_path / "rules", "http://127.0.0.1:1", **more)
    assert done.code == 2
    assert why in done.err


def test_an_address_that_is_none_is_2(tmp_path: Path) -> None:
    done = init(tmp_path / "rules", "prometheus:9090")
    assert done.code == 2
    assert "http://" in done.err


def test_an_address_that_is_none_is_called_by_its_option(tmp_path: Path) -> None:
    done = init(tmp_path / "new", "prometheus:9090")
    assert (done.code, done.err.startswith("--prometheus is no URL; write it with its scheme")) == (2, True)
