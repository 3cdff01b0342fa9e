"""Which posts an incident owes, whom they mention, and why: the table of posts as data, and `owed`, which reads it.

Pure: what happened to an incident goes in, what must be told comes out. How a channel is spoken to is not known here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from monitor.core.escalation import ANSWER_WITHIN
from monitor.core.events import (
    Acknowledged,
    AlertFired,
    AlertResolved,
    Asked,
    Call,
    Called,
    DealtWith,
    Ended,
    EndReason,
    Event,
    Firing,
    HiddenTold,
    ProcedureStarted,
    StillOnIt,
    Unacknowledged,
)
from monitor.core.incident import Incident, apply
from monitor.core.model import Tier
from monitor.core.page import calm, names, telling
from monitor.core.response import Response
from monitor.core.rule import Route
from monitor.core.words import clock, lasted


class Happening(StrEnum):
    """What can happen to an incident: the rows of the table of posts, and the reason on every post."""

    PREPARE_OPENS = "prepare_opens"
    ROLLBACK_OPENS = "rollback_opens"
    BLIND_OPENS = "blind_opens"
    RAISED = "raised"
    ROLLBACK_JOINS = "rollback_joins"
    SERVICE_JOINS = "service_joins"
    PREPARE_JOINS = "prepare_joins"
    CARRIED = "carried"
    BLIND_JOINS = "blind_joins"
    BLIND_BANNER = "blind_banner"
    BACK = "back"
    ONE_RESOLVES = "one_resolves"
    RECOVERED = "recovered"
    SIGHTED = "sighted"
    ENDED_BY_ITSELF = "ended_by_itself"
    ACKNOWLEDGED = "acknowledged"
    REMINDED = "reminded"
    CALLED_AGAIN = "called_again"
    ESCALATED = "escalated"
    ASKED = "asked"
    STILL_ON_IT = "still_on_it"
    UNACKNOWLEDGED = "unacknowledged"
    HIDDEN_TOLD = "hidden_told"
    DEALT_WITH = "dealt_with"
    STARTED = "started"
    REFRESHED = "refreshed"


class Notice(StrEnum):
    """What is told to the default channel without an incident."""

    RULES_REFUSED = "rules_refused"
    RULES_GOOD_AGAIN = "rules_good_again"
    STORAGE_TROUBLE = "storage_trouble"
    STORAGE_GOOD_AGAIN = "storage_good_again"
    STORAGE_SET_ASIDE = "storage_set_aside"


class NewPost(StrEnum):
    """What is posted. Whatever it is, the root message is edited to show the present."""

    ROOT = "root"
    BROADCAST = "broadcast"
    LINE = "line"
    CARD = "card"
    ESCALATION = "escalation"
    EDIT = "edit"


class Mention(StrEnum):
    """Whom a new post calls."""

    NOBODY = "nobody"
    RESPONDERS = "responders"
    OWNER = "owner"
    COMMANDERS_TOO = "commanders_too"
    BY_TIER = "by_tier"


class Acknowledgement(StrEnum):
    """What becomes of an acknowledgement."""

    KEPT = "kept"
    CLEARED = "cleared"
    KEPT_IF_FRESH = "kept_if_fresh"
    KEPT_FOR_HOURS = "kept_for_hours"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table of posts."""

    post: NewPost
    mention: Mention = Mention.NOBODY
    acknowledgement: Acknowledgement = Acknowledgement.KEPT


