"""The rules folder: what changes on disk comes into force whole, once it is at rest; what is wrong leaves the old."""

import os
from pathlib import Path

import pytest

from monitor.core.pages.posts import Notice
from monitor.files import Contents
from monitor.ports.store import Change, StoreError
from monitor.ruleset.rulesfolder import Start
from tests.middle.house import INTERVAL, ROUTE, WORST, RecallingStore, key
from tests.middle.watched import ALSO_WRONG, RULES, STRICTER, WRONG, Watched, load


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


# --- at rest ----------------------------------------------------------------------------------------------------------


def test_what_stands_still_is_no_news(watched: Watched) -> None:
    assert watched.polls(3) == [None, None, None]
    os.utime(watched.file)
    assert watched.polls(3) == [None, None, None]
    assert watched.taken == []


def test_a_change_is_taken_at_the_second_look_and_once(watched: Watched) -> None:
    watched.writes(STRICTER)
    assert watched.polls(4) == [None, True, None, None]
    assert watched.limit == 0.5
    assert watched.taken == [watched.contents.digest]


def test_a_file_that_is_still_being_written_is_left_alone(watched: Watched) -> None:
    seen = []
    for end in range(20, len(STRICTER), 40):
        watched.writes(STRICTER[:end])
        seen += watched.polls(1)
    assert set(seen) == {None}
    watched.writes(STRICTER)
    assert watched.polls() == [None, True]
    assert watched.notes == []


def test_a_change_that_is_taken_back_before_it_rests_is_no_news(watched: Watched) -> None:
    watched.writes(WRONG)
    watched.polls(1)
    watched.writes(RULES)
    assert watched.polls(3) == [None, None, None]


def test_a_reload_that_is_asked_for_does_not_wait(watched: Watched) -> None:
    watched.writes(STRICTER)
    outcome = watched.rules.reload()
    assert outcome.report is not None
    assert outcome.report.comparison.sentences == ("Login: rollback above 0.25 -> 0.5, state re-derived",)
    assert watched.limit == 0.5
    assert watched.polls(3) == [None, None, None]


def test_the_links_of_a_config_map_are_followed(watched: Watched) -> None:
    """Kubernetes makes a new folder, links `..data` to it by a rename, and removes the old one."""
    watched.file.unlink()
    for version, text in enumerate((RULES, STRICTER, WRONG, STRICTER.replace("50%", "60%"))):
        folder = watched.folder / f"..2026_{version}"
        folder.mkdir()
        (folder / "rules.yaml").write_text(text)
        (watched.folder / "..data_tmp").symlink_to(folder.name)
        (watched.folder / "..data_tmp").rename(watched.folder / "..data")
        if version == 0:
            watched.file.symlink_to("..data/rules.yaml")
        taken = watched.polls()
        assert taken == [None, {0: None, 2: False}.get(version, True)]
    assert watched.limit == 0.6


# --- refused ----------------------------------------------------------------------------------------------------------


def test_a_wrong_set_is_refused_and_the_old_one_goes_on(watched: Watched) -> None:
    watched.house.says("Login", WORST)
    watched.house.tick()
    watched.writes(WRONG)
    assert watched.polls(3) == [None, False, None]
    assert watched.limit == 0.25
    assert watched.rules.standing.digest != watched.contents.digest
    assert "rules.yaml:7:20: error: unknown key `abov`" in "; ".join(watched.rules.standing.problems)
    watched.house.walk(INTERVAL)
    assert set(watched.house.alerts()) == {key("Login")}
    assert watched.house.desk.present("critical").cursors["Login"] == watched.house.grid


def test_a_refusal_is_told_once_for_each_content(watched: Watched) -> None:
    watched.writes(WRONG)
    watched.polls(5)
    watched.rules.reload()
    (note,) = watched.notes
    assert note.startswith(f"RULES REFUSED (set {watched.contents.digest[:8]}). The old ones stay")
    assert "unknown key `abov`" in note
    watched.writes(ALSO_WRONG)
    watched.polls(5)
    assert watched.notices == [Notice.RULES_REFUSED, Notice.RULES_REFUSED]


def test_rules_that_are_good_again_are_told_once(watched: Watched) -> None:
    watched.writes(WRONG)
    watched.polls()
    watched.writes(RULES)
    assert watched.polls() == [None, True]
    assert watched.rules.standing.problems == ()
    watched.writes(STRICTER)
    watched.polls()
    assert watched.notices == [Notice.RULES_REFUSED, Notice.RULES_GOOD_AGAIN]


