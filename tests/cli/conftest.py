"""What every test of the command line begins with, and leaves as it was."""

import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tests.cli.folder import Folder


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of whoever runs the tests counts."""
    for name in [name for name in os.environ if re.match(r"MONITOR_|SLACK_|CREDENTIALS_DIRECTORY$", name)]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)
