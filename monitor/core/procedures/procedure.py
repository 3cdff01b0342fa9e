"""What a rollback procedure is: its steps, tasks, commands to copy, waves, decisions and checks.

Frozen; progress is kept elsewhere. Texts are Slack's mrkdwn; times are whole seconds.
"""

import re
from dataclasses import dataclass
from enum import StrEnum


class Does(StrEnum):
    """What the monitor does at a step beside showing it.

    It freezes deploys (done by starting), collects and shows the targets, or ends the incident.
    """

    FREEZE = "freeze"
    PIN = "pin"
    END = "end"


@dataclass(frozen=True, slots=True)
class Task:
    """One line of a step that somebody ticks."""

    text: str


@dataclass(frozen=True, slots=True)
class Command:
    """A command that the card shows to be copied; the monitor never runs it."""

    run: str
    service: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer of a step that asks for a decision.

    `forward`: services with migrations since their target are mended forward and stay where they are.
    """

    id: str
    title: str
    needs_approver: bool = False
    forward: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """One thing a step collects, such as a target version."""

    id: str
    title: str


@dataclass(frozen=True, slots=True)
class Wave:
    """Services rolled back together; a wave opens when the one before is at its target."""

    title: str
    services: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """One proof that the rollback worked; `kind` is signals, promql, http or command, and `target` what it looks at.

    A promql check is compared with `above` or `below`, an http check expects `status`; http and command checks end at
    `deadline` seconds. `argv` is run without a shell, and only where a setting allows it.
    """

    kind: str
    title: str
    target: str = ""
    argv: tuple[str, ...] = ()
    above: float | None = None
    below: float | None = None
    status: int = 200
    deadline: int = 10

    @property
    def id(self) -> str:
        """What names it within its step, from its title: a result that somebody enters must find its check again."""
        return re.sub(r"\W+", "-", self.title.casefold()).strip("-")


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a procedure. `text` is Slack's mrkdwn."""

    id: str
    title: str
    text: str = ""
    applies_if: str = ""
    tasks: tuple[Task, ...] = ()
    collect: tuple[Field, ...] = ()
    commands: tuple[Command, ...] = ()
    waves: tuple[Wave, ...] = ()
    choose: tuple[Choice, ...] = ()
    checks: tuple[Check, ...] = ()
    does: Does | None = None


@dataclass(frozen=True, slots=True)
class Procedure:
    """A rollback procedure: its steps in order, and the recovery target in seconds.

    `verify_for`: seconds for which the signals that paged must have been clear before the incident may end,
    `helps_within`: seconds after which a rollback that has not helped is said not to.
    """

    id: str
    title: str
    steps: tuple[Step, ...]
    recovery_target: int = 900
    verify_for: int = 600
    helps_within: int = 600
