"""What a table of keys is, and how the docs show all of them as one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from monitor.core.rules.ruledifference import AtReload


@dataclass(frozen=True, slots=True)
class Key:
    """One key: what it takes and means, for people; `default` empty and `required` for one that must stand.

    `at_reload` is what a change of it means for the state of alerts, `reload_note` what is to be said about that.
    """

    name: str
    takes: str
    meaning: str
    default: str = ""
    required: bool = False
    at_reload: AtReload = AtReload.KEPT
    reload_note: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """The keys of one kind of mapping; `what` names it in errors, `hints` mend keys brought from elsewhere."""

    what: str
    keys: tuple[Key, ...]
    later: tuple[str, ...] = ()
    hints: Mapping[str, str] = field(default_factory=dict)

    def names(self) -> tuple[str, ...]:
        """Give the names of the keys."""
        return tuple(key.name for key in self.keys)

    def key(self, name: str) -> Key:
        """Give the key named `name`; raise KeyError where there is none."""
        return {key.name: key for key in self.keys}[name]


_AT_RELOAD = {AtReload.KEPT: "kept", AtReload.REDERIVED: "re-derived", AtReload.DROPPED: "dropped"}


def markdown(tables: Sequence[Table]) -> str:
    """Give one table of every key; one that means the same in several places has one row."""
    places: dict[Key, list[str]] = {}
    for table in tables:
        for key in table.keys:
            places.setdefault(key, []).append(table.what)
    lines = [
        "| key | stands in | takes | default | at reload | meaning |",
        "|---|---|---|---|---|---|",
        *(_row(key, standing) for key, standing in places.items()),
    ]
    later = [f"{', '.join(f'`{name}`' for name in table.later)} in {table.what}" for table in tables if table.later]
    return "\n".join([*lines, "", f"Not supported yet: {'; '.join(later)}.", ""])


def _row(key: Key, standing: list[str]) -> str:
    default = "must stand" if key.required else key.default or "-"
    reload = _AT_RELOAD[key.at_reload] + (f"; {key.reload_note}" if key.reload_note else "")
    return f"| `{key.name}` | {', '.join(standing)} | {key.takes} | {default} | {reload} | {key.meaning} |"
