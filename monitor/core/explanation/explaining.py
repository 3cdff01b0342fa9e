"""Why an alert did or did not fire at one grid time, as a value: what was read, held against what, judged how.

Pure: judgements come from `core.judging.judge`, states from `core.judging.evaluate`; nothing is judged or moved here.
The words are apart (`monitor.core.explanation.explainedwords`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from monitor.core.explanation.levers import Lever, levers
from monitor.core.explanation.outlook import Outlook, outlook
from monitor.core.explanation.whatif import Case, read_references
from monitor.core.judging.judge import Proof, base_of, judge, needed_failures, needed_requests, proof_of
from monitor.core.judging.latency import BEFORE_DEPLOY, enough
from monitor.core.judging.observe import Observation
from monitor.core.model import Alert, AlertKey, Cause, Judgement, Reference, State, Transition, Verdict
from monitor.core.rules.rule import Group, Rule, TierRule
from monitor.core.rules.signal import ErrorRatio, Latency

TOLD = 4
"""The last changes of an alert that are told."""


class Origin(StrEnum):
    """Where a state is known from: the running daemon, its database, or derived from Prometheus's history."""

    DAEMON = "daemon"
    DATABASE = "database"
    HISTORY = "history"


@dataclass(frozen=True, slots=True)
class Change:
    """One change of the state of an alert: at grid time `at`, from what to what, and why."""

    at: int
    before: State
    after: State
    cause: Cause


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of an alert at one time (`alert` None: inactive), where it is known from, and how it came there.

    `changes` are the last ones up to that time, in order; `unknown` says why the state is not known.
    """

    alert: Alert | None = None
    origin: Origin = Origin.HISTORY
    changes: tuple[Change, ...] = ()
    unknown: str = ""

    @property
    def state(self) -> State:
        """The state."""
        return self.alert.state if self.alert is not None else State.INACTIVE


@dataclass(frozen=True, slots=True)
class Guard:
    """How much traffic a verdict needs, and how much there is."""

    name: str
    needed: float
    found: float

    @property
    def met(self) -> bool:
        """Whether there is enough."""
        return enough(self.found, self.needed)


@dataclass(frozen=True, slots=True)
class HeldAgainst:
    """One reference of a latency; `larger`: it is the one that counts; `shown`: it is for people only."""

    reference: Reference
    larger: bool = False
    shown: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of grid times with one verdict (None: Prometheus did not answer), and the least and largest value."""

    first: int
    last: int
    verdict: Verdict | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """What is explained: one alert of a rule, at grid time `at` of its group."""

    group: Group
    rule: Rule
    tier: TierRule
    key: AlertKey
    at: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """All of it.

    `seen` is what was read (None: nothing of this instance); `base` are the seconds that a latency is held against;
    `held_back` says why a reading that breaches by itself does not count as a breach.
    """

    subject: Subject
    judgement: Judgement
    seen: Observation | None
    standing: Standing
    outlook: Outlook
    guards: tuple[Guard, ...] = ()
    proof: Proof | None = None
    references: tuple[HeldAgainst, ...] = ()
    base: float | None = None
    levers: tuple[Lever, ...] = ()
    held_back: str = ""
    lately: tuple[Span, ...] = ()


def explain(
    subject: Subject,
    judgement: Judgement,
    seen: Observation | None,
    standing: Standing,
    lately: tuple[Span, ...] = (),
) -> Explanation:
    """Explain the `judgement` that the engine gave for what was `seen`, and the state that it led to."""
    tier, references = subject.tier, read_references(judgement.baseline)
    case = Case(subject.rule.signal, tier, seen, references) if seen is not None else None
    signal = subject.rule.signal
    base = base_of(signal, tier, references) if isinstance(signal, Latency) else None
    return Explanation(
        subject=subject,
        judgement=judgement,
        seen=seen,
        standing=standing,
        outlook=outlook(subject.rule, tier, subject.group, standing.alert, judgement.verdict, subject.at),
        guards=_guards(case) if case else (),
        proof=proof_of(signal, tier, case.seen, references) if case else None,
        references=_held_against(judgement, base),
        base=base,
        levers=levers(case) if case else (),
        held_back=_held_back(case, judgement) if case else "",
        lately=lately,
    )


