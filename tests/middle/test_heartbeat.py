"""The heartbeat: only after everything was complete, at most once a minute, and never in anybody's way."""

from datetime import UTC, datetime

from monitor.adapters.memory.world import ManualClock, RecordingSwitch
from monitor.runtime.heartbeat import Heartbeat


class Patient:
    """A heartbeat over a monitor whose last complete evaluation is set by hand."""

    def __init__(self, *replies: str) -> None:
        self.clock = ManualClock(datetime(2026, 3, 1, 3, 2, tzinfo=UTC))
        self.switch = RecordingSwitch(replies)
        self.told: list[str] = []
        self.complete_at = 0.0
        self.heart = Heartbeat(self.switch, self.clock, lambda since: self.complete_at > since, self.told.append)

    def walk(self, seconds: int, *, complete_every: int | None = 15) -> int:
        """Let time pass second by second; give the calls in it."""
        before = self.switch.calls
        for second in range(1, seconds + 1):
            self.clock.advance(1)
            if complete_every and second % complete_every == 0:
                self.complete_at = self.clock.monotonic()
            self.heart.beat_if_due()
        return self.switch.calls - before


def test_nothing_is_sent_before_everything_was_complete_once() -> None:
    patient = Patient()
    assert patient.walk(600, complete_every=None) == 0
    assert patient.walk(15) == 1


def test_it_beats_at_most_once_a_minute() -> None:
    patient = Patient()
    assert patient.walk(600) == 10


def test_it_stops_when_evaluations_are_complete_no_longer_and_comes_back_with_them() -> None:
    patient = Patient()
    patient.walk(60)
    patient.walk(60, complete_every=None)
    assert patient.walk(600, complete_every=None) == 0
    assert patient.walk(15) == 1


def test_a_switch_that_fails_is_called_again_a_minute_later() -> None:
    patient = Patient("it answered 503", "no answer: Connection refused")
    patient.walk(194)
    assert patient.told == ["failed", "failed", "sent"]
