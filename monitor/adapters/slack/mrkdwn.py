"""Words made safe for Slack: escaping, cutting, dates, links and mentions.

Every text from outside goes through here before it reaches a block. Knows nothing of pages or of the network.
Lengths are counted in UTF-16 units, never fewer than characters, since Slack does not say which of the two it counts.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime

ELLIPSIS = "…"
ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}

_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_REORDERING = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_TAG = re.compile("<(?=[!@#])")
_SURROGATES = re.compile("[\ud800-\udfff]")
_WRITTEN_BY_AUTHOR = re.compile(
    r"""
    <(?:https?://|mailto:)[^<>|\s]+(?:\|[^<>]*)?>     # a link
    | <@[UW][A-Z0-9]+> | <\#C[A-Z0-9]+(?:\|[^<>]*)?>  # a person, a channel
    | <!subteam\^S[A-Z0-9]+> | <!date\^[^<>]+>        # a user group, a date; never <!channel>, <!here>, <!everyone>
    | &(?:amp|lt|gt);                                 # what the author escaped already
    """,
    re.VERBOSE,
)
_GROUP = re.compile(r"S[A-Z0-9]+")
_CHANNEL = re.compile(r"[CG][A-Z0-9]{2,20}")
_PERSON = re.compile(r"[UW][A-Z0-9]+")
_URL = re.compile(r"https?://[^\s<>|]+", re.IGNORECASE)
_MESSAGE = re.compile(r"https://[a-z0-9-]+(?:\.enterprise)?\.slack(?:-gov)?\.com/archives/[A-Z0-9]+/p[0-9]+")
MAX_URL = 900


def units(text: str) -> int:
    """Give the length of `text` in UTF-16 units."""
    return len(text) + sum(1 for char in text if ord(char) > 0xFFFF)  # noqa: PLR2004  # the end of the basic plane


def scrub(text: str) -> str:
    """Give `text` without control characters, marks that reorder what is read, and broken characters."""
    return _SURROGATES.sub("\ufffd", _REORDERING.sub("", _CONTROLS.sub(" ", text)))


def _fitted(pieces: Iterable[str], limit: int) -> str:
    """Join whole `pieces` up to `limit` units; what does not fit is replaced by an ellipsis."""
    kept: list[str] = []
    size = 0
    for piece in pieces:
        if size + units(piece) > limit:
            while kept and size > limit - 1:
                size -= units(kept.pop())
            return "".join([*kept, ELLIPSIS]) if limit > 0 else ""
        kept.append(piece)
        size += units(piece)
    return "".join(kept)


def literal(text: str, limit: int) -> str:
    """Give `text` for a code block, where nothing is parsed: what is copied is what was written."""
    return _fitted(scrub(text), limit)


def plain(text: str, limit: int) -> str:
    """Give `text` for a plain-text object (header, button). Nothing is parsed there, so nothing is escaped.

    What would call people if it were parsed after all is parted by a space.
    """
    return _fitted(_TAG.sub("< ", scrub(text)), limit)


def escaped(text: str, limit: int) -> str:
    """Give text from outside for mrkdwn: `& < >` escaped, cut to `limit` units without breaking an escape."""
    return _fitted((ESCAPES.get(char, char) for char in scrub(text)), limit)


def one_line(text: str, limit: int) -> str:
    """Give text from outside as one escaped line."""
    return escaped(" ".join(text.split()), limit)


def bold(text: str, limit: int) -> str:
    """Give one escaped line in bold, or bare where its own asterisks would break the bold."""
    line = one_line(text, limit - 2)
    return line if "*" in line or not line else f"*{line}*"


def authored(text: str, limit: int) -> str:
    """Give the mrkdwn of a procedure's author: links, people, groups and dates stay, everything else is escaped."""
    clean = scrub(text)
    pieces: list[str] = []
    end = 0
    for token in _WRITTEN_BY_AUTHOR.finditer(clean):
        pieces.extend(ESCAPES.get(char, char) for char in clean[end : token.start()])
        pieces.append(token.group())
        end = token.end()
    pieces.extend(ESCAPES.get(char, char) for char in clean[end:])
    return _fitted(pieces, limit)


def when(at: datetime) -> str:
    """Give a time in the reader's own clock with UTC beside it."""
    clock = f"{at.astimezone(UTC):%H:%M:%S} UTC"
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} {{time_secs}}|{clock}> ({clock})"


def link(label: str, url: str) -> str:
    """Give a link, or nothing where `url` is not a web address that can stand in one."""
    address = scrub(url.strip()).replace("&", "&amp;")
    if not _URL.fullmatch(address) or units(address) > MAX_URL:
        return ""
    return f"<{address}|{one_line(label, 60) or 'link'}>"


def linked(text: str) -> str:
    """Give escaped text in which addresses of Slack's own messages can be tapped; every other stays as it was written.

    Slack makes no links by itself of what is posted as it is, and addresses from outside are not to become any.
    """
    return _MESSAGE.sub(lambda found: f"<{found.group()}>", text)


def mention(who: str) -> str:
    """Give the mention of a user group (S…) or a person (U…, W…); nothing for any other id."""
    if _GROUP.fullmatch(who):
        return f"<!subteam^{who}>"
    return f"<@{who}>" if _PERSON.fullmatch(who) else ""


def channel(name: str) -> str:
    """Give the link to a channel (C…); the bare word for anything else."""
    return f"<#{name}>" if _CHANNEL.fullmatch(name) else one_line(name, 60)


def mentions(who: Iterable[str]) -> str:
    """Give all mentions of `who`, twenty at the most."""
    return " ".join([one for one in map(mention, who) if one][:20])
