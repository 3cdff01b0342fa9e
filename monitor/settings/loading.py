"""From the environment, files and options to the settings, or a sentence for everything that is wrong with them.

Every setting is `MONITOR_...`, from the environment, an env file, or files in a secrets directory; every secret also
as a `..._FILE` twin. A sentence names the setting and never its value.
"""

import difflib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import (
    BaseModel,
    ValidationError,
)
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, EnvSettingsSource

from monitor.settings.gathering import PREFIX, Gathered, Sources, gather
from monitor.settings.settings import Settings

WORDS = {
    "path_not_file": "names a file that does not exist",
    "bool_parsing": "is neither true nor false",
    "dict_type": 'is no JSON object of texts, such as {"X-Scope-OrgID": "production"}',
}
"""What the library says in its own terms, in ours."""


class SettingsError(Exception):
    """Settings that cannot be used; `sentences` say why, one each, without a secret."""

    def __init__(self, sentences: Iterable[str]) -> None:
        self.sentences = tuple(sentences)
        super().__init__("; ".join(self.sentences))


class _Gathered(EnvSettingsSource):
    """The library's own reading of variables, over what `gather` collected."""

    def __init__(self, settings_cls: type[BaseSettings], values: Mapping[str, str]) -> None:
        self._values = {name.lower(): value for name, value in values.items()}
        super().__init__(settings_cls)

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:  # noqa: ANN401  # as there
        """What is no JSON goes on as text, so that validation says in words what is wrong with it."""
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError:
            return value

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return self._values


def load(
    environ: Mapping[str, str] | None = None,
    *,
    options: Mapping[str, str] | None = None,
    env_file: Path | None = None,
    secrets_dir: Path | None = None,
) -> tuple[Settings, Gathered]:
    """Give the effective settings and where each came from. Raises SettingsError with a sentence for everything wrong.

    The stronger source wins: `options` of the command line, the environment, files named by `..._FILE`, the secrets
    directory (systemd's credentials directory where none is given), the env file.
    """
    environ = os.environ if environ is None else environ
    gathered = gather(Sources(environ, options or {}, env_file, secrets_dir), _secret_names())
    gathered.problems += unknown(gathered.sources)
    gathered.problems += _empty(gathered)
    known = {name: value for name, value in gathered.values.items() if name in names()}
    try:
        values = _Gathered(Settings, known)()
        settings = Settings(**values)
    except ValidationError as error:
        gathered.problems += [_sentence(one) for one in error.errors(include_input=False)]
    if gathered.problems:
        raise SettingsError(gathered.problems)
    return settings, gathered


def names() -> dict[str, object]:
    """Give every setting's name with its default."""
    found: dict[str, object] = {}
    for name, field in Settings.model_fields.items():
        if isinstance(field.default, BaseModel):
            section = {
                f"{PREFIX}{name}__{inner}".upper(): getattr(field.default, inner) for inner in _fields(field.default)
            }
            found |= section
        else:
            found[f"{PREFIX}{name}".upper()] = field.default
    return found


def _fields(section: BaseModel) -> Iterable[str]:
    return type(section).model_fields


def _secret_names() -> frozenset[str]:
    """The settings that hold a secret, so that a file may hold it instead."""
    sections: dict[str, type[BaseModel]] = {"": Settings} | {
        f"{name}__": type(field.default)
        for name, field in Settings.model_fields.items()
        if isinstance(field.default, BaseModel)
    }
    return frozenset(
        f"{PREFIX}{prefix}{name}".upper()
        for prefix, model in sections.items()
        for name, field in model.model_fields.items()
        if "SecretStr" in str(field.annotation)
    )


def unknown(given: Mapping[str, str]) -> list[str]:
    """Give a sentence for each name that is no setting, with the nearest one."""
    known = [*names(), *(f"{name}_FILE" for name in _secret_names())]
    sentences = []
    for name in sorted(set(given) - set(known)):
        bare = [one.removeprefix(PREFIX) for one in known]  # what all have in common makes nothing near
        near = difflib.get_close_matches(name.removeprefix(PREFIX).upper(), bare, n=1, cutoff=0.6)
        meant = f"did you mean {PREFIX}{near[0]}?" if near else "the README has a table of them all."
        sentences.append(f"{name} ({given[name]}) is no setting; {meant}")
    return sentences


def _empty(gathered: Gathered) -> list[str]:
    """Give a sentence for each secret that is set to nothing: whoever set it counts on there being one."""
    return [
        f"{name} ({gathered.sources[name]}) is empty; put the secret there, or leave the setting out."
        for name, value in gathered.values.items()
        if name in _secret_names() and not value.strip()
    ]


def _sentence(error: ErrorDetails) -> str:
    name = PREFIX + "__".join(str(part) for part in error["loc"]).upper()
    said = WORDS.get(error["type"], error["msg"].removeprefix("Value error, ").removeprefix("Input "))
    return f"{name} {said[0].lower()}{said[1:]}."
