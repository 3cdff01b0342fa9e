"""Hands what was clicked, typed or asked for over to the side that it is about."""

from dataclasses import dataclass, replace

from monitor.core.drill.log import Drill
from monitor.core.drill.staging import route_of
from monitor.core.incidents.incident import Incident
from monitor.core.incidents.routes import united
from monitor.core.naming import NOT_REAL, is_drill, marked
from monitor.core.pages.forms import Form
from monitor.core.pages.page import OF_DRILLS
from monitor.core.rules.routing import Route
from monitor.drills.hall import Hall
from monitor.drills.pressed import Pressed
from monitor.drills.records import Records
from monitor.people.ears import Asked, Ears
from monitor.ports.world import Clock
from monitor.side import Side

MOST_WAITING = 5
"""Drills, of the last ones, whose people may speak of them while signatures are missing."""


@dataclass(frozen=True, slots=True)
class Switchboard:
    """Ears for both sides: an incident's name says on which it is. What names none is about production."""

    clock: Clock
    production: Side
    hall: Hall
    pressed: Pressed

    def handle(self, asked: Asked) -> str | None:
        """Carry it out; None when it is done, else why not."""
        handle = self.pressed.handle if asked.command in OF_DRILLS else self._of(asked.incident).handle
        words = handle(asked)
        return marked(asked.incident, words) if words else words

    def form_of(self, asked: Asked, *, chosen: bool) -> Form | str | None:
        """Give the form to be filled in for what is asked, words where it may not be, None where it needs none."""
        if asked.command in OF_DRILLS:
            found: Form | str | None = self.pressed.form_of(asked)
        else:
            found = self._of(asked.incident).form_of(asked, chosen=chosen)
        if isinstance(found, Form):
            return _of_a_drill(found) if is_drill(asked.incident) else found
        return marked(asked.incident, found) if found else found

    def told(self, incident: Incident) -> str:
        """Give an incident in a line."""
        return self._of(incident.id).told(incident)

    def rights(self, incident: str) -> Route:
        """Give everybody who may act on an incident; where none is named, as in words about drills, anybody who may.

        What is left to do of a drill that is over is open to the same people by a button as in words, and to those who
        took part in it.
        """
        drill = Records(self.hall).one(incident) if is_drill(incident) else None
        if drill is not None and not drill.running:
            return united((self.everybody(), self._took_part(drill)))
        return self._of(incident).rights(incident) if incident else self.everybody()

    def everybody(self) -> Route:
        """Give the people of all routes in force: production's, those of drills, and who takes part in the last one.

        Beside them stands who took part in a drill that waits for signatures.
        """
        stage, drills = self.hall.open, Records(self.hall).drills()[:MOST_WAITING]
        taking_part = (stage.side.ears.everybody(),) if stage is not None else ()
        waiting = [self._took_part(one) for one in drills if one.finished is not None and one.unsigned]
        return united((self.production.ears.everybody(), self._wanted, *taking_part, *waiting))

    def open_incidents(self) -> list[Incident]:
        """Give the open incidents of production, newest first."""
        return self.production.ears.open_incidents()

    @property
    def _wanted(self) -> Route:
        return self.production.book.now.rules.routing.drills.route

    def _took_part(self, drill: Drill) -> Route:
        return route_of(self._wanted, drill.started.participants, drill.started.channel)

    def _of(self, incident: str) -> Ears:
        return self.hall.of(incident, self.production).ears


def _of_a_drill(form: Form) -> Form:
    """Give a form that says first that nothing is real: a title is too short for that and for what it was."""
    return replace(form, title=NOT_REAL.rstrip(": "), text=f"{form.title}. {form.text}")
