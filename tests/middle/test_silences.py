"""What silences and maintenance windows keep from paging, what pages all the same, and how it is told."""

from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.core.incidents.events import AlertFired, HiddenTold
from monitor.core.incidents.silence import Silence
from monitor.core.model import Tier
from monitor.core.pages.page import ActionKind
from monitor.core.rules.routing import Maintenance
from monitor.core.rules.rule import Matcher, MatchOp
from monitor.people.silencing import Refused, Wanted
from monitor.ports.metrics import Unanswered
from monitor.ports.store import PostKind
from tests.middle.house import ANA, BAD, BEN, BLIND_AFTER, INTERVAL, QUIET, WORST, House, group, rule, rule_set

LOGIN = rule("Login", prepare=0, rollback=0)
ERRORS = replace(rule("Errors", prepare=0), labels=(("team", "billing"),))
SLOW = rule("Slow", prepare=0)
CRITICAL = group("critical", LOGIN, ERRORS, SLOW)
NIGHT = Maintenance("monthly-close", (Matcher("team", MatchOp.EQUAL, "billing"),), start=3 * 60, end=4 * 60)
"""03:00 to 04:00 UTC; the house begins at 03:00."""


def silenced(*match: str, lasts: str = "2h", maintenance: tuple[Maintenance, ...] = (), **values: float) -> House:
    """A house with a silence (where there are matchers) before anything happens."""
    house = House(CRITICAL, maintenance=maintenance)
    if match:
        assert isinstance(add(house, *match, lasts=lasts), Silence)
    for alert, value in values.items():
        house.says(alert, value)
    house.tick()
    return house


def add(house: House, *match: str, lasts: str = "2h", tiers: tuple[str, ...] = ("prepare",)) -> Silence | Refused:
    return house.commands.silencing.add(Wanted(match, lasts, "load test", ANA, tiers))


def told(house: House) -> list[str]:
    return [
        event.said for one in house.incidents for event in house.store.events(one.id) if isinstance(event, HiddenTold)
    ]


# --- what is hidden --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "match",
    [
        pytest.param(('job="errors"',), id="by a label of the alert"),
        pytest.param(('alertname="Errors"',), id="by its name"),
        pytest.param(('team="billing"',), id="by a label of its rule"),
        pytest.param(('alertname=~"Err.*"', 'job!="web"'), id="by several that all fit"),
    ],
)
def test_a_silence_hides(match: tuple[str, ...]) -> None:
    house = silenced(*match, Errors=BAD)
    house.walk(600)
    assert house.incidents == []
    assert [str(one) for one in house.alerts()] == ['Errors{job="errors"}[prepare]']
    assert house.engine.readings.keys() == house.alerts().keys()


@pytest.mark.parametrize(
    "match", [('job="web"',), ('team="ops"',), ('job="errors"', 'team="ops"')], ids=["label", "rule", "one of two"]
)
def test_what_does_not_fit_pages(match: tuple[str, ...]) -> None:
    assert [one.tier for one in silenced(*match, Errors=BAD).incidents] == [Tier.PREPARE]


def test_the_rollback_tier_of_a_silenced_alert_pages() -> None:
    house = silenced('job="login"', Login=BAD)
    assert house.incidents == []
    house.says("Login", WORST)
    house.walk(2 * INTERVAL)
    assert [one.tier for one in house.incidents] == [Tier.ROLLBACK]


def test_what_a_silence_matches_does_not_join_an_open_incident_either() -> None:
    house = silenced('job="errors"', Slow=BAD)
    house.says("Errors", BAD)
    house.walk(60)
    assert [one.key.alert for one in house.incident().alerts] == ["Slow"]


def test_an_incident_that_is_open_goes_on_and_clears() -> None:
    house = silenced(Errors=BAD)
    add(house, 'job="errors"')
    house.walk(60)
    assert house.incident().active
    house.says("Errors", QUIET)
    house.walk(60)
    assert house.incident().recovered_at is not None


def test_blindness_is_hidden_where_it_is_asked_for_and_only_then() -> None:
    house = silenced('alertname=~".+"')
    house.answer = lambda _expr, _at: Unanswered("timeout")
    house.walk(BLIND_AFTER + 60)
    assert [one.blind for one in house.incidents] == [True]
    house = House(CRITICAL)
    add(house, 'source="Prometheus"', tiers=("blind",))
    house.tick()
    house.answer = lambda _expr, _at: Unanswered("timeout")
    house.walk(BLIND_AFTER + 600)
    assert house.incidents == []
    assert len(house.store.hidden()) == 1
    assert len(house.store.transitions()) == 1
    house.walk(7200, step=60)
    assert [one.blind for one in house.incidents] == [True]


# --- what happens when it ends ---------------------------------------------------------------------------------------


def ends(house: House, how: str) -> None:
    if how == "expire":
        house.commands.silencing.expire(1, BEN)
        house.walk(INTERVAL)
    else:
        house.walk(3600, step=60)


