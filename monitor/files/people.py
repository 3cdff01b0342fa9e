"""Lists of people: the ids of users and user groups."""

from monitor.files.escalationkey import an_id
from monitor.files.nodes import Node, WrongError
from monitor.files.scalars import name, sequence


def people(node: Node) -> tuple[str, ...]:
    """Give a list of ids, each once; a name is an error, since names change."""
    found: dict[str, None] = {}
    for item in sequence(node, "[S0123456789]").items:
        word = name(item)
        if word.startswith("@"):
            hint = "write the id of the user group (S...) or of the user (U...)"
            raise WrongError(item.place, f"`{word}` is a name, and names change", hint)
        found[an_id(item, word)] = None
    return tuple(found)
