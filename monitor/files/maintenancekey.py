"""`maintenance:` of routing.yaml -> windows in which alerts page nobody; times of day and zones of others too."""

import re

from monitor.core.incidents.silence import DAY
from monitor.core.model import Tier
from monitor.core.rules.routing import Maintenance
from monitor.core.rules.rule import Matcher
from monitor.files import routingkeys as keys
from monitor.files.expressions import matchers
from monitor.files.fields import Fields
from monitor.files.nodes import Node, Sequence, WrongError
from monitor.files.scalars import kind_of, name, one_of, scalar, sequence
from monitor.files.zones import zone

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|(24):(00)")


def read_maintenance(routing: Fields) -> tuple[Maintenance, ...]:
    """Give the windows of one file; each name stands once."""
    seen: set[str] = set()

    def one(node: Node) -> Maintenance | None:
        found = _window(node, routing)
        if found is not None and found.name in seen:
            raise WrongError(node.place, f"the maintenance window `{found.name}` stands twice", "name it otherwise")
        seen.update([found.name] if found is not None else [])
        return found

    return routing.each("maintenance", one, "[{name: monthly-close, ...}]")


def _window(node: Node, routing: Fields) -> Maintenance | None:
    fields = Fields(node, keys.MAINTENANCE, routing.report)
    start, end = fields.take("from", minutes, None), fields.take("to", minutes, None)
    fitting = tuple(one for some in fields.each("matchers", matchers, "['team=\"billing\"']") for one in some)
    _check_matchers(fields, fitting)
    called = fields.take("name", name, "")
    if start is None or end is None or not fitting or not called:
        return None
    if start in {end, DAY}:
        message = "a window of no length" if start == end else "a day ends at 24:00, and nothing begins then"
        raise WrongError(fields.at("from"), message, 'a whole day is from: "00:00", to: "24:00"')
    prepare: tuple[Tier, ...] = (Tier.PREPARE,)
    tiers, days = fields.take("tiers", _tiers, prepare), fields.take("days", _days, tuple(range(7)))
    return Maintenance(called, fitting, start, end, tiers, days, fields.take("zone", zone, "UTC"))


def _check_matchers(fields: Fields, fitting: tuple[Matcher, ...]) -> None:
    listed = fields.node.get("matchers")
    empty = isinstance(listed, Sequence) and not listed.items
    if empty or (fitting and all(one.matches(()) for one in fitting)):
        hint = "name at least one label that must have a value, such as 'team=\"billing\"'"
        fields.report.error(fields.at("matchers"), "value", "this fits every alert", hint)


def _tiers(node: Node) -> tuple[Tier, ...]:
    found: dict[Tier, None] = {}
    for item in sequence(node, "[prepare]").items:
        word = scalar(item, "one of prepare, blind")
        if word.text == Tier.ROLLBACK:
            hint = "leave it out; a rule that must page nobody is `shadow: true`"
            raise WrongError(item.place, "maintenance never hides the rollback tier", hint, "rollback")
        found[Tier(one_of(Tier.PREPARE.value, Tier.BLIND.value)(item))] = None
    if not found:
        raise WrongError(node.place, "no tier is hidden: the window does nothing", "write [prepare]")
    return tuple(found)


def _days(node: Node) -> tuple[int, ...]:
    found = {DAYS.index(one_of(*DAYS)(item)) for item in sequence(node, "[sat, sun]").items}
    if not found:
        raise WrongError(node.place, "no day: the window never comes", "leave `days` out for every day")
    return tuple(sorted(found))


def minutes(node: Node) -> int:
    """Give a time of day in minutes. Without quotes, YAML readers make a number of 60s of it."""
    word = scalar(node, 'a time of day such as "02:00"')
    read = TIME.fullmatch(word.text)
    if read is None:
        raise WrongError(word.place, f"expected a time of day, found {kind_of(word)}", 'write "02:00", with quotes')
    if word.plain:
        raise WrongError(word.place, f"`{word.text}` is a number to some YAML readers", f'quote it: "{word.text}"')
    return 60 * int(read[1] or read[3]) + int(read[2] or read[4])
