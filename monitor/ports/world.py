"""The rest of the world: addresses, commands, registries, the dead-man's switch, what draws, and the clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias

from monitor.core.pages.plot import Plot


@dataclass(frozen=True, slots=True)
class Status:
    """A server answered with this HTTP status."""

    code: int


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """A server did not answer in time, or not at all; `why` never holds its address."""

    why: str


class Prober(Protocol):
    """What asks a server for nothing but a status."""

    def status(self, url: str, *, deadline: float) -> Status | NoAnswer:
        """Ask `url` once, following no redirect, for at most `deadline` seconds in all. Never raises."""


@dataclass(frozen=True, slots=True)
class Exited:
    """A command ended with `code` (negative: by that signal); `output` is the end of what it printed."""

    code: int
    output: str = ""


@dataclass(frozen=True, slots=True)
class Killed:
    """A command did not end in time: it and everything that it had started were killed."""

    output: str = ""


@dataclass(frozen=True, slots=True)
class NotStarted:
    """A command could not be started at all."""

    why: str


class CommandRunner(Protocol):
    """What runs fixed commands, without a shell."""

    def run(self, argv: Sequence[str], *, deadline: float) -> Exited | Killed | NotStarted:
        """Run `argv` for at most `deadline` seconds. Never raises."""

    def close(self) -> None:
        """Kill whatever still runs."""


@dataclass(frozen=True, slots=True)
class Undrawn:
    """A plot that could not be drawn, and why."""

    why: str


class Artist(Protocol):
    """Something that draws plots."""

    def draw(self, plot: Plot) -> bytes | Undrawn:
        """Draw `plot` as a PNG of at most `monitor.core.pages.plot.MOST_BYTES`. Never raises; bounded in time."""

    def stop(self) -> None:
        """Give up what is being drawn, and draw no more. Never raises; from any thread."""


class Switch(Protocol):
    """A dead-man's switch: somebody else's alarm that rings when it is called no longer."""

    def call(self) -> str:
        """Call it once; give what was wrong, or nothing. Never raises; bounded in time."""


@dataclass(frozen=True, slots=True)
class Present:
    """The registry has the image; `digest` is what its name stands for now ("" where it did not say)."""

    digest: str = ""


@dataclass(frozen=True, slots=True)
class Missing:
    """The registry says that it does not have the image."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody knows whether the image is there: no answer, refused, or not an image of this registry."""

    why: str


Availability: TypeAlias = Present | Missing | Unknown


class Registry(Protocol):
    """Where images come from."""

    def available(self, image: str, *, deadline: float) -> Availability:
        """Say whether `image` (such as registry.example.com/shop/auth:2.13.4) can be had. Never raises."""

    def probe(self, *, deadline: float) -> str:
        """See whether it answers and takes our credentials; give what is wrong, or nothing. Never raises."""


class Clock(Protocol):
    """The only source of time."""

    def now(self) -> datetime:
        """Give the present as an aware UTC time."""

    def monotonic(self) -> float:
        """Give seconds that never jump."""
