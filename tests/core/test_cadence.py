"""When the next drill is due, and of what people are reminded when: time travel through the calendar."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.actor import MONITOR
from monitor.core.drill.cadence import Cadence, Counted, Due, Migration, Standing, Why, due, standing
from monitor.core.drill.duty import DutyFact, Known, MigrationTold, Reminded, SchemaSeen, fold_duty
from monitor.core.drill.reminding import mend, notice, owed, sentence

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
BERLIN, NEW_YORK = Cadence(zone="Europe/Berlin"), Cadence(zone="America/New_York")


def at(text: str, zone: str = "UTC") -> datetime:
    """A moment as the clock on a wall of `zone` shows it."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def drill(ended: datetime, hours: float = 1) -> Counted:
    return Counted("DRILL-0007", ended - timedelta(hours=hours), ended)


QUARTERS = [
    ("an ordinary quarter", "2026-03-02T10:00", Cadence(), date(2026, 6, 2)),
    ("over the end of a year", "2026-11-15T10:00", Cadence(), date(2027, 2, 15)),
    ("30 November to the end of February", "2026-11-30T10:00", Cadence(), date(2027, 2, 28)),
    ("30 November to the end of February of a leap year", "2027-11-30T10:00", Cadence(), date(2028, 2, 29)),
    ("from a leap day", "2028-02-29T10:00", Cadence(), date(2028, 5, 29)),
    ("from a leap day, a year later", "2028-02-29T10:00", Cadence(months=12), date(2029, 2, 28)),
    ("a century that is no leap year", "2099-11-30T10:00", Cadence(), date(2100, 2, 28)),
    ("31 December to 31 March", "2026-12-31T23:59", Cadence(), date(2027, 3, 31)),
    ("31 January to 30 April", "2026-01-31T10:00", Cadence(), date(2026, 4, 30)),
    ("every month", "2026-01-31T10:00", Cadence(months=1), date(2026, 2, 28)),
    ("late in the evening of Berlin it is still that day", "2026-03-01T22:59", BERLIN, date(2026, 6, 1)),
    ("past midnight of Berlin it is the next", "2026-03-01T23:00", BERLIN, date(2026, 6, 2)),
    ("and in New York it is still the day before", "2026-03-02T04:59", NEW_YORK, date(2026, 6, 1)),
    ("past midnight of Berlin in summer", "2026-06-01T22:00", BERLIN, date(2026, 9, 2)),
]


@pytest.mark.parametrize(("ended", "cadence", "day"), [row[1:] for row in QUARTERS], ids=[row[0] for row in QUARTERS])
def test_a_quarter_after_the_last_that_counts(ended: str, cadence: Cadence, day: date) -> None:
    assert due(drill(at(ended)), (), LONG_AGO, cadence) == Due(day, Why.QUARTER, "DRILL-0007")


def test_where_none_was_ever_held_a_quarter_after_the_monitor_first_knew() -> None:
    assert due(None, (), at("2026-11-30T23:30"), BERLIN) == Due(date(2027, 3, 1), Why.FIRST)


NOON = at("2026-03-02T12:00")
MIGRATIONS = [
    ("the day after a drill", ["2026-03-03T12:00"], Due(date(2026, 3, 17), Why.MIGRATION, "m0")),
    ("while a drill ran: it had not begun after it", ["2026-03-02T11:30"], Due(date(2026, 3, 16), Why.MIGRATION, "m0")),
    ("before the drill began", ["2026-03-02T10:59"], Due(date(2026, 6, 2), Why.QUARTER, "DRILL-0007")),
    ("shortly before the quarter is over", ["2026-06-01T12:00"], Due(date(2026, 6, 2), Why.QUARTER, "DRILL-0007")),
    ("while one is overdue: that stays", ["2026-07-01T12:00"], Due(date(2026, 6, 2), Why.QUARTER, "DRILL-0007")),
    ("several: the first", ["2026-03-09T12:00", "2026-03-05T12:00"], Due(date(2026, 3, 19), Why.MIGRATION, "m1")),
]


@pytest.mark.parametrize(("made", "expected"), [row[1:] for row in MIGRATIONS], ids=[row[0] for row in MIGRATIONS])
def test_a_migration_asks_for_a_drill_of_its_own(made: list[str], expected: Due) -> None:
    migrations = [Migration(at(one), f"m{number}") for number, one in enumerate(made)]
    assert due(drill(NOON), migrations, LONG_AGO, Cadence()) == expected


