"""The keys of routing.yaml. A change of any of them leaves every alert as it is."""

from monitor.files.tables import Key, Table

ROUTING = Table(
    "routing.yaml",
    (
        Key("environment", "text", "what is watched; it stands in every page", required=True),
        Key("default", "mapping", "where pages go and who may act", "the settings' channel and responders"),
        Key("page", "mapping", "which pagers a page of each tier calls, all at once", "`slack` for every tier"),
        Key("reopen_within", "duration", "a breach so soon after recovery belongs to the same incident", "`30m`"),
        Key("escalation", "mapping", "who is called again when nobody acknowledges, and when", "see its keys"),
        Key("maintenance", "list of windows", "windows in which prepare or blind alerts page nobody", "none"),
        Key("routes", "list of routes", "where alerts go that its matchers fit; the rest goes to `default`", "none"),
        Key(
            "group_by",
            "list of label names",
            "alerts of one incident have the same values of these; `environment` is the routing's own",
            "`[environment]`",
        ),
        Key(
            "drills", "mapping", "where drills take place, who may act in them, how often they are due", "see its keys"
        ),
        Key(
            "shadow_report",
            "mapping or `none`",
            "when the channel is told each day what rules in the shadow would have paged",
            "`09:00` in UTC",
        ),
        Key("version", "`1`", "the version of the format", "`1`"),
    ),
)

PAGE = Table(
    "page",
    (
        Key("rollback", "list of pagers", "`slack`, `pagerduty`, `alertmanager`, `webhook`", "`[slack]`"),
        Key("blind", "list of pagers", "the same", "`[slack]`"),
        Key("prepare", "list of pagers", "the same", "`[slack]`"),
    ),
)

_COMMANDERS = Key("commanders", "list of ids", "who may take command", "none")
_APPROVERS = Key("approvers", "list of ids", "who approves what cannot be undone", "none")

ROUTE = Table(
    "the default route",
    (
        Key("channel", "Slack channel id", "where pages go", "the settings' channel"),
        Key(
            "responders",
            "list of ids",
            "user groups or users who are mentioned and may act",
            "the settings' responders",
        ),
        _COMMANDERS,
        _APPROVERS,
    ),
    hints={"matchers": "the default route takes what no other does; one with matchers stands in `routes`"},
)

MATCHED_ROUTE = Table(
    "a route",
    (
        Key(
            "matchers",
            "list of matchers",
            "which alerts: `alertname`, their labels, their rule's labels",
            required=True,
        ),
        Key("channel", "Slack channel id", "where these alerts appear, with buttons; several may fit", required=True),
        Key("responders", "list of ids", "user groups or users who are mentioned there and may act", "none"),
        _COMMANDERS,
        _APPROVERS,
    ),
)

ESCALATION = Table(
    "escalation",
    (
        Key("rollback", "mapping", "calls of a rollback page that nobody acknowledges", "see its keys"),
        Key("blind", "mapping", "the same of a blind page", "see its keys"),
        Key("prepare", "mapping", "the same of a prepare page", "see its keys"),
        Key("channel", "Slack channel id", "where it escalates to", "none: nothing escalates"),
        Key(
            "acknowledgement_expires",
            "duration or none",
            "an acknowledged rollback without a procedure: ask whether somebody is still on it",
            "`10m`",
        ),
    ),
)

ESCALATION_ROLLBACK = Table(
    "escalation.rollback",
    (
        Key("again", "list of durations", "page again so long after the page, in the thread", "`[2m, 4m]`"),
        Key("escalate", "duration or none", "tell the escalation channel", "`5m`, where there is a `channel`"),
    ),
)

ESCALATION_BLIND = Table(
    "escalation.blind",
    (Key("again", "list of durations", "page again so long after the page, in the thread", "`[5m]`"),),
)

ESCALATION_PREPARE = Table(
    "escalation.prepare",
    (Key("mention", "duration or none", "mention the responders once, in the thread", "`10m`"),),
)

MAINTENANCE = Table(
    "a maintenance window",
    (
        Key("name", "name", "how pages and the shell call it", required=True),
        Key(
            "matchers",
            "list of matchers",
            "which alerts: `alertname`, their labels, their rule's labels",
            required=True,
        ),
        Key("tiers", "list of `prepare`, `blind`", "which tiers page nobody; never rollback", "`[prepare]`"),
        Key("days", "list of mon ... sun", "the days on which it begins", "every day"),
        Key("from", '`"HH:MM"`', "when it begins, in `zone`", required=True),
        Key("to", '`"HH:MM"`', "when it ends; not after `from`: on the next day", required=True),
        Key("zone", "time zone", "such as Europe/Berlin; it knows summer time", "`UTC`"),
    ),
)

SHADOW_REPORT = Table(
    "shadow_report",
    (
        Key("at", '`"HH:MM"`', "when it is told, in `zone`", '`"09:00"`'),
        Key("zone", "time zone", "such as Europe/Berlin; it knows summer time", "`UTC`"),
    ),
)
