"""Every setting: addresses and secrets. People, channels and times stand in rules/routing.yaml."""

import re
from pathlib import Path
from typing import Literal

from pydantic import (
    SecretStr,
    field_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from monitor.settings.gathering import PREFIX
from monitor.settings.sections import (
    AlertmanagerSettings,
    HeartbeatSettings,
    PagerDutySettings,
    PrometheusSettings,
    RegistrySettings,
    SlackSettings,
    WebhookSettings,
)

PRIVATE_HEADER = re.compile(r"auth|cookie|key|password|secret|token", re.IGNORECASE)
"""Headers whose values are kept out of logs; others, such as a tenant's name, are ordinary words."""


RETENTION = re.compile(r"[1-9][0-9]{0,4}d")
"""How long the record is kept, in days."""


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
