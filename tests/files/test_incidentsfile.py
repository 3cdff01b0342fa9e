"""Files of known incidents: YAML, JSON and CSV give the same; every mistake has its place and what would be right."""

from pathlib import Path

import pytest

from monitor.core.replay.outcome import KnownIncident
from monitor.files.incidentsfile import IncidentsError, read_incidents

START, END = 1_795_185_000, 1_795_186_800
LOGIN = KnownIncident("login, again", START, END, ("LoginFailing",))
SLOW = KnownIncident("slow", START, END, ("ApiLatency", "ApiErrors"))
ANY = KnownIncident("the switch", START, END)

YAML = """
- name: login, again
  start: 2026-11-20T14:30:00Z
  end: 2026-11-20 15:00Z
  alert: LoginFailing
- {name: slow, start: "2026-11-20T15:30:00+01:00", end: 2026-11-20T16:00+0100, alerts: [ApiLatency, ApiErrors]}
- {name: the switch, start: 2026-11-20T14:30:00.25Z, end: 2026-11-20 15:00:00 UTC}
"""
CSV = """name,severity,start,end,alert
"login, again",1,2026-11-20T14:30:00Z,2026-11-20T15:00:00Z,LoginFailing

slow,"it said ""no""
for hours",2026-11-20T14:30:00Z,2026-11-20T15:00:00Z,ApiLatency | ApiErrors
the switch,3,2026-11-20 14:30Z,2026-11-20 15:00Z,
"""
TIMES = '"start": "2026-11-20T14:30:00Z", "end": "2026-11-20T15:00:00Z"'
JSON = f'[{{"name": "login, again", {TIMES}, "alert": "LoginFailing"}}]'

READ = [
    pytest.param("i.yaml", YAML, (LOGIN, SLOW, ANY), id="YAML"),
    pytest.param("i.yml", "version: 1\nincidents:" + YAML.replace("\n", "\n  "), (LOGIN, SLOW, ANY), id="YAML, keyed"),
    pytest.param("i.csv", CSV, (LOGIN, SLOW, ANY), id="CSV"),
    pytest.param("i.csv", "\ufeff" + CSV.replace("\n", "\r\n"), (LOGIN, SLOW, ANY), id="CSV as Excel writes it"),
    pytest.param("i.CSV", "Name;Start;End\nthe switch;2026-11-20 14:30Z;2026-11-20 15:00Z", (ANY,), id="semicolons"),
    pytest.param("i.tsv", "name\tstart\tend\nthe switch\t2026-11-20 14:30Z\t2026-11-20 15:00Z\n", (ANY,), id="tabs"),
    pytest.param("i.json", JSON, (LOGIN,), id="JSON"),
    pytest.param("i.yaml", "[]\n", (), id="none at all"),
]


@pytest.mark.parametrize(("file", "text", "found"), READ)
def test_incidents_are_read(tmp_path: Path, file: str, text: str, found: tuple[KnownIncident, ...]) -> None:
    (tmp_path / file).write_text(text, newline="")
    assert read_incidents(tmp_path / file) == found


ONE = "- {{name: a, start: {}, end: 2026-11-20T15:00Z}}\n"
MISTAKES = [
    ("i.yaml", ONE.format("yesterday"), "i.yaml:1:20: error: `yesterday` is no time (write it in RFC 3339, such as"),
    ("i.yaml", ONE.format("2026-11-20T14:30"), "i.yaml:1:20: error: `2026-11-20T14:30` does not say of which"),
    ("i.yaml", ONE.format("2026-02-30T14:30Z"), "i.yaml:1:20: error: `2026-02-30T14:30Z` is no time that there is"),
    ("i.yaml", ONE.format("2026-11-20T15:00Z"), "i.yaml:1:44: error: `a` ends before it begins"),
    ("i.yaml", "- {name: a, end: 2026-11-20T15:00Z}", "i.yaml:1:3: error: `start` is missing in an incident"),
    ("i.yaml", "- {name: a, begin: 2026-11-20T15:00Z}", "i.yaml:1:13: error: unknown key `begin` in an incident ("),
    ("i.yaml", "incident: []", "i.yaml:1:1: error: unknown key `incident` in a file of known incidents (did you mean"),
    ("i.yaml", "- name: a\n  - b", "i.yaml:2:3: error: "),
    ("i.yaml", "", "i.yaml:1:1: error: the file is empty"),
    ("i.yaml", "- just words", "i.yaml:1:3: error: expected an incident"),
    ("i.csv", "", "i.csv:1:1: error: the file is empty"),
    ("i.csv", "a,b\n1,2\n", "i.csv:1:1: error: the first line does not name the columns"),
    ("i.csv", "name,starts,end\n", "i.csv:1:1: error: there is no column `start` (is it `starts`?)"),
    ("i.csv", "name,start,end,name\n", "i.csv:1:16: error: the column `name` stands twice"),
    ("i.csv", 'name,start,end\n"a\nb",soon,2026-11-20T15:00Z', "i.csv:3:4: error: `soon` is no time"),
    ("i.csv", 'name,start,end\na,"2026', "i.csv:2:3: error: a quote is opened here and never closed"),
    ("i.csv", 'name,start,end\na,"20"26', "i.csv:2:3: error: more stands behind the closing quote of this cell"),
    ("i.csv", "name,start,end\n,2026-11-20T14:30Z,2026-11-20T15:00Z", "i.csv:2:1: error: `name` is missing"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "text", "said"), MISTAKES)
def test_a_mistake_is_answered(tmp_path: Path, file: str, text: str, said: str) -> None:
    (tmp_path / file).write_text(text)
    with pytest.raises(IncidentsError) as caught:
        read_incidents(tmp_path / file)
    lines = str(caught.value).replace(f"{tmp_path}/", "")
    assert said in lines


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "i.yaml").write_text(ONE.format("soon") * 3)
    with pytest.raises(IncidentsError) as caught:
        read_incidents(tmp_path / "i.yaml")
    assert [one.place.line for one in caught.value.findings] == [1, 2, 3]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(IncidentsError, match=r"none\.csv:1:1: error: the file cannot be read: No such file"):
        read_incidents(tmp_path / "none.csv")


def test_the_example_of_the_documentation_is_read(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "tuning.md").read_text()
    example = text.partition("## Reading the report")[2].partition("```yaml\n")[2].partition("```")[0]
    (tmp_path / "i.yaml").write_text(example)
    (one,) = read_incidents(tmp_path / "i.yaml")
    assert one.alerts == ("LoginFailing", "CriticalApiErrorRate")
    assert one.end - one.begin == 30 * 60 + 15
