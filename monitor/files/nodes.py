"""What a YAML file says, with the place of every word: frozen nodes that the readers take apart.

Nodes know neither keys nor rules; they carry text, and never guess a type.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from monitor.core.rules.rule import Place

_ESCAPE_LENGTH = {"x": 4, "u": 6, "U": 10}
"""How many characters of the file a double-quoted escape takes; every other one takes two."""


class WrongError(Exception):
    """Something that a person wrote cannot be taken: where, what is wrong, and (`hint`) what would be right."""

    def __init__(self, place: Place, message: str, hint: str = "", code: str = "value") -> None:
        super().__init__(message)
        self.place = place
        self.message = message
        self.hint = hint
        self.code = code


@dataclass(frozen=True, slots=True)
class Scalar:
    """One word or text. `plain` says that it stands without quotes; `raw` is the file's own spelling of it."""

    text: str
    plain: bool
    place: Place
    raw: str = ""

    def at(self, offset: int) -> Place:
        """Give the place in the file of the character at `offset` of `text`, past quotes, escapes and line breaks."""
        position = next((spot for index, spot in enumerate(self._spots()) if index == offset), len(self.raw.rstrip()))
        if position >= len(self.raw.rstrip()) and self.raw[:1] in ("'", '"') and len(self.raw) > 1:
            position = len(self.raw) - 1
        before = self.raw[:position]
        line = self.place.line + before.count("\n")
        column = len(before) - before.rfind("\n") if "\n" in before else self.place.column + position
        return Place(self.place.file, line, column)

    def _spots(self) -> Iterator[int]:
        """Give for each character of `text` where it stands in `raw`."""
        raw, style = self.raw, self.raw[:1]
        position = raw.find("\n") + 1 if style in ("|", ">") else int(style in ("'", '"'))
        for character in self.text:
            if position >= len(raw):
                return
            if raw[position] != character and raw[position] in " \n":
                if character == " ":  # a folded line break reads as one space
                    yield position
                    position = _skip_blanks(raw, position)
                    continue
                position = _skip_blanks(raw, position)
            yield position
            position += _length(raw, position, style)


def _skip_blanks(raw: str, position: int) -> int:
    while position < len(raw) and raw[position] in " \n":
        position += 1
    return position


def _length(raw: str, position: int, style: str) -> int:
    """Give how many characters of the file spell the character of the text that begins at `position`."""
    if style == '"' and raw[position] == "\\":
        return _ESCAPE_LENGTH.get(raw[position + 1 : position + 2], 2)
    return 2 if style == "'" and raw.startswith("''", position) else 1


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    items: tuple["Node", ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping in the order of the file; keys are unique."""

    items: tuple[tuple[Scalar, "Node"], ...]
    place: Place

    def get(self, key: str) -> "Node | None":
        """Give the value of `key`, or None."""
        return next((value for name, value in self.items if name.text == key), None)

    def key(self, key: str) -> Scalar | None:
        """Give the word `key` as it stands in the file, or None."""
        return next((name for name, _ in self.items if name.text == key), None)


Node: TypeAlias = Scalar | Sequence | Mapping


def find(node: Node, *path: str) -> Place:
    """Give the place of the value at `path`; of the deepest part of the path that exists, where it ends early."""
    for name in path:
        inner = node.get(name) if isinstance(node, Mapping) else None
        if inner is None:
            break
        node = inner
    return node.place


def merge(under: Mapping, over: Mapping) -> Mapping:
    """Give `over` with what only `under` has, key by key and mapping by mapping."""
    below = {key.text: value for key, value in under.items}
    merged: list[tuple[Scalar, Node]] = []
    for key, value in over.items:
        lower = below.get(key.text)
        if isinstance(value, Mapping) and isinstance(lower, Mapping):
            merged.append((key, merge(lower, value)))
        else:
            merged.append((key, value))
    taken = {key.text for key, _ in over.items}
    merged.extend((key, value) for key, value in under.items if key.text not in taken)
    return Mapping(tuple(merged), over.place)
