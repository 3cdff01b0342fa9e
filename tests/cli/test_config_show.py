"""`config show`: every setting with its value and its source, and no secret."""

import json
import re

from monitor.settings.loading import names
from tests.cli.folder import Folder

CANARY = "canary-7f3a"


def test_every_setting_is_shown_with_its_value_and_its_source(folder: Folder) -> None:
    env_file = folder.path / "env"
    said = folder.run("config", "show", SLACK__RESPONDERS="S0ONCALL,U0ANA", LOG_FORMAT="json")
    rows = dict(re.findall(r"^(\w+) +(\S.*)$", said.out, re.MULTILINE))
    assert (said.code, said.err, list(rows)) == (0, "", list(names()))
    assert rows["MONITOR_SLACK__RESPONDERS"] == f"S0ONCALL, U0ANA  ({env_file})"
    assert rows["MONITOR_LOG_FORMAT"] == f"json  ({env_file})"
    assert rows["MONITOR_LISTEN"] == "127.0.0.1:9911  (default)"
    assert rows["MONITOR_CONSOLE_TOKEN"] == "-  (default)"


def test_programs_read_it_as_json(folder: Folder) -> None:
    told = json.loads(folder.run("config", "show", "--format", "json", LISTEN="127.0.0.1:1").out)
    assert told["version"] == 1
    assert list(told["settings"]) == list(names())
    assert told["settings"]["MONITOR_LISTEN"] == {"value": "127.0.0.1:1", "source": str(folder.path / "env")}


def test_no_secret_is_shown_wherever_it_stands(folder: Folder) -> None:
    secrets = {
        "SLACK__BOT_TOKEN": f"xoxb-{CANARY}",
        "SLACK__APP_TOKEN": f"xapp-{CANARY}",
        "CONSOLE_TOKEN": CANARY,
        "PROMETHEUS__BEARER_TOKEN": CANARY,
        "PROMETHEUS__PASSWORD": CANARY,
        "PROMETHEUS__HEADERS": json.dumps({"X-Scope-OrgID": CANARY}),
        "DATABASE_URL": f"postgresql://ana:{CANARY}@db/monitor",
    }
    for words in (("config", "show"), ("config", "show", "--format", "json")):
        said = folder.run(*words, **secrets)
        assert said.code == 0
        assert CANARY not in said.out + said.err
        assert said.out.count("(set)") == 6
        assert "postgresql://[redacted]@db/monitor" in said.out


def test_what_is_wrong_is_a_sentence_each_and_exit_1(folder: Folder) -> None:
    env_file = folder.path / "env"
    said = folder.run("config", "show", LISTEN=CANARY, CONSOLE_TOKEN="")
    assert (said.code, said.out) == (1, "")
    assert [line.removeprefix("rollback-monitor: ") for line in said.err.splitlines()] == [
        f"MONITOR_CONSOLE_TOKEN ({env_file}) is empty; put the secret there, or leave the setting out.",
        "MONITOR_LISTEN is no address; write host:port, such as 127.0.0.1:9911.",
    ]