POSTS: Mapping[Happening, Row] = {
    Happening.PREPARE_OPENS: Row(NewPost.ROOT),
    Happening.ROLLBACK_OPENS: Row(NewPost.ROOT, Mention.RESPONDERS),
    Happening.BLIND_OPENS: Row(NewPost.ROOT, Mention.RESPONDERS),
    Happening.RAISED: Row(NewPost.BROADCAST, Mention.RESPONDERS, Acknowledgement.CLEARED),
    Happening.ROLLBACK_JOINS: Row(NewPost.BROADCAST, Mention.OWNER),
    Happening.SERVICE_JOINS: Row(NewPost.BROADCAST, Mention.NOBODY, Acknowledgement.KEPT_FOR_HOURS),
    Happening.PREPARE_JOINS: Row(NewPost.LINE),
    Happening.CARRIED: Row(NewPost.EDIT),
    Happening.BLIND_JOINS: Row(NewPost.LINE),
    Happening.BLIND_BANNER: Row(NewPost.EDIT),
    Happening.BACK: Row(NewPost.BROADCAST, Mention.BY_TIER, Acknowledgement.KEPT_IF_FRESH),
    Happening.ONE_RESOLVES: Row(NewPost.EDIT),
    Happening.RECOVERED: Row(NewPost.BROADCAST),
    Happening.SIGHTED: Row(NewPost.BROADCAST),
    Happening.ENDED_BY_ITSELF: Row(NewPost.LINE),
    Happening.ACKNOWLEDGED: Row(NewPost.EDIT),
    Happening.REMINDED: Row(NewPost.LINE, Mention.RESPONDERS),
    Happening.CALLED_AGAIN: Row(NewPost.BROADCAST, Mention.RESPONDERS),
    Happening.ESCALATED: Row(NewPost.ESCALATION, Mention.COMMANDERS_TOO),
    Happening.ASKED: Row(NewPost.LINE, Mention.OWNER),
    Happening.STILL_ON_IT: Row(NewPost.EDIT),
    Happening.UNACKNOWLEDGED: Row(NewPost.BROADCAST, Mention.RESPONDERS, Acknowledgement.CLEARED),
    Happening.HIDDEN_TOLD: Row(NewPost.LINE),
    Happening.DEALT_WITH: Row(NewPost.EDIT),
    Happening.STARTED: Row(NewPost.CARD),
    Happening.REFRESHED: Row(NewPost.EDIT),
}
"""The table of posts: what happens (row) -> what is posted, whom it mentions, what becomes of the acknowledgement."""


@dataclass(frozen=True, slots=True)
class Owed:
    """One post to be made.

    `n` tells it from others of its kind on the incident; `mention` are user or user-group ids; `channel` is another
    than that of the route.
    """

    post: NewPost
    happening: Happening
    n: int = 0
    said: str = ""
    mention: tuple[str, ...] = ()
    channel: str = ""


def owed(response: Response, route: Route) -> tuple[Owed, ...]:
    """Give what `response` owes to the channel of `route`: at most one post a happening, and an edit of the root."""
    if response.before is None:
        happening = _opening(response.after)
        mention = () if over(response.after) else _mention(happening, response, (), route)
        return (Owed(NewPost.ROOT, happening, mention=mention), *_told(response))
    found = happenings(response)
    if not found:
        return ()
    edit = Owed(NewPost.EDIT, found[0].what)
    told: dict[Happening, tuple[int, list[Firing]]] = {}
    for one in found:
        if not one.quiet:
            told.setdefault(one.what, (one.n, []))[1].extend(_firing(one.event))
    posts = [_post(happening, n, firings, response, route) for happening, (n, firings) in told.items()]
    return (edit, *(one for one in posts if one.post is not NewPost.EDIT))


def over(incident: Incident) -> bool:
    """Whether nobody needs to be called for an incident: it fired and ended in one stretch that was caught up with."""
    return incident.recovered_at is not None or not incident.is_open


@dataclass(frozen=True, slots=True)
class Happened:
    """What an event meant for the incident that it left as `incident`; `n` is the number of the event.

    `quiet` is what the page shows and nobody is told: it was over by the time that the monitor caught up with it.
    """

    what: Happening
    n: int
    event: Event
    incident: Incident
    quiet: bool = False


def happenings(response: Response) -> tuple[Happened, ...]:
    """Give what the events of `response` mean for an incident that was there before."""
    found: list[Happened] = []
    incident = response.before
    for number, event in enumerate(response.events):
        if incident is None:
            break
        meant = happened(incident, event)
        incident = apply(incident, event)
        if meant is not None:
            quiet = _quiet(response, meant, number)
            found.append(Happened(meant, (response.expected_rev + number + 1), event, incident, quiet=quiet))
    return tuple(found)


