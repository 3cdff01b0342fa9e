"""Every key that may be written in a rules folder: what it takes, its default, what it means; the docs show them all.

Keys that a later version will know are listed apart, so that they are told from misspelt ones.
"""

from types import MappingProxyType

from monitor.core.rules.ruledifference import AtReload
from monitor.files import prometheuskeys
from monitor.files.drillkeys import DRILLS, LOAD, PLAY, SCENARIO
from monitor.files.procedurekeys import CHECK, CHOICE, COMMAND, FIELD, PROCEDURE, STEP, WAVE
from monitor.files.releasekeys import FLAGS, IMAGE, MIGRATIONS, REGISTRY, RELEASED, RELEASES, REPLICAS
from monitor.files.routingkeys import (
    ESCALATION,
    ESCALATION_BLIND,
    ESCALATION_PREPARE,
    ESCALATION_ROLLBACK,
    MAINTENANCE,
    MATCHED_ROUTE,
    PAGE,
    ROUTE,
    ROUTING,
    SHADOW_REPORT,
)
from monitor.files.signalkeys import AVAILABILITY, BASELINE, COUNT, ERROR_RATIO, LATENCY, QUERY, SIGNAL
from monitor.files.tables import Key, Table

_REDERIVED, _DROPPED = AtReload.REDERIVED, AtReload.DROPPED
_IN_A_TIER = "`{}` stands in `prepare` or `rollback`"

RULE_FILE = Table(
    "a rule file",
    (
        Key(
            "groups",
            "list of groups",
            "the groups of rules in this file",
            required=True,
            reload_note="a rule may move between groups and files; one that is gone ends its alerts",
        ),
        Key(
            "defaults",
            "mapping",
            "merged under every rule of the file: the rule's own keys win",
            "nothing",
            reload_note="or what the keys in it say",
        ),
        Key("version", "`1`", "the version of the format", "`1`"),
    ),
    hints=MappingProxyType({"rules": "rules stand in a group: `groups: [{name: ..., rules: [...]}]`"}),
)

GROUP = Table(
    "a group",
    (
        Key("name", "text", "unique in the folder", required=True),
        Key("rules", "list of rules", "evaluated together, at the same times", required=True),
        Key(
            "interval",
            "duration",
            "evaluations stand on multiples of it since the epoch",
            "`15s`",
            reload_note="clocks run on at the new times",
        ),
        Key(
            "query_offset",
            "duration",
            "evaluate this far behind now, so that scrapes have landed",
            "`10s`",
            reload_note="clocks run on at the new times",
        ),
        Key("blind_after", "duration", "so long without an answer, and *blind* is paged", "`5m`"),
        Key("limit", "number", "at most so many instances of a rule are watched, known ones first", "`500`"),
        Key("max_catch_up", "duration", "points older than this are not caught up with", "`1h`"),
    ),
    hints=MappingProxyType({"labels": "labels stand in `defaults` or in a rule"}),
)

_STYLE = (
    Key("service", "template", "the service that the page speaks of", "its `service` or `job` label"),
    Key("suspects", "list of texts", "other services that may be the cause", "none"),
    Key(
        "route_label",
        "label name",
        "the label of its series that holds a request's route",
        "the first of the usual ones that tells some apart",
    ),
    Key("guards", "mapping", "how much traffic a verdict needs", "none", at_reload=_REDERIVED),
    Key("requires", "mapping", "a second condition, without which nothing starts", "none", at_reload=_REDERIVED),
    Key(
        "no_data",
        "`hold`, `clear`, `breach`",
        "what a missing reading means to the alert",
        "`hold`",
        at_reload=_REDERIVED,
    ),
    Key(
        "resolve",
        "`by_signal`, `by_person`",
        "`by_person` fires until somebody says that it is dealt with",
        "`by_signal`",
        reload_note="what fires ends in the new way",
    ),
    Key("keep_firing_for", "duration", "so long clear, and the alert resolves", "`0s`", at_reload=_REDERIVED),
    Key(
        "gap_tolerance",
        "duration",
        "so long without data, and a pending alert gives up",
        "2 intervals, at least `1m`",
        at_reload=_REDERIVED,
    ),
    Key("optional", "`true`, `false`", "`true`: no instance at all is no blindness", "`false`"),
    Key(
        "shadow",
        "`true`, `false`",
        "`true`: evaluated, recorded and shown, and nobody is paged",
        "`false`",
        reload_note="`false` again: what fires is paged",
    ),
    Key("labels", "mapping of texts", "labels that describe the alert; they are no identity", "none"),
    Key("annotations", "mapping of templates", "`summary` is what a lock screen shows", "none"),
    Key("links", "mapping of templates", "URLs on the page: `dashboard`, `runbook`, ...", "none"),
    Key("procedure", "text", "the file in `procedures/` that the page opens", "`rollback`"),
)

_PREPARE = Key("prepare", "mapping", "when to get ready", "none; at least one tier stands", at_reload=_REDERIVED)
_ROLLBACK = Key(
    "rollback", "mapping", "when to roll back at once", "none; at least one tier stands", at_reload=_REDERIVED
)

