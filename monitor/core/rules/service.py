"""What releases.yaml says of a service: where its version, image, replicas, migrations and feature flags are seen.

Frozen values; selectors are canonical. This module must not know how they are read nor what follows from it.
"""

from dataclasses import dataclass

VERSION = "{version}"
"""What stands for the version in an image's template."""

LOOKBACK, PROVEN = 14 * 86_400, 86_400


@dataclass(frozen=True, slots=True)
class Labelled:
    """Series whose `label` tells something; without a label it is their value that tells."""

    selector: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Replicas:
    """Two metrics of a rollout: it is under way while fewer are `updated` than `desired`."""

    desired: str
    updated: str


@dataclass(frozen=True, slots=True)
class Service:
    """One service, and where it is seen.

    `by` is the label of the version metric that names who deployed. An image is the template `image`, or what
    `image_on` shows. `migrations` show the schema's version in a label, or count what was applied;
    each asks for a drill where they are `major`.
    """

    name: str
    version: Labelled
    by: str = ""
    image: str = ""
    image_on: Labelled | None = None
    replicas: Replicas | None = None
    migrations: Labelled | None = None
    major: bool = True
    flags: Labelled | None = None


@dataclass(frozen=True, slots=True)
class Releases:
    """Everything in releases.yaml.

    `registry` is the address that knows the images. A version that ran well is looked for over `lookback` seconds; one
    that ran `proven` seconds needs no longer run to be trusted.
    """

    services: tuple[Service, ...] = ()
    registry: str = ""
    lookback: int = LOOKBACK
    proven: int = PROVEN

    def service(self, name: str) -> Service | None:
        """Give the service named `name`, or None."""
        return next((one for one in self.services if one.name == name), None)