def test_other_settings_count_from_the_same_drill() -> None:
    migration = Migration(NOON + timedelta(days=1), "m")
    assert due(drill(NOON), (), LONG_AGO, Cadence(months=6)).day == date(2026, 9, 2)
    assert due(drill(NOON), [migration], LONG_AGO, Cadence(after_migration=30)).day == date(2026, 4, 2)
    assert due(drill(NOON), [migration], LONG_AGO, Cadence(months=1, after_migration=60)).why is Why.QUARTER


ENDS = [
    ("a winter's day of Berlin", date(2026, 2, 28), BERLIN, "2026-02-28T23:00"),
    ("the day that has 23 hours", date(2026, 3, 29), BERLIN, "2026-03-29T22:00"),
    ("the day that has 25 hours", date(2026, 10, 25), BERLIN, "2026-10-25T23:00"),
    ("the day before it", date(2026, 10, 24), BERLIN, "2026-10-24T22:00"),
    ("the day of New York that has 23 hours", date(2026, 3, 8), NEW_YORK, "2026-03-09T04:00"),
    ("the day of New York that has 25 hours", date(2026, 11, 1), NEW_YORK, "2026-11-02T05:00"),
    ("a day whose midnight is skipped", date(2026, 9, 5), Cadence(zone="America/Santiago"), "2026-09-06T04:00"),
    ("the last day of a year", date(2026, 12, 31), Cadence(), "2027-01-01T00:00"),
]


@pytest.mark.parametrize(("day", "cadence", "end"), [row[1:] for row in ENDS], ids=[row[0] for row in ENDS])
def test_overdue_from_the_midnight_after_the_day(day: date, cadence: Cadence, end: str) -> None:
    one = Due(day, Why.FIRST)
    assert one.ends(cadence) == at(end)
    assert not one.overdue(at(end) - timedelta(seconds=1), cadence)
    assert one.overdue(at(end), cadence)


DAY = date(2026, 3, 30)
"""A Monday; summer time begins in Berlin on the day before."""

MORNINGS = [
    ("15 days before", "2026-03-15T09:00", None),
    ("14 days before, not yet morning", "2026-03-16T08:59", None),
    ("14 days before", "2026-03-16T09:00", 14),
    ("nobody ran for a week", "2026-03-23T17:00", 14),
    ("the day before, when the clock skipped an hour", "2026-03-29T08:59", 14),
    ("the day before, in its morning", "2026-03-29T09:00", 1),
    ("on the day itself", "2026-03-30T12:00", 1),
    ("past midnight: overdue, and not yet told", "2026-03-31T00:00", 1),
    ("overdue, in the morning", "2026-03-31T09:00", -1),
    ("overdue for six days", "2026-04-06T23:59", -1),
    ("overdue for a week", "2026-04-07T09:00", -8),
    ("overdue for a year", "2027-03-30T09:00", -365),
]


@pytest.mark.parametrize(("now", "days"), [row[1:] for row in MORNINGS], ids=[row[0] for row in MORNINGS])
def test_reminders_come_in_the_morning_of_the_team(now: str, days: int | None) -> None:
    moment = at(now, "Europe/Berlin")
    assert owed(Due(DAY, Why.FIRST), moment, BERLIN, ()) == days
    if days is not None:
        told = Reminded(moment, DAY, days)
        assert owed(Due(DAY, Why.FIRST), moment, BERLIN, [told]) is None


CHANGES_OF_CLOCKS = [
    ("New York skips that time", "America/New_York", "2026-03-08", 150, "2026-03-08T07:30"),
    ("New York shows it twice", "America/New_York", "2026-11-01", 90, "2026-11-01T05:30"),
    ("Berlin skips it", "Europe/Berlin", "2026-03-29", 150, "2026-03-29T01:30"),
    ("Berlin shows it twice", "Europe/Berlin", "2026-10-25", 150, "2026-10-25T00:30"),
    ("Lord Howe skips half an hour", "Australia/Lord_Howe", "2026-10-04", 135, "2026-10-03T15:45"),
    ("Lord Howe shows half an hour twice", "Australia/Lord_Howe", "2026-04-05", 105, "2026-04-04T14:45"),
    ("Apia, a day before London", "Pacific/Apia", "2026-03-02", 540, "2026-03-01T20:00"),
    ("a leap day in Apia", "Pacific/Apia", "2028-02-29", 540, "2028-02-28T20:00"),
    ("the last minute of a year in New York", "America/New_York", "2026-12-31", 1439, "2027-01-01T04:59"),
]


