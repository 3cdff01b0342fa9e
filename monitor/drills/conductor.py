"""Conducts drills: begins them, injects what they play, gives them up for a real page, and brings them to their end.

One drill at a time. Everything that it says is written before it is done, so that a monitor which was restarted goes
on where it was. It judges nothing: that is the result's business.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import RLock
from typing import TypeAlias

import structlog

from monitor.core.actor import MONITOR, Actor
from monitor.core.drill.asking import unusable
from monitor.core.drill.log import (
    Drill,
    DrillAborted,
    DrillEvent,
    DrillFinished,
    DrillStarted,
    Injected,
    fold_drill,
    moved,
)
from monitor.core.drill.refusals import refusal
from monitor.core.drill.sayings import announced
from monitor.core.drill.scenario import Scenario
from monitor.core.drill.signing import first, sign
from monitor.core.drill.staging import route_of, target_of
from monitor.core.incidents.incident import Incident
from monitor.core.naming import DRILL, incident_id
from monitor.core.pages.posts import Notice
from monitor.core.rules.routing import Route
from monitor.core.rules.ruleset import RuleSet
from monitor.core.words import lasted
from monitor.drills import telling
from monitor.drills.closing import Closing, say_once
from monitor.drills.hall import Hall, Stage, newest_number
from monitor.drills.playing import Playing
from monitor.drills.records import Records
from monitor.drills.remains import Remains
from monitor.ports.store import Change, ConflictError, KeptRules
from monitor.ports.world import Clock
from monitor.side import Side

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asks for who begins a drill: `participants` are called and may act instead of the configured."""

    scenario: str
    by: Actor
    participants: tuple[str, ...] = ()
    hypothesis: str = ""
    recovery_target: int | None = None
    rehearsal: bool = False


@dataclass(frozen=True, slots=True)
class NoDrill:
    """Nothing was done, and why."""

    sentence: str


Outcome: TypeAlias = Drill | NoDrill


