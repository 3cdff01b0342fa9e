"""Which posts an incident owes, and whom they mention: the table of posts, read. Pure.

What happened to an incident goes in, what must be told comes out. How a channel is spoken to is not known here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from monitor.core.incidents.events import AlertFired, Event, Firing, HiddenTold
from monitor.core.incidents.incident import Incident
from monitor.core.incidents.procedureevents import Summoned
from monitor.core.incidents.response import Response
from monitor.core.incidents.routes import Audience, united
from monitor.core.model import Tier
from monitor.core.pages.deeds import deed
from monitor.core.pages.happenings import happenings, over
from monitor.core.pages.headline import telling
from monitor.core.pages.posts import POSTS, Happening, Mention, NewPost
from monitor.core.pages.sayings import said
from monitor.core.rules.routing import Route


@dataclass(frozen=True, slots=True)
class Owed:
    """One post to be made.

    `n` tells it from others of its kind on the incident in its `channel`; `mention` are user or user-group ids.
    """

    post: NewPost
    happening: Happening
    n: int = 0
    said: str = ""
    mention: tuple[str, ...] = ()
    channel: str = ""


EDITED = frozenset({NewPost.EDIT, NewPost.CARD})
"""What is only brought up to date: nothing new follows it."""


def owed(response: Response, audiences: Sequence[Audience]) -> tuple[Owed, ...]:
    """Give what `response` owes to the channels of its incident.

    To each at most one post a happening and an edit of the root; to one that joins, the root and what its thread begins
    with. What escalates is told once for all of them. Files come last.
    """
    posts = [
        replace(one, channel=one.channel or each.route.channel)
        for each in audiences
        for one in (_joining(response, each) if each.joins else _following(response, each.route))
    ]
    everybody = united([one.route for one in audiences])
    elsewhere = [one for one in _following(response, everybody) if one.post is NewPost.ESCALATION]
    new = [one for one in posts if one.post not in EDITED]
    return (
        *(one for one in posts if one.post is not NewPost.ESCALATION),
        *elsewhere,
        *(_plot(one, response) for one in new if POSTS[one.happening].plot),
        *(report for one in new if POSTS[one.happening].report for report in _reports(one)),
    )


REPORT, BUNDLE = "report", "bundle"
"""The files that follow when the record is complete: what people read, and everything."""


def _reports(post: Owed) -> tuple[Owed, ...]:
    """Give the files that follow `post`; both belong to the same event, so that each has half of its numbers."""
    return (
        Owed(NewPost.REPORT, post.happening, 2 * post.n, REPORT, channel=post.channel),
        Owed(NewPost.REPORT, post.happening, 2 * post.n + 1, BUNDLE, channel=post.channel),
    )


def _plot(post: Owed, response: Response) -> Owed:
    """Give the plot that follows `post`: of the alert that the page begins with; its words name it."""
    fired = [one.firing.key for one in response.events if isinstance(one, AlertFired)]
    shown = [*(one.key for one in telling(response.after) if one.key in fired), *fired][:1]
    return Owed(NewPost.PLOT, post.happening, post.n, "".join(map(str, shown)), channel=post.channel)


def _joining(response: Response, audience: Audience) -> list[Owed]:
    """Whom the page calls is up to the alerts that belong to the channel: fired and ended in one catch-up, nobody."""
    incident = response.after
    happening = _opening(incident, audience.tier)
    calls = audience.calls and not over(incident)
    mention = _mention(happening, response, (), audience.route) if calls else ()
    card = [Owed(NewPost.CARD, happening)] if incident.progress is not None else []
    return [Owed(NewPost.ROOT, happening, mention=mention), *card, *_told(response)]


def _following(response: Response, route: Route) -> tuple[Owed, ...]:
    """Give what is owed to a channel that has the incident already."""
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
        for number, event in enumerate(response.events, start=response.expected_rev + 1)
        if isinstance(event, HiddenTold)
    ]


def _opening(incident: Incident, tier: Tier) -> Happening:
    """Give what a channel sees first; where only something unseen brings it in, that is the page's banner."""
    return {
        Tier.ROLLBACK: Happening.ROLLBACK_OPENS,
        Tier.PREPARE: Happening.PREPARE_OPENS,
        Tier.BLIND: Happening.BLIND_OPENS if incident.blind else Happening.BLIND_BANNER,
    }[tier]


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