def _quiet(response: Response, meant: Happening, number: int) -> bool:
    event, later = response.events[number], response.events[number + 1 :]
    if meant is Happening.RECOVERED:  # told once, of an incident that people know to fire, and only if it is so
        known = response.before is not None and response.before.recovered_at is None
        return not known or not over(response.after)
    ended = isinstance(event, AlertFired) and any(
        isinstance(one, AlertResolved) and one.key == event.firing.key for one in later
    )
    return ended and (meant is not Happening.RAISED or over(response.after))  # what was raised stays raised


def _told(response: Response) -> list[Owed]:
    """Give what the thread of an incident begins with."""
    return [
        Owed(NewPost.LINE, Happening.HIDDEN_TOLD, number, event.said)
        for number, event in enumerate(response.events, start=1)
        if isinstance(event, HiddenTold)
    ]


def _opening(incident: Incident) -> Happening:
    return {
        Tier.ROLLBACK: Happening.ROLLBACK_OPENS,
        Tier.PREPARE: Happening.PREPARE_OPENS,
        Tier.BLIND: Happening.BLIND_OPENS,
    }[incident.tier]


CALLS: Mapping[Call, Happening] = {
    Call.MENTION: Happening.REMINDED,
    Call.AGAIN: Happening.CALLED_AGAIN,
    Call.ESCALATE: Happening.ESCALATED,
}
"""What a call of people who did not acknowledge is."""

ALWAYS: Mapping[type[Event], Happening] = {
    Acknowledged: Happening.ACKNOWLEDGED,
    Asked: Happening.ASKED,
    StillOnIt: Happening.STILL_ON_IT,
    Unacknowledged: Happening.UNACKNOWLEDGED,
    HiddenTold: Happening.HIDDEN_TOLD,
    ProcedureStarted: Happening.STARTED,
}
"""Events that mean the same in whatever state an incident is."""


def happened(before: Incident, event: Event) -> Happening | None:
    """Give what `event` means for an incident that was `before`; None for what only goes into the record."""
    match event:
        case AlertFired():
            return _joined(before, event.firing)
        case AlertResolved() | DealtWith():
            return _resolved(before, event)
        case Ended(reason=EndReason.SIGHTED):
            return Happening.SIGHTED
        case Ended():
            return Happening.ENDED_BY_ITSELF
        case Called():
            return CALLS[event.call]
        case _:
            return ALWAYS.get(type(event))


def _joined(before: Incident, firing: Firing) -> Happening:
    if firing.key.tier is Tier.BLIND:
        return Happening.BLIND_JOINS if before.blind else Happening.BLIND_BANNER
    if _carried(before, firing):
        return Happening.CARRIED
    if before.recovered_at is not None:
        return Happening.BACK
    if firing.key.tier is Tier.ROLLBACK:
        return Happening.RAISED if before.tier is Tier.PREPARE else Happening.ROLLBACK_JOINS
    known = {one.service for one in before.alerts}
    return Happening.PREPARE_JOINS if firing.service in known else Happening.SERVICE_JOINS


def _carried(before: Incident, firing: Firing) -> bool:
    """A prepare alert whose rollback tier already fires says nothing new."""
    return firing.key.tier is Tier.PREPARE and any(
        one.key.tier is Tier.ROLLBACK and (one.key.alert, one.key.labels) == (firing.key.alert, firing.key.labels)
        for one in before.active
    )


def _resolved(before: Incident, event: AlertResolved | DealtWith) -> Happening:
    after = apply(before, event)
    if before.recovered_at is None and after.recovered_at is not None and not after.blind:
        return Happening.RECOVERED
    return Happening.DEALT_WITH if isinstance(event, DealtWith) else Happening.ONE_RESOLVES


def _firing(event: Event) -> list[Firing]:
    return [event.firing] if isinstance(event, AlertFired) else []


