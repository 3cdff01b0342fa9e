"""What a verification is about, and how the answers of one run become results, check by check. Pure.

The signals that paged are always among the checks. How anything is asked is not known here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from monitor.core.incidents.events import Firing
from monitor.core.model import AlertKey, Tier
from monitor.core.procedures.clearance import Watched, standing
from monitor.core.procedures.procedure import Check, Step
from monitor.core.procedures.verification import (
    CheckResult,
    Entered,
    Finding,
    Outcome,
    entered,
    result_of,
    signals_result,
)

SIGNALS = Check("signals", "The signals that paged are clear")
"""What every verification begins with, whether the procedure says so or not."""

LOOK = "the signals"
"""What the one look at all signals is named among what a run does; no check has an id with a blank in it."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a verification is about: an incident, its signals that paged, and for how long they must be clear (s).

    `excused` says of signals why they are not waited for; `entered` what people say of checks that are not run here,
    by the check's id.
    """

    incident: str
    signals: tuple[Firing, ...]
    verify_for: int = 600
    excused: Mapping[AlertKey, str] = field(default_factory=dict)
    entered: Mapping[str, Entered] = field(default_factory=dict)

    @property
    def watched(self) -> tuple[Firing, ...]:
        """The signals that count: a banner that something is unseen is none."""
        return tuple(one for one in self.signals if one.key.tier is not Tier.BLIND)

    @property
    def fired_at(self) -> int | None:
        """When the first of them fired, in seconds since the epoch."""
        return min((int(one.fired_at.timestamp()) for one in self.watched), default=None)


def checks_of(step: Step) -> tuple[Check, ...]:
    """Give the checks of `step`; the signals that paged come first where it does not name them."""
    named = any(one.kind == SIGNALS.kind for one in step.checks)
    return step.checks if named else (SIGNALS, *step.checks)


@dataclass(frozen=True, slots=True)
class Answers:
    """What one run, from `started_at` to `ended_at`, found: results by the check's id, and how each signal stands.

    `missing` says of checks, by id, why there is no result; of the signals under the name `LOOK`.
    """

    started_at: datetime
    ended_at: datetime
    found: Mapping[str, CheckResult]
    looked: Mapping[AlertKey, Watched]
    missing: Mapping[str, str] = field(default_factory=dict)


def results_of(checks: tuple[Check, ...], context: Context, answers: Answers) -> tuple[CheckResult, ...]:
    """Give a result for each of `checks`; readings of too little traffic lean on the others that pass."""
    others = {one.id: _result(one, context, answers) for one in checks if one.kind != SIGNALS.kind}
    proven = any(one.outcome is Outcome.PASSED for one in others.values())
    return tuple(
        _signals(one, context, answers, proven=proven) if one.kind == SIGNALS.kind else others[one.id] for one in checks
    )


def _result(check: Check, context: Context, answers: Answers) -> CheckResult:
    unknown = Finding(Outcome.UNKNOWN, answers.missing.get(check.id, "nothing was found"))
    result = answers.found.get(check.id) or result_of(check, unknown, answers.started_at, answers.ended_at)
    one = context.entered.get(check.id)
    return entered(result, one) if one is not None else result


def _signals(check: Check, context: Context, answers: Answers, *, proven: bool) -> CheckResult:
    late = Watched(blind=answers.missing.get(LOOK, "nothing was read"))
    held = []
    for one in context.watched:
        excused, watched = context.excused.get(one.key, ""), answers.looked.get(one.key, late)
        held.append(standing(one, watched, context.verify_for, proven=proven, excused=excused))
    return signals_result(check, held, context.verify_for, answers.started_at, answers.ended_at)
