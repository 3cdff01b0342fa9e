"""`incident export` and `incident verify`: the evidence of an incident as a folder, and whether one is still whole."""

import json
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.core.evidence import manifest
from monitor.core.words import plain
from monitor.evidence.bundles import BundleError, unpacked, verify, write

if TYPE_CHECKING:
    from monitor.cli.incidents import Files
    from monitor.settings.settings import Settings

FAILED, USAGE = 1, 2
PATIENCE = 120
"""Seconds that the daemon may take to read, draw and pack."""

MOST = 100_000_000
"""The largest answer that is read."""

HTTP_OK = 200


def export(files: "Files", name: str, out: Path, output: str) -> int:
    """Write the bundle of an incident into the folder `out`; give the exit code."""
    from monitor.cli.incidents import RefusedError  # noqa: PLC0415  # `verify` needs none of it
    from monitor.ports.store import StoreError  # noqa: PLC0415  # the same
    from monitor.settings.loading import SettingsError, load  # noqa: PLC0415  # the same

    try:
        settings, _ = load(env_file=files.env_file, secrets_dir=files.secrets_dir)
        bundle = unpacked(_fetched(settings, name))
        new = write(bundle, out)
    except SettingsError as error:
        return _refused(*error.sentences)
    except (RefusedError, StoreError, BundleError) as error:
        return _refused(str(error))
    except OSError as error:
        return _refused(f"{out} cannot be written: {error.strerror or error}")
    told = {"folder": str(out), "files": len(bundle), "new": new, "sha256": manifest.seal_of(bundle[manifest.NAME])}
    _say(told if output == "json" else f"{out}: {len(bundle)} files{'' if new else ', as they were there already'}")
    return 0


def check(folder: Path, output: str) -> int:
    """Say which files of a bundle are missing, changed or extra; exit code 0: none."""
    try:
        problems = verify(folder)
        seal = "" if problems else manifest.seal_of((folder / manifest.NAME).read_bytes())
    except BundleError as error:
        sys.stderr.write(f"rollback-monitor: {plain(str(error))}\n")
        return USAGE
    except OSError as error:
        return _refused(f"{folder} cannot be read: {error.strerror or error}")
    if output == "json":
        _say({"whole": not problems, "problems": problems, "sha256": seal})
    else:
        _say("\n".join(map(plain, problems)) if problems else f"{folder} is whole; SHA-256 of its manifest {seal}")
    return FAILED if problems else 0


def _say(told: str | dict[str, object]) -> None:
    text = told if isinstance(told, str) else json.dumps({"version": 1, **told}, indent=2)
    sys.stdout.write(f"{text}\n")


def _refused(*sentences: str) -> int:
    sys.stderr.writelines(f"rollback-monitor: {plain(one)}\n" for one in sentences)
    return FAILED


def _fetched(settings: "Settings", name: str) -> bytes:
    """Ask the daemon that holds the database for the archive; where none does, make it on the store."""
    from monitor.bootstrap.databases import database_owner  # noqa: PLC0415  # as above
    from monitor.cli.incidents import INCIDENT, RefusedError  # noqa: PLC0415  # as above

    asked = name.strip().upper()
    if not INCIDENT.fullmatch(asked):
        raise RefusedError(f"{name!r} names no incident; write it like INC-0001.")
    path = f"/api/v1/incidents/{asked}/evidence"
    holding = database_owner(settings)
    if holding is not None and holding.url:
        return _understood(*_over_http(holding.url, path))
    from monitor.cli.offline import ask  # noqa: PLC0415  # loads what the daemon is made of

    return _understood(*ask(settings, "GET", path, None))


def _over_http(url: str, path: str) -> tuple[int, bytes]:
    from monitor.cli.incidents import RefusedError  # noqa: PLC0415  # as above

    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url + urllib.parse.quote(path), timeout=PATIENCE) as response:
            return response.status, response.read(MOST)
    except urllib.error.HTTPError as error:
        return error.code, error.read(MOST)
    except OSError as error:
        raise RefusedError(f"the daemon does not answer at {url}: {error}") from error


def _understood(status: int, body: bytes) -> bytes:
    from monitor.cli.incidents import RefusedError  # noqa: PLC0415  # as above

    if status == HTTP_OK:
        return body
    try:
        raise RefusedError(str(json.loads(body)["error"]))
    except (ValueError, KeyError, TypeError):
        raise RefusedError(f"the daemon could not answer (HTTP {status}); its log says why") from None
