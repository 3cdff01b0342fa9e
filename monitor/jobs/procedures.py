"""What looks after procedures under way: the follower's looks, its verifications, and the first look of an incident."""

from collections.abc import Callable
from functools import partial

from monitor.jobs.attempt import attempted
from monitor.procedure.following import FOLLOW_EVERY
from monitor.runtime.ticking import Tick
from monitor.runtime.workers import Workers
from monitor.side import Side

FOLLOW = "(procedures)"
"""The name of the job; no group has such a name."""

FAILED = "procedure.not_followed"
"""What is told where it goes wrong; it is tried again soon."""

FOLLOW_WITHIN, VERIFY_WITHIN = 120.0, 900.0
"""Seconds after which the thread of a look, and of a verification, is given up."""


class Procedures:
    """Follows the procedures of one side, in threads of its own: what they ask may take long."""

    def __init__(self, side: Side, monotonic: Callable[[], float]) -> None:
        self._side = side
        self._following = Workers(3, "procedure", monotonic)
        self._first_looks = Workers(1, "changes", monotonic)

    @property
    def tick(self) -> Tick:
        """The tick of it."""
        return Tick(FOLLOW, FOLLOW_EVERY, 0, self._follow)

    def opened(self, incident: str) -> None:
        """Let the page of a new incident wait for what changed before it, for a moment, while that is looked for."""
        self._side.head_start.begin(incident)
        if not self._first_looks.submit(incident, partial(self._look_first, incident), FOLLOW_WITHIN):
            self._side.head_start.over(incident)

    def stop(self) -> None:
        """End, without waiting for what hangs."""
        self._side.verifier.stop(0.0)
        self._following.stop(0.0)
        self._first_looks.stop(0.0)

    def _follow(self) -> None:
        self._following.replace_stuck()
        self._first_looks.replace_stuck()
        self._following.submit(FOLLOW, partial(attempted, FAILED, self._look_after), FOLLOW_WITHIN)

    def _look_after(self) -> None:
        for name in self._side.follower.look():
            verify = partial(self._side.follower.verify, name)
            self._following.submit(name, partial(attempted, FAILED, verify), VERIFY_WITHIN)

    def _look_first(self, incident: str) -> None:
        attempted(FAILED, partial(self._side.follower.look_first, incident))
        self._side.head_start.over(incident)
