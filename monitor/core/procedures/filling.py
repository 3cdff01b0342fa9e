"""Commands of a procedure step with a service's versions filled in, to be copied into a shell. Pure.

Versions and images come from metrics, so that whoever is scraped writes them: what could mean anything to a shell but
itself is refused. The monitor runs none of these commands.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from monitor.core.procedures.procedure import Command
from monitor.core.releases.release import Target

SAFE = re.compile(r"[A-Za-z0-9._:/@+][A-Za-z0-9._:/@+-]*")
"""What may be filled in. A dash at the beginning would be an option."""

NAMES = ("SERVICE", "CURRENT", "TARGET", "IMAGE", "REGISTRY")
_VARIABLE = re.compile(rf"(?<!\\)\$(?:\{{({'|'.join(NAMES)})\}}|({'|'.join(NAMES)})(?![A-Za-z0-9_]))")
_LONGEST_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Block:
    """The commands of one service, a line each. `problem`: what could not be filled in, and still stands as `$NAME`."""

    service: str
    text: str
    problem: str = ""


def blocks(commands: Sequence[Command], services: Iterable[str], targets: Iterable[Target]) -> tuple[Block, ...]:
    """Give a block for each of `services`, and before them one for each service that a command names by itself.

    A command that names no service stands in every block.
    """
    known, wanted = {target.service: target for target in targets}, tuple(services)
    found = []
    for service in dict.fromkeys((*(one.service for one in commands if one.service), *wanted)):
        lines = [one.run for one in commands if one.service == service or (not one.service and service in wanted)]
        if lines:
            found.append(_block(service, "\n".join(lines), known.get(service)))
    return tuple(found)


def _block(service: str, text: str, target: Target | None) -> Block:
    values, missing = _values(service, target)
    asked = dict.fromkeys(found[1] or found[2] for found in _VARIABLE.finditer(text))
    problems = [problem for name in asked if (problem := _problem(name, values, missing))]
    wrong = {name for name in asked if _problem(name, values, missing)}
    filled = _VARIABLE.sub(
        lambda found: found[0] if (found[1] or found[2]) in wrong else values[found[1] or found[2]], text
    )
    return Block(service, filled, " ".join(dict.fromkeys(problems)))


def _problem(name: str, values: Mapping[str, str], missing: str) -> str:
    value = values[name]
    if not value:
        return f"{missing[0].upper()}{missing[1:]}."
    if not SAFE.fullmatch(value):
        return f"${name} is not filled in: {shown(value)} could mean something to a shell."
    return ""


def _values(service: str, target: Target | None) -> tuple[Mapping[str, str], str]:
    """Give each variable's value, "" where it is not known, and why such a one is not."""
    values = dict.fromkeys(NAMES, "") | {"SERVICE": service}
    if target is None:
        return values, f"no release of {service} was seen before the breach: nothing is proposed"
    values |= {"CURRENT": target.current, "TARGET": target.version, "IMAGE": target.image}
    values["REGISTRY"] = registry_of(target.image)
    if not target.version:
        return values, f"no target of {service} is proposed: {target.why or 'none is known'}"
    return values, f"the image of {service} is not known{f': {target.image_why}' if target.image_why else ''}"


def registry_of(image: str) -> str:
    """Give what stands before the last part of an image's name: its registry and folder, or nothing."""
    return image.rpartition("/")[0]


def shown(value: str) -> str:
    """Give a value that was refused, so that it can be seen what is wrong with it."""
    text = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in value)
    return f"`{text[:_LONGEST_SHOWN]}`"
