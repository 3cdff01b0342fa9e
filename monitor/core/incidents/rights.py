"""Who may do what on an incident: sentences for those who may not. Pure."""

from monitor.core.actor import Actor, Role, same_person
from monitor.core.incidents.asks import No, Refusal
from monitor.core.incidents.incident import Incident
from monitor.core.words import clock

HELPERS = frozenset({Role.RESPONDER, Role.COMMANDER})


def not_helping(incident: Incident, by: Actor) -> Refusal | None:
    """Refuse whoever is neither responder nor commander."""
    if by.roles & HELPERS:
        return None
    sentence = (
        f"{by.name} is not among the responders or commanders of {incident.environment}, so this was not done. "
        "Acknowledge is open to everybody; the people are named in routing.yaml."
    )
    return Refusal(No.NOT_ALLOWED, sentence)


def not_commanding(incident: Incident, by: Actor) -> Refusal | None:
    """Refuse whoever does not lead this very incident."""
    if refused := not_helping(incident, by):
        return refused
    commander = incident.commander
    if commander is None:
        return not_started(incident)
    if same_person(commander, by):
        return None
    since = clock(incident.started_at or incident.opened_at)
    own = "" if by.verified else f' If you are {commander.name}, say so: --as "{commander.name}".'
    sentence = (
        f"{commander.name} commands {incident.id} (since {since}), and this is the commander's to do: say it in the "
        f"thread, or take command.{own}"
    )
    return Refusal(No.NOT_COMMANDER, sentence)


def not_started(incident: Incident) -> Refusal:
    """Refuse what belongs to a procedure where none runs."""
    return Refusal(No.NOT_STARTED, f"No procedure runs on {incident.id}: start the rollback first.")