@pytest.mark.parametrize(
    ("zone", "day", "minute", "first"),
    [row[1:] for row in CHANGES_OF_CLOCKS],
    ids=[row[0] for row in CHANGES_OF_CLOCKS],
)
def test_a_reminder_comes_once_on_the_day_on_which_clocks_change(zone: str, day: str, minute: int, first: str) -> None:
    cadence, due_day = Cadence(zone=zone, at=minute), Due(date.fromisoformat(day) + timedelta(days=14), Why.FIRST)
    moment, told = at(first), list[Reminded]()
    for seconds in range(-7200, 14_401, 60):  # every minute around it, and back again, as a clock that is set back
        for back in (0, 3600):
            now = moment + timedelta(seconds=seconds - back)
            days = owed(due_day, now, cadence, told)
            told += [Reminded(now, due_day.day, days)] if days is not None else []
    assert [(one.at, one.days) for one in told] == [(moment, 14)]


def test_what_is_due_on_another_day_is_told_anew() -> None:
    told = [Reminded(NOON, date(2026, 3, 16), 14)]
    assert owed(Due(date(2026, 3, 10), Why.MIGRATION), NOON, Cadence(), told) == 14
    assert owed(Due(date(2026, 3, 16), Why.QUARTER), NOON, Cadence(), told) is None


def test_a_clock_that_steps_back_tells_nothing_twice() -> None:
    due_day = Due(date(2026, 3, 30), Why.FIRST)
    overdue = [Reminded(at("2026-03-31T10:00"), due_day.day, -1)]
    for back in ("2026-03-31T08:00", "2026-03-29T10:00", "2026-03-16T10:00"):
        assert owed(due_day, at(back), Cadence(), overdue) is None
    assert owed(due_day, at("2026-04-07T10:00"), Cadence(), overdue) == -8


def test_what_a_clock_told_that_was_years_ahead_does_not_count() -> None:
    due_day = Due(date(2026, 3, 30), Why.FIRST)
    astray = [Reminded(at("2036-03-31T10:00"), due_day.day, -3645)]
    assert owed(due_day, at("2026-03-16T10:00"), Cadence(), astray) == 14


# --- what must hold whatever happens --------------------------------------------------------------------------------

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Pacific/Apia", "Australia/Lord_Howe"]
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2032, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # the zone comes beside
CADENCES = st.builds(
    Cadence,
    months=st.integers(1, 18),
    after_migration=st.integers(1, 60),
    remind=st.lists(st.integers(1, 40), max_size=4, unique=True).map(tuple),
    zone=st.sampled_from(ZONES),
    at=st.integers(0, 1439),
)
MADE = st.lists(st.builds(Migration, MOMENTS, st.just("m")), max_size=5)


@given(MOMENTS, MADE, CADENCES)
def test_never_later_than_the_months_after_the_last(ended: datetime, made: list[Migration], cadence: Cadence) -> None:
    found = due(drill(ended), made, LONG_AGO, cadence)
    last = ended.astimezone(ZoneInfo(cadence.zone)).date()
    months = (found.day.year - last.year) * 12 + found.day.month - last.month
    assert months < cadence.months or (months == cadence.months and found.day.day <= last.day)
    assert found.day <= due(drill(ended), (), LONG_AGO, cadence).day


@given(MOMENTS, st.timedeltas(timedelta(0), timedelta(days=400)), MADE, CADENCES)
def test_a_later_drill_never_makes_the_next_due_sooner(
    ended: datetime, later: timedelta, made: list[Migration], cadence: Cadence
) -> None:
    before, after = (due(drill(one), made, LONG_AGO, cadence) for one in (ended, ended + later))
    assert before.day <= after.day


@given(MOMENTS, MADE, st.builds(Migration, MOMENTS, st.just("n")), CADENCES)
def test_another_migration_never_makes_it_due_later(
    ended: datetime, made: list[Migration], another: Migration, cadence: Cadence
) -> None:
    assert due(drill(ended), [*made, another], LONG_AGO, cadence).day <= due(drill(ended), made, LONG_AGO, cadence).day


