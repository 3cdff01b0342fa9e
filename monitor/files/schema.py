"""JSON Schemas of what people write, made of the tables of keys: completion and red lines in an editor.

Draft 7, which editors' YAML servers speak. A schema knows one file, and no PromQL: `check` knows the rest.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from monitor.files import drillkeys, keys, procedurekeys, prometheuskeys, releasekeys, routingkeys, signalkeys, testkeys
from monitor.files.schemawords import REFERENCES, VERSIONED, WORDS, Fragment, listed, mapped, of_words, text
from monitor.files.tables import Key, Table

DRAFT = "http://json-schema.org/draft-07/schema#"

KINDS: Mapping[str, tuple[Table, ...]] = {
    "rules": (keys.RULE_FILE, prometheuskeys.FILE),
    "routing": (routingkeys.ROUTING,),
    "releases": (releasekeys.RELEASES,),
    "procedure": (procedurekeys.PROCEDURE,),
    "drill": (drillkeys.SCENARIO,),
    "tests": (testkeys.FILE,),
}
"""The kinds of files with the tables of what stands at their top; a second one is Prometheus's own format."""

_INSIDE: Mapping[str, Table] = {
    "groups": keys.GROUP,
    "rules": keys.RULE,
    "defaults": keys.DEFAULTS,
    "signal": signalkeys.SIGNAL,
    "prepare": keys.TIER,
    "rollback": keys.TIER,
    "guards": keys.GUARDS,
    "requires": keys.REQUIRES,
    "overrides": keys.OVERRIDE,
    "error_ratio": signalkeys.ERROR_RATIO,
    "latency": signalkeys.LATENCY,
    "availability": signalkeys.AVAILABILITY,
    "count": signalkeys.COUNT,
    "query": signalkeys.QUERY,
    "baseline": signalkeys.BASELINE,
    "default": routingkeys.ROUTE,
    "page": routingkeys.PAGE,
    "escalation": routingkeys.ESCALATION,
    "maintenance": routingkeys.MAINTENANCE,
    "routes": routingkeys.MATCHED_ROUTE,
    "shadow_report": routingkeys.SHADOW_REPORT,
    "drills": drillkeys.DRILLS,
    "play": drillkeys.PLAY,
    "watch": signalkeys.SIGNAL,
    "healthy": drillkeys.LOAD,
    "broken": drillkeys.LOAD,
    "releases": releasekeys.RELEASES,
    "tests": testkeys.TEST,
    "input_series": testkeys.SERIES,
    "readings": testkeys.READING,
    "alert_rule_test": testkeys.ALERT_TEST,
    "exp_alerts": testkeys.ALERT,
    "exp_pages": testkeys.PAGE,
    "promql_expr_test": testkeys.EXPRESSION_TEST,
    "exp_samples": testkeys.SAMPLE,
    "registry": releasekeys.REGISTRY,
    "image": releasekeys.IMAGE,
    "replicas": releasekeys.REPLICAS,
    "migrations": releasekeys.MIGRATIONS,
    "flags": releasekeys.FLAGS,
    "steps": procedurekeys.STEP,
    "collect": procedurekeys.FIELD,
    "commands": procedurekeys.COMMAND,
    "choose": procedurekeys.CHOICE,
    "checks": procedurekeys.CHECK,
}
_INSIDE_OF: Mapping[tuple[str, str], Table] = {
    (prometheuskeys.FILE.what, "groups"): prometheuskeys.GROUP,
    (prometheuskeys.GROUP.what, "rules"): prometheuskeys.RULE,
    (routingkeys.ESCALATION.what, "rollback"): routingkeys.ESCALATION_ROLLBACK,
    (routingkeys.ESCALATION.what, "blind"): routingkeys.ESCALATION_BLIND,
    (routingkeys.ESCALATION.what, "prepare"): routingkeys.ESCALATION_PREPARE,
    (releasekeys.RELEASES.what, "services"): releasekeys.RELEASED,
    (procedurekeys.STEP.what, "services"): procedurekeys.WAVE,
}
"""Which table stands inside of a key; one name means the same in most places."""

_PARTLY = "part of "
"""What a tier of an override is called: it is merged over the rule's, so nothing in it must stand."""


