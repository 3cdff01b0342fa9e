"""What tells sources apart in the cache: all that they are asked with, and nothing to try guesses on."""

import hashlib
import stat
from pathlib import Path

from monitor.workbench.replay.origin import origin_of


def test_every_part_counts_and_none_runs_into_the_next(tmp_path: Path) -> None:
    asked = [("http://a", "tok", "en"), ("http://a", "to", "ken"), ("http://a", "", "token"), ("http://b", "tok", "en")]
    found = [origin_of(tmp_path, *each) for each in asked]
    assert len({*found, None}) == len(asked) + 1
    assert [origin_of(tmp_path, *each) for each in asked] == found


def test_without_the_key_nothing_can_be_tried(tmp_path: Path) -> None:
    one, other = (origin_of(tmp_path / name, "http://a", "secret") for name in ("one", "other"))
    assert one != other
    assert one != hashlib.sha256(b"http://a\0secret").hexdigest()
    (key,) = (tmp_path / "one").iterdir()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert len(key.read_bytes()) == 32


def test_where_no_key_can_be_kept_there_is_no_origin(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert origin_of(tmp_path / "file" / "cache", "http://a") is None


def test_a_key_that_was_cut_short_is_made_anew(tmp_path: Path) -> None:
    before = origin_of(tmp_path, "http://a")
    (key,) = tmp_path.iterdir()
    key.write_bytes(b"short")
    after = origin_of(tmp_path, "http://a")
    assert after not in (before, None)
    assert origin_of(tmp_path, "http://a") == after
