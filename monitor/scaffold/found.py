"""What was found in a Prometheus, as far as rules can be made of it. Frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from monitor.core.rules.signal import TimeUnit
from monitor.files.expressions import quoted


@dataclass(frozen=True, slots=True)
class Watched:
    """Series that tell how services do.

    `metric` (of a histogram without `_bucket`), the `label` that tells services apart ("": none does), their names,
    `only` a matcher that all of it needs, and `left_out` the services that no rule could judge, each with the reason.
    `pace` are the seconds between two scrapes.
    """

    metric: str
    label: str = ""
    services: tuple[str, ...] = ()
    only: str = ""
    left_out: Mapping[str, str] = field(default_factory=dict)
    pace: float = 15.0

    @property
    def by(self) -> tuple[str, ...]:
        """The labels in `by`."""
        return (self.label,) if self.label else ()

    @property
    def unit(self) -> TimeUnit:
        """What the buckets of a histogram count, as its name tells."""
        return TimeUnit.told_by(self.metric)

    @property
    def selector(self) -> str:
        """The selector of all that is judged."""
        return self.select(tuple(self.left_out))

    def select(self, without: tuple[str, ...] = ()) -> str:
        """Give the selector of all series but those of the services `without`."""
        left = f"{self.label}!~{quoted('|'.join(map(escaped, without)))}" if without and self.label else ""
        inside = ",".join(one for one in (self.only, left) if one)
        return f"{self.metric}{{{inside}}}" if inside else self.metric


@dataclass(frozen=True, slots=True)
class Requests:
    """A counter of requests whose label tells which failed; traffic is a window's, by its median over a day.

    `failed` and `total` are counts of the last day; `codes` the values of that label.
    """

    watched: Watched
    failures: str
    codes: tuple[str, ...] = ()
    window: int = 60
    hold: int = 300
    min_requests: int = 10
    total: float = 0.0
    failed: float = 0.0


@dataclass(frozen=True, slots=True)
class Slowness:
    """A histogram of latencies.

    `kinds` of baselines that there is history for; without any `fixed` is one (seconds). `above` is the
    least limit that its buckets can tell from the baseline. `usual` is told in seconds.
    """

    watched: Watched
    window: int = 120
    hold: int = 300
    min_requests: int = 50
    above: float = 0.5
    kinds: tuple[str, ...] = ()
    fixed: float | None = None
    usual: Mapping[str, float] = field(default_factory=dict)

    @property
    def unit(self) -> TimeUnit:
        """What its buckets count."""
        return self.watched.unit


@dataclass(frozen=True, slots=True)
class Probes:
    """A metric that is 1 for up and 0 for down."""

    watched: Watched
    down: tuple[str, ...] = ()
    window: int = 60
    hold: int = 300


@dataclass(frozen=True, slots=True)
class Version:
    """Where the running version of a service is seen; `image`: the version is the image's whole name."""

    service: str
    selector: str
    label: str
    running: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """Everything that was found, and what a person should know of the looking."""

    url: str = ""
    metrics: int = 0
    offset: int = 10
    requests: tuple[Requests, ...] = ()
    slowness: tuple[Slowness, ...] = ()
    probes: tuple[Probes, ...] = ()
    versions: tuple[Version, ...] = ()
    passed_over: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    @property
    def services(self) -> tuple[str, ...]:
        """The services that answer requests, in the order in which they were found."""
        watched = (*(one.watched for one in self.requests), *(one.watched for one in self.slowness))
        return tuple(dict.fromkeys(name for one in watched if one.label for name in one.services))


def escaped(value: str) -> str:
    """Give `value` as a regular expression that fits it alone, to RE2 and to Python."""
    return "".join("." if not one.isprintable() else f"\\{one}" if one in "\\.+*?()|[]{}^$" else one for one in value)
