"""What the days of a replay are made of. Nothing heavy is imported here: the composition root knows it."""

from collections.abc import Callable
from dataclasses import dataclass

from monitor.ports.metrics import MetricsSource
from monitor.ports.store import Store


@dataclass(frozen=True, slots=True)
class World:
    """What the daemon's parts are made of: an empty store for each life, and a source that is never asked."""

    store: Callable[[], Store]
    source: MetricsSource
