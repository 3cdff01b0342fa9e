"""Queries as commands to copy: quoted for a shell, with the address and the names of headers, and never a secret."""

import re
import shlex
from dataclasses import dataclass

from monitor.workbench.questions import Question

_PLAIN_HEADER = re.compile(r"[A-Za-z0-9-]+")


@dataclass(frozen=True, slots=True)
class Door:
    """Where Prometheus is asked, and what it wants to see: the names of headers, and which credentials."""

    url: str
    headers: tuple[str, ...] = ()
    bearer: bool = False
    basic: bool = False
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""


def curl(door: Door, question: Question) -> str:
    """Give the command, a line each for what belongs together."""
    single = question.start == question.end
    path = "/api/v1/query" if single else "/api/v1/query_range"
    times = {"time": question.end} if single else {"start": question.start, "end": question.end, "step": question.step}
    lines = [f"curl -sS {shlex.quote(door.url + path)}", *_credentials(door)]
    lines += [" ".join(f"--data-urlencode {shlex.quote(f'{name}={value}')}" for name, value in times.items())]
    lines += [f"--data-urlencode {shlex.quote(f'query={question.expr}')}"]
    return " \\\n  ".join(lines)


def _credentials(door: Door) -> list[str]:
    found = [_header(name) for name in door.headers]
    if door.bearer:
        found.append('-H "Authorization: Bearer $TOKEN"')
    if door.basic:
        found.append('-u "$USERNAME:$PASSWORD"')
    files = (("--cacert", door.ca_file), ("--cert", door.cert_file), ("--key", door.key_file))
    return found + [f"{option} {shlex.quote(file)}" for option, file in files if file]


def _header(name: str) -> str:
    """Give a header with its value in a variable of its name: a value may be a secret whatever the name is."""
    variable = "$" + re.sub(r"[^A-Z0-9]", "_", name.upper()).lstrip("0123456789_")
    if _PLAIN_HEADER.fullmatch(name):
        return f'-H "{name}: {variable}"'
    return f'-H {shlex.quote(f"{name}: ")}"{variable}"'
