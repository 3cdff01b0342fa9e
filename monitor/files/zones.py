"""Time zones by their names."""

from zoneinfo import ZoneInfo

from monitor.files.nodes import Node, WrongError
from monitor.files.scalars import name


def zone(node: Node) -> str:
    """Give the name of a time zone that this machine knows."""
    word = name(node)
    try:
        ZoneInfo(word)
    except (KeyError, OSError, ValueError):
        hint = "a name of the time zone database, such as Europe/Berlin or UTC"
        raise WrongError(node.place, f"there is no time zone `{word}` on this machine", hint) from None
    return word
