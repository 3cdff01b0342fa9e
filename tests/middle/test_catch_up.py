"""A stretch that is caught up with at once gives the incidents of living through it, and calls nobody in vain."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.incidents.events import EndReason
from monitor.core.model import Tier
from monitor.core.pages.calling import Stance
from monitor.core.rules.routing import Pages
from monitor.ports.metrics import Unanswered
from monitor.ports.store import PostKind
from tests.middle.house import BAD, INTERVAL, QUIET, REOPEN_WITHIN, START, WORST, House, group, key, rule

EXAMPLES = int(os.environ.get("HISTORIES", "20"))
POINTS = 64
WITHIN = 10 * INTERVAL
"""How long an incident can come back here: so that a stretch holds several."""

RULES = (rule("Login", prepare=60, rollback=0, keep=30), rule("Errors", prepare=30), rule("Invoices", rollback=15))
METRICS = ("login", "errors", "invoices")
BOTH = ("slack", "pagerduty")
ENDED = "line: Ended by itself: the signals stayed clear and nobody rolled back."
"""In the thread, where it calls nobody."""


@dataclass(frozen=True)
class Life:
    """The values of each metric by grid point, and the grid points at which the sleeper is awake."""

    values: tuple[tuple[float, ...], ...]
    awake: frozenset[int]


def runs() -> st.SearchStrategy[tuple[float, ...]]:
    """Values that last for a while, mostly clear ones."""
    stretches = st.lists(
        st.tuples(st.sampled_from([QUIET, QUIET, BAD, WORST]), st.integers(1, 14)), min_size=4, max_size=16
    )
    return stretches.map(lambda found: tuple(value for value, count in found for _ in range(count))[:POINTS])


lives = st.builds(Life, st.tuples(runs(), runs(), runs()), st.frozensets(st.integers(1, POINTS), max_size=6))


def house(*groups: tuple[str, ...]) -> House:
    """A house that pages PagerDuty too; its rules in one group, or in those that are named."""
    named = {one.alert: one for one in RULES}
    parts = [[named[name] for name in names] for names in groups] or [list(RULES)]
    made = House(*(group(f"group {number}", *rules) for number, rules in enumerate(parts)))
    rules = made.book.now.rules
    pages = Pages(rollback=BOTH, prepare=BOTH, blind=BOTH)
    made.build(replace(rules, routing=replace(rules.routing, reopen_within=WITHIN, page=pages)))
    return made


def living(life: Life, *groups: tuple[str, ...]) -> House:
    made = house(*groups)
    for metric, values in zip(METRICS, life.values, strict=True):
        for point, value in enumerate((*values, QUIET), start=1):
            made.says(metric, value, since=START + point * INTERVAL)
    made.tick()
    return made


def to_its_end(lived: House) -> None:
    """Let everything end that will."""
    lived.walk(2 * WITHIN + 300, step=4 * INTERVAL)


def told(lived: House) -> list[tuple[object, ...]]:
    """What incidents there were, of which alerts, from when to when, and how they ended."""
    return [
        (
            one.id,
            sorted((str(each.key), each.since, each.fired_at, each.resolved_at) for each in one.alerts),
            one.tier,
            one.recovered_at,
            one.end_reason,
        )
        for one in lived.incidents
    ]


def posts(lived: House, kind: PostKind) -> list[str]:
    return [post.incident for one in lived.incidents for post in lived.store.posts(one.id) if post.kind is kind]


@settings(max_examples=EXAMPLES, deadline=None)
@given(lives)
def test_a_stretch_folded_at_once_gives_the_incidents_of_living_through_it(life: Life) -> None:
    walker, sleeper = living(life), living(life)
    for point in range(1, POINTS + 1):
        for each in (walker, sleeper):
            each.clock.advance(INTERVAL)
            if each is walker or point in life.awake:
                each.tick()
    for each in (walker, sleeper):
        to_its_end(each)
    assert told(sleeper) == told(walker)
    for incident in sleeper.incidents:
        numbers = [post.n for post in sleeper.store.posts(incident.id) if post.kind is PostKind.ROOT]
        assert numbers == [0], "one root post an incident"


# --- what people are told ---------------------------------------------------------------------------------------------


def flapping(*at: int, length: int = 2, other: Sequence[int] = ()) -> Life:
    """Logins that fail for `length` points at each of `at`, and invoices at each of `other`."""
    login = tuple(WORST if any(one <= point < one + length for one in at) else QUIET for point in range(1, POINTS + 1))
    invoices = tuple(
        WORST if any(one <= point < one + length for one in other) else QUIET for point in range(1, POINTS + 1)
    )
    return Life((login, (QUIET,) * POINTS, invoices), frozenset())


def slept(life: Life, *groups: tuple[str, ...], points: int = POINTS) -> House:
    """Asleep for `points`, then one tick."""
    lived = living(life, *groups)
    lived.clock.advance(points * INTERVAL)
    lived.tick()
    lived.outbox.deliver_due()
    return lived


def test_an_hour_of_flapping_that_is_over_is_one_root_and_nobody_is_called() -> None:
    lived = slept(flapping(*range(5, 60, 5)))
    (incident,) = lived.incidents
    assert incident.recovered_at is not None
    assert incident.opened_at < incident.recovered_at < lived.clock.now()
    assert lived.told == ["root"]
    assert lived.pager.messages[0].post.mention == ()
    assert posts(lived, PostKind.CALL) == []


def test_each_time_to_come_back_has_its_incident() -> None:
    lived = slept(flapping(5, 8, 40, 44))
    assert [one.id for one in lived.incidents] == ["INC-0001", "INC-0002"]
    assert sorted(lived.told) == [ENDED, ENDED, "root", "root"]


def test_what_happened_first_is_the_first_incident_whatever_the_order_of_the_rules() -> None:
    lived = slept(flapping(40, other=(10,)))
    assert [each.alerts[0].key.alert for each in lived.incidents] == ["Invoices", "Login"]


def test_what_fires_still_pages_once_and_asks_for_people_from_now_on() -> None:
    lived = slept(flapping(5, 8, 11, length=2), points=11)
    (incident,) = lived.incidents
    assert incident.recovered_at is None
    assert lived.told == ["root"]
    assert lived.pager.messages[0].post.mention == ("S0ONCALL",)
    assert posts(lived, PostKind.CALL) == ["INC-0001"]
    assert [one.since for one in incident.clocks] == [lived.clock.now()]


def test_what_was_over_when_it_was_read_joins_an_open_incident_quietly() -> None:
    lived = living(replace(flapping(other=(10,)), values=((WORST,) * POINTS, *flapping(other=(10,)).values[1:])))
    lived.walk(2 * INTERVAL)
    before = list(lived.told)
    assert before[0] == "root"
    lived.clock.advance(30 * INTERVAL)
    lived.tick()
    (incident,) = lived.incidents
    assert [one.key.alert for one in incident.alerts if one.key.tier is Tier.ROLLBACK] == ["Login", "Invoices"]
    assert set(lived.told[len(before) :]) == {"edit root"}
    assert posts(lived, PostKind.CALL) == ["INC-0001"]


def test_who_waits_for_a_recovery_is_told_of_it_once() -> None:
    lived = living(flapping(1, 10, length=4))
    lived.walk(2 * INTERVAL)
    lived.clock.advance(40 * INTERVAL)
    lived.tick()
    broadcasts = [one for one in lived.told if one.startswith("broadcast")]
    (incident,) = lived.incidents
    assert incident.recovered_at is not None
    assert len(broadcasts) == 1
    assert broadcasts[0].startswith("broadcast: Recovered ")
    stances = [one.call.stance for one in lived.pager.messages if one.call is not None]
    assert Stance.TRIGGERED not in stances


def test_of_two_groups_the_second_one_joins_what_the_first_one_opened() -> None:
    """Each is caught up with on its own: what it finds may lie before what the other found."""
    apart = (("Login", "Errors"), ("Invoices",))
    lived = slept(flapping(20, other=(14,)), *apart)
    (incident,) = lived.incidents
    assert {one.key.alert for one in incident.alerts} == {"Login", "Invoices"}
    assert incident.recovered_at == max(one.resolved_at for one in incident.alerts if one.resolved_at)
    assert lived.told.count("root") == 1
    assert {one for one in lived.told if not one.endswith("root")} == {ENDED}

    lived = slept(flapping(60, other=(10,)), *apart)
    assert [each.alerts[0].key.alert for each in lived.incidents] == ["Login", "Invoices"]


def test_an_incident_does_not_end_by_itself_while_nobody_has_read_whether_it_stayed_clear() -> None:
    lived = living(flapping(1, 20, length=2))
    lived.walk(5 * INTERVAL)
    lived.answer = lambda _expr, _at: Unanswered("connection refused")
    lived.walk(30 * INTERVAL)
    (incident,) = [one for one in lived.incidents if not one.blind]
    assert (incident.recovered_at is not None, incident.is_open) == (True, True)
    lived.answer = lambda _expr, _at: None
    lived.walk(2 * INTERVAL)
    assert lived.incident().id == incident.id
    (again,) = [one for one in lived.incident().alerts if one.key == key("Login")]
    assert again.fired_at == again.since, "it came back to the same incident, read late"
    lived.walk(REOPEN_WITHIN, step=60)
    assert lived.incident().end_reason is EndReason.BY_ITSELF
