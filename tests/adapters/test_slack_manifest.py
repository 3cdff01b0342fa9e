"""The app manifest asks for exactly the scopes that the program uses and `doctor` checks."""

from pathlib import Path

import yaml

from monitor.adapters.slack.probe import SCOPES
from tests.servers import slack

MANIFEST = Path(__file__).parents[2] / "deploy" / "slack" / "manifest.yaml"


def test_the_manifest_asks_for_the_least_scopes_and_socket_mode() -> None:
    manifest = yaml.safe_load(MANIFEST.read_text())
    asked = manifest["oauth_config"]["scopes"]["bot"]
    assert sorted(asked) == sorted(scope for scope, _ in SCOPES) == sorted(slack.SCOPES)
    assert manifest["settings"]["socket_mode_enabled"] is True
    assert manifest["settings"]["interactivity"]["is_enabled"] is True


def test_the_strict_server_knows_which_scope_each_method_needs() -> None:
    assert set(slack.NEEDED.values()) <= {scope for scope, _ in SCOPES}
