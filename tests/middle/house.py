"""A small world of real parts on the shipped fakes: what the tests of the middle layer run in.

Signals are given by grid time, outages by the time of asking: `says` and `answer`. Nothing here decides anything.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from monitor.adapters.memory.store import MemoryStore
from monitor.adapters.memory.world import ManualClock, RecordingArtist, RecordingPager, ScriptedSource
from monitor.core.actor import Actor, Role, Source
from monitor.core.incidents.incident import Incident
from monitor.core.model import Alert, AlertKey, Labels, Sample, Tier, Transition, labels_of
from monitor.core.pages.page import ActionKind
from monitor.core.procedures.procedure import Procedure, Step
from monitor.core.procedures.proposals import wanted
from monitor.core.rules.routing import Escalation, Maintenance, Route, Routing
from monitor.core.rules.rule import Group, Resolve, Rule, TierRule
from monitor.core.rules.ruleset import RuleSet
from monitor.core.rules.signal import Query
from monitor.delivery.filelane import NoFiles
from monitor.delivery.outbox import Bell, Destinations, Outbox, Plots, Tempo
from monitor.delivery.pictures import Pictures
from monitor.desk.desk import Desk
from monitor.desk.scenes import Scenes
from monitor.evaluation.baselines import Baselines
from monitor.evaluation.deploys import Deploys
from monitor.evaluation.engine import Engine, Evaluated
from monitor.evaluation.lookout import Lookout
from monitor.evaluation.reading import Reader
from monitor.evaluation.vigil import Vigil
from monitor.evidence.plotting import Plotting
from monitor.people.commands import Commands, Outcome
from monitor.people.requesting import Request
from monitor.ports.metrics import Answer, Samples
from monitor.ports.store import Change, Store
from monitor.rulebook import RuleBook
from monitor.ruleset.reload import Reloader

START = 1_741_057_200  # 2025-03-04 03:00:00 UTC, a multiple of every interval used here
INTERVAL = 15
OFFSET = 10
BLIND_AFTER = 300
REOPEN_WITHIN = 1800
QUIET, BAD, WORST = 0.0, 0.1, 0.6
"""A signal's values: clear, over the limit of prepare, over both."""

ROUTE = Route("C0OPS", responders=("S0ONCALL",))
NOBODY_AGAIN = Escalation((), None, (), None, acknowledgement_expires=None)
"""No calls of people who do not acknowledge, for tests of everything else."""
ROLLBACK = Procedure("rollback", "Roll back", (Step("declare", "Declare"), Step("pin", "Pin the target")))
ANA = Actor("U0ANA", "Ana", Source.SLACK, frozenset({Role.RESPONDER}))
BEN = Actor("U0BEN", "Ben", Source.SLACK, frozenset({Role.RESPONDER}))
GUEST = Actor("U0GUEST", "Gus", Source.SLACK)

Said = float | None | dict[str, float]
"""A signal's value: of its one instance, none at all, or of each instance by job."""


def rule(
    alert: str,
    *,
    prepare: int | None = None,
    rollback: int | None = None,
    keep: int = 0,
    resolve: Resolve = Resolve.BY_SIGNAL,
    optional: bool = False,
    limit: float = 0.02,
    labels: Labels = (),
) -> Rule:
    """A rule that reads the metric of its own name; a tier is given by its `for` in seconds."""
    tiers: list[TierRule] = []
    if prepare is not None:
        tiers.append(TierRule(Tier.PREPARE, above=limit, below=None, hold=prepare))
    if rollback is not None:
        tiers.append(TierRule(Tier.ROLLBACK, above=0.25, below=None, hold=rollback))
    signal = Query(alert.lower(), by=("job",))
    return Rule(alert, signal, tuple(tiers), keep_firing_for=keep, resolve=resolve, optional=optional, labels=labels)


def group(name: str, *rules: Rule, interval: int = INTERVAL) -> Group:
    return Group(name, rules, interval=interval, query_offset=OFFSET, blind_after=BLIND_AFTER)


def rule_set(
    *groups: Group,
    route: Route = ROUTE,
    escalation: Escalation = NOBODY_AGAIN,
    maintenance: tuple[Maintenance, ...] = (),
    routes: tuple[Route, ...] = (),
    group_by: tuple[str, ...] = ("environment",),
    procedure: Procedure = ROLLBACK,
) -> RuleSet:
    routing = Routing("production", route, REOPEN_WITHIN, escalation, maintenance, routes=routes, group_by=group_by)
    return RuleSet(groups, routing, {procedure.id: procedure})


def key(alert: str, tier: Tier = Tier.ROLLBACK, job: str = "") -> AlertKey:
    """The identity of an alert of the one instance of a metric, or of instance `job`."""
    return AlertKey(alert, (("job", job or alert.lower()),), tier)


class RecallingStore(MemoryStore):
    """A memory store that recalls every change committed to it, for assertions."""

    def __init__(self) -> None:
        super().__init__()
        self.changes: list[Change] = []

    def commit(self, change: Change) -> None:
        super().commit(change)
        self.changes.append(change)

    @property
    def reasons(self) -> list[str]:
        """The happenings behind what was owed, in order; each once a change (a post and the edit beside it)."""
        return [one for change in self.changes for one in dict.fromkeys(post.reason for post in change.posts)]


