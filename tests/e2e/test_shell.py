"""What was done from a shell while no daemon ran: it waits in a real database, and the daemon that starts posts it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from monitor.adapters.store import open_store
from monitor.core.actor import MONITOR
from monitor.core.incidents.events import AlertFired, Firing, Opened
from monitor.core.model import AlertKey, Tier
from monitor.ports.store import Change, NewEvents, Post, PostKind
from tests.e2e.running import Monitor, eventually, rules_with
from tests.e2e.test_main_job import FAST
from tests.servers.slack import SlackServer

NOWHERE = "http://127.0.0.1:9"


def failing_login(url: str, channel: str) -> None:
    """Write an incident into the database, as a daemon that was killed before it could post would leave it."""
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=3)
    key = AlertKey("LoginFailing", (), Tier.ROLLBACK)
    fired = AlertFired(at, MONITOR, Firing(key, "auth", "login: 62 % of logins fail", at, at))
    events = NewEvents("INC-0001", 0, (Opened(at, MONITOR, "production"), fired))
    store = open_store(url)
    store.commit(Change(events=(events,), posts=(Post("INC-0001", channel, PostKind.ROOT, 0, "rollback_opens", at),)))
    store.close()


def test_what_a_shell_did_without_a_daemon_is_posted_by_the_next_one(tmp_path: Path) -> None:
    with SlackServer() as slack:
        monitor = Monitor(tmp_path, rules_with(tmp_path, FAST), NOWHERE, slack)
        failing_login(monitor.env["MONITOR_DATABASE_URL"], slack.channel)
        for words in (
            ("start", "INC-0001", "--as", "ana"),
            ("pin", "INC-0001", "auth=2.13.4", "--as", "ana"),
            ("step", "INC-0001", "skip", "flags", "--reason", "no agents", "--as", "bob"),
        ):
            done = monitor.command("incident", *words)
            assert (done.returncode, done.stderr) == (0, "")
        assert not slack.messages()
        with monitor:
            texts = eventually(lambda: _posted(slack), 20, "page, card and the pinned target are posted")
            assert any("ROLLING BACK production" in text for text in texts)
            assert sum("ana pinned what to roll back to: auth to 2.13.4" in text for text in texts) == 1
            allowed = monitor.get("/api/v1/deploys?service=auth&version=2.13.4")
            assert '"allowed":true' in allowed
            late = monitor.command("incident", "step", "INC-0001", "done", "flags", "--as", "eve")
            assert late.returncode == 1
            assert late.stderr.startswith("rollback-monitor: “Feature flags first” is skipped already, by bob at ")
            noted = monitor.command("incident", "allow-deploy", "INC-0001", "web", "--as", "ana")
            assert noted.returncode == 0
            eventually(lambda: any("lets one deploy of web" in one for one in _texts(slack)), 10, "the message follows")


def _texts(slack: SlackServer) -> list[str]:
    return [message.text for message in slack.everything()]


def _posted(slack: SlackServer) -> list[str]:
    """The texts, once the page, its card and the line about the target are there."""
    texts = _texts(slack)
    return texts if len(texts) >= 3 and any("pinned" in text for text in texts) else []
