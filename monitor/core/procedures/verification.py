"""What the checks of a procedure found, and whether that is enough to end an incident. Frozen and pure.

Every result says what was measured and what was asked for, in words and in numbers, and is data: it goes into events
and evidence as it stands. How anything is asked is not known here; nothing that could not be asked ever passes.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from monitor.core.model import AlertKey, Labels, Sample
from monitor.core.procedures.procedure import Check
from monitor.core.redaction import shown_url
from monitor.core.rules.signal import Unit
from monitor.core.words import shortened

DETAIL = 16 * 1024
"""The most characters that a result keeps of what a command printed."""

SAID = 300
"""The most characters of a result's sentence."""


class Outcome(StrEnum):
    """How a check stands.

    Unknown: it could not be asked. Not run: a command that is not allowed here, so that a person runs it and enters
    the result. Waiting: nothing is wrong, but it does not hold for long enough, or cannot be seen just now.
    """

    PASSED = "passed"
    WAITING = "waiting"
    NOT_RUN = "not_run"
    UNKNOWN = "unknown"
    FAILED = "failed"


GRAVITY = tuple(Outcome)
"""The outcomes, the gravest last."""


@dataclass(frozen=True, slots=True)
class SignalHeld:
    """One signal that paged, as it stands: for how many seconds it is clear, and its newest reading.

    `value` and `limit` are in `unit`; `why` is the reading's sentence, or why there is none: it is not `seen` then, and
    its clock stands.
    """

    key: AlertKey
    summary: str
    outcome: Outcome
    held_for: int = 0
    value: float | None = None
    limit: float | None = None
    unit: Unit = Unit.NUMBER
    why: str = ""
    seen: bool = True


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one check found, from `started_at` to `ended_at`.

    `said` is the sentence for people (the measured value and the limit), `detail` the end of what a command printed
    (or the command to run), `before` what it read when the signals fired. Where it must hold for `hold` seconds, it
    does so for `held_for`. `by` entered the result of a check that is not run here.
    """

    id: str
    title: str
    kind: str
    outcome: Outcome
    started_at: datetime
    ended_at: datetime
    said: str = ""
    value: float | None = None
    limit: float | None = None
    detail: str = ""
    before: str = ""
    held_for: int = 0
    hold: int = 0
    signals: tuple[SignalHeld, ...] = ()
    by: str = ""

    @property
    def unseen(self) -> bool:
        """Whether something that it waits for cannot be seen just now."""
        return any(not one.seen for one in self.signals)


@dataclass(frozen=True, slots=True)
class Entered:
    """What somebody says of a check that is not run here; `note` is their own words."""

    passed: bool
    by: str
    at: datetime
    note: str = ""


# --- the verdict --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether an incident may end: `outcome` is the gravest of all, `blocking` what has not passed, gravest first."""

    outcome: Outcome
    blocking: tuple[CheckResult, ...]
    passed: int
    of: int

    @property
    def green(self) -> bool:
        """Whether every check has passed."""
        return self.outcome is Outcome.PASSED

    @property
    def sentence(self) -> str:
        """What stands in the way, such as "1 of 3 checks passed; failed: Login works (0.4, must be above 0.9)"."""
        counted = f"{self.passed} of {self.of} check{'' if self.of == 1 else 's'} passed"
        if not self.blocking:
            return counted if self.of else "nothing was checked"
        first = self.blocking[0]
        more = f" (+{len(self.blocking) - 1} more)" if len(self.blocking) > 1 else ""
        return f"{counted}; {str(first.outcome).replace('_', ' ')}: {first.title} ({first.said}){more}"


def verdict(results: Sequence[CheckResult]) -> Verification:
    """Give whether the incident may end. Nothing checked is nothing proven; only `passed` passes."""
    blocking = [one for one in results if one.outcome is not Outcome.PASSED]
    blocking.sort(key=lambda one: -GRAVITY.index(one.outcome))
    outcome = blocking[0].outcome if blocking else Outcome.PASSED if results else Outcome.UNKNOWN
    return Verification(outcome, tuple(blocking), len(results) - len(blocking), len(results))


# --- one check ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Finding:
    """What asking a check gave, before it is put beside its check and its times."""

    outcome: Outcome
    said: str = ""
    value: float | None = None
    detail: str = ""
    before: str = ""


def result_of(check: Check, found: Finding, started_at: datetime, ended_at: datetime) -> CheckResult:
    """Give the result of `check`."""
    limit = {"promql": _limit(check), "http": float(check.status)}.get(check.kind)
    return CheckResult(
        id=check.id,
        title=check.title,
        kind=check.kind,
        outcome=found.outcome,
        started_at=started_at,
        ended_at=ended_at,
        said=shortened(found.said, SAID),
        value=found.value,
        limit=limit,
        detail=found.detail[-DETAIL:],
        before=found.before,
    )


