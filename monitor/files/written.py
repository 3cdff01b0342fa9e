"""Rules with what they were read from, so that later findings can name the place."""

from dataclasses import dataclass

from monitor.core.rules.rule import Group, Rule
from monitor.files.nodes import Mapping, Scalar


@dataclass(frozen=True, slots=True)
class Written:
    """A rule with the mapping it was read from (defaults merged)."""

    rule: Rule
    node: Mapping


@dataclass(frozen=True, slots=True)
class WrittenGroup:
    """A group with its rules as they were written."""

    group: Group
    name: Scalar | None
    rules: tuple[Written, ...]
