"""`drill rehearse` as a real process, with a real monitor and a strict Slack in which people press buttons, or not."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

from tests.e2e.running import ROOT, Monitor, eventually
from tests.servers.receiver import Receiver
from tests.servers.slack import SlackServer, Stored

RULES = """
groups:
  - name: apis
    interval: 1s
    query_offset: 1s
    rules:
      - alert: ApiErrors
        service: transactions
        signal: {query: {expr: 'api_errors', by: [job]}}
        prepare: {above: 2, for: 5m}
        annotations: {summary: "{{ $value }} API errors of {{ $labels.job }}"}
"""
DOCUMENTED = [
    line
    for line in (ROOT / "docs" / "drills.md").read_text().partition("<!-- rehearsal")[2].split("```")[1].splitlines()
    if "-> now" not in line  # said to who needs longer than it takes to look
]
NOWHERE = "http://127.0.0.1:9"


def rules(folder: Path, drills: str = "drills: {channel: C0DRILL, responders: [S0IC]}\n") -> Path:
    """A folder with one slow rule and no drills of its own, as a team has it on its first day."""
    made = folder / "rules"
    (made / "procedures").mkdir(parents=True)
    (made / "procedures" / "rollback.yaml").write_text((ROOT / "rules" / "procedures" / "rollback.yaml").read_text())
    (made / "own.yaml").write_text(RULES)
    (made / "routing.yaml").write_text(f"environment: production\ndefault: {{channel: C0OPS}}\n{drills}")
    return made


def numberless(line: str) -> str:
    """A line without what differs from one rehearsal to another."""
    return re.sub(r"(\d+\.\d|pid \d+)", "N", line).strip()


class Rehearsal:
    """The command in a process of its own, with what it printed."""

    def __init__(self, monitor: Monitor, *words: str) -> None:
        self.folder = monitor.folder
        self.process = subprocess.Popen(
            [sys.executable, "-m", "monitor", "drill", "rehearse", "--as", "ana", *words],
            env=monitor.env,
            cwd=monitor.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def line(self) -> str:
        """The next line that it prints."""
        assert self.process.stdout is not None
        found = self.process.stdout.readline()
        assert found, "it printed nothing more"
        return found

    def end(self) -> tuple[int, str, str]:
        """The exit code, and what it printed."""
        try:
            out, err = self.process.communicate(timeout=60)
        finally:
            if self.process.poll() is None:
                self.process.kill()
        return self.process.returncode, out, err


def page_of(slack: SlackServer) -> Stored:
    """The page of the drill, once it can be acknowledged."""

    def found() -> list[Stored]:
        return [one for one in slack.messages("C0DRILL") if "acknowledge" in one.buttons]

    return eventually(found, 40, "a page with buttons")[0]


def presses(slack: SlackServer) -> threading.Thread:
    """Ana, who presses Acknowledge, and then Start."""

    def press() -> None:
        page = page_of(slack)
        slack.click("U0ANA", page, "acknowledge")
        eventually(lambda: "acknowledge" not in slack.message(page.ts).buttons, 10, "the page shows it")
        slack.click("U0ANA", page, "start")

    thread = threading.Thread(target=press)
    thread.start()
    return thread


def test_a_team_proves_on_its_first_day_that_its_pages_arrive(tmp_path: Path) -> None:
    with SlackServer() as slack, Receiver() as hook:
        settings = {"MONITOR_WEBHOOK__URL": f"{hook.url}/hook"}
        monitor = Monitor(tmp_path, rules(tmp_path), NOWHERE, slack, **settings)
        ana, rehearsal = presses(slack), Rehearsal(monitor, "--page-others", "--out", "page.md")
        code, out, err = rehearsal.end()
        ana.join()
        assert (code, err) == (0, ""), out
        told, page = out.split("\n# ")
        assert "none ran, so one was started" in told
        assert re.search(r"^ +[0-9.]+ s  Slack took the page$", told, re.MULTILINE)
        assert re.search(r"^ +[0-9.]+ s  ana took command$", told, re.MULTILINE)
        assert page.startswith("DRILL (not real): DRILL-0001, a rehearsal: everything was proven\n")
        assert "The drill: passed." in page
        assert "- [x] buttons: a click in Slack reached the monitor" in page
        assert (tmp_path / "page.md").read_text() in out
        assert max(map(len, out.splitlines())) <= 80
        assert set(map(numberless, DOCUMENTED)) <= {numberless(line) for line in told.splitlines()}
        (root,) = [one for one in slack.messages("C0DRILL") if one.buttons]
        over = [one.text for one in slack.thread(root) if "DRILL-0001 is over. Passed: the page reached" in one.text]
        assert len(over) == 1
        assert "DRILL-0001-result.md" in [one.name for one in slack.shared(root)]
        assert slack.messages("C0DRILL")[0].options == ["abort_drill"], "the note that it begins"
        assert slack.messages("C0OPS") == [], "production's channel hears nothing of it"
        assert [json.loads(one.body)["event"] for one in hook.received] == ["test", "triggered", "resolved"]
        pid = re.search(r"started for this \(pid (\d+)\)", " ".join(out.split()))
        assert pid is not None
        assert not Path(f"/proc/{pid[1]}").exists()


def test_where_nobody_presses_anything_it_says_what_was_not_proven(tmp_path: Path) -> None:
    with SlackServer() as slack, Monitor(tmp_path, rules(tmp_path), NOWHERE, slack) as monitor:
        code, out, _ = Rehearsal(monitor, "--for", "1s").end()
        assert code == 1
        assert "monitor: it runs (pid " in out
        assert "-> now press Acknowledge on the page in C0DRILL" in out
        page = out.partition("\n# ")[2]
        assert page.startswith("DRILL (not real): DRILL-0001, a rehearsal: 3 of ")
        assert "- [x] page: Slack took it" in page
        for missing in ("acknowledgement: nobody", "buttons: no click", "responders: nobody took command"):
            assert f"- [ ] {missing}" in page
        assert "The drill: incomplete (T4 Acknowledged: not seen" in " ".join(page.split())
        (drill,) = json.loads(monitor.get("/api/v1/drills"))["drills"]
        assert (drill["stage"], drill["rehearsal"]) == ("finished", True)


def test_ctrl_c_gives_the_drill_up_and_the_channel_is_told_before_its_monitor_ends(tmp_path: Path) -> None:
    with SlackServer() as slack:
        rehearsal = Rehearsal(Monitor(tmp_path, rules(tmp_path), NOWHERE, slack))
        page = page_of(slack)
        os.killpg(rehearsal.process.pid, signal.SIGINT)  # as a terminal does
        code, _, err = rehearsal.end()
        assert (code, err) == (130, "rollback-monitor: stopped; nothing is left of it but its record.\n")
        assert "DRILL ABORTED by ana: the rehearsal was stopped" in str(slack.thread(page))


def test_without_slack_it_is_answered_from_another_terminal(tmp_path: Path) -> None:
    monitor = Monitor(tmp_path, rules(tmp_path, ""), NOWHERE)
    rehearsal = Rehearsal(monitor)
    told = "".join(
        iter(rehearsal.line, "         -> now, in another terminal: rollback-monitor incident ack DRILL-0001\n")
    )
    assert monitor.command("incident", "start", "DRILL-0001", "--as", "ana").returncode == 0
    code, out, err = rehearsal.end()
    assert (code, err) == (1, "")
    assert "Nobody has acknowledged this" in told + out, "the page is printed here"
    page = " ".join(out.partition("\n# ")[2].split())
    assert "- [x] acknowledgement: ana, after " in page
    assert "- [x] responders: ana may start a rollback" in page
    assert "- [ ] Slack: not set up, so token, channel and buttons were not proven. Mend: make the app" in page
