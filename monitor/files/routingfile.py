"""routing.yaml -> where pages go and who may act; what it leaves out is taken from the caller's fallback."""

from monitor.core.rule import Escalation, Route, Routing
from monitor.files import routingkeys as keys
from monitor.files.escalationkey import an_id, channel, read_escalation
from monitor.files.fields import Fields
from monitor.files.findings import Report
from monitor.files.maintenancekey import read_maintenance
from monitor.files.nodes import Node, WrongError
from monitor.files.scalars import duration, name, sequence

NO_ENVIRONMENT = "production"
"""What pages say where no routing.yaml says otherwise."""


def read_routing(root: Node, fallback: Route, report: Report) -> Routing:
    """Give the routing of one file."""
    fields = Fields(root, keys.ROUTING, report)
    fields.version()
    route = fields.take("default", lambda node: _route(node, fallback, report), fallback)
    return Routing(
        environment=fields.take("environment", name, NO_ENVIRONMENT),
        default=route,
        reopen_within=fields.take("reopen_within", duration, 1800),
        escalation=fields.take("escalation", lambda node: read_escalation(node, report), Escalation()),
        maintenance=read_maintenance(fields),
    )


def _route(node: Node, fallback: Route, report: Report) -> Route:
    fields = Fields(node, keys.ROUTE, report)
    return Route(
        channel=fields.take("channel", channel, "") or fallback.channel,
        responders=fields.take("responders", _people, ()) or fallback.responders,
        commanders=fields.take("commanders", _people, ()),
        approvers=fields.take("approvers", _people, ()),
    )


def _people(node: Node) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for item in sequence(node, "[S0123456789]").items:
        word = name(item)
        if word.startswith("@"):
            hint = "write the id of the user group (S...) or of the user (U...)"
            raise WrongError(item.place, f"`{word}` is a name, and names change", hint)
        found[an_id(item, word)] = None
    return tuple(found)
