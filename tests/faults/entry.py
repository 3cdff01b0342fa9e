"""The monitor's own entry point with a hook that ends the process at a boundary, as a power cut would.

    python -m tests.faults.entry after commit 3 run

kills it after its third commit. For tests alone: nothing in the program knows of it.
"""

import functools
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from monitor.adapters.slack.client import SlackPager
from monitor.adapters.store import SqlStore
from monitor.cli.main import main

BOUNDARIES: dict[str, tuple[type, str]] = {
    "commit": (SqlStore, "commit"),
    "record": (SqlStore, "record"),
    "deliver": (SlackPager, "deliver"),
}
"""What can be cut: deciding, remembering what was posted, and posting."""


def cut(side: str, name: str, number: int) -> None:
    """Let the process end before or after the `number`th call of a boundary."""
    owner, method = BOUNDARIES[name]
    whole: Callable[..., Any] = getattr(owner, method)
    left = [number]

    @functools.wraps(whole)
    def ended(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  # passed on
        left[0] -= 1
        if left[0] == 0 and side == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = whole(*args, **kwargs)
        if left[0] == 0 and side == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    setattr(owner, method, ended)


if __name__ == "__main__":
    side, name, number, *words = sys.argv[1:]
    cut(side, name, int(number))
    sys.argv = [sys.argv[0], *words]
    main()
