"""When the daily line about the shadow is due, and what it says: time and the record as arguments."""

from datetime import UTC, datetime

import pytest

from monitor.core.model import Alert, AlertKey, Cause, State, Tier
from monitor.core.rules.routing import ShadowReport
from monitor.core.rules.rule import Rule, TierRule
from monitor.core.rules.shadowreport import NAMED, Seen, due, told, unsent
from monitor.core.rules.signal import Availability, ErrorRatio, Signal

BERLIN = ShadowReport(9 * 60, "Europe/Berlin")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


DUE = [
    ("before nine: the one of yesterday", BERLIN, "2025-03-04 07:59", None, "2025-03-03 08:00"),
    ("at nine exactly", BERLIN, "2025-03-04 08:00", None, "2025-03-04 08:00"),
    ("told already", BERLIN, "2025-03-04 12:00", "2025-03-04 08:00", None),
    ("told a second before", BERLIN, "2025-03-04 08:00", "2025-03-03 08:00", "2025-03-04 08:00"),
    ("late after a night away", BERLIN, "2025-03-04 20:00", "2025-03-03 08:00", "2025-03-04 08:00"),
    ("on time after a late one", BERLIN, "2025-03-05 08:00", "2025-03-04 20:00", "2025-03-05 08:00"),
    ("the newest only after a week", BERLIN, "2025-03-11 09:00", "2025-03-04 08:00", "2025-03-11 08:00"),
    ("once a day though the time was moved", ShadowReport(15 * 60), "2025-03-04 15:00", "2025-03-04 09:00", None),
    ("summer time", BERLIN, "2025-07-04 07:00", "2025-07-03 07:00", "2025-07-04 07:00"),
    ("an hour that spring skips", ShadowReport(150, "Europe/Berlin"), "2025-03-30 01:30", None, "2025-03-30 01:30"),
    ("an hour that autumn repeats", ShadowReport(150, "Europe/Berlin"), "2025-10-26 01:30", "2025-10-26 00:30", None),
]


@pytest.mark.parametrize(("report", "now", "last", "expected"), [row[1:] for row in DUE], ids=[row[0] for row in DUE])
def test_a_report_is_due_once_a_day(report: ShadowReport, now: str, last: str | None, expected: str | None) -> None:
    found = due(report, at(now), at(last) if last else None)
    assert found == (at(expected) if expected else None)


# --- what would have paged --------------------------------------------------------------------------------------------


END = at("2025-03-04 08:00")
T = int(END.timestamp())
RATIO, UP = ErrorRatio("r", "f", ("job",), 60), Availability("p", ("job",), 60)


def rule(alert: str, signal: Signal = RATIO) -> Rule:
    above, below = (None, 0.5) if isinstance(signal, Availability) else (0.02, None)
    tiers = tuple(TierRule(tier, above=above, below=below, hold=0) for tier in (Tier.PREPARE, Tier.ROLLBACK))
    return Rule(alert, signal, tiers, shadow=True)


def key(alert: str, tier: Tier = Tier.PREPARE, job: str = "auth") -> AlertKey:
    return AlertKey(alert, (("job", job),), tier)


def fired(of: AlertKey, before_end: int, value: float | None = 0.03, cause: Cause = Cause.HELD_LONG_ENOUGH) -> Seen:
    return Seen(T - before_end, of, State.PENDING, State.FIRING, cause, value)


def ended(of: AlertKey, before_end: int) -> Seen:
    return Seen(T - before_end, of, State.FIRING, State.INACTIVE, Cause.NO_LONGER_OVER_LIMIT, 0.001)


API, WEB = rule("Api"), rule("Web")
A = key("Api")
LINES = [
    ("nothing fired: nothing is told", [], (), ""),
    (
        "pending alone would have paged nobody",
        [Seen(T - 60, A, State.INACTIVE, State.PENDING, Cause.BREACHED, 0.5)],
        (),
        "",
    ),
    (
        "twice, the longest of both, the worst value of both",
        [fired(A, 9000, 0.03), ended(A, 8580), fired(A, 4000, 0.041), ended(A, 3900)],
        (),
        "Api (prepare) 2 times (longest 7 min; reached 4.1 %), Web never",
    ),
    (
        "one that fires still, with its peak until now",
        [fired(A, 600)],
        (Alert(A, State.FIRING, since=0, peak=0.5),),
        "Api (prepare) once (for 10 min; reached 50 %; fires still), Web never",
    ),
    (
        "two instances are two pages",
        [fired(A, 600), fired(key("Api", job="web"), 600), ended(A, 540), ended(key("Api", job="web"), 300)],
        (),
        "Api (prepare) 2 times (longest 5 min; reached 3 %), Web never",
    ),
    (
        "the rollback carries its prepare, which is no page of its own",
        [
            fired(key("Api", Tier.ROLLBACK), 600, 0.4),
            fired(A, 600, 0.4, Cause.CARRIED_BY_ROLLBACK),
            ended(key("Api", Tier.ROLLBACK), 500),
            ended(A, 400),
        ],
        (),
        "Api (rollback) once (for 100 s; reached 40 %), Web never",
    ),
    (
        "a flicker back from recovery is no second page",
        [
            fired(A, 600),
            Seen(T - 500, A, State.FIRING, State.RECOVERING, Cause.NOT_OVER_LIMIT, 0.01),
            Seen(T - 450, A, State.RECOVERING, State.FIRING, Cause.BREACHED_AGAIN, 0.9),
            Seen(T - 300, A, State.RECOVERING, State.INACTIVE, Cause.CLEAR_LONG_ENOUGH, 0.01),
        ],
        (),
        "Api (prepare) once (for 5 min; reached 3 %), Web never",
    ),
    ("a rule that is not in the shadow is not spoken of", [fired(key("Other"), 60)], (), ""),
    ("without a value", [fired(A, 600, None), ended(A, 480)], (), "Api (prepare) once (for 2 min), Web never"),
]


@pytest.mark.parametrize(("seen", "alerts", "words"), [row[1:] for row in LINES], ids=[row[0] for row in LINES])
def test_the_line(seen: list[Seen], alerts: tuple[Alert, ...], words: str) -> None:
    pages = unsent(seen, alerts, (API, WEB))
    head = "IN THE SHADOW, 04 Mar: would have paged in the last 24 h: "
    assert told(pages, (API, WEB), BERLIN, END) == (f"{head}{words}." if words else "")


def test_the_worst_share_that_is_up_is_the_smallest() -> None:
    probe = rule("Probe", UP)
    seen = [fired(key("Probe"), 600, 0.4), ended(key("Probe"), 500), fired(key("Probe"), 400, 0.1)]
    assert "reached 10 % up" in told(unsent(seen, (), (probe,)), (probe,), BERLIN, END)


def test_of_many_that_are_quiet_the_number_is_told() -> None:
    rules = (API, *(rule(f"Quiet{n}") for n in range(NAMED + 5)))
    line = told(unsent([fired(A, 60)], (), rules), rules, BERLIN, END)
    assert line.count("never") == NAMED + 1
    assert "5 more rules never" in line