def _guards(case: Case) -> tuple[Guard, ...]:
    """Give the guards that count for this kind of signal."""
    if case.seen.requests is None:
        return ()
    found = [Guard("min_requests", needed_requests(case.tier), case.seen.requests)]
    failures = needed_failures(case.signal, case.tier)
    if isinstance(case.signal, ErrorRatio) and failures > 0:
        found.append(Guard("min_failures", failures, case.seen.failures or 0.0))
    return tuple(found)


def _held_back(case: Case, judgement: Judgement) -> str:
    """Give why the engine judged otherwise than the reading alone would be (a release, a condition); else nothing."""
    alone = judge(case.signal, case.tier, case.seen, case.references)
    return judgement.why if alone.verdict is not judgement.verdict else ""


def _held_against(judgement: Judgement, base: float | None) -> tuple[HeldAgainst, ...]:
    counted = [one for one in judgement.baseline if one.name != BEFORE_DEPLOY and (one.seconds or 0.0) > 0]
    largest = max(counted, key=lambda one: one.seconds or 0.0, default=None) if base is not None else None
    return tuple(HeldAgainst(one, one is largest, one.name == BEFORE_DEPLOY) for one in judgement.baseline)


def spans(points: Iterable[tuple[int, Judgement | None]]) -> tuple[Span, ...]:
    """Give the stretches of one verdict each; None stands for a point that was not answered."""
    found: list[Span] = []
    for at, judgement in points:
        verdict, value = (judgement.verdict, judgement.value) if judgement is not None else (None, None)
        last = found[-1] if found else None
        if last is not None and last.verdict is verdict:
            found[-1] = Span(last.first, at, verdict, _least(last.low, value), _most(last.high, value))
        else:
            found.append(Span(at, at, verdict, value, value))
    return tuple(found)


def _least(one: float | None, other: float | None) -> float | None:
    return min((value for value in (one, other) if value is not None), default=None)


def _most(one: float | None, other: float | None) -> float | None:
    return max((value for value in (one, other) if value is not None), default=None)


# --- the state at a time that is over ---------------------------------------------------------------------------------


def changes_of(transitions: Iterable[Transition]) -> Mapping[AlertKey, tuple[Change, ...]]:
    """Give what `transitions` say of each alert, in their order."""
    found: dict[AlertKey, tuple[Change, ...]] = {}
    for one in transitions:
        change = Change(one.at, one.before, one.after, one.cause)
        found[one.alert.key] = (*found.get(one.alert.key, ()), change)
    return found


@dataclass(frozen=True, slots=True)
class Told:
    """One recorded change of an alert, with the beginning of its breach."""

    change: Change
    since: int


def as_recorded(key: AlertKey, told: Sequence[Told], derived: Alert | None) -> Alert | None:
    """Give the alert as the record has it, None where it was inactive; `told` are its changes up to the time asked for.

    The record knows states and their times. What was not credited is taken from what was `derived` from history, where
    that is the same alert.
    """
    last = told[-1]
    if last.change.after is State.INACTIVE:
        return None
    if derived is not None and (derived.state, derived.since) == (last.change.after, last.since):
        return derived
    fired = [one.change.at for one in told if one.since == last.since and one.change.after is State.FIRING]
    clear = last.change.at if last.change.after is State.RECOVERING else None
    return Alert(key, last.change.after, last.since, fired_at=fired[0] if fired else None, clear_since=clear)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of one alert at a time.

    `folded` is what folding made of it, `past` what it did on that way, and `told` are its recorded changes up to then.
    `whose` says who kept the record, and the state where `from_kept`; else it was folded from history.
    """

    folded: Alert | None = None
    past: tuple[Change, ...] = ()
    told: tuple[Told, ...] = ()
    whose: Origin = Origin.HISTORY
    from_kept: bool = False


def standing(key: AlertKey, known: Evidence) -> Standing:
    """Give how an alert stood: as it was kept, else as it was recorded, else as history derives it."""
    recorded = tuple(one.change for one in known.told)
    if known.from_kept:
        since = (one for one in known.past if one not in recorded)
        return Standing(known.folded, known.whose, (*recorded, *since)[-TOLD:])
    if recorded:
        return Standing(as_recorded(key, known.told, known.folded), known.whose, recorded[-TOLD:])
    return Standing(known.folded, Origin.HISTORY, known.past[-TOLD:])
