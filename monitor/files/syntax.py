"""YAML text -> nodes with places, from the parser's events: no types guessed, nothing expanded, nothing recursive.

Refused: duplicate keys, anchors and aliases, tags, several documents, keys that are no words, and more than 32 levels.
"""

import re
from dataclasses import dataclass, field

import yaml

from monitor.core.rules.rule import Place
from monitor.files.nodes import Mapping, Node, Scalar, Sequence, WrongError

MAX_BYTES = 1 << 20
"""The largest file that is read: 1 MiB."""
MAX_DEPTH = 32
"""The deepest nesting that is read; a rule file needs 8."""

_SELECTOR = re.compile(r"""[\w:]*\{[^}'"]*(=|!)~?["']""")
_HINTS = {
    "did not find expected '-' indicator": "the items of one list begin in one column, and their keys in another",
    "did not find expected key": "the keys of one mapping begin in one column",
    "could not find expected ':'": "a `:` is missing in this line or in the one before it",
    "mapping values are not allowed in this context": "is the line before it closed, and this one in its column?",
}
"""What would be right, where the parser's words do not tell."""

_SAYS = {
    "did not find expected '-' indicator": "this line does not stand in the column of the list around it",
    "did not find expected key": "this line does not stand in the column of the keys around it",
    "found unexpected end of stream": "a quote is opened here and never closed",
    "mapping values are not allowed in this context": "a `:` stands where no key can be",
    "could not find expected ':'": "this line is no `key: value`",
}
"""The parser's sentences in ours, where ours say more."""


def decode(content: bytes, file: str) -> str:
    """Give the text of a file; raise `WrongError` over 1 MiB and where it is not UTF-8."""
    top = Place(file, 1, 1)
    if len(content) > MAX_BYTES:
        raise WrongError(top, "the file is larger than 1 MiB", "split it into several files", "size")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8", "replace")
        place = Place(file, before.count("\n") + 1, len(before) - before.rfind("\n"))
        raise WrongError(place, "the file is not UTF-8", "save it as UTF-8", "encoding") from None
    return text.replace("\r\n", "\n")


def parse(text: str, file: str) -> Node | None:
    """Give the document of `text` (None: it is empty); raise `WrongError` at the first thing that is not taken."""
    builder = _Builder(text, file)
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, text, file) from None
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        place = Place(file, before.count("\n") + 1, len(before) - before.rfind("\n"))
        raise WrongError(place, "an invisible control character stands here", "remove it", "syntax") from None
    return builder.root


def _syntax_error(error: yaml.MarkedYAMLError, text: str, file: str) -> WrongError:
    problem = error.problem or error.context or "this is no YAML"
    is_open_quote = problem == "found unexpected end of stream" and error.context_mark is not None
    mark = error.context_mark if is_open_quote else error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    if "nesting depth" in problem:  # newer libyaml reads ahead, and gives up before the builder sees how deep it is
        return too_deep(Place(file, line + 1, column + 1))
    lines = text.split("\n")
    source = lines[line] if line < len(lines) else ""
    hint = ""
    if source[column : column + 1] == "\t":
        problem, hint = "a tab stands where YAML wants spaces", "indent with spaces"
    elif _SELECTOR.search(source):
        hint = "put the selector in single quotes"
    elif re.search(r":\s*\{\{", source):
        hint = "put a text that begins with {{ in double quotes"
    else:
        hint = _HINTS.get(problem, "")
    return WrongError(Place(file, line + 1, column + 1), _SAYS.get(problem, problem), hint, "syntax")


def too_deep(place: Place) -> WrongError:
    """Give the error of what is nested deeper than anybody writes by hand."""
    return WrongError(place, f"nested deeper than {MAX_DEPTH} levels", "a bracket too many?", "depth")


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not been read; `key` is the key that waits for its value."""

    place: Place
    is_mapping: bool
    items: list[Node] = field(default_factory=list)
    pairs: list[tuple[Scalar, Node]] = field(default_factory=list)
    key: Scalar | None = None
    seen: set[str] = field(default_factory=set)


class _Builder:
    """Puts events together to nodes with a stack of its own, so that depth costs no stack of Python's."""

    def __init__(self, text: str, file: str) -> None:
        self.root: Node | None = None
        self._text = text
        self._file = file
        self._documents = 0
        self._open: list[_Open] = []

    def take(self, event: yaml.Event) -> None:
        start, end = event.start_mark, event.end_mark
        if start is None or end is None:  # the parser marks every event; its types do not say so
            return
        place = Place(self._file, start.line + 1, start.column + 1)
        match event:
            case yaml.AliasEvent():
                raise WrongError(place, "aliases (*name) are not read", "write the value out", "alias")
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    raise WrongError(place, "a second document begins here", "one document a file", "documents")
            case yaml.ScalarEvent():
                _refuse_decoration(event, place)
                raw = self._text[start.index : end.index]
                self._add(Scalar(event.value, event.style is None or not event.style, place, raw))
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                _refuse_decoration(event, place)
                self._begin(place, is_mapping=isinstance(event, yaml.MappingStartEvent))
            case yaml.MappingEndEvent():
                done = self._open.pop()
                self._add(Mapping(tuple(done.pairs), done.place))
            case yaml.SequenceEndEvent():
                done = self._open.pop()
                self._add(Sequence(tuple(done.items), done.place))

    def _begin(self, place: Place, *, is_mapping: bool) -> None:
        if len(self._open) >= MAX_DEPTH:
            raise too_deep(place)
        if self._open and self._open[-1].is_mapping and self._open[-1].key is None:
            hint = "a text that begins with { or [ needs quotes"
            raise WrongError(place, "a key must be a word, not a list or a mapping", hint, "syntax")
        self._open.append(_Open(place, is_mapping))

    def _add(self, node: Node) -> None:
        if not self._open:
            self.root = node
            return
        top = self._open[-1]
        if not top.is_mapping:
            top.items.append(node)
        elif top.key is not None:
            top.pairs.append((top.key, node))
            top.key = None
        elif isinstance(node, Scalar):
            if node.text in top.seen:
                first = next(key.place.line for key, _ in top.pairs if key.text == node.text)
                raise WrongError(
                    node.place,
                    f"the key `{node.text}` stands twice",
                    f"the first one is in line {first}",
                    "duplicate-key",
                )
            top.seen.add(node.text)
            top.key = node


def _refuse_decoration(event: yaml.NodeEvent, place: Place) -> None:
    if event.anchor is not None:
        raise WrongError(place, "anchors (&name) are not read", "write the value out where it is used", "alias")
    if getattr(event, "tag", None) is not None:
        raise WrongError(place, "tags (!name) are not read", "write the bare value", "tag")
