"""Real daemons, killed at random moments and at every boundary of a commit, under a Slack that loses replies and goes.

A dozen kills here; `make faults` makes 500. Nothing may be lost, doubled, late, of the wrong tier, or done by somebody
who may not. Several houses are killed side by side on one Prometheus: each has a daemon, a Slack, other pagers, people,
a store and a schedule of its own.
"""

import contextlib
import os
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, cycle
from pathlib import Path

import pytest

from tests.e2e.running import Shop, eventually
from tests.faults.checker import KINDS, check
from tests.faults.figures import Judged, table
from tests.faults.happenings import Breach
from tests.faults.history import PATIENCE, breaches, history
from tests.faults.killhouse import RULES, House
from tests.servers.prometheus import Prometheus

__all__ = ["KILLS", "PATIENCE", "RULES", "SEED"]

KILLS = int(os.environ.get("KILLS", "12"))
SEED = int(os.environ.get("SEED", "1"))
LONG = KILLS >= 100
HOUSES = int(os.environ.get("HOUSES", "6" if LONG else "2"))
AN_HOUR = (60.0, 180.0) if LONG else (12.0, 18.0)
"""When Slack goes, and for how long: three minutes stand for an hour, as `entry` shortens what is waited for."""

FIRST, STRETCHES = (1.0, 6.0), ((7.0, 18.0), (7.0, 5.0), (7.0, 5.0))
"""Seconds for which logins work, and for which they fail then."""


def toggling(shop: Shop, ended: threading.Event, broke: list[float]) -> None:
    """Break the login for a while, and mend it, again and again; note when it broke."""
    for good, bad in chain([FIRST], cycle(STRETCHES)):
        if ended.wait(good):
            break
        shop.failing["login"] = 0.95
        broke.append(time.time())
        if ended.wait(bad):
            break
        shop.failing["login"] = 0.0
    shop.failing["login"] = 0.0


def shares(kills: int, houses: int) -> list[int]:
    """How many kills each house gets."""
    return [kills // houses + (number < kills % houses) for number in range(houses)]


def run_all(houses: Sequence[House], shop: Shop) -> list[float]:
    """Let every house have its kills while the shop breaks and is mended, and then everything be posted.

    Gives when the shop broke.
    """
    ended, broke = threading.Event(), list[float]()
    shopping = threading.Thread(target=toggling, args=(shop, ended, broke))
    shopping.start()
    try:
        with ThreadPoolExecutor(len(houses)) as pool:
            list(pool.map(House.run, houses))
    finally:
        ended.set()
        shopping.join()
    time.sleep(PATIENCE + 6)
    for house in houses:
        house.settle()
    return broke


def judged(house: House, found: Sequence[Breach]) -> Judged:
    run = history(house, found)
    (house.folder / "history").write_text(repr(run))  # to be judged again, should anything be found
    return Judged(house, run, check(run))


@pytest.mark.alone
@pytest.mark.timeout(120 + 12 * KILLS)
def test_no_page_is_lost_doubled_late_or_of_the_wrong_tier_and_no_click_is_lost(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        shop = stack.enter_context(Shop())
        prometheus = stack.enter_context(Prometheus(scrape={"auth": [shop.exporter.target]}))
        eventually(lambda: prometheus.query("http_requests_total", time.time()), 20, "it scrapes")
        houses = [
            stack.enter_context(House(tmp_path / f"house-{number}", prometheus.url, SEED + 10 * number, kills, AN_HOUR))
            for number, kills in enumerate(shares(KILLS, HOUSES))
        ]
        with ThreadPoolExecutor(len(houses)) as pool:
            list(pool.map(House.begin, houses))
        began = time.time()
        broke = run_all(houses, shop)
        found = breaches(prometheus, began, time.time() - PATIENCE)
        every = [judged(house, found) for house in houses]
    print("", table(every, broke, time.time() - began), sep="\n")
    faults = [f"{kind}: {sentence}" for one in every for kind in KINDS for sentence in getattr(one.faults, kind)]
    print(*faults, sep="\n")
    assert found
    assert not faults
