"""An incident as people drive it, without store, pager or clock: for tests of what is decided and what follows."""

from datetime import UTC, datetime, timedelta

from monitor.core.actor import MONITOR, Actor, Role, Source
from monitor.core.incidents.asks import Command, No, Refusal, StartProcedure
from monitor.core.incidents.decide import decide, with_ticks
from monitor.core.incidents.due import due
from monitor.core.incidents.events import AlertFired, AlertResolved, Event, Firing, Opened
from monitor.core.incidents.incident import Incident, apply, fold
from monitor.core.incidents.procedureevents import ChecksRun, Pinned, VersionsSeen
from monitor.core.model import AlertKey, Cause, Tier
from monitor.core.procedures.procedure import Check, Choice, Does, Field, Procedure, Step, Task, Wave
from monitor.core.procedures.procedure import Command as Run
from monitor.core.procedures.verification import CheckResult, Outcome
from monitor.core.rules.signal import Unit

START = datetime(2025, 3, 4, 3, 2, tzinfo=UTC)
ANA = Actor("U0ANA", "Ana", Source.SLACK, frozenset({Role.RESPONDER, Role.COMMANDER}))
BEN = Actor("U0BEN", "Ben", Source.SLACK, frozenset({Role.RESPONDER}))
DBA = Actor("U0DBA", "Dora", Source.SLACK, frozenset({Role.APPROVER}))
GUEST = Actor("U0GUEST", "Gus", Source.SLACK)

PLAN = Procedure(
    "rollback",
    "Roll back",
    (
        Step("declare", "Declare", does=Does.FREEZE, tasks=(Task("Say it"),)),
        Step("target", "Pin the target", does=Does.PIN),
        Step("flags", "Flags first", commands=(Run("kubectl set env x"),)),
        Step(
            "services",
            "Roll back the services",
            commands=(Run('kubectl set image "deployment/$SERVICE" "$SERVICE=$IMAGE"'),),
            waves=(Wave("Backend", ("auth", "billing")), Wave("Frontend", ("web",))),
        ),
        Step(
            "migrations",
            "Decide about migrations",
            choose=(
                Choice("none", "None since the target"),
                Choice("revert", "Must be reverted", needs_approver=True),
                Choice("forward", "Fix forward", needs_approver=True, forward=True),
            ),
        ),
        Step(
            "verify",
            "Verify",
            checks=(Check("signals", "The signals are clear"), Check("command", "Preflight", argv=("true",))),
        ),
        Step("close", "Close", does=Does.END, collect=(Field("cause", "Root cause"),)),
    ),
)
AUTH = Pinned("auth", "2.13.4", "2.14.0", "r/auth:2.13.4", "the registry has it", ())
WEB = Pinned("web", "1.9.0", "1.9.1", "r/web:1.9.0", "the registry has it", ())


def key(alert: str = "Login", tier: Tier = Tier.ROLLBACK) -> AlertKey:
    return AlertKey(alert, (("service", alert.lower()),), tier)


def firing(alert: str = "Login", tier: Tier = Tier.ROLLBACK, at: datetime = START) -> Firing:
    return Firing(key(alert, tier), alert.lower(), f"{alert}: 62 % fail", at, at, 0.62, 0.25, unit=Unit.RATIO)


class Driven:
    """An incident, its events and the time."""

    def __init__(self, *firings: Firing, plan: Procedure = PLAN, blind: bool = False) -> None:
        self.plan = plan
        self.at = START
        opened = Opened(START, MONITOR, "production", blind=blind)
        self.events: list[Event] = [opened]
        self.incident: Incident = fold("INC-0001", [opened])
        for one in firings or (firing(),):
            self.add(AlertFired(START, MONITOR, one))

    def add(self, *events: Event) -> None:
        for event in events:
            self.incident = apply(self.incident, event)
            self.events.append(event)

    def later(self, **span: float) -> "Driven":
        self.at += timedelta(**span)
        return self

    def do(self, command: Command) -> str:
        """Give the words of a refusal, or nothing."""
        decided = decide(self.incident, command, self.at)
        if isinstance(decided, Refusal):
            return decided.sentence
        self.add(*decided)
        return ""

    def refused(self, command: Command) -> No | None:
        decided = decide(self.incident, command, self.at)
        return decided.why if isinstance(decided, Refusal) else None

    def start(self, by: Actor = ANA) -> "Driven":
        assert self.do(StartProcedure(by, self.plan.id, len(self.plan.steps), self.plan)) == ""
        return self

    def sees(self, service: str, *versions: str) -> "Driven":
        self.add(*with_ticks(self.incident, (VersionsSeen(self.at, MONITOR, service, versions),), self.at))
        return self

    def checked(self, **outcomes: Outcome) -> "Driven":
        results = tuple(
            CheckResult(name.replace("_", "-"), name, "signals", outcome, self.at, self.at, outcome.value)
            for name, outcome in outcomes.items()
        )
        self.add(*with_ticks(self.incident, (ChecksRun(self.at, MONITOR, results),), self.at))
        return self

    def clears(self, alert: str = "Login", tier: Tier = Tier.ROLLBACK) -> "Driven":
        self.add(AlertResolved(self.at, MONITOR, key(alert, tier), Cause.NO_LONGER_OVER_LIMIT, 0.001))
        return self

    def waits(self, reopen_within: int = 1800) -> tuple[str, ...]:
        """Let time alone act; give the kinds of what it did."""
        events = due(self.incident, self.at, reopen_within)
        self.add(*events)
        return tuple(one.kind for one in events)

    @property
    def kinds(self) -> list[str]:
        return [one.kind for one in self.events]
