"""`config show`: every setting, where it came from, and no secret."""

import sys
from pathlib import Path

import orjson
from pydantic import SecretStr

from monitor.settings.loading import SettingsError, load, names
from monitor.settings.settings import Settings
from monitor.telemetry import Redaction


def show(env_file: Path | None, secrets_dir: Path | None, output: str) -> int:
    """Print the effective settings; give the exit code (1: they cannot be used)."""
    try:
        settings, gathered = load(env_file=env_file, secrets_dir=secrets_dir)
    except SettingsError as error:
        for sentence in error.sentences:
            sys.stderr.write(f"rollback-monitor: {sentence}\n")
        return 1
    rows = [(name, _shown(settings, name), gathered.sources.get(name, "default")) for name in names()]
    if output == "json":
        body = {name: {"value": value, "source": source} for name, value, source in rows}
        sys.stdout.write(orjson.dumps({"version": 1, "settings": body}, option=orjson.OPT_INDENT_2).decode() + "\n")
        return 0
    widest = max(len(name) for name, _, _ in rows)
    for name, value, source in rows:
        sys.stdout.write(f"{name:<{widest}}  {value or '-'}  ({source})\n")
    return 0


def _shown(settings: Settings, name: str) -> str:
    value: object = settings
    for part in name.removeprefix("MONITOR_").lower().split("__"):
        value = getattr(value, part)
    if isinstance(value, SecretStr):
        return "(set)"
    if isinstance(value, dict):
        return ", ".join(f"{key}: (set)" for key in value)  # a header may hold a token
    if isinstance(value, tuple):
        return ", ".join(str(one) for one in value)
    return "" if value is None else str(Redaction(settings.secrets).clean(str(value)))  # such as a database's password
