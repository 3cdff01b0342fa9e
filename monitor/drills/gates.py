"""The deploy gates by environment: that of production, and those of what drills roll back.

A drill closes only its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from monitor.core.drill.scenario import Scenario
from monitor.core.naming import marked
from monitor.core.procedures.gate import GateAnswer, UnknownEnvironmentError
from monitor.drills.hall import Hall
from monitor.side import Side


@dataclass(frozen=True, slots=True)
class Gates:
    """Answers pipelines of every environment. Thread-safe. What is asked of production never waits for a drill."""

    production: Side
    hall: Hall

    def ask(self, service: str, version: str, environment: str = "") -> GateAnswer:
        """Give whether `version` of `service` may be deployed to `environment` (nothing: that of production) now.

        Raises StoreError where nothing can be read, and UnknownEnvironmentError where nobody keeps such a gate.
        """
        rules = self.production.book.now.rules
        if environment in {"", rules.routing.environment}:
            return self.production.gate.ask(service, version)
        stage = self.hall.stage
        if stage is not None and environment == stage.side.book.now.rules.routing.environment:
            answer = stage.side.gate.ask(service, version)
            return replace(answer, because=marked(answer.incident, answer.because))
        if environment in targets(rules.drills):
            return GateAnswer(allowed=True, because=f"no drill runs in {environment}")
        known = ", ".join(dict.fromkeys((rules.routing.environment, *sorted(targets(rules.drills)))))
        raise UnknownEnvironmentError(f"Nobody keeps a gate of {environment}. There are those of {known}.")


def targets(drills: Mapping[str, Scenario]) -> frozenset[str]:
    """Give the environments that drills roll something back in."""
    return frozenset(one.environment for one in drills.values() if one.environment)
