"""A bounded pool of threads in which each key runs at most once at a time. Knows nothing of what it runs.

The threads are daemons: a read that hangs at shutdown must not keep the process alive. A thread whose job outlives its
deadline is left to itself and another takes its place.
"""

import contextlib
import math
import queue
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

MOST_LEFT = 8
"""Threads that may hang at the same time; what hangs beyond that is not replaced."""


@dataclass(slots=True)
class _Running:
    """A job in its thread, when it began, and for how many seconds it may run."""

    key: Hashable
    thread: threading.Thread
    began: float
    within: float


class Workers:
    """Runs jobs. A key that is still waiting or running is not taken again."""

    def __init__(self, size: int, name: str = "worker", monotonic: Callable[[], float] = time.monotonic) -> None:
        self._jobs: queue.SimpleQueue[tuple[Hashable, Callable[[], object], float] | None] = queue.SimpleQueue()
        self._busy: set[Hashable] = set()
        self._running: dict[threading.Thread, _Running] = {}
        self._left: list[threading.Thread] = []
        self._name, self._monotonic = name, monotonic
        self._started = 0
        self._lock = threading.Lock()
        self._threads = [self._begin() for _ in range(size)]

    def submit(self, key: Hashable, job: Callable[[], object], within: float = math.inf) -> bool:
        """Run `job` soon; `within` seconds from its beginning it is given up.

        False, and nothing is done, while the last one of `key` has not ended. `job` must not raise.
        """
        with self._lock:
            if key in self._busy:
                return False
            self._busy.add(key)
        self._jobs.put((key, job, within))
        return True

    def replace_stuck(self) -> list[Hashable]:
        """Leave threads whose jobs are over their deadline to themselves, and free their keys; give these keys.

        Another thread takes the place of each, and of each that died, as long as few enough hang.
        """
        now = self._monotonic()
        with self._lock:
            self._left = [thread for thread in self._left if thread.is_alive()]
            stuck = [one for one in self._running.values() if now - one.began > one.within]
            stuck = stuck[: MOST_LEFT - len(self._left)]
            for one in stuck:
                self._leave(one)
            self._threads = [thread if thread.is_alive() else self._begin() for thread in self._threads]
        return [one.key for one in stuck]

    def _leave(self, one: _Running) -> None:
        del self._running[one.thread]
        self._busy.discard(one.key)
        self._left.append(one.thread)
        self._threads[self._threads.index(one.thread)] = self._begin()

    def excuse(self, seconds: float) -> None:
        """Do not count a pause of the whole process as time that jobs took."""
        with self._lock:
            for one in self._running.values():
                one.began += seconds

    @property
    def left(self) -> int:
        """How many threads were left to themselves and still hang."""
        return sum(thread.is_alive() for thread in self._left)

    def stop(self, within: float) -> bool:
        """Let running jobs end for at most `within` seconds, dropping those that wait; whether all have ended."""
        with contextlib.suppress(queue.Empty):  # a worker may take what was there a moment ago
            while True:
                self._jobs.get_nowait()
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join(within / len(self._threads))
        return not any(thread.is_alive() for thread in self._threads)

    def _begin(self) -> threading.Thread:
        thread = threading.Thread(target=self._work, name=f"{self._name}-{self._started}", daemon=True)
        self._started += 1
        thread.start()
        return thread

    def _work(self) -> None:
        """Work until told to end, or until somebody else has taken this thread's place."""
        thread = threading.current_thread()
        while (taken := self._jobs.get()) is not None:
            key, job, within = taken
            mine = _Running(key, thread, self._monotonic(), within)
            with self._lock:
                self._running[thread] = mine
            try:
                job()
            finally:
                with self._lock:
                    kept = self._running.get(thread) is mine
                    if kept:
                        del self._running[thread]
                        self._busy.discard(key)
            if not kept:
                return
