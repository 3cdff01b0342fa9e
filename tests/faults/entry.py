"""The monitor's own entry point with a hook that ends the process at a boundary, as a power cut would.

    python -m tests.faults.entry after commit 3 run

kills it after its third commit; `never commit 0` lets it run. The times of an absence of Slack are shortened in either
case, never what is done in them: an hour is three minutes. For tests alone: nothing in the program knows of it.
"""

import functools
import os
import signal
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import monitor.adapters.slack.directory
import monitor.delivery.attempts
import monitor.delivery.handing
from monitor.adapters.posting import Poster
from monitor.adapters.slack.client import SlackPager
from monitor.adapters.slack.signed import SignedDoor
from monitor.adapters.store import SqlStore
from monitor.cli.main import main
from monitor.core.pages.calling import PATIENCE

BOUNDARIES: dict[str, tuple[type, str]] = {
    "commit": (SqlStore, "commit"),
    "record": (SqlStore, "record"),
    "deliver": (SlackPager, "deliver"),
    "call": (Poster, "post"),
    "click": (SignedDoor, "interaction"),
}
"""What can be cut: deciding, remembering what was posted, posting, calling another pager, and answering a click."""

SCALE = 20
"""How much shorter an absence of Slack is than the one that it stands for."""

SHORTENED: tuple[tuple[ModuleType, str, object], ...] = (
    (monitor.delivery.handing, "PATIENCE", {tier: wait / SCALE for tier, wait in PATIENCE.items()}),
    (monitor.delivery.attempts, "BACKOFF", (1, 2, 5)),
    (monitor.adapters.slack.directory, "PAUSE", 10.0 / SCALE),
)


def shorten() -> None:
    """Let others be called sooner, and Slack be asked again sooner."""
    for module, name, value in SHORTENED:
        setattr(module, name, value)


def cut(side: str, name: str, number: int) -> None:
    """Let the process end before or after the `number`th call of a boundary."""
    owner, method = BOUNDARIES[name]
    whole: Callable[..., Any] = getattr(owner, method)
    left = [number]

    @functools.wraps(whole)
    def ended(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  # passed on
        left[0] -= 1
        mine = left[0] == 0
        if mine and side == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = whole(*args, **kwargs)
        if mine and side == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    setattr(owner, method, ended)


if __name__ == "__main__":
    side, name, number, *words = sys.argv[1:]
    shorten()
    cut(side, name, int(number))
    sys.argv = [sys.argv[0], *words]
    main()
