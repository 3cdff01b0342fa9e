"""The demo has a real release to find: the shipped releases.yaml, read from its Prometheus."""

import time
from pathlib import Path

from monitor.adapters.memory.world import ScriptedRegistry
from monitor.adapters.prometheus import PrometheusSource
from monitor.bootstrap.app import SystemClock
from monitor.core.procedures.filling import blocks
from monitor.core.releases.release import What, WhatChanged
from monitor.core.releases.releasewords import advice, target_line
from monitor.demo.catalogue import Fault
from monitor.demo.world import World
from monitor.evaluation.ranges import Deadline
from monitor.files import load
from monitor.ports.world import Present
from monitor.procedure.releases import Look, ReleaseWatch

RULES = Path(__file__).parents[2] / "rules"
PATIENCE = 20


def test_the_release_behind_a_fault_is_found_with_its_target_and_migration(world: World) -> None:
    rules = load(RULES).rules
    assert rules is not None
    source, clock = PrometheusSource(world.server.url), SystemClock()
    registry = ScriptedRegistry({"registry.example.com/transactions:5.2.1": Present("sha256:1")})
    watch = ReleaseWatch(source, lambda _: registry)

    def look() -> WhatChanged:
        now = int(time.time())
        return watch.look(rules.releases, Look(now, now), Deadline(clock, clock.monotonic() + PATIENCE))

    assert advice(look()) == "No release, flag or migration in 24 h: a rollback is unlikely to help."
    world.strike(Fault.LATENCY)
    try:
        ends = time.monotonic() + PATIENCE
        while not (found := look()).targets and time.monotonic() < ends:
            time.sleep(0.5)
    finally:
        world.strike(Fault.NONE)
        source.close()
    assert found.problem == ""
    assert {(one.what, one.before, one.after, one.by) for one in found.changes} == {
        (What.RELEASE, "5.2.1", "5.3.0", "ci"),
        (What.MIGRATION, "204", "205", ""),
    }
    (target,) = found.targets
    words = "its image is there; migrations since: 205)"
    assert (
        target_line(target) == f"transactions 5.3.0: go back to 5.2.1 (last known good, ran at least 2 d 2 h; {words}"
    )
    step = next(one for one in rules.procedures["rollback"].steps if one.id == "services")
    (block,) = blocks(step.commands, ("transactions",), found.targets)
    assert block.problem == ""
    assert '"transactions=registry.example.com/transactions:5.2.1"' in block.text
