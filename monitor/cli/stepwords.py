"""What stands behind `incident step` and `incident pin`, taken apart; what is missing is a usage error."""

from collections.abc import Sequence
from typing import Literal, get_args

import typer

Verb = Literal["done", "skip", "not-relevant", "undo", "collect", "choose", "approve"]
VERBS: tuple[str, ...] = get_args(Verb)

RESERVED = frozenset({"as", "step", "subject"})
"""Words of every request, which no field can be named."""


def step_words(what: str, words: Sequence[str], reason: str) -> tuple[str, dict[str, object]]:
    """Give the action and its words. Raises typer.BadParameter."""
    action = what.replace("-", "_")
    if what == "collect":
        step = [words[0]] if words and "=" not in words[0] else []
        return action, {**_named(step), **_collected(words[len(step) :])}
    if what == "choose":
        if len(words) != 2:  # noqa: PLR2004  # a step and its answer
            raise typer.BadParameter("choose needs a STEP and one of its answers: choose migrations none")
        return action, {"step": words[0], "choice": words[1]}
    if len(words) > 1:
        raise typer.BadParameter(f"{what} takes one STEP, not {len(words)}; put what has blanks into quotes")
    if what in {"skip", "not-relevant"}:
        if not reason.strip():
            raise typer.BadParameter(f'{what} needs a reason: --reason "why it is left out"')
        return action, {**_named(words), "reason": reason}
    if reason:
        raise typer.BadParameter(f"{what} takes no --reason; skip and not-relevant do")
    return action, _named(words)


def _named(words: Sequence[str]) -> dict[str, object]:
    return {"step": words[0]} if words else {}


def _collected(words: Sequence[str]) -> dict[str, object]:
    if not words:
        raise typer.BadParameter('collect needs what is to be written down: FIELD="…"')
    found = fields_of(words)
    if taken := RESERVED & found.keys():
        raise typer.BadParameter(f"no field can be named {min(taken)}")
    return {**found}


def fields_of(words: Sequence[str]) -> dict[str, str]:
    """Give NAME=VALUE words as names with their values. Raises typer.BadParameter."""
    found: dict[str, str] = {}
    for word in words:
        name, sign, value = word.partition("=")
        if not (name and sign and value.strip()):
            raise typer.BadParameter(f"{word!r} is not understood; write it as NAME=VALUE, such as auth=2.13.4")
        if name in found:
            raise typer.BadParameter(f"{name} is said twice")
        found[name] = value
    return found
