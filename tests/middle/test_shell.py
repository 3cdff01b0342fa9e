"""`incident ...` in a shell where no daemon runs: what people mistype is answered in a sentence."""

from pathlib import Path

import pytest

from monitor.cli import incidents

RULES = Path(__file__).parents[2] / "rules"


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    path = tmp_path / "monitor.env"
    path.write_text(f"MONITOR_RULES={RULES}\nMONITOR_DATABASE_URL=sqlite:///{tmp_path}/monitor.db\n")
    return path


@pytest.mark.parametrize("name", ["", "INC 1", "../x", "INC-0001/acknowledge", "INC-0001?x=1", "INC-1\n", "0001"])
def test_what_names_no_incident_is_said_so(name: str, env_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    codes = incidents.show(env_file, name, "text"), incidents.act(env_file, name, "acknowledge", "ana")
    told = capsys.readouterr()
    if name.strip() == "INC-1":  # what a paste brings along does not matter
        assert told.err == "rollback-monitor: There is no incident INC-1.\n" * 2
    else:
        assert told.err == f"rollback-monitor: {name!r} names no incident; write it like INC-0001.\n" * 2
    assert codes == (1, 1)


def test_small_letters_name_an_incident_too(env_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert incidents.show(env_file, "inc-0042", "text") == 1
    assert capsys.readouterr().err == "rollback-monitor: There is no incident INC-0042.\n"