def test_a_note_goes_to_the_channel_by_itself(watched: Watched) -> None:
    watched.writes(WRONG)
    watched.polls()
    watched.house.outbox.deliver_due()
    (message,) = watched.house.pager.messages
    assert (message.post.channel, message.root_ts, message.page) == (ROUTE.channel, None, None)
    assert message.post.said == watched.notes[0]
    watched.house.outbox.deliver_due()
    assert len(watched.house.pager.messages) == 1


def test_a_note_names_three_problems_and_counts_the_rest(watched: Watched) -> None:
    watched.writes(RULES + "".join(f'"wrong\\u001b[{number}": 1\n' for number in range(5)))
    watched.polls()
    assert watched.notes[0].count("• ") == 4
    assert watched.notes[0].endswith("• and 2 more")
    assert "\x1b" not in watched.notes[0]


class Full(RecallingStore):
    """A store on a disk that is full while `full`."""

    full = False

    def commit(self, change: Change) -> None:
        if self.full:
            raise StoreError("the disk is full")
        super().commit(change)


def test_a_set_that_could_not_be_written_is_tried_again(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.house.store = store = Full()
    watched.start(Start(load(watched.contents), watched.contents, None, watched.contents.digest))
    store.full = True
    watched.writes(STRICTER)
    assert watched.polls(4) == [None, False, False, False]
    assert watched.limit == 0.25
    store.full = False
    assert watched.polls(2) == [True, None]
    assert (watched.limit, watched.rules.standing.problems) == (0.5, ())


# --- starting ---------------------------------------------------------------------------------------------------------


def test_what_is_taken_is_kept_as_the_last_good_set(watched: Watched) -> None:
    kept = watched.house.store.rules()
    assert kept is not None
    assert kept.files == watched.contents.files
    watched.writes(STRICTER)
    watched.polls()
    kept = watched.house.store.rules()
    assert kept is not None
    assert kept.files == watched.contents.files
    watched.writes(WRONG)
    watched.polls()
    assert watched.house.store.rules() == kept


def test_a_reload_of_the_same_set_writes_no_files(watched: Watched) -> None:
    before = len(watched.house.store.changes)
    watched.rules.reload()
    assert len(watched.house.store.changes) == before


def last_good(watched: Watched) -> Start:
    kept = watched.house.store.rules()
    assert kept is not None
    last = Contents(watched.folder, kept.files)
    return Start(load(last), last, load(last), watched.contents.digest, ("rules.yaml:7:20: error: unknown key",))


def test_a_start_on_the_last_good_set_is_told_once_however_often_it_happens(watched: Watched) -> None:
    watched.writes(WRONG)
    for _ in range(3):
        watched.start(last_good(watched))
        assert watched.polls() == [None, None]
    assert watched.rules.standing.on_last_good
    assert watched.limit == 0.25
    assert watched.notices == [Notice.RULES_REFUSED]
    assert "started with the last good rules" in watched.notes[0]
    watched.writes(STRICTER)
    assert watched.polls() == [None, True]
    assert not watched.rules.standing.on_last_good
    assert watched.notices == [Notice.RULES_REFUSED, Notice.RULES_GOOD_AGAIN]


def test_rules_that_were_mended_while_nobody_ran_are_told_good(watched: Watched) -> None:
    watched.writes(WRONG)
    watched.polls()
    before = load(Contents(watched.folder, dict(last_good(watched).contents.files)))
    watched.writes(STRICTER)
    watched.start(Start(load(watched.contents), watched.contents, before, watched.contents.digest))
    assert watched.notices == [Notice.RULES_REFUSED, Notice.RULES_GOOD_AGAIN]


def test_rules_that_changed_while_nobody_ran_are_compared_with_the_last_good_set(watched: Watched) -> None:
    watched.house.says("Login", WORST)
    watched.house.tick()
    before = load(watched.contents)
    watched.writes(STRICTER.replace("Errors", "Mistakes"))
    watched.start(Start(load(watched.contents), watched.contents, before, watched.contents.digest))
    report = watched.rules.standing.report
    assert report is not None
    assert [str(change.fate) for change in report.comparison.rules] == ["re-derived", "new", "removed"]
    assert set(watched.house.alerts()) == {key("Login")}
    assert "Login" not in watched.house.store.group("critical").cursors
