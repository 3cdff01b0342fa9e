"""What the channel of drills is told when one begins and when it is over. Pure."""

from datetime import timedelta

from monitor.core.drill.log import Drill, DrillStarted
from monitor.core.drill.scenario import Scenario
from monitor.core.drill.signing import asked_for
from monitor.core.naming import GIVEN_UP
from monitor.core.pages.page import ActionKind
from monitor.core.pages.shell import typed
from monitor.core.words import lasted


def announced(drill: Drill, scenario: Scenario) -> str:
    """Give what people must know who take part: what is rehearsed, within which time, what to do, when to stop."""
    started = drill.started
    told = [f"{drill.id} begins: {started.title} ({started.drill_kind}), by {started.by.name}. {started.hypothesis}"]
    told += [aim(started)]
    if drill.injected is None:
        told += [f"Inject the fault: {scenario.inject}"] if scenario.inject else []
        told += [f"Say so just before you do, for the clock starts then: {typed(ActionKind.INJECT_FAULT, drill.id)}"]
    told += [f"If the rollback does not mend it: {scenario.mend}"] if scenario.mend else []
    told += [f"Given up when: {'; '.join(started.abort_if)}."] if started.abort_if else []
    return "\n".join(told)


def aim(started: DrillStarted) -> str:
    """Give what is to be done, and within which time, in a sentence."""
    if not started.drill_kind.mitigates:
        return "Acknowledge its page, and take command: nothing is rolled back in it."
    return f"To be mitigated within {lasted(timedelta(seconds=started.seconds))} of the injection."


def over_words(drill: Drill, address: str = "", mend: str = "") -> str:
    """Give how a drill came to its end, in sentences without the last stop.

    `address` is that of the page that was real; `mend` how a fault is taken back that was really injected.
    """
    aborted = drill.aborted
    if aborted is None:
        return f"{drill.id} is over"
    left = f". The fault is still there; take it back: {mend}" if mend and drill.injected is not None else ""
    if aborted.incident:
        where = f": {address}" if address else ""
        return f"{GIVEN_UP} {aborted.incident}, which is real. Leave this and look there{where}{left}"
    return f"{GIVEN_UP} {aborted.by.name}: {aborted.reason}{left}"


def farewell(drill: Drill, address: str = "", mend: str = "") -> str:
    """Give what the channel is told where no page tells it: that it is over, and what is left to do."""
    if drill.aborted is not None:
        return f"{over_words(drill, address, mend)}. That was {drill.id}."
    return f"{drill.id} is over. What it proved: rollback-monitor drill report {drill.id}. {asked_for(drill)}."
