"""The settings of each neighbour: where it is, and with which secret it is spoken to.

What is wrong is told in a sentence that never repeats the value.
"""

from typing import Annotated, Literal

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
from pydantic_settings import NoDecode


def web_address(value: str) -> None:
    """Raise ValueError where `value` is no URL."""
    try:
        TypeAdapter(AnyHttpUrl).validate_python(value)
    except ValidationError:
        raise ValueError("is no URL; write it with its scheme, such as http://prometheus:9090") from None


def http_url(value: str) -> str:
    """Give an address without a slash at its end. Raises ValueError for what is more, or less, than an address."""
    web_address(value)
    if "@" in value.partition("://")[2].partition("/")[0]:
        raise ValueError("holds a user or password; give those in settings of their own")
    if "?" in value or "#" in value:
        raise ValueError("holds a query (? or #); write the address alone")
    return value.rstrip("/")


class Section(BaseModel):
    """What is common to all of them: nothing unknown, nothing changed later, no input in errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class GuardedSettings(Section):
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
        urls = tuple(http_url(part.strip()) for part in value.split(",") if part.strip())
        if not urls:
            raise ValueError("is empty; write an address such as http://prometheus:9090")
        return urls


class SlackSettings(Section):
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
        return http_url(value) + "/"


class PagerDutySettings(Section):
    """PagerDuty's Events API v2, and its webhooks back. Without a routing key it is not there."""

    routing_key: SecretStr | None = None
    webhook_secret: SecretStr | None = None
    api_url: str = "https://events.pagerduty.com"

    @field_validator("api_url")
    @classmethod
    def _api(cls, value: str) -> str:
        return http_url(value)


class AlertmanagerSettings(GuardedSettings):
    """An Alertmanager that pages are sent to. Without an address it is not there."""

    url: str = ""

    @field_validator("url")
    @classmethod
    def _address(cls, value: str) -> str:
        return http_url(value) if value else ""


class WebhookSettings(Section):
    """A webhook that pages are sent to; its address may hold a secret. Without one it is not there."""

    url: SecretStr | None = None
    secret: SecretStr | None = None

    @field_validator("url")
    @classmethod
    def _address(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            web_address(value.get_secret_value())
        return value


class RegistrySettings(Section):
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
        return http_url(value) if value else ""

    @field_validator("username", "password")
    @classmethod
    def _for_an_address(cls, value: object, info: ValidationInfo) -> object:
        if value is not None and info.data.get("url") == "":
            raise ValueError("is set, and MONITOR_REGISTRY__URL, the only address that it goes to, is not")
        return value


class HeartbeatSettings(Section):
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
