"""The files of a rules folder as bytes, all read at one moment: what is loaded, kept for later, and compared by hash.

Reading never raises: what cannot be read is named with the reason. Nothing here knows what the files say.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from monitor.files.syntax import MAX_BYTES

PROCEDURES = "procedures"
DRILLS = "drills"
INNER = (PROCEDURES, DRILLS)
"""The folders inside that are read too."""
RELEASES = "releases.yaml"
NO_FILE = "this is no file"
WHOLE = "."
"""The name under which the folder itself is told to be unreadable."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What stood in `folder`: `files` by their names relative to it, and why others are `unreadable`."""

    folder: Path
    files: Mapping[str, bytes]
    unreadable: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """SHA-256 over the sorted names and contents; lengths keep one from running into the other."""
        digest = hashlib.sha256()
        for name, content in sorted(self.files.items()):
            digest.update(f"{len(name.encode())} {name} {len(content)} ".encode() + content)
        for name, why in sorted(self.unreadable.items()):
            digest.update(f"{len(name.encode())} {name} unreadable {why} ".encode())
        return digest.hexdigest()

    def names(self, inner: str = WHOLE) -> list[str]:
        """Give the names of the files, readable or not, that stand right in folder `inner`."""
        every = sorted({*self.files, *self.unreadable} - {WHOLE})
        return [name for name in every if str(PurePosixPath(name).parent) == inner and name not in INNER]

    def path(self, name: str) -> Path:
        """Give the path of a file as people are told it."""
        return self.folder / name


class _Reading:
    """Contents that are being read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: dict[str, bytes] = {}
        self.unreadable: dict[str, str] = {}

    def contents(self) -> Contents:
        return Contents(self.folder, self.files, self.unreadable)

    def read_all(self, inner: str = WHOLE) -> None:
        for name in self._listed(inner):
            self.read_one(name)

    def read_beside(self) -> None:
        """Read what a rule file refers to."""
        self.read_inner(PROCEDURES)
        if RELEASES not in self.files and (self.folder / RELEASES).is_file():
            self.read_one(RELEASES)

    def read_inner(self, inner: str) -> None:
        """Read a folder inside, where there is one."""
        try:
            there = (self.folder / inner).is_dir()
        except (OSError, ValueError):
            return
        if there:
            self.read_all(inner)

    def _listed(self, inner: str) -> list[str]:
        """Give the names of the YAML files in folder `inner`; links of a ConfigMap are files like others."""
        try:
            found = sorted(path for path in (self.folder / inner).iterdir() if _is_yaml(path))
            return [path.relative_to(self.folder).as_posix() for path in found if not path.is_dir()]
        except (OSError, ValueError) as error:
            self.unreadable[inner] = f"the folder cannot be read: {_why(error)}"
            return []

    def read_one(self, name: str) -> None:
        path = self.folder / name
        try:
            if not path.is_file():
                self.unreadable[name] = NO_FILE
                return
            with path.open("rb") as opened:
                self.files[name] = opened.read(MAX_BYTES + 1)
        except (OSError, ValueError) as error:
            self.unreadable[name] = f"the file cannot be read: {_why(error)}"


def read_contents(folder: Path) -> Contents:
    """Read everything in `folder` that can be rules, routing, procedures or drills."""
    reading = _Reading(folder)
    reading.read_all()
    for inner in INNER:
        reading.read_inner(inner)
    return reading.contents()


def read_file(path: Path) -> Contents:
    """Read one file, and the releases and procedures beside it."""
    reading = _Reading(path.parent)
    reading.read_one(path.name)
    if path.parent.name not in INNER:
        reading.read_beside()
    return reading.contents()


def _is_yaml(path: Path) -> bool:
    return path.suffix in (".yaml", ".yml") and path.name[0] != "."


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
