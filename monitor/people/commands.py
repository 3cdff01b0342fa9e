"""What a person does, from wherever.

A request on an incident becomes a command, its events, or a refusal in words. Knows no transport.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

import structlog

from monitor.core.actor import Actor
from monitor.core.incidents.asks import Command, No, Refusal
from monitor.core.incidents.decide import decide, retired
from monitor.core.incidents.events import Event, Refused
from monitor.core.incidents.incident import Incident, fold
from monitor.core.incidents.overtaken import overtaken
from monitor.core.incidents.response import Response
from monitor.core.incidents.silence import Silence
from monitor.core.model import AlertKey, Presence
from monitor.core.rules.routing import Route
from monitor.desk.channels import Channels
from monitor.desk.desk import Beside, Desk
from monitor.people.requesting import NotDone, Request, Requesting, Targets, plain_targets, silent_for, unknown
from monitor.people.silencing import Silencing
from monitor.ports.store import GroupState, Store
from monitor.ports.world import Clock
from monitor.rulebook import RuleBook

log = structlog.get_logger()

AGAIN = Refusal(No.OVERTAKEN, "")
"""A click that is on record already: nothing is done, and nobody is told."""


@dataclass(frozen=True, slots=True)
class Done:
    """The command took effect; `incident` is as it is now."""

    incident: Incident


Outcome: TypeAlias = Done | NotDone


class Commands:
    """Carries out requests. Thread-safe: of two at once, one wins and the other is told."""

    def __init__(
        self,
        desk: Desk,
        store: Store,
        clock: Clock,
        book: RuleBook,
        watched: Callable[[Request, Incident], None] = lambda _request, _incident: None,
        targets: Targets = plain_targets,
        *,
        presence: Callable[[AlertKey], Presence] = unknown,
    ) -> None:
        self._watched = watched
        self._desk = desk
        self._store = store
        self._clock = clock
        self._book = book
        self._requesting = Requesting(lambda: book.now.rules.procedures, targets, presence)
        self.silencing = Silencing(store, clock, book)

    def carry_out(self, request: Request) -> Outcome:
        """Decide `request` against the present state, and commit it. Raises StoreError where that is not possible."""
        incident = self._store.incident(request.incident)
        if incident is None:
            return NotDone(f"There is no incident {request.incident}.", unknown=True)
        command = self._requesting.command(request, incident)
        if isinstance(command, NotDone):
            return command
        if request.rev is not None and not 0 < request.rev <= incident.rev:
            return NotDone(f"{incident.id} has no revision {request.rev}; nothing was done.")
        if self._taken(request):
            return Done(incident)
        decided = self._desk.act(
            incident.id, self._decision(request, command), lambda response: self._beside(request, response)
        )
        return self._outcome(request, decided)

    def _decision(self, request: Request, command: Command) -> Callable[[Incident], tuple[Event, ...] | Refusal]:
        then = self._as_shown(request)

        def decision(now: Incident) -> tuple[Event, ...] | Refusal:
            """What somebody else has written since, perhaps for the very same click, is read anew."""
            if self._taken(request):
                return AGAIN
            stale = overtaken(then, now, command) if then is not None else None
            return stale or decide(now, command, self._clock.now())

        return decision

    def _taken(self, request: Request) -> bool:
        """Tell whether this very click is on record, though it was carried here again, perhaps by another process."""
        click = request.by.click
        return bool(click) and any(one.by.click == click for one in self._store.events(request.incident))

    def _as_shown(self, request: Request) -> Incident | None:
        """Give the incident as the page showed it on which somebody clicked."""
        if request.rev is None:
            return None
        return fold(request.incident, list(self._store.events(request.incident))[: request.rev])

    # --- what is written with it --------------------------------------------------------------------------------------

    def _beside(self, request: Request, response: Response) -> Beside:
        """Retire what the events retire: a breach after that starts anew, silently for as long as was asked for."""
        keys = retired(response)
        named = {key: self._group_of(key) for key in keys}
        groups = [self._without(name, keys) for name in dict.fromkeys(named.values()) if name]
        span = silent_for(request) if keys else None
        if span is None or not request.silences:
            return Beside(tuple(groups))
        now = self._clock.now()
        return Beside(tuple(groups), (self._silence(request, response.after, keys, now, now + span),))

    def _group_of(self, key: AlertKey) -> str:
        return next((one.name for one in self._store.groups() if key in one.alerts), "")

    def _without(self, name: str, keys: tuple[AlertKey, ...]) -> GroupState:
        state = self._desk.present(name)  # with its cursors: a breach that was folded before is not folded again
        return replace(state, alerts={one: alert for one, alert in state.alerts.items() if one not in keys})

    def _silence(
        self, request: Request, incident: Incident, keys: tuple[AlertKey, ...], now: datetime, until: datetime
    ) -> Silence:
        number = 1 + max((one.id for one in self._store.silences()), default=0)
        why = f"{incident.id}: {request.word('reason') or incident.end_note}"
        return Silence(number, (), now, until, _plainly(request.by), why, (), keys=keys)

    # --- what is told -------------------------------------------------------------------------------------------------

    def _outcome(self, request: Request, decided: Incident | Refusal | None) -> Outcome:
        if decided is None:
            return NotDone(f"There is no incident {request.incident}.", unknown=True)
        if decided is AGAIN:
            return self._done(request)
        who = {"incident": request.incident, "action": str(request.action), "by": request.by.id}
        if isinstance(decided, Incident):
            log.info("command.carried_out", source=str(request.by.source), **who)
            self._watched(request, decided)
            return Done(decided)
        decided = explained(request, decided, Channels(self._store, self._book).rights(request.incident))
        log.info("command.refused", why=str(decided.why), **who)
        self._record(request, decided)
        return NotDone(decided.sentence)

    def _done(self, request: Request) -> Outcome:
        incident = self._store.incident(request.incident)
        return Done(incident) if incident else NotDone(f"There is no incident {request.incident}.", unknown=True)

    def _record(self, request: Request, refusal: Refusal) -> None:
        """Refusals are evidence too, as long as the incident's record is open."""

        def refused(incident: Incident) -> tuple[Event, ...] | Refusal:
            if not incident.is_open or self._taken(request):
                return refusal
            return (Refused(self._clock.now(), request.by, str(request.action), refusal.sentence),)

        self._desk.act(request.incident, refused)


def _plainly(by: Actor) -> Actor:
    """Give who it was, without the click: a silence is no press of a button."""
    return replace(by, click="")


def explained(request: Request, refusal: Refusal, route: Route) -> Refusal:
    """Give `refusal`, in other words where the right that is missing could not be read, or where nobody has it."""
    if refusal.why is not No.NOT_ALLOWED:
        return refusal
    if not (route.responders or route.commanders):
        nobody = "Nobody may do this: no responders and no commanders are configured. Name them in rules/routing.yaml."
        return replace(refusal, sentence=nobody)
    return replace(refusal, sentence=request.doubt) if request.doubt else refusal
