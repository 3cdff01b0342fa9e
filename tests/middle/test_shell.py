"""`incident ...` in a shell where no daemon runs: what people mistype is answered in a sentence."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.adapters.store import open_store
from monitor.cli import incidents
from monitor.core.actor import MONITOR
from monitor.core.incidents.events import Opened
from monitor.ports.store import Change, NewEvents

RULES = Path(__file__).parents[2] / "rules"


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    path = tmp_path / "monitor.env"
    path.write_text(f"MONITOR_RULES={RULES}\nMONITOR_DATABASE_URL=sqlite:///{tmp_path}/monitor.db\n")
    return path


@pytest.mark.parametrize("name", ["", "INC 1", "../x", "INC-0001/acknowledge", "INC-0001?x=1", "INC-1\n", "0001"])
def test_what_names_no_incident_is_said_so(name: str, env_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    codes = (
        incidents.show(incidents.Files(env_file), name, "text"),
        incidents.act(incidents.Files(env_file), name, "acknowledge", "ana"),
    )
    told = capsys.readouterr()
    if name.strip() == "INC-1":  # what a paste brings along does not matter
        assert told.err == "rollback-monitor: There is no incident INC-1.\n" * 2
    else:
        assert told.err == f"rollback-monitor: {name!r} names no incident; write it like INC-0001.\n" * 2
    assert codes == (1, 1)


def test_small_letters_name_an_incident_too(env_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert incidents.show(incidents.Files(env_file), "inc-0042", "text") == 1
    assert capsys.readouterr().err == "rollback-monitor: There is no incident INC-0042.\n"


def test_the_answer_alone_is_printed(env_file: Path) -> None:
    store = open_store(f"sqlite:///{env_file.parent}/monitor.db")
    opened = Opened(datetime(2025, 3, 4, 3, tzinfo=UTC), MONITOR, "production")
    store.commit(Change(events=(NewEvents("INC-0001", 0, (opened,)),)))
    store.close()
    program = [sys.executable, "-m", "monitor", "incident", "ack", "INC-0001", "--as", "ana"]
    first, second = (
        subprocess.run([*program, "--env-file", str(env_file)], capture_output=True, text=True, check=False)
        for _ in range(2)
    )
    next_ = "next: ana: find the cause; start the rollback if it gets worse.\n"
    assert (first.stdout, first.stderr) == (f"PREPARE production\nhas it: ana\n{next_}", "")
    assert second.stdout == ""
    assert second.stderr.startswith("rollback-monitor: INC-0001 is already acknowledged by you, since ")
