"""Why alerts do or do not fire, now or then: reads what the engine would read, folds as it folds, and explains it.

Judging, deriving and stepping are the engine's own; nothing is written and nobody is paged.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from monitor.core.explanation.explainedwords import moment, named
from monitor.core.explanation.explaining import (
    Evidence,
    Explanation,
    Origin,
    Span,
    Standing,
    Subject,
    Told,
    changes_of,
    explain,
    spans,
    standing,
)
from monitor.core.incidents.silence import fits
from monitor.core.judging.judge import unseen
from monitor.core.judging.observe import Observation, observe
from monitor.core.model import AlertKey, Judgement, State, Tier, Verdict
from monitor.core.rules.rule import Group, Matcher, Rule
from monitor.core.rules.ruleset import RuleSet
from monitor.core.rules.signal import Condition
from monitor.evaluation.baselines import Baselines
from monitor.evaluation.deploys import Deploys
from monitor.evaluation.engine import Fold, Run
from monitor.evaluation.grid import history, newest_point
from monitor.evaluation.ranges import Deadline
from monitor.evaluation.reading import Judged, Point, Reader, Waiting, in_error
from monitor.files.findings import nearest
from monitor.ports.metrics import MetricsSource
from monitor.ports.store import GroupState
from monitor.ports.world import Clock
from monitor.rulebook import RuleBook
from monitor.workbench.kept import Kept
from monitor.workbench.overheard import Overheard
from monitor.workbench.questions import Question, questions_of

GONE = "the instance is no longer in the data"

LATELY = 300
"""Seconds before the time in question whose verdicts are told, at least."""

NAMED = 6
"""Alerts that are named where none fits."""

GRAVEST = (State.FIRING, State.RECOVERING, State.PENDING, State.INACTIVE)
WORST = (Verdict.BREACH, Verdict.ERROR, Verdict.BETWEEN, Verdict.INSUFFICIENT, Verdict.NO_DATA, Verdict.CLEAR)


class UnknownAlertError(Exception):
    """There is no such alert; the sentence names the nearest."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which alerts of a rule: those whose labels fit, of one tier or (None) of both."""

    matchers: tuple[Matcher, ...] = ()
    tier: Tier | None = None

    def fits(self, key: AlertKey) -> bool:
        """Whether it is one of them."""
        return (self.tier is None or key.tier is self.tier) and fits(self.matchers, key.labels)


@dataclass(frozen=True, slots=True)
class Explained:
    """One rule explained at grid time `at`: its alerts, the gravest first, and what to ask Prometheus to see it.

    `remarks` are sentences about the answer as a whole; `trouble` says why nothing was judged.
    """

    group: Group
    rule: Rule
    at: int
    alerts: tuple[Explanation, ...]
    questions: tuple[Question, ...] = ()
    remarks: tuple[str, ...] = ()
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class _State:
    """What is known of the alerts of one rule at one time; `unknown` says why nothing is."""

    standings: Mapping[AlertKey, Standing]
    origin: Origin
    unknown: str = ""

    def of(self, key: AlertKey) -> Standing:
        """Give the standing of one alert."""
        return self.standings.get(key, Standing(origin=self.origin, unknown=self.unknown))


