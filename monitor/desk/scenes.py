"""What the page of an incident is rendered from, for everybody who shows it: in Slack, in a shell, over HTTP."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from monitor.core.incidents.incident import Incident
from monitor.core.incidents.routes import rights_on
from monitor.core.model import AlertKey
from monitor.core.pages.page import Reading, Scene
from monitor.core.procedures.verification import CheckResult
from monitor.rulebook import RuleBook


@dataclass(frozen=True, slots=True)
class Scenes:
    """Sets the scene of an incident: everything that its page is rendered from beside it.

    Procedures, what the signals say now (kept up to date by the engine), whether clicks are heard, why evidence is not
    durable now, how the checks of its verification came out last, when the fault of a drill was injected. `gated`:
    whether the deploys of an environment can be frozen here. `free`: there is no Slack, and whoever speaks from a shell
    may do everything.
    """

    book: RuleBook
    readings: Mapping[AlertKey, Reading]
    buttons: Callable[[], bool] = lambda: True
    undurable: Callable[[], str] = lambda: ""
    verified: Callable[[str], tuple[CheckResult, ...]] = lambda _incident: ()
    injected: Callable[[str], datetime | None] = lambda _incident: None
    gated: Callable[[str], bool] = lambda _environment: True
    free: bool = False

    def of(self, incident: Incident, now: datetime, mention: tuple[str, ...] = ()) -> Scene:
        """Give the scene of `incident` at `now`; its page mentions `mention`. Raises StoreError (of a drill alone)."""
        rules = self.book.now.rules
        people = rights_on(incident, rules)
        return Scene(
            incident,
            now,
            dict(self.readings) if incident.is_open else {},
            rules.procedures.get(incident.procedure),
            mention,
            self.buttons(),
            self.undurable(),
            self.verified(incident.id),
            nobody=not (self.free or people.responders or people.commanders),
            injected=self.injected(incident.id),
            gated=self.gated(incident.environment),
        )
