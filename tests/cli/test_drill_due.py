"""`drill due` where no daemon runs: on the store itself, through the same application."""

import json

from monitor.adapters.store import open_store
from monitor.core.drill.duty import MigrationTold
from tests.cli.folder import Folder


def test_it_says_when_and_why_and_what_to_do(folder: Folder) -> None:
    said = folder.run("drill", "due")
    assert (said.code, said.err) == (0, "")
    first, second = said.out.splitlines()
    assert first.startswith("The next drill is due in ")
    assert second.startswith("Only drills of the kinds staging and production-canary count")
    assert not list(folder.path.glob("*drills.db"))


def test_a_migration_is_noted_in_somebodys_name_and_only_once_a_day(folder: Folder) -> None:
    words = ("drill", "due", "--after-migration", "invoices moved", "--as", "ana")
    said = folder.run(*words)
    assert said.code == 0
    assert "in 14 days, by " in said.out
    assert "Migration without a drill since: invoices moved, " in said.out
    again = folder.run(*words)
    assert (again.code, "was noted down today already" in again.err) == (1, True)
    store = open_store(folder.url)
    (fact,) = store.duties()
    store.close()
    assert isinstance(fact, MigrationTold)
    assert (fact.by.name, fact.by.verified) == ("ana", False)


def test_programs_read_json(folder: Folder) -> None:
    folder.run("drill", "due", "--after-migration", "m")
    told = json.loads(folder.run("drill", "due", "--format", "json").out)
    due = told["due"]
    assert (told["version"], due["why"], due["about"], due["overdue"], due["counted"]) == (
        1,
        "migration",
        "m",
        False,
        None,
    )
    assert [one["name"] for one in due["migrations"]] == ["m"]
    assert (due["zone"], due["known_since"], len(due["by"])) == ("UTC", None, 10)


def test_nobody_and_nothing_are_refused(folder: Folder) -> None:
    assert "Say who you are" in folder.run("drill", "due", "--after-migration", "m", "--as", "<>").err
    assert "Name the migration" in folder.run("drill", "due", "--after-migration", "x" * 201).err
