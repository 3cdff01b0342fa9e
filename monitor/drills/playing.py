"""What a drill plays: its rules in force on its stage, and a source that says what its scenario says."""

from dataclasses import dataclass, replace

import structlog

from monitor.core.drill.clearing import clears_at
from monitor.core.drill.log import Drill
from monitor.core.drill.played import Played, instance
from monitor.core.drill.scenario import Scenario
from monitor.core.drill.staging import bare_rules, found, route_of, staged_rules
from monitor.core.incidents.incident import Incident
from monitor.core.rules.ruleset import RuleSet
from monitor.drills.hall import Stage
from monitor.drills.source import staged

log = structlog.get_logger()


@dataclass(slots=True)
class Playing:
    """Plays one drill after another. `scenario` is that of the last one; None where it cannot be judged any more."""

    scenario: Scenario | None = None

    def set(self, stage: Stage, drill: Drill, rules: RuleSet) -> None:
        """Put the rules of a drill in force; nothing more can be judged where its rule is gone. Raises StoreError."""
        self.scenario = None
        route = route_of(rules.routing.drills.route, drill.started.participants, drill.started.channel)
        scenario = rules.drills.get(drill.started.scenario)
        if scenario is None or rules.rule(scenario.alert) is None:
            what = f"rule {scenario.alert}" if scenario is not None else f"scenario {drill.started.scenario}"
            log.error("drill.not_staged", drill=drill.id, why=f"there is no {what} any more")
            stage.judge_by(bare_rules(rules, route))
            return
        stage.judge_by(staged_rules(rules, scenario, drill.id, route, drill.started.seconds))
        self.scenario = scenario
        self.play(stage, drill, stage.side.store.incident(drill.id))

    def play(self, stage: Stage, drill: Drill, incident: Incident | None) -> None:
        """Let the source play what the scenario says as things stand; what was played can be read until the next."""
        scenario = self.scenario
        if scenario is None or scenario.script is None or drill.injected is None:
            return
        book = stage.side.book.now
        _, rule = found(book.rules, scenario.alert)
        script = scenario.script
        end = clears_at(script, drill.injected.at, incident) or drill.over_at
        played = Played(
            replace(script, labels=instance(rule, script.labels)),
            drill.injected.at.timestamp(),
            end.timestamp() if end is not None else None,
        )
        stage.source.play = staged(rule, book.plan, played)

    def longest(self, drill: Drill) -> int:
        """Give the seconds after which a drill is given up."""
        return self.scenario.longest if self.scenario is not None else 2 * drill.started.seconds
