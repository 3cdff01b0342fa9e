"""Every key that may be written in a rules folder: what it takes, its default, what it means; the docs show the tables.

Keys that a later version will know are listed apart, so that they are told from misspelt ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Key:
    """One key: what it takes and means, for people; `default` empty and `required` for one that must stand."""

    name: str
    takes: str
    meaning: str
    default: str = ""
    required: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """The keys of one kind of mapping; `what` names it in errors, `hints` mend keys brought from elsewhere."""

    what: str
    keys: tuple[Key, ...]
    later: tuple[str, ...] = ()
    hints: Mapping[str, str] = field(default_factory=dict)

    def names(self) -> tuple[str, ...]:
        """Give the names of the keys."""
        return tuple(key.name for key in self.keys)


RULE_FILE = Table(
    "a rule file",
    (
        Key("groups", "list of groups", "the groups of rules in this file", required=True),
        Key("defaults", "mapping", "merged under every rule of the file: the rule's own keys win", "nothing"),
        Key("version", "`1`", "the version of the format", "`1`"),
    ),
    hints=MappingProxyType({"rules": "rules stand in a group: `groups: [{name: ..., rules: [...]}]`"}),
)

GROUP = Table(
    "a group",
    (
        Key("name", "text", "unique in the folder", required=True),
        Key("rules", "list of rules", "evaluated together, at the same times", required=True),
        Key("interval", "duration", "evaluations stand on multiples of it since the epoch", "`15s`"),
        Key("query_offset", "duration", "evaluate this far behind now, so that scrapes have landed", "`10s`"),
        Key("blind_after", "duration", "so long without an answer, and *blind* is paged", "`5m`"),
    ),
    later=("limit",),
    hints=MappingProxyType({"labels": "labels stand in `defaults` or in a rule"}),
)

_STYLE = (
    Key("service", "template", "the service that the page speaks of", "its `service` or `job` label"),
    Key("suspects", "list of texts", "other services that may be the cause", "none"),
    Key("guards", "mapping", "how much traffic a verdict needs", "none"),
    Key("no_data", "`hold`, `clear`, `breach`", "what a missing reading means to the alert", "`hold`"),
    Key(
        "resolve",
        "`by_signal`, `by_person`",
        "`by_person` fires until somebody says that it is dealt with",
        "`by_signal`",
    ),
    Key("keep_firing_for", "duration", "so long clear, and the alert resolves", "`0s`"),
    Key(
        "gap_tolerance", "duration", "so long without data, and a pending alert gives up", "2 intervals, at least `1m`"
    ),
    Key("optional", "`true`, `false`", "`true`: no instance at all is no blindness", "`false`"),
    Key("labels", "mapping", "labels that describe the alert; they are no identity", "none"),
    Key("annotations", "mapping of templates", "`summary` is what a lock screen shows", "none"),
    Key("links", "mapping of templates", "URLs on the page: `dashboard`, `runbook`, ...", "none"),
    Key("procedure", "text", "the file in `procedures/` that the page opens", "`rollback`"),
)

LATER_IN_RULE = ("requires", "overrides", "confidence", "expect", "limit", "shadow", "after_deploy", "renamed_from")

RULE = Table(
    "a rule",
    (
        Key("alert", "text", "its name, unique in the folder", required=True),
        Key("signal", "mapping", "what is measured: exactly one kind", required=True),
        Key("prepare", "mapping", "when to get ready", "none; at least one tier stands"),
        Key("rollback", "mapping", "when to roll back at once", "none; at least one tier stands"),
        *_STYLE,
    ),
    later=LATER_IN_RULE,
    hints=MappingProxyType(
        {
            "expr": "write `signal: {query: {expr: ...}}`, with the threshold in `prepare` or `rollback`",
            "record": "recording rules are Prometheus's own",
            "for": "`for` stands in `prepare` or `rollback`",
            "above": "`above` stands in `prepare` or `rollback`",
            "below": "`below` stands in `prepare` or `rollback`",
            "clear": "`clear` stands in `prepare` or `rollback`",
            "by": "`by` stands in the signal",
            "window": "`window` stands in the signal",
        }
    ),
)

DEFAULTS = Table(
    "defaults",
    _STYLE,
    later=LATER_IN_RULE,
    hints=MappingProxyType(
        dict.fromkeys(
            ("alert", "signal", "prepare", "rollback"), "defaults hold what rules share; it belongs to each rule"
        )
    ),
)

SIGNAL = Table(
    "a signal",
    (
        Key("error_ratio", "mapping", "failures over requests"),
        Key("latency", "mapping", "how much slower a quantile is than its baseline"),
        Key("availability", "mapping", "the share of successful probes"),
        Key("query", "mapping", "any PromQL"),
    ),
    later=("count",),
)

_BY = Key("by", "list of label names", "one alert instance for each of their values", "none: one instance")
_WINDOW = Key("window", "duration", "how much time one reading looks at", "`1m`")

ERROR_RATIO = Table(
    "an error_ratio",
    (
        Key("requests", "selector", "the counter of all requests", required=True),
        Key(
            "failures", "matchers or selector", "matchers added to `requests`, or a counter of their own", required=True
        ),
        _BY,
        _WINDOW,
    ),
    later=("confidence", "min_failures"),
)

LATENCY = Table(
    "a latency",
    (
        Key("histogram", "selector", "the metric without `_bucket`", required=True),
        Key("quantile", "share", "which quantile", "`0.95`"),
        _BY,
        _WINDOW,
        Key(
            "baseline",
            "list of `same_time`, `trailing`, or `{fixed: ...}`",
            "what it is held against: the largest counts",
            "`[same_time, trailing]`",
        ),
        Key("ceiling", "duration", "the limit while there is no history", "none: the verdict is *insufficient*"),
    ),
    later=("after_deploy", "confidence"),
)

BASELINE = Table(
    "a baseline",
    (Key("fixed", "duration", "a latency that somebody decided on", required=True),),
)

AVAILABILITY = Table(
    "an availability",
    (Key("probe", "selector", "a metric that is 1 for up and 0 for down", required=True), _BY, _WINDOW),
)

QUERY = Table(
    "a query",
    (
        Key("expr", "PromQL", "gives an instant vector; the threshold stays outside", required=True),
        _BY,
        Key("absent", "number", "the value of an empty answer", "none: an empty answer is no data"),
    ),
    hints=MappingProxyType({"window": "the expression carries its windows inside"}),
)

_TIER_KEYS = (
    Key("above", "threshold", "a breach is strictly above it", "one of `above` and `below`"),
    Key("below", "threshold", "a breach is strictly below it", "one of `above` and `below`"),
    Key("for", "duration", "how long the breach must hold", "`5m` in prepare, `0s` in rollback"),
    Key("clear", "threshold", "recovery is not over it", "the limit itself"),
    Key("window", "duration", "a window of its own", "the signal's"),
    Key("guards", "mapping", "guards of its own, key by key", "the rule's"),
)
TIER = Table("a tier", _TIER_KEYS, later=("confidence", "requires", "after_deploy", "expect"))

GUARDS = Table(
    "guards",
    (
        Key("min_requests", "number", "fewer requests in the window: *insufficient*", "`0`"),
        Key("min_failures", "number", "fewer failures in the window: never a breach (error_ratio)", "`0`"),
    ),
)

ROUTING = Table(
    "routing.yaml",
    (
        Key("environment", "text", "what is watched; it stands in every page", required=True),
        Key("default", "mapping", "where pages go and who may act", "the settings' channel and responders"),
        Key("reopen_within", "duration", "a breach so soon after recovery belongs to the same incident", "`30m`"),
        Key("version", "`1`", "the version of the format", "`1`"),
    ),
    later=("routes", "page", "escalation", "maintenance", "group_by"),
)

ROUTE = Table(
    "a route",
    (
        Key("channel", "Slack channel id", "where pages go", "the settings' channel"),
        Key(
            "responders",
            "list of ids",
            "user groups or users who are mentioned and may act",
            "the settings' responders",
        ),
        Key("commanders", "list of ids", "who may take command", "none"),
        Key("approvers", "list of ids", "who approves what cannot be undone", "none"),
    ),
    later=("matchers",),
)

PROCEDURE = Table(
    "a procedure",
    (
        Key("title", "text", "the name of the procedure", required=True),
        Key("steps", "list of steps", "in their order", required=True),
        Key("recovery_target", "duration", "from the first page to mitigation", "`15m`"),
        Key("version", "`1`", "the version of the format", "`1`"),
    ),
)

STEP = Table(
    "a step",
    (
        Key("id", "lower-case name", "unique in the procedure", required=True),
        Key("title", "text", "one line of the card", required=True),
        Key("text", "text (mrkdwn)", "what to do and why", "none"),
        Key("applies_if", "text", "when the step matters", "always"),
        Key("tasks", "list of texts", "lines to tick", "none"),
        Key("collect", "list of `{id, title}`", "what to write down", "none"),
        Key("commands", "list of texts or `{run, service}`", "shown to be copied; the monitor runs none", "none"),
        Key("services", "list of `{title, services}`", "waves: services rolled back together", "none"),
        Key("choose", "list of `{id, title, needs_approver}`", "the answers of a decision", "none"),
        Key("checks", "list of checks", "proofs that it worked", "none"),
    ),
)

FIELD = Table(
    "a field",
    (
        Key("id", "lower-case name", "its name", required=True),
        Key("title", "text", "what to write down", required=True),
    ),
)

COMMAND = Table(
    "a command",
    (
        Key("run", "text", "the command line to copy", required=True),
        Key("service", "text", "the service it is for", "none"),
    ),
)

WAVE = Table(
    "a wave",
    (
        Key("title", "text", "the name of the wave", required=True),
        Key("services", "list of texts", "the services rolled back together", required=True),
    ),
)

CHOICE = Table(
    "a choice",
    (
        Key("id", "lower-case name", "its name", required=True),
        Key("title", "text", "the answer", required=True),
        Key("needs_approver", "`true`, `false`", "an approver must agree", "`false`"),
    ),
)

CHECK = Table(
    "a check",
    (
        Key("title", "text", "what is proven", required=True),
        Key("signals", "`true`", "the signals that paged are clear"),
        Key("promql", "PromQL", "compared with `above` or `below`"),
        Key("http", "URL", "answers with `status` within `deadline`"),
        Key("command", "list of texts", "a fixed argv, run without a shell and only where a setting allows it"),
        Key("above", "number", "for `promql`: the value must be above it"),
        Key("below", "number", "for `promql`: the value must be below it"),
        Key("status", "number", "for `http`: the expected status", "`200`"),
        Key("deadline", "duration", "for `http` and `command`", "`10s`"),
    ),
)

TABLES = (
    RULE_FILE, GROUP, RULE, SIGNAL, ERROR_RATIO, LATENCY, BASELINE, AVAILABILITY, QUERY, TIER, GUARDS,
    ROUTING, ROUTE, PROCEDURE, STEP, FIELD, COMMAND, WAVE, CHOICE, CHECK,
)  # fmt: skip
"""Every table, in the order of the docs."""


def markdown() -> str:
    """Give all tables for the docs."""
    return "\n".join(_section(table) for table in TABLES)


def _section(table: Table) -> str:
    rows = [f"| `{key.name}` | {key.takes} | {_default(key)} | {key.meaning} |" for key in table.keys]
    lines = [
        f"#### {table.what[0].upper()}{table.what[1:]}",
        "",
        "| key | takes | default | meaning |",
        "|---|---|---|---|",
        *rows,
    ]
    if table.later:
        lines += ["", f"Not supported yet: {', '.join(f'`{name}`' for name in table.later)}."]
    return "\n".join([*lines, ""])


def _default(key: Key) -> str:
    return "must stand" if key.required else key.default or "-"
