"""Bundles as folders and archives: written whole or not at all, and nothing leads out of them."""

import io
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.core.evidence import Maker
from monitor.core.evidence.manifest import manifest
from monitor.evidence.bundles import BundleError, archive, unpacked, verify, write

FILES = {"report.md": b"# INC-0001\n", "signal-01.png": bytes(range(256)), "decisions.jsonl": b""}


def bundle(day: int = 1, **more: bytes) -> dict[str, bytes]:
    files = FILES | more
    return files | {"manifest.json": manifest("INC-0001", files, Maker("m", "1"), datetime(2025, 4, day, tzinfo=UTC))}


def test_a_folder_is_made_and_is_whole(tmp_path: Path) -> None:
    assert write(bundle(), tmp_path / "new" / "INC-0001")
    assert verify(tmp_path / "new" / "INC-0001") == []
    assert [one.name for one in (tmp_path / "new").iterdir()] == ["INC-0001"], "nothing is left beside it"
    (tmp_path / "empty").mkdir()
    assert write(bundle(), tmp_path / "empty")


@pytest.mark.parametrize(
    ("touch", "line"),
    [
        pytest.param(lambda one: (one / "report.md").write_bytes(b"# INC-0002\n"), "changed: report.md", id="changed"),
        pytest.param(lambda one: (one / "report.md").unlink(), "missing: report.md", id="missing"),
        pytest.param(lambda one: (one / "more").write_bytes(b""), "extra: more", id="extra"),
        pytest.param(lambda one: (one / "manifest.json").unlink(), "missing: manifest.json", id="no manifest"),
        pytest.param(
            lambda one: (one / "manifest.json").write_bytes(b"{}"), "changed: manifest.json", id="another manifest"
        ),
        pytest.param(
            lambda one: ((one / "sub").mkdir(), (one / "sub" / "x").write_bytes(b"")), "extra: sub/x", id="in a folder"
        ),
        pytest.param(
            lambda one: (
                (one / "report.md").rename(one.parent / "r"),
                (one / "report.md").symlink_to(one.parent / "r"),
            ),
            "changed: report.md",
            id="a link",
        ),
    ],
)
def test_whatever_was_touched_is_found(tmp_path: Path, touch: Callable[[Path], object], line: str) -> None:
    write(bundle(), tmp_path / "one")
    touch(tmp_path / "one")
    (found,) = verify(tmp_path / "one")
    assert found.startswith(line)


def test_the_same_content_may_be_written_again_and_nothing_else(tmp_path: Path) -> None:
    write(bundle(), tmp_path / "one")
    before = (tmp_path / "one" / "manifest.json").read_bytes()
    assert not write(bundle(day=2), tmp_path / "one")
    assert (tmp_path / "one" / "manifest.json").read_bytes() == before
    with pytest.raises(BundleError, match="something else"):
        write(bundle(more=b"x"), tmp_path / "one")
    (tmp_path / "file").write_text("")
    with pytest.raises(BundleError, match="no folder"):
        write(bundle(), tmp_path / "file")
    with pytest.raises(BundleError, match="no folder"):
        verify(tmp_path / "nowhere")


def test_what_cannot_be_written_whole_is_not_there_at_all(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        write(bundle() | {"zz": None}, tmp_path / "one")  # type: ignore[arg-type]  # the disk fails on the last file
    assert list(tmp_path.iterdir()) == []


def test_an_archive_is_the_same_for_the_same_files() -> None:
    assert archive(bundle()) == archive(bundle())
    assert dict(unpacked(archive(bundle()))) == bundle()


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/b", ".hidden", "", "x" * 200])
def test_an_archive_that_leads_elsewhere_is_refused(name: str) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as out:
        out.writestr(zipfile.ZipInfo(name or "\\"), b"x")
    with pytest.raises(BundleError, match="strange name"):
        unpacked(packed.getvalue())


@pytest.mark.parametrize("content", [b"", b"PK", archive(bundle())[:-30], b'{"error": "x"}'])
def test_a_broken_archive_is_refused(content: bytes) -> None:
    with pytest.raises(BundleError, match="broken"):
        unpacked(content)
