"""Bundles of evidence as folders and as ZIP archives: written whole or not at all, read, and held to their manifest.

Needs nothing but the file system, so that a bundle can be verified anywhere.
"""

import hashlib
import io
import os
import re
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from monitor.core.evidence import manifest

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
"""What a file of a bundle may be called; nothing that leads out of its folder."""

LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The time of every file in an archive: the same files are the same archive."""

MOST_BYTES = 200_000_000
"""The most that an archive unpacks to."""


class BundleError(Exception):
    """A bundle that cannot be written or read; the sentence says why."""


def archive(files: Mapping[str, bytes]) -> bytes:
    """Give `files` as a ZIP archive; the same files give the same bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in files.items():
            out.writestr(zipfile.ZipInfo(name, LONG_AGO), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def unpacked(content: bytes) -> Mapping[str, bytes]:
    """Give the files of an archive. Raises BundleError for one that is broken, too large, or leads elsewhere."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(one.file_size for one in packed.infolist()) > MOST_BYTES:
                raise BundleError("the archive is too large")
            names = [one.filename for one in packed.infolist()]
            strange = [name for name in names if not NAME.fullmatch(name)]
            if strange:
                raise BundleError(f"the archive has a file with a strange name: {strange[0]!r}")
            return {name: packed.read(name) for name in names}
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise BundleError(f"the archive is broken: {error}") from error


def write(files: Mapping[str, bytes], folder: Path) -> bool:
    """Write a bundle into `folder`, whole or not at all; False: it was there already, with the same content.

    Raises BundleError where something else is there, and OSError where it cannot be written.
    """
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise BundleError(f"{folder} is no folder")
    if folder.is_dir() and any(folder.iterdir()):
        if verify(folder) or not manifest.same_content((folder / manifest.NAME).read_bytes(), files[manifest.NAME]):
            raise BundleError(f"{folder} holds something else already; name another folder")
        return False
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        for name, content in files.items():
            _put(made / name, content)
        made.chmod(0o755)
        made.rename(folder)  # over an empty folder, which is all that can be there
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
    return True


def _put(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def verify(folder: Path) -> list[str]:
    """Give a line for each file of the bundle in `folder` that is missing, changed or extra. Raises BundleError."""
    if not folder.is_dir():
        raise BundleError(f"there is no folder {folder}")
    listed = folder / manifest.NAME
    if listed.is_symlink() or not listed.is_file():
        return [f"missing: {manifest.NAME}"]
    found = {}
    for path in sorted(folder.rglob("*")):
        if path != listed and (path.is_symlink() or not path.is_dir()):
            found[str(path.relative_to(folder))] = "" if path.is_symlink() or not path.is_file() else _digest(path)
    return manifest.problems(listed.read_bytes(), found)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
