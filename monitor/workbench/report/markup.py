"""HTML and SVG put together from elements; whatever is no `Markup` is text, and is escaped."""

import html
from collections.abc import Iterable
from typing import TypeAlias


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


Content: TypeAlias = str | Iterable[str]

_VOID = frozenset({"meta", "br", "col"})


def escaped(words: str) -> Markup:
    """Give `words` as text that no markup can be hidden in."""
    return words if isinstance(words, Markup) else Markup(html.escape(_visible(words)))


def _visible(words: str) -> str:
    """Replace what no document may hold, and what turns the direction of writing."""
    return "".join("�" if one in _TURNING or (one < " " and one not in "\t\n") else one for one in words)


_TURNING = frozenset("\x7f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def joined(*contents: Content) -> Markup:
    """Give `contents` one after the other."""
    parts: list[str] = []
    for one in contents:
        parts.extend([escaped(one)] if isinstance(one, str) else map(escaped, one))
    return Markup("".join(parts))


def tag(name: str, /, *contents: Content, **attributes: str | float | None) -> Markup:
    """Give an element. Attributes are written with `_` for `-` (and a trailing `_` for a word of Python's).

    None leaves an attribute out.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escaped(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{joined(*contents)}</{name}>")
