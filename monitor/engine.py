"""One evaluation of a group.

Read, judge, step, and hand what changed to the desk. Who calls it, and when, is the daemon's business.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from monitor.core.evaluate import step
from monitor.core.firing import firing_of, reading_of, snapshot_of, worst_of
from monitor.core.model import Alert, AlertKey, State, Tier, Transition, utc
from monitor.core.page import Reading
from monitor.core.response import Cleared, Finding, Fired
from monitor.core.rule import Group, Rule
from monitor.desk import Decision, Desk
from monitor.grid import Stretch, due_points
from monitor.lookout import Look, Lookout
from monitor.ports import Clock, GroupState
from monitor.reading import Deadline, Judged, Point, Reader, Waiting, in_error
from monitor.rulebook import InForce, RuleBook


@dataclass(frozen=True, slots=True)
class Evaluated:
    """How an evaluation went, for log and metrics.

    Grid points folded and skipped, rules without an answer or in error, and why.
    """

    group: str
    rules: int
    points: int = 0
    caught_up: int = 0
    skipped: int = 0
    failed: int = 0
    firing: int = 0
    transitions: tuple[Transition, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Run:
    """One rule folded over its due points, as far as they were answered."""

    rule: Rule
    alerts: dict[AlertKey, Alert]
    cursor: int
    transitions: tuple[Transition, ...]
    look: Look
    points: int
    skipped: int


class Engine:
    """Evaluates groups. Thread-safe; two evaluations of one group wait for each other."""

    def __init__(self, reader: Reader, desk: Desk, clock: Clock, book: RuleBook, lookout: Lookout) -> None:
        self._reader = reader
        self._desk = desk
        self._clock = clock
        self._book = book
        self._lookout = lookout
        self.readings: dict[AlertKey, Reading] = {}

    def evaluate(self, name: str, max_seconds: float) -> Evaluated | None:
        """Fold every answered grid point that is due for group `name`; None where the group is gone.

        Reads for at most `max_seconds`. Raises StoreError where nothing could be written; the points then stay due.
        """
        book = self._book.now
        group = book.group(name)
        if group is None:
            return None
        now = self._clock.now().timestamp()
        fold = _Fold(self._reader, book, group, now, Deadline(self._clock, self._clock.monotonic() + max_seconds))

        def decide(state: GroupState) -> Decision:
            decision = fold.decide(state)
            if self._book.now is book:
                return decision
            fold.runs.clear()  # other rules came into force while these were read: what they say counts no longer
            return Decision(state, durable=False)

        self._desk.settle(name, decide)
        self._lookout.note(group, [run.look for run in fold.runs], self._clock.monotonic())
        self._keep_readings(group, fold)
        return fold.evaluated()

    def _keep_readings(self, group: Group, fold: "_Fold") -> None:
        """Keep what the firing signals say now, for pages that are rendered now."""
        names = {rule.alert for rule in group.rules}
        for key in [key for key in self.readings if key.alert in names and key not in fold.alerts]:
            del self.readings[key]
        for run in fold.runs:
            for key, alert in run.alerts.items():
                judgement = run.look.judgements.get(key)
                if alert.state is not State.PENDING and judgement is not None and judgement.value is not None:
                    self.readings[key] = reading_of(run.rule, key, judgement, alert.since, run.cursor)


class _Fold:
    """The due points of one group, read once and folded as often as the desk asks."""

    def __init__(self, reader: Reader, book: InForce, group: Group, now: float, deadline: Deadline) -> None:
        self._reader = reader
        self._book = book
        self._group = group
        self._now = now
        self._deadline = deadline
        self._read: dict[tuple[str, Stretch], Sequence[Point]] = {}
        self.runs: list[_Run] = []
        self.alerts: dict[AlertKey, Alert] = {}

    def decide(self, state: GroupState) -> Decision:
        """Give what the answered points make of `state`."""
        alerts, cursors = dict(state.alerts), dict(state.cursors)
        self.runs = []
        for rule in self._group.rules:
            due = due_points(self._group, cursors.get(rule.alert), self._now)
            cursors[rule.alert] = due.cursor
            if not due.times:
                continue
            mine = {key: alert for key, alert in alerts.items() if key.alert == rule.alert}
            run = self._run(rule, mine, due)
            alerts = {key: alert for key, alert in alerts.items() if key.alert != rule.alert} | run.alerts
            cursors[rule.alert] = run.cursor
            self.runs.append(run)
        self.alerts = alerts
        findings = [self._finding(run.rule, one) for run in self.runs for one in _greater_first(run.transitions)]
        return Decision(
            replace(state, alerts=alerts, cursors=cursors),
            tuple(one for one in findings if one is not None),
            durable=alerts != dict(state.alerts),
            transitions=tuple(one for run in self.runs for one in run.transitions),
        )

    def _run(self, rule: Rule, alerts: dict[AlertKey, Alert], due: Stretch) -> _Run:
        key = (rule.alert, due)
        if key not in self._read:
            self._read[key] = self._reader.points(self._book.plan, rule, self._group, due.times, self._deadline)
        transitions: list[Transition] = []
        look, cursor, folded = Look(rule), due.cursor, 0
        for at, point in zip(due.times, self._read[key], strict=True):
            if isinstance(point, Waiting):
                look = Look(rule, waiting=point.why, active=tuple(alerts))
                break
            judgements = point.judgements if not point.error else in_error(alerts, point.error)
            stepped = step(rule, self._group, alerts, judgements, at)
            alerts = dict(stepped.alerts)
            transitions += stepped.transitions
            look = _look(rule, point, alerts)
            cursor, folded = at, folded + 1
        return _Run(rule, alerts, cursor, tuple(transitions), look, folded, due.skipped)

    def _finding(self, rule: Rule, transition: Transition) -> Finding | None:
        """What an incident must hear of: alerts that begin to fire, and firing ones that end."""
        tier = rule.tier(transition.alert.key.tier, transition.alert.key.labels)
        if transition.after is State.FIRING and transition.before is not State.RECOVERING and tier is not None:
            queries = self._book.plan.queries(rule.alert, tier.window)
            return Fired(firing_of(rule, tier, transition), snapshot_of(transition, queries))
        return cleared(transition, worst_of(rule, transition.alert))

    def evaluated(self) -> Evaluated:
        """Give how it went."""
        troubles = [run.look.waiting or run.look.error for run in self.runs if run.look.waiting or run.look.error]
        points = sum(run.points for run in self.runs)
        return Evaluated(
            group=self._group.name,
            rules=len(self._group.rules),
            points=points,
            caught_up=sum(max(0, run.points - 1) for run in self.runs),
            skipped=sum(run.skipped for run in self.runs),
            failed=len(troubles),
            firing=sum(alert.state is State.FIRING for alert in self.alerts.values()),
            transitions=tuple(one for run in self.runs for one in run.transitions),
            why=troubles[0] if troubles else "",
        )


def _greater_first(transitions: Iterable[Transition]) -> list[Transition]:
    """Of what changes at one time the rollback tier is told first, so that the prepare tier it carries is no news."""
    return sorted(transitions, key=lambda one: (one.at, one.alert.key.tier is not Tier.ROLLBACK))


def _look(rule: Rule, point: Judged, alerts: dict[AlertKey, Alert]) -> Look:
    return Look(rule, error=point.error, instances=point.instances, judgements=point.judgements, active=tuple(alerts))


def cleared(transition: Transition, worst: str = "") -> Cleared | None:
    """Give what an incident must hear of an alert that stopped firing; None for one that only pended.

    `worst` is its summary at its worst value.
    """
    if transition.after is not State.INACTIVE or transition.before not in {State.FIRING, State.RECOVERING}:
        return None
    value = transition.judgement.value if transition.judgement else None
    return Cleared(transition.alert.key, utc(transition.at), transition.cause, value, worst)
