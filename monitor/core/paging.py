"""Which posts an incident owes, and whom they mention: the table of posts, read. Pure.

What happened to an incident goes in, what must be told comes out. How a channel is spoken to is not known here.
"""

from dataclasses import dataclass

from monitor.core.deeds import deed
from monitor.core.events import (
    AlertFired,
    Event,
    Firing,
    HiddenTold,
)
from monitor.core.happenings import happenings, over
from monitor.core.incident import Incident
from monitor.core.model import Tier
from monitor.core.posts import POSTS, Happening, Mention, NewPost
from monitor.core.procedureevents import Summoned
from monitor.core.render import telling
from monitor.core.response import Response
from monitor.core.rule import Route
from monitor.core.sayings import said


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


EDITED = frozenset({NewPost.EDIT, NewPost.CARD})
"""What is only brought up to date: nothing new follows it."""


def owed(response: Response, route: Route) -> tuple[Owed, ...]:
    """Give what `response` owes to the channel of `route`: at most one post a happening, and an edit of the root.

    Files come last.
    """
    posts = _posts(response, route)
    new = [one for one in posts if one.post not in EDITED]
    return (
        *posts,
        *(_plot(one, response) for one in new if POSTS[one.happening].plot),
        *(report for one in new if POSTS[one.happening].report for report in _reports(one)),
    )


REPORT, BUNDLE = "report", "bundle"
"""The files that follow when the record is complete: what people read, and everything."""


def _reports(post: Owed) -> tuple[Owed, ...]:
    """Give the files that follow `post`; both belong to the same event, so that each has half of its numbers."""
    return (
        Owed(NewPost.REPORT, post.happening, 2 * post.n, REPORT),
        Owed(NewPost.REPORT, post.happening, 2 * post.n + 1, BUNDLE),
    )


def _plot(post: Owed, response: Response) -> Owed:
    """Give the plot that follows `post`: of the alert that the page begins with; its words name it."""
    fired = [one.firing.key for one in response.events if isinstance(one, AlertFired)]
    shown = [*(one.key for one in telling(response.after) if one.key in fired), *fired][:1]
    return Owed(NewPost.PLOT, post.happening, post.n, "".join(map(str, shown)))


def _posts(response: Response, route: Route) -> tuple[Owed, ...]:
    if response.before is None:
        happening = _opening(response.after)
        mention = () if over(response.after) else _mention(happening, response, (), route)
        return (Owed(NewPost.ROOT, happening, mention=mention), *_told(response))
    found = happenings(response)
    if not found:
        return ()
    told: dict[Happening, tuple[int, list[Event]]] = {}
    for one in found:
        if not one.quiet:
            told.setdefault(one.what, (one.n, []))[1].append(one.event)
    edits = [Owed(NewPost.EDIT, found[0].what), *_card_edit(response, found[0].what)]
    posts = [_post(happening, n, events, response, route) for happening, (n, events) in told.items()]
    return (*edits, *(one for one in posts if one.post is not NewPost.EDIT))


def _card_edit(response: Response, happening: Happening) -> list[Owed]:
    """A card that is there shows the present, as the page does; one that is owed by this very response is drawn so."""
    before = response.before
    return [Owed(NewPost.CARD, happening)] if before is not None and before.progress is not None else []


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


def _post(happening: Happening, n: int, events: list[Event], response: Response, route: Route) -> Owed:
    row = POSTS[happening]
    number = 0 if row.post is NewPost.CARD else n
    firings = [one.firing for one in events if isinstance(one, AlertFired)]
    people = [who for one in events if isinstance(one, Summoned) for who in one.people]
    mention = tuple(people) or _mention(happening, response, tuple(firings), route)
    channel = response.after.escalated_to if row.post is NewPost.ESCALATION else ""
    words = deed(events[-1], response.after) or said(happening, firings, response)
    return Owed(row.post, happening, number, words, mention, channel)


def _mention(happening: Happening, response: Response, firings: tuple[Firing, ...], route: Route) -> tuple[str, ...]:
    match POSTS[happening].mention:
        case Mention.RESPONDERS:
            return route.responders
        case Mention.COMMANDERS_TOO:
            return tuple(dict.fromkeys((*route.commanders, *route.responders)))
        case Mention.APPROVERS:
            return route.approvers
        case Mention.OWNER:
            owner = response.after.commander or response.after.acknowledged_by
            named = owner is not None and owner.source == "slack" and not owner.outside
            return (owner.id,) if owner is not None and named else route.responders
        case Mention.BY_TIER:
            return route.responders if any(one.key.tier is Tier.ROLLBACK for one in firings) else ()
        case _:
            return ()
