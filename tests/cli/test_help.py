"""What somebody sees who types no more than the program's name, or asks which one it is."""

import re

import click
import pytest
import typer
from typer.testing import CliRunner

from monitor import __version__
from monitor.cli.main import app

RUN = CliRunner()
GROUPS = [(), *((name,) for name, one in typer.main.get_command(app).commands.items() if hasattr(one, "commands"))]  # type: ignore[attr-defined]  # a group has them


@pytest.mark.parametrize("words", [["--version"], ["version"]])
def test_the_version_is_told_either_way(words: list[str]) -> None:
    said = RUN.invoke(app, words)
    assert (said.exit_code, said.output) == (0, f"{__version__}\n")


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: " ".join(group) or "top")
def test_every_command_is_told_of_in_a_whole_sentence(group: tuple[str, ...]) -> None:
    said = RUN.invoke(app, [*group, "--help"], terminal_width=80)
    listed = said.output.partition("Commands:")[2].strip().splitlines()
    assert said.exit_code == 0
    assert listed
    for line in listed:
        assert re.fullmatch(r"\s*[a-z-]+ {2,}[A-Z].*[^.]\.", click.unstyle(line)), line
