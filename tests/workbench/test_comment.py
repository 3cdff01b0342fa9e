"""The comment for a pull request: the verdict first, bounded, and nothing in it means anything but what it says."""

import re
from dataclasses import replace

import pytest

from monitor.core.model import AlertKey, Tier
from monitor.core.replay.comparison import compare
from monitor.core.replay.outcome import KnownIncident, Paged, Replayed, Unread, Variant
from monitor.core.replay.scoring import score
from monitor.workbench.report import markdown
from monitor.workbench.report.comment import LONGEST, MOST, ROWS, code
from tests.pictures.replays import case
from tests.workbench.hostile import EVIL, WEEK, hostile


def full() -> str:
    shown = case()
    return markdown(shown.outcome, shown.compared, shown.scored, shown.variants)


def test_the_verdict_stands_first_and_the_rest_is_folded_away() -> None:
    text = full()
    assert text.startswith(
        "**1 page more, 3 less, 1 later in 7 days (10 before, 8 after).** "
        "All 3 known incidents were caught (2 before), and 2 pages were false (5 before).\n"
    )
    assert "> 1 h 35 min of the history could not be read" in text
    assert text.count("<details>") == text.count("</details>") == 3
    assert "| Sun 22 Nov 09:41 | **gained** | prepare |" in text
    assert len(text) < 6000


def test_a_replay_alone() -> None:
    text = markdown(case().outcome)
    assert text.startswith("**8 pages in 7 days: 3 to roll back, 5 to prepare.**\n")
    assert "known" not in text.replace("nothing is known of it", "")


def test_a_replay_without_anything() -> None:
    assert markdown(Replayed(0, WEEK, 15, (), (), (), (), ())).startswith("**No page in 7 days.**")


def test_what_was_missed_stands_first_and_bold() -> None:
    shown = case()
    old = shown.compared.old
    text = markdown(old, scored=score(old, [one.incident for one in shown.scored]))
    rows = [line for line in text.splitlines() if line.startswith("| <code>INC-7")]
    assert rows[0].startswith("| <code>INC-72 slow leak in transactions</code> | Sun 22 Nov 09:36 | **missed** |")


def test_tables_have_as_many_cells_as_titles() -> None:
    found, compared, scored, variants = hostile()
    for text in (full(), markdown(found, compared, scored, variants)):
        width = 0
        for line in text.splitlines():
            cells = line.count("|")
            assert not line.startswith("|") or cells in (width, width or cells)
            width = cells if line.startswith("|") else 0


def test_no_name_marks_up_mentions_or_refers() -> None:
    found, compared, scored, variants = hostile()
    text = markdown(found, compared, scored, variants)
    bare = re.sub(r"<code>[\w \"'(),./;=%+…�&#-]*</code>|</?(details|summary)>", "", text)
    assert not re.search(r"[<@`\[\]~]|javascript:|://", bare)
    assert not re.search(r"[@#!]\w", re.sub(r"&#\d+;", lambda one: chr(int(one[0][2:-1])), bare))
    assert "\x00" not in text
    assert "\u202e" not in text


def test_what_could_not_be_read_mentions_nobody() -> None:
    gap = Unread("g", "@everyone see #1", 0, 900, "503")
    text = markdown(replace(case().outcome, unread=(gap,)))
    said = re.sub(r"&#(\d+);", lambda one: chr(int(one[1])), text.partition("> ")[2].partition("\n")[0])
    assert "everyone see" in said
    assert not re.search(r"[@#]\w", said)


@pytest.mark.parametrize("evil", EVIL)
def test_a_name_is_one_line_of_code_that_reads_as_it_was_written(evil: str) -> None:
    shown = code(evil)
    read = re.sub(r"&#(\d+);", lambda one: chr(int(one[1])), shown.removeprefix("<code>").removesuffix("</code>"))
    assert "\n" not in shown
    assert "<" not in shown[6:-7]
    assert re.sub(r"[^ -~]|[\n ]", "", read.rstrip("…")) in re.sub(r"[^ -~]|[\n ]", "", evil)
    assert len(read) <= LONGEST


def test_however_much_there_is_it_fits_and_nothing_is_left_open() -> None:
    names = ["x_" * 400 + str(number) for number in range(300)]
    keys = [AlertKey(name, tuple((f"l{n}", "|" * 300) for n in range(9)), Tier.PREPARE) for name in names]
    pages = tuple(Paged(at, "prepare_opens", Tier.PREPARE, (key,), "INC-1") for at, key in enumerate(keys))
    found = Replayed(0, WEEK, 15, (), pages, (), (), ())
    known = [KnownIncident("|" * 300 + name, 0, 90) for name in names]
    variants = tuple(
        Variant(tuple(f"{key}={'|' * 99}{number}" for key in "|" * 9), found) for number, _ in enumerate(names)
    )
    text = markdown(found, compare(replace(found, pages=()), found), score(found, known), variants)
    assert len(text.encode()) <= MOST < 65_536
    assert f"and {300 - ROWS} more" in text
    assert text.count("<details>") == text.count("</details>")
