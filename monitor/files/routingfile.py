"""routing.yaml -> where pages go and who may act; what it leaves out is taken from the caller's fallback."""

from monitor.core.incidents.silence import DAY
from monitor.core.rules.routing import (
    ENVIRONMENT,
    NO_DRILLS,
    PAGERS,
    SETTING,
    SLACK,
    Escalation,
    Pages,
    Route,
    Routing,
    ShadowReport,
)
from monitor.files import routingkeys as keys
from monitor.files.drillskey import read_drills
from monitor.files.escalationkey import channel, read_escalation
from monitor.files.fields import Fields
from monitor.files.findings import Report, nearest
from monitor.files.maintenancekey import minutes, read_maintenance
from monitor.files.nodes import Node, Scalar, WrongError
from monitor.files.people import people
from monitor.files.routeskey import read_routes
from monitor.files.scalars import duration, label_names, name, sequence
from monitor.files.zones import zone

NO_ENVIRONMENT = "production"
"""What pages say where no routing.yaml says otherwise."""


def read_routing(root: Node, fallback: Route, report: Report) -> Routing:
    """Give the routing of one file."""
    fields = Fields(root, keys.ROUTING, report)
    fields.version()
    route = fields.take("default", lambda node: _route(node, fallback, report), fallback)
    told: ShadowReport | None = ShadowReport()
    return Routing(
        environment=fields.take("environment", name, NO_ENVIRONMENT),
        default=route,
        reopen_within=fields.take("reopen_within", duration, 1800),
        escalation=fields.take("escalation", lambda node: read_escalation(node, report), Escalation()),
        maintenance=read_maintenance(fields),
        page=fields.take("page", lambda node: _pages(node, report), Pages()),
        routes=read_routes(fields, people),
        group_by=fields.take("group_by", label_names, (ENVIRONMENT,)),
        drills=fields.take("drills", lambda node: read_drills(node, report), NO_DRILLS),
        shadow_report=fields.take("shadow_report", lambda node: _shadow_report(node, report), told),
    )


def _shadow_report(node: Node, report: Report) -> ShadowReport | None:
    if isinstance(node, Scalar) and node.text == "none":
        return None
    fields, usual = Fields(node, keys.SHADOW_REPORT, report), ShadowReport()
    at = fields.take("at", minutes, usual.at)
    if at == DAY:
        raise WrongError(fields.at("at"), "a day ends at 24:00, and nothing is told then", 'write "00:00"')
    return ShadowReport(at, fields.take("zone", zone, usual.zone))


def _pages(node: Node, report: Report) -> Pages:
    fields, usual = Fields(node, keys.PAGE, report), Pages()
    pages = Pages(
        rollback=fields.take("rollback", _pagers, usual.rollback),
        blind=fields.take("blind", _pagers, usual.blind),
        prepare=fields.take("prepare", _pagers, usual.prepare),
    )
    for pager in pages.named:
        message = f"`{pager}` is called only where {SETTING[pager]} is set"
        report.remark(node.place, "pager", message, "`doctor` says whether it is, on the machine of the daemon")
    return pages


def _pagers(node: Node) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for item in sequence(node, "[slack, pagerduty]").items:
        word = name(item)
        if word not in PAGERS:
            raise WrongError(item.place, f"`{word}` is no pager", nearest(word, PAGERS, f"one of {', '.join(PAGERS)}"))
        found[word] = None
    if SLACK not in found:
        others = ", ".join([SLACK, *found])
        raise WrongError(node.place, "`slack` is missing: the incident lives there", f"write [{others}]")
    return tuple(found)


def _route(node: Node, fallback: Route, report: Report) -> Route:
    fields = Fields(node, keys.ROUTE, report)
    return Route(
        channel=fields.take("channel", channel, "") or fallback.channel,
        responders=fields.take("responders", people, ()) or fallback.responders,
        commanders=fields.take("commanders", people, ()),
        approvers=fields.take("approvers", people, ()),
    )
