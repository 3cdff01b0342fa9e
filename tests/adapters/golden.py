"""Golden files that a reviewer can read: what is missing is written, and fails once."""

from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent.parent / "golden" / "slack"


def holds(name: str, told: str) -> None:
    """Compare with a golden file; one that is not there is written, to be read."""
    file = GOLDEN / name
    if not file.exists():
        file.write_text(told)
        pytest.fail(f"{name} did not exist and is written now: read it and run again")
    assert told == file.read_text(), f"{name} differs; delete it to have it written anew"