class Explainer:
    """Explains alerts of `rules`; `kept` is what a daemon or its database tells. One for each question."""

    def __init__(self, source: MetricsSource, clock: Clock, rules: RuleSet, kept: Kept, seconds: float) -> None:
        self._heard = Overheard(source)
        self._reader = Reader(self._heard, Baselines(self._heard), Deploys(self._heard))
        self._book, self._clock = RuleBook(rules).now, clock
        self._others = kept.digest not in {"", rules.digest}
        self._kept = Kept() if self._others else kept
        self._deadline = Deadline(clock, clock.monotonic() + seconds)

    def alert(self, name: str, at: int | None = None, wanted: Wanted | None = None) -> Explained:
        """Explain the alerts of the rule `name` at the grid time before `at` (None: the newest that can be read).

        Raises UnknownAlertError.
        """
        group, rule = self._named(name)
        read, points = self._read(group, (rule,), at)
        case, state = _Case(group, rule, read), self._states(group, (rule,), read)[rule.alert]
        explained = self._explained(case, points[rule.alert], state, self._lately(case))
        chosen = tuple(one for one in explained.alerts if wanted is None or wanted.fits(one.subject.key))
        trouble = explained.trouble
        if explained.alerts and not chosen:
            trouble = f"none of its {len(explained.alerts)} alerts fits: {_names(explained.alerts)}"
        windows = [one.subject.tier.window for one in chosen] or [one.window for one in rule.every_tier]
        questions, remarks = questions_of(self._book.plan, rule, windows, read), tuple(self._remarks(case, at, chosen))
        return replace(explained, alerts=chosen, remarks=remarks, questions=questions, trouble=trouble)

    def everything(self) -> tuple[Explained, ...]:
        """Explain every alert of every rule, now, in the order of the rules."""
        return tuple(one for group in self._book.rules.groups if group.rules for one in self._whole(group))

    def _whole(self, group: Group) -> Iterable[Explained]:
        at, points = self._read(group, group.rules, None)
        states = self._states(group, group.rules, at)
        for rule in group.rules:
            yield self._explained(_Case(group, rule, at), points[rule.alert], states[rule.alert])

    def _named(self, name: str) -> tuple[Group, Rule]:
        known = {rule.alert: (group, rule) for group in self._book.rules.groups for rule in group.rules}
        if name not in known:
            folded = {alert.lower(): alert for alert in known}
            close = folded.get(name.lower())
            hint = f"did you mean `{close}`?" if close else nearest(name, tuple(known), f"there are {', '.join(known)}")
            raise UnknownAlertError(f"there is no alert `{name}`; {hint}")
        return known[name]

    # --- reading ------------------------------------------------------------------------------------------------------

    def _read(self, group: Group, rules: Sequence[Rule], at: int | None) -> tuple[int, Mapping[str, Point]]:
        """Read one grid time of `rules`; the source's answer tells whether it can have happened for it yet."""
        now = self._clock.now().timestamp()
        newest = newest_point(group, now)
        while True:
            moment = newest if at is None else min(newest, at // group.interval * group.interval)
            points = self._reader.together(self._book.plan, rules, moment, self._deadline)
            readable = newest_point(group, now, self._reader.source_time())
            if moment <= readable:
                return moment, {alert: one[0] for alert, one in points.items()}
            newest = readable

    def _lately(self, case: "_Case") -> Sequence[tuple[int, Point]]:
        """Read what an alert's hold is made of, as far back as its state would be derived from."""
        rule, group = case.rule, case.group
        seconds = max(rule.keep_firing_for, LATELY, *(tier.hold for tier in rule.every_tier)) + 2 * group.interval
        times = history(group, seconds, case.at).times
        return tuple(zip(times, self._reader.points(self._book.plan, rule, times, self._deadline), strict=True))

    # --- states -------------------------------------------------------------------------------------------------------

    def _states(self, group: Group, rules: Sequence[Rule], at: int) -> Mapping[str, _State]:
        """Fold the rules up to `at` as the engine does: from what is kept where that is no later, else from history."""
        kept = self._kept.states.get(group.name, GroupState(group.name))
        names = {rule.alert for rule in rules}
        cursors = {alert: one for alert, one in kept.cursors.items() if alert in names and one <= at}
        alerts = {key: one for key, one in kept.alerts.items() if key.alert in cursors}
        only = replace(group, rules=tuple(rules))
        fold = Fold(self._reader, self._book, only, at + group.query_offset, self._deadline)
        fold.decide(GroupState(group.name, 0, cursors, alerts))
        return {run.rule.alert: self._state(run, at, from_kept=run.rule.alert in cursors) for run in fold.runs}

    def _state(self, run: Run, at: int, *, from_kept: bool) -> _State:
        if run.cursor != at:
            why = run.look.waiting if run.look is not None else ""
            return _State({}, Origin.HISTORY, why or "its readings were not all answered")
        told, past = self._told(run.rule.alert, at), changes_of(run.past or run.transitions)
        whose = self._kept.origin
        known = {
            key: Evidence(run.alerts.get(key), past.get(key, ()), told.get(key, ()), whose, from_kept)
            for key in {*run.alerts, *past, *told}
        }
        standings = {key: standing(key, one) for key, one in known.items()}
        return _State(standings, whose if from_kept else Origin.HISTORY)

    def _told(self, alert: str, at: int) -> Mapping[AlertKey, tuple[Told, ...]]:
        """Give what is recorded of each alert up to `at`; nothing of one that has nothing."""
        recorded = self._kept.changes(alert)
        found = {key: tuple(one for one in some if one.change.at <= at) for key, some in recorded.items()}
        return {key: some for key, some in found.items() if some}

    # --- explaining ---------------------------------------------------------------------------------------------------

    def _explained(
        self,
        case: "_Case",
        point: Point,
        state: _State,
        lately: Sequence[tuple[int, Point]] = (),
    ) -> Explained:
        if isinstance(point, Waiting):
            return Explained(case.group, case.rule, case.at, (), trouble=f"it was not answered: {point.why}")
        known = [key for key, one in state.standings.items() if one.alert is not None]
        found = in_error(known, point.error) if point.error else {**_gone(case.rule, known), **point.judgements}
        alerts = [
            explain(subject, found[key], self._seen(subject), state.of(key), _spans(lately, key))
            for key in found
            if (subject := case.subject(key)) is not None
        ]
        trouble = point.error or ("" if alerts else _empty(case.rule))
        return Explained(case.group, case.rule, case.at, tuple(sorted(alerts, key=_gravest_first)), trouble=trouble)

    def _seen(self, subject: Subject) -> Observation | None:
        """Give what was read of an instance, from the very answers that were judged."""
        parts = self._book.plan.parts[subject.rule.alert][subject.tier.window]
        samples = {part: self._heard.samples(expr, subject.at) for part, expr in parts.items()}
        read = {part: one for part, one in samples.items() if one is not None}
        return observe(subject.rule.signal, read).get(subject.key.labels) if len(read) == len(parts) else None

    # --- what is said beside it ---------------------------------------------------------------------------------------

    def _remarks(self, case: "_Case", asked: int | None, alerts: Sequence[Explanation]) -> Iterable[str]:
        grid = case.group.interval
        if asked is not None and case.at < asked // grid * grid:
            yield f"later than {moment(case.at, asked)} nothing can be read yet"
        if self._others:
            yield "the daemon runs other rules than those that were read here: this is what these make of it"
        if case.rule.shadow:
            yield "the rule is in the shadow: it is evaluated and recorded, and pages nobody"
        for key in (one.subject.key for one in alerts if asked is None):
            if hidden := self._kept.hiding.get(str(key)):
                yield f"{named(key)} {key.tier} pages nobody now: {hidden}"


@dataclass(frozen=True, slots=True)
class _Case:
    """One rule at one grid time."""

    group: Group
    rule: Rule
    at: int

    def subject(self, key: AlertKey) -> Subject | None:
        """Give one of its alerts; None where its tier is switched off."""
        tier = self.rule.tier(key.tier, key.labels)
        return Subject(self.group, self.rule, tier, key, self.at) if tier is not None else None


def _empty(rule: Rule) -> str:
    if isinstance(rule.signal, Condition):
        return "its expression gives no result: nothing is wrong"
    return "its reading is empty: there is no instance"


def _gone(rule: Rule, keys: Iterable[AlertKey]) -> dict[AlertKey, Judgement]:
    """Give what is heard of alerts that are known and were not read, as `step` hears it."""
    return {key: replace(unseen(rule.signal, rule.tier(key.tier, key.labels)), why=GONE) for key in keys}


def _spans(points: Sequence[tuple[int, Point]], key: AlertKey) -> tuple[Span, ...]:
    nothing = Judgement(Verdict.NO_DATA)
    judged = [
        (at, None if isinstance(one, Waiting) else _in_error(one) or one.judgements.get(key, nothing))
        for at, one in points
    ]
    return spans(judged)


def _in_error(point: Judged) -> Judgement | None:
    return Judgement(Verdict.ERROR, why=point.error) if point.error else None


def _names(alerts: Sequence[Explanation]) -> str:
    keys = sorted({one.subject.key for one in alerts})
    more = f" and {len(keys) - NAMED} more" if len(keys) > NAMED else ""
    return ", ".join(f"{named(key)} {key.tier}" for key in keys[:NAMED]) + more


def _gravest_first(one: Explanation) -> tuple[int, int, int, AlertKey]:
    key = one.subject.key
    return GRAVEST.index(one.standing.state), WORST.index(one.judgement.verdict), key.tier is not Tier.ROLLBACK, key
