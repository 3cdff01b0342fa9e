"""Where settings may stand: the command line, the environment, files that hold a secret, an env file.

Collects texts by name with their source; what cannot be read is a sentence. What the texts mean is not known here.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dotenv.parser import parse_stream

PREFIX = "MONITOR_"

KUBERNETES = re.compile(r"^MONITOR(_\w+)?_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT|PORT_\d+_\w+)$")
"""Variables that Kubernetes injects for services called monitor-something; they are no misspelt settings."""

SLACK_NAMES = {
    "SLACK_BOT_TOKEN": "MONITOR_SLACK__BOT_TOKEN",
    "SLACK_APP_TOKEN": "MONITOR_SLACK__APP_TOKEN",
    "SLACK_SIGNING_SECRET": "MONITOR_SLACK__SIGNING_SECRET",
}
"""The names that Slack's own tools use are taken too."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Everything that may hold settings, the strongest first: `options` of the command line, `environ`, files."""

    environ: Mapping[str, str]
    options: Mapping[str, str] = field(default_factory=dict)
    env_file: Path | None = None
    secrets_dir: Path | None = None


@dataclass(slots=True)
class Gathered:
    """Every setting that somebody gave: its text by name, and where it came from."""

    values: dict[str, str] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def take(self, values: Mapping[str, str], source: str) -> None:
        """Take what a stronger source has not given."""
        for name, value in values.items():
            if name not in self.values:
                self.values[name] = value
                self.sources[name] = source


def gather(given: Sources, secrets: Collection[str]) -> Gathered:
    """Collect the settings from all sources, the strongest first; `secrets` are the settings that a file may hold."""
    gathered, environ = Gathered(), given.environ
    gathered.take(given.options, "command line")
    ours = {name: value for name, value in environ.items() if name.startswith(PREFIX) and not KUBERNETES.match(name)}
    named = {name: value for name, value in ours.items() if _names_a_file(name, secrets)}
    gathered.take({name: value for name, value in ours.items() if name not in named}, "environment")
    gathered.take({own: environ[theirs] for theirs, own in SLACK_NAMES.items() if environ.get(theirs)}, "environment")
    for name, path in sorted(named.items()):
        _take_file(gathered, name.removesuffix("_FILE"), Path(path), f"{name} names")
    credentials = environ.get("CREDENTIALS_DIRECTORY")
    folder = given.secrets_dir or (Path(credentials) if credentials else None)
    if folder is not None and not folder.is_dir():
        gathered.problems.append(f"The secrets directory {folder} does not exist.")
    for file in sorted(folder.glob(f"{PREFIX}*")) if folder else []:
        _take_file(gathered, file.name, file, "the secrets directory holds")
    _take_env_file(gathered, given.env_file, secrets)
    return gathered


def _take_file(gathered: Gathered, name: str, path: Path, how: str) -> None:
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        gathered.problems.append(f"{how} {path}, which cannot be read ({_reason(error)}).")
        return
    if not text:
        gathered.problems.append(f"{how} {path}, which is empty; put the secret of {name} into it.")
        return
    gathered.take({name: text}, str(path))


def _names_a_file(name: str, secrets: Collection[str]) -> bool:
    return name.endswith("_FILE") and name.removesuffix("_FILE") in secrets


def _take_env_file(gathered: Gathered, env_file: Path | None, secrets: Collection[str]) -> None:
    if env_file is None:
        return
    if not env_file.is_file():
        gathered.problems.append(f"--env-file names {env_file}, which does not exist.")
        return
    values = _lines(gathered, env_file)
    known = {SLACK_NAMES.get(name, name): value for name, value in values.items()}
    for name in [name for name in known if _names_a_file(name, secrets)]:
        _take_file(gathered, name.removesuffix("_FILE"), Path(known.pop(name)), f"{env_file}: {name} names")
    gathered.take({name: value for name, value in known.items() if name.startswith(PREFIX)}, str(env_file))


def _lines(gathered: Gathered, env_file: Path) -> dict[str, str]:
    """Read NAME=value lines; one that is something else would be a setting that silently does not count."""
    values: dict[str, str] = {}
    try:
        with env_file.open(encoding="utf-8") as lines:
            for line in parse_stream(lines):
                if line.error or (line.value is None and _is_ours(line.key)):
                    gathered.problems.append(f"{env_file}:{line.original.line} is no setting; write NAME=value.")
                elif line.key is not None:
                    values[line.key] = line.value or ""
    except (OSError, UnicodeDecodeError) as error:
        gathered.problems.append(f"--env-file names {env_file}, which cannot be read ({_reason(error)}).")
    return values


def _is_ours(name: str | None) -> bool:
    return name is not None and (name.startswith(PREFIX) or name in SLACK_NAMES)


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return str(error.strerror) if isinstance(error, OSError) else "not UTF-8"