HAPPENS = st.one_of(
    st.tuples(st.just("waits"), st.integers(1, 40 * 24)),
    st.tuples(st.just("steps back"), st.integers(1, 12)),
    st.tuples(st.sampled_from(["migrates", "holds", "looks", "crashes"]), st.just(0)),
)


@given(st.lists(HAPPENS, max_size=40), CADENCES)
def test_everything_is_told_once_over_any_restarts_and_steps_of_the_clock(
    happens: list[tuple[str, int]], cadence: Cadence
) -> None:
    """What is kept are facts alone: every look begins from them, as after a restart."""
    facts: list[DutyFact] = [Known(NOON)]
    now, counted = NOON, None
    for what, hours in happens:
        if what == "waits":
            now += timedelta(hours=hours)
        elif what == "steps back":
            now -= timedelta(hours=hours)
        elif what == "migrates":
            facts.append(MigrationTold(now, MONITOR, "m"))
        elif what == "holds":
            counted = drill(now)
        stands = _stands(facts, counted, now, cadence)
        days = owed(stands.due, now, cadence, fold_duty(facts).reminded)
        if days is not None and what != "crashes":  # decided, and gone before it was written: nothing happened
            facts.append(Reminded(now, stands.due.day, days))
            assert owed(stands.due, now, cadence, fold_duty(facts).reminded) is None
    told = [(one.day, one.days) for one in fold_duty(facts).reminded]
    assert len(told) == len(set(told))
    for day in {one for one, _ in told}:
        mine = [days for one, days in told if one == day]
        assert mine == sorted(mine, reverse=True)


def _stands(facts: Sequence[DutyFact], counted: Counted | None, now: datetime, cadence: Cadence) -> Standing:
    record = fold_duty(facts)
    return standing(counted, record.migrations, record.known_since, now, cadence)


# --- the facts, and the words -----------------------------------------------------------------------------------------


def test_facts_come_to_the_same_in_any_order() -> None:
    facts: list[DutyFact] = [
        Known(NOON),
        SchemaSeen(NOON, "auth", "42", asks=False),
        SchemaSeen(NOON + timedelta(days=2), "auth", "43", asks=True),
        MigrationTold(NOON + timedelta(days=1), MONITOR, "invoices"),
        Reminded(NOON, date(2026, 6, 2), 14),
    ]
    record = fold_duty(facts)
    assert [one.name for one in record.migrations] == ["invoices", "43 of auth"]
    assert record.schemas == {"auth": frozenset({"42", "43"})}
    assert fold_duty(reversed(facts)) == record


def test_it_is_said_when_and_why() -> None:
    stands = standing(drill(at("2026-11-30T10:00")), (), LONG_AGO, NOON, BERLIN)
    assert sentence(stands, at("2027-02-14T10:00")) == (
        "The next drill is due in 14 days, by Sun 28 Feb 2027 (Europe/Berlin), "
        "3 months after DRILL-0007, the last that passed."
    )
    assert "due today, by Sun 28 Feb" in sentence(stands, at("2027-02-28T10:00"))
    assert notice(stands, ["auth", "shop"], at("2027-03-01T10:00")) == (
        "DRILL OVERDUE for 1 day: it was due by Sun 28 Feb 2027 (Europe/Berlin), "
        "3 months after DRILL-0007, the last that passed. "
        "Hold one: rollback-monitor drill start --scenario auth (or shop)."
    )


def test_a_migration_is_named_and_a_first_one_says_since_when() -> None:
    told = standing(None, [Migration(NOON, "43 of auth")], LONG_AGO, NOON, Cadence())
    assert "by Wed 01 Apr 2020 (UTC)" in sentence(told, LONG_AGO)
    told = standing(None, [Migration(NOON, "43 of auth")], NOON, NOON, Cadence(months=1))
    assert "in 14 days, by Mon 16 Mar 2026 (UTC), 14 days after the migration 43 of auth." in sentence(told, NOON)
    first = standing(None, (), NOON, NOON, Cadence(months=1))
    assert "1 month after the monitor began on 02 Mar 2026: none has passed." in sentence(first, NOON)
    assert "rules/drills has none: write one" in mend(())
