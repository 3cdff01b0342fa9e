"""`escalation:` of routing.yaml -> when people are called again, and where; channel ids."""

from collections.abc import Callable
from typing import TypeVar

from monitor.core.rules.routing import Escalation
from monitor.files import routingkeys as keys
from monitor.files.fields import Fields
from monitor.files.findings import Report
from monitor.files.nodes import Node, Scalar, WrongError
from monitor.files.scalars import positive_duration, sequence, text
from monitor.files.tables import Table

T = TypeVar("T")

USUAL = Escalation()


def read_escalation(node: Node, report: Report) -> Escalation:
    """Give the escalation; what it leaves out is as usual."""
    fields = Fields(node, keys.ESCALATION, report)
    rollback = _inner(fields, "rollback", keys.ESCALATION_ROLLBACK)
    blind = _inner(fields, "blind", keys.ESCALATION_BLIND)
    prepare = _inner(fields, "prepare", keys.ESCALATION_PREPARE)
    found = Escalation(
        rollback_again=_take(rollback, "again", _times, USUAL.rollback_again),
        rollback_escalate=_take(rollback, "escalate", _duration_or_none, USUAL.rollback_escalate),
        blind_again=_take(blind, "again", _times, USUAL.blind_again),
        prepare_mention=_take(prepare, "mention", _duration_or_none, USUAL.prepare_mention),
        channel=fields.take("channel", channel, ""),
        acknowledgement_expires=fields.take(
            "acknowledgement_expires", _duration_or_none, USUAL.acknowledgement_expires
        ),
    )
    if rollback is not None and rollback.has("escalate"):
        _check_escalate(found, rollback, fields)
    return found


def _inner(fields: Fields, name: str, table: Table) -> Fields | None:
    node = fields.node.get(name)
    return Fields(node, table, fields.report) if node is not None else None


def _take(fields: Fields | None, name: str, read: Callable[[Node], T], default: T) -> T:
    return fields.take(name, read, default) if fields is not None else default


def _check_escalate(found: Escalation, rollback: Fields, fields: Fields) -> None:
    """Escalating is the last step, and goes somewhere."""
    if found.rollback_escalate is None:
        return
    node = fields.node.get("channel")
    if node is None or (isinstance(node, Scalar) and not node.text.strip()):
        hint = "add channel: C0123456789 beside `rollback`, or write escalate: none"
        message = "`escalate` without a `channel`: it would go nowhere"
        fields.report.error(rollback.at("escalate"), "no-channel", message, hint)
    last = max(found.rollback_again, default=0)
    if found.rollback_escalate <= last:
        message = f"`escalate` comes no later than the last `again` ({last}s): escalating is the last step"
        fields.report.error(rollback.at("escalate"), "order", message, f"write more than {last}s")


def _times(node: Node) -> tuple[int, ...]:
    """Give times that ascend; none at all is allowed."""
    found: list[int] = []
    for item in sequence(node, "[2m, 4m]").items:
        seconds = positive_duration(item)
        if found and seconds <= found[-1]:
            hint = "count each from the page: [2m, 4m] is after two minutes and after four"
            raise WrongError(item.place, f"the times do not ascend: {seconds}s after {found[-1]}s", hint, "order")
        found.append(seconds)
    return tuple(found)


def _duration_or_none(node: Node) -> int | None:
    if isinstance(node, Scalar) and node.text == "none":
        return None
    return positive_duration(node)


def channel(node: Node) -> str:
    """Give the id of a channel; nothing where nothing is written between the quotes."""
    found = text(node).strip()
    if found.startswith("#"):
        hint = "its id stands at the end of the channel's details: C0123456789"
        raise WrongError(node.place, f"`{found}` is the name of a channel, and names change", hint)
    return an_id(node, found) if found else ""


def an_id(node: Node, word: str) -> str:
    """Give the id of a channel, a user or a user group."""
    if not word.replace("-", "").replace("_", "").replace(".", "").isalnum() or not word.isascii():
        raise WrongError(node.place, f"`{word}` is no id", "letters and digits, such as C0123456789")
    return word
