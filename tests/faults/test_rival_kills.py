"""The same kills for Debian's Prometheus with Alertmanager beside it: the same rule, the same breaches, the same faults
of Slack, the same checker. What is seen is printed; nothing here is a promise of theirs.

All stand before one shop at once. A few kills here; RIVAL_KILLS says how many in the long form.
"""

import os
import random
import statistics
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.running import Shop, eventually, rules_with
from tests.faults.checker import Breach, Faults, Fired, Run, Told, check
from tests.faults.rival import Posted, Rival, Setting, Webhook, alertmanager_config
from tests.faults.test_kills import PATIENCE, RULES, SEED
from tests.oracle.timelines import export
from tests.servers.alertmanager import Alertmanager
from tests.servers.prometheus import Prometheus

KILLS = int(os.environ.get("RIVAL_KILLS", "2"))
ALLOWED = PATIENCE + 4 + 3
"""Seconds that the monitor is given, and three more: the window fills, an evaluation, a group's interval."""
CALM = ALLOWED if KILLS > 10 else 6.0
"""Seconds after the last kill: in the long form what patience allows, so that nothing is judged too early."""
SCHEDULES = {"LoginFailing": ("login", 7.0, 5.0), "PayFailing": ("api", 15.0, 30.0)}
"""What breaks, after how long, for how long: as for the monitor; and so that a breach outlasts a restart of Prometheus,
and the time until the next one what Alertmanager goes on holding for true."""

_RULE = RULES[RULES.index("      - alert:") :]
BOTH = RULES + _RULE.replace("LoginFailing", "PayFailing").replace("/login", "/pay")

SETTINGS = (Setting("either", "1s"), Setting("either", "3s"), Setting("Alertmanager", "1s"))


@dataclass(frozen=True)
class Broken(Breach):
    """A stretch in which the shop failed, from the moment on that it did."""

    began: float


@contextmanager
def rivals(folder: Path, shop: Shop) -> Iterator[list[Rival]]:
    """Start one of each setting, and wait until all of them read the shop."""
    rules = export(rules_with(folder, BOTH), "--for-version", "2.42", "--alone")
    with ExitStack() as stack:
        found = []
        for setting in SETTINGS:
            slack = stack.enter_context(Webhook())
            alertmanager = stack.enter_context(
                Alertmanager(
                    config=alertmanager_config(f"{slack.url}webhook"), flags=["--data.maintenance-interval=1s"]
                )
            )
            prometheus = stack.enter_context(
                Prometheus(
                    scrape={"auth": [shop.exporter.target]},
                    rules=rules,
                    alertmanagers=[f"127.0.0.1:{alertmanager.port}"],
                    flags=[f"--rules.alert.resend-delay={setting.resend}"],
                )
            )
            found.append(Rival(setting, slack, prometheus, alertmanager))
        eventually(lambda: all(one.scraped() for one in found), 30, "all scrape")
        yield found


def breaking(shop: Shop, alert: str, ended: threading.Event, breaches: list[Broken]) -> None:
    """Break what an alert watches for a while, and mend it, again and again; note when."""
    what, well, broken = SCHEDULES[alert]
    while not ended.wait(well):
        shop.failing[what], began = 0.95, time.time()
        ended.wait(broken)
        shop.failing[what] = 0.0
        breaches.append(Broken(int(began), int(time.time()), began))


@dataclass(frozen=True)
class Verdict:
    """What became of the breaches of one alert before one rival; the reasons count what they explain."""

    breaches: int
    faults: Faults
    delays: Sequence[float]
    reasons: Counter[str]

    def row(self) -> str:
        faults, delays = self.faults, sorted(self.delays)
        counts = [self.breaches, *map(len, (faults.lost, faults.doubled, faults.late, faults.wrong_tier))]
        if not delays:
            return " | ".join([*map(str, counts), "-", "-"])
        p99 = delays[min(len(delays) - 1, round(0.99 * len(delays)))]
        return " | ".join([*map(str, counts), f"{statistics.median(delays):.1f} s", f"{p99:.1f} s"])


def shared_out(breaches: Sequence[Broken], posts: Sequence[Posted]) -> dict[Broken, list[Posted]]:
    """Give each message to the breach that began last before it came, whatever it says of its start."""
    shares: dict[Broken, list[Posted]] = {one: [] for one in breaches}
    for post in posts:
        begun = [one for one in breaches if one.first <= post.at]
        if begun:
            shares[begun[-1]].append(post)
    return shares


def judged(
    breaches: Sequence[Broken], posts: Sequence[Posted], away: Sequence[tuple[float, float]], closed: float
) -> tuple[Faults, dict[Broken, list[Posted]]]:
    """Ask the checker, with a breach as owed one page; what was not over by `closed` takes its own, unjudged."""
    every = shared_out(breaches, [one for one in posts if one.at <= closed])
    shares = {one: found for one, found in every.items() if max(one.last, one.first + ALLOWED) <= closed}
    told = [Told(str(one.first), post.at, post.text, in_thread=False) for one in shares for post in shares[one]]
    fired = [Fired(str(one.first), one.first, "rollback", (str(one.first),)) for one in shares if shares[one]]
    return check(Run(list(shares), told, fired, away=away, patience=ALLOWED)), shares