RULE = Table(
    "a rule",
    (
        Key(
            "alert",
            "text",
            "its name, unique in the folder",
            required=True,
            at_reload=_DROPPED,
            reload_note="kept with `renamed_from`",
        ),
        Key("renamed_from", "text", "the name that it had: the state is taken over", "none"),
        Key(
            "signal",
            "mapping",
            "what is measured: exactly one kind",
            required=True,
            at_reload=_DROPPED,
            reload_note="of the same kind: what the keys in it say",
        ),
        _PREPARE,
        _ROLLBACK,
        Key("overrides", "list of mappings", "other tiers for some instances", "none", at_reload=_REDERIVED),
        Key("expect", "list of labels", "instances that must exist, such as `[{job: auth}]`", "none"),
        Key(
            "after_deploy",
            "duration",
            "after a release change `prepare` does not start so long (latency), at most `15m`",
            "`0s`",
            at_reload=_REDERIVED,
        ),
        *_STYLE,
    ),
    hints=MappingProxyType(
        {
            "expr": "write `signal: {query: {expr: ...}}`, with the threshold in `prepare` or `rollback`; or give "
            "every rule of the file an `expr`, as Prometheus has them",
            "record": "recording rules are Prometheus's own",
            **{name: _IN_A_TIER.format(name) for name in ("for", "above", "below", "clear", "confidence")},
            **{name: f"`{name}` stands in the signal" for name in ("by", "window")},
            **{name: f"`{name}` stands in the group" for name in ("interval", "limit", "max_catch_up", "blind_after")},
            **{name: f"`{name}` stands in `guards`" for name in ("min_requests", "min_failures")},
        }
    ),
)

DEFAULTS = Table(
    "defaults",
    _STYLE,
    hints=MappingProxyType(
        dict.fromkeys(
            ("alert", "signal", "prepare", "rollback", "overrides", "expect", "after_deploy", "renamed_from"),
            "defaults hold what rules share; it belongs to each rule",
        )
    ),
)

REQUIRES = Table(
    "requires",
    (
        Key(
            "expr",
            "PromQL",
            "gives an instant vector; a sample speaks for the instances that carry its labels",
            required=True,
            at_reload=_REDERIVED,
        ),
        Key(
            "above",
            "threshold",
            "the condition is met strictly above it",
            "one of `above` and `below`",
            at_reload=_REDERIVED,
        ),
        Key(
            "below",
            "threshold",
            "the condition is met strictly below it",
            "one of `above` and `below`",
            at_reload=_REDERIVED,
        ),
    ),
)

OVERRIDE = Table(
    "an override",
    (
        Key(
            "matchers",
            "list of matchers",
            "on `by` labels, such as `['job=\"auth\"']`; the first override that fits wins",
            required=True,
            at_reload=_REDERIVED,
        ),
        Key(
            "prepare",
            "mapping or `none`",
            "over the rule's, key by key; `none`: off",
            "the rule's",
            at_reload=_REDERIVED,
        ),
        Key(
            "rollback",
            "mapping or `none`",
            "over the rule's, key by key; `none`: off",
            "the rule's",
            at_reload=_REDERIVED,
        ),
        Key(
            "guards", "mapping", "over the guards of the rule and its tiers, key by key", "theirs", at_reload=_REDERIVED
        ),
    ),
    hints=MappingProxyType(
        {name: _IN_A_TIER.format(name) for name in ("for", "above", "below", "clear", "confidence", "window")}
    ),
)

TIER = Table(
    "a tier",
    (
        Key("above", "threshold", "a breach is strictly above it", "one of `above` and `below`", at_reload=_REDERIVED),
        Key("below", "threshold", "a breach is strictly below it", "one of `above` and `below`", at_reload=_REDERIVED),
        Key(
            "for",
            "duration",
            "how long the breach must hold",
            "`5m` in prepare, `0s` in rollback",
            at_reload=_REDERIVED,
        ),
        Key("clear", "threshold", "recovery is not over it", "the limit itself", at_reload=_REDERIVED),
        Key("window", "duration", "a window of its own", "the signal's", at_reload=_REDERIVED),
        Key("guards", "mapping", "guards of its own, key by key", "the rule's", at_reload=_REDERIVED),
        Key(
            "confidence",
            "share",
            "how sure it must be that the limit is passed (error_ratio, latency)",
            "none: the plain value decides",
            at_reload=_REDERIVED,
        ),
    ),
    hints=MappingProxyType(
        dict.fromkeys(("requires", "after_deploy", "expect", "keep_firing_for", "no_data"), "it stands in the rule")
    ),
)

GUARDS = Table(
    "guards",
    (
        Key("min_requests", "number", "fewer requests in the window: *insufficient*", "`0`", at_reload=_REDERIVED),
        Key(
            "min_failures",
            "number",
            "fewer failures in the window: never a breach (error_ratio)",
            "`0`",
            at_reload=_REDERIVED,
        ),
    ),
)

TABLES = (
    RULE_FILE, GROUP, RULE, DEFAULTS, REQUIRES, OVERRIDE, SIGNAL, ERROR_RATIO, LATENCY, BASELINE, AVAILABILITY, COUNT,
    QUERY, TIER, GUARDS, prometheuskeys.FILE, prometheuskeys.GROUP, prometheuskeys.RULE, ROUTING, PAGE, ROUTE,
    MATCHED_ROUTE, ESCALATION, ESCALATION_ROLLBACK, ESCALATION_BLIND, ESCALATION_PREPARE, MAINTENANCE, SHADOW_REPORT,
    RELEASES,
    REGISTRY, RELEASED, IMAGE, REPLICAS, MIGRATIONS, FLAGS, PROCEDURE, STEP, FIELD, COMMAND, WAVE, CHOICE, CHECK,
    DRILLS, SCENARIO, PLAY, LOAD,
)  # fmt: skip
"""Every table, in the order of the docs."""
