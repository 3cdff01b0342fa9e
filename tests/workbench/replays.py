"""Replays of scripted readings: a rules folder in a few words, and what an expression gives at each grid time."""

from collections.abc import Callable, Mapping
from pathlib import Path

from monitor.adapters.memory.store import MemoryStore
from monitor.adapters.memory.world import ScriptedSource
from monitor.core.model import Sample, labels_of
from monitor.core.replay.outcome import Replayed
from monitor.core.rules.ruleset import RuleSet
from monitor.ports.metrics import Answer, Samples
from monitor.workbench.replay.cache import NoCache
from monitor.workbench.replay.fetching import Fetcher
from monitor.workbench.replay.history import History
from monitor.workbench.replay.replaying import Replay
from monitor.workbench.replay.world import World
from tests.oracle.timelines import folder_of
from tests.time_rules.histories import START
from tests.time_rules.walk import load

NOW = START + 40 * 86400.0

Values = Mapping[str, float]
"""What an expression gives at one time, by job."""


def rules_of(rules: str, folder: Path, *, routing: str = "", group: str = "interval: 15s") -> RuleSet:
    """The rules of one group."""
    indented = "".join(f"      {line}\n" for line in rules.strip().splitlines())
    there = folder_of(f"groups:\n  - name: story\n    {group}\n    rules:\n{indented}", folder / "rules")
    (there / "routing.yaml").write_text(f"environment: test\ndefault: {{channel: C0}}\n{routing}")
    return load(there)


def by_job(script: Callable[[str, int], Values | Answer]) -> ScriptedSource:
    """A source whose answers are told by job, at seconds after `START`; everything is scraped all the time."""

    def answer(expr: str, at: int) -> Answer:
        if expr == "count(up)":
            return Samples((Sample((), 1.0),))
        found = script(expr, at - START)
        if not isinstance(found, Mapping):
            return found
        return Samples(tuple(Sample(labels_of({"job": job} if job else {}), value) for job, value in found.items()))

    return ScriptedSource(answer)


def replay_of(source: ScriptedSource, begin: int, end: int, *rules: RuleSet) -> Replay:
    """A replay that has read what `rules` need; times are seconds after `START`."""
    history = History(Fetcher(source, NoCache(), NOW), 2)
    replay = Replay(history, source, World(MemoryStore, source), START + begin, START + end)
    for one in rules:
        replay.want(one)
    replay.read()
    return replay


def replayed(source: ScriptedSource, rules: RuleSet, begin: int, end: int) -> Replayed:
    return replay_of(source, begin, end, rules).outcome(0)
