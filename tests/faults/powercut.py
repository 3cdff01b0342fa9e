"""A disk that loses power: a VFS of SQLite that logs what is written and synced, and disks as a cut leaves them.

What was synced stays. Of what was written to a file since its last sync any part may be there, in any order and torn at
sectors; so with its length, and with files that were removed. With the first sync of a journal or of a write-ahead log
SQLite syncs the folder too, from which on what was removed before stays away.
"""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw

SECTOR = 512


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes at a place of a file."""

    file: str
    at: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Cut:
    """The length that a file was cut to."""

    file: str
    size: int


@dataclass(frozen=True, slots=True)
class Sync:
    """Everything that was done to a file before this stays."""

    file: str


@dataclass(frozen=True, slots=True)
class Gone:
    """A file was removed."""

    file: str


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The n-th commit was said to be done."""

    commits: int


Happened = Write | Cut | Sync | Gone | Acknowledged


class LoggingVfs(apsw.VFS):
    """The system's own files, with a log."""

    def __init__(self, name: str, log: list[Happened]) -> None:
        self.log = log
        super().__init__(name, "")

    def xOpen(self, name: Any, flags: list[int]) -> Any:  # noqa: ANN401, N802  # the names and arguments are the library's
        """Open a file that logs."""
        return LoggingFile(name, flags, self.log)

    def xDelete(self, name: str, syncdir: bool) -> None:  # noqa: FBT001, N802  # the same
        """Remove a file."""
        self.log.append(Gone(Path(name).name))
        super().xDelete(name, syncdir)


class LoggingFile(apsw.VFSFile):
    """One file."""

    def __init__(self, name: Any, flags: list[int], log: list[Happened]) -> None:  # noqa: ANN401  # the same
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        self.log, self.name = log, Path(path).name if path else "temporary"
        super().__init__("", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802  # the same
        """Log and write."""
        self.log.append(Write(self.name, offset, bytes(data)))
        super().xWrite(data, offset)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802  # the same
        """Log and cut."""
        self.log.append(Cut(self.name, newsize))
        super().xTruncate(newsize)

    def xSync(self, flags: int) -> None:  # noqa: ARG002, N802  # the same
        """Log; there is no power to lose here."""
        self.log.append(Sync(self.name))

    def xDeviceCharacteristics(self) -> int:  # noqa: N802  # the same
        """Promise nothing that a cheap disk does not keep."""
        return 0


def replayed(statements: Iterable[str], folder: Path, committed: Callable[[], None]) -> list[Happened]:
    """Give what happens to the files when `statements` are run; `committed` is called after each commit."""
    log: list[Happened] = []
    vfs = LoggingVfs("logging", log)
    connection = apsw.Connection(str(folder / "monitor.db"), vfs="logging")
    connection.execute("PRAGMA locking_mode=EXCLUSIVE")  # its index in memory: Python's VFS has no shared memory
    connection.execute("PRAGMA wal_autocheckpoint=100")  # ten times as often as by default, so that cuts fall into it
    commits = 0
    for statement in statements:
        connection.execute(statement).fetchall()
        if statement == "COMMIT":
            commits += 1
            log.append(Acknowledged(commits))
            committed()
    kept = list(log)  # what closing does is no part of it
    connection.close()
    vfs.unregister()
    return kept


@dataclass(slots=True)
class _File:
    """A file on the disk (`stays`), and what was done to it since its last sync."""

    synced: bool = False
    stays: bytearray = field(default_factory=bytearray)
    since: list[Write | Cut | Gone] = field(default_factory=list)


class Disk:
    """A disk on which a log happens, step by step."""

    def __init__(self) -> None:
        self._files: dict[str, _File] = {}
        self.acknowledged = 0

    def happen(self, one: Happened) -> None:
        """Let one thing happen."""
        if isinstance(one, Acknowledged):
            self.acknowledged = one.commits
            return
        file = self._files.setdefault(one.file, _File())
        if isinstance(one, Sync):
            if not file.synced and one.file.endswith(("-journal", "-wal")):
                self._sync_folder()
            _settle(file, len(file.since))
            file.synced = True
        else:
            file.since.append(one)

    def _sync_folder(self) -> None:
        for other in self._files.values():
            removals = [number for number, done in enumerate(other.since) if isinstance(done, Gone)]
            if removals:
                _settle(other, removals[-1] + 1)
                other.synced = False

    def after_a_cut(self, chance: random.Random) -> dict[str, bytes]:
        """Give the files as they may be found when the power is back."""
        found = {}
        for name, file in self._files.items():
            content = bytearray(file.stays)
            luck = chance.random()
            for done in file.since:
                for part in _torn(done):
                    if chance.random() < luck:
                        _do(content, part)
            found[name] = bytes(content)
        return found


def _settle(file: _File, count: int) -> None:
    """Let the first things that were done to a file stay."""
    for done in file.since[:count]:
        _do(file.stays, done)
    del file.since[:count]


def _torn(done: Write | Cut | Gone) -> Iterable[Write | Cut | Gone]:
    if not isinstance(done, Write):
        return [done]
    return [
        Write(done.file, done.at + first, done.data[first : first + SECTOR])
        for first in range(0, len(done.data), SECTOR)
    ]


def _do(content: bytearray, done: Write | Cut | Gone) -> None:
    match done:
        case Write(_, at, data):
            content.extend(bytes(max(0, at + len(data) - len(content))))
            content[at : at + len(data)] = data
        case Cut(_, size):
            content.extend(bytes(max(0, size - len(content))))
            del content[size:]
        case Gone():
            content.clear()
