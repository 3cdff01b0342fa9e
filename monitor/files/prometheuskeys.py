"""The keys of Prometheus's own rule files, as far as they mean something here."""

from types import MappingProxyType

from monitor.core.rules.ruledifference import AtReload
from monitor.files.tables import Key, Table

_REDERIVED, _DROPPED = AtReload.REDERIVED, AtReload.DROPPED

FILE = Table(
    "a Prometheus rule file",
    (Key("groups", "list of groups", "the groups of rules in this file", required=True),),
    hints=MappingProxyType(
        {
            "defaults": "rules with `expr` are Prometheus's, and its files have no defaults",
            "version": "rules with `expr` are Prometheus's, and its files have no version",
        }
    ),
)

GROUP = Table(
    "a Prometheus group",
    (
        Key("name", "text", "unique in the folder", required=True),
        Key("rules", "list of rules", "evaluated together; recording rules are passed over", required=True),
        Key("interval", "duration", "as in a group of ours", "`15s`"),
        Key("query_offset", "duration", "as in a group of ours", "`10s`"),
        Key("limit", "number", "as in a group of ours; `0` is the default", "`500`"),
        Key("labels", "mapping of texts", "merged under the labels of its rules", "none"),
    ),
)

RULE = Table(
    "a Prometheus rule",
    (
        Key(
            "alert",
            "text",
            "its name; a second rule of that name is told apart by its labels",
            at_reload=_DROPPED,
        ),
        Key("record", "text", "a recording rule: passed over"),
        Key(
            "expr",
            "PromQL",
            "split into query and limit where that says the same, else a condition",
            required=True,
            at_reload=_REDERIVED,
            reload_note="dropped where a query becomes a condition, or the reverse",
        ),
        Key("for", "duration", "how long the breach must hold", "`0s`", at_reload=_REDERIVED),
        Key("keep_firing_for", "duration", "so long clear, and the alert resolves", "`0s`", at_reload=_REDERIVED),
        Key(
            "labels",
            "mapping of texts",
            "they describe the alert; `tier: rollback` chooses the tier",
            "`tier: prepare`",
        ),
        Key(
            "annotations",
            "mapping of templates",
            "texts of the page; `runbook_url` and `dashboard_url` are its links",
            "none",
        ),
    ),
)
