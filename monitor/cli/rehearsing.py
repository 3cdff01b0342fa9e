"""What a rehearsal works with: a monitor (one of its own where none runs), and what that shows of the drill."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from monitor.bootstrap.databases import database_owner
from monitor.cli.incidents import Asked, Files, RefusedError, answered
from monitor.core.drill.rehearsed import Deed, Seen
from monitor.settings.settings import Settings

STARTS_WITHIN, ENDS_WITHIN = 45.0, 15.0
"""Seconds in which a monitor must listen, and in which it ends once it was asked to."""

TOLD_WITHIN = 30.0
"""Seconds in which the last words of a drill and its report are posted, before its monitor is ended."""

EVERY = 0.3
"""Seconds between two looks."""

DRILLS, INCIDENTS = "/api/v1/drills", "/api/v1/incidents"
LAST_LINES = 5
"""Lines of a monitor that could not start, of which each is a sentence."""


@contextmanager
def monitor(settings: Settings, files: Files) -> Iterator[tuple[int, bool]]:
    """Give the pid of the monitor that runs; where none does, one is started for us, and ended with the block.

    Raises RefusedError where it cannot be started.
    """
    holding = database_owner(settings)
    if holding is not None and holding.url:
        yield holding.pid, False
        return
    with tempfile.TemporaryFile("w+") as log:
        own = _started(settings, files, log.fileno())
        try:
            _wait(settings, own, lambda: _last(log))
            yield own.pid, True
        finally:
            _end(own)


def _started(settings: Settings, files: Files, log: int) -> subprocess.Popen[bytes]:
    """Start a monitor with the same settings, out of reach of Ctrl-C: the drill is to be given up first.

    Where there is no Slack, pages are printed, and seen here.
    """
    options = [("--env-file", files.env_file), ("--secrets-dir", files.secrets_dir)]
    words = [word for name, value in options if value is not None for word in (name, str(value))]
    shown = None if settings.slack.bot_token is None else subprocess.DEVNULL
    return subprocess.Popen(  # noqa: S603  # ourselves
        [sys.executable, "-m", "monitor", "run", *words], stdout=shown, stderr=log, start_new_session=True
    )


def _wait(settings: Settings, own: "subprocess.Popen[bytes]", last: Callable[[], str]) -> None:
    end = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < end:
        if own.poll() is not None:
            raise RefusedError(f"the monitor could not be started (exit {own.returncode}):\n{last()}")
        holding = database_owner(settings)
        if holding is not None and holding.pid == own.pid and holding.url:
            return
        time.sleep(EVERY)
    raise RefusedError(f"the monitor did not listen within {STARTS_WITHIN:.0f} s:\n{last()}")


def _last(log: Any) -> str:  # noqa: ANN401  # a temporary file
    log.seek(0)
    return "\n".join(log.read().splitlines()[-LAST_LINES:])


def _end(own: "subprocess.Popen[bytes]") -> None:
    own.terminate()
    try:
        own.wait(ENDS_WITHIN)
    except subprocess.TimeoutExpired:
        own.kill()
        own.wait()


@dataclass(frozen=True, slots=True)
class Api:
    """What is asked of the monitor. Everything raises RefusedError with a sentence, and StoreError."""

    settings: Settings
    by: str

    def playable(self) -> dict[str, dict[str, Any]]:
        """Give the scenarios by name."""
        return {one["name"]: one for one in self._ask("GET", DRILLS)["scenarios"]}

    def start(self, scenario: str, participants: tuple[str, ...]) -> dict[str, Any]:
        """Begin a drill."""
        body = {"scenario": scenario, "participants": list(participants), "rehearsal": True}
        drill: dict[str, Any] = self._ask("POST", DRILLS, body)["drill"]
        return drill

    def drill(self, name: str) -> dict[str, Any]:
        """Give a drill as it stands."""
        drill: dict[str, Any] = self._ask("GET", f"{DRILLS}/{name}")["drill"]
        return drill

    def tells(self, name: str) -> None:
        """Wait until the channel was told all of a drill, for as long as that may take: nobody does it later."""
        end = time.monotonic() + TOLD_WITHIN
        while self.drill(name)["untold"] and time.monotonic() < end:
            time.sleep(EVERY)

    def act(self, name: str, action: str, note: str = "") -> None:
        """Finish it or give it up."""
        self._ask("POST", f"{DRILLS}/{name}/{action}", {"note": note})

    def deeds(self, name: str) -> list[dict[str, Any]]:
        """Give what happened to the page of a drill; nothing where there is none yet."""
        try:
            events: list[dict[str, Any]] = self._ask("GET", f"{INCIDENTS}/{name}")["incident"]["timeline"]
        except RefusedError:
            return []
        return events

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        said = None if body is None else {"as": self.by, **body}
        return answered(self.settings, Asked(method, path, said))


def seen_of(drill: dict[str, Any], events: list[dict[str, Any]], *, slack: bool) -> Seen:
    """Give what the monitor's answers say of a rehearsal."""
    moments: dict[str, datetime | None]
    moments = {letter: datetime.fromisoformat(at) if at else None for letter, at in drill["moments"].items()}
    commanded = _deed(events, "procedure_started", moments["T5"])
    aborted = drill["aborted"]
    return Seen(
        name=drill["id"],
        slack=slack,
        channel=drill["channel"],
        moments=moments,
        acknowledged=_deed(events, "acknowledged", moments["T4"]) or commanded,
        commanded=commanded,
        aborted=f"given up by {aborted.get('incident') or aborted['by']}: {aborted['reason']}" if aborted else "",
    )


def _deed(events: list[dict[str, Any]], kind: str, at: datetime | None) -> Deed | None:
    """Give who did it; `at` says when to the millisecond, where the events know the second."""
    found = next((one for one in events if one["kind"] == kind), None)
    if found is None:
        return None
    return Deed(found["by"], at or datetime.fromisoformat(found["at"]), found["source"] == "slack")
