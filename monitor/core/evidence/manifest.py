"""The manifest of a bundle: what belongs to it, and whether it is still whole. Pure.

It finds what was damaged or left out, and every change by somebody who does not also write the manifest anew: the
manifest names its own SHA-256, which is told where the bundle is posted.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from monitor.core.evidence.plainly import time_of

NAME = "manifest.json"
SEAL = "sha256_of_the_above"


def digest(content: bytes) -> str:
    """Give the SHA-256 of `content`."""
    return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True, slots=True)
class Maker:
    """Which program made a bundle."""

    name: str
    version: str


def manifest(incident: str, files: Mapping[str, bytes], maker: Maker, made_at: datetime) -> bytes:
    """Give the manifest of `files`."""
    told = [{"name": name, "bytes": len(files[name]), "sha256": digest(files[name])} for name in sorted(files)]
    tool = {"name": maker.name, "version": maker.version}
    body = {"version": 1, "incident": incident, "made_at": time_of(made_at), "tool": tool, "files": told}
    return _text(body | {SEAL: digest(_text(body))})


def _text(body: Mapping[str, Any]) -> bytes:
    return (json.dumps(body, indent=2, ensure_ascii=True) + "\n").encode()


def seal_of(content: bytes) -> str:
    """Give the SHA-256 that a manifest names as its own. Raises ValueError where it is none."""
    return str(_read(content)[SEAL])


def problems(content: bytes, found: Mapping[str, str]) -> list[str]:
    """Give a line for each file that is missing, changed or extra; nothing where the bundle is whole.

    `found` are the SHA-256 of what is there, by name, without the manifest.
    """
    try:
        wanted = {str(one["name"]): str(one["sha256"]) for one in _read(content)["files"]}
    except (ValueError, KeyError, TypeError):
        return [f"changed: {NAME} (it is not as it was written)"]
    lines = [f"missing: {name}" for name in wanted if name not in found]
    lines += [f"changed: {name}" for name in wanted if found.get(name, wanted[name]) != wanted[name]]
    return sorted(lines + [f"extra: {name}" for name in found if name not in wanted])


def _read(content: bytes) -> dict[str, Any]:
    """Give a manifest that is byte for byte as it was written. Raises ValueError for anything else."""
    try:
        body = json.loads(content)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(body, dict) or SEAL not in body:
        raise ValueError("no manifest")
    bare = {name: value for name, value in body.items() if name != SEAL}
    if body[SEAL] != digest(_text(bare)) or content != _text(bare | {SEAL: body[SEAL]}):
        raise ValueError("not as it was written")
    return body


def same_content(one: bytes, other: bytes) -> bool:
    """Whether two manifests stand for the same files of the same incident, whenever and by what they were made."""
    try:
        read = _read(one), _read(other)
    except ValueError:
        return False
    return all(read[0].get(name) == read[1].get(name) for name in ("version", "incident", "files"))
