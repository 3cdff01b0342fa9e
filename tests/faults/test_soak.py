"""The engine in fast time on a real database: nothing grows with the number of evaluations.

A few thousand here; SOAK=whole makes it 100,000. Breaches, blindness, clicks and restarts of the night happen in it.
"""

import gc
import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from monitor.adapters.memory.world import RecordingPager
from monitor.adapters.store import open_store
from monitor.core.model import Sample, labels_of
from monitor.core.pages.page import ActionKind
from monitor.ports.metrics import Answer, Samples, Unanswered
from monitor.ports.pager import Delivery, Message
from monitor.runtime.writebehind import WriteBehindStore
from tests.middle.house import BAD, INTERVAL, QUIET, START, WORST, House, group, rule, rule_set

WHOLE = os.environ.get("SOAK") == "whole"
EVALUATIONS = 100_000 if WHOLE else 4_000
GROUPS, JOBS = 5, ("auth", "web", "billing")
HOURS = 3600
MOST_MIB = 6.0
"""What a process may grow between the first tenth and the end: the allocator's own noise."""


class Forgetful(RecordingPager):
    """A pager that keeps nothing but how many messages there were."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def deliver(self, message: Message) -> Delivery:
        self.count += 1
        answer = super().deliver(message)
        self.messages.clear()
        return answer


@dataclass(frozen=True)
class Sizes:
    """What a process takes: MiB resident, threads, descriptors."""

    mib: float
    threads: int
    descriptors: int


def sizes() -> Sizes:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    return Sizes(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, threading.active_count(), descriptors)


def night(expr: str, at: int, now: int) -> Answer:
    """What a signal says of a time: a breach in every third hour; for ten minutes of every fifth nobody answers."""
    hour, minute = divmod((now - START) // 60, 60)
    if hour % 5 == 4 and minute < 10:
        return Unanswered("the connection is refused")
    hour, minute = divmod((at - START) // 60, 60)
    value = QUIET
    if hour % 3 == 1 and 10 <= minute < 25:
        value = WORST if expr.endswith("0") else BAD
    jobs = JOBS if hour % 7 else JOBS[:2]
    return Samples(tuple(Sample(labels_of({"job": job}), value) for job in jobs))


def house(folder: Path) -> tuple[House, WriteBehindStore]:
    groups = [
        group(f"group{number}", *(rule(f"Signal{number}{one}", prepare=60, rollback=0) for one in range(4)))
        for number in range(GROUPS)
    ]
    made, store = House(*groups, pager=Forgetful()), WriteBehindStore(open_store(f"sqlite:///{folder / 'soak.db'}"))
    made.build(rule_set(*groups), store)
    made.answer = lambda expr, at: night(expr, at, int(made.clock.now().timestamp()))
    return made, store


@pytest.mark.timeout(1800)
def test_nothing_grows_with_the_number_of_evaluations(tmp_path: Path) -> None:
    world, store = house(tmp_path)
    early, began = sizes(), time.monotonic()
    for tick in range(EVALUATIONS // GROUPS):
        world.clock.advance(INTERVAL)
        world.tick()
        world.asked.clear()
        if tick % 40 == 0:
            for incident in store.incidents(open_only=True):
                world.ask(ActionKind.ACKNOWLEDGE, number=int(incident.id[4:]))
        if tick == EVALUATIONS // GROUPS // 10:
            early = sizes()
    seconds, late = time.monotonic() - began, sizes()
    store.close()
    hours = EVALUATIONS // GROUPS * INTERVAL / HOURS
    print(f"\n{EVALUATIONS} evaluations ({hours:.0f} h) in {seconds:.0f} s, {1000 * seconds / EVALUATIONS:.2f} ms each")
    print("| | after a tenth | at the end |\n|---|---|---|")
    print(f"| resident | {early.mib:.1f} MiB | {late.mib:.1f} MiB |")
    print(f"| threads | {early.threads} | {late.threads} |\n| descriptors | {early.descriptors} | {late.descriptors} |")
    assert isinstance(world.pager, Forgetful)
    assert world.pager.count > 5, "the night was not a quiet one"
    assert late.mib - early.mib < MOST_MIB
    assert (late.threads, late.descriptors) == (early.threads, early.descriptors)
