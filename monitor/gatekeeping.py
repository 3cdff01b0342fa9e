"""The deploy gate: what a pipeline is answered, and that it was asked. Knows no transport."""

import structlog

from monitor.core.asks import No, Refusal
from monitor.core.events import Event
from monitor.core.gate import GateAnswer, gate, noted
from monitor.core.incident import Incident
from monitor.desk import Desk
from monitor.ports import Clock, ConflictError, Store, StoreError

log = structlog.get_logger()

NOTHING_NEW = Refusal(No.SETTLED, "")


class Gatekeeper:
    """Answers pipelines. Thread-safe: of two that ask for one allowance, the first version takes it."""

    def __init__(self, store: Store, desk: Desk, clock: Clock) -> None:
        self._store = store
        self._desk = desk
        self._clock = clock

    def ask(self, service: str, version: str) -> GateAnswer:
        """Give whether `version` of `service` may be deployed now. Raises StoreError where nothing can be read."""
        incidents = self._store.incidents(open_only=True)
        answer = gate(incidents, service, version)
        for incident in incidents:
            if noted(incident, service, version, self._clock.now()):
                answer = self._note(incident, service, version, answer)
        log.info("deploy.asked", service=service, version=version, allowed=answer.allowed, incident=answer.incident)
        return answer

    def _note(self, incident: Incident, service: str, version: str, answer: GateAnswer) -> GateAnswer:
        """Write it down; what somebody else took meanwhile is answered anew. Not written: answered all the same."""
        found = [answer]

        def decide(now: Incident) -> tuple[Event, ...] | Refusal:
            found[0] = gate([now], service, version) if answer.incident in {now.id, ""} else answer
            return noted(now, service, version, self._clock.now()) or NOTHING_NEW

        try:
            self._desk.act(incident.id, decide)
        except (StoreError, ConflictError) as error:
            log.warning("deploy.not_noted", incident=incident.id, service=service, why=str(error))
        return found[0]
