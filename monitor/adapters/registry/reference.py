"""The name of an image taken apart: registry, repository, and tag or digest. Pure."""

import re
from dataclasses import dataclass

_HOST = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(?::[0-9]{1,5})?")
_REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_DIGEST = re.compile(r"[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[A-Za-z0-9=_-]{32,}")


@dataclass(frozen=True, slots=True)
class Reference:
    """An image by its `host` ("" where the name has none), its `repository`, and `what`: its tag or digest."""

    host: str
    repository: str
    what: str


def reference(image: str) -> Reference | None:
    """Give an image's name taken apart, or None where it is none; without a tag it is `latest`."""
    name, _, digest = image.partition("@")
    first, slash, rest = name.partition("/")
    has_host = bool(slash) and ("." in first or ":" in first or first == "localhost")
    host, path = (first, rest) if has_host else ("", name)
    repository, colon, tag = path.partition(":")
    if has_host and not _HOST.fullmatch(host):
        return None
    if not _REPOSITORY.fullmatch(repository) or (colon and not _TAG.fullmatch(tag)):
        return None
    if digest or "@" in image:
        return Reference(host, repository, digest) if _DIGEST.fullmatch(digest) else None
    return Reference(host, repository, tag or "latest")
