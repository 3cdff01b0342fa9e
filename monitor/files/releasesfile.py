"""releases.yaml -> where the running version of each service is seen; and whether a warm-up can see its releases."""

import re

from monitor.core.rule import Latency, Matcher, MatchOp, Rule, VersionMetric
from monitor.files import routingkeys as keys
from monitor.files.expressions import matchers_of, metric_of, selector
from monitor.files.fields import Fields, mapping
from monitor.files.findings import Report
from monitor.files.nodes import Mapping, Node, WrongError, find
from monitor.files.scalars import label_name, name

_PLAIN = re.compile(r"[\w/:-]+")
_ONE_LABEL = re.compile(r"\{\{-?\s*\$labels\.(\w+)\s*-?\}\}")


def read_releases(root: Node, report: Report) -> tuple[VersionMetric, ...]:
    """Give the version metric of each service; what is wrong is noted and left out."""
    fields = Fields(root, keys.RELEASES, report)
    fields.version()
    services = fields.take("services", lambda node: mapping(node, "services"), Mapping((), root.place))
    found: list[VersionMetric] = []
    for key, node in services.items:
        try:
            service = name(key)
        except WrongError as wrong:
            report.wrong(wrong)
            continue
        found += _service(service, node, report)
    return tuple(found)


def _service(service: str, node: Node, report: Report) -> tuple[VersionMetric, ...]:
    fields = Fields(node, keys.RELEASED, report)
    metric = fields.take("version", _info_metric, "")
    label = fields.take("label", label_name, "version")
    return (VersionMetric(service, metric, label, fields.at("version")),) if metric else ()


def _info_metric(node: Node) -> str:
    found = selector(node)
    if not metric_of(found):
        raise WrongError(node.place, "a version metric needs its name before the braces", "write name{...}", "selector")
    return found


def check_warm_up(rule: Rule, node: Mapping, versions: tuple[VersionMetric, ...], report: Report) -> None:
    """Warn where `after_deploy` waits for a release change that nobody can see."""
    if not rule.after_deploy or not isinstance(rule.signal, Latency):
        return
    known = {one.service for one in versions}
    services = _services(rule, rule.signal)
    unseen = [service for service in services if service not in known]
    if unseen or (not services and not known):
        whose = f"of {', '.join(f'`{one}`' for one in unseen)}" if unseen else "of any service"
        example = unseen[0] if unseen else "api"
        hint = f"write releases.yaml with services: {{{example}: {{version: 'app_build_info{{job=\"{example}\"}}'}}}}"
        message = f"`after_deploy` does nothing: no version metric {whose} says when a release changed"
        report.warning(find(node, "after_deploy"), "no-version", message, hint)


def _services(rule: Rule, signal: Latency) -> tuple[str, ...]:
    """Give the services that the rule speaks of, as far as its text tells."""
    if "{{" not in rule.service:
        return (rule.service,) if rule.service else ()
    template = _ONE_LABEL.fullmatch(rule.service.strip())
    if template is None:
        return ()
    expected = [dict(labels)[template[1]] for labels in rule.expect if template[1] in dict(labels)]
    chosen = [value for one in matchers_of(signal.histogram) if one.label == template[1] for value in _values(one)]
    return tuple(dict.fromkeys((*chosen, *expected)))


def _values(matcher: Matcher) -> tuple[str, ...]:
    """Give the values that a matcher lets through, where they are plain to see."""
    if matcher.op is MatchOp.EQUAL:
        return (matcher.value,)
    values = tuple(matcher.value.split("|"))
    return values if matcher.op is MatchOp.MATCHES and all(_PLAIN.fullmatch(one) for one in values) else ()
