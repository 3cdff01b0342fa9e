"""The keys of a procedure file. A change of any of them leaves every alert as it is."""

from monitor.files.tables import Key, Table

PROCEDURE = Table(
    "a procedure",
    (
        Key("title", "text", "the name of the procedure", required=True),
        Key("steps", "list of steps", "in their order", required=True),
        Key("recovery_target", "duration", "from the first page to mitigation", "`15m`"),
        Key("verify_for", "duration", "how long the signals that paged must be clear before the end", "`10m`"),
        Key(
            "helps_within",
            "duration",
            "breaching so long after a rollback, it is said that it did not help",
            "`10m`",
        ),
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
        Key("choose", "list of `{id, title, needs_approver, forward}`", "the answers of a decision", "none"),
        Key("checks", "list of checks", "proofs that it worked", "none"),
        Key(
            "does",
            "`freeze`, `pin`, `end`",
            "what the monitor does there: freezes deploys (ticked by starting), collects targets, ends the incident",
            "nothing",
        ),
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
        Key(
            "forward",
            "`true`, `false`",
            "services with migrations since their target are fixed forward and stay as they are",
            "`false`",
        ),
    ),
)

CHECK = Table(
    "a check",
    (
        Key("title", "text", "what is proven; unique in its step", required=True),
        Key("signals", "`true`", "the signals that paged are clear", "one of the four"),
        Key(
            "promql",
            "PromQL",
            "compared with `above` or `below`: every series must hold, and no data is no pass",
            "one of the four",
        ),
        Key("http", "URL", "answers with `status` within `deadline`; redirects are not followed", "one of the four"),
        Key(
            "command",
            "list of texts",
            "a fixed argv, run without a shell and only where a setting allows it",
            "one of the four",
        ),
        Key("above", "number", "for `promql`: the value must be above it"),
        Key("below", "number", "for `promql`: the value must be below it"),
        Key("status", "number", "for `http`: the expected status", "`200`"),
        Key("deadline", "duration", "for `http` and `command`, at most `5m`", "`10s`"),
    ),
)
