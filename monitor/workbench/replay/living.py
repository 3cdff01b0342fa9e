"""The days that a monitor would have had: what rules found goes through the daemon's own desk and vigil, in order.

A clock is set to each moment at which something can happen, and to none between. Nobody acts: nobody is called again,
and incidents end by their own rule. It decides nothing itself.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from monitor.core.incidents.firing import firing_of, worst_of
from monitor.core.incidents.incident import Incident
from monitor.core.incidents.response import Finding, Fired
from monitor.core.incidents.routes import in_one_channel
from monitor.core.model import AlertKey, State, Tier, Transition, utc
from monitor.core.replay.totals import united
from monitor.core.rules.routing import Escalation, Pages, Route
from monitor.core.rules.rule import Group, Resolve, Rule
from monitor.core.rules.ruleset import RuleSet
from monitor.desk.desk import Decision, Desk
from monitor.evaluation.baselines import Baselines
from monitor.evaluation.engine import Engine, cleared
from monitor.evaluation.lookout import Look, Lookout
from monitor.evaluation.reading import Reader
from monitor.evaluation.vigil import Vigil
from monitor.ports.store import GroupState, Store
from monitor.rulebook import InForce, RuleBook
from monitor.workbench.replay.folding import Folded
from monitor.workbench.replay.sighting import Sighting
from monitor.workbench.replay.world import World

NOBODY = Escalation(
    rollback_again=(),
    rollback_escalate=None,
    blind_again=(),
    prepare_mention=None,
    acknowledgement_expires=None,
)
"""In a replay nobody acts, so that nobody is called again."""

A_MOMENT = timedelta(milliseconds=1)
"""Between two decisions of one second, so that what belongs to which can be told."""


def unattended(rules: RuleSet) -> RuleSet:
    """Give `rules` as they are in a replay: what a person ends is over when it is clear, and nobody is called again."""
    groups = tuple(
        replace(group, rules=tuple(replace(rule, resolve=Resolve.BY_SIGNAL) for rule in group.rules))
        for group in rules.groups
    )
    routing = replace(rules.routing, escalation=NOBODY, page=Pages())
    if not routing.default.channel:
        routing = replace(routing, default=Route("replay", matchers=()))
    return replace(rules, groups=groups, routing=in_one_channel(routing))


class Moment:
    """A clock that stands where it is set."""

    def __init__(self, at: float) -> None:
        self._now = utc(at)

    def set(self, at: float) -> None:
        """Go on to `at`, never back; a moment on from a decision of the same second."""
        later = utc(at)
        self._now = later if later > self._now else self._now + A_MOMENT

    def now(self) -> datetime:
        """Give the time that it is set to."""
        return self._now

    def monotonic(self) -> float:
        """Give the same in seconds: here, no clock is ever wrong."""
        return float(int(self._now.timestamp()))


@dataclass(frozen=True, slots=True)
class Part:
    """What one rule does in an episode: its transitions, and the times at which its data come into or out of sight."""

    folded: Folded
    transitions: tuple[Transition, ...] = ()
    sighting: Sighting | None = None

    @property
    def identity(self) -> tuple[object, ...]:
        """What of it incidents can tell: by which value and limit an alert fires makes no other incident."""
        rule, group = self.folded.rule, self.folded.group
        who = rule.alert, rule.service, rule.labels, group.name, group.interval, group.query_offset
        moves = tuple((one.at, one.alert.key, one.before, one.after, one.cause) for one in self.transitions)
        return who, moves, None if self.sighting is None else id(self.folded)


@dataclass(frozen=True, slots=True)
class Episode:
    """A stretch in which something fires, is unwatched, or an incident is open; before and after it nothing is.

    What happens in it depends on nothing outside: two rule sets that have it in common have its incidents in common.
    """

    begin: int
    end: int
    parts: tuple[Part, ...]

    @property
    def identity(self) -> tuple[object, ...]:
        """What tells it from others, as long as everything that was folded is kept."""
        return (self.begin, self.end, *(one.identity for one in self.parts))


@dataclass(frozen=True, slots=True)
class Lived:
    """What incidents there were, in a store, and what was unwatched."""

    store: Store
    blind: tuple[Transition, ...]


def episodes(rules: RuleSet, folded: Sequence[tuple[Folded, Sighting | None]], end: int) -> list[Episode]:
    """Give the episodes of a rule set up to grid time `end`, in order; each rule with what it leaves unwatched."""
    late = max((group.interval + group.query_offset for group in rules.groups), default=0)
    over = rules.routing.reopen_within + 2 * late
    told = [(one, tuple(move for move in one.transitions if _heard(one.rule, move))) for one, _ in folded]
    seen = [(one, sight) for one, sight in folded if sight is not None]
    busy = [span for one, moves in told for span in _firing(moves, end, over)]
    busy += [span for one, sight in seen for span in sight.away(late)]
    return [
        Episode(
            begin,
            finish,
            (
                *(Part(one, some) for one, moves in told if (some := _within(moves, begin, finish))),
                *(Part(one, sighting=sight) for one, sight in seen if sight.between(begin, finish)),
            ),
        )
        for begin, finish in united(busy)
    ]


def _heard(rule: Rule, move: Transition) -> bool:
    """Whether incidents hear of a transition: alerts that begin to fire, and those that end."""
    fires = move.after is State.FIRING and move.before is not State.RECOVERING
    return not rule.shadow and (fires or (move.after is State.INACTIVE and move.before is not State.PENDING))


def _firing(moves: Sequence[Transition], end: int, over: int) -> list[tuple[int, int]]:
    """Give when each alert fires, with the time in which an incident stays open after it."""
    found, since = [], dict[AlertKey, int]()
    for one in moves:
        if one.after is State.FIRING:
            since.setdefault(one.alert.key, one.at)
        elif one.alert.key in since:
            found.append((since.pop(one.alert.key), one.at + over))
    return found + [(begin, end + over) for begin in since.values()]


def _within(moves: Sequence[Transition], begin: int, end: int) -> tuple[Transition, ...]:
    return tuple(one for one in moves if begin <= one.at <= end)


@dataclass(order=True, slots=True)
class _Due:
    """Something that happens at `at`: of one moment evaluations come first, in the order of their groups."""

    at: float
    order: int
    group: str = field(compare=False)
    point: int = field(compare=False)


class Life:
    """One episode under one rule set."""

    def __init__(self, book: InForce, episode: Episode, world: World) -> None:
        rules = book.rules
        self._rules = rules
        self._groups = {group.name: group for group in rules.groups}
        self._episode = episode
        self._clock = Moment(episode.begin)
        self._store = world.store()
        kept = RuleBook(replace(rules, groups=()))
        kept.put_back(book)  # its PromQL is composed already
        self._lookout = Lookout()
        self._desk = Desk(self._store, self._clock, kept, lambda: None)
        reader = Reader(world.source, Baselines(world.source))
        engine = Engine(reader, self._desk, self._clock, kept, self._lookout)
        self._vigil = Vigil(engine, self._desk, self._store, self._clock, kept, self._lookout)
        self._todo: list[_Due] = []
        self._known: set[tuple[float, int, str, int]] = set()
        self._moves: dict[tuple[str, int], list[tuple[Rule, list[Transition]]]] = {}
        self._sightings: dict[str, list[Sighting]] = {}
        self._blind: list[Transition] = []

    def live(self, end: int) -> Lived:
        """Live until the end of the episode, and not beyond grid time `end`."""
        order = {group.name: number for number, group in enumerate(self._rules.groups)}
        for part in self._episode.parts:
            self._plan(order[part.folded.group.name], part)
        while self._todo:
            due = heapq.heappop(self._todo)
            if due.point > end:
                continue
            self._clock.set(due.at)
            if due.group:
                self._evaluate(self._groups[due.group], due.point)
            else:
                self._watch()
            self._look_ahead()
        return Lived(self._store, tuple(self._blind))

    # --- what will happen -------------------------------------------------------------------------------------------

    def _plan(self, number: int, part: Part) -> None:
        folded, group, sight = part.folded, part.folded.group, part.sighting
        for one in part.transitions:
            moves = self._moves.setdefault((group.name, one.at), [])
            if not moves or moves[-1][0] is not folded.rule:
                moves.append((folded.rule, []))
            moves[-1][1].append(one)
            self._due(one.at + group.query_offset, number, group.name, one.at)
        if sight is not None:
            self._sightings.setdefault(group.name, []).append(sight)
            begin, end = self._episode.begin, self._episode.end
            for at in sight.between(begin, end):
                self._due(at + group.query_offset, number, group.name, at)
            for at in sight.asked_between(begin, end):
                self._due(at + group.query_offset, len(self._groups), "", at)

    def _due(self, at: float, order: int, group: str, point: int) -> None:
        known = (at, order, group, point)
        if known not in self._known:
            self._known.add(known)
            heapq.heappush(self._todo, _Due(*known))

    def _look_ahead(self) -> None:
        """Come back when an incident can end by itself, and when what keeps alerts from paging is over."""
        for incident in self._store.incidents(open_only=True):
            if incident.recovered_at is not None:
                self._due_end(incident, incident.recovered_at)
        for hidden in self._store.hidden(live_only=True):
            until = int(hidden.cover.until.timestamp())
            self._due(until, len(self._groups), "", until)

    def _due_end(self, incident: Incident, recovered_at: datetime) -> None:
        """It ends with the first evaluation of all its groups at which it has been clear for long enough."""
        over = int(recovered_at.timestamp()) + self._rules.routing.reopen_within
        names = {one.key.alert for one in incident.alerts}
        groups = [one for one in self._rules.groups if names & {rule.alert for rule in one.rules}]
        points = [-(-over // group.interval) * group.interval for group in groups]
        read_at = [point + group.query_offset for point, group in zip(points, groups, strict=True)]
        self._due(max(read_at, default=over), len(self._groups), "", max(points, default=over))

    # --- what happens -----------------------------------------------------------------------------------------------

    def _evaluate(self, group: Group, at: int, *, watching: bool = False) -> None:
        moves = self._moves.pop((group.name, at), [])
        transitions = tuple(one for _, some in moves for one in some)
        findings = tuple(
            found for rule, some in moves for one in _greater_first(some) if (found := _finding(rule, one)) is not None
        )

        def decide(state: GroupState) -> Decision:
            alerts = {**state.alerts}
            for one in transitions:
                alerts.pop(one.alert.key, None)
                if one.after is not State.INACTIVE:
                    alerts[one.alert.key] = one.alert
            cursors = {rule.alert: at for rule in group.rules}
            return Decision(replace(state, alerts=alerts, cursors=cursors), findings, durable=bool(moves))

        if findings or watching:
            self._desk.settle(group.name, decide)
        if watching or group.name in self._sightings:
            self._lookout.note(group, self._looks(group, at), float(at + group.query_offset))

    def _looks(self, group: Group, at: int) -> list[Look]:
        found = []
        for one in self._sightings.get(group.name, ()):
            grid = one.folded.grid
            index = min(grid.count - 1, max(0, (at - grid.first) // grid.step))
            found.append(one.look(index))
        return found

    def _watch(self) -> None:
        """Look as the vigil does, everything having been evaluated up to now."""
        now = self._clock.monotonic()
        for group in self._rules.groups:
            at = int(now - group.query_offset) // group.interval * group.interval
            self._evaluate(group, at, watching=True)
        self._blind += self._vigil.watch()


def _finding(rule: Rule, transition: Transition) -> Finding | None:
    """Give what incidents hear of a transition, as the engine tells it; a shadow says nothing."""
    if rule.shadow:
        return None
    tier = rule.tier(transition.alert.key.tier, transition.alert.key.labels)
    if transition.after is State.FIRING and transition.before is not State.RECOVERING and tier is not None:
        return Fired(firing_of(rule, tier, transition))
    return cleared(transition, worst_of(rule, transition.alert))


def _greater_first(transitions: Sequence[Transition]) -> list[Transition]:
    return sorted(transitions, key=lambda one: one.alert.key.tier is not Tier.ROLLBACK)
