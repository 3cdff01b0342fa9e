"""From an incident to its bundle: reads what there is, within a deadline, and says in the files what there was not.

What is in the files stands in `monitor.core.evidence`; where a bundle is put is not known here.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import Lock

from monitor import __version__
from monitor.core.evidence import Case, Maker, Posted, bundle, clean
from monitor.core.evidence.plainly import plain, scrubbed
from monitor.core.evidence.signals import SignalRead, Threshold, files_of, raw_of
from monitor.core.incidents.events import Event, Firing, Snapshot
from monitor.core.incidents.incident import Incident
from monitor.core.model import AlertKey, Labels, Tier
from monitor.core.pages.plot import AFTER, Plot
from monitor.core.rules.rule import Rule
from monitor.core.rules.signal import unit_of
from monitor.evidence.plotting import Looked, Plotting, Unplotted
from monitor.ports.metrics import Answer, Samples
from monitor.ports.pager import Permalinks
from monitor.ports.store import Post, Store, StoreError
from monitor.ports.world import Artist, Clock, Undrawn

MAKER = Maker("rollback-monitor", __version__)

WITHIN, ASKED = 45.0, 20.0
"""Seconds that reading and drawing the signals of one incident may take: to be kept, and where somebody waits for them
over HTTP, where a request that is not answered in 30 s is let go."""

MOST_SIGNALS, MOST_PLOTS = 40, 12
"""Alerts of one incident whose signals are read, and those that are drawn."""

MOST_LINKS = 20
"""Messages that are asked for their address."""


@dataclass(frozen=True, slots=True)
class Collected:
    """The files of an incident's signals; `again`: something was not answered, and may be later."""

    files: Mapping[str, bytes]
    again: bool = False


@dataclass(slots=True)
class Evidence:
    """Makes bundles; one for the life of the daemon. Thread-safe: one at a time reads.

    `beside` gives what a bundle holds beside its incident's files, `injected` when the fault of a drill was.
    """

    store: Store
    plotting: Plotting
    artist: Artist
    clock: Clock
    secrets: Sequence[str] = ()
    permalinks: Permalinks | None = None
    beside: Callable[[Case], Mapping[str, bytes]] = lambda _case: {}
    injected: Callable[[str], datetime | None] = lambda _name: None
    _lock: Lock = field(default_factory=Lock, init=False)

    def bundle(self, name: str) -> Mapping[str, bytes] | None:
        """Give every file of an incident's bundle, or None where there is no such incident. Raises StoreError.

        What was kept of its signals is taken; where nothing was kept yet, they are read now.
        """
        case = self.case(name)
        return bundle(case, MAKER, self.clock.now(), self.beside(case)) if case is not None else None

    def case(self, name: str) -> Case | None:
        """Give an incident with its signals and without secrets, or None where there is none. Raises StoreError."""
        events = tuple(self.store.events(name))
        if not events:
            return None
        case = Case(name, events, self._posted(name), injected=self.injected(name))
        return clean(replace(case, signals=self._signals(case.incident, events)), self.secrets)

    def stop(self) -> None:
        """Give up what is being drawn, and draw no more."""
        self.artist.stop()

    def _signals(self, incident: Incident, events: Sequence[Event]) -> Mapping[str, bytes]:
        try:
            kept = self.store.evidence(incident.id)
        except StoreError as error:
            return files_of((), f"what was kept could not be read: {error}")
        if kept is not None and (incident.ended_at is None or kept.at >= incident.ended_at):
            return kept.files
        return self.collect(incident, events, ASKED).files

    def collect(self, incident: Incident, events: Sequence[Event], within: float = WITHIN) -> Collected:
        """Read the signals of `incident` now, for at most `within` seconds. Raises StoreError."""
        end = self.clock.monotonic() + within
        if not self._lock.acquire(timeout=within):
            return Collected(files_of((), "the signals of another incident were being read all the time"), again=True)
        try:
            firings = watched(incident)
            read = [self._read(incident, one, number, end) for number, one in enumerate(firings[:MOST_SIGNALS])]
        finally:
            self._lock.release()
        signals = [replace(one, snapshots=tuple(snapshots(events, one.key))) for one, _ in read]
        left = len(firings) - len(read)
        note = f"{left} more alerts fired, whose signals were not read" if left > 0 else ""
        shown = scrubbed(tuple(signals), self.secrets)
        return Collected(files_of(shown, note), any(again for _, again in read))

    def _read(self, incident: Incident, firing: Firing, number: int, end: float) -> tuple[SignalRead, bool]:
        """Read one signal; whether what is missing of it may be had later."""
        bare = SignalRead(firing.key, firing.summary, firing.unit)
        left = end - self.clock.monotonic()
        if left <= 0:
            return replace(bare, problem="there was no time left to read it"), True
        until = int(((incident.ended_at or self.clock.now()) + timedelta(seconds=AFTER)).timestamp())
        looked = self.plotting.look(incident, firing, until, within=left)
        if isinstance(looked, Unplotted):
            return replace(bare, problem=looked.why), looked.again
        return self._seen(bare, looked, drawn=number < MOST_PLOTS and end > self.clock.monotonic()), False

    def _seen(self, bare: SignalRead, looked: Looked, *, drawn: bool) -> SignalRead:
        times = [at for at, _ in looked.judged]
        read = replace(
            bare,
            unit=unit_of(looked.rule.signal),
            queries=looked.queries,
            thresholds=thresholds(looked.rule, bare.key.labels),
            step=times[1] - times[0] if len(times) > 1 else 0,
            judged=tuple(looked.judged),
            raw=tuple(one for part, answers in looked.raw.items() for one in raw_of(bare.key, part, _samples(answers))),
        )
        if not isinstance(looked.plot, Plot):
            return replace(read, problem=looked.plot.why)
        if not drawn:
            return replace(read, undrawn="too many signals for a plot of each")
        picture = self.artist.draw(looked.plot)
        return replace(read, undrawn=picture.why) if isinstance(picture, Undrawn) else replace(read, picture=picture)

    def _posted(self, name: str) -> tuple[Posted, ...]:
        """Give what was told; that of the evidence itself is left out, so that telling it changes nothing."""
        posts = [one for one in self.store.posts(name) if one.kind != "report"]
        return tuple(self._told(one, asked=number < MOST_LINKS) for number, one in enumerate(posts))

    def _told(self, post: Post, *, asked: bool) -> Posted:
        linked = self.permalinks is not None and post.ts is not None and post.kind not in {"call", "plot"}
        link = (
            self.permalinks.permalink(post.channel, post.ts) if linked and asked and self.permalinks and post.ts else ""
        )
        return told(post, link)


