"""The only reader of the environment: addresses and secrets. People, channels and times stand in rules/routing.yaml.

Every setting is `MONITOR_...`, from the environment, an env file, or files in a secrets directory; every secret also as
a `..._FILE`
twin. What is wrong is told in one sentence each, naming the setting and never its value.
"""

import difflib
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AnyHttpUrl,
    BaseModel,
    ConfigDict,
    Field,
    FilePath,
    SecretStr,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, EnvSettingsSource, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from monitor.gathering import PREFIX, Gathered, Sources, gather

PRIVATE_HEADER = re.compile(r"auth|cookie|key|password|secret|token", re.IGNORECASE)
"""Headers whose values are kept out of logs; others, such as a tenant's name, are ordinary words."""

RETENTION = re.compile(r"[1-9][0-9]{0,4}d")
"""How long the record is kept, in days."""

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


def _web_address(value: str) -> None:
    try:
        TypeAdapter(AnyHttpUrl).validate_python(value)
    except ValidationError:
        raise ValueError("is no URL; write it with its scheme, such as http://prometheus:9090") from None


def _http_url(value: str) -> str:
    _web_address(value)
    if "@" in value.partition("://")[2].partition("/")[0]:
        raise ValueError("holds a user or password; give those in settings of their own")
    if "?" in value or "#" in value:
        raise ValueError("holds a query (? or #); write the address alone")
    return value.rstrip("/")


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class GuardedSettings(_Section):
    """How a server is spoken to that asks who comes, or whose certificate not everybody signs; all optional."""

    bearer_token: SecretStr | None = None
    username: str | None = None
    password: SecretStr | None = None
    ca_file: FilePath | None = None
    cert_file: FilePath | None = None
    key_file: FilePath | None = None

    @property
    def credentials(self) -> tuple[SecretStr | None, ...]:
        """What nobody else may read."""
        return self.bearer_token, self.password


class PrometheusSettings(GuardedSettings):
    """Where readings come from."""

    url: Annotated[tuple[str, ...], NoDecode] = ("http://127.0.0.1:9090",)
    timeout: float = Field(default=10.0, gt=0, le=60)
    headers: dict[str, str] = {}

    @field_validator("url", mode="before")
    @classmethod
    def _urls(cls, value: object) -> object:
        """One address, or several with commas: the next is asked for what the first did not answer."""
        if not isinstance(value, str):
            return value
        urls = tuple(_http_url(part.strip()) for part in value.split(",") if part.strip())
        if not urls:
            raise ValueError("is empty; write an address such as http://prometheus:9090")
        return urls


