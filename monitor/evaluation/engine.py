"""One evaluation of a group.

Read, judge, step, and hand what changed to the desk. Who calls it, and when, is the daemon's business.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from monitor.core.incidents.firing import firing_of, reading_of, snapshot_of, worst_of
from monitor.core.incidents.response import Cleared, Finding, Fired
from monitor.core.judging.evaluate import Heard, Stepped, derived, heard, skip, step
from monitor.core.judging.point import within_limit
from monitor.core.model import Alert, AlertKey, State, Tier, Transition, utc
from monitor.core.pages.page import Reading
from monitor.core.rules.rule import Group, NoData, Rule
from monitor.core.rules.signal import Condition
from monitor.desk.desk import Decision, Desk
from monitor.evaluation.grid import due_points, history, newest_point
from monitor.evaluation.lookout import Look, Lookout
from monitor.evaluation.ranges import Deadline
from monitor.evaluation.reading import Point, Reader, Waiting, in_error
from monitor.ports.store import GroupState
from monitor.ports.world import Clock
from monitor.rulebook import InForce, RuleBook

LATE = 2
"""Intervals after which a page says that it comes late."""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """How an evaluation went, for log and metrics.

    Grid points folded and skipped; the rules without an answer or in error, by name, and why; by how many seconds the
    cursors were ahead of the clock, and the rules whose state was derived anew from history.
    """

    group: str
    rules: int
    points: int = 0
    caught_up: int = 0
    skipped: int = 0
    firing: int = 0
    transitions: tuple[Transition, ...] = ()
    troubles: Mapping[str, str] = field(default_factory=dict)
    ahead: int = 0
    derived: tuple[str, ...] = ()

    @property
    def failed(self) -> int:
        """How many rules went without an answer or are in error."""
        return len(self.troubles)

    @property
    def why(self) -> str:
        """The first trouble; empty where there is none."""
        return next(iter(self.troubles.values()), "")


@dataclass(frozen=True, slots=True)
class Run:
    """One rule folded over its due points, as far as they were answered.

    `cursor` None: its state is still to be derived from history. `look` None: nothing was due. `past`: what its alerts
    did on the way, where it was derived.
    """

    rule: Rule
    alerts: dict[AlertKey, Alert]
    cursor: int | None
    transitions: tuple[Transition, ...]
    look: Look | None
    points: int = 0
    skipped: int = 0
    ahead: int = 0
    derived: bool = False
    past: tuple[Transition, ...] = ()


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
        fold = Fold(self._reader, book, group, now, Deadline(self._clock, self._clock.monotonic() + max_seconds))

        def decide(state: GroupState) -> Decision:
            decision = fold.decide(state)
            if self._book.now is book:
                return decision
            fold.runs.clear()  # other rules came into force while these were read: what they say counts no longer
            return Decision(state, durable=False)

        self._desk.settle(name, decide)
        looks = [run.look for run in fold.runs if run.look is not None]
        self._lookout.note(group, looks, self._clock.monotonic())
        self._keep_readings(group, fold)
        return fold.evaluated()

    def _keep_readings(self, group: Group, fold: "Fold") -> None:
        """Keep what the firing signals say now, for pages that are rendered now."""
        names = {rule.alert for rule in group.rules}
        for key in [key for key in list(self.readings) if key.alert in names and key not in fold.alerts]:
            self.readings.pop(key, None)
        for run in fold.runs:
            for key, alert in run.alerts.items():
                judgement = run.look.judgements.get(key) if run.look is not None else None
                if alert.state is not State.PENDING and judgement is not None and judgement.value is not None:
                    at = run.cursor if run.cursor is not None else alert.since
                    self.readings[key] = reading_of(run.rule, key, judgement, alert.since, at)


class Fold:
    """The due points of one group, read once and folded as often as the desk asks.

    It writes nothing, so that whoever only wants to know may fold too.
    """

    def __init__(self, reader: Reader, book: InForce, group: Group, now: float, deadline: Deadline) -> None:
        self._reader = reader
        self._book = book
        self._group = group
        self._now = now
        self._newest = newest_point(group, now, reader.source_time())
        self._deadline = deadline
        self._read: dict[tuple[str, tuple[int, ...]], Sequence[Point]] = {}
        self._last: Rule | None = None
        self.runs: list[Run] = []
        self.alerts: dict[AlertKey, Alert] = {}

    def decide(self, state: GroupState) -> Decision:
        """Give what the answered points make of `state`."""
        mine = {rule.alert: {} for rule in self._group.rules}  # type: dict[str, dict[AlertKey, Alert]]
        for key, alert in state.alerts.items():
            mine.setdefault(key.alert, {})[key] = alert
        self.runs = list(self._runs(state.cursors, mine))
        readable = newest_point(self._group, self._now, self._reader.source_time())
        if readable < self._newest:  # its first answers tell that our clock is ahead: what they say has not been yet
            self._newest, self._read = readable, {}
            self.runs = list(self._runs(state.cursors, mine))
        cursors = dict(state.cursors)
        for run in self.runs:
            mine[run.rule.alert] = run.alerts
            if run.cursor is not None:
                cursors[run.rule.alert] = run.cursor
        self.alerts = {key: alert for alerts in mine.values() for key, alert in alerts.items()}
        findings = [self._finding(run.rule, one) for run in self.runs for one in _greater_first(run.transitions)]
        return Decision(
            replace(state, alerts=self.alerts, cursors=cursors),
            tuple(one for one in findings if one is not None),
            durable=self.alerts != dict(state.alerts) or any(run.derived for run in self.runs),
            transitions=tuple(one for run in self.runs for one in run.transitions),
        )

    def _runs(self, cursors: Mapping[str, int], alerts: Mapping[str, dict[AlertKey, Alert]]) -> Iterable[Run]:
        """What is due now is read first, and together; then what is to be caught up with; then what is new."""
        known = [rule for rule in self._group.rules if rule.alert in cursors]
        live = [rule for rule in known if self._due(cursors[rule.alert]) == (self._newest,)]
        self._read_together([rule for rule in live if (rule.alert, (self._newest,)) not in self._read])
        names = {rule.alert for rule in live}
        new = [rule for rule in self._group.rules if rule.alert not in cursors]
        ordered = [*sorted(known, key=lambda rule: rule.alert not in names), *new]
        self._last = ordered[-1] if ordered else None
        for rule in ordered:
            if rule.alert in cursors:
                yield self._run(rule, alerts[rule.alert], cursors[rule.alert])
            else:
                yield self._derived(rule, alerts[rule.alert])

    def _due(self, cursor: int) -> tuple[int, ...]:
        return due_points(self._group, cursor, self._newest).times

    def _read_together(self, rules: Sequence[Rule]) -> None:
        if rules:
            points = self._reader.together(self._book.plan, rules, self._newest, self._deadline)
            self._read |= {(rule.alert, (self._newest,)): points[rule.alert] for rule in rules}

    def _points(self, rule: Rule, times: tuple[int, ...]) -> Sequence[Point]:
        """Read a stretch of one rule; one whose reading hangs must leave the others after it their time."""
        if (rule.alert, times) not in self._read:
            deadline = self._deadline if rule is self._last else self._deadline.halfway
            self._read[rule.alert, times] = self._reader.points(self._book.plan, rule, times, deadline)
        return self._read[rule.alert, times]

    def _run(self, rule: Rule, kept: dict[AlertKey, Alert], cursor: int) -> Run:
        """Fold a rule over what is due, up to the first point that was not answered.

        What was skipped counts only once something after it is answered: the clock may have been wrong.
        """
        due = due_points(self._group, cursor, self._newest)
        if not due.times:
            return Run(rule, kept, due.cursor, (), None, ahead=due.ahead)
        skipped = Stepped(kept)
        if due.skipped:
            skipped = skip(rule, self._group, kept, due.skipped * self._group.interval, due.cursor)
        folded = self._folded(rule, dict(skipped.alerts), due.times)
        if not folded.points:
            return replace(folded, alerts=kept, cursor=cursor)
        transitions = skipped.transitions + folded.transitions
        return replace(folded, cursor=due.times[folded.points - 1], transitions=transitions, skipped=due.skipped)

    def _derived(self, rule: Rule, kept: dict[AlertKey, Alert]) -> Run:
        """Fold a rule without a cursor from nothing, as far back as its history tells."""
        times, folded, begins = self._from_history(rule)
        if folded.points < len(times):  # not all of it was answered: nothing is known yet
            return replace(folded, alerts=kept, cursor=None, transitions=(), points=0)
        alerts = {
            key: replace(alert, open_ended=key in begins and alert.since == times[0])
            for key, alert in folded.alerts.items()
        }
        now = derived(rule, kept, Stepped(alerts, folded.transitions), self._newest)
        return replace(
            folded,
            alerts=dict(now.alerts),
            cursor=self._newest,
            transitions=now.transitions,
            derived=True,
            points=1,
            past=folded.transitions,
        )

    def _from_history(self, rule: Rule) -> tuple[tuple[int, ...], Run, frozenset[AlertKey]]:
        """Give the stretch that a rule is folded over, how that went, and the alerts in breach at its beginning.

        It goes back, by doubling, until it does not begin in breach, but no further than its readings are answered and
        the source has samples.
        """
        seconds = max(rule.keep_firing_for, *(tier.hold for tier in rule.every_tier)) + 2 * self._group.interval
        found = None
        while True:
            stretch = history(self._group, seconds, self._newest).times
            times = self._lived(rule, stretch)
            folded = self._folded(rule, {}, times)
            if found is not None and folded.points < len(times):
                return found
            found = times, folded, self._breaching(rule, times) if folded.points else frozenset[AlertKey]()
            if not found[2] or len(times) < len(stretch) or seconds >= self._group.max_catch_up:
                return found
            seconds *= 2

    def _lived(self, rule: Rule, times: tuple[int, ...]) -> tuple[int, ...]:
        """Give those of `times` at which the source had samples, where a rule takes their absence for a breach.

        A Prometheus that has just been started has no history: nothing was absent before it lived.
        """
        if not isinstance(rule.signal, Condition) and rule.no_data is not NoData.BREACH:
            return times
        first = self._reader.first_sample(times, self._deadline)
        return tuple(at for at in times if first is not None and at >= first) or times[-1:]

    def _breaching(self, rule: Rule, times: tuple[int, ...]) -> frozenset[AlertKey]:
        """The alerts whose history begins in breach, or in missing data that stand for one."""
        first = self._points(rule, times)[0]
        if isinstance(first, Waiting):
            return frozenset()
        return frozenset(
            key for key, one in first.judgements.items() if heard(one.verdict, rule.no_data) is Heard.BREACH
        )

    def _folded(self, rule: Rule, alerts: dict[AlertKey, Alert], times: tuple[int, ...]) -> Run:
        transitions: list[Transition] = []
        look, points = Look(rule), 0
        for at, point in zip(times, self._points(rule, times), strict=True):
            if isinstance(point, Waiting):
                look = Look(rule, waiting=point.why, active=_active(rule, alerts))
                break
            judgements, left_out = within_limit(point.judgements, _active(rule, alerts), self._group.limit)
            if point.error:
                judgements = in_error(alerts, point.error)
            stepped = step(rule, self._group, alerts, judgements, at)
            alerts = dict(stepped.alerts)
            transitions += stepped.transitions
            look = Look(
                rule,
                error=point.error,
                instances=len(point.instances),
                judgements=point.judgements,
                active=_active(rule, alerts),
                left_out=left_out,
            )
            points += 1
        return Run(rule, alerts, None, tuple(transitions), look, points=points)

    def _finding(self, rule: Rule, transition: Transition) -> Finding | None:
        """What an incident must hear of: alerts that begin to fire, and firing ones that end. A shadow says nothing."""
        if rule.shadow:
            return None
        tier = rule.tier(transition.alert.key.tier, transition.alert.key.labels)
        if transition.after is State.FIRING and transition.before is not State.RECOVERING and tier is not None:
            queries = self._book.plan.queries(rule.alert, tier.window)
            late = transition.at <= self._newest - LATE * self._group.interval
            return Fired(firing_of(rule, tier, transition, late=late), snapshot_of(transition, queries))
        return cleared(transition, worst_of(rule, transition.alert))

    def evaluated(self) -> Evaluated:
        """Give how it went."""
        looks = [run.look for run in self.runs if run.look is not None]
        points = sum(run.points for run in self.runs)
        return Evaluated(
            group=self._group.name,
            rules=len(self._group.rules),
            points=points,
            caught_up=sum(max(0, run.points - 1) for run in self.runs),
            skipped=sum(run.skipped for run in self.runs),
            ahead=max((run.ahead for run in self.runs), default=0),
            derived=tuple(run.rule.alert for run in self.runs if run.derived),
            firing=sum(alert.state is State.FIRING for alert in self.alerts.values()),
            transitions=tuple(one for run in self.runs for one in run.transitions),
            troubles={one.rule.alert: one.waiting or one.error for one in looks if one.waiting or one.error},
        )


def _greater_first(transitions: Iterable[Transition]) -> list[Transition]:
    """Of what changes at one time the rollback tier is told first, so that the prepare tier it carries is no news."""
    return sorted(transitions, key=lambda one: (one.at, one.alert.key.tier is not Tier.ROLLBACK))


def _active(rule: Rule, alerts: Mapping[AlertKey, Alert]) -> tuple[AlertKey, ...]:
    """Give the alerts whose instances are held to having data: those that pend or fire, and those expected."""
    expected = (AlertKey(rule.alert, labels, tier.tier) for labels in rule.expect for tier in rule.tiers_of(labels))
    return tuple(dict.fromkeys((*alerts, *expected)))


def cleared(transition: Transition, worst: str = "") -> Cleared | None:
    """Give what an incident must hear of an alert that stopped firing; None for one that only pended.

    `worst` is its summary at its worst value.
    """
    if transition.after is not State.INACTIVE or transition.before not in {State.FIRING, State.RECOVERING}:
        return None
    value = transition.judgement.value if transition.judgement else None
    return Cleared(transition.alert.key, utc(transition.at), transition.cause, value, worst)