@pytest.mark.parametrize("how", ["by itself", "expire"])
def test_a_silence_that_ends_over_a_breach_opens_an_incident_that_says_so(how: str) -> None:
    house = silenced('job="errors"', lasts="1h", Errors=BAD)
    since = house.clock.now().replace(second=0)
    house.walk(900)
    ends(house, how)
    (incident,) = house.incidents
    assert [(one.key.alert, one.since) for one in incident.active] == [("Errors", since)]
    until = "04:00" if how == "by itself" else "03:15"
    assert told(house) == [f"1 alert was hidden by silence 1 until {until} UTC."]
    assert house.told == ["root", f"line: 1 alert was hidden by silence 1 until {until} UTC."]
    house.walk(3600, step=60)
    assert len(house.incidents) == 1
    assert len([event for event in house.store.events(incident.id) if isinstance(event, AlertFired)]) == 1


def test_what_cleared_under_a_silence_pages_nobody_and_is_told_once_by_the_next_incident() -> None:
    house = silenced('job=~"errors|slow|login"', lasts="1h", Errors=BAD, Slow=BAD, Login=BAD)
    for alert in ("Errors", "Slow", "Login"):
        house.says(alert, QUIET)
    house.walk(3700, step=60)
    assert house.incidents == []
    house.says("Errors", BAD)
    house.walk(60)
    assert told(house) == ["3 alerts were hidden by silence 1 until 04:00 UTC."]
    house.says("Errors", QUIET)
    house.walk(3600, step=60)
    house.says("Errors", BAD)
    house.walk(60)
    assert len(house.incidents) == 2
    assert len(told(house)) == 1


def test_what_is_hidden_still_is_told_in_the_present() -> None:
    house = silenced('job="errors"', Errors=BAD)
    house.says("Slow", BAD)
    house.walk(60)
    assert told(house) == ["1 alert is hidden by silence 1 until 05:00 UTC."]


def test_what_was_hidden_days_ago_is_told_to_nobody() -> None:
    house = silenced('job="errors"', lasts="1h", Errors=BAD)
    house.says("Errors", QUIET)
    house.walk(60)
    house.walk(26 * 3600, step=1800)
    house.says("Slow", BAD)
    house.walk(60)
    assert (len(house.incidents), told(house)) == (1, [])


def test_what_is_hidden_and_free_joins_an_incident_that_is_open_and_says_so() -> None:
    house = silenced('job="errors"', lasts="1h", Errors=BAD, Slow=BAD)
    house.walk(3600, step=60)
    assert {one.key.alert for one in house.incident().active} == {"Errors", "Slow"}
    assert told(house)[-1] == "1 alert was hidden by silence 1 until 04:00 UTC."


def test_a_restart_forgets_no_silence_and_nothing_that_it_hides() -> None:
    house = silenced('job="errors"', lasts="1h", Errors=BAD)
    for _ in range(12):
        house.walk(285)
        house.build(house.book.now.rules)
        assert house.incidents == []
    house.walk(240)
    assert [one.is_open for one in house.incidents] == [True]
    assert house.store.reasons.count("prepare_opens") == 1


def test_a_second_silence_goes_on_hiding_what_the_first_hid() -> None:
    house = silenced('job="errors"', lasts="1h", Errors=BAD)
    add(house, 'alertname="Errors"', lasts="2h")
    house.walk(7200 - 60, step=60)
    assert house.incidents == []
    house.walk(120)
    assert len(house.incidents) == 1


def test_a_rule_that_is_renamed_or_removed_takes_along_what_is_hidden() -> None:
    house = silenced('job="errors"', lasts="1h", Errors=BAD)
    house.says("Mistakes", BAD)
    renamed = replace(ERRORS, alert="Mistakes", renamed_from="Errors")
    house.reloader.adopt(rule_set(group("critical", LOGIN, renamed, SLOW)))
    house.walk(60)
    assert [one.firing.key.alert for one in house.store.hidden(live_only=True)] == ["Mistakes"]
    house.reloader.adopt(rule_set(group("critical", LOGIN, SLOW)))
    house.walk(3700, step=60)
    assert (house.store.hidden(live_only=True), house.incidents) == ([], [])


# --- maintenance -----------------------------------------------------------------------------------------------------


def test_a_maintenance_window_hides_and_what_breaches_at_its_end_pages() -> None:
    house = silenced(maintenance=(NIGHT,), Errors=BAD)
    house.walk(3580, step=20)
    assert house.incidents == []
    house.walk(60)
    assert told(house) == ["1 alert was hidden by maintenance monthly-close until 04:00 UTC."]


def test_a_maintenance_window_never_hides_the_rollback_tier() -> None:
    every = replace(NIGHT, matchers=(Matcher("alertname", MatchOp.MATCHES, ".+"),))
    house = silenced(maintenance=(every,), Login=WORST)
    assert [one.tier for one in house.incidents] == [Tier.ROLLBACK]


