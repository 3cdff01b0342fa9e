"""releases.yaml -> where releases, images, migrations and flags are seen; whether a warm-up can see its releases."""

import re
from dataclasses import dataclass, field

from monitor.core.rules.rule import Matcher, MatchOp, Rule
from monitor.core.rules.ruleset import VersionMetric
from monitor.core.rules.service import LOOKBACK, PROVEN, VERSION, Labelled, Releases, Replicas, Service
from monitor.core.rules.signal import Latency
from monitor.files import releasekeys as keys
from monitor.files.expressions import matchers_of, metric_of, selector
from monitor.files.fields import Fields, mapping
from monitor.files.findings import Report
from monitor.files.nodes import Mapping, Node, Scalar, WrongError, find
from monitor.files.scalars import boolean, label_name, name, positive_duration, text
from monitor.files.tables import Table

_URL = re.compile(r"https?://[A-Za-z0-9.\[\]:_-]+/?")
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]*")
_PLAIN = re.compile(r"[\w/:-]+")
_ONE_LABEL = re.compile(r"\{\{-?\s*\$labels\.(\w+)\s*-?\}\}")


@dataclass(frozen=True, slots=True)
class WrittenReleases:
    """What releases.yaml says, and the version metric of each service with the place where it stands."""

    releases: Releases = field(default_factory=Releases)
    versions: tuple[VersionMetric, ...] = ()


def read_releases(root: Node, report: Report) -> WrittenReleases:
    """Give what the file says; what is wrong is noted and left out."""
    fields = Fields(root, keys.RELEASES, report)
    fields.version()
    found = [one for key, node in _services(fields, root) if (one := _named(key, node, report))]
    lookback = fields.take("lookback", positive_duration, LOOKBACK)
    proven = fields.take("proven", positive_duration, min(PROVEN, lookback))
    if proven > lookback:
        message = "`proven` is longer than `lookback`: no version can be seen to have run so long"
        report.error(fields.at("proven"), "value", message, "shorten it, or look back further")
    services = tuple(service for service, _ in found)
    registry = _registry(fields, services, report)
    return WrittenReleases(Releases(services, registry, lookback, proven), tuple(metric for _, metric in found))


def _services(fields: Fields, root: Node) -> tuple[tuple[Scalar, Node], ...]:
    return fields.take("services", lambda node: mapping(node, "services"), Mapping((), root.place)).items


def _registry(fields: Fields, services: tuple[Service, ...], report: Report) -> str:
    inner = _inner(fields, "registry", keys.REGISTRY, report)
    if inner is None:
        return ""
    url = inner.take("url", _address, "")
    if url and not any(one.image or one.image_on for one in services):
        message = "the registry is asked for nothing: no service says which `image` it has"
        example = f"such as image: '{url.partition('://')[2]}/NAME:{{version}}'"
        report.warning(inner.at("url"), "no-image", message, example)
    return url


def _named(key: Scalar, node: Node, report: Report) -> tuple[Service, VersionMetric] | None:
    try:
        return _service(name(key), node, report)
    except WrongError as wrong:
        report.wrong(wrong)
        return None


def _service(service: str, node: Node, report: Report) -> tuple[Service, VersionMetric] | None:
    fields = Fields(node, keys.RELEASED, report)
    metric = fields.take("version", _info_metric, "")
    label = fields.take("label", label_name, "version")
    image, image_on = _image(fields, label, report)
    migrations, major = _migrations(fields, report)
    read = Service(
        name=service,
        version=Labelled(metric, label),
        by=fields.take("by", label_name, ""),
        image=image,
        image_on=image_on,
        replicas=_replicas(fields, report),
        migrations=migrations,
        major=major,
        flags=_flags(fields, report),
    )
    if read.by == label:
        report.error(fields.at("by"), "value", f"`{label}` holds the version already", "the label of who deployed")
    return (read, VersionMetric(service, metric, label, fields.at("version"))) if metric else None


