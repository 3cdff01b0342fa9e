"""What each alert was at each grid time, by the monitor and by its peer, on one Prometheus.

Times are seconds after `START`. It decides nothing, and must not know which of the two is right.
"""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from monitor.adapters.prometheus import PrometheusSource
from monitor.core.model import AlertKey, State, Tier, labels_of
from tests.oracle.peer import replay, victoria_metrics, written
from tests.servers.prometheus import History, Prometheus
from tests.time_rules.histories import START
from tests.time_rules.walk import PROCEDURE, Walk, load

ROOT = Path(__file__).parents[2]
ADDED = {"__name__", "alertname", "alertstate", "alertgroup", "tier", "team"}
"""Labels of ALERTS that say nothing of the instance."""
MOST = 3600
"""Seconds that can be caught up with at once."""


@dataclass(frozen=True)
class Seen:
    """An alert that is not inactive, and since when it breaches; None where that is not told."""

    state: State
    since: int | None


Timelines: TypeAlias = Mapping[AlertKey, Mapping[int, Seen]]
"""Each alert at the grid times at which it is not inactive."""


class Fold(Walk):
    """The monitor's engine, of which nobody is told."""

    def tick(self) -> None:
        self.evaluate()


@dataclass(frozen=True)
class Both:
    """The two sides, the monitor that walked ours, and one that caught up with it in strides."""

    ours: Timelines
    theirs: Timelines
    walk: Walk
    caught_up: Walk


def folder_of(text: str, folder: Path) -> Path:
    """A rules folder of one file."""
    (folder / "procedures").mkdir(parents=True)
    (folder / "procedures" / "rollback.yaml").write_text(PROCEDURE)
    (folder / "routing.yaml").write_text("environment: oracle\n")
    (folder / "rules.yaml").write_text(text)
    return folder


def export(rules: Path, *options: str) -> str:
    """The rules as the program itself exports them."""
    command = [sys.executable, "-m", "monitor", "export", "prometheus", str(rules), *options]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def both(history: History, text: str, end: int, folder: Path) -> Both:
    """Evaluate the rules in `text` over `history` from `START` to `end`, by the monitor and by vmalert."""
    assert shutil.which("vmalert"), "vmalert is not installed: apt-get install victoria-metrics"
    rules = folder_of(text, folder / "rules")
    exported = folder / "exported.yml"
    exported.write_text(export(rules, "--alone", "--for-version", "2.41"))
    with Prometheus(history=history) as prometheus:
        with closing(PrometheusSource(prometheus.url)) as source:
            walk = Fold(source, load(rules))
            ours = of_the_monitor(walk, end)
            caught_up = Fold(source, load(rules)).to(end, MOST)
        return Both(ours, of_vmalert(prometheus.url, exported, end), walk, caught_up)


def of_the_monitor(walk: Walk, end: int) -> Timelines:
    """Walk a monitor over every grid time, and look at its alerts at each."""
    found: dict[AlertKey, dict[int, Seen]] = {}
    intervals = {rule.alert: group.interval for group in walk.rules.groups for rule in group.rules}
    stride = min(intervals.values())
    for at in range(0, end + 1, stride):
        walk.to(at, stride)
        for alert in walk.alerts():
            if at % intervals[alert.key.alert] == 0:
                found.setdefault(alert.key, {})[at] = Seen(alert.state, alert.since - START)
    return found


def of_vmalert(url: str, exported: Path, end: int) -> Timelines:
    """Let vmalert replay the exported rules, and read what it wrote."""
    with victoria_metrics() as written_to:
        replay(exported, url, written_to, START, START + end)
        states, actives = written(written_to, "ALERTS"), written(written_to, "ALERTS_FOR_STATE")
    since = {(key_of(labels), at): int(value) - START for labels, points in actives for at, value in points.items()}
    found: dict[AlertKey, dict[int, Seen]] = {}
    for labels, points in states:
        key, state = key_of(labels), State(labels["alertstate"])
        for at in points:
            assert at - START not in found.setdefault(key, {}), f"{key} is in two states at {at - START}"
            found[key][at - START] = Seen(state, since.get((key, at)))
    return found


def key_of(labels: Mapping[str, str]) -> AlertKey:
    """The identity of an alert by the labels of its series."""
    instance = labels_of({name: value for name, value in labels.items() if name not in ADDED})
    return AlertKey(labels["alertname"], instance, Tier(labels["tier"]))
