"""How one signal that paged stands in the verification: from its clock and its newest reading to words. Pure.

Whoever asks says whether something else proves that the service works, and which signals need not be waited for.
"""

from dataclasses import dataclass, replace

from monitor.core.incidents.events import Firing
from monitor.core.model import Judgement
from monitor.core.procedures.clearclock import NEVER_READ, ClearClock, Seen
from monitor.core.procedures.verification import Outcome, SignalHeld, progress
from monitor.core.rules.rule import Resolve
from monitor.core.words import measure


@dataclass(frozen=True, slots=True)
class Watched:
    """What is known of a signal: its clock and newest judgement, or why it `cannot` be watched at all.

    `blind` says why its newest grid time was not read.
    """

    clock: ClearClock = NEVER_READ
    judgement: Judgement | None = None
    blind: str = ""
    cannot: str = ""


def standing(firing: Firing, watched: Watched, hold: int, *, proven: bool, excused: str = "") -> SignalHeld:
    """Give how the signal of `firing` stands, where it must be clear for `hold` seconds.

    `proven`: a check passes beside it, so that readings of too little traffic count as clear. `excused`: why it need
    not be waited for, such as "gone for good, says Ana".
    """
    if excused:
        return _held(firing, watched, Outcome.PASSED, hold, excused)
    if firing.resolve is Resolve.BY_PERSON:
        return _by_person(firing, watched, hold)
    if watched.cannot:
        return _held(firing, watched, Outcome.UNKNOWN, 0, watched.cannot)
    held = watched.clock.held(proven=proven)
    if watched.blind or watched.clock.seen is Seen.UNSEEN:
        return replace(_held(firing, watched, Outcome.WAITING, held, _unseen(watched, held, hold)), seen=False)
    if watched.clock.seen is Seen.BREACH:
        return _held(firing, watched, Outcome.FAILED, 0, f"still breaching: {_reading(firing, watched)}")
    outcome = Outcome.PASSED if held >= hold else Outcome.WAITING
    return _held(firing, watched, outcome, held, _clear(firing, watched, held, hold, proven=proven))


def _by_person(firing: Firing, watched: Watched, hold: int) -> SignalHeld:
    """A rule that resolves by a person is clear when somebody has dealt with it, whatever its signal reads."""
    if firing.active:
        return _held(firing, watched, Outcome.WAITING, 0, "waits for somebody to say that it is dealt with")
    return _held(firing, watched, Outcome.PASSED, hold, firing.resolved_why or "dealt with")


def _unseen(watched: Watched, held: int, hold: int) -> str:
    why = watched.blind or (watched.judgement.why if watched.judgement else "nothing was read yet")
    return f"cannot see: {why}; {progress(held, hold)}, and the clock stands"


def _clear(firing: Firing, watched: Watched, held: int, hold: int, *, proven: bool) -> str:
    told = f"{progress(held, hold)}: {_reading(firing, watched)}"
    if not watched.clock.quiet:
        return told
    if proven:
        return f"{told}; too little traffic to tell for {watched.clock.quiet} s of it, beside a check that passes"
    return f"{told}; {watched.clock.quiet} s of too little traffic count only beside a check that passes"


def _reading(firing: Firing, watched: Watched) -> str:
    parts = [watched.judgement.why] if watched.judgement and watched.judgement.why else []
    if firing.limit is not None:
        parts.append(f"pages {'over' if firing.above else 'under'} {measure(firing.limit, firing.unit)}")
    return "; ".join(parts)


def _held(firing: Firing, watched: Watched, outcome: Outcome, held: int, why: str) -> SignalHeld:
    value = watched.judgement.value if watched.judgement else None
    return SignalHeld(firing.key, firing.summary, outcome, held, value, firing.limit, firing.unit, why)
