"""The world in memory: a clock that is moved by hand, a source and others that answer as scripted."""

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from monitor.core.model import Labels
from monitor.core.pages.plot import Plot
from monitor.ports.metrics import (
    Answer,
    Column,
    ColumnAnswer,
    RangeAnswer,
    RangeColumns,
    RangeSamples,
    Samples,
    Unanswered,
)
from monitor.ports.pager import Delivery, Message, Sent
from monitor.ports.world import Availability, Exited, Killed, Missing, NoAnswer, NotStarted, Status, Undrawn, Unknown


class ManualClock:
    """A clock that is moved by hand."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._monotonic = 1000.0

    def now(self) -> datetime:
        """Give the present."""
        return self._now

    def monotonic(self) -> float:
        """Give seconds that only `advance` moves."""
        return self._monotonic

    def steps(self, seconds: float) -> None:
        """Let the wall clock be set, forward or back, while no time passes."""
        self._now += timedelta(seconds=seconds)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds


class ScriptedSource:
    """A source that answers what it is told: `script` gives the answer of an expression at a time."""

    def __init__(self, script: Callable[[str, int], Answer]) -> None:
        self.script = script
        self.time: datetime | None = None

    def instant(self, expr: str, at: int, *, deadline: float) -> Answer:
        """Give the scripted answer; none within no time."""
        return self.script(expr, at) if deadline > 0 else Unanswered("no time was left")

    def instants(self, exprs: Sequence[str], at: int, *, deadline: float) -> Mapping[str, Answer]:
        """Give the scripted answer of each."""
        return {expr: self.instant(expr, at, deadline=deadline) for expr in dict.fromkeys(exprs)}

    def range(self, expr: str, start: int, end: int, step: int, *, deadline: float) -> RangeAnswer:
        """Give the scripted answers of each time, or the first that is no samples."""
        found = {}
        for at in range(start, end + 1, step):
            answer = self.instant(expr, at, deadline=deadline)
            if not isinstance(answer, Samples):
                return answer
            found[at] = answer.samples
        return RangeSamples(found)

    def columns(self, expr: str, start: int, end: int, step: int, *, deadline: float) -> ColumnAnswer:
        """Give the scripted answers by series, or the first that is no samples."""
        answer = self.range(expr, start, end, step, deadline=deadline)
        if not isinstance(answer, RangeSamples):
            return answer
        times = range(start, end + 1, step)
        found: dict[Labels, tuple[array[float], bytearray]] = {}
        for place, at in enumerate(times):
            for sample in answer.at[at]:
                empty = array("d", bytes(8 * len(times))), bytearray(len(times))
                values, present = found.setdefault(sample.labels, empty)
                values[place], present[place] = sample.value, 1
        columns = tuple(Column(labels, values, bytes(present)) for labels, (values, present) in found.items())
        return RangeColumns(start, step, len(times), columns)

    def clock(self) -> datetime | None:
        """Give the time that it was told to have."""
        return self.time


class RecordingPager:
    """A pager that keeps what it is given; it answers `replies` first, then that everything arrived."""

    def __init__(self, replies: Iterable[Delivery] = ()) -> None:
        self.messages: list[Message] = []
        self._replies = list(replies)

    def deliver(self, message: Message) -> Delivery:
        """Keep the message, and answer."""
        self.messages.append(message)
        if self._replies:
            return self._replies.pop(0)
        return Sent(message.post.ts or f"{len(self.messages)}.000000")


class RecordingArtist:
    """An artist that keeps the plots it is asked for; it answers `replies` first, then with a picture of nothing."""

    def __init__(self, replies: Iterable[bytes | Undrawn] = ()) -> None:
        self.plots: list[Plot] = []
        self.stopped = False
        self._replies = list(replies)

    def draw(self, plot: Plot) -> bytes | Undrawn:
        """Keep the plot, and answer."""
        self.plots.append(plot)
        return self._replies.pop(0) if self._replies else b"a picture"

    def stop(self) -> None:
        """Remember that it was asked to stop."""
        self.stopped = True


class RecordingSwitch:
    """A dead-man's switch that counts its calls; it answers `replies` first (what was wrong), then that all is well."""

    def __init__(self, replies: Iterable[str] = ()) -> None:
        self.calls = 0
        self._replies = list(replies)

    def call(self) -> str:
        """Count the call, and answer."""
        self.calls += 1
        return self._replies.pop(0) if self._replies else ""


class ScriptedProber:
    """A prober that keeps what it was asked and answers by URL; what it does not know does not answer."""

    def __init__(self, answers: Mapping[str, Status | NoAnswer] | None = None) -> None:
        self.answers = dict(answers or {})
        self.asked: list[str] = []

    def status(self, url: str, *, deadline: float) -> Status | NoAnswer:
        """Keep the URL, and answer; nothing within no time."""
        self.asked.append(url)
        return self.answers.get(url, NoAnswer("nothing answers there")) if deadline > 0 else NoAnswer("no time")


class ScriptedCommands:
    """A runner that runs nothing: it keeps what it was given and ends by the script, well where none stands."""

    def __init__(self, ends: Mapping[tuple[str, ...], Exited | Killed | NotStarted] | None = None) -> None:
        self.ends = dict(ends or {})
        self.ran: list[tuple[str, ...]] = []

    def run(self, argv: Sequence[str], *, deadline: float) -> Exited | Killed | NotStarted:
        """Keep the words, and end; killed within no time."""
        self.ran.append(tuple(argv))
        return self.ends.get(tuple(argv), Exited(0)) if deadline > 0 else Killed()

    def close(self) -> None:
        """Nothing runs."""


class ScriptedRegistry:
    """A registry that has what it is told to; what it was not told of is missing. `trouble` is what its probe tells."""

    def __init__(self, images: Mapping[str, Availability] | None = None, *, trouble: str = "") -> None:
        self.images = dict(images or {})
        self.trouble = trouble
        self.asked: list[str] = []

    def available(self, image: str, *, deadline: float) -> Availability:
        """Give what it was told of the image; nothing is known within no time."""
        self.asked.append(image)
        return self.images.get(image, Missing()) if deadline > 0 else Unknown("it did not answer in time")

    def probe(self, *, deadline: float) -> str:
        """Give its trouble."""
        return self.trouble if deadline > 0 else "it did not answer in time"