class SlackSettings(_Section):
    """How Slack is reached. Without a bot token the console pager is used."""

    bot_token: SecretStr | None = None
    app_token: SecretStr | None = None
    signing_secret: SecretStr | None = None
    channel: str = ""
    responders: Annotated[tuple[str, ...], NoDecode] = ()
    escalation_channel: str = ""
    drill_channel: str = ""
    api_url: str = "https://slack.com/api/"

    @field_validator("responders", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("api_url")
    @classmethod
    def _api(cls, value: str) -> str:
        return _http_url(value) + "/"


class PagerDutySettings(_Section):
    """PagerDuty's Events API v2, and its webhooks back. Without a routing key it is not there."""

    routing_key: SecretStr | None = None
    webhook_secret: SecretStr | None = None
    api_url: str = "https://events.pagerduty.com"

    @field_validator("api_url")
    @classmethod
    def _api(cls, value: str) -> str:
        return _http_url(value)


class AlertmanagerSettings(GuardedSettings):
    """An Alertmanager that pages are sent to. Without an address it is not there."""

    url: str = ""

    @field_validator("url")
    @classmethod
    def _address(cls, value: str) -> str:
        return _http_url(value) if value else ""


class WebhookSettings(_Section):
    """A webhook that pages are sent to; its address may hold a secret. Without one it is not there."""

    url: SecretStr | None = None
    secret: SecretStr | None = None

    @field_validator("url")
    @classmethod
    def _address(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            _web_address(value.get_secret_value())
        return value


class RegistrySettings(_Section):
    """The registry that is asked whether an image is there: where it is reached, and who asks.

    Credentials go to this address only, never to one that stands in a rules file.
    """

    url: str = ""
    username: str | None = None
    password: SecretStr | None = None
    ca_file: FilePath | None = None

    @field_validator("url")
    @classmethod
    def _address(cls, value: str) -> str:
        return _http_url(value) if value else ""

    @field_validator("username", "password")
    @classmethod
    def _for_an_address(cls, value: object, info: ValidationInfo) -> object:
        if value is not None and info.data.get("url") == "":
            raise ValueError("is set, and MONITOR_REGISTRY__URL, the only address that it goes to, is not")
        return value


class HeartbeatSettings(_Section):
    """The dead-man's switch that is called while everything goes well; its URL is a secret."""

    url: SecretStr | None = None
    method: Literal["GET", "POST"] = "GET"

    @field_validator("url")
    @classmethod
    def _address(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            try:
                TypeAdapter(AnyHttpUrl).validate_python(value.get_secret_value())
            except ValidationError:
                raise ValueError("is no URL; write it with its scheme, such as https://hc-ping.com/...") from None
        return value

    @field_validator("method", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value


class Settings(BaseSettings):
    """The effective settings."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    rules: Path = Path("rules")
    prometheus: PrometheusSettings = PrometheusSettings()
    slack: SlackSettings = SlackSettings()
    pagerduty: PagerDutySettings = PagerDutySettings()
    alertmanager: AlertmanagerSettings = AlertmanagerSettings()
    webhook: WebhookSettings = WebhookSettings()
    registry: RegistrySettings = RegistrySettings()
    heartbeat: HeartbeatSettings = HeartbeatSettings()
    database_url: str = "sqlite:///rollback-monitor.db"
    retention: str = "400d"
    listen: str = "127.0.0.1:9911"
    console_token: SecretStr | None = None
    allow_command_checks: bool = False
    command_checks_directory: Path = Path()
    log_format: Literal["console", "json"] = "console"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator("listen")
    @classmethod
    def _address(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if not host or not port.isdecimal() or int(port) > 65535:  # noqa: PLR2004  # the largest TCP port
            raise ValueError("is no address; write host:port, such as 127.0.0.1:9911")
        return value

    @field_validator("retention")
    @classmethod
    def _days(cls, value: str) -> str:
        if not RETENTION.fullmatch(value):
            raise ValueError("is no length of time of a day or more; write days, such as 400d")
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `load` hands over counts, so that everything is collected, and refused, in one place."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)

    @property
    def retention_seconds(self) -> int:
        """Give for how long the record is kept."""
        return int(self.retention.removesuffix("d")) * 86400

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret's text, for the redaction of logs."""
        found = (
            *self.prometheus.credentials,
            self.slack.bot_token,
            self.slack.app_token,
            self.slack.signing_secret,
            self.pagerduty.routing_key,
            self.pagerduty.webhook_secret,
            *self.alertmanager.credentials,
            self.webhook.url,
            self.webhook.secret,
            self.registry.password,
            self.heartbeat.url,
            self.console_token,
        )
        headers = (value for name, value in self.prometheus.headers.items() if PRIVATE_HEADER.search(name))
        return (*(one.get_secret_value() for one in found if one is not None), *headers)


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


@dataclass(frozen=True, slots=True)
class ServiceManager:
    """What systemd tells of itself: the socket it listens on, and the seconds within which it wants to be fed."""

    address: str = ""
    watchdog: float = 0.0


def service_manager(environ: Mapping[str, str] | None = None, pid: int | None = None) -> ServiceManager:
    """Give what the service manager told; nothing of it where there is none, or where it means another process."""
    environ, pid = os.environ if environ is None else environ, os.getpid() if pid is None else pid
    told = environ.get("WATCHDOG_USEC", "")
    mine = environ.get("WATCHDOG_PID", str(pid)) == str(pid)
    watchdog = int(told) / 1e6 if told.isdecimal() and mine else 0.0
    return ServiceManager(environ.get("NOTIFY_SOCKET", ""), watchdog)


def command_environment(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Give the variables that a command check runs with: where programs are, the language, the home; nothing of ours.

    Whatever else the monitor was started with, its tokens above all, is not handed on.
    """
    environ = os.environ if environ is None else environ
    kept = {name: environ[name] for name in ("PATH", "LANG", "HOME") if environ.get(name)}
    return {"PATH": os.defpath, **kept}


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
