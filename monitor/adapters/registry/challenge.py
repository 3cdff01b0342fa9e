"""How a registry asks who we are: the WWW-Authenticate header of a 401 (RFC 9110), read with care. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit, urlunsplit

_SCHEME = re.compile(r"\s*([A-Za-z]+)(?:\s+|$)")
_PARAMETER = re.compile(r'\s*([A-Za-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))\s*(?:,|$)')


@dataclass(frozen=True, slots=True)
class Challenge:
    """What is asked for: `scheme` in lower case (basic, bearer), and its parameters."""

    scheme: str
    parameters: Mapping[str, str]


def challenge(header: str) -> Challenge | None:
    """Give the first challenge of a WWW-Authenticate header, or None where it cannot be read."""
    begins = _SCHEME.match(header)
    if begins is None:
        return None
    parameters: dict[str, str] = {}
    at = begins.end()
    while found := _PARAMETER.match(header, at):
        value = re.sub(r"\\(.)", r"\1", found[2]) if found[2] is not None else found[3]
        parameters.setdefault(found[1].lower(), value)
        at = found.end()
    return Challenge(begins[1].lower(), parameters)


def token_address(asked: Challenge, registry: str, repository: str) -> str:
    """Give the URL that gives a token to pull from `repository`, or nothing where it is none to be trusted.

    A registry that is spoken to over TLS must not send credentials elsewhere in the clear.
    """
    realm = urlsplit(asked.parameters.get("realm", ""))
    trusted = {"https"} if registry.startswith("https:") else {"http", "https"}
    if realm.scheme not in trusted or not realm.hostname or "@" in realm.netloc:
        return ""
    scope = asked.parameters.get("scope") or f"repository:{repository}:pull"
    query = [*parse_qsl(realm.query), ("service", asked.parameters.get("service", "")), ("scope", scope)]
    return urlunsplit(
        SplitResult(realm.scheme, realm.netloc, realm.path, urlencode([one for one in query if one[1]]), "")
    )
