"""What is printed arrives, or it is said in a sentence that it did not."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.running import ROOT


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a file that is full")
@pytest.mark.parametrize("command", [("version",), ("schema", "rules"), ("--help",)], ids=" ".join)
def test_a_full_disk_is_told_in_a_sentence(command: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "monitor", *command],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            check=False,
        )
    assert (done.returncode, done.stderr) == (74, "standard output cannot be written: No space left on device\n")


def test_a_reader_that_has_enough_is_not_complained_about() -> None:
    line = f"{sys.executable} -m monitor schema rules | head -n 1"
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.stdout, done.stderr) == ("{\n", "")


def test_where_nobody_listens_from_the_start_it_ends_well() -> None:
    line = f"{sys.executable} -m monitor version >&-"
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.returncode, done.stderr) == (0, "")
