"""Fixed commands run as processes of their own: no shell, nothing to read, few variables, and an end.

A command has a session and process group of its own. At its deadline, and when it ends, the whole group is killed, so
that nothing it started outlives it (a process that makes itself a session of its own leaves the group, and is not
found). Of what it prints the end is kept. This module must not know why anything is run.
"""

import contextlib
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from monitor.ports.world import Exited, Killed, NotStarted

KEPT = 16 * 1024
"""The most bytes that are kept of what a command prints: the last ones."""

LOOK = 0.05
"""Seconds between two looks at whether a silent command has ended."""

CHUNK = 64 * 1024


class FixedCommands:
    """Implements `monitor.ports.world.CommandRunner`. Thread-safe.

    Commands run in `folder` with `environment` and no other variable.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder, self._environment = folder, dict(environment)
        self._running: set[int] = set()
        self._lock = threading.Lock()

    def run(self, argv: Sequence[str], *, deadline: float) -> Exited | Killed | NotStarted:
        """Run `argv` for at most `deadline` seconds, and give how it ended. Never raises."""
        ends = time.monotonic() + deadline
        try:
            process = subprocess.Popen(  # noqa: S603  # a fixed list of words from the procedure file, without a shell
                list(argv),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                env=self._environment,
                start_new_session=True,
            )
        except (OSError, ValueError) as problem:
            return NotStarted(_why(argv[0] if argv else "", self._folder, problem))
        with self._lock:
            self._running.add(process.pid)
        output, ended = bytearray(), False
        try:
            ended = _followed(process, output, ends)
        finally:
            self._kill(process.pid)
            code = process.wait()
            _take_the_rest(process, output)
        return Exited(code, _text(output)) if ended else Killed(_text(output))

    def close(self) -> None:
        """Kill whatever still runs, with all it started."""
        with self._lock:
            for group in self._running:
                _kill_group(group)

    def _kill(self, pid: int) -> None:
        """Kill what is left of a group, and know it no longer: once waited for, its number may be another's."""
        with self._lock:
            _kill_group(pid)
            self._running.discard(pid)


def _kill_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def _followed(process: "subprocess.Popen[bytes]", output: bytearray, ends: float) -> bool:
    """Take what the process prints until it ends; whether it did so in time."""
    while (left := ends - time.monotonic()) > 0:
        if _gone(process.pid):
            return True
        if not _took(process, output, min(left, LOOK)):
            time.sleep(min(left, LOOK))  # it has closed its output and runs on
    return _gone(process.pid)


def _took(process: "subprocess.Popen[bytes]", output: bytearray, within: float) -> bool:
    """Take what there is to read, waiting for it for so many seconds; whether there may be more."""
    assert process.stdout is not None  # noqa: S101  # a pipe was asked for
    pipe = process.stdout.fileno()
    poll = select.poll()  # not select(), which knows no descriptor above 1023
    poll.register(pipe, select.POLLIN)
    if not poll.poll(within * 1000):
        return True
    chunk = os.read(pipe, CHUNK)
    output += chunk
    del output[: -2 * KEPT]
    return bool(chunk)


def _gone(pid: int) -> bool:
    """Whether the process has ended; it stays a zombie, so that its number and its group's stay its own."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _take_the_rest(process: "subprocess.Popen[bytes]", output: bytearray) -> None:
    for chunk in _left(process):
        output += chunk
        del output[: -2 * KEPT]


def _left(process: "subprocess.Popen[bytes]") -> Iterator[bytes]:
    """Give what still stands in the pipe, without waiting: a process that left the group may hold it open."""
    assert process.stdout is not None  # noqa: S101  # a pipe was asked for
    with process.stdout as pipe:
        os.set_blocking(pipe.fileno(), False)
        with contextlib.suppress(BlockingIOError):
            for _ in range(64):  # a pipe holds less; one that is refilled all the time is left
                chunk = os.read(pipe.fileno(), CHUNK)
                if not chunk:
                    return
                yield chunk


def _text(output: bytearray) -> str:
    """Give the last bytes as text, beginning with a whole line: half of a secret would not be known as one."""
    if len(output) <= KEPT:
        return output.decode(errors="replace")
    kept = bytes(output[-KEPT:])
    _, newline, lines = kept.partition(b"\n")
    return (lines if newline and lines else kept[KEPT // 4 :]).decode(errors="replace")


def _why(program: str, folder: Path, problem: OSError | ValueError) -> str:
    if not folder.is_dir():
        return f"there is no folder {folder} to run it in"
    if isinstance(problem, FileNotFoundError):
        return f"there is no program {program}"
    said = (isinstance(problem, OSError) and problem.strerror) or type(problem).__name__
    return f"{program} could not be started: {said}"
