"""Storage trouble of a real daemon: it pages on, writes what it held when it can again, and pages nothing twice."""

import json
import os
import resource
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import pytest

from tests.e2e.running import Monitor, Shop, eventually, rules_with
from tests.e2e.test_main_job import FAST
from tests.servers.prometheus import Prometheus
from tests.servers.slack import SlackServer

pytestmark = pytest.mark.skipif(os.environ.get("FAULTS") != "whole", reason="minutes of real stalls: make faults")


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Shop() as running:
        yield running


@pytest.fixture
def prometheus(shop: Shop) -> Iterator[Prometheus]:
    with Prometheus(scrape={"auth": [shop.exporter.target]}, interval=1.0) as running:
        eventually(lambda: running.query("http_requests_total", time.time()), 20, "Prometheus has scraped the shop")
        yield running


@contextmanager
def full(monitor: Monitor) -> Iterator[None]:
    """No file of the daemon may grow, as when a quota is used up (nor may its log, which nobody needs to know of)."""
    assert monitor.process is not None
    most = 4096
    before = resource.prlimit(monitor.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(monitor.process.pid, resource.RLIMIT_FSIZE, (most, before[1]))
    yield
    resource.prlimit(monitor.process.pid, resource.RLIMIT_FSIZE, before)


@contextmanager
def locked(monitor: Monitor) -> Iterator[None]:
    """Somebody holds the write lock."""
    with closing(sqlite3.connect(monitor.folder / "monitor.db", isolation_level=None)) as holding:
        holding.execute("BEGIN EXCLUSIVE")
        yield
        holding.execute("ROLLBACK")


@contextmanager
def rotten(monitor: Monitor) -> Iterator[None]:
    """The pages of the database are overwritten, and come back (a disk that answers nonsense for a while)."""
    file = monitor.folder / "monitor.db"
    before = file.read_bytes()
    log = monitor.folder / "monitor.db-wal"
    with file.open("r+b") as pages, log.open("r+b") as frames:
        kept = frames.read()
        pages.seek(4096)
        pages.write(b"\xa5" * (len(before) - 4096))
        frames.seek(32)
        frames.write(b"\xa5" * (len(kept) - 32))
    yield


Trouble = Callable[[Monitor], AbstractContextManager[None]]


def told(monitor: Monitor) -> str:
    return monitor.get("/metrics")


@pytest.mark.parametrize("trouble", [full, locked], ids=["disk full", "locked by another process"])
def test_it_pages_on_and_afterwards_nothing_is_lost_or_doubled(
    tmp_path: Path, shop: Shop, prometheus: Prometheus, trouble: Trouble
) -> None:
    with SlackServer() as slack, Monitor(tmp_path, rules_with(tmp_path, FAST), prometheus.url, slack) as monitor:
        eventually(monitor.ready, 15, "it evaluates")
        with trouble(monitor):
            began = time.monotonic()
            shop.failing["login"] = 0.9
            (page,) = eventually(
                lambda: [one for one in slack.messages() if one.text.startswith("🔴 ROLLBACK NOW")],
                30,
                "a page, whether or not the trouble is told before it",
            )
            print(f"\n{trouble.__name__}: paged {time.monotonic() - began:.1f} s after the login broke")
            assert "Evidence not durable" in json.dumps(page.blocks)
            assert "rollback_monitor_storage_durable 0.0" in told(monitor)
            eventually(lambda: any("EVIDENCE NOT DURABLE" in one.text for one in slack.messages()), 15, "it is told")
            assert monitor.get("/-/healthy") == "ok\n"
            done = monitor.command("incident", "ack", "INC-0001", "--as", "ana")
            assert done.returncode == 0, "people go on too"
            with closing(sqlite3.connect(f"file:{tmp_path}/monitor.db?mode=ro", uri=True)) as reader:
                assert reader.execute("select count(*) from incidents").fetchone() == (0,)
        eventually(lambda: "rollback_monitor_storage_durable 1.0" in told(monitor), 20, "it is written")
        eventually(lambda: "Evidence not durable" not in json.dumps(slack.message(page.ts).blocks), 20, "the page too")
        held = monitor.incident("INC-0001")
        time.sleep(3)
        posted = sorted(one.ts for one in slack.everything())
        monitor.stop()
        monitor.start()
        again = monitor.incident("INC-0001")
        assert again["timeline"][: len(held["timeline"])] == held["timeline"]
        time.sleep(6)
        assert sorted(one.ts for one in slack.everything()) == posted, "nothing is posted again"


def test_a_database_that_rots_stops_no_page_and_is_set_aside_at_the_next_start(
    tmp_path: Path, shop: Shop, prometheus: Prometheus
) -> None:
    with SlackServer() as slack, Monitor(tmp_path, rules_with(tmp_path, FAST), prometheus.url, slack) as monitor:
        eventually(monitor.ready, 15, "it evaluates")
        with rotten(monitor):
            shop.failing["login"] = 0.9
            paged = "🔴 ROLLBACK NOW"  # that the disk is rotten may be noticed, and told, before the breach
            eventually(lambda: [one for one in slack.messages() if one.text.startswith(paged)], 30, "it pages")
            monitor.stop()
        monitor.start()
        aside = list(tmp_path.glob("monitor.db.corrupt-*Z"))
        assert len(aside) == 1
        assert "storage.set_aside" in monitor.log
        said = eventually(
            lambda: [one.text for one in slack.messages() if "DATABASE SET ASIDE" in one.text], 20, "it is told"
        )
        assert str(aside[0]) in said[0]
        eventually(monitor.incidents, 20, "and what fires is found anew")
