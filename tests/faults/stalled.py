"""The daemon with a stall in it: `python -m tests.faults.stalled run`. An entry point of the tests only.

STALL names the part that stalls while the file STALL_WHILE exists. QUICK=1 shortens the times that the supervisor
allows, never what it does.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import monitor.daemon
import monitor.jobs.evaluations
import monitor.runtime.heartbeat
import monitor.runtime.loops
import monitor.runtime.mending
import monitor.runtime.supervisor
from monitor.adapters.store import SqlStore
from monitor.cli.main import main
from monitor.daemon import Daemon
from monitor.delivery.lane import Lane
from monitor.evaluation.engine import Engine
from monitor.runtime.ticking import GridTrigger

WHILE = Path(os.environ.get("STALL_WHILE", "/nowhere"))
Function = Callable[..., Any]


def hang() -> None:
    while WHILE.exists():
        time.sleep(0.05)


def hanging(function: Function) -> Function:
    def hangs(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  # whatever it wraps
        hang()
        return function(*args, **kwargs)

    return hangs


def once(function: Function) -> Function:
    """Hang in the first call that finds the file, and then no more: what the next call finds is well."""
    hung: list[bool] = []

    def hangs(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  # the same
        if WHILE.exists() and not hung:
            hung.append(True)
            hang()
        return function(*args, **kwargs)

    return hangs


def raising(error: BaseException) -> Callable[[Function], Function]:
    def wrap(function: Function) -> Function:
        def raises(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  # the same
            if WHILE.exists():
                raise error
            return function(*args, **kwargs)

        return raises

    return wrap


def in_the_event_loop(function: Function) -> Function:
    def beat(self: Daemon, loop: str) -> None:
        if loop == monitor.runtime.loops.EVENT_LOOP:
            hang()
        function(self, loop)

    return beat


STALLS: dict[str, tuple[type, str, Callable[[Function], Function]]] = {
    "a trigger that raises": (GridTrigger, "get_next_fire_time", raising(OverflowError("date value out of range"))),
    "a trigger that hangs once": (GridTrigger, "get_next_fire_time", once),
    "triggers that all hang": (GridTrigger, "get_next_fire_time", hanging),
    "an evaluation that hangs once": (Engine, "evaluate", once),
    "evaluations that all hang": (Engine, "evaluate", hanging),
    "a database that hangs": (SqlStore, "_reading _writing", hanging),
    "an outbox that dies": (Lane, "deliver_due", raising(SystemExit())),
    "an outbox that hangs": (Lane, "deliver_due", hanging),
    "an event loop that hangs": (Daemon, "_beat", in_the_event_loop),
}


def shorten() -> None:
    monitor.runtime.loops.LEAST = 5.0
    monitor.runtime.supervisor.MEND_WITHIN = 6.0
    monitor.runtime.mending.RENEW_EVERY = 2.0
    monitor.jobs.evaluations.GRACE = 2.0
    monitor.daemon.OUTBOX_WITHIN = 7.0
    monitor.runtime.heartbeat.EVERY = 2.0


if __name__ == "__main__":
    if os.environ.get("QUICK"):
        shorten()
    if os.environ.get("STALL"):
        owner, names, wrap = STALLS[os.environ["STALL"]]
        for name in names.split():
            setattr(owner, name, wrap(getattr(owner, name)))
    main()
