"""What somebody asks of a drill by a button: that its fault is injected now, that it is given up, to stand by it."""

from dataclasses import dataclass

from monitor.core.pages.forms import FORMS, Form
from monitor.core.pages.page import ActionKind
from monitor.drills.conductor import Conductor, NoDrill, Outcome
from monitor.people.ears import Asked

ONLY_RESPONDERS = "Only responders and commanders may do that; anybody may abort a drill. Nothing was done."


@dataclass(frozen=True, slots=True)
class Pressed:
    """Answers the buttons of drills."""

    conductor: Conductor

    def handle(self, asked: Asked) -> str | None:
        """Carry it out; None when it is done, else why not, which is kept as evidence. Raises StoreError."""
        why = self._carried_out(asked)
        if why:
            self.conductor.refused(asked.incident, asked.by, str(asked.command), why)
        return why

    def _carried_out(self, asked: Asked) -> str | None:
        if asked.command is not ActionKind.ABORT_DRILL and not asked.by.roles:
            return asked.doubt or ONLY_RESPONDERS
        outcome = self._asked(asked)
        return outcome.sentence if isinstance(outcome, NoDrill) else None

    def _asked(self, asked: Asked) -> Outcome:
        if asked.command is ActionKind.SIGN_OFF:
            return self.conductor.sign_off(asked.incident, asked.by)
        running = self.conductor.records.running
        if running is None or running.id != asked.incident:
            return NoDrill(f"{asked.incident} does not run.")
        if asked.command is ActionKind.ABORT_DRILL:
            return self.conductor.abort(asked.by, asked.words.get("reason", ""))
        return self.conductor.inject(asked.by)

    def form_of(self, asked: Asked) -> Form | None:
        """Give the form to be filled in for it, or None where it asks for nothing."""
        return FORMS.get(asked.command)