def schema(kind: str) -> dict[str, Any]:
    """Give the JSON Schema of a kind of files. Raises KeyError for an unknown kind."""
    tables = KINDS[kind]
    found: dict[str, Any] = {}
    pending: list[tuple[str, Table]] = [(table.what, table) for table in tables]
    while pending:
        name, table = pending.pop()
        if name not in found:
            found[name] = _object(table, partly=name.startswith(_PARTLY))
            pending.extend(_inner(table))
    return {
        "$schema": DRAFT,
        "title": f"Rollback Monitor: {', or '.join(table.what for table in tables)}",
        **_top(tables),
        "definitions": {name: found[name] for name in sorted(found)},
    }


def _top(tables: Sequence[Table]) -> Fragment:
    ours, *theirs = tables
    if not theirs:
        return {"allOf": [_ref(ours.what)]}  # beside a bare reference, draft 7 passes over everything
    return {"if": _like_prometheus(), "then": _ref(theirs[0].what), "else": _ref(ours.what)}


def _like_prometheus() -> Fragment:
    """A file is Prometheus's where some rule has `expr` and none has `signal`, as for the reader."""
    return {"allOf": [_some_rule("expr"), {"not": _some_rule("signal")}]}


def _some_rule(key: str) -> Fragment:
    inner: Fragment = {"type": "object", "required": [key]}
    for name in ("rules", "groups"):
        among = {name: {"type": "array", "contains": inner}}
        inner = {"type": "object", "required": [name], "properties": among}
    return inner


def _inner(table: Table) -> Iterator[tuple[str, Table]]:
    for key in table.keys:
        inside = _inside(table, key)
        if inside is not None:
            yield _name(table, inside), inside


def _inside(table: Table, key: Key) -> Table | None:
    """Give the table inside of a key, or None where what it takes is no mapping of ours."""
    if _plain(key.takes) is not None:
        return None
    return _INSIDE_OF.get((table.what, key.name)) or _INSIDE[key.name]


def _name(table: Table, inside: Table) -> str:
    return f"{_PARTLY}{inside.what}" if table is keys.OVERRIDE and inside is keys.TIER else inside.what


def _ref(name: str) -> Fragment:
    return {"$ref": f"#/definitions/{name.replace(' ', '%20')}"}


def _object(table: Table, *, partly: bool) -> Fragment:
    made: dict[str, Any] = {
        "type": "object",
        "properties": {key.name: {**_value(table, key), "description": _described(key)} for key in table.keys},
        "additionalProperties": False,
    }
    required = [key.name for key in table.keys if key.required]
    if required:
        made["required"] = required
    choices = [] if partly else list(_choices(table))
    return {**made, **({"allOf": choices} if choices else {})}


def _choices(table: Table) -> Iterator[Fragment]:
    """Give which keys exclude each other, and of which at least one must stand; their defaults say so."""
    for words, choice in (("one of", "oneOf"), ("none; at least one", "anyOf")):
        named = [key.name for key in table.keys if key.default.startswith(words)]
        if named:
            yield {choice: [{"required": [name]} for name in named]}


def _described(key: Key) -> str:
    default = f". Default: {key.default}" if key.default else ""
    return f"{key.meaning}{default}"


def _plain(takes: str) -> Fragment | None:
    """Give what a value is where it holds no mapping of ours."""
    if takes in WORDS:
        return WORDS[takes]
    if (fixed := of_words(takes)) is not None:
        return fixed
    inner = _plain(takes.removeprefix("list of ")) if takes.startswith("list of ") else None
    return None if inner is None else listed(inner)


def _value(table: Table, key: Key) -> Fragment:
    plain = _plain(key.takes)
    if plain is not None:
        return plain
    inside = _inside(table, key)
    ref = _ref(_name(table, inside)) if inside is not None else {}
    match key.takes:
        case "mapping":
            return {"allOf": [ref]}  # as above
        case "mapping or `none`":
            return {"anyOf": [ref, {"const": "none"}]}
        case "mapping of services":
            return mapped(ref)
        case "list of `same_time`, `trailing`, or `{fixed: ...}`":
            return {"anyOf": [ref, *REFERENCES]}
        case "text with `{version}`, or `{metric, label}`":
            return {"anyOf": [VERSIONED, ref]}
        case "list of texts or `{run, service}`":
            return listed({"anyOf": [text(), ref]})
        case takes if takes.startswith("list of "):
            return listed(ref)
        case takes:
            raise KeyError(takes)
