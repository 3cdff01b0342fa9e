"""`drills:` of routing.yaml -> where drills take place, who may act in them, and how often they are due."""

from monitor.core.drill.cadence import Cadence
from monitor.core.rules.routing import DrillRouting, Route
from monitor.files import drillkeys as keys
from monitor.files.escalationkey import channel
from monitor.files.fields import Fields
from monitor.files.findings import Report
from monitor.files.maintenancekey import minutes
from monitor.files.nodes import Node, WrongError
from monitor.files.people import people
from monitor.files.scalars import positive_duration, sequence, whole_number
from monitor.files.zones import zone

DAY, MINUTES = 86_400, 1440
"""A day in seconds, and in minutes."""


def read_drills(node: Node, report: Report) -> DrillRouting:
    """Give what the key says; people who are left out are those of the right before."""
    fields, usual = Fields(node, keys.DRILLS, report), Cadence()
    nobody: tuple[str, ...] = ()
    responders = fields.take("responders", people, nobody)
    commanders = fields.take("commanders", people, responders)
    approvers = fields.take("approvers", people, commanders)
    return DrillRouting(
        Route(fields.take("channel", channel, ""), responders, commanders, approvers),
        Cadence(
            months=fields.take("every", whole_number, usual.months),
            after_migration=fields.take("after_migration", _days, usual.after_migration),
            remind=fields.take("remind", _reminders, usual.remind),
            zone=fields.take("zone", zone, usual.zone),
            at=fields.take("at", _morning, usual.at),
        ),
    )


def _reminders(node: Node) -> tuple[int, ...]:
    return tuple(sorted({_days(item) for item in sequence(node, "[14d, 1d]").items}, reverse=True))


def _morning(node: Node) -> int:
    found = minutes(node)
    if found == MINUTES:
        raise WrongError(node.place, "a day ends at 24:00, and nobody is reminded then", 'write "00:00"')
    return found


def _days(node: Node) -> int:
    seconds = positive_duration(node)
    if seconds % DAY:
        raise WrongError(node.place, "due dates are days: whole days are wanted", "write 14d")
    return seconds // DAY