def why_again(posts: Sequence[Posted]) -> str:
    """Why a breach was told once more than needed, by its first two messages."""
    first, second = posts[:2]
    if first.since != second.since:
        return "doubled: fired anew, Alertmanager had taken it for ended"
    return "doubled: Alertmanager forgot that it had told" if first.answered else "doubled: the answer was lost"


def verdict(rival: Rival, alert: str, breaches: Sequence[Broken]) -> Verdict:
    """Judge what one rival told of one alert."""
    posts = [one for one in rival.slack.taken if one.alert == alert]
    faults, shares = judged(breaches, posts, rival.away, rival.closed)
    reasons = Counter(why_again(found) for found in shares.values() if len(found) > 1)
    for one, found in shares.items():
        if not found:
            seen = rival.saw(alert, one, one.last + ALLOWED / 2)
            reasons["lost: fired, and was not told" if seen else "lost: Prometheus never held it for firing"] += 1
    return Verdict(len(shares), faults, [found[0].at - one.began for one, found in shares.items() if found], reasons)


def lives(shop: Shop, found: Sequence[Rival]) -> dict[str, list[Broken]]:
    """Let all of them die again and again before one shop; give how it broke meanwhile."""
    ended, breaches = threading.Event(), {alert: list[Broken]() for alert in SCHEDULES}
    breakers = [threading.Thread(target=breaking, args=(shop, one, ended, breaches[one])) for one in SCHEDULES]
    for one in breakers:
        one.start()
    try:
        with ThreadPoolExecutor(len(found)) as pool:
            list(pool.map(lambda rival: rival.live(random.Random(SEED), KILLS, CALM), found))
    finally:
        ended.set()
        for one in breakers:
            one.join()
    return breaches


@pytest.mark.skipif(os.environ.get("FAULTS") != "whole", reason="half a minute that judges others: make faults")
@pytest.mark.timeout(120 + 15 * KILLS)
def test_prometheus_with_alertmanager_is_killed_alike(tmp_path: Path) -> None:
    with Shop() as shop, rivals(tmp_path, shop) as found:
        breaches = lives(shop, found)
        verdicts = [(rival, alert, verdict(rival, alert, breaches[alert])) for rival in found for alert in SCHEDULES]
    print("\n| killed | resend | breach of | kills | breaches | lost | doubled | late | wrong tier | median | p99 |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for rival, alert, one in verdicts:
        print(f"| {rival.setting} | {SCHEDULES[alert][2]:.0f} s | {rival.kills.total()} | {one.row()} |")
    for rival, alert, one in verdicts:
        print(f"{rival.setting}, {alert}: {dict(rival.kills)} {dict(one.reasons)}")
    assert all(rival.kills.total() == KILLS for rival in found)
    assert any(rival.slack.taken for rival in found), "nobody was told of anything: this judges nothing"
    assert not any(one.faults.wrong_tier for _, _, one in verdicts)


A, B = Broken(100, 105, 100.0), Broken(112, 117, 112.0)
OPEN = Broken(140, 145, 140.0)


def posted(at: float, since: int = 101, *, answered: bool = True, text: str = "ROLLBACK NOW LoginFailing") -> Posted:
    return Posted(at, text, "LoginFailing", since, answered=answered)


@pytest.mark.parametrize(
    ("posts", "counts"),
    [
        pytest.param([posted(103), posted(114, 113)], (0, 0, 0, 0), id="each told once"),
        pytest.param([posted(103)], (1, 0, 0, 0), id="one not told"),
        pytest.param([posted(103), posted(104), posted(114, 113)], (0, 1, 0, 0), id="one told twice"),
        pytest.param([posted(103), posted(114, 101)], (0, 0, 0, 0), id="told as an older firing is told"),
        pytest.param([posted(103), posted(112 + ALLOWED + 3, 113)], (0, 0, 1, 0), id="one told late"),
        pytest.param([posted(103, text="PREPARE"), posted(114, 113)], (0, 0, 0, 1), id="one of the wrong tier"),
        pytest.param([posted(90), posted(103), posted(114, 113)], (0, 0, 0, 0), id="before the first breach"),
        pytest.param([posted(103), posted(114, 113), posted(143, 142)], (0, 0, 0, 0), id="of one that is not over yet"),
    ],
)
def test_what_they_told_is_judged(posts: list[Posted], counts: tuple[int, ...]) -> None:
    faults, _ = judged([A, B, OPEN], posts, [], closed=OPEN.first + 5)
    assert tuple(map(len, (faults.lost, faults.doubled, faults.late, faults.wrong_tier))) == counts


@pytest.mark.parametrize(
    ("first", "second", "why"),
    [
        (posted(103), posted(108, 107), "fired anew"),
        (posted(103), posted(104), "forgot"),
        (posted(103, answered=False), posted(104), "answer was lost"),
    ],
)
def test_why_it_was_told_again(first: Posted, second: Posted, why: str) -> None:
    assert why in why_again([first, second])