def compared(check: Check, samples: Sequence[Sample]) -> Finding:
    """Give what the samples of a promql check say: every one must hold; no data, or no number, is not known."""
    if not samples:
        return Finding(Outcome.UNKNOWN, f"no data, and {_wanted(check)} is asked for")
    lacking = [one for one in samples if math.isnan(one.value)]
    known = [one for one in samples if not math.isnan(one.value)]
    worst = _worst(check, known)
    if worst is not None and not _holds(check, worst.value):
        return Finding(Outcome.FAILED, _measured(check, worst, len(samples)), _finite(worst.value))
    if lacking or worst is None:
        where = f" ({_named(lacking[0].labels)})" if lacking[0].labels and len(samples) > 1 else ""
        return Finding(Outcome.UNKNOWN, f"the value is no number{where}, and {_wanted(check)} is asked for")
    return Finding(Outcome.PASSED, _measured(check, worst, len(samples)), _finite(worst.value))


def read_before(check: Check, samples: Sequence[Sample]) -> str:
    """Give what a promql check read at an earlier time, in words; nothing where it read nothing."""
    worst = _worst(check, [one for one in samples if not math.isnan(one.value)])
    return f"{worst.value:.4g}" if worst is not None else ""


def answered(check: Check, status: int) -> Finding:
    """Give what an HTTP status says; a redirect is not followed, so it is an answer like any other."""
    elsewhere = ", a redirect, which is not followed" if 300 <= status < 400 and status != check.status else ""  # noqa: PLR2004  # HTTP's own range
    outcome = Outcome.PASSED if status == check.status else Outcome.FAILED
    wanted = "" if status == check.status else f"; {check.status} is asked for"
    return Finding(outcome, f"{shown_url(check.target)} answered {status}{elsewhere}{wanted}", float(status))


def entered(result: CheckResult, one: Entered) -> CheckResult:
    """Give the result of a check that is not run here, as somebody entered it; any other result stays as it is."""
    if result.outcome is not Outcome.NOT_RUN:
        return result
    outcome = Outcome.PASSED if one.passed else Outcome.FAILED
    said = f"{'passed' if one.passed else 'failed'}, says {one.by}{f': {one.note}' if one.note else ''}"
    return replace(result, outcome=outcome, said=shortened(said, SAID), by=one.by, ended_at=one.at)


def _worst(check: Check, samples: Iterable[Sample]) -> Sample | None:
    """The sample that is nearest to failing."""
    nearest = min if check.above is not None else max
    return nearest(samples, key=lambda one: one.value, default=None)


def _holds(check: Check, value: float) -> bool:
    if check.above is not None:
        return value > check.above
    return check.below is not None and value < check.below


def _limit(check: Check) -> float | None:
    return check.above if check.above is not None else check.below


def _wanted(check: Check) -> str:
    return f"more than {check.above:.4g}" if check.above is not None else f"less than {check.below:.4g}"


def _measured(check: Check, worst: Sample, of: int) -> str:
    where = f", the worst of {of} series: {_named(worst.labels)}" if of > 1 else ""
    return f"{worst.value:.4g}, {_wanted(check)} is asked for{where}"


def _named(labels: Labels) -> str:
    return "{" + ", ".join(f'{name}="{value}"' for name, value in labels) + "}"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


# --- the signals that paged ---------------------------------------------------------------------------------------


def signals_result(
    check: Check, signals: Sequence[SignalHeld], hold: int, started_at: datetime, ended_at: datetime
) -> CheckResult:
    """Give the result of the signals check: the gravest of its signals, clear for as long as the shortest of them."""
    outcome = max((one.outcome for one in signals), key=GRAVITY.index, default=Outcome.UNKNOWN)
    held = min((one.held_for for one in signals), default=0)
    return CheckResult(
        id=check.id,
        title=check.title,
        kind=check.kind,
        outcome=outcome,
        started_at=started_at,
        ended_at=ended_at,
        said=shortened(_said_of(signals, outcome), SAID),
        held_for=held,
        hold=hold,
        signals=tuple(signals),
    )


def _said_of(signals: Sequence[SignalHeld], outcome: Outcome) -> str:
    if not signals:
        return "no signal of this incident can be watched"
    telling = [one for one in signals if one.outcome is outcome]
    first = min(telling, key=lambda one: one.held_for)
    others = f" (+{len(telling) - 1} more)" if len(telling) > 1 and outcome is not Outcome.PASSED else ""
    name = f"{first.summary}: " if len(signals) > 1 and outcome is not Outcome.PASSED else ""
    return f"{name}{first.why}{others}"


def progress(held: int, hold: int) -> str:
    """Give how far a clock has come: "clear 3 of 10 min", "clear 20 of 45 s"."""
    if hold % 60 or hold < 120:  # noqa: PLR2004  # below two minutes seconds are told
        return f"clear {min(held, hold)} of {hold} s"
    return f"clear {min(held, hold) // 60} of {hold // 60} min"
