"""The lock against a second daemon on one database: a flock, which the kernel lets go of when its process dies.

The lock file also says who holds it and where it listens, for the command line on the same machine. It holds the token
that
changes things through that listener, so only the daemon's own user may read it.
"""

import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Owner:
    """Who holds a database: process id, the URL it listens on, and the token that its API asks for."""

    pid: int
    url: str = ""
    token: str = ""


class Lock:
    """A held lock; let go of by `release`, or by the end of the process."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor

    def tell(self, url: str, token: str) -> None:
        """Write down where the holder listens."""
        _write(self._descriptor, Owner(os.getpid(), url, token))

    def release(self) -> None:
        """Let go."""
        os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)


def take(path: Path) -> Lock | Owner:
    """Take the lock at `path`, or give who holds it. Raises OSError where the file cannot be made."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return _read(path)
    try:
        _write(descriptor, Owner(os.getpid()))
    except OSError:
        os.close(descriptor)
        raise
    return Lock(path, descriptor)


def holder(path: Path) -> Owner | None:
    """Give who holds the lock at `path`, or None where nobody does."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read(path)
    else:
        return None
    finally:
        os.close(descriptor)


def _read(path: Path) -> Owner:
    """What a file half-written at this moment does not tell is left out."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return Owner(int(told["pid"]), str(told.get("url", "")), str(told.get("token", "")))
    except (OSError, ValueError, KeyError, TypeError):
        return Owner(0)


def _write(descriptor: int, owner: Owner) -> None:
    text = json.dumps({"pid": owner.pid, "url": owner.url, "token": owner.token})
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.ftruncate(descriptor, 0)
    os.write(descriptor, text.encode())
