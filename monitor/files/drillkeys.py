"""The keys of a drill (rules/drills/*.yaml), and of `drills` in routing.yaml. No alert depends on them."""

from monitor.files.tables import Key, Table

SCENARIO = Table(
    "a drill",
    (
        Key("title", "name", "what is rehearsed, in a line", required=True),
        Key(
            "trigger",
            "`errors`, `latency`, `billing`, `integrity`, `login`, `invoices`",
            "the condition of the playbook that it rehearses",
            required=True,
        ),
        Key("alert", "name", "the rule that must page", required=True),
        Key(
            "kind",
            "`pager`, `tabletop`, `staging`, `production-canary`",
            "how real it is; only the last two count for the quarter",
            required=True,
        ),
        Key("hypothesis", "text", "what the team expects to prove", required=True),
        Key("play", "mapping", "plays the rule's signal, for `pager` and `tabletop`", "one of `play` and `watch`"),
        Key(
            "watch",
            "mapping",
            "real traffic instead: the rule's signal on the drill's target",
            "one of `play` and `watch`",
        ),
        Key("environment", "name", "what page and gate call the target", "the environment of routing.yaml"),
        Key("procedure", "name", "the procedure that is followed", "the rule's"),
        Key("recovery_target", "duration", "from the injection until the signals are clear", "the procedure's"),
        Key("releases", "mapping", "where the target's versions are seen, as in releases.yaml", "releases.yaml"),
        Key("abort_if", "list of texts", "when people give it up", "none"),
        Key("inject", "text", "how the fault is injected, to be read and copied", "none"),
        Key("mend", "text", "how it is taken back if the rollback does not", "none"),
        Key("longest", "duration", "a drill that runs longer is aborted", "`2h`"),
        Key("version", "`1`", "the version of the format", "`1`"),
    ),
)

PLAY = Table(
    "play",
    (
        Key("labels", "labels", "the instance that it plays", "every `by` label is `drill`"),
        Key("healthy", "mapping", "what the signal says before the injection and once it is clear", required=True),
        Key("broken", "mapping", "what it says in between", required=True),
        Key(
            "clears",
            "`rolled_back`, `acknowledged`, or duration",
            "what makes it healthy again; a duration counts from the injection",
            "`rolled_back`",
        ),
    ),
)

LOAD = Table(
    "what a signal plays",
    (
        Key(
            "value",
            "threshold",
            "the share that fails or is up, the quantile, events a minute, the value of a query",
            required=True,
        ),
        Key("requests", "number", "requests a second, where the signal counts them", "`10`"),
    ),
)

DRILLS = Table(
    "drills",
    (
        Key("channel", "Slack channel id", "where drills take place", "the settings' channel for drills"),
        Key("responders", "list of ids", "who may act in a drill, where it names no participants", "none"),
        Key("commanders", "list of ids", "who may take command in a drill", "the responders"),
        Key("approvers", "list of ids", "who approves in a drill what cannot be undone", "the commanders"),
        Key("every", "number", "so many months may lie between two drills that count", "`3`"),
        Key("after_migration", "duration", "so long after a major migration there must have been one", "`14d`"),
        Key("remind", "list of durations", "so long before a due date people are reminded", "`[14d, 1d]`"),
        Key("zone", "time zone", "the calendar that due dates are days of", "`UTC`"),
    ),
)
