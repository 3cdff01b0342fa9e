"""Keys of rules that are tried with other values, as `--set ALERT.prepare.above=3%` says them: set in a file's nodes.

They are set before anything is read, so that every check of a rule file applies to them too.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from monitor.core.rules.rule import Place
from monitor.files.findings import Report, nearest
from monitor.files.nodes import Mapping, Node, Scalar, WrongError
from monitor.files.nodes import Sequence as Listed
from monitor.files.syntax import parse

OPTION = "--set"
EXAMPLE = "write ALERT.path=value, such as LoginFailing.rollback.above=10%"
MOST_VARIANTS = 200
"""Combinations of values that one sweep tries."""

_OPENS, _CLOSES, _QUOTES = "([{", ")]}", "\"'`"


@dataclass(frozen=True, slots=True)
class KeyChange:
    """One key of one rule and the value that it is to have; `words` is how it was written."""

    alert: str
    path: tuple[str, ...]
    value: str

    @property
    def words(self) -> str:
        """The change as a person writes it."""
        return f"{'.'.join((self.alert, *self.path))}={self.value}"

    @property
    def place(self) -> Place:
        """Where it was written: on the command line."""
        return Place(f"{OPTION} {self.words}", 1, 1)


def variants(written: Sequence[str]) -> tuple[tuple[KeyChange, ...], ...]:
    """Give every combination of the values in `written`; one empty combination where nothing is.

    Raises WrongError where one is no change, where two set the same key, and for too many combinations.
    """
    each = [tuple(_values(text)) for text in written]
    seen: dict[tuple[object, ...], str] = {}
    for text, changes in zip(written, each, strict=True):
        key = changes[0].alert, changes[0].path
        if key in seen:
            message = f"`{'.'.join((key[0], *key[1]))}` is set twice"
            raise WrongError(_place(text), message, "write its values with commas in one --set")
        seen[key] = text
    count = 1
    for changes in each:
        count *= len(changes)
    if count > MOST_VARIANTS:
        message = f"these values make {count} combinations, and at most {MOST_VARIANTS} are tried"
        raise WrongError(_place(" ".join(written)), message, "leave values out")
    return tuple(product(*each))


def _place(text: str) -> Place:
    return Place(f"{OPTION} {text}", 1, 1)


def _values(text: str) -> Iterator[KeyChange]:
    left, equals, right = text.partition("=")
    alert, *path = left.strip().split(".")
    values = [value.strip() for value in _apart(right)]
    if not equals or not alert or not path or not all(path) or not all(values):
        raise WrongError(_place(text), "this sets no key of a rule", EXAMPLE)
    return (KeyChange(alert, tuple(path), value) for value in values)


def _apart(text: str) -> list[str]:
    """Split at commas that stand in no brackets and no quotes."""
    parts, depth, quote = [""], 0, ""
    for character in text:
        if quote:
            quote = "" if character == quote else quote
        elif character in _QUOTES:
            quote = character
        elif character in _OPENS:
            depth += 1
        elif character in _CLOSES:
            depth -= 1
        elif character == "," and depth == 0:
            parts.append("")
            continue
        parts[-1] += character
    return parts


# --- into the nodes ---------------------------------------------------------------------------------------------------


def changed(root: Node, changes: Sequence[KeyChange], report: Report) -> tuple[Node, frozenset[KeyChange]]:
    """Give the document of a rule file with the keys that are set in its rules, and the changes that found theirs."""
    met: set[KeyChange] = set()
    if not changes or not isinstance(root, Mapping):
        return root, frozenset()

    def in_rule(rule: Node) -> Node:
        name = rule.get("alert") if isinstance(rule, Mapping) else None
        for one in changes:
            if isinstance(rule, Mapping) and isinstance(name, Scalar) and name.text == one.alert:
                met.add(one)
                try:
                    rule = _set(rule, one.path, _value(one), one)
                except WrongError as wrong:
                    report.wrong(wrong)
        return rule

    def in_group(group: Node) -> Node:
        return _each(group, "rules", in_rule)

    return _each(root, "groups", in_group), frozenset(met)


def unmet(changes: Sequence[KeyChange], met: frozenset[KeyChange], alerts: Sequence[str], report: Report) -> None:
    """Note an error for each change whose rule does not exist."""
    for one in changes:
        if one not in met:
            hint = nearest(one.alert, tuple(alerts), "name a rule by its `alert`")
            report.error(one.place, "unknown-alert", f"there is no rule `{one.alert}`", hint)


def _value(change: KeyChange) -> Node:
    node = parse(change.value, change.place.file)
    if node is None:
        raise WrongError(change.place, "there is no value", EXAMPLE)
    return node


def _each(node: Node, key: str, change: Callable[[Node], Node]) -> Node:
    """Give `node` with every item of the list `key` changed."""
    listed = node.get(key) if isinstance(node, Mapping) else None
    if not isinstance(node, Mapping) or not isinstance(listed, Listed):
        return node
    items = Listed(tuple(change(item) for item in listed.items), listed.place)
    return Mapping(tuple((name, items if name.text == key else value) for name, value in node.items), node.place)


def _set(node: Mapping, path: tuple[str, ...], value: Node, change: KeyChange) -> Mapping:
    """Give `node` with the key at `path` set; mappings on the way are made where they are missing."""
    key, rest = path[0], path[1:]
    there = node.get(key)
    if rest:
        if there is not None and not isinstance(there, Mapping):
            raise WrongError(change.place, f"`{key}` holds no keys here", f"set `{key}` itself")
        value = _set(there or Mapping((), change.place), rest, value, change)
    if there is not None:
        return Mapping(tuple((name, value if name.text == key else old) for name, old in node.items), node.place)
    return Mapping((*node.items, (Scalar(key, plain=True, place=change.place, raw=key), value)), node.place)