def told(post: Post, permalink: str = "") -> Posted:
    """Give what a bundle tells of a post."""
    return Posted(
        kind=post.kind,
        channel=post.channel,
        n=post.n,
        reason=str(post.reason),
        decided_at=post.decided_at,
        state=post.state,
        ts=post.ts,
        said=post.said,
        problem=post.problem,
        permalink=permalink,
    )


def bare(store: Store, name: str) -> Case | None:
    """Give an incident with what was told of it, and without its signals; None where there is none."""
    events = tuple(store.events(name))
    return Case(name, events, tuple(told(one) for one in store.posts(name))) if events else None


def watched(incident: Incident) -> list[Firing]:
    """Give the alerts whose signals are evidence, the gravest first; that something is unseen has none."""
    some = [one for one in incident.alerts if one.key.tier is not Tier.BLIND]
    return sorted(some, key=lambda one: (one.key.tier is not Tier.ROLLBACK, one.fired_at))


def snapshots(events: Sequence[Event], key: AlertKey) -> Iterator[Mapping[str, object]]:
    """Give what was read of an alert each time that it changed, as it was written down then."""
    for one in events:
        if isinstance(one, Snapshot) and one.key == key:
            told = plain(one)
            yield {name: value for name, value in told.items() if name not in {"key", "by", "kind"}}


def thresholds(rule: Rule, labels: Labels) -> tuple[Threshold, ...]:
    """Give the limits of a rule for one instance."""
    return tuple(Threshold(one.tier, one.above, one.below, one.hold, one.window) for one in rule.tiers_of(labels))


def _samples(answers: Mapping[int, Answer]) -> Iterator[tuple[int, Labels, float]]:
    for at, answer in answers.items():
        if isinstance(answer, Samples):
            yield from ((at, one.labels, one.value) for one in answer.samples)
