"""A rules folder read at one moment: what is loaded from it, however the disk goes on, and how it is told apart."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from monitor.files import Contents, load, read_contents
from monitor.files.syntax import MAX_BYTES
from tests.files.test_shipped import ROOT

RULES = "groups: [{name: g, rules: [{alert: A, signal: {query: {expr: x}}, rollback: {above: 1}}]}]\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "procedures").mkdir()
    (tmp_path / "procedures" / "rollback.yaml").write_text("title: R\nsteps: [{id: a, title: A}]\n")
    (tmp_path / "routing.yaml").write_text("environment: test\n")
    (tmp_path / "r.yaml").write_text(RULES)
    return tmp_path


def test_what_is_in_memory_is_loaded_as_it_stood_on_disk(folder: Path) -> None:
    contents, loaded = read_contents(folder), load(folder)
    for path in (*folder.glob("*.yaml"), *folder.glob("procedures/*")):
        path.unlink()
    assert load(contents) == loaded
    assert loaded.rules is not None
    assert loaded.rules.digest == contents.digest


def test_the_shipped_rules_are_loaded_from_memory() -> None:
    contents = read_contents(ROOT / "rules")
    assert load(Contents(contents.folder, contents.files)) == load(ROOT / "rules")


CHANGES: list[tuple[str, Callable[[Path], object]]] = [
    ("a byte", lambda folder: (folder / "r.yaml").write_text(RULES + " ")),
    ("a name", lambda folder: (folder / "r.yaml").rename(folder / "s.yaml")),
    ("a file more", lambda folder: (folder / "s.yaml").write_text("")),
    ("a file less", lambda folder: (folder / "routing.yaml").unlink()),
    ("a procedure", lambda folder: (folder / "procedures" / "rollback.yaml").write_text("title: S\n")),
    ("a link that leads nowhere", lambda folder: (folder / "s.yaml").symlink_to(folder / "gone")),
    ("no procedures", lambda folder: (folder / "procedures").rename(folder / "elsewhere")),
    ("a boundary", lambda folder: (folder / "r.yaml").rename(folder / "procedures" / "r.yaml")),
]


@pytest.mark.parametrize("change", [row[1] for row in CHANGES], ids=[row[0] for row in CHANGES])
def test_any_change_is_seen_in_the_digest(folder: Path, change: Callable[[Path], object]) -> None:
    before = read_contents(folder).digest
    assert read_contents(folder).digest == before
    change(folder)
    assert read_contents(folder).digest != before


def test_what_does_not_belong_to_the_rules_is_not_read(folder: Path) -> None:
    before = read_contents(folder)
    (folder / "notes.txt").write_text("x")
    (folder / ".r.yaml.swp").write_text("x")
    (folder / ".hidden.yaml").write_text("x")
    (folder / "old.yaml").mkdir()
    assert read_contents(folder) == before


def test_a_file_without_end_is_read_only_as_far_as_it_is_refused(folder: Path) -> None:
    (folder / "r.yaml").write_bytes(b"#" * (3 * MAX_BYTES))
    assert len(read_contents(folder).files["r.yaml"]) == MAX_BYTES + 1


def test_a_named_pipe_is_told_and_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "pipe.yaml")
    assert read_contents(folder).unreadable == {"pipe.yaml": "this is no file"}


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert read_contents(tmp_path / "gone").unreadable == {".": "the folder cannot be read: No such file or directory"}
