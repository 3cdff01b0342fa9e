"""`slack manifest` and `slack test`, against real servers."""

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from monitor.cli.main import app
from tests.cli.folder import Folder
from tests.servers.receiver import Receiver
from tests.servers.slack import SlackServer

ROUTING = "default: {channel: C0OPS, responders: [S0ONCALL]}\nescalation: {channel: C0DRILL}\n"


@pytest.mark.parametrize(("words", "socket"), [((), True), (("--url", "https://m.example/"), False)])
def test_the_manifest_is_printed(words: tuple[str, ...], socket: bool) -> None:  # noqa: FBT001
    said = CliRunner().invoke(app, ["slack", "manifest", *words])
    told = yaml.safe_load(said.stdout)
    assert (said.exit_code, told["settings"]["socket_mode_enabled"]) == (0, socket)
    assert told["settings"]["interactivity"].get("request_url") == (
        None if socket else "https://m.example/slack/interactions"
    )


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--url", "http://m.example"), "it begins with https://"),
        (("--command", "rbm"), "a slash command begins with /"),
    ],
)
def test_what_slack_would_not_take_is_refused(words: tuple[str, ...], why: str) -> None:
    said = CliRunner().invoke(app, ["slack", "manifest", *words])
    assert (said.exit_code, said.stdout) == (1, "")
    assert why in said.stderr


def test_a_test_page_reaches_every_channel_and_pager_and_is_over_at_once(tmp_path: Path) -> None:
    with SlackServer() as slack, Receiver() as hook:
        folder = Folder(tmp_path, routing=ROUTING)
        settings = {
            "SLACK__BOT_TOKEN": slack.bot_token,
            "SLACK__API_URL": slack.url,
            "WEBHOOK__URL": f"{hook.url}/hook",
        }
        said = folder.run("slack", "test", **settings)
        assert said.code == 0, said.err
        assert said.out.splitlines() == [
            "ok    Slack channel C0OPS",
            "ok    Slack channel C0DRILL",
            "ok    pager webhook",
        ]
        assert [one.channel for one in slack.messages()] == ["C0OPS", "C0DRILL"]
        assert all(one.text.startswith("TEST, nothing is wrong") for one in slack.messages())
        assert "S0ONCALL" not in "".join(one.text for one in slack.messages()), "nobody is woken unasked"
        told = [json.loads(one.body) for one in hook.received]
        assert [one["event"] for one in told] == ["triggered", "resolved"]
        assert "TEST, nothing is wrong" in json.dumps(told[0])


def test_the_responders_are_called_where_that_is_asked_for_and_what_fails_is_said(tmp_path: Path) -> None:
    with SlackServer() as slack:
        slack.channels["C0DRILL"] = "is_archived"
        settings = {"SLACK__BOT_TOKEN": slack.bot_token, "SLACK__API_URL": slack.url}
        said = Folder(tmp_path, routing=ROUTING).run("slack", "test", "--mention", **settings)
        assert said.code == 1
        assert "BAD   Slack channel C0DRILL: Slack refused (is_archived)" in said.out
        assert slack.messages("C0OPS")[0].text.endswith("<!subteam^S0ONCALL>")


ROUTED = """
default: {channel: C0OPS, responders: [S0ONCALL]}
routes:
  - {matchers: ['team="billing"'], channel: C0BILL, responders: [S0IC]}
drills: {channel: C0DRILL}
"""


def test_a_test_page_reaches_the_channels_of_all_routes_and_calls_whom_their_pages_would(tmp_path: Path) -> None:
    with SlackServer() as slack:
        slack.channels["C0SECOND"] = "open"
        settings = {"SLACK__BOT_TOKEN": slack.bot_token, "SLACK__API_URL": slack.url}
        beside = {"SLACK__ESCALATION_CHANNEL": "C0SECOND"}
        said = Folder(tmp_path, routing=ROUTED).run("slack", "test", "--mention", **settings, **beside)
        assert said.code == 0, said.out
        called = {one.channel: one.text.rpartition("^")[2].rstrip(">") for one in slack.messages()}
        assert called == {"C0OPS": "S0ONCALL", "C0BILL": "S0IC", "C0SECOND": "S0ONCALL", "C0DRILL": "S0ONCALL"}
