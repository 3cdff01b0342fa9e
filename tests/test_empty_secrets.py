"""A secret that was given but is empty is refused, wherever it was given: half a pager pages nobody."""

from pathlib import Path

import pytest

from monitor.settings import SettingsError, load

SECRETS = (
    "MONITOR_SLACK__BOT_TOKEN",
    "MONITOR_SLACK__APP_TOKEN",
    "MONITOR_CONSOLE_TOKEN",
    "MONITOR_PROMETHEUS__BEARER_TOKEN",
    "MONITOR_PROMETHEUS__PASSWORD",
)


@pytest.mark.parametrize("value", ["", "  "])
@pytest.mark.parametrize("name", SECRETS)
def test_in_the_environment(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load({name: value})
    assert list(refused.value.sentences) == [
        f"{name} (environment) is empty; give the secret, or leave the setting out."
    ]


def test_in_an_env_file(tmp_path: Path) -> None:
    path = tmp_path / "monitor.env"
    path.write_text("MONITOR_SLACK__BOT_TOKEN=\n")
    with pytest.raises(SettingsError, match=r"MONITOR_SLACK__BOT_TOKEN \(.*monitor.env\) is empty"):
        load({}, env_file=path)