def _inner(fields: Fields, key: str, table: Table, report: Report) -> Fields | None:
    """Give the mapping `key`, or None where it does not stand."""
    node = fields.node.get(key)
    return None if node is None else Fields(node, table, report)


def _image(fields: Fields, label: str, report: Report) -> tuple[str, Labelled | None]:
    node = fields.node.get("image")
    if node is None:
        return (VERSION if label == "image" else ""), None
    if isinstance(node, Scalar):
        return fields.take("image", _image_template, ""), None
    inner = Fields(node, keys.IMAGE, report)
    metric = inner.take("metric", _info_metric, "")
    return "", Labelled(metric, inner.take("label", label_name, "image")) if metric else None


def _replicas(fields: Fields, report: Report) -> Replicas | None:
    inner = _inner(fields, "replicas", keys.REPLICAS, report)
    if inner is None:
        return None
    desired, updated = inner.take("desired", _info_metric, ""), inner.take("updated", _info_metric, "")
    return Replicas(desired, updated) if desired and updated else None


def _migrations(fields: Fields, report: Report) -> tuple[Labelled | None, bool]:
    """Give where they are seen, and whether each asks for a drill."""
    inner = _inner(fields, "migrations", keys.MIGRATIONS, report)
    if inner is None:
        return None, True
    kind = inner.only_one(("schema", "applied"))
    if kind == "applied" and inner.has("label"):
        report.error(inner.at("label"), "value", "`label` says nothing about an `applied` count", "leave it out")
    metric = inner.take(kind, _info_metric, "") if kind else ""
    label = inner.take("label", label_name, "version") if kind == "schema" else ""
    major = inner.take("major", boolean, default=True)
    return (Labelled(metric, label) if metric else None), major


def _flags(fields: Fields, report: Report) -> Labelled | None:
    inner = _inner(fields, "flags", keys.FLAGS, report)
    if inner is None:
        return None
    metric, label = inner.take("metric", _info_metric, ""), inner.take("label", label_name, "flag")
    return Labelled(metric, label) if metric else None


def _info_metric(node: Node) -> str:
    found = selector(node)
    if not metric_of(found):
        raise WrongError(node.place, "a version metric needs its name before the braces", "write name{...}", "selector")
    return found


def _image_template(node: Node) -> str:
    found = text(node)
    hint = "such as 'registry.example.com/shop/auth:{version}'"
    if found.count(VERSION) != 1:
        raise WrongError(node.place, f"`{found}` does not say where the version stands", hint)
    if not _IMAGE.fullmatch(found.replace(VERSION, "1")):
        raise WrongError(node.place, f"`{found}` is no name of an image", hint)
    return found


def _address(node: Node) -> str:
    found = text(node)
    if not _URL.fullmatch(found):
        hint = "write https://host or http://host:port; who asks stands in settings"
        raise WrongError(node.place, f"`{found}` is no address of a registry", hint, "link")
    return found.rstrip("/")


def check_warm_up(rule: Rule, node: Mapping, versions: tuple[VersionMetric, ...], report: Report) -> None:
    """Warn where `after_deploy` waits for a release change that nobody can see."""
    if not rule.after_deploy or not isinstance(rule.signal, Latency):
        return
    known = {one.service for one in versions}
    services = _speaks_of(rule, rule.signal)
    unseen = [service for service in services if service not in known]
    if unseen or (not services and not known):
        whose = f"of {', '.join(f'`{one}`' for one in unseen)}" if unseen else "of any service"
        example = unseen[0] if unseen else "api"
        hint = f"write releases.yaml with services: {{{example}: {{version: 'app_build_info{{job=\"{example}\"}}'}}}}"
        message = f"`after_deploy` does nothing: no version metric {whose} says when a release changed"
        report.warning(find(node, "after_deploy"), "no-version", message, hint)


def _speaks_of(rule: Rule, signal: Latency) -> tuple[str, ...]:
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
