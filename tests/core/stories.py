"""A whole incident as events, with what was posted and read of it: what the tests of its evidence are about."""

from dataclasses import replace
from datetime import date, timedelta

from monitor.core.actor import MONITOR, Actor, Role, Source
from monitor.core.evidence import Case, Posted
from monitor.core.evidence.signals import RawSeries, SignalRead, Threshold, files_of
from monitor.core.incidents.asks import (
    Acknowledge,
    AllowDeploy,
    AnswerCheck,
    Choose,
    CompleteRecord,
    ForceEnd,
    Note,
    Pin,
    SkipStep,
    StartProcedure,
)
from monitor.core.incidents.events import AlertFired, Refused, Snapshot
from monitor.core.incidents.procedureevents import ChangesFound, FollowUp
from monitor.core.model import Judgement, Tier, Verdict
from monitor.core.procedures.gate import gate, noted
from monitor.core.procedures.verification import Outcome
from monitor.core.releases.release import Changed, What, WhatChanged
from tests.core.procedural import ANA, AUTH, BEN, GUEST, PLAN, START, WEB, Driven, firing, key

SHELL = Actor("cleo", "cleo", Source.CLI, frozenset({Role.RESPONDER, Role.COMMANDER}), verified=False)
T0 = int(START.timestamp())


def story() -> Driven:
    """From the page to the complete record: two people, a refusal, two deploys, a skipped step, a forced end."""
    driven = Driven(firing())
    driven.add(Snapshot(START, MONITOR, key(), (("failures", "f"), ("requests", "r")), 0.62, 0.25, 454.0, 281.0))
    release = Changed("auth", What.RELEASE, "2.13.4", "2.14.0", START - timedelta(minutes=2), by="ci")
    driven.later(seconds=20).add(ChangesFound(driven.at, MONITOR, WhatChanged(driven.at, START, (release,))))
    driven.later(seconds=40).do(Acknowledge(ANA))
    driven.later(seconds=5).add(Refused(driven.at, GUEST, "start", "Starting asks for a commander, and Gus is none."))
    driven.later(minutes=1).do(StartProcedure(ANA, PLAN.id, len(PLAN.steps), PLAN))
    driven.add(AlertFired(driven.at, MONITOR, firing("Errors", Tier.PREPARE, driven.at)))
    driven.later(minutes=1).do(Pin(ANA, (AUTH, WEB)))
    for service, version in (("web", "1.9.2"), ("auth", "2.13.4")):
        answer = gate([driven.incident], service, version)
        driven.add(*noted(driven.incident, service, version, answer, driven.at))
    driven.later(minutes=1).do(AllowDeploy(ANA, "billing"))
    driven.do(Choose(ANA, "migrations", "none"))
    driven.do(SkipStep(ANA, "flags", "no agent runs here | not even one"))
    driven.later(minutes=2).sees("auth", "2.13.4", "2.14.0").later(minutes=1).sees("auth", "2.13.4")
    driven.later(minutes=2).sees("web", "1.9.0").clears().clears("Errors", Tier.PREPARE)
    driven.do(Note(BEN, "# Not a heading\n| not | a row |\n<b>nor markup</b>"))
    driven.later(minutes=3).checked(the_signals_are_clear=Outcome.PASSED, preflight=Outcome.FAILED)
    driven.do(AnswerCheck(BEN, "preflight", passed=True, note="ran it on my machine"))
    driven.later(minutes=7).do(ForceEnd(ANA, "preflight is broken itself"))
    driven.later(minutes=6).do(ForceEnd(ANA, "nobody answers, and all is clear"))
    actions = (
        FollowUp("Mend the preflight", "Ben", date(2025, 3, 11)),
        FollowUp("Page the DBA too", "Dora", date(2025, 3, 18)),
    )
    driven.later(hours=5).do(CompleteRecord(SHELL, "2.14.0 hashed passwords anew at each login", actions))
    return driven


POSTED = (
    Posted(
        "root",
        "C0OPS",
        0,
        "rollback_opens",
        START,
        "sent",
        f"{T0 + 2}.000100",
        permalink="https://example.slack.com/p1",
    ),
    Posted(
        "line", "C0OPS", 6, "targets_pinned", START + timedelta(minutes=3), "sent", f"{T0 + 181}.000200", "Ana pinned"
    ),
    Posted("plot", "C0OPS", 0, "rollback_opens", START, "failed", problem="missing_scope"),
)


def signals() -> dict[str, bytes]:
    """One signal that was read for four minutes, and one that was not."""
    judged = tuple(
        (
            T0 + 15 * n,
            None if n == 2 else Judgement(Verdict.BREACH if n % 4 else Verdict.CLEAR, n / 8, 0.25, 50.0, 6.0 * n),
        )
        for n in range(16)
    )
    read = SignalRead(
        key(),
        "login",
        "ratio",
        (("failures", "sum(increase(f[1m]))"), ("requests", "sum(increase(r[1m]))")),
        (Threshold("rollback", 0.25, None, 0, 60),),
        15,
        judged,
        (RawSeries("failures", (), {T0: 0.1 + 0.2, T0 + 15: float("nan")}),),
        picture=b"\x89PNG",
    )
    return dict(files_of((read, SignalRead(key("Errors", Tier.PREPARE), "errors", problem="it is down"))))


def case(driven: Driven | None = None) -> Case:
    """The story as a case, or another incident with the same signals."""
    driven = driven or story()
    return replace(Case("INC-0001", tuple(driven.events), POSTED), signals=signals())
