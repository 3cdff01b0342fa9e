"""The app manifest asks for exactly the scopes that the program uses and `doctor` checks."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from monitor.adapters.slack.manifest import EXAMPLE, manifest
from monitor.adapters.slack.probe import SCOPES
from monitor.adapters.slack.signed import Reply
from monitor.web.slack import slack_routes
from tests.servers import slack

MANIFEST = Path(__file__).parents[2] / "deploy" / "slack" / "manifest.yaml"


class Nobody:
    def interaction(self, headers: Mapping[str, str], body: bytes) -> Reply:  # noqa: ARG002  # the contract
        return Reply(200)

    command = interaction


def test_the_manifest_asks_for_the_least_scopes_and_socket_mode() -> None:
    manifest = yaml.safe_load(MANIFEST.read_text())
    asked = manifest["oauth_config"]["scopes"]["bot"]
    assert sorted(asked) == sorted(scope for scope, _ in SCOPES) == sorted(slack.SCOPES)
    assert manifest["settings"]["socket_mode_enabled"] is True
    assert manifest["settings"]["interactivity"]["is_enabled"] is True


def test_the_manifest_for_signed_http_asks_for_the_slash_command_besides_and_names_both_paths() -> None:
    manifest = yaml.safe_load(MANIFEST.with_name("manifest-http.yaml").read_text())
    asked = manifest["oauth_config"]["scopes"]["bot"]
    assert sorted(asked) == sorted(["commands", *(scope for scope, _ in SCOPES)])
    assert manifest["settings"]["socket_mode_enabled"] is False
    door = [route.path for route in slack_routes(Nobody())]
    (command,) = manifest["features"]["slash_commands"]
    assert command["usage_hint"] == "status | ack | drill | help"
    urls = [manifest["settings"]["interactivity"]["request_url"], command["url"]]
    assert [url.removeprefix("https://monitor.example.com") for url in urls] == door


@pytest.mark.parametrize(("file", "url"), [("manifest.yaml", ""), ("manifest-http.yaml", EXAMPLE)])
def test_the_files_are_what_the_command_prints(file: str, url: str) -> None:
    assert MANIFEST.with_name(file).read_text() == manifest(url, command="/rbm" if url else "")


@pytest.mark.parametrize("name", ["Rollback Monitor", 'Roll: "back" #1', "Zurück"])
def test_names_are_filled_in_whatever_is_in_them(name: str) -> None:
    told = yaml.safe_load(manifest("https://m.example", name, "/rollback"))
    assert told["display_information"]["name"] == name
    (command,) = told["features"]["slash_commands"]
    assert (command["command"], command["url"]) == ("/rollback", "https://m.example/slack/commands")
    assert told["settings"]["interactivity"]["request_url"] == "https://m.example/slack/interactions"
    over_socket = yaml.safe_load(manifest("", name, "/rollback"))
    assert "url" not in over_socket["features"]["slash_commands"][0]
    assert "commands" in over_socket["oauth_config"]["scopes"]["bot"]


def test_the_strict_server_knows_which_scope_each_method_needs() -> None:
    assert set(slack.NEEDED.values()) <= {scope for scope, _ in SCOPES}
