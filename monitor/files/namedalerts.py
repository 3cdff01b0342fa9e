"""Which alerts rule files name, also those whose rules do not load: what speaks of them is not what is wrong."""

from dataclasses import dataclass, field

from monitor.files.nodes import Mapping, Node, Scalar, Sequence


@dataclass(slots=True)
class NamedAlerts:
    """The alerts of some files; any may be among those of a file that cannot be parsed."""

    _names: set[str] = field(default_factory=set)
    _unread: bool = False

    def add(self, root: Node | None) -> None:
        """Take in the document of a rule file; None where it could not be read."""
        self._unread = self._unread or root is None
        groups = _items(root, "groups")
        named = (rule.get("alert") for group in groups for rule in _items(group, "rules") if isinstance(rule, Mapping))
        self._names |= {one.text for one in named if isinstance(one, Scalar)}

    def __contains__(self, alert: object) -> bool:
        """Whether some rule is, or may be, called so."""
        return self._unread or alert in self._names


def _items(node: Node | None, key: str) -> tuple[Node, ...]:
    listed = node.get(key) if isinstance(node, Mapping) else None
    return listed.items if isinstance(listed, Sequence) else ()
