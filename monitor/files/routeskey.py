"""`routes:` and `group_by:` of routing.yaml -> which channels an alert goes to, and what parts incidents.

What only the rules can tell about them is looked at when all files of a folder are read.
"""

from collections.abc import Callable, Iterable, Sequence

from monitor.core.incidents.silence import NAME_LABEL
from monitor.core.model import Labels
from monitor.core.rules.routing import ENVIRONMENT, Route, Routing
from monitor.core.rules.rule import Group, Matcher, Place, Rule
from monitor.core.rules.signal import Condition
from monitor.files import nodes
from monitor.files import routingkeys as keys
from monitor.files.escalationkey import channel
from monitor.files.expressions import matchers
from monitor.files.fields import Fields
from monitor.files.findings import Report
from monitor.files.nodes import Node, WrongError

People = Callable[[Node], tuple[str, ...]]

_EXAMPLE = "[{matchers: ['team=\"billing\"'], channel: C0123456789, ...}]"


def read_routes(routing: Fields, people: People) -> tuple[Route, ...]:
    """Give the routes beside the default one; `people` reads a list of ids."""
    return routing.each("routes", lambda node: _route(node, people, routing.report), _EXAMPLE)


def _route(node: Node, people: People, report: Report) -> Route | None:
    fields = Fields(node, keys.MATCHED_ROUTE, report)
    fitting = tuple(one for some in fields.each("matchers", matchers, "['team=\"billing\"']") for one in some)
    _check_matchers(fields)
    route = Route(
        channel=fields.take("channel", _channel, ""),
        responders=fields.take("responders", people, ()),
        commanders=fields.take("commanders", people, ()),
        approvers=fields.take("approvers", people, ()),
        matchers=fitting,
        place=fields.at("matchers"),
    )
    if not fitting or not route.channel:
        return None
    _check_people(route, fields)
    return route


def _channel(node: Node) -> str:
    """Give a channel; no setting stands in for it."""
    found = channel(node)
    if not found:
        raise WrongError(node.place, "a route needs a channel of its own", "its id, such as C0123456789")
    return found


def _check_matchers(fields: Fields) -> None:
    if fields.has("matchers") and _nothing(fields, "matchers"):
        hint = "name at least one label, such as 'team=\"billing\"'; what is for every alert is the `default` route"
        fields.report.error(fields.at("matchers"), "value", "this fits every alert", hint)


def _check_people(route: Route, fields: Fields) -> None:
    """An alert that a route takes does not go to the default one: without people nobody is called."""
    if _nothing(fields, "responders"):
        message = f"no `responders`: a rollback page in {route.channel} mentions nobody"
        hint = "name those who are on call for it; nothing stands in for them here"
        fields.report.warning(fields.place, "nobody", message, hint)


def _nothing(fields: Fields, name: str) -> bool:
    """Whether the list `name` does not stand, or is empty."""
    listed = fields.node.get(name)
    return listed is None or (isinstance(listed, nodes.Sequence) and not listed.items)


# --- what the rules tell --------------------------------------------------------------------------------------------


def check_routes(routing: Routing, group_by: Place, groups: Sequence[Group], report: Report) -> None:
    """Note the routes that no rule matches, and what incidents are parted by that no rule has."""
    rules = [rule for group in groups for rule in group.rules]
    if not rules:
        return
    for route in routing.routes:
        if not any(_could_fit(route.matchers, rule) for rule in rules) and not _fits_a_group(route.matchers, groups):
            hint = "matchers see `alertname`, the labels in a signal's `by`, and the labels of rules"
            report.warning(route.place, "no-rule", f"no rule's alerts fit: nothing goes to {route.channel}", hint)
    for label in routing.group_by:
        if label != ENVIRONMENT and not any(label in _labels(rule) for rule in rules):
            hint = "labels in a signal's `by`, and the labels of rules"
            report.warning(group_by, "no-rule", f"no rule's alerts have a label `{label}`: it parts nothing", hint)


def _could_fit(fitting: Iterable[Matcher], rule: Rule) -> bool:
    """Whether alerts of `rule` can fit; the values of what tells instances apart are not known here."""
    fixed: Labels = ((NAME_LABEL, rule.alert), *rule.labels)
    free = isinstance(rule.signal, Condition)
    return all(free or one.label in rule.signal.by or one.matches(fixed) for one in fitting)


def _labels(rule: Rule) -> set[str]:
    return {NAME_LABEL, *rule.signal.by, *(name for name, _ in rule.labels)}


def _fits_a_group(fitting: Sequence[Matcher], groups: Iterable[Group]) -> bool:
    """Whether the blindness of a whole group fits."""
    names = (one.name for one in groups)
    return any(all(one.matches(((NAME_LABEL, name), ("group", name))) for one in fitting) for name in names)