def _post(happening: Happening, n: int, firings: list[Firing], response: Response, route: Route) -> Owed:
    row = POSTS[happening]
    number = 0 if row.post is NewPost.CARD else n
    mention = _mention(happening, response, tuple(firings), route)
    channel = response.after.escalated_to if row.post is NewPost.ESCALATION else ""
    return Owed(row.post, happening, number, _said(happening, firings, response), mention, channel)


def _mention(happening: Happening, response: Response, firings: tuple[Firing, ...], route: Route) -> tuple[str, ...]:
    match POSTS[happening].mention:
        case Mention.RESPONDERS:
            return route.responders
        case Mention.COMMANDERS_TOO:
            return tuple(dict.fromkeys((*route.commanders, *route.responders)))
        case Mention.OWNER:
            owner = response.after.commander or response.after.acknowledged_by
            named = owner is not None and owner.source == "slack" and not owner.outside
            return (owner.id,) if owner is not None and named else route.responders
        case Mention.BY_TIER:
            return route.responders if any(one.key.tier is Tier.ROLLBACK for one in firings) else ()
        case _:
            return ()


def _said(happening: Happening, firings: list[Firing], response: Response) -> str:
    """The words of a line or broadcast.

    They are heard without the message above them, so they say what and since when.
    """
    incident = response.after
    if happening is Happening.HIDDEN_TOLD:
        return next((one.said for one in response.events if isinstance(one, HiddenTold)), "")
    if happening is Happening.RECOVERED and incident.recovered_at is not None:
        return recovered(incident)
    told = names(firings or telling(incident)[:3])
    words = {
        Happening.RAISED: f"ROLLBACK NOW {incident.environment}: {told}. Until now this was to prepare.",
        Happening.ROLLBACK_JOINS: f"Another reason to roll back {incident.environment}: {told}.",
        Happening.SERVICE_JOINS: f"It spreads: {told}.",
        Happening.PREPARE_JOINS: f"Also: {told}.",
        Happening.BLIND_JOINS: f"Also unseen: {told}.",
        Happening.BACK: f"BACK {incident.environment}: {told}.",
        Happening.REMINDED: f"Nobody has acknowledged {incident.id}: {told}.",
        Happening.CALLED_AGAIN: f"Still nobody has acknowledged {incident.id}. {_loud(incident)}: {told}.",
        Happening.ESCALATED: f"{_loud(incident)}: {told}. Nobody has acknowledged {incident.id}.",
        Happening.ASKED: _question(incident),
        Happening.UNACKNOWLEDGED: f"{_lapsed(incident)} Paged again. {_loud(incident)}: {told}.",
        Happening.SIGHTED: "Everything is seen again; the alerts go on from where they were.",
        Happening.ENDED_BY_ITSELF: "Ended by itself: the signals stayed clear and nobody rolled back.",
    }
    return words.get(happening, "")


def _loud(incident: Incident) -> str:
    """Give the words that a page of this tier begins with."""
    word = {Tier.ROLLBACK: "ROLLBACK NOW", Tier.PREPARE: "PREPARE", Tier.BLIND: "BLIND"}[incident.tier]
    return f"{word} {incident.environment}"


def _question(incident: Incident) -> str:
    """Ask whoever acknowledged; the words name the ways to answer."""
    who = incident.acknowledged_by.name if incident.acknowledged_by else "Somebody"
    return (
        f"{who}, are you still on it? No rollback was started. Without an answer within {lasted(ANSWER_WITHIN)} "
        f"everybody is paged again. From a shell: rollback-monitor incident still-on-it {incident.id}"
    )


def _lapsed(incident: Incident) -> str:
    who = incident.lapsed.name if incident.lapsed else "Whoever acknowledged"
    return f"{who} acknowledged {incident.id}, started no rollback and did not answer."


def recovered(incident: Incident) -> str:
    """Give the sentence that stands the team down: when, and after how long."""
    until = incident.recovered_at or incident.opened_at
    since = min((one.since for one in incident.alerts), default=incident.opened_at)
    return f"Recovered {clock(until)}, after {lasted(until - since)}: all signals are {calm(incident)}."
