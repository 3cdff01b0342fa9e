"""`drill rehearse` before anything begins: what must be there, a line each with the mend, and where it stops."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.bootstrap.pagers import drill_findings
from monitor.core.drill.rehearsed import COLUMNS
from monitor.settings.settings import Settings
from tests.cli.folder import Folder, Said
from tests.servers.slack import SlackServer

DRILLS = "default: {channel: C0OPS, responders: [S0ONCALL]}\ndrills: {channel: C0DRILL, responders: [U0ANA]}\n"


@pytest.fixture(scope="module")
def workspace() -> Iterator[SlackServer]:
    with SlackServer() as server:
        yield server


@pytest.fixture
def slack(workspace: SlackServer) -> SlackServer:
    workspace.clear()
    return workspace


def rehearse(path: Path, slack: SlackServer, *words: str, routing: str = DRILLS, **more: str) -> Said:
    """Call it as somebody who has just set up Slack."""
    settings = {
        "SLACK__BOT_TOKEN": slack.bot_token,
        "SLACK__APP_TOKEN": slack.app_token,
        "SLACK__API_URL": slack.url,
        "PROMETHEUS__URL": "http://127.0.0.1:9",
    }
    return Folder(path, routing=routing).run("drill", "rehearse", *words, **settings | more)


def stops(said: Said) -> str:
    """What it said where it stopped, on one line."""
    assert said.code == 1
    assert "DRILL-0001" not in said.out
    assert max(map(len, said.out.splitlines())) <= COLUMNS
    return " ".join(said.out.split())


def test_a_channel_that_the_app_is_not_in_stops_it(tmp_path: Path, slack: SlackServer) -> None:
    slack.channels["C0DRILL"] = "not_in_channel"
    told = stops(rehearse(tmp_path, slack))
    assert "ok Slack token: rollback-monitor in example" in told
    assert "BAD Slack channel C0DRILL: " in told
    assert "ok Slack user U0ANA: ana" in told
    assert told.endswith("Stopped: a page could reach nobody, or not be answered. Mend that first.")
    assert slack.messages() == []


def test_a_wrong_token_stops_it(tmp_path: Path, slack: SlackServer) -> None:
    told = stops(rehearse(tmp_path, slack, SLACK__BOT_TOKEN="xoxb-mistyped"))
    assert "BAD Slack token: " in told
    assert "mistyped" not in told


def test_buttons_that_nobody_hears_stop_it(tmp_path: Path, slack: SlackServer) -> None:
    told = stops(rehearse(tmp_path, slack, SLACK__APP_TOKEN="xapp-mistyped"))
    assert "BAD Slack Socket Mode: " in told


def test_without_people_or_channel_of_drills_it_says_how_to_name_them(tmp_path: Path, slack: SlackServer) -> None:
    told = stops(rehearse(tmp_path, slack, routing="default: {channel: C0OPS, responders: [S0ONCALL]}\n"))
    assert "BAD Slack channel of drills: there is none: name one: `drills: {channel: C…}`" in told
    assert "BAD people: nobody takes part: say who takes part: --participant U…" in told
    assert "The real responders are never called by a drill" in told


def test_who_takes_part_is_looked_up_instead_of_the_configured(tmp_path: Path, slack: SlackServer) -> None:
    told = stops(rehearse(tmp_path, slack, "--participant", "U0NOBODY"))
    assert "BAD Slack user U0NOBODY: " in told
    assert "U0ANA" not in told


def test_a_scope_without_which_pages_are_posted_all_the_same_stops_nothing(slack: SlackServer) -> None:
    slack.scopes -= {"files:write", "channels:history"}
    given = {"bot_token": slack.bot_token, "app_token": slack.app_token, "api_url": slack.url}
    missing = [one for one in drill_findings(Settings(slack=given), "C0DRILL", ("S0IC",)) if "scope" in one.what]
    assert [(one.ok, one.vital) for one in missing] == [(False, False)] * 2


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--for", "soon"), "rollback-monitor: --for: "),
        (("--for", "15m"), "rollback-monitor: --for: a rehearsal is given up after 10 min; write up to 510s."),
        (("--out", "there/is/none/page.md"), "rollback-monitor: there/is/none/page.md cannot be written"),
    ],
)
def test_what_cannot_be_is_said_before_anything_begins(
    tmp_path: Path, slack: SlackServer, words: tuple[str, ...], why: str
) -> None:
    said = rehearse(tmp_path, slack, *words)
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith(why)
