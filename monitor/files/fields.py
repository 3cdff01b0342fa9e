"""One mapping being read: its keys are held against their table, its values taken by readers, every error noted.

A wrong value is noted and its default given, so that one reading of a file finds all that is wrong with it.
"""

from collections.abc import Callable
from typing import TypeVar

from monitor.core.model import Labels, labels_of
from monitor.core.rules.rule import Place
from monitor.files.findings import Report, nearest
from monitor.files.nodes import Mapping, Node, Scalar, WrongError, find
from monitor.files.scalars import kind_of, label_name, scalar, sequence, text
from monitor.files.tables import Table

T = TypeVar("T")


def mapping(node: Node, what: str) -> Mapping:
    """Give `node` if it is a mapping; `what` names what should have stood here."""
    if isinstance(node, Mapping):
        return node
    raise WrongError(node.place, f"expected {what} (`key: value` lines), found {kind_of(node)}")


_HABITS = {"<<": "merges are not read: what rules share stands in `defaults`"}
"""Keys that other readers of YAML take."""


def _nearest(key: str, names: tuple[str, ...]) -> str:
    if key.isdigit():
        return f"a number has a point, not a comma: 0.{key}"
    return nearest(key, names, f"its keys are {', '.join(names)}")


class Fields:
    """The keys of one mapping. What is not in its table is an error with the nearest name."""

    def __init__(self, node: Node, table: Table, report: Report) -> None:
        self.report = report
        self.table = table
        self.place = node.place
        self.node = Mapping((), node.place)
        try:
            self.node = mapping(node, table.what)
        except WrongError as wrong:
            report.wrong(wrong)
            self.readable = False
            return
        self.readable = True
        self._check_names()

    def _check_names(self) -> None:
        names = self.table.names()
        for key, _ in self.node.items:
            if key.text in self.table.later:
                hint = "it comes in a later version; leave it out for now"
                self.report.error(key.place, "later", f"`{key.text}` is not supported yet", hint)
            elif key.text not in names:
                hint = self.table.hints.get(key.text) or _HABITS.get(key.text) or _nearest(key.text, names)
                self.report.error(key.place, "unknown-key", f"unknown key `{key.text}` in {self.table.what}", hint)
        for known in self.table.keys:
            if known.required and self.node.get(known.name) is None:
                message = f"`{known.name}` is missing in {self.table.what}"
                self.report.error(self.place, "missing-key", message, f"{known.takes}: {known.meaning}")

    def has(self, name: str) -> bool:
        """Tell whether `name` stands."""
        return self.node.get(name) is not None

    def at(self, *path: str) -> Place:
        """Give the place of the value at `path`."""
        return find(self.node, *path)

    def take(self, name: str, read: Callable[[Node], T], default: T) -> T:
        """Give the value of `name` as `read` takes it; `default` where it does not stand or is wrong."""
        node = self.node.get(name)
        if node is None:
            return default
        try:
            return read(node)
        except WrongError as wrong:
            self.report.wrong(wrong)
            return default

    def each(self, name: str, read: Callable[[Node], T | None], example: str) -> tuple[T, ...]:
        """Give the items of the list `name`; wrong ones are noted and left out."""
        node = self.node.get(name)
        if node is None:
            return ()
        try:
            items = sequence(node, example).items
        except WrongError as wrong:
            self.report.wrong(wrong)
            return ()
        found: list[T] = []
        for item in items:
            try:
                value = read(item)
            except WrongError as wrong:
                self.report.wrong(wrong)
                continue
            if value is not None:
                found.append(value)
        return tuple(found)

    def pairs(self, name: str, read: Callable[[Scalar], str]) -> Labels:
        """Give the mapping `name` of names to texts, sorted by name."""
        node = self.node.get(name)
        if node is None:
            return ()
        try:
            items = mapping(node, f"{name}").items
        except WrongError as wrong:
            self.report.wrong(wrong)
            return ()
        found: dict[str, str] = {}
        for key, value in items:
            try:
                found[label_name(key)] = read(scalar(value, "a text"))
            except WrongError as wrong:
                self.report.wrong(wrong)
        return labels_of(found)

    def version(self) -> None:
        """Note an error where `version` stands and is not 1."""
        self.take("version", _version, None)

    def only_one(self, names: tuple[str, ...]) -> str | None:
        """Give the one of `names` that stands; note an error where none or several do."""
        standing = [name for name in names if self.has(name)]
        if len(standing) == 1:
            return standing[0]
        listed = ", ".join(f"`{name}`" for name in names)
        if standing:
            key = self.node.key(standing[1])
            place = key.place if key else self.place
            self.report.error(place, "value", f"{self.table.what} holds exactly one of {listed}, not several")
        elif self.readable and not any(key.text in self.table.later for key, _ in self.node.items):
            self.report.error(self.place, "missing-key", f"{self.table.what} holds one of {listed}")
        return None


def _version(node: Node) -> None:
    if scalar(node, "1").text != "1":
        raise WrongError(node.place, f"version {kind_of(node)} is not known", "write version: 1")


def plain_text(node: Scalar) -> str:
    """Give a text, for `Fields.pairs`."""
    return text(node)
