"""From what was observed of a rule's instances to judgements: with their references, and with release changes in mind.

It asks for what a judgement needs beside the reading itself, and only for that. It must not know how readings are
made, nor what becomes of a judgement.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from monitor.core.incidents.firing import service_of
from monitor.core.judging import judge
from monitor.core.judging.deploy import Change, warming_up
from monitor.core.judging.latency import BEFORE_DEPLOY, before_deploy
from monitor.core.judging.observe import Observation
from monitor.core.model import AlertKey, Judgement, Labels, Reference, Tier, Verdict, utc
from monitor.core.rules.rule import Rule, TierRule
from monitor.core.rules.ruleset import VersionMetric
from monitor.core.rules.signal import Latency
from monitor.evaluation.baselines import Baselines, References
from monitor.evaluation.deploys import Deploys
from monitor.ports.metrics import BadQuery, Partial, Unanswered

Observed: TypeAlias = Mapping[int, Mapping[Labels, Observation]]
"""What was observed of each instance, by the window (seconds) that it was read over."""

Failed: TypeAlias = Partial | BadQuery | Unanswered
Judgements: TypeAlias = Mapping[AlertKey, Judgement]


class Judging:
    """Judges what was observed; one for the life of the daemon, safe to use from several threads at once."""

    def __init__(self, baselines: Baselines, deploys: Deploys) -> None:
        self._baselines = baselines
        self._deploys = deploys

    def read_ahead(self, rule: Rule, first: int, last: int, left: Callable[[], float]) -> None:
        """Say that the grid times from `first` to `last` will be judged, so that few queries read what they need."""
        self._deploys.expect(last)
        if isinstance(rule.signal, Latency):
            self._baselines.read_ahead(rule.signal, first, last, deadline=left())

    def judge(
        self, rule: Rule, versions: tuple[VersionMetric, ...], observed: Observed, at: int, left: Callable[[], float]
    ) -> Judgements | Failed:
        """Give the judgement of each instance and tier of `rule` at grid time `at`.

        Overrides are heeded. `left` gives the seconds that are left. What a verdict depends on and was not read is
        given as it came; what is only shown (the latency before the last deploy) is then missing, and says why.
        """
        case = _Case(self._baselines, self._deploys, rule, versions, at, left)
        judgements = {}
        for window, instances in observed.items():
            for labels, observation in instances.items():
                for tier in rule.tiers_of(labels):
                    if tier.window == window:
                        judgement = case.judgement(tier, AlertKey(rule.alert, labels, tier.tier), observation)
                        if not isinstance(judgement, Judgement):
                            return judgement
                        judgements[AlertKey(rule.alert, labels, tier.tier)] = judgement
        return judgements


@dataclass(slots=True)
class _Case:
    """One rule at one grid time; what was asked for once is not asked for again."""

    baselines: Baselines
    deploys: Deploys
    rule: Rule
    versions: tuple[VersionMetric, ...]
    at: int
    left: Callable[[], float]
    _changes: dict[str, tuple[Change, ...] | Failed] = field(default_factory=dict)
    _references: dict[float, References | Failed] = field(default_factory=dict)
    _before: dict[tuple[float, Labels], tuple[Reference, ...]] = field(default_factory=dict)

    def judgement(self, tier: TierRule, key: AlertKey, observation: Observation) -> Judgement | Failed:
        """Give the judgement of one instance and tier."""
        references = self._held_against(tier, key)
        if not isinstance(references, tuple):
            return references
        judgement = judge.judge(self.rule.signal, tier, observation, references)
        if judgement.verdict is Verdict.BREACH and tier.tier is Tier.PREPARE and self.rule.after_deploy > 0:
            return self._unless_warming_up(judgement, key)
        return judgement

    def _held_against(self, tier: TierRule, key: AlertKey) -> tuple[Reference, ...] | Failed:
        """Give the references of a latency, and what it was before the last release change."""
        signal, needed = self.rule.signal, tier.guards.min_requests
        if not isinstance(signal, Latency):
            return ()
        if needed not in self._references:
            self._references[needed] = self.baselines.references(signal, needed, self.at, deadline=self.left())
        found = self._references[needed]
        if not isinstance(found, References):
            return replace(found, why=f"its baseline was not read: {found.why}")
        if (needed, key.labels) not in self._before:
            self._before[needed, key.labels] = self._before_deploy(signal, needed, key)
        return (*found.of(key.labels), *self._before[needed, key.labels])

    def _before_deploy(self, signal: Latency, needed: float, key: AlertKey) -> tuple[Reference, ...]:
        found = self._changed(key)
        if not isinstance(found, tuple):
            return (Reference(BEFORE_DEPLOY, None, f"the release changes were not read: {found.why}"),)
        if not found:
            return ()
        change = found[-1]
        hour = self.baselines.hour(signal, change.begin, deadline=self.left())
        if not isinstance(hour, Mapping):
            return (Reference(BEFORE_DEPLOY, None, f"not read: {hour.why}"),)
        return (before_deploy(hour.get(key.labels), needed, f"{change} at {utc(change.begin):%H:%M} UTC"),)

    def _unless_warming_up(self, judgement: Judgement, key: AlertKey) -> Judgement | Failed:
        """Hold a breach back after a release change. A version metric whose query is wrong cannot tell: it stands."""
        found = self._changed(key)
        if isinstance(found, BadQuery):
            return judgement
        if not isinstance(found, tuple):
            return replace(found, why=f"the release changes were not read: {found.why}")
        why = warming_up(found, self.rule.after_deploy, self.at)
        return judge.held_back(judgement, why) if why else judgement

    def _changed(self, key: AlertKey) -> tuple[Change, ...] | Failed:
        if not self.versions:
            return ()
        service = service_of(self.rule, key)
        if service not in self._changes:
            self._changes[service] = self.deploys.changes(self.versions, service, self.at, deadline=self.left())
        return self._changes[service]