class House:
    """Everything between the ports, put together as the composition root does it."""

    def __init__(
        self,
        *groups: Group,
        pager: RecordingPager | None = None,
        escalation: Escalation = NOBODY_AGAIN,
        maintenance: tuple[Maintenance, ...] = (),
        route: Route = ROUTE,
        destinations: Destinations | None = None,
        tempo: Tempo | None = None,
        artist: RecordingArtist | None = None,
        procedure: Procedure = ROLLBACK,
    ) -> None:
        """`artist` draws plots; without one the pager carries none."""
        self.clock = ManualClock(datetime.fromtimestamp(START + OFFSET, UTC))
        self.source = ScriptedSource(self._answers)
        self.store = RecallingStore()
        self.pager = pager or RecordingPager()
        self.destinations = destinations or Destinations()
        self.tempo = tempo or Tempo(0, 0)
        self.artist = artist
        self.plots_heard: list[str] = []
        self.answer: Callable[[str, int], Answer | None] = lambda _expr, _at: None
        self.asked: list[tuple[str, int]] = []
        self._said: dict[str, list[tuple[int, Said]]] = {}
        self.bell = Bell()
        self.held: Callable[[str], float] = lambda _incident: 0.0
        self.build(rule_set(*groups, route=route, escalation=escalation, maintenance=maintenance, procedure=procedure))

    def build(self, rules: RuleSet, store: Store | None = None) -> None:
        """Put the parts together; once more is a restart of the process."""
        kept = store or self.store
        self.book = RuleBook(rules)
        self.desk = Desk(kept, self.clock, self.book, self.bell.ring, plots=self.artist is not None)
        self.lookout, deploys = Lookout(), Deploys(self.source)
        reader = Reader(self.source, Baselines(self.source), deploys)
        self.plotting = Plotting(reader, deploys, kept, self.clock, self.book)
        self.engine = Engine(reader, self.desk, self.clock, self.book, self.lookout)
        self.vigil = Vigil(self.engine, self.desk, kept, self.clock, self.book, self.lookout)
        self.commands = Commands(
            self.desk,
            kept,
            self.clock,
            self.book,
            targets=lambda one, named: wanted(one, self.book.now.rules.releases, named),
            presence=self.lookout.presence,
        )
        self.reloader = Reloader(self.desk, self.clock, self.book)
        scenes = Scenes(self.book, self.engine.readings)
        maker = Pictures(kept, self.plotting, self.artist) if self.artist else NoFiles()
        self.outbox = Outbox(
            kept,
            self.pager,
            self.clock,
            scenes,
            self.bell,
            destinations=self.destinations,
            plots=Plots(maker, lambda _kind, outcome: self.plots_heard.append(outcome)),
            tempo=self.tempo,
            held=lambda incident: self.held(incident),  # noqa: PLW0108  # a test sets it after this
        )

    # --- the world outside ----------------------------------------------------------------------------------------

    @property
    def grid(self) -> int:
        """The newest grid time that can be read now."""
        return int(self.clock.now().timestamp() - OFFSET) // INTERVAL * INTERVAL

    def says(self, alert: str, value: Said, *, since: int | None = None) -> None:
        """Let the metric of `alert` have `value` from grid time `since` (now) on."""
        self._said.setdefault(alert.lower(), []).append((self.grid if since is None else since, value))

    def _answers(self, expr: str, at: int) -> Answer:
        self.asked.append((expr, at))
        given = self.answer(expr, at)
        if given is not None:
            return given
        told = [value for since, value in self._said.get(expr, []) if since <= at]
        value: Said = told[-1] if told else QUIET
        if value is None:
            return Samples(())
        by_job = value if isinstance(value, dict) else {expr: value}
        return Samples(tuple(Sample(labels_of({"job": job}), one) for job, one in by_job.items()))

    # --- time -----------------------------------------------------------------------------------------------------

    def evaluate(self, name: str = "", max_seconds: float = 10.0) -> Evaluated:
        """Evaluate one group, the first where none is named."""
        evaluated = self.engine.evaluate(name or self.book.now.rules.groups[0].name, max_seconds)
        assert evaluated is not None
        return evaluated

    def evaluate_all(self) -> tuple[Transition, ...]:
        """Evaluate every group; give what changed."""
        return tuple(one for each in self.book.now.rules.groups for one in self.evaluate(each.name).transitions)

    def tick(self) -> tuple[Transition, ...]:
        """Evaluate every group, look once, and deliver; give what changed."""
        changed = (*self.evaluate_all(), *self.vigil.watch())
        self.outbox.deliver_due()
        return changed

    def walk(self, seconds: int, step: int = INTERVAL) -> tuple[Transition, ...]:
        """Let `seconds` pass, with a tick after every `step`."""
        changed: list[Transition] = []
        for _ in range(0, seconds, step):
            self.clock.advance(step)
            changed += self.tick()
        return tuple(changed)

    # --- what became of it ----------------------------------------------------------------------------------------

    @property
    def incidents(self) -> Sequence[Incident]:
        """All incidents, oldest first."""
        return list(reversed(self.store.incidents()))

    def incident(self, number: int = 1) -> Incident:
        found = self.store.incident(f"INC-{number:04d}")
        assert found is not None
        return found

    def kinds(self, number: int = 1) -> list[str]:
        """The kinds of an incident's events."""
        return [event.kind for event in self.store.events(f"INC-{number:04d}")]

    def alerts(self, name: str = "") -> dict[AlertKey, Alert]:
        """The stored alerts of a group, the first where none is named."""
        return dict(self.store.group(name or self.book.now.rules.groups[0].name).alerts)

    def ask(self, action: ActionKind, by: Actor = ANA, *, number: int = 1, alert: str = "", note: str = "") -> Outcome:
        """Let somebody ask for something."""
        return self.commands.carry_out(Request(f"INC-{number:04d}", action, by, alert, {"note": note} if note else {}))

    @property
    def told(self) -> list[str]:
        """The kind of each delivered message with the words of lines and broadcasts, edits marked so."""
        return [
            f"{'edit ' if message.post.ts else ''}{message.post.kind}{': ' if message.post.said else ''}"
            f"{message.post.said}"
            for message in self.pager.messages
        ]
