"""Our rules -> Prometheus's alerting rules, as a file; what Prometheus cannot say is said in comments and remarks.

Pure: a rule set in, a text out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from monitor.core.rules.rule import Group, Matcher, MatchOp, NoData, Resolve, Rule, TierRule
from monitor.core.rules.ruleset import RuleSet
from monitor.core.rules.signal import Latency
from monitor.ruleset.tierexpression import InexpressibleError, Region, expression, instance_labels

KEEPS_FIRING = (2, 42)
"""The first version that knows `keep_firing_for`."""
HAS_OFFSET = (2, 53)
"""The first version that knows `query_offset`."""

_MOST_REGIONS = 16
_OPPOSITE = {
    MatchOp.EQUAL: MatchOp.NOT_EQUAL,
    MatchOp.NOT_EQUAL: MatchOp.EQUAL,
    MatchOp.MATCHES: MatchOp.NOT_MATCHES,
    MatchOp.NOT_MATCHES: MatchOp.MATCHES,
}
_HEADER = """\
# Written by `rollback-monitor export prometheus`, for Prometheus {version}. What Prometheus has no words for:
# - evaluations that were missed are not made up for, and nobody is told of missing data;
# - a pending alert begins anew after any gap, where ours lives through short ones;
# - a firing rollback does not make its prepare tier fire;
# - a value that equals its limit but for the last digits of a float may be over it, where ours is not.
"""
_REMEMBERS = """\
# What fires goes on firing until it is clear, missing data or not: the rules look at ALERTS for that. An instance
# that is gone for good fires until its series in ALERTS ends.
"""
_FORGETS = """\
# These rules do not look at ALERTS: what fires ends with its breach, be it clear, between `clear` and the limit, or
# without data.
"""


@dataclass(frozen=True, slots=True)
class Peer:
    """The Prometheus that will read the rules.

    `remembers` False: rules that do not look at what they fired before, for tools that evaluate each rule alone.
    """

    version: tuple[int, int] = (2, 42)
    remembers: bool = True


@dataclass(frozen=True, slots=True)
class Exported:
    """A rule file for Prometheus, and a sentence for each thing that could not be said in it."""

    text: str
    remarks: tuple[str, ...]


def prometheus_rules(rules: RuleSet, peer: Peer) -> Exported:
    """Give `rules` as a rule file for `peer`."""
    remarks: list[str] = []
    lines = [line for group in rules.groups for line in _group(group, peer, remarks)]
    header = _HEADER.format(version=".".join(map(str, peer.version))) + (_REMEMBERS if peer.remembers else _FORGETS)
    body = "\n".join(["groups:", *lines]) if lines else "groups: []"
    return Exported(f"{header}{body}\n", tuple(remarks))


def _group(group: Group, peer: Peer, remarks: list[str]) -> list[str]:
    head = [f"  - name: {_quoted(group.name)}", f"    interval: {group.interval}s"]
    if peer.version >= HAS_OFFSET:
        head.append(f"    query_offset: {group.query_offset}s")
    elif group.query_offset:
        said = f"{group.name}: query_offset: {group.query_offset}s is left out, Prometheus knows it from 2.53 on"
        head.append(_said(said, remarks, "    "))
    rules = [line for rule in group.rules for line in _rule(rule, peer, remarks)]
    standing = any(line.startswith("      - ") for line in rules)
    return [*head, *(("    rules:", *rules) if standing else (*rules, "    rules: []"))]


def _said(sentence: str, remarks: list[str], indent: str) -> str:
    """Note a sentence, and give it as a comment."""
    remarks.append(sentence)
    return f"{indent}# {_printable(sentence)}"


def _printable(text: str) -> str:
    return "".join(one if one.isprintable() else " " for one in text)


# --- rules --------------------------------------------------------------------------------------------------------


def _rule(rule: Rule, peer: Peer, remarks: list[str]) -> Iterator[str]:
    if rule.shadow:
        yield _said(f"{rule.alert}: is left out, a shadow rule pages nobody", remarks, "      ")
        return
    for sentence in _lost(rule, peer):
        yield _said(f"{rule.alert}: {sentence}", remarks, "      ")
    try:
        cases = _by_hold(rule)
    except InexpressibleError as why:
        yield _said(f"{rule.alert}: is left out, Prometheus has no expression for {why}", remarks, "      ")
        return
    for tier, regions in cases:
        try:
            exprs = [expression(rule, one, region, remembers=peer.remembers) for one, region in regions]
        except (InexpressibleError, ValueError) as why:
            what = f"{rule.alert} ({tier.tier.value}): is left out, Prometheus has no expression for {why}"
            yield _said(what, remarks, "      ")
        else:
            yield from _written(rule, tier, "\nor\n".join(exprs), peer)


def _lost(rule: Rule, peer: Peer) -> Iterator[str]:
    """Give what of a rule is left out, although the rest of it stands."""
    if rule.resolve is Resolve.BY_PERSON:
        yield "by_person is left out, it ends when its signal is clear"
    if rule.after_deploy and isinstance(rule.signal, Latency):
        yield "after_deploy is left out, prepare may start during a release"
    if rule.keep_firing_for and peer.version < KEEPS_FIRING:
        yield "keep_firing_for is left out, Prometheus knows it from 2.42 on"
    if any(tier.clear is not None for tier in rule.every_tier) and not peer.remembers:
        yield "clear is left out, it needs ALERTS"
    if rule.no_data is NoData.CLEAR and not peer.remembers:
        yield "no_data: clear says nothing more, as what fires is forgotten without data anyway"
    for name in _clashing(rule):
        yield f"the label {name} is left out, its instances have one of that name"
    for key, text in rule.links:
        if "$from" in text or "$to" in text:
            yield f"the link {key} is left out, it reads the time of the alert"


def _clashing(rule: Rule) -> tuple[str, ...]:
    by = instance_labels(rule.signal) or ()
    return tuple(name for name, _ in rule.labels if name in by)


def _by_hold(rule: Rule) -> list[tuple[TierRule, list[tuple[TierRule, Region]]]]:
    """Give the tiers of all instances, those together that hold equally long: they can stand in one rule."""
    found: dict[tuple[str, int], list[tuple[TierRule, Region]]] = {}
    for tiers, regions in _cases(rule):
        for tier in tiers:
            found.setdefault((tier.tier.value, tier.hold), []).extend((tier, region) for region in regions)
    return [(regions[0][0], regions) for regions in found.values() if regions]


def _cases(rule: Rule) -> Iterator[tuple[tuple[TierRule, ...], list[Region]]]:
    """Give the tiers of the rule and of its overrides with the instances that each of them is for."""
    earlier: list[Region] = []
    for tiers, matchers in [*((one.tiers, one.matchers) for one in rule.overrides), (rule.tiers, ())]:
        others = product(*(_outside(region) for region in earlier))
        regions = [tuple(dict.fromkeys((*matchers, *(one for other in chosen for one in other)))) for chosen in others]
        if len(regions) > _MOST_REGIONS:
            raise InexpressibleError("so many overrides with several matchers")
        yield tiers, regions
        earlier.append(matchers)


def _outside(region: Region) -> list[Region]:
    """Give the instances that do not fit `region`, in parts that do not overlap."""
    return [(*region[:index], _opposite(matcher)) for index, matcher in enumerate(region)]


def _opposite(matcher: Matcher) -> Matcher:
    return Matcher(matcher.label, _OPPOSITE[matcher.op], matcher.value)


# --- YAML ---------------------------------------------------------------------------------------------------------


def _written(rule: Rule, tier: TierRule, expr: str, peer: Peer) -> Iterator[str]:
    yield f"      - alert: {_quoted(rule.alert)}"
    yield from _block("expr", expr)
    yield f"        for: {tier.hold}s"
    if rule.keep_firing_for and peer.version >= KEEPS_FIRING:
        yield f"        keep_firing_for: {rule.keep_firing_for}s"
    labels = {name: value for name, value in rule.labels if name not in _clashing(rule)} | {"tier": tier.tier.value}
    yield from _mapping("labels", {name: _plain(value) for name, value in labels.items()})
    yield from _mapping("annotations", _texts(rule))


def _block(key: str, text: str) -> Iterator[str]:
    """Give a text line by line, or quoted where YAML would read its lines otherwise."""
    lines = text.split("\n")
    if all(line.isprintable() for line in lines):
        yield f"        {key}: |-"
        yield from (f"          {line}".rstrip() if not line.strip() else f"          {line}" for line in lines)
    else:
        yield f"        {key}: {_quoted(text)}"


def _mapping(key: str, pairs: dict[str, str]) -> Iterator[str]:
    if pairs:
        yield f"        {key}:"
        yield from (f"          {name}: {_quoted(value)}" for name, value in sorted(pairs.items()))


def _texts(rule: Rule) -> dict[str, str]:
    """Give the annotations: texts and links that Prometheus can render, and the service."""
    links = {key: text for key, text in rule.links if "$from" not in text and "$to" not in text}
    service = {"service": rule.service} if rule.service else {}
    return {**service, **links, **dict(rule.annotations)}


def _plain(value: str) -> str:
    """Give a label's value so that Prometheus, which reads labels as templates, shows it as it is."""
    return value.replace("{{", '{{ "{{" }}')


def _quoted(text: str) -> str:
    """Give `text` in double quotes as YAML reads it, everything unprintable spelt out."""
    return '"' + "".join(_character(one) for one in text) + '"'


def _character(one: str) -> str:
    if one in ('"', "\\"):
        return f"\\{one}"
    if one.isprintable():
        return one
    return f"\\u{ord(one):04x}" if ord(one) < 0x10000 else f"\\U{ord(one):08x}"  # noqa: PLR2004  # what \u can spell
