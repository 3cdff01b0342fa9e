"""What is said in the thread of an incident: lines that are heard without the message above them. Pure."""

from monitor.core.incidents.escalation import ANSWER_WITHIN
from monitor.core.incidents.events import Firing, HiddenTold
from monitor.core.incidents.incident import Incident
from monitor.core.incidents.response import Response
from monitor.core.model import Tier
from monitor.core.pages.headline import telling
from monitor.core.pages.page import ActionKind
from monitor.core.pages.posts import Happening
from monitor.core.pages.shell import typed
from monitor.core.pages.status import calm, names
from monitor.core.procedures.progress import mixed
from monitor.core.words import clock, lasted


def said(happening: Happening, firings: list[Firing], response: Response) -> str:
    """The words of a line or broadcast.

    They are heard without the message above them, so they say what and since when.
    """
    incident = response.after
    if happening is Happening.HIDDEN_TOLD:
        return next((one.said for one in response.events if isinstance(one, HiddenTold)), "")
    if happening is Happening.RECOVERED and incident.recovered_at is not None:
        return f"{recovered(incident)}{_in_procedure(incident)}"
    told = names(firings or telling(incident)[:3])
    words = {
        Happening.RAISED: f"ROLLBACK NOW {incident.where}: {told}. Until now this was to prepare.",
        Happening.ROLLBACK_JOINS: f"Another reason to roll back {incident.where}: {told}.",
        Happening.SERVICE_JOINS: f"It spreads: {told}.",
        Happening.PREPARE_JOINS: f"Also: {told}.",
        Happening.BLIND_JOINS: f"Also unseen: {told}.",
        Happening.BACK: f"BACK {incident.where}: {told}.",
        Happening.REMINDED: f"Nobody has acknowledged {incident.id}: {told}.",
        Happening.CALLED_AGAIN: f"Still nobody has acknowledged {incident.id}. {_loud(incident)}: {told}.",
        Happening.ESCALATED: f"{_loud(incident)}: {told}. Nobody has acknowledged {incident.id}.",
        Happening.ASKED: _question(incident),
        Happening.UNACKNOWLEDGED: f"{_lapsed(incident)} Paged again. {_loud(incident)}: {told}.",
        Happening.SIGHTED: "Everything is seen again; the alerts go on from where they were.",
        Happening.ENDED_BY_ITSELF: "Ended by itself: the signals stayed clear and nobody rolled back.",
    }
    return words.get(happening, "")


def _in_procedure(incident: Incident) -> str:
    """Signals that clear in mid-procedure leave a decision: versions may be mixed."""
    if incident.running is None:
        return ""
    runs = ", ".join(f"{one.service} {'+'.join(one.versions) or '?'}" for one in mixed(incident.running))
    if not runs:
        return " The procedure goes on: verify before you end it."
    return f" Versions are mixed ({runs}): go on to verify, finish this wave, or stop here."


def _loud(incident: Incident) -> str:
    """Give the words that a page of this tier begins with."""
    word = {Tier.ROLLBACK: "ROLLBACK NOW", Tier.PREPARE: "PREPARE", Tier.BLIND: "BLIND"}[incident.tier]
    return f"{word} {incident.where}"


def _question(incident: Incident) -> str:
    """Ask whoever acknowledged; the words name the ways to answer."""
    who = incident.acknowledged_by.name if incident.acknowledged_by else "Somebody"
    return (
        f"{who}, are you still on it? No rollback was started. Without an answer within {lasted(ANSWER_WITHIN)} "
        f"everybody is paged again. From a shell: {typed(ActionKind.STILL_ON_IT, incident.id)}"
    )


def _lapsed(incident: Incident) -> str:
    who = incident.lapsed.name if incident.lapsed else "Whoever acknowledged"
    return f"{who} acknowledged {incident.id}, started no rollback and did not answer."


def recovered(incident: Incident) -> str:
    """Give the sentence that stands the team down: when, and after how long."""
    until = incident.recovered_at or incident.opened_at
    since = min((one.since for one in incident.alerts), default=incident.opened_at)
    return f"Recovered {clock(until)}, after {lasted(until - since)}: all signals are {calm(incident)}."
