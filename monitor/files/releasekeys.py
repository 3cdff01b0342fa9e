"""The keys of releases.yaml. A change of any of them leaves every alert as it is."""

from types import MappingProxyType

from monitor.files.tables import Key, Table

_IN_SETTINGS = "secrets stand in settings: MONITOR_REGISTRY__USERNAME and MONITOR_REGISTRY__PASSWORD"

RELEASES = Table(
    "releases.yaml",
    (
        Key("services", "mapping of services", "the services by name, as pages and rules call them", required=True),
        Key("registry", "mapping", "the container registry that is asked whether a target's image is there", "none"),
        Key("lookback", "duration", "how far back a version that ran well is looked for", "`14d`"),
        Key(
            "proven",
            "duration",
            "the last version that ran so long without a breach is the target; without one, that which ran longest",
            "`1d`",
        ),
        Key("version", "`1`", "the version of the format", "`1`"),
    ),
)

REGISTRY = Table(
    "registry",
    (
        Key(
            "url",
            "URL",
            "its address; images name its host. `MONITOR_REGISTRY__URL` says where it is reached instead",
            required=True,
        ),
    ),
    hints=MappingProxyType(dict.fromkeys(("username", "user", "password", "token", "credentials"), _IN_SETTINGS)),
)

RELEASED = Table(
    "a service in releases.yaml",
    (
        Key("version", "selector", "an info metric that carries the running version", required=True),
        Key("label", "label name", "its label that holds the version", "`version`"),
        Key("by", "label name", "its label that names who deployed", "none"),
        Key(
            "image",
            "text with `{version}`, or `{metric, label}`",
            "the image of a version",
            "none; with `label: image` the version itself",
        ),
        Key("replicas", "mapping", "what tells that a rollout is under way", "none: several versions at once"),
        Key("migrations", "mapping", "where the migrations of its database are seen", "none"),
        Key("flags", "mapping", "where its feature flags are seen: a switch is a change", "none"),
    ),
)

IMAGE = Table(
    "image",
    (
        Key("metric", "selector", "a metric that carries the running image", required=True),
        Key("label", "label name", "its label that holds the image", "`image`"),
    ),
)

REPLICAS = Table(
    "replicas",
    (
        Key("desired", "selector", "how many replicas there should be", required=True),
        Key("updated", "selector", "how many run the new version: fewer, and a deploy is under way", required=True),
    ),
)

MIGRATIONS = Table(
    "migrations",
    (
        Key("schema", "selector", "an info metric that carries the version of the schema", "one of the two"),
        Key("label", "label name", "for `schema`: its label that holds the version", "`version`"),
        Key("applied", "selector", "a counter or gauge of the migrations that were applied", "one of the two"),
        Key("major", "`true`, `false`", "whether each of them asks for a drill", "`true`"),
    ),
)

FLAGS = Table(
    "flags",
    (
        Key("metric", "selector", "a series a flag, 0 where it is off", required=True),
        Key("label", "label name", "its label that names the flag", "`flag`"),
    ),
)
