"""The processes that the demo starts: each in a session of its own, ended by its pid, SIGTERM first and then SIGKILL.

Ctrl-C reaches only the demo, which then ends them in its own order. This module must not know what they are for.
"""

import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

Found = TypeVar("Found")

GRACE_SECONDS = 12.0
"""How long a process may take to end after SIGTERM; the monitor promises 10."""

POLL_SECONDS = 0.05
LAST_LINES = 12


class Stopped(Exception):  # noqa: N818  # a request of the user, no error
    """Somebody asked the demo to end."""


class ChildDiedError(Exception):
    """A process ended although nobody asked it to; the sentence says which, how, and its last words."""


@dataclass(frozen=True, slots=True)
class Child:
    """One running process and the file that its errors (and, unless piped, its output) go to."""

    name: str
    process: subprocess.Popen[str]
    log: Path

    def obituary(self) -> str:
        """Give how it ended and its last lines."""
        code = self.process.returncode
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        last = "\n".join(f"    {line}" for line in self.log.read_text(errors="replace").splitlines()[-LAST_LINES:])
        return f"{self.name} ended {how}; the last lines of its log:\n{last or '    (empty)'}"


class Children:
    """Starts processes, waits with an eye on them, and ends them all, the youngest first, at the end of `with`."""

    def __init__(self, folder: Path, stop: threading.Event, *, grace: float = GRACE_SECONDS) -> None:
        self._folder = folder
        self._stop = stop
        self._grace = grace
        self._children: list[Child] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for child in reversed(self._children):
            end(child.process, self._grace)

    def start(
        self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None, *, piped: bool = False
    ) -> Child:
        """Start `command`; its output goes to `NAME.log` in the folder, its stdout to a pipe where `piped`."""
        log = self._folder / f"{name}.log"
        with log.open("w") as file:
            process = subprocess.Popen(  # noqa: S603  # programs of our own choice
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if piped else file,
                stderr=file,
                env=environment,
                text=True,
                errors="replace",
                start_new_session=True,
            )
        child = Child(name, process, log)
        self._children.append(child)
        return child

    def check(self) -> None:
        """Raise `Stopped` when the user wants to end, `ChildDiedError` when a process has ended by itself."""
        if self._stop.is_set():
            raise Stopped
        for child in self._children:
            if child.process.poll() is not None:
                raise ChildDiedError(child.obituary())

    def rest(self, seconds: float) -> None:
        """Let `seconds` pass with an eye on the processes."""
        self.until(lambda: None, seconds)

    def until(self, look: Callable[[], Found | None], seconds: float, *, every: float = POLL_SECONDS) -> Found | None:
        """Call `look` each `every` seconds until it gives something; None when `seconds` have passed."""
        give_up = time.monotonic() + seconds
        while True:
            self.check()
            found = look()
            if found is not None:
                return found
            left = give_up - time.monotonic()
            if left <= 0:
                return None
            self._stop.wait(min(every, left))


def end(process: subprocess.Popen[str], grace: float) -> None:
    """End one process by its pid, after `grace` seconds by SIGKILL; one that has ended already is left alone."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(grace)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
