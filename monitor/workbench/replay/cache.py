"""Readings kept on disk for the next run: one file for each expression, step and stretch of the grid.

A file that is cut short, altered or of another version is none. It holds numbers and labels, never an address, a
header or a secret; where they came from is only in its name, as a hash. Nothing here raises: a cache that cannot be
read or written is an empty one.
"""

import contextlib
import hashlib
import json
import os
import tempfile
import zlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from monitor.core.model import Labels
from monitor.ports.metrics import Column, RangeColumns
from monitor.workbench.replay.columns import DOUBLE

MAGIC = b"rollback-monitor readings 1\n"
LENGTHS = 8
"""Bytes of a length or of the checksum."""

MOST_BYTES = 512 * 1024 * 1024
"""What all files take at the most; the longest unused are let go of first."""

SUFFIX = ".readings"


class NoCache:
    """Keeps nothing."""

    def get(self, expr: str, step: int, chunk: int) -> RangeColumns | None:
        """Give nothing."""
        del expr, step, chunk
        return None

    def put(self, expr: str, chunk: int, columns: RangeColumns) -> None:
        """Keep nothing."""

    def trim(self) -> None:
        """Let go of nothing."""


class DiskCache(NoCache):
    """Keeps what was read in `folder`; `origin` tells sources apart. Safe to use from several threads and processes."""

    def __init__(self, folder: Path, origin: str, *, most_bytes: int = MOST_BYTES) -> None:
        self._folder = folder
        self._origin = origin
        self._most = most_bytes

    def get(self, expr: str, step: int, chunk: int) -> RangeColumns | None:
        """Give what is kept of `expr` in a chunk of the grid, which may be a part of it; None where nothing is."""
        path = self._path(expr, step, chunk)
        try:
            columns = decoded(path.read_bytes())
            os.utime(path)  # used last
        except (OSError, ValueError):
            return None
        return columns if columns is not None and columns.step == step else None

    def put(self, expr: str, chunk: int, columns: RangeColumns) -> None:
        """Keep `columns` of a chunk, in place of what was kept of it."""
        path = self._path(expr, columns.step, chunk)
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with _beside(path) as file:
                Path(file.name).write_bytes(encoded(columns))

    def trim(self) -> None:
        """Let go of the longest unused files until the rest is small enough."""
        with contextlib.suppress(OSError):
            found = [(path, path.stat()) for path in self._folder.glob(f"*/*{SUFFIX}")]
            total = sum(stat.st_size for _, stat in found)
            for path, stat in sorted(found, key=lambda one: one[1].st_mtime):
                if total <= self._most:
                    return
                path.unlink(missing_ok=True)
                total -= stat.st_size

    def _path(self, expr: str, step: int, chunk: int) -> Path:
        name = hashlib.sha256("\0".join((self._origin, expr, str(step), str(chunk))).encode()).hexdigest()
        return self._folder / name[:2] / f"{name}{SUFFIX}"


@dataclass(frozen=True, slots=True)
class _File:
    name: str


@contextlib.contextmanager
def _beside(path: Path) -> Iterator[_File]:
    """Give a new file that only its owner reads, which takes the place of `path` once it is whole."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".")  # made with 0600
    os.close(handle)
    try:
        yield _File(name)
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)


def encoded(columns: RangeColumns) -> bytes:
    """Give `columns` as the content of a file: a head in JSON, the values, which of them are there, a checksum."""
    gaps = [one for one in columns.columns if one.present]
    head = json.dumps(
        {
            "start": columns.start,
            "step": columns.step,
            "count": columns.count,
            "series": [one.labels for one in columns.columns],
            "gaps": [bool(one.present) for one in columns.columns],
        }
    ).encode()
    body = b"".join(
        (_length(len(head)), head, *(one.values.tobytes() for one in columns.columns), *(one.present for one in gaps))
    )
    return MAGIC + _length(zlib.crc32(body)) + body


def decoded(content: bytes) -> RangeColumns | None:
    """Give what `encoded` wrote, or None where the content is anything else. Raises ValueError for strange heads."""
    body = content[len(MAGIC) + LENGTHS :]
    if not content.startswith(MAGIC) or _length(zlib.crc32(body)) != content[len(MAGIC) :][:LENGTHS]:
        return None
    length = int.from_bytes(body[:LENGTHS], "big")
    head, place = json.loads(body[LENGTHS : LENGTHS + length]), LENGTHS + length
    count, gaps = int(head["count"]), head["gaps"]
    present_at = place + DOUBLE * count * len(gaps)
    columns = []
    for labels, gap in zip(head["series"], gaps, strict=True):
        values, present = array("d"), b""
        values.frombytes(body[place : place + DOUBLE * count])
        place += DOUBLE * count
        if gap:
            present, present_at = body[present_at : present_at + count], present_at + count
        columns.append(Column(_labels(labels), values, present))
    return RangeColumns(int(head["start"]), int(head["step"]), count, tuple(columns))


def _length(number: int) -> bytes:
    return number.to_bytes(LENGTHS, "big")


def _labels(pairs: list[list[str]]) -> Labels:
    return tuple((name, value) for name, value in pairs)
