"""The deploy gate: what a pipeline is answered, and that it was asked. Knows no transport."""

from collections.abc import Sequence

import structlog

from monitor.core.incidents.asks import No, Refusal
from monitor.core.incidents.events import Event
from monitor.core.incidents.incident import Incident
from monitor.core.procedures.gate import GateAnswer, gate, noted
from monitor.desk.desk import Desk
from monitor.ports.store import ConflictError, Store, StoreError
from monitor.ports.world import Clock

log = structlog.get_logger()

ATTEMPTS = 5
"""Times that a pipeline is answered anew when somebody took meanwhile what would have let it through."""

NOTHING_NEW = Refusal(No.SETTLED, "")


class Gatekeeper:
    """Answers pipelines. Thread-safe: of two that ask for one allowance, the first version takes it."""

    def __init__(self, store: Store, desk: Desk, clock: Clock) -> None:
        self._store = store
        self._desk = desk
        self._clock = clock

    def ask(self, service: str, version: str) -> GateAnswer:
        """Give whether `version` of `service` may be deployed now. Raises StoreError where nothing can be read."""
        answer = gate((), service, version)
        for _ in range(ATTEMPTS):
            incidents = self._store.incidents(open_only=True)
            answer = gate(incidents, service, version)
            if all(self._noted(one, incidents, service, version, answer) for one in incidents):
                break
        log.info("deploy.asked", service=service, version=version, allowed=answer.allowed, incident=answer.incident)
        return answer

    def _noted(
        self, incident: Incident, incidents: Sequence[Incident], service: str, version: str, answer: GateAnswer
    ) -> bool:
        """Write it down where there is something to; False where the answer is another by now: it is asked anew.

        Where nothing can be written, it is answered all the same.
        """
        if not noted(incident, service, version, answer, self._clock.now()):
            return True
        same = [True]

        def decide(now: Incident) -> tuple[Event, ...] | Refusal:
            fresh = gate([now if one.id == now.id else one for one in incidents], service, version)
            same[0] = fresh == answer
            events = noted(now, service, version, answer, self._clock.now()) if same[0] else ()
            return events or NOTHING_NEW

        try:
            self._desk.act(incident.id, decide)
        except (StoreError, ConflictError) as error:
            log.warning("deploy.not_noted", incident=incident.id, service=service, why=str(error))
        return same[0]
