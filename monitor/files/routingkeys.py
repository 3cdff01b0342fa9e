"""The keys of routing.yaml and releases.yaml. A change of any of them leaves every alert as it is."""

from monitor.files.tables import Key, Table

ROUTING = Table(
    "routing.yaml",
    (
        Key("environment", "text", "what is watched; it stands in every page", required=True),
        Key("default", "mapping", "where pages go and who may act", "the settings' channel and responders"),
        Key("page", "mapping", "which pagers a page of each tier calls, all at once", "`slack` for every tier"),
        Key("reopen_within", "duration", "a breach so soon after recovery belongs to the same incident", "`30m`"),
        Key("version", "`1`", "the version of the format", "`1`"),
    ),
    later=("routes", "escalation", "maintenance", "group_by"),
)

PAGE = Table(
    "page",
    (
        Key("rollback", "list of pagers", "`slack`, `pagerduty`, `alertmanager`, `webhook`", "`[slack]`"),
        Key("blind", "list of pagers", "the same", "`[slack]`"),
        Key("prepare", "list of pagers", "the same", "`[slack]`"),
    ),
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

RELEASES = Table(
    "releases.yaml",
    (
        Key("services", "mapping of services", "the services by name, as pages and rules call them", required=True),
        Key("version", "`1`", "the version of the format", "`1`"),
    ),
    later=("registry", "migrations"),
)

RELEASED = Table(
    "a service in releases.yaml",
    (
        Key("version", "selector", "an info metric that carries the running version", required=True),
        Key("label", "label name", "its label that holds the version", "`version`"),
    ),
    later=("image", "registry", "migrations"),
)
