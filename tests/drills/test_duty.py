"""The duty to hold drills in a whole monitor, through years: what people are told, once, and what metrics say."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.core.drill.cadence import Cadence, Standing, Why
from monitor.core.drill.duty import MigrationTold, SchemaSeen
from monitor.core.drill.log import Drill, DrillAborted, DrillFinished, DrillStarted
from monitor.core.drill.result import Proven, Result, result
from monitor.core.drill.scenario import Kind
from monitor.core.evidence import Case
from monitor.core.model import Sample
from monitor.drills.duty import NotNoted
from monitor.drills.results import Results
from monitor.drills.spoken import Spoken
from monitor.ports.metrics import Answer, Samples, Unanswered
from monitor.ports.store import NO_INCIDENT, Change, PostKind
from monitor.showing import Progress, Showing
from tests.drills.hall import ANA, BEN, EVA, GUEST, Hall


@dataclass(frozen=True, slots=True)
class Proving(Results):
    """Results as they are told: what makes a drill pass is their own business, and tested there."""

    came_to: Proven = Proven.PASSED

    def of(self, drill: Drill, case: Case | None = None) -> Result:
        """What `drill` came to."""
        return replace(result(drill, case), proven=self.came_to)


class Years(Hall):
    """A monitor whose clock is moved by days, and in which drills come to what they are told to."""

    def drills_come_to(self, what: Proven) -> None:
        stage = self.stage
        known = stage.results
        told = Proving(known.log, known.store, known.real, known.case_of, what)
        self.app.hall._stage = replace(stage, results=told)

    def held(self, kind: Kind = Kind.STAGING, *, aborted: bool = False) -> None:
        """A drill of an hour that has just ended."""
        now, number = self.clock.now(), len(self.stage.log.drills()) + 1
        begun = DrillStarted(now - timedelta(hours=1), ANA, "auth", "Auth fails", kind, "back in 15 min", (), 900)
        over = DrillAborted(now, ANA, "no") if aborted else DrillFinished(now, ANA)
        self.stage.log.append_drill(f"DRILL-{number:04d}", 0, begun, over)

    def goes_to(self, text: str) -> None:
        self.clock.advance((datetime.fromisoformat(text).replace(tzinfo=UTC) - self.clock.now()).total_seconds())

    def looks(self) -> str:
        said = self.app.duty.look()
        self.app.production.outbox.deliver_due()
        return said.partition(":")[0].partition(",")[0]

    def daily(self, days: int) -> list[str]:
        """Whatever is told within `days`, looked at twice a day; the monitor begins anew every twelfth day."""
        found = []
        for half in range(2 * days):
            self.clock.advance(12 * 3600)
            if half % 24 == 0:
                self.end()
                self.begin()
            said = self.looks()
            found += [f"{self.clock.now():%d %b}: {said}"] if said else []
        return found

    def notes(self) -> list[str]:
        return [one.said for one in self.app.store.posts(NO_INCIDENT)]

    def metrics(self) -> dict[str, float]:
        Showing(self.app, Progress()).gauges()
        families = [one for one in self.app.metrics.registry.collect() if one.name.startswith("rollback_monitor_drill")]
        return {sample.name: sample.value for one in families for sample in one.samples}


@pytest.fixture
def years(tmp_path: Path) -> Iterator[Years]:
    made = Years(tmp_path)
    yield made
    made.end()


def test_a_year_without_drills_tells_twice_before_and_every_week_after(years: Years, tmp_path: Path) -> None:
    years.looks()
    assert years.daily(92 + 16) == [
        "19 May: DRILL DUE in 14 days",
        "01 Jun: DRILL DUE in 1 day",
        "03 Jun: DRILL OVERDUE for 1 day",
        "10 Jun: DRILL OVERDUE for 8 days",
        "17 Jun: DRILL OVERDUE for 15 days",
    ]
    delivered = [one.post for one in years.delivered()]
    assert [one.said for one in delivered] == years.notes()
    assert {(one.channel, one.kind, one.mention) for one in delivered} == {("console", PostKind.NOTE, ())}
    assert sorted(path.name for path in tmp_path.glob("*.db")) == ["monitor.db"]


def test_it_is_told_where_drills_take_place(years: Years) -> None:
    years.looks()
    book = years.app.production.book
    drills = book.now.rules.routing.drills
    told = replace(drills, route=replace(drills.route, channel="C0DRILL"))
    book.swap(replace(book.now.rules, routing=replace(book.now.rules.routing, drills=told)))
    years.goes_to("2026-06-01T09:00")
    assert years.looks() == "DRILL DUE in 1 day"
    assert [one.post.channel for one in years.delivered()] == ["C0DRILL"]


def test_another_cadence_counts_from_the_same_day_and_is_told_of_anew(years: Years) -> None:
    years.looks()
    years.goes_to("2026-06-05T12:00")
    assert years.looks() == "DRILL OVERDUE for 3 days"
    book = years.app.production.book
    for months, said in ((6, ""), (3, ""), (1, "DRILL OVERDUE for 64 days"), (3, "")):
        drills = replace(book.now.rules.routing.drills, cadence=Cadence(months=months))
        book.swap(replace(book.now.rules, routing=replace(book.now.rules.routing, drills=drills)))
        assert years.looks() == said, months


def test_a_clock_that_steps_back_tells_nothing_twice(years: Years) -> None:
    years.looks()
    for at, said in (
        ("2026-06-01T12:00", "DRILL DUE in 1 day"),
        ("2026-05-19T12:00", ""),
        ("2026-06-01T13:00", ""),
        ("2026-06-03T12:00", "DRILL OVERDUE for 1 day"),
        ("2026-06-02T12:00", ""),
        ("2026-02-01T12:00", ""),
    ):
        years.goes_to(at)
        assert years.looks() == said, at
    assert len(years.notes()) == 2


def test_a_drill_that_counts_begins_the_quarter_anew(years: Years) -> None:
    years.looks()
    years.goes_to("2027-11-30T10:00")
    assert years.looks().startswith("DRILL OVERDUE")
    years.drills_come_to(Proven.PASSED)
    years.held()
    assert years.looks() == ""
    stands = years.app.duty.standing()
    assert (stands.due.day.isoformat(), stands.due.why, stands.due.about) == ("2028-02-29", Why.QUARTER, "DRILL-0001")
    years.goes_to("2028-02-28T09:00")
    assert years.looks() == "DRILL DUE in 1 day"


NO_PROOF = [
    ("it missed its target", Proven.FAILED, Kind.STAGING, False),
    ("something of it was not seen", Proven.INCOMPLETE, Kind.CANARY, False),
    ("nothing was rolled back", Proven.PASSED, Kind.TABLETOP, False),
    ("it was no more than a page", Proven.PASSED, Kind.PAGER, False),
    ("it was given up", Proven.PASSED, Kind.STAGING, True),
]


@pytest.mark.parametrize(
    ("came_to", "kind", "aborted"), [row[1:] for row in NO_PROOF], ids=[row[0] for row in NO_PROOF]
)
def test_what_proves_nothing_leaves_the_date_where_it_is(
    years: Years, came_to: Proven, kind: Kind, *, aborted: bool
) -> None:
    years.looks()
    years.goes_to("2026-05-01T10:00")
    years.drills_come_to(came_to)
    years.held(kind, aborted=aborted)
    stands = years.app.duty.standing()
    assert (stands.due.day.isoformat(), stands.due.why, stands.counted) == ("2026-06-02", Why.FIRST, None)


def test_a_migration_the_day_after_a_drill_is_told_at_once_and_answered_by_the_next(years: Years) -> None:
    years.looks()
    years.drills_come_to(Proven.PASSED)
    years.held()
    years.goes_to("2026-03-03T12:00")
    told = years.app.duty.after_migration(" invoices  to their own schema ", BEN)
    assert isinstance(told, Standing)
    assert (told.due.day.isoformat(), told.due.about) == ("2026-03-17", "invoices to their own schema")
    assert years.looks() == "DRILL DUE in 14 days"
    assert isinstance(years.app.duty.after_migration("invoices to their own schema", BEN), NotNoted)
    years.end()
    years.begin()
    assert years.app.duty.standing().due == told.due
    assert years.looks() == ""
    years.goes_to("2026-03-10T12:00")
    years.drills_come_to(Proven.PASSED)
    years.held()
    assert years.app.duty.standing().due.day.isoformat() == "2026-06-10"


DAYS = [
    ("far west, past midnight in UTC", "America/Los_Angeles", "2026-03-03T22:00", "2026-03-04T03:00", True),
    ("far west, past midnight there", "America/Los_Angeles", "2026-03-04T07:30", "2026-03-04T08:30", False),
    ("far east, past midnight in UTC", "Pacific/Auckland", "2026-03-03T23:00", "2026-03-04T02:00", True),
    ("far east, past midnight there", "Pacific/Auckland", "2026-03-04T10:30", "2026-03-04T11:30", False),
    ("in UTC, past midnight", "UTC", "2026-03-04T23:59:59", "2026-03-05T00:00", False),
    ("first and last minutes of a day of 25 hours", "Europe/Berlin", "2026-10-24T22:01", "2026-10-25T22:59", True),
    ("past midnight after it", "Europe/Berlin", "2026-10-25T22:59", "2026-10-25T23:00", False),
    ("first and last minutes of a day of 23 hours", "Europe/Berlin", "2026-03-28T23:01", "2026-03-29T21:59", True),
    ("past midnight after it", "Europe/Berlin", "2026-03-29T21:59", "2026-03-29T22:00", False),
    ("summer time begins where midnight is left out", "Africa/Cairo", "2026-04-23T21:59", "2026-04-23T22:00", False),
]


@pytest.mark.parametrize(
    ("zone", "first", "then", "same"), [row[1:] for row in DAYS], ids=[f"{row[0]} ({row[1]})" for row in DAYS]
)
def test_a_migration_that_is_told_twice_within_a_day_of_the_zone_is_one(
    years: Years, zone: str, first: str, then: str, *, same: bool
) -> None:
    book = years.app.production.book
    drills = replace(book.now.rules.routing.drills, cadence=Cadence(zone=zone))
    book.swap(replace(book.now.rules, routing=replace(book.now.rules.routing, drills=drills)))
    years.goes_to(first)
    assert isinstance(years.app.duty.after_migration("invoices", ANA), Standing)
    years.goes_to(then)
    assert isinstance(years.app.duty.after_migration("invoices", BEN), NotNoted) is same
    assert len(years.app.duty.standing().migrations) == (1 if same else 2)


def test_a_migration_that_an_older_monitor_noted_down_goes_by_the_day_in_utc(years: Years) -> None:
    years.app.store.commit(Change(duties=(MigrationTold(years.clock.now(), ANA, "invoices"),)))
    assert isinstance(years.app.duty.after_migration("invoices", BEN), NotNoted)
    (fact,) = years.app.store.duties()
    assert fact.name == "migration_told/invoices/2026-03-02"


def test_a_migration_while_one_is_overdue_changes_nothing(years: Years) -> None:
    years.looks()
    years.goes_to("2026-06-05T12:00")
    assert years.looks() == "DRILL OVERDUE for 3 days"
    years.app.duty.after_migration("m", ANA)
    assert years.looks() == ""
    assert years.app.duty.standing().due.why is Why.FIRST


def test_a_name_is_asked_for(years: Years) -> None:
    for name in ("", "   ", "x" * 201):
        refused = years.app.duty.after_migration(name, ANA)
        assert isinstance(refused, NotNoted)
        assert "Name the migration" in refused.sentence
    assert list(years.app.store.duties()) == []


def test_a_decision_that_was_not_written_is_made_anew_and_one_that_was_is_posted(years: Years) -> None:
    """Gone between deciding and posting: both are one transaction, and posting goes on from it."""
    years.looks()
    years.goes_to("2026-05-19T12:00")
    years.app.duty.look()  # written, and gone before it was posted
    assert years.delivered() == []
    years.end()
    years.begin()
    assert years.looks() == ""
    assert [one.post.said for one in years.delivered()] == years.notes()
    assert len(years.notes()) == 1


# --- what metrics of migrations show ----------------------------------------------------------------------------------


class Shown(dict[str, Answer]):
    """What the source answers: the schema of auth where it is asked for, and nothing else."""

    schema = ""

    def get(self, expr: str, default: Answer | None = None) -> Answer:  # type: ignore[override]  # always one
        """The answer."""
        if self.schema and "db_schema_info" in expr:
            return Samples((Sample((("__seen__", "0"), ("version", self.schema)), 1.0),))
        return default or Samples(())


def test_a_migration_that_a_metric_shows_asks_for_a_drill_and_is_told_at_once(years: Years) -> None:
    years.real = shown = Shown()
    shown.schema = "42"
    years.looks()
    assert years.app.duty.standing().migrations == ()
    years.goes_to("2026-03-20T15:00")
    assert years.looks() == ""
    years.goes_to("2026-03-20T15:20")
    shown.schema = "43"
    assert years.looks() == "DRILL DUE in 14 days"
    assert "14 days after the migration 43 of auth" in years.notes()[-1]
    years.goes_to("2026-03-21T15:00")
    years.end()
    years.begin()
    assert years.looks() == ""
    (migration,) = years.app.duty.standing().migrations
    assert (migration.name, migration.at.date().isoformat()) == ("43 of auth", "2026-03-20")
    assert {one.by.id for one in years.app.store.duties() if isinstance(one, SchemaSeen)} == {"monitor"}


def test_a_source_that_does_not_answer_keeps_nobody_from_being_reminded(years: Years) -> None:
    class Silent(Shown):
        def get(self, _expr: str, _default: Answer | None = None) -> Answer:  # type: ignore[override]  # as above
            return Unanswered("it hangs")

    years.looks()
    years.real = Silent()
    years.goes_to("2026-05-19T12:00")
    assert years.looks() == "DRILL DUE in 14 days"
    assert years.app.duty.schemas.why == "it hangs"


# --- how it is shown --------------------------------------------------------------------------------------------------


def test_metrics_say_nothing_before_anything_is_known_and_then_how_the_team_stands(years: Years) -> None:
    assert years.metrics() == {}
    years.looks()
    first = datetime(2026, 6, 3, tzinfo=UTC).timestamp()
    told = {"rollback_monitor_drill_due_timestamp_seconds": first, "rollback_monitor_drill_overdue": 0.0}
    assert years.metrics() == told
    years.goes_to("2026-06-03T00:00")
    assert years.metrics() == told | {"rollback_monitor_drill_overdue": 1.0}
    years.drills_come_to(Proven.PASSED)
    years.held()
    years.looks()
    years.clock.advance(90)
    assert years.metrics() == {
        "rollback_monitor_drill_age_seconds": 90.0,
        "rollback_monitor_drill_due_timestamp_seconds": datetime(2026, 9, 4, tzinfo=UTC).timestamp(),
        "rollback_monitor_drill_overdue": 0.0,
    }


def test_it_is_said_behind_the_slash_command(years: Years) -> None:
    years.looks()
    speak = Spoken(years.app.conductor, years.app.duty)
    due = "The next drill is due in 92 days, by Tue 02 Jun 2026 (UTC), 3 months after the monitor began on 02 Mar 2026"
    assert due in speak(("status",), GUEST)
    assert speak(("due",), GUEST).startswith(due)
    assert "Only responders" in speak(("migrated", "m"), GUEST)
    assert "by Mon 16 Mar 2026 (UTC), 14 days after the migration invoices moved" in speak(
        ("migrated", "invoices", "moved"), EVA
    )
    assert "was noted down today already" in speak(("migrated", "invoices", "moved"), EVA)
