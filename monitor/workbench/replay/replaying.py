"""Rule sets on one stretch of history: what they would have done. Readings are shared by all that is tried on them.

Who calls it says when it is, and where readings come from; nothing here reads a clock.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from monitor.core.judging.latency import HOUR, SLOT, WEEK, trailing_hours
from monitor.core.model import utc
from monitor.core.replay.outcome import Replayed, Stretch, Unread
from monitor.core.rules.rule import Group, NoData, Rule
from monitor.core.rules.ruleset import RuleSet
from monitor.core.rules.signal import Condition, Latency, ReferenceKind
from monitor.evaluation.baselines import Baselines
from monitor.evaluation.deploys import Deploys
from monitor.evaluation.judging import Judging
from monitor.evaluation.reading import SCRAPED
from monitor.ports.metrics import ColumnSource, RangeColumns, Samples
from monitor.queries.plan import Plan
from monitor.queries.promql import baseline_expression, expressions
from monitor.rulebook import InForce
from monitor.workbench.replay.fetching import PATIENCE
from monitor.workbench.replay.finding import Happenings, Span, happenings_of, insufficient, stretches, unread
from monitor.workbench.replay.folding import Folded, fold
from monitor.workbench.replay.history import Grid, History
from monitor.workbench.replay.living import Life, episodes, unattended
from monitor.workbench.replay.sighting import Sighting, sighting
from monitor.workbench.replay.tracing import traces
from monitor.workbench.replay.tracks import Case, Context
from monitor.workbench.replay.world import World

COARSE = 5000
"""Points at which the beginning of a history is looked for."""

BEFORE = 15 * 86400
"""Seconds in which a source that has nothing at first is asked for what it had before: its beginning, or an outage?"""


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A rule set as it is in a replay, with its PromQL."""

    rules: RuleSet
    plan: Plan


