"""Whatever becomes of the files, nothing crashes, and the rules in force are evaluated on.

MONITOR_TEST_MUTATIONS=300 is the long form.
"""

import os
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.middle.watched import RULES, STRICTER, Watched


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


MUTATIONS = int(os.environ.get("MONITOR_TEST_MUTATIONS", "60"))


TROUBLE = [b"*a", b"&a ", b"{", b"]", b"\t", b"\xff", b"010", b": ", b"\x00", b"on"]


def mutated(text: str, chance: random.Random) -> bytes:
    """Some bytes changed, cut out, doubled, or cut off."""
    content = bytearray(text.encode())
    for _ in range(chance.randint(1, 4)):
        at, length = chance.randrange(len(content)), chance.randint(1, 30)
        match chance.randrange(5):
            case 0:
                content[at] = chance.randrange(256)
            case 1:
                del content[at : at + length]
            case 2:
                content[at:at] = content[at : at + length]
            case 3:
                content[at:at] = chance.choice(
                    [b"*a", b"&a ", b"{", b"]", b"\t", b"\xff", b"010", b": ", b"\x00", b"on"]
                )
            case _:
                del content[at:]
        content = content or bytearray(b" ")
    return bytes(content)


def by_file(watched: Watched, content: bytes) -> None:
    watched.file.write_bytes(content)


def by_rename(watched: Watched, content: bytes) -> None:
    fresh = watched.folder / "rules.yaml.new"
    fresh.write_bytes(content)
    fresh.rename(watched.file)


def by_link(watched: Watched, content: bytes) -> None:
    folder = watched.folder / f"..{len(list(watched.folder.iterdir()))}"
    folder.mkdir()
    (folder / "rules.yaml").write_bytes(content)
    fresh = watched.folder / "..link"
    fresh.symlink_to(f"{folder.name}/rules.yaml")
    fresh.rename(watched.file)


WAYS: tuple[Callable[[Watched, bytes], None], ...] = (by_file, by_rename, by_link)


def test_no_mutation_of_the_files_stops_the_rules_in_force(watched: Watched) -> None:
    chance = random.Random(20260301)  # the same mutations in every run
    came_of_it: Counter[bool | None] = Counter()
    for number in range(MUTATIONS):
        put = WAYS[number % len(WAYS)]
        put(watched, mutated(RULES, chance))
        outcome = watched.polls()[-1]
        came_of_it[outcome] += 1
        if outcome:
            put(watched, RULES.encode())
            assert watched.polls()[-1] is True
        assert watched.limit == 0.25
        watched.house.tick()
        assert watched.house.store.group("critical").cursors["Login"] == watched.house.grid
        watched.house.clock.advance(60)
    assert came_of_it[False] > MUTATIONS / 3
    by_rename(watched, STRICTER.encode())
    assert watched.polls()[-1] is True
    assert watched.limit == 0.5


def test_the_folder_itself_may_go_and_come_back(watched: Watched, tmp_path: Path) -> None:
    away = tmp_path.with_name(f"{tmp_path.name}-away")
    tmp_path.rename(away)
    assert watched.polls(3) == [None, False, None]
    assert watched.limit == 0.25
    away.rename(tmp_path)
    assert watched.polls(3) == [None, True, None]
