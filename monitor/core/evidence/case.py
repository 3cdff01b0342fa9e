"""What a bundle is made of: an incident's events, what was posted of it, and what was read of its signals. Frozen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from monitor.core.evidence.moments import Moments, Steps, accepted_at, moments, walked
from monitor.core.incidents.events import Event
from monitor.core.incidents.incident import Incident


@dataclass(frozen=True, slots=True)
class Posted:
    """Something that was told about an incident. `ts` is the pager's name of it; `permalink` may be had or not."""

    kind: str
    channel: str
    n: int
    reason: str
    decided_at: datetime
    state: str
    ts: str | None = None
    said: str = ""
    problem: str = ""
    permalink: str = ""


@dataclass(frozen=True)
class Case:
    """One incident with everything that is known of it.

    `signals` are the files of what was read, by name; `injected` is when the fault of a drill was.
    """

    id: str
    events: tuple[Event, ...]
    posted: tuple[Posted, ...] = ()
    signals: Mapping[str, bytes] = field(default_factory=dict)
    injected: datetime | None = None

    @cached_property
    def steps(self) -> Steps:
        """Every event with the incident as it left it."""
        return walked(self.id, self.events)

    @cached_property
    def incident(self) -> Incident:
        """The incident as it stands."""
        return self.steps[-1][1]

    @cached_property
    def moments(self) -> Moments:
        """When what happened."""
        pages = (one.ts for one in self.posted if one.kind in {"root", "call"})
        return moments(self.steps, paged=accepted_at(pages), injected=self.injected)