def test_a_reload_that_takes_the_window_away_pages_what_it_hid() -> None:
    house = silenced(maintenance=(NIGHT,), Errors=BAD)
    house.reloader.adopt(rule_set(CRITICAL))
    house.walk(INTERVAL)
    assert [one.key.alert for one in house.incident().active] == ["Errors"]


# --- asking for one --------------------------------------------------------------------------------------------------

REFUSED = [
    ("the rollback tier", Wanted(('job="a"',), "1h", "x", ANA, ("rollback",)), "The rollback tier cannot be silenced"),
    ("it by a matcher", Wanted(('tier="rollback"', 'job="a"'), "1h", "x", ANA), "The rollback tier cannot be silenced"),
    ("it by any tier", Wanted(('tier=~".+"', 'job="a"'), "1h", "x", ANA), "The rollback tier cannot be silenced"),
    ("a tier as a label", Wanted(('tier="prepare"',), "1h", "x", ANA), "`tier` is no label of an alert"),
    ("only a rollback rule", Wanted(('alertname="Data"',), "1h", "x", ANA), "Data pages in the rollback tier only."),
    ("no such rule", Wanted(('alertname="Nope"',), "1h", "x", ANA), "No rule has such a name"),
    ("everything", Wanted(('job=~".*"',), "1h", "x", ANA), "This would fit every alert"),
    ("nothing to match", Wanted((), "1h", "x", ANA), "This would fit every alert"),
    ("no matcher", Wanted(("job",), "1h", "x", ANA), "`job` cannot be read as a matcher"),
    ("no length", Wanted(('job="a"',), "0s", "x", ANA), "expected a duration over 0"),
    ("a length without unit", Wanted(('job="a"',), "2", "x", ANA), "`2` is no duration (with its unit: 2s)"),
    ("for ever", Wanted(('job="a"',), "31d", "x", ANA), "A silence lasts 30 days at most"),
    ("no reason", Wanted(('job="a"',), "1h", " ", ANA), "Say why"),
    ("an unknown tier", Wanted(('job="a"',), "1h", "x", ANA, ("page",)), "There is no tier page"),
    ("no tier", Wanted(('job="a"',), "1h", "x", ANA, ()), "Say which tier"),
]


@pytest.mark.parametrize(("wanted", "sentence"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_a_silence_is_refused(wanted: Wanted, sentence: str) -> None:
    house = House(group("critical", LOGIN, rule("Data", rollback=0)))
    refused = house.commands.silencing.add(wanted)
    assert isinstance(refused, Refused)
    assert refused.sentence.startswith(sentence)
    assert house.store.silences() == []


def test_a_refusal_of_the_rollback_tier_says_what_is_possible() -> None:
    refused = add(House(CRITICAL), 'job="a"', tiers=("rollback",))
    assert isinstance(refused, Refused)
    assert all(word in refused.sentence for word in ("incident ack", "incident dealt-with", "shadow: true"))


def test_who_and_why_are_on_record_and_the_end_too() -> None:
    house = silenced('job="errors"', Errors=BAD)
    house.clock.advance(60)
    house.commands.silencing.expire(1, BEN)
    (silence,) = house.store.silences()
    assert (silence.by, silence.reason, silence.expired_by) == (ANA, "load test", BEN)
    assert silence.expired_at == silence.starts_at + timedelta(seconds=60)


def test_a_silence_ends_once() -> None:
    house = silenced('job="errors"', lasts="1h")
    assert isinstance(house.commands.silencing.expire(1, BEN), Silence)
    refused = house.commands.silencing.expire(1, BEN)
    assert refused == Refused("Silence 1 ended at 03:00 UTC already.")
    assert house.commands.silencing.expire(7, BEN) == Refused("There is no silence 7.", unknown=True)


def test_everything_that_is_hidden_is_counted_by_what_hides_it() -> None:
    house = silenced('job="slow"', maintenance=(NIGHT,), Errors=BAD, Slow=BAD)
    house.says("Slow", QUIET)
    house.walk(60)
    overview = house.commands.silencing.overview()
    assert [(one.id, len(standing.hidden), standing.now) for one, standing in overview.silences] == [(1, 1, 0)]
    assert [(one.name, len(standing.hidden), standing.now) for one, standing in overview.maintenance] == [
        ("monthly-close", 1, 1)
    ]


def test_a_hidden_alert_has_no_incident_to_acknowledge() -> None:
    house = silenced('job="errors"', Errors=BAD)
    outcome = house.ask(ActionKind.ACKNOWLEDGE)
    assert getattr(outcome, "sentence", "") == "There is no incident INC-0001."
    assert [post.kind for post in house.store.owed() if post.kind is PostKind.ROOT] == []
