"""`incident ...`: incidents from the shell, through the daemon's API where one runs, else on the store itself."""

import getpass
import json
import os
import re
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monitor.bootstrap.databases import database_owner
from monitor.cli.incidentview import after, in_full, line_of
from monitor.ports.store import StoreError
from monitor.settings.loading import SettingsError, load
from monitor.settings.settings import Settings

FAILED = 1
PATIENCE = 10
"""Seconds that the daemon may take to answer."""
INCIDENT = re.compile(r"[A-Z]{1,10}-[0-9]{1,9}")
"""What the name of an incident looks like; nothing else gets into the path that is asked for."""


class RefusedError(Exception):
    """What was asked was not done; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Files:
    """Where settings stand beside the environment, as the daemon was told: the same channel is owed the same edits."""

    env_file: Path | None = None
    secrets_dir: Path | None = None


def show_all(files: Files, output: str) -> int:
    """Print all incidents, newest first."""
    return printed(files, lambda: Asked("GET", "/api/v1/incidents"), output, _print_all)


def show(files: Files, name: str, output: str) -> int:
    """Print one incident with its alerts and its timeline."""
    return printed(files, lambda: Asked("GET", _path(name)), output, _print_one)


def act(files: Files, name: str, action: str, by: str, more: Mapping[str, object] | None = None) -> int:
    """Do something on an incident, in somebody's name; what was left empty is not said."""
    body = {word: said for word, said in (more or {}).items() if said} | {"as": by or login_name()}
    return printed(files, lambda: Asked("POST", _path(name, action), body), "text", _print_done)


def login_name() -> str:
    """Give who is logged in; in a container, where nobody has a name, the user's number."""
    try:
        return getpass.getuser()
    except KeyError:
        return f"uid {os.getuid()}"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request to the daemon, or to what it is made of; it may take `within` seconds.

    `path` may carry a query, already encoded.
    """

    method: str
    path: str
    body: dict[str, Any] | None = None
    within: int = PATIENCE


def printed(files: Files, asked: Callable[[], Asked], output: str, draw: Callable[[dict[str, Any]], None]) -> int:
    """Ask, and print the answer, or the sentence that says why there is none; give the exit code."""
    try:
        settings, _ = load(env_file=files.env_file, secrets_dir=files.secrets_dir)
        found = answered(settings, asked())
    except SettingsError as error:
        sys.stderr.writelines(f"rollback-monitor: {sentence}\n" for sentence in error.sentences)
        return FAILED
    except (RefusedError, StoreError) as error:
        sys.stderr.write(f"rollback-monitor: {error}\n")
        return FAILED
    if output == "json":
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
    else:
        draw(found)
    return 0


def _path(name: str, *action: str) -> str:
    """Give the path of an incident, or of something to do on it. Raises RefusedError for no such name."""
    asked = name.strip().upper()
    if not INCIDENT.fullmatch(asked):
        raise RefusedError(f"{name!r} names no incident; write it like INC-0001.")
    return "/".join(["/api/v1/incidents", asked, *action])


def answered(settings: Settings, asked: Asked, level: str = "warning") -> dict[str, Any]:
    """Ask the daemon that holds the database; where none does, ask the same application on the store.

    What is logged below `level` is not told. Raises RefusedError with the sentence of a refusal, and StoreError.
    """
    holding = database_owner(settings)
    if holding is not None and holding.url:
        return _over_http((holding.pid, holding.url, holding.token), asked)
    from monitor.cli.offline import ask  # noqa: PLC0415  # loads what the daemon is made of

    return _understood(*ask(settings, asked.method, asked.path, asked.body, level))


def _over_http(holder: tuple[int, str, str], asked: Asked) -> dict[str, Any]:
    pid, url, token = holder
    path, _, query = asked.path.partition("?")
    request = urllib.request.Request(  # noqa: S310  # the URL is the one that the daemon wrote into its lock file
        url + urllib.parse.quote(path) + (f"?{query}" if query else ""),
        data=None if asked.body is None else json.dumps(asked.body).encode(),
        method=asked.method,
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=asked.within) as response:
            return _understood(response.status, response.read())
    except urllib.error.HTTPError as error:
        return _understood(error.code, error.read())
    except OSError as error:
        raise RefusedError(f"the daemon (pid {pid}) does not answer at {url}: {error}") from error


def _understood(status: int, body: bytes) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = json.loads(body)
    except ValueError:
        words = " ".join(body.decode(errors="replace").split())[:200]
        raise RefusedError(f"the daemon could not answer (HTTP {status}: {words}); its log says why") from None
    if status >= 400:  # noqa: PLR2004  # HTTP: everything from 400 on is a refusal
        raise RefusedError(str(answer.get("error", body)))
    return answer


def _print_all(answer: dict[str, Any]) -> None:
    _print([line_of(one) for one in answer["incidents"]] or ["No incidents."])


def _print_one(answer: dict[str, Any]) -> None:
    _print(in_full(answer["incident"]))


def _print_done(answer: dict[str, Any]) -> None:
    _print(after(answer["incident"], answer["told"]))


def _print(lines: list[str]) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)
