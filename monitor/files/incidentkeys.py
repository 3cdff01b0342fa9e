"""The keys of a file of known incidents, which a replay is scored on."""

from types import MappingProxyType

from monitor.files.tables import Key, Table

INCIDENTS = Table(
    "a file of known incidents",
    (
        Key("incidents", "list of incidents", "what people remember", required=True),
        Key("version", "`1`", "the version of the format", "`1`"),
    ),
)

INCIDENT = Table(
    "an incident",
    (
        Key("name", "text", "what people call it", required=True),
        Key("start", "time", "when it began, such as `2026-11-20T14:30:00Z`", required=True),
        Key("end", "time", "when it was over", required=True),
        Key("alert", "alert name", "the alert that should have paged of it", "any"),
        Key("alerts", "list of alert names", "the same for several, of which one is enough", "any"),
    ),
    hints=MappingProxyType(
        {
            "begin": "call it `start`",
            "from": "call it `start`",
            "started": "call it `start`",
            "to": "call it `end`",
            "ended": "call it `end`",
            "title": "call it `name`",
        }
    ),
)
