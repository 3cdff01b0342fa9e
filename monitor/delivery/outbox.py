"""Everything that is owed, in lanes: the main pager's (Slack or the console), one for each other pager, one for files.

A pager that hangs holds up nobody else's lane. What a lane does stands in `monitor.delivery.lane`.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from monitor.core.rules.routing import PAGERS, SETTING
from monitor.delivery.attempts import Delivered
from monitor.delivery.filelane import FileLane, Maker, NoFiles
from monitor.delivery.handing import Elsewhere, Handing
from monitor.delivery.lane import Bell, Lane, Work
from monitor.delivery.pacing import Tempo
from monitor.desk.scenes import Scenes
from monitor.ports.pager import Delivery, Message, Pager, Rejected
from monitor.ports.store import PostKind, Store
from monitor.ports.world import Clock

__all__ = ["Bell", "Delivered", "Destinations", "Outbox", "Plots", "Tempo"]

STOP_WITHIN = 2.0
"""Seconds for the other lanes to end."""


@dataclass(frozen=True, slots=True)
class Destinations:
    """Where pages go beside their channel: other pagers by name, and another Slack channel (asked for each time)."""

    pagers: Mapping[str, Pager] = field(default_factory=lambda: MappingProxyType({}))
    second: Callable[[], str] = lambda: ""


@dataclass(frozen=True, slots=True)
class Plots:
    """Who makes the files of threads, and who hears what became of them."""

    maker: Maker = field(default_factory=NoFiles)
    heard: Callable[[PostKind, str], None] = lambda _kind, _outcome: None


class Outbox:
    """Delivers what the store says is owed, woken by the bell.

    `run` is its thread and has one for each other pager, and one for files. `held` are the seconds for which the posts
    of an incident still wait.
    """

    def __init__(
        self,
        store: Store,
        pager: Pager,
        clock: Clock,
        scenes: Scenes,
        bell: Bell,
        watched: Callable[[Delivered], None] = lambda _: None,
        *,
        destinations: Destinations = Destinations(),
        plots: Plots = Plots(),
        held: Callable[[str], float] = lambda _incident: 0.0,
        tempo: Tempo = Tempo(),  # noqa: B008  # the same
    ) -> None:
        pagers = destinations.pagers
        handing = Handing(store, Elsewhere(destinations.second, tuple(pagers)), bell.ring)
        work = Work(store, clock, scenes, handing, tempo, watched, held)
        others = frozenset(pagers)
        self._main = Lane("", _Present(pager), others, work, bell)
        self._files, self._files_bell = FileLane(store, pager, clock, plots.maker, plots.heard), bell.another()
        self._lanes = [Lane(name, one, others, work, bell.another()) for name, one in pagers.items()]

    def watch(self, went_round: Callable[[], None]) -> None:
        """Let `went_round` be called with every post of the main lane, and every few seconds, while it is well."""
        self._main.went_round = went_round

    def stop(self) -> None:
        """Ask `run` to return after the deliveries that are under way."""
        self._files.stop()
        for lane in (*self._lanes, self._main):
            lane.stop()

    def run(self, failed: Callable[[Exception], None]) -> None:
        """Deliver until stopped. What goes wrong with the store is told to `failed` and tried again."""
        threads = [threading.Thread(target=lane.run, args=(failed,), daemon=True) for lane in self._lanes]
        waits = self._files_bell.wait
        threads.append(threading.Thread(target=self._files.run, args=(waits, failed), name="files", daemon=True))
        for thread in threads:
            thread.start()
        self._main.run(failed)
        for thread in threads:
            thread.join(STOP_WITHIN / len(threads))

    def deliver_due(self) -> float:
        """Deliver everything that is due in every lane; give the seconds until the next try."""
        seconds = [lane.deliver_due() for lane in (self._main, *self._lanes)]
        return min([*seconds, self._files.deliver_due()])


class _Present:
    """The main pager, which answers for pagers that are named in routing.yaml and configured nowhere."""

    def __init__(self, pager: Pager) -> None:
        self._pager = pager

    def deliver(self, message: Message) -> Delivery:
        """Post the message, or refuse a call that nobody can make."""
        channel = message.post.channel
        if channel in PAGERS:
            return Rejected(f"{channel} is not configured: {SETTING[channel]} is not set")
        return self._pager.deliver(message)
