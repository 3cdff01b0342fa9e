"""What must not be shown, struck from texts: secrets that are known, and what looks like one. Pure."""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from monitor.core.words import CONTROL

REDACTED = "[redacted]"
TOKENS = re.compile(
    r"xox[a-z]-[\w-]+|xapp-[\w-]+|(?<=Bearer )\S+|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?|\bgh[oprsu]_\w{20,}|\bglpat-[\w-]{20,}|\bAKIA[0-9A-Z]{16}\b"
)
"""What looks like a secret wherever it stands: Slack's tokens, bearer tokens, users and passwords in URLs, JSON web
tokens, and the keys of GitHub, GitLab and AWS."""

_NAMED = re.compile(
    r"(?i)((?:api[_-]?key|password|passwd|secret|token|authorization)[\"']?\s*[=:]\s*[\"']?(?:(?:bearer|basic) )?)"
    r"[^\s\"'&,;]+"
)
"""What a program prints of its own secrets: `password=...`, `"token": "..."`, `Authorization: Basic ...`."""
_LONG = 20


def redacted(text: str, secrets: Iterable[str] = ()) -> str:
    """Give `text` without the `secrets`, without what looks like one, and without characters that move a cursor."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, REDACTED)
    return CONTROL.sub("�", TOKENS.sub(REDACTED, _NAMED.sub(rf"\g<1>{REDACTED}", text)))


def tail(text: str, most: int) -> str:
    """Give the end of `text` in at most `most` characters, beginning with an ellipsis where something was cut."""
    return text if len(text) <= most else f"…{text[1 - most :]}"


def shown_url(url: str) -> str:
    """Give `url` as it may be shown: no user, password, query values or fragment, no path that looks like a token."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    path = "/".join("…" if _like_token(one) else one for one in parts.path.split("/"))
    return f"{parts.scheme}://{host}{path}{'?…' if parts.query else ''}"


def _like_token(segment: str) -> bool:
    """Whether a part of a path is long and mixed, as tokens are; words with hyphens are not."""
    return len(segment) >= _LONG and any(one.isdigit() for one in segment) and any(one.isalpha() for one in segment)
