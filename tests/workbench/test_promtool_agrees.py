"""promtool's verdict and ours side by side, test file by test file."""

import re
import subprocess
from pathlib import Path

import pytest

from monitor.files.testset import read_test_set
from monitor.workbench.ruletests import run
from tests.workbench.promtools import CASES, Case


def _write(case: Case, folder: Path) -> dict[str, Path]:
    """Write every variant into a folder of its own."""
    found = {}
    for number, (changed, rules, tests) in enumerate(case.variants()):
        home = folder / str(number)
        home.mkdir()
        (home / "rules.yml").write_text(rules)
        (home / "tests.yaml").write_text(tests)
        found[changed] = home / "tests.yaml"
    return found


def promtool(paths: list[Path]) -> dict[Path, bool]:
    """Give promtool's verdict of each file."""
    command = ["promtool", "test", "rules", *map(str, paths)]
    said = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False).stdout
    marks = re.findall(r"Unit Testing:  (\S+)|^  (SUCCESS|FAILED)", said, re.MULTILINE)
    names = [name for name, _ in marks if name]
    verdicts = [verdict for _, verdict in marks if verdict]
    assert names == [str(path) for path in paths], said
    assert len(verdicts) == len(names), said
    return {path: verdict == "SUCCESS" for path, verdict in zip(paths, verdicts, strict=True)}


def ours(paths: list[Path]) -> dict[Path, bool]:
    """Give ours: a file that cannot be used has failed."""
    sets = {path: read_test_set(path) for path in paths}
    outcomes = run([one for one in sets.values() if not one.errors])
    failed = {one.file for one in outcomes if not one.passed}
    return {path: not one.errors and str(path) not in failed for path, one in sets.items()}


@pytest.mark.parametrize("name", CASES)
def test_every_file_gets_promtools_verdict(name: str, tmp_path: Path) -> None:
    paths = _write(CASES[name], tmp_path)
    theirs, mine = promtool(list(paths.values())), ours(list(paths.values()))
    told = {changed: (theirs[path], mine[path]) for changed, path in paths.items()}
    assert {changed: one for changed, one in told.items() if one[0] != one[1]} == {}
    assert set(theirs.values()) == {True, False}, "agreement means something only where some pass and some fail"
