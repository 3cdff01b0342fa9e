"""`diff`: two rules folders in words, as a process."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def diff(old: Path, new: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "monitor", "diff", str(old), str(new), *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    """The shipped rules with one threshold raised and another environment."""
    new = tmp_path / "rules"
    shutil.copytree(ROOT / "rules", new)
    for file in new.glob("*.yaml"):
        file.write_text(
            file.read_text().replace("{above: 2%, for: 5m, clear: 1.5%}", "{above: 3%, for: 5m, clear: 1.5%}")
        )
    routing = new / "routing.yaml"
    routing.write_text(routing.read_text().replace("environment: production", "environment: staging"))
    return new


def test_what_differs_is_told_in_words(changed: Path) -> None:
    told = diff(ROOT / "rules", changed)
    assert (told.returncode, told.stderr) == (0, "")
    *sentences, blank, counts = told.stdout.splitlines()
    assert any(one.endswith("prepare above 2 % -> 3 %, state re-derived") for one in sentences), told.stdout
    assert "routing: environment production -> staging" in sentences
    assert (blank, "re-derived" in counts, "kept" in counts) == ("", True, True)


def test_for_programs(changed: Path) -> None:
    told = json.loads(diff(ROOT / "rules", changed, "--format", "json").stdout)
    assert told["version"] == 1
    assert told["counts"]["re-derived"] == len(told["changes"]) >= 1
    assert told["rest"] == ["routing: environment production -> staging"]


def test_nothing_differs() -> None:
    told = diff(ROOT / "rules", ROOT / "rules")
    assert (told.returncode, told.stdout) == (0, "The rule sets do not differ.\n")


def test_what_cannot_be_used_is_told_with_its_place(changed: Path) -> None:
    (changed / "wrong\x1b[2J.yaml").write_text("groups: [{nam: x}]\n")
    told = diff(ROOT / "rules", changed)
    assert told.returncode == 2
    assert "unknown key `nam`" in told.stderr
    assert "\x1b" not in told.stderr
    assert told.stdout == ""
    assert diff(changed / "gone", changed).returncode == 2


def test_it_loads_nothing_heavy() -> None:
    program = (
        "import sys; from pathlib import Path; from monitor.cli import diff\n"
        "diff.run(Path('rules'), Path('rules'), 'text')\n"
        "heavy = {'sqlalchemy', 'slack_sdk', 'starlette', 'pydantic', 'structlog', 'apscheduler', 'requests'}\n"
        "print(sorted(heavy & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
