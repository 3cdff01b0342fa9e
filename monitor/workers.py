"""A bounded pool of threads in which each key runs at most once at a time. Knows nothing of what it runs.

The threads are daemons: a read that hangs at shutdown must not keep the process alive.
"""

import queue
import threading
from collections.abc import Callable, Hashable


class Workers:
    """Runs jobs. A key that is still waiting or running is not taken again."""

    def __init__(self, size: int, name: str = "worker") -> None:
        self._jobs: queue.SimpleQueue[tuple[Hashable, Callable[[], None]] | None] = queue.SimpleQueue()
        self._busy: set[Hashable] = set()
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True) for number in range(size)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, key: Hashable, job: Callable[[], None]) -> bool:
        """Run `job` soon.

        False, and nothing is done, while the last one of `key` has not ended. `job` must not raise.
        """
        with self._lock:
            if key in self._busy:
                return False
            self._busy.add(key)
        self._jobs.put((key, job))
        return True

    def stop(self, within: float) -> bool:
        """Let running jobs end for at most `within` seconds, dropping those that wait; whether all have ended."""
        while not self._jobs.empty():
            self._jobs.get()
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join(within / len(self._threads))
        return not any(thread.is_alive() for thread in self._threads)

    def _work(self) -> None:
        while (taken := self._jobs.get()) is not None:
            key, job = taken
            try:
                job()
            finally:
                with self._lock:
                    self._busy.discard(key)