class Replay:
    """Tries rule sets on the history from `begin` to `end` (seconds since the epoch, both included).

    Say first what will be tried (`want`), let everything be read (`read`), then ask (`outcome`), as often as you like.
    """

    def __init__(self, history: History, source: ColumnSource, world: World, begin: int, end: int) -> None:
        self._history = history
        self._source = source
        self._world = world
        self._begin, self._end = begin, end
        self._wanted: list[tuple[str, int]] = []
        self._baselines = Baselines(history)
        self._deploys = Deploys(history)
        self._judging = Judging(self._baselines, self._deploys)
        self._context = Context(history, Plan(), self._baselines, self._deploys, self._judging)
        self._folded: dict[tuple[object, ...], Folded] = {}
        self._lived: dict[tuple[object, ...], Happenings] = {}
        self._sightings: dict[int, Sighting | None] = {}
        self._parts: dict[tuple[object, ...], Mapping[str, str]] = {}
        self._prepared: list[_Prepared] = []
        self._lead = 0
        self._first = self._born = 0
        self.complete = True

    def want(self, rules: RuleSet) -> int:
        """Say that `rules` will be tried; give the number to ask by. Raises ValueError where PromQL cannot be made."""
        alone = unattended(rules)
        self._prepared.append(_Prepared(alone, self._plan(alone)))
        self._lead = max(self._lead, lead(alone))
        return len(self._prepared) - 1

    def _plan(self, rules: RuleSet) -> Plan:
        """Compose the PromQL of a rule set; what several have in common once."""
        parts: dict[str, dict[int, Mapping[str, str]]] = {}
        for group in rules.groups:
            for rule in group.rules:
                for tier in rule.every_tier:
                    asked = rule.signal, tier.window, group.interval
                    if asked not in self._parts:
                        self._parts[asked] = expressions(*asked)
                    parts.setdefault(rule.alert, {})[tier.window] = self._parts[asked]
        return Plan(parts, rules.versions)

    def read(self) -> None:
        """Read what is wanted. An interrupt leaves what was read until then: the outcome ends there, and says so."""
        self._first = self._begin - self._lead
        try:
            if any(_minds_absence(rule) for one in self._prepared for rule in _rules(one.rules)):
                self._born = self._lived_from()
                self._first = max(self._first, min(self._born, self._end))
            for prepared in self._prepared:
                self._want(prepared)
            self._deploys.expect(self._end)
            self._history.read()
        except KeyboardInterrupt:
            self.complete = False
            steps = dict.fromkeys(self._wanted)
            read = [self._history.read_until(expr, step, _down(self._first, step)) for expr, step in steps]
            self._end = min(self._end, *read, self._end if read else self._begin - 1)

    @property
    def reached(self) -> bool:
        """Whether anything at all of what was asked for was read."""
        return self._end >= self._begin

    def outcome(self, number: int, *, with_traces: bool = False) -> Replayed:
        """Give what a rule set would have done."""
        rules = self._prepared[number].rules
        interval = min((group.interval for group in rules.groups), default=1)
        if not self.reached:
            return Replayed(self._begin, self._begin, interval, (), (), (), (), (), complete=False)
        span = Span(self._begin, self._end)
        every = [one for group in rules.groups for one in self._fold(number, group)]
        lived = self._live(number, every, span)
        found = sorted(
            (one for each in every for one in stretches(each, span)), key=lambda one: (one.since, one.group, one.key)
        )
        return Replayed(
            begin=self._begin,
            end=self._end,
            interval=interval,
            alerts=tuple(found),
            pages=tuple(page for one in lived for page in one.pages),
            blind=tuple(sorted((each for one in lived for each in one.blind), key=lambda one: one.begin)),
            insufficient=tuple(one for each in every for one in insufficient(each, span)),
            unread=(*self._before_it_lived(rules), *(one for each in every for one in unread(each, span))),
            traces=traces(every, span) if with_traces else (),
            complete=self.complete,
            cases=tuple(case for one in lived for case in one.cases),
            shadowed=_shadowed(rules, found),
        )

    def folded(self, number: int) -> Sequence[Folded]:
        """Give what became of every rule of a rule set, for those who want each transition."""
        return [one for group in self._prepared[number].rules.groups for one in self._fold(number, group)]

    # --- reading ----------------------------------------------------------------------------------------------------

    def _want(self, prepared: _Prepared) -> None:
        for group in prepared.rules.groups:
            grid = self._grid(group.interval)
            for rule in group.rules:
                for expr in prepared.plan.expressions(rule):
                    self._wanted.append((expr, group.interval))
                    self._history.want(expr, group.interval, grid.first, grid.last)
                if isinstance(rule.signal, Latency):
                    self._want_references(rule.signal)

    def _want_references(self, signal: Latency) -> None:
        """Say beforehand what references are made of; the day before is read only where weeks are not to be had."""
        expr, kinds = baseline_expression(signal), signal.baseline.kinds
        if ReferenceKind.TRAILING in kinds:
            first, last = trailing_hours(self._first)[0], trailing_hours(self._end)[-1]
            self._history.want(expr, HOUR, first, last, first=True)
        if ReferenceKind.SAME_TIME in kinds:
            for begin, end in _weeks(_down(self._first, SLOT), _down(self._end, SLOT)):
                self._history.want(expr, SLOT, begin, end, first=True)

    def _lived_from(self) -> int:
        """Give when the source first had samples: nothing was absent before it lived."""
        now = self._source.instant(SCRAPED, self._first, deadline=PATIENCE)
        if not isinstance(now, Samples) or now.samples:
            return self._first
        if self._first_sample(self._first - BEFORE, self._first, BEFORE // COARSE) is not None:
            return self._first  # it was away, and that is for blindness to tell
        spans = (self._first, self._end), (self._end, self._history.known_until)
        found = (self._first_seen(*span) for span in spans)
        return next((at for at in found if at is not None), self._first)  # none: metrics are written to it

    def _first_seen(self, begin: int, end: int) -> int | None:
        """Give when the source first had samples between `begin` and `end`; None where it had none."""
        if begin > end:
            return None
        step = max(1, (end - begin) // COARSE)
        about = self._first_sample(begin, end, step)
        return None if about is None else self._first_sample(max(begin, about - step), about, 1) or about

    def _first_sample(self, begin: int, end: int, step: int) -> int | None:
        answer = self._source.columns(SCRAPED, begin, end, step, deadline=PATIENCE)
        if not isinstance(answer, RangeColumns) or not answer.columns:
            return None
        present = answer.columns[0].present
        return begin + step * (present.index(1) if present else 0)

    def _before_it_lived(self, rules: RuleSet) -> Iterable[Unread]:
        if self._first > self._begin:
            why = f"no samples before {utc(self._born):%Y-%m-%d %H:%M:%S} UTC"
            for group in rules.groups:
                for rule in group.rules:
                    yield Unread(group.name, rule.alert, self._begin, min(self._first, self._end), why)

    # --- living -----------------------------------------------------------------------------------------------------

    def _live(self, number: int, folded: Sequence[Folded], span: Span) -> list[Happenings]:
        """Live each episode; one that another rule set has lived through is not lived again. Incidents are numbered."""
        prepared, found = self._prepared[number], list[Happenings]()
        book, count = InForce(prepared.rules, prepared.plan), 0
        for episode in episodes(prepared.rules, [(one, self._sighting(one)) for one in folded], self._end):
            known = episode.identity, prepared.rules.routing
            if known not in self._lived:
                life = Life(book, episode, self._world).live(self._end)
                self._lived[known] = happenings_of(life.store, life.blind, prepared.rules, span)
            one = self._lived[known]
            found.append(one.numbered_from(count))
            count += len(one.cases)
        return found

    def _sighting(self, folded: Folded) -> Sighting | None:
        """Give what a rule leaves unwatched; looked for once, as what was folded is kept."""
        if id(folded) not in self._sightings:
            self._sightings[id(folded)] = sighting(folded)
        return self._sightings[id(folded)]

    # --- folding ----------------------------------------------------------------------------------------------------

    def _grid(self, step: int) -> Grid:
        first = -(-self._first // step) * step
        return Grid(first, step, max(0, (_down(self._end, step) - first) // step + 1))

    def _fold(self, number: int, group: Group) -> list[Folded]:
        """Fold each rule of a group; what another rule set has in common with one before is not folded again."""
        prepared = self._prepared[number]
        bare, grid = replace(group, rules=()), self._grid(group.interval)
        found = []
        for rule in group.rules:
            asked = (rule, bare, grid, prepared.plan.versions)
            if asked not in self._folded:
                context = replace(self._context, plan=prepared.plan)
                self._folded[asked] = fold(Case(rule, group, grid, context))
            found.append(self._folded[asked])
        return found


def _shadowed(rules: RuleSet, found: Iterable[Stretch]) -> tuple[str, ...]:
    fired = {one.key.alert for one in found if one.fired_at is not None}
    return tuple(rule.alert for rule in _rules(rules) if rule.shadow and rule.alert in fired)


def lead(rules: RuleSet) -> int:
    """Give the seconds before a stretch that are folded too, so that its first point finds what a monitor would know.

    As far as the daemon itself goes back, and as far as an incident, a hold or a blindness can reach.
    """
    reach = [rules.routing.reopen_within]
    for group in rules.groups:
        reach += [group.max_catch_up, group.blind_after + 2 * group.interval]
        reach += [2 * (rule.keep_firing_for + max(tier.hold for tier in rule.every_tier)) for rule in group.rules]
    return max(reach)


def _minds_absence(rule: Rule) -> bool:
    return isinstance(rule.signal, Condition) or rule.no_data is NoData.BREACH or not rule.optional


def _rules(rules: RuleSet) -> Iterable[Rule]:
    return (rule for group in rules.groups for rule in group.rules)


def _down(at: int, step: int) -> int:
    return at // step * step


def _weeks(begin: int, end: int) -> list[tuple[int, int]]:
    """Give the ends of the hours around the same clock time 3, 2 and 1 weeks before, as stretches without overlap."""
    found: list[tuple[int, int]] = []
    for weeks in (3, 2, 1):
        first, last = begin - weeks * WEEK + HOUR // 2, end - weeks * WEEK + HOUR // 2
        if found and first <= found[-1][1] + SLOT:
            found[-1] = found[-1][0], last
        else:
            found.append((first, last))
    return found