@dataclass(slots=True)
class Conductor:
    """Conducts; thread-safe. `channel` is where drills take place where routing.yaml names none, `load` reads rules.

    `free` says that who speaks from a shell may do everything, since there is no Slack; `live` whether a monitor runs,
    without which nothing can be begun.
    """

    hall: Hall
    production: Side
    clock: Clock
    load: Callable[[KeptRules], RuleSet | None]
    channel: str = ""
    free: bool = False
    changed: Callable[[], None] = lambda: None
    live: bool = False
    _lock: RLock = field(default_factory=RLock)
    _playing: Playing = field(default_factory=Playing)
    _staged: str = ""
    _left: Drill | None = None
    """A drill that is over, until a later look has seen that nothing of it is open: its rule may be being read right
    now, and then fire."""
    _remains: Remains = field(init=False)

    def __post_init__(self) -> None:
        """Begin with nothing left to keep."""
        self._remains = Remains(self.clock)

    # --- what people ask ----------------------------------------------------------------------------------------------

    def start(self, asked: Asked) -> Outcome:
        """Begin a drill. Raises StoreError where it cannot be written down."""
        with self._lock:
            rules = self.production.book.now.rules
            scenario = rules.drills.get(asked.scenario)
            if scenario is None:
                known = ", ".join(sorted(rules.drills)) or "none: write one into rules/drills"
                wrong = f"There is no drill {asked.scenario}" if asked.scenario else "Say which drill"
                return NoDrill(f"{wrong}. There are {known}.")
            wanted = rules.routing.drills.route
            route = route_of(wanted, asked.participants, wanted.channel or self.channel)
            unusable_as = unusable(asked.participants, asked.recovery_target, scenario.longest)
            refusal = unusable_as or self._in_the_way() or _unstaffed(route, free=self.free)
            if refusal:
                return NoDrill(refusal)
            return self._begin(asked, scenario, rules, route)

    def inject(self, by: Actor, note: str = "") -> Outcome:
        """Say that the fault was injected now: T0 of a drill that watches real traffic."""

        def decided(drill: Drill, now: datetime) -> DrillEvent | str:
            if drill.injected is not None:
                return f"The fault of {drill.id} was injected at {drill.injected.at:%H:%M:%S} UTC."
            return Injected(now, by, note)

        return self._decide(decided)

    def abort(self, by: Actor, reason: str) -> Outcome:
        """Give the running drill up."""
        if not reason.strip():
            return NoDrill("Say why it is given up.")
        return self._decide(lambda _drill, now: DrillAborted(now, by, reason.strip()))

    def finish(self, by: Actor) -> Outcome:
        """Bring the running drill to its end; what is missing of it makes it incomplete."""
        return self._decide(lambda _drill, now: DrillFinished(now, by))

    def sign_off(self, name: str, by: Actor, note: str = "") -> Outcome:
        """Stand by the result of a drill that is over; two people must whom somebody vouches for."""
        with self._lock:
            outcome = self._decide(lambda drill, now: sign(drill, by, note, now), name)
            stage, drill = self.hall.stage, self.records.one(name) if name else None
            if stage is not None and drill is not None:  # also what an earlier signature could not have told
                self._tell_signed(stage, drill)
            return outcome

    def refused(self, name: str, by: Actor, command: str, why: str) -> None:
        """Keep that somebody was refused something: evidence of the drill called `name`, by default the one that runs.

        Only as long as its record is open. Raises StoreError.
        """
        with self._lock:
            stage, drill = self.hall.stage, self.records.one(name)
            kept = refusal(drill, by, command, why, self.clock.now()) if drill is not None else None
            if stage is None or drill is None or kept is None:
                return
            try:
                stage.log.append_drill(drill.id, drill.rev, kept)
            except ConflictError as error:  # another process wrote at the same moment: what it wrote goes first
                log.warning("drill.refusal_not_kept", drill=drill.id, by=by.id, why=str(error))

    # --- what is known ------------------------------------------------------------------------------------------------

    @property
    def records(self) -> Records:
        """What is on record of drills."""
        return Records(self.hall)

    def scenarios(self) -> tuple[Scenario, ...]:
        """Every drill that could be begun, by name."""
        known = self.production.book.now.rules.drills
        return tuple(known[name] for name in sorted(known))

    # --- what time brings ---------------------------------------------------------------------------------------------

    def resume(self) -> None:
        """Go on with what was under way when the monitor was stopped, or be able to show what was. Raises StoreError.

        What a monitor that was killed had begun to say or to end is said and ended.
        """
        with self._lock:
            stage, drills = self.hall.stage, self.records.drills()
            if stage is None or not drills:
                return
            kept = stage.side.store.rules()
            rules = self.load(kept) if kept is not None else None
            self._go_on(stage, drills[0], rules or self.production.book.now.rules)

    @property
    def ready(self) -> bool:
        """Whether the rules of a drill are in force: before, nobody may be told anything in its name."""
        return bool(self._staged)

    @property
    def closing(self) -> bool:
        """Whether something is left to do of a drill that is over."""
        return self._left is not None

    def look(self) -> bool:
        """Look once; give whether a drill runs. Raises StoreError."""
        with self._lock:
            drill = self.records.running
            if not self._staged or (drill is not None and drill.id != self._staged):
                self.resume()  # the database could not be read when the monitor was started
            if self._left is not None and self._close(self.hall.enter(), self._left):
                self._left = None
            if drill is None:
                return False
            stage, now = self.hall.enter(), self.clock.now()
            incident = stage.side.store.incident(drill.id)
            ended = incident.ended_at if incident is not None else None  # also from a shell, while no monitor ran
            real = self._real(drill.started.at, ended)
            if real is not None:
                self._write(stage, drill, DrillAborted(now, MONITOR, f"{real.id} is real", real.id))
            elif ended is not None:
                self._write(stage, drill, DrillFinished(ended, MONITOR))
            elif now - drill.started.at > timedelta(seconds=self._playing.longest(drill)):
                longest = lasted(timedelta(seconds=self._playing.longest(drill)))
                self._write(stage, drill, DrillAborted(now, MONITOR, f"it ran for longer than {longest}"))
            else:
                self._playing.play(stage, drill, incident)
                return True
            return False

    @property
    def keeps(self) -> bool:
        """Whether what the last drill played is still to be kept."""
        return self._remains.owed is not None

    def keep_played(self) -> None:
        """Keep what the last drill played, once all of it is ended. Takes seconds. Raises StoreError."""
        stage = self.hall.open
        if stage is not None and self._left is None:
            self._remains.keep(stage)

    # --- how ----------------------------------------------------------------------------------------------------------

    def _in_the_way(self) -> str:
        if not self.live:
            return "No monitor runs: a drill needs one. Start it with rollback-monitor run."
        running = self.records.running
        if running is not None:
            return f"{running.id} runs since {running.started.at:%H:%M} UTC: finish or abort it first."
        real = next((one for one in self.production.store.incidents(open_only=True) if _needs_people(one)), None)
        if real is not None:
            return f"{real.id} is open: there is something real to do."
        unkept = self._remains.owed
        if unkept is not None:
            return f"What {unkept.id} played is being kept: begin again in a moment."
        return f"{self._left.id} is being ended: begin again in a moment." if self._left is not None else ""

    def _begin(self, asked: Asked, scenario: Scenario, rules: RuleSet, route: Route) -> Outcome:
        stage, now = self.hall.enter(), self.clock.now()
        stage.hear_all(now)
        name = self._name(stage)
        seconds = asked.recovery_target or target_of(rules, scenario)
        started = DrillStarted(
            now,
            asked.by,
            scenario.name,
            scenario.title,
            scenario.kind,
            asked.hypothesis or scenario.hypothesis,
            route.responders,
            seconds,
            scenario.abort_if,
            rehearsal=asked.rehearsal,
            channel=route.channel,
        )
        events: tuple[DrillEvent, ...] = (started,)
        if scenario.script is not None:
            events = (started, Injected(now, MONITOR, "played"))
        kept = self.production.store.rules()
        if kept is not None:
            stage.side.store.commit(Change(rules=kept))
        try:
            stage.log.append_drill(name, 0, *events)
        except ConflictError:
            return NoDrill("Somebody else began a drill at the same moment.")
        drill = fold_drill(name, events)
        log.info("drill.started", drill=name, scenario=scenario.name, kind=str(scenario.kind), by=asked.by.id)
        self.changed()
        self._go_on(stage, drill, rules)
        return drill

    def _name(self, stage: Stage) -> str:
        """Give the name after every other: also after that of a page which an older version opened for no drill."""
        return incident_id(max(1 + newest_number(stage.log), stage.side.store.next_incident_number()), DRILL)

    def _go_on(self, stage: Stage, drill: Drill, rules: RuleSet) -> None:
        """Put the rules of a drill in force, and say or end what is not yet; what fails is done by the next look."""
        self._staged = ""
        self._playing.set(stage, drill, rules)
        if self._playing.scenario is not None:
            self._remains.owe(stage, drill, self._playing.scenario)
        if not drill.running:
            self._left, self._staged = drill, drill.id  # whatever fails from here on
            self._close(stage, drill)
        elif self._playing.scenario is not None:
            say_once(stage, Notice.DRILL_STARTED, drill, announced(drill, self._playing.scenario))
        self._staged = drill.id

    def _real(self, since: datetime, ended: datetime | None) -> Incident | None:
        """Give what really happened since a drill began, and before it `ended`; also where it is over by now."""
        happened = self.production.store.incidents(since=since)  # when it began, none of them needed anybody
        needed = (one for one in happened if one.opened_at >= since or (one.is_open and _needs_people(one)))
        return next((one for one in needed if ended is None or one.opened_at < ended), None)

    def _decide(self, decide: Callable[[Drill, datetime], DrillEvent | str], name: str = "") -> Outcome:
        with self._lock:
            stage, drill = self.hall.stage, self.records.one(name)
            if stage is None or drill is None:
                return NoDrill(f"There is no drill {name}." if name else "No drill runs.")
            decided = decide(drill, self.clock.now())
            if isinstance(decided, str):
                return NoDrill(decided)
            return self._write(stage, drill, decided)

    def _write(self, stage: Stage, drill: Drill, event: DrillEvent) -> Outcome:
        try:
            stage.log.append_drill(drill.id, drill.rev, event)
        except ConflictError:
            return NoDrill(f"Somebody else was first: look at {drill.id} again.")
        after = moved(drill, event)
        log.info("drill.moved", drill=drill.id, what=event.kind, by=event.by.id)
        ends = drill.running and not after.running
        self._left = after if ends else self._left  # whatever fails from here on
        self.changed()
        if drill.id == self._staged:  # an older one may be signed while another is played
            self._playing.play(stage, after, stage.side.store.incident(drill.id))
        if ends:
            self._close(stage, after)
        return after

    def _tell_signed(self, stage: Stage, drill: Drill) -> None:
        """Tell of the first of two signatures, and owe the report to the thread; done twice, it is done once."""
        if drill.finished is not None and len(drill.vouched) == 1:
            say_once(stage, Notice.DRILL_SIGNED, drill, first(drill))
        telling.report(stage, drill, self.clock.now())

    def _close(self, stage: Stage, drill: Drill) -> bool:
        """End what is open of a drill; False where it cannot be said yet where the real page stands."""
        scenario = self._playing.scenario
        mend = scenario.mend if scenario is not None else ""
        closed = Closing(self.production, self.clock).close(stage, drill, mend)
        if closed:
            self._remains.owe(stage, drill, scenario)
        return closed


def _unstaffed(route: Route, *, free: bool) -> str:
    if not route.channel:
        return "There is no channel for drills: name one under `drills:` in routing.yaml, or in the settings."
    if not route.responders and not free:
        return "Nobody could act: name participants, or responders under `drills:` in routing.yaml."
    return ""


def _needs_people(incident: Incident) -> bool:
    """Whether something real is not over: a signal breaches, or people are in a procedure."""
    return incident.recovered_at is None or incident.running is not None
