"""The monitor on a recorded past: real parts from Prometheus's adapter to the outbox, and a clock that is walked.

It decides nothing; times are given and told in seconds after `START`.
"""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from monitor import files
from monitor.adapters.memory.store import MemoryStore
from monitor.adapters.memory.world import ManualClock, RecordingPager
from monitor.adapters.prometheus import PrometheusSource
from monitor.core.incidents.incident import Incident
from monitor.core.model import Alert, State, Tier, Transition, utc
from monitor.core.rules.ruleset import RuleSet
from monitor.delivery.outbox import Bell, Outbox
from monitor.desk.desk import Desk
from monitor.desk.scenes import Scenes
from monitor.evaluation.baselines import Baselines
from monitor.evaluation.engine import Engine
from monitor.evaluation.lookout import Lookout
from monitor.evaluation.reading import Reader
from monitor.evaluation.vigil import Vigil
from monitor.people.commands import Commands
from monitor.rulebook import RuleBook
from tests.middle.house import NOBODY_AGAIN
from tests.time_rules.histories import START

OFFSET = 10
RESPONDERS = ("S0ONCALL",)
PROCEDURE = "title: Roll back\nsteps: [{id: declare, title: Declare}]\n"

Moves = list[tuple[int, State]]


def load(folder: Path) -> RuleSet:
    """The rules of a folder, as the daemon reads them."""
    loaded = files.load(folder, fallback_channel="C0OPS", fallback_responders=RESPONDERS)
    assert loaded.rules is not None, [str(one) for one in loaded.findings]
    return loaded.rules


def written(folder: Path, rule: str, *, interval: str = "15s") -> RuleSet:
    """The rules of one group whose rules are the YAML list `rule`."""
    (folder / "procedures").mkdir(parents=True)
    (folder / "procedures" / "rollback.yaml").write_text(PROCEDURE)
    head = f"groups:\n  - name: story\n    interval: {interval}\n    query_offset: {OFFSET}s\n    rules:\n"
    (folder / "story.yaml").write_text(head + "".join(f"      {line}\n" for line in rule.strip().splitlines()))
    return load(folder)


class Walk:
    """A monitor that was started at `begin` seconds after `START`, and what it has seen and told since."""

    def __init__(self, source: PrometheusSource, rules: RuleSet, *, begin: int = 0) -> None:
        rules = replace(rules, routing=replace(rules.routing, escalation=NOBODY_AGAIN))
        self.rules = rules
        self.clock = ManualClock(utc(START + begin + OFFSET))
        self.store = MemoryStore()
        self.pager = RecordingPager()
        self.transitions: list[Transition] = []
        bell, book = Bell(), RuleBook(rules)
        desk, lookout = Desk(self.store, self.clock, book, bell.ring), Lookout()
        self._engine = Engine(Reader(source, Baselines(source)), desk, self.clock, book, lookout)
        self._vigil = Vigil(self._engine, desk, self.store, self.clock, book, lookout)
        self._outbox = Outbox(self.store, self.pager, self.clock, Scenes(book, self._engine.readings), bell)
        self.commands = Commands(desk, self.store, self.clock, book)
        self.tick()

    @property
    def at(self) -> int:
        """The grid time that can be read now."""
        return int(self.clock.now().timestamp()) - OFFSET - START

    def tick(self) -> None:
        """Evaluate every group, look once, and deliver."""
        self.evaluate()
        self._vigil.watch()
        self._outbox.deliver_due()

    def evaluate(self) -> None:
        """Evaluate every group."""
        for group in self.rules.groups:
            evaluated = self._engine.evaluate(group.name, 30.0)
            assert evaluated is not None
            assert evaluated.failed == 0, evaluated.why
            self.transitions += evaluated.transitions

    def to(self, end: int, stride: int = 15) -> "Walk":
        """Walk the clock to `end`, with a tick after every `stride` seconds."""
        while self.at < end:
            self.clock.advance(min(stride, end - self.at))
            self.tick()
        return self

    def moves(self, **labels: str) -> Moves:
        """When the alerts with these labels changed their states, and into what."""
        return [
            (one.at - START, one.after)
            for one in self.transitions
            if labels.items() <= dict(one.alert.key.labels).items()
        ]

    def fired(self) -> set[tuple[str, str, int]]:
        """The alerts that began to fire: name, tier and when."""
        return {
            (one.alert.key.alert, str(one.alert.key.tier), one.at - START)
            for one in self.transitions
            if one.after is State.FIRING and one.before is not State.RECOVERING
        }

    def alerts(self) -> list[Alert]:
        """The alerts of the rules that are not inactive, by key; blindness goes by the monitor's own clock."""
        kept = [alert for group in self.store.groups() for alert in group.alerts.values()]
        return sorted((alert for alert in kept if alert.key.tier is not Tier.BLIND), key=lambda alert: alert.key)

    @property
    def incident(self) -> Incident:
        """The only incident."""
        (incident,) = self.store.incidents()
        return incident

    def told(self) -> list[str]:
        """Why each message was posted; edits are left out."""
        return [message.post.reason for message in self.pager.messages if message.post.ts is None]


def after(at: datetime) -> int:
    """Seconds after `START`."""
    return int(at.timestamp()) - START
