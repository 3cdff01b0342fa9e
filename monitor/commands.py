"""What a person does, from wherever.

A command on an incident becomes events, or a refusal in words. Knows no transport.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import structlog

from monitor.core.events import Actor, Event, Refused
from monitor.core.incident import (
    Acknowledge,
    Command,
    DealWith,
    Incident,
    No,
    Refusal,
    SayStillOnIt,
    StartProcedure,
    decide,
    fold,
)
from monitor.core.model import AlertKey
from monitor.core.overtaken import overtaken
from monitor.core.page import ActionKind, instance
from monitor.core.rule import Route
from monitor.desk import Desk
from monitor.ports import Clock, GroupState, Store
from monitor.rulebook import RuleBook
from monitor.silencing import Silencing

log = structlog.get_logger()

AGAIN = Refusal(No.OVERTAKEN, "")
"""A click that is on record already: nothing is done, and nobody is told."""


@dataclass(frozen=True, slots=True)
class Done:
    """The command took effect; `incident` is as it is now."""

    incident: Incident


@dataclass(frozen=True, slots=True)
class NotDone:
    """Nothing changed; `sentence` says why, to the person who asked. `unknown`: there is no such incident or action."""

    sentence: str
    unknown: bool = False


Outcome: TypeAlias = Done | NotDone


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody asks for.

    `alert` names (or numbers, in order of firing) the alert that is dealt with; `note` says how. `rev` is the revision
    of the page that was looked at (None: of no page). `doubt` says why the rights of `by` could not all be read.
    """

    incident: str
    action: ActionKind
    by: Actor
    alert: str = ""
    note: str = ""
    rev: int | None = None
    doubt: str = ""


class Commands:
    """Carries out requests. Thread-safe: of two at once, one wins and the other is told."""

    def __init__(
        self,
        desk: Desk,
        store: Store,
        clock: Clock,
        book: RuleBook,
        watched: Callable[[Request, Incident], None] = lambda _request, _incident: None,
    ) -> None:
        self._watched = watched
        self._desk = desk
        self._store = store
        self._clock = clock
        self._book = book
        self.silencing = Silencing(store, clock, book)

    def carry_out(self, request: Request) -> Outcome:
        """Decide `request` against the present state, and commit it. Raises StoreError where that is not possible."""
        incident = self._store.incident(request.incident)
        if incident is None:
            return NotDone(f"There is no incident {request.incident}.", unknown=True)
        command = self._command(request, incident)
        if isinstance(command, NotDone):
            return command
        if request.rev is not None and not 0 < request.rev <= incident.rev:
            return NotDone(f"{incident.id} has no revision {request.rev}; nothing was done.")
        if self._taken(request):
            return Done(incident)
        retired = [self._without(command.key)] if isinstance(command, DealWith) else []
        decided = self._desk.act(incident.id, self._decision(request, command), *retired)
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

    def _command(self, request: Request, incident: Incident) -> Command | NotDone:
        match request.action:
            case ActionKind.ACKNOWLEDGE:
                return Acknowledge(request.by)
            case ActionKind.STILL_ON_IT:
                return SayStillOnIt(request.by)
            case ActionKind.START:
                return self._start(request, incident)
            case ActionKind.DEALT_WITH:
                return _deal_with(request, incident)

    def _start(self, request: Request, incident: Incident) -> Command | NotDone:
        procedures = self._book.now.rules.procedures
        wanted = next((one.procedure for one in incident.alerts), "rollback")
        procedure = procedures.get(wanted)
        if procedure is None:
            return NotDone(f"The rules name a procedure {wanted}, but there is no such file (any more).")
        return StartProcedure(request.by, procedure.id, len(procedure.steps))

    def _without(self, key: AlertKey) -> Callable[[], GroupState | None]:
        """Retire an alert: a breach after that starts anew."""

        def group() -> GroupState | None:
            name = next((one.name for one in self._store.groups() if key in one.alerts), None)
            if name is None:
                return None
            state = self._desk.present(name)  # with its cursors: a breach that was folded before is not folded again
            return replace(state, alerts={one: alert for one, alert in state.alerts.items() if one != key})

        return group

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
        decided = _explained(request, decided, self._book.now.rules.routing.default)
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


def _explained(request: Request, refusal: Refusal, route: Route) -> Refusal:
    """Say it where somebody is refused for want of a right that could not be read, or that nobody has."""
    if refusal.why is not No.NOT_ALLOWED:
        return refusal
    if not (route.responders or route.commanders):
        nobody = "Nobody may do this: no responders and no commanders are configured. Name them in rules/routing.yaml."
        return replace(refusal, sentence=nobody)
    return replace(refusal, sentence=request.doubt) if request.doubt else refusal


def _deal_with(request: Request, incident: Incident) -> Command | NotDone:
    named = [one.key for number, one in enumerate(incident.alerts) if request.alert in {one.key.alert, str(number)}]
    active = [one.key for one in incident.active if one.key in named]
    if len({one.labels for one in active}) > 1:
        numbers = [
            f"{number} is {instance(one.key)}" for number, one in enumerate(incident.alerts) if one.key in active
        ]
        return NotDone(
            f"{incident.id} has several alerts {request.alert}; name one by its number: {', '.join(numbers)}."
        )
    if not named:
        return NotDone(f"{incident.id} has no alert {request.alert}.", unknown=True)
    return DealWith(request.by, (active or named)[0], request.note or "no note")
