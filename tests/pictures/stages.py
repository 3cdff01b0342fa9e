"""Incidents in every stage of their life, folded from events, for goldens and pictures.

What people do is decided by the core as it is when they click, so that a stage that cannot come about is not drawn.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Self

from monitor import files
from monitor.core.actor import MONITOR, Actor, Role, Source
from monitor.core.incidents.asks import (
    Abort,
    Acknowledge,
    CallFalse,
    Choose,
    Command,
    CompleteRecord,
    End,
    ForceEnd,
    Pin,
    Refusal,
    Reopen,
    SkipStep,
    StartProcedure,
)
from monitor.core.incidents.decide import decide, with_ticks
from monitor.core.incidents.due import due
from monitor.core.incidents.events import AlertFired, AlertResolved, Asked, Ended, EndReason, Event, Firing, Opened
from monitor.core.incidents.incident import Incident, apply, fold
from monitor.core.incidents.procedureevents import (
    BreakdownFound,
    ChangesFound,
    ChecksRun,
    FollowUp,
    Pinned,
    VersionsSeen,
)
from monitor.core.model import AlertKey, Cause, Tier
from monitor.core.pages.page import Reading, Scene
from monitor.core.procedures.procedure import Procedure
from monitor.core.procedures.verification import CheckResult, Outcome, SignalHeld
from monitor.core.releases.breakdown import Breakdown, ByRoute, RouteShare, SlowService
from monitor.core.releases.release import Availability, Changed, Target, What, WhatChanged
from monitor.core.rules.rule import Resolve
from monitor.core.rules.signal import Unit

AT = datetime(2026, 3, 1, 3, 2, 15, tzinfo=UTC)
ANA = Actor("U0ANA", "Ana", Source.SLACK, frozenset({Role.RESPONDER, Role.COMMANDER}))
BEN = Actor("U0BEN", "Ben", Source.SLACK, frozenset({Role.RESPONDER, Role.APPROVER}))
LOGIN = AlertKey("LoginFailing", (), Tier.ROLLBACK)
TARGETS = (
    Pinned("auth", "2.13.4", "2.14.0", "registry.example/auth:2.13.4", "image found in registry.example", ()),
    Pinned("billing", "7.0.2", "7.1.0", "registry.example/billing:7.0.2", "", ("0042_invoice_status",)),
    Pinned("web", "5.8.1", "5.9.0", "registry.example/web:5.8.1", "image found in registry.example", ()),
)
SURE = tuple(
    Pinned(one.service, one.target, one.current, one.image, "image found in registry.example", one.migrations)
    for one in TARGETS
)
PLAIN = tuple(Pinned(one.service, one.target, one.current, one.image, one.confirmed, ()) for one in SURE)


@cache
def procedure() -> Procedure:
    """The shipped procedure."""
    rules = files.load(Path(__file__).parents[2] / "rules").rules
    assert rules is not None
    return rules.procedures["rollback"]


def firing(number: int, tier: Tier = Tier.ROLLBACK, resolve: Resolve = Resolve.BY_SIGNAL) -> Firing:
    """One alert of many; the first is the login."""
    if number == 0:
        key, service, summary = AlertKey("LoginFailing", (), tier), "auth", "login: 62 % of logins fail"
    else:
        key = AlertKey("ApiErrors", (("service", f"shop-{number}"),), tier if number % 2 else Tier.PREPARE)
        service, summary = f"shop-{number}", f"shop-{number}: {60 - number % 50} % of requests fail"
    since = AT - timedelta(seconds=5) + timedelta(seconds=15 * number)
    links = (("graph", f"https://prometheus.example/graph?g0.expr=login_{number}"),)
    return Firing(
        key,
        service,
        summary,
        since,
        AT,
        0.62,
        0.2,
        unit=Unit.RATIO,
        why="62 % of 310 requests failed",
        links=links,
        resolve=resolve,
    )


def results(**outcomes: tuple[Outcome, str]) -> tuple[CheckResult, ...]:
    """The checks of the shipped procedure: passed, but for those named: `signals`, or the first word of a title."""
    made = []
    for check in next(step for step in procedure().steps if step.checks).checks:
        name = check.kind if check.kind == "signals" else check.title.split()[0].lower()
        outcome, said = outcomes.get(name, (Outcome.PASSED, "as asked for"))
        hold = 600 if check.kind == "signals" else 0
        held = (180 if outcome is Outcome.WAITING else hold) if hold else 0
        seen = (SignalHeld(LOGIN, "login", outcome, held),) if hold else ()
        made.append(
            CheckResult(
                check.id, check.title, check.kind, outcome, AT, AT, said, held_for=held, hold=hold, signals=seen
            )
        )
    return tuple(made)


RELEASED = AT - timedelta(minutes=2)
CHANGED = WhatChanged(
    AT + timedelta(seconds=5),
    AT,
    (Changed("auth", What.RELEASE, "2.13.4", "2.14.0", RELEASED, by="ci"),),
    (
        Target(
            "auth",
            "2.14.0",
            RELEASED,
            version="2.13.4",
            ran=6 * 86400 + 4 * 3600,
            image="registry.example/auth:2.13.4",
            available=Availability.YES,
            migrations_seen=True,
        ),
    ),
    (What.RELEASE, What.MIGRATION),
)
"""What changed before it: one release, two minutes before."""


@dataclass
class Story:
    """An incident as it goes on, minute by minute."""

    events: list[Event] = field(default_factory=list)
    minute: float = 0
    _folded: Incident | None = None

    @property
    def now(self) -> datetime:
        return AT + timedelta(minutes=self.minute)

    @property
    def incident(self) -> Incident:
        """What the events give; those that were folded already are not folded again."""
        for event in self.events[self._folded.rev if self._folded else 0 :]:
            self._folded = apply(self._folded, event) if self._folded else fold("INC-0042", [event])
        assert self._folded is not None
        return self._folded

    def wait(self, minutes: float) -> Self:
        self.minute += minutes
        return self

    def happens(self, *events: Event) -> Self:
        """Something that the monitor sees, with the ticks that come of it."""
        self.events += with_ticks(self.incident, events, self.now) if self.events else events
        return self

    def does(self, *commands: Command) -> Self:
        """What people ask for, half a minute apart; a refusal has no place in a picture."""
        for command in commands:
            self.wait(0.5)
            decided = decide(self.incident, command, self.now)
            assert not isinstance(decided, Refusal), decided
            self.events += decided
        return self


def opened(alerts: int = 1, tier: Tier = Tier.ROLLBACK, resolve: Resolve = Resolve.BY_SIGNAL) -> Story:
    """An incident with so many alerts."""
    fired = [AlertFired(AT, MONITOR, firing(number, tier, resolve)) for number in range(alerts)]
    found = [ChangesFound(AT + timedelta(seconds=5), MONITOR, CHANGED)] if alerts else []
    return Story([Opened(AT, MONITOR, "production"), *fired, *found])


FAILS = Breakdown(
    AT + timedelta(seconds=5),
    (
        ByRoute(
            AlertKey("ApiErrors", (("service", "shop-1"),), Tier.ROLLBACK),
            "shop-1",
            "route",
            (RouteShare("/cart", 310, 192), RouteShare("/cart/<id>", 50, 2), RouteShare("/<!channel>", 400, 1)),
        ),
    ),
    (SlowService("billing", 1.1, "p95 820 ms, baseline 390 ms (trailing 24 h)"),),
    compared=3,
)
"""Where it fails, though nothing changed."""


def unchanged(alerts: int = 1) -> Story:
    """Nothing was released, switched or migrated."""
    story = opened(alerts)
    found = WhatChanged(AT + timedelta(seconds=5), AT, watched=(What.RELEASE, What.FLAG, What.MIGRATION))
    story.events[-1] = ChangesFound(found.at, MONITOR, found)
    return story.happens(BreakdownFound(found.at, MONITOR, FAILS))


def started(alerts: int = 1) -> Story:
    """Ana has taken it."""
    plan = procedure()
    return opened(alerts).does(Acknowledge(BEN), StartProcedure(ANA, plan.id, len(plan.steps), plan))


def pinned(alerts: int = 1, targets: tuple[Pinned, ...] = SURE) -> Story:
    return started(alerts).does(Pin(ANA, targets))


def at_services(alerts: int = 1, targets: tuple[Pinned, ...] = SURE) -> Story:
    return pinned(alerts, targets).does(SkipStep(ANA, "flags", "agent-service is not affected", relevant=False))


def at(story: Story, *services: str) -> Story:
    """These services are seen at their targets."""
    versions = {one.service: one.target for one in TARGETS}
    return story.wait(1).happens(*(VersionsSeen(story.now, MONITOR, one, (versions[one],)) for one in services))


def mixed(alerts: int = 1) -> Story:
    """The backend is half back, the web is not."""
    return at(at_services(alerts), "auth")


def asked_approver(alerts: int = 1) -> Story:
    return mixed(alerts).does(Choose(ANA, "migrations", "forward-fix"))


def at_migrations(alerts: int = 1) -> Story:
    return mixed(alerts)


def clear_and_mixed(alerts: int = 1) -> Story:
    """The signals clear before the web is back: three ways lie open."""
    return clear(at(at_services(alerts, PLAIN), "auth", "billing"))


def still_breaching(alerts: int = 1) -> Story:
    """Everything is back, and nothing is better ten minutes later."""
    story = at(at_services(alerts, PLAIN), "auth", "billing", "web").does(Choose(ANA, "migrations", "none")).wait(10)
    return story.happens(*due(story.incident, story.now, reopen_within=1800))


def verifying(alerts: int = 1, **outcomes: tuple[Outcome, str]) -> Story:
    story = at(at_services(alerts, PLAIN), "auth", "billing", "web").does(Choose(ANA, "migrations", "none"))
    return story.wait(1).happens(ChecksRun(story.now, MONITOR, results(**outcomes)))


def failing(alerts: int = 1) -> Story:
    return verifying(
        alerts,
        signals=(Outcome.WAITING, "clear 3 of 10 min"),
        release=(Outcome.NOT_RUN, "run it and enter the result: python3 tools/release_preflight.py --quick"),
        invoices=(Outcome.FAILED, "0, more than 0 is asked for"),
        invoice=(Outcome.UNKNOWN, "no answer within 5 s"),
    )


def clear(story: Story) -> Story:
    """Every signal is clear again."""
    story.wait(4)
    return story.happens(
        *(AlertResolved(story.now, MONITOR, one.key, Cause.CLEAR_LONG_ENOUGH) for one in story.incident.signals),
    )


def proven(alerts: int = 1) -> Story:
    """Every check passed."""
    story = clear(verifying(alerts, signals=(Outcome.WAITING, "clear 3 of 10 min"))).wait(10)
    return story.happens(ChecksRun(story.now, MONITOR, results()))


def ended(alerts: int = 1) -> Story:
    return proven(alerts).does(End(ANA))


def forced(alerts: int = 1) -> Story:
    reason = "the payment provider confirms, our probe is wrong"
    return failing(alerts).does(ForceEnd(ANA, reason)).wait(6).does(ForceEnd(ANA, reason))


def by_itself(alerts: int = 1) -> Story:
    story = clear(opened(alerts)).wait(30)
    return story.happens(Ended(story.now, MONITOR, EndReason.BY_ITSELF))


def blind() -> Story:
    key = AlertKey("Blind", (("group", "logins"),), Tier.BLIND)
    seen = "the group logins: no answer from Prometheus for 5 min, last reading 02:57 UTC"
    unseen = Firing(key, "", seen, AT - timedelta(minutes=5), AT, why="Prometheus refuses connections")
    return Story([Opened(AT, MONITOR, "production", blind=True), AlertFired(AT, MONITOR, unseen)])


def recorded(alerts: int = 1) -> Story:
    done = CompleteRecord(
        ANA, "auth 2.14.0 read the session key from the wrong place", (FollowUp("test it", "Ben", date(2026, 3, 8)),)
    )
    return ended(alerts).does(done)


def asked(alerts: int = 1) -> Story:
    story = opened(alerts).does(Acknowledge(ANA)).wait(10)
    return story.happens(Asked(story.now, MONITOR))


STAGES: Mapping[str, Callable[[int], Story]] = {
    "open": opened,
    "prepare": lambda alerts: opened(alerts, Tier.PREPARE),
    "by-person": lambda alerts: opened(alerts, Tier.ROLLBACK, Resolve.BY_PERSON),
    "nothing-changed": unchanged,
    "acknowledged": lambda alerts: opened(alerts).does(Acknowledge(ANA)),
    "asked": asked,
    "step-2-targets": started,
    "step-2-pinned": lambda alerts: pinned(alerts, TARGETS),
    "step-3-flags": pinned,
    "step-4-services": at_services,
    "step-5-mixed-versions": mixed,
    "step-5-approver-awaited": asked_approver,
    "step-4-clear-and-mixed": clear_and_mixed,
    "step-6-still-breaching": still_breaching,
    "step-6-failing": failing,
    "step-6-cleared": lambda alerts: clear(failing(alerts)),
    "step-7-proven": proven,
    "aborted": lambda alerts: mixed(alerts).does(Abort(ANA, "2.13.4 cannot read the new sessions")),
    "recovered": lambda alerts: clear(opened(alerts)),
    "ended-record-due": ended,
    "ended-forced": forced,
    "ended-false-alarm": lambda alerts: opened(alerts).does(CallFalse(ANA, "a load test that nobody announced")),
    "ended-by-itself": by_itself,
    "ended-recorded": recorded,
    "reopened": lambda alerts: ended(alerts).does(Reopen(BEN, "logins fail again for one tenant")),
    "blind": lambda _alerts: blind(),
}
"""Every stage, by what it is called; each takes how many alerts there are (1 or more)."""


def scene(story: Story, *, mention: tuple[str, ...] = (), buttons: bool = True, nobody: bool = False) -> Scene:
    """The scene of a story as somebody looks at it now."""
    incident = story.incident
    readings = {
        one.key: Reading(story.now, one.summary, "62 % of 310 requests failed", 0.62) for one in incident.active
    } | {
        one.key: Reading(story.now, one.summary, "0.3 % of 305 requests failed", 0.003)
        for one in incident.alerts
        if not one.active
    }
    return Scene(incident, story.now, readings, procedure(), mention, buttons, nobody=nobody)


__all__ = ["STAGES", "Story", "scene"]
