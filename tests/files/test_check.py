"""`check`: what it prints in each format, its exit codes, and how little it costs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from monitor.cli.check import github_line, run
from monitor.core.rules.rule import Place
from monitor.files import Finding, Severity
from tests.e2e.running import unmeasured

ROOT = Path(__file__).parents[2]
GOOD = """groups:
  - name: g
    rules:
      - alert: A
        signal: {availability: {probe: up, by: [job]}}
        rollback: {below: 50%}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "rules" / "procedures").mkdir(parents=True)
    (tmp_path / "rules" / "procedures" / "rollback.yaml").write_text("title: R\nsteps: [{id: a, title: A}]\n")
    (tmp_path / "rules" / "routing.yaml").write_text("environment: test\n")
    (tmp_path / "rules" / "a.yaml").write_text(GOOD)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "rules"


def test_fine_rules_are_summed_up(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert folder.is_dir()
    assert run([], strict=True, format="text") == 0
    assert capsys.readouterr().out == "3 files, 1 rule: fine\n"


def test_an_error_is_shown_with_its_line_and_a_caret(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "a.yaml").write_text(GOOD.replace("below: 50%", "bellow: 50%"))
    assert run([Path("rules")], strict=False, format="text") == 1
    assert capsys.readouterr().out == (
        "rules/a.yaml:6:19: error: a tier holds one of `above`, `below` [missing-key]\n"
        "            rollback: {bellow: 50%}\n"
        "                      ^\n"
        "\n"
        "rules/a.yaml:6:20: error: unknown key `bellow` in a tier [unknown-key]\n"
        "            rollback: {bellow: 50%}\n"
        "                       ^\n"
        "    = did you mean `below`?\n"
        "\n"
        "3 files, 0 rules: 2 errors\n"
    )


@pytest.mark.parametrize(
    ("strict", "code"), [(False, 0), (True, 1)], ids=["a warning passes", "a warning fails if strict"]
)
def test_warnings_fail_only_when_strict(
    folder: Path, capsys: pytest.CaptureFixture[str], *, strict: bool, code: int
) -> None:
    (folder / "a.yaml").write_text(GOOD.replace("[job]", "[pod]"))
    assert run([Path("rules/a.yaml")], strict=strict, format="text") == code
    assert capsys.readouterr().out.endswith("1 file, 1 rule: 1 warning\n")


def test_programs_read_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "a.yaml").write_text(GOOD.replace("[job]", "[pod]"))
    assert run([Path("rules")], strict=False, format="json") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["version"], document["files"], document["rules"]) == (1, 3, 1)
    (finding,) = document["findings"]
    assert set(finding) == {"file", "line", "column", "severity", "code", "message", "hint"}
    assert (finding["file"], finding["line"], finding["column"]) == ("rules/a.yaml", 5, 48)


def test_github_reads_workflow_commands(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "a.yaml").write_text(GOOD.replace("50%", "150%"))
    assert run([Path("rules")], strict=False, format="github") == 1
    expected = "::error file=rules/a.yaml,line=6,col=27,title=value::`150%25` is more than 100 %25"
    assert capsys.readouterr().out.startswith(expected)


def test_github_properties_cannot_be_broken_out_of() -> None:
    finding = Finding(Place("a,b:c%\nd.yaml", 1, 2), Severity.WARNING, "x", "50%\r\n::error::", "h")
    expected = "::warning file=a%2Cb%3Ac%25%0Ad.yaml,line=1,col=2,title=x::50%25%0D%0A::error::: h"
    assert github_line(finding) == expected


def test_a_file_cannot_write_to_the_terminal(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "a.yaml").write_text(GOOD.replace("alert: A", 'alert: A\n        "\\e]0;x\\a": 1'))
    assert run([Path("rules")], strict=False, format="text") == 1
    assert "\x1b" not in capsys.readouterr().out


USAGE = [("a path that is not there", ["nope"], "text"), ("an unknown format", ["rules"], "xml")]


@pytest.mark.parametrize(("paths", "form"), [row[1:] for row in USAGE], ids=[row[0] for row in USAGE])
def test_wrong_usage_is_2(folder: Path, paths: list[str], form: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert folder.is_dir()
    assert run([Path(path) for path in paths], strict=False, format=form) == 2
    assert capsys.readouterr().err


SINGLE = [
    "rules/critical-apis.yaml",
    "rules/routing.yaml",
    "rules/procedures/rollback.yaml",
    "rules/tests/rollback.yaml",
]


@pytest.mark.parametrize("name", SINGLE)
def test_single_files_are_checked_by_their_kind(name: str) -> None:
    assert run([ROOT / name], strict=True, format="text") == 0


def test_the_check_of_the_shipped_rules_is_lean() -> None:
    program = (
        "import sys, time; began = time.process_time()\n"
        "from pathlib import Path; from monitor.cli.check import run\n"
        f"code = run([Path({str(ROOT / 'rules')!r})], True, 'text')\n"
        "print(code, time.process_time() - began)\n"
        "print(sorted({name.split('.')[0] for name in sys.modules}"
        " & {'pydantic', 'rich', 'typer', 'sqlalchemy', 'slack_sdk', 'requests', 'starlette', 'asyncio'}))\n"
    )
    command, env = [sys.executable, "-c", program], unmeasured()
    out = subprocess.run(command, env=env, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    summary, measured, heavy = out.splitlines()
    assert summary.endswith("files, 8 rules: fine")
    assert heavy == "[]"
    assert measured.startswith("0 ")
    assert (
        float(measured.split()[1]) < 0.4
    )  # alone 0.2, a third of it the tests; others may use the machine's caches too


def test_a_remark_fails_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "a.yaml").write_text("groups: [{name: g, rules: [{record: r, expr: x}, {alert: A, expr: x > 1}]}]\n")
    assert run([Path("rules")], strict=True, format="text") == 0
    assert capsys.readouterr().out.endswith("3 files, 1 rule: 1 remark, fine\n")
    assert run([Path("rules")], strict=True, format="github") == 0
    assert capsys.readouterr().out.startswith("::notice file=rules/a.yaml,line=1,col=37,title=record::")
