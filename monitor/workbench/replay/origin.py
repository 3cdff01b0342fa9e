"""What tells the sources of kept readings apart: a digest of everything that they are asked with.

Credentials choose tenants, so that they count too; keyed with random bytes that only the owner of the cache can read,
the digest in a file's name lets nobody try guesses. Nothing here raises.
"""

import contextlib
import hmac
import os
import secrets
import tempfile
from pathlib import Path

KEY = "key"
LENGTH = 32


def origin_of(folder: Path, *parts: str) -> str | None:
    """Give the digest of `parts` under the key of the cache in `folder`; None where no key can be kept there."""
    try:
        key = _kept(folder / KEY) or _made(folder / KEY)
    except OSError:
        return None
    return hmac.digest(key, repr(parts).encode(), "sha256").hex()


def _kept(path: Path) -> bytes | None:
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        return None
    return key if len(key) == LENGTH else None


def _made(path: Path) -> bytes:
    """Make the key whole, then put it into its place; who comes second takes the key of the first."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".")  # made with 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(LENGTH))
        if path.exists() and _kept(path) is None:
            path.unlink()
        with contextlib.suppress(FileExistsError):
            os.link(name, path)
    finally:
        Path(name).unlink(missing_ok=True)
    return path.read_bytes()
