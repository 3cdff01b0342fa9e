"""In which channels an incident appears, whom each of them calls, and who may act on it. Pure.

The routes of an incident are those of its alerts, which are matched as silences match them; an alert that no route
fits has the default route. Who is in a channel and what is posted there is not known here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from monitor.core.incidents.events import Firing
from monitor.core.incidents.incident import Incident
from monitor.core.incidents.silence import as_seen, fits
from monitor.core.model import Labels, Tier
from monitor.core.rules.routing import Route, Routing
from monitor.core.rules.ruleset import RuleSet

_GRAVEST = (Tier.BLIND, Tier.PREPARE, Tier.ROLLBACK)


@dataclass(frozen=True, slots=True)
class Audience:
    """One channel of an incident, with the people of its routes.

    `tier` is the worst of the alerts that belong there, which need not be the incident's, and `calls` whether any of
    them asks for somebody now. Where it `joins`, the incident has no root message there yet.
    """

    route: Route
    tier: Tier = Tier.PREPARE
    calls: bool = False
    joins: bool = False


def audiences(incident: Incident, rules: RuleSet, held: Sequence[str]) -> tuple[Audience, ...]:
    """Give the channels of `incident`: those it has a root in (`held`), and those that its alerts match under `rules`.

    An incident that has ended joins no further channel; one that was never shown is shown all the same.
    """
    matched = _by_channel(incident, rules)
    found = [_audience(incident, channel, matched, rules.routing) for channel in held]
    if incident.is_open or not held:
        found += [_audience(incident, one, matched, rules.routing, joins=True) for one in matched if one not in held]
    return tuple(found)


def rights_on(incident: Incident, rules: RuleSet) -> Route:
    """Give everybody who may act on `incident`: the people of all routes of its alerts."""
    return united([route for found in _by_channel(incident, rules).values() for route, _ in found])


def every_route(routing: Routing) -> tuple[Route, ...]:
    """Give the default route and all others."""
    return (routing.default, *routing.routes)


def channels(routing: Routing) -> tuple[str, ...]:
    """Give every channel that an incident can appear in."""
    return tuple(dict.fromkeys(one.channel for one in every_route(routing)))


def in_one_channel(routing: Routing) -> Routing:
    """Give `routing` with every route leading to the default channel: where there is but one place to look at."""
    routes = tuple(replace(one, channel=routing.default.channel) for one in routing.routes)
    return replace(routing, routes=routes)


def united(routes: Sequence[Route]) -> Route:
    """Give one route with the people of all `routes`, in the channel of the first."""
    return Route(
        channel=routes[0].channel if routes else "",
        responders=_each(one.responders for one in routes),
        commanders=_each(one.commanders for one in routes),
        approvers=_each(one.approvers for one in routes),
    )


def routes_of(firing: Firing, routing: Routing, labels: Labels) -> tuple[Route, ...]:
    """Give the routes of an alert whose rule has `labels`."""
    seen = as_seen(firing.key, labels)
    return tuple(one for one in routing.routes if fits(one.matchers, seen)) or (routing.default,)


_Matched = Mapping[str, list[tuple[Route, Firing | None]]]
"""The channels of an incident with the routes that lead there, and which alert led to each."""


def _by_channel(incident: Incident, rules: RuleSet) -> _Matched:
    """A rule that was taken away is matched by the labels it had; one that stands by those it has now."""
    routing = rules.routing
    if not routing.routes or not incident.alerts:
        return {routing.default.channel: [(routing.default, one) for one in incident.alerts or (None,)]}
    labels = {rule.alert: rule.labels for group in rules.groups for rule in group.rules}
    found: dict[str, list[tuple[Route, Firing | None]]] = {}
    for one in incident.alerts:
        for route in routes_of(one, routing, labels.get(one.key.alert, one.labels)):
            found.setdefault(route.channel, []).append((route, one))
    return found


def _audience(
    incident: Incident, channel: str, matched: _Matched, routing: Routing, *, joins: bool = False
) -> Audience:
    """Give a channel; one that no alert belongs to any more keeps the people that it is configured with."""
    found = matched.get(channel, [])
    routes = [route for route, _ in found] or [one for one in every_route(routing) if one.channel == channel]
    alerts = [firing for _, firing in found if firing is not None]
    keys = {one.key for one in incident.signals} if incident.is_open else set()
    return Audience(
        route=united(routes) if routes else Route(channel),
        tier=max((one.key.tier for one in alerts), key=_GRAVEST.index, default=incident.tier),
        calls=any(one.key in keys for one in alerts),
        joins=joins,
    )


def _each(ids: Iterable[Sequence[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for some in ids for one in some))
