"""What a replay tells of incidents, covers, blindness and parts that nobody answered: short stories."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from monitor.adapters.memory.store import MemoryStore
from monitor.adapters.memory.world import ScriptedSource
from monitor.core.model import Tier, utc
from monitor.core.replay.outcome import Replayed
from monitor.ports.metrics import Answer, BadQuery, Partial, Unanswered
from monitor.workbench.replay.cache import NoCache
from monitor.workbench.replay.fetching import Fetcher
from monitor.workbench.replay.history import History, Progress
from monitor.workbench.replay.replaying import Replay
from monitor.workbench.replay.world import World
from tests.time_rules.histories import START
from tests.workbench.replays import NOW, Values, by_job, replay_of, replayed, rules_of

QUEUE = """
- alert: Queue
  signal: {query: {expr: 'max by (job) (queue)', by: [job]}}
  prepare: {above: 100, for: 5m}
  rollback: {above: 1000}
"""
HOUR = 3600


def pages(outcome: Replayed) -> list[tuple[int, str]]:
    return [(page.at - START, page.reason) for page in outcome.pages]


def test_a_breach_is_told_at_its_true_times_with_its_worst_value(tmp_path: Path) -> None:
    source = by_job(lambda _, at: {"a": 150.0 + at / 1000 if 600 <= at < 1800 else 5.0})
    outcome = replayed(source, rules_of(QUEUE, tmp_path), 0, HOUR)
    (stretch,) = outcome.alerts
    assert (stretch.since - START, stretch.fired_at, stretch.resolved_at) == (600, START + 900, START + 1800)
    assert (stretch.peak, stretch.evaluations, stretch.group) == (150.0 + 1785 / 1000, 80, "story")
    assert pages(outcome) == [(910, "prepare_opens")]
    assert [(one.incident, one.begin - START, one.recovered_at, one.ended_at) for one in outcome.cases] == [
        ("INC-0001", 910, START + 1800, START + 3610)
    ]
    assert outcome.complete
    assert not outcome.unread


def test_within_half_an_hour_it_is_back_and_later_it_is_another_incident_that_ended_by_itself(tmp_path: Path) -> None:
    breaches = [(600, 1200), (2400, 3000), (8000, 8600)]
    source = by_job(lambda _, at: {"a": 150.0 if any(begin <= at < end for begin, end in breaches) else 5.0})
    outcome = replayed(source, rules_of(QUEUE, tmp_path), 0, 3 * HOUR)
    assert pages(outcome) == [(910, "prepare_opens"), (2710, "back"), (8320, "prepare_opens")]
    assert [(one.incident, one.ended_at) for one in outcome.cases] == [
        ("INC-0001", START + 4810),
        ("INC-0002", START + 10420),
    ]


def test_prepare_is_raised_to_rollback_and_one_page_names_the_greater(tmp_path: Path) -> None:
    source = by_job(lambda _, at: {"a": 5.0 if at < 600 else 150.0 if at < 1200 else 5000.0})
    outcome = replayed(source, rules_of(QUEUE, tmp_path), 0, HOUR)
    assert pages(outcome) == [(910, "prepare_opens"), (1210, "raised")]
    assert [page.tier for page in outcome.pages] == [Tier.PREPARE, Tier.ROLLBACK]
    assert all(one.resolved_at is None for one in outcome.alerts)


def test_what_began_before_is_known_and_its_page_was_before(tmp_path: Path) -> None:
    source = by_job(lambda _, at: {"a": 150.0 if -1200 <= at < 600 else 5.0})
    outcome = replayed(source, rules_of(QUEUE, tmp_path), 0, HOUR)
    assert [(one.since - START, one.resolved_at) for one in outcome.alerts] == [(-1200, START + 600)]
    assert pages(outcome) == []
    assert len(outcome.cases) == 1


def test_a_maintenance_window_hides_prepare_until_it_ends_and_never_rollback(tmp_path: Path) -> None:
    window = "maintenance:\n  - {name: night, matchers: ['alertname=\"Queue\"'], from: '03:00', to: '04:00'}\n"
    rules = rules_of(QUEUE, tmp_path, routing=window)
    still = replayed(by_job(lambda _, at: {"a": 150.0 if at >= 600 else 5.0}), rules, 0, 2 * HOUR)
    assert pages(still) == [(HOUR, "prepare_opens")]
    over = replayed(by_job(lambda _, at: {"a": 150.0 if 600 <= at < 1800 else 5.0}), rules, 0, 2 * HOUR)
    assert pages(over) == []
    assert len(over.alerts) == 1
    worse = replayed(by_job(lambda _, at: {"a": 5000.0 if 600 <= at < 1800 else 5.0}), rules, 0, 2 * HOUR)
    assert pages(worse) == [(610, "rollback_opens")]


def test_nobody_acts_so_that_what_a_person_ends_is_over_when_it_is_clear(tmp_path: Path) -> None:
    rules = rules_of(f"{QUEUE}  resolve: by_person\n", tmp_path)
    outcome = replayed(by_job(lambda _, at: {"a": 5000.0 if 600 <= at < 1800 else 5.0}), rules, 0, HOUR)
    assert [one.resolved_at for one in outcome.alerts] == [START + 1800] * 2
    assert pages(outcome) == [(610, "rollback_opens")]


def test_a_shadow_pages_nobody_and_shows_what_it_did(tmp_path: Path) -> None:
    rules = rules_of(f"{QUEUE}  shadow: true\n", tmp_path)
    outcome = replayed(by_job(lambda _, at: {"a": 5000.0 if 600 <= at < 1800 else 5.0}), rules, 0, HOUR)
    assert len(outcome.alerts) == 2
    assert (outcome.pages, outcome.cases) == ((), ())


def test_a_rule_without_data_is_blind_and_pages(tmp_path: Path) -> None:
    source = by_job(lambda _, at: {} if 600 <= at < 1800 else {"a": 5.0})
    outcome = replayed(source, rules_of(QUEUE, tmp_path), 0, 2 * HOUR)
    (blind,) = outcome.blind
    assert (blind.alert, blind.labels, blind.begin - START, blind.end) == ("Queue", (), 585, START + 1800)
    assert pages(outcome) == [(895, "blind_opens")]


def test_a_firing_instance_without_data_is_blind_and_goes_on_firing(tmp_path: Path) -> None:
    source = by_job(lambda _, at: {"b": 5.0} if at >= 1200 else {"a": 150.0 if at >= 600 else 5.0, "b": 5.0})
    outcome = replayed(source, rules_of(QUEUE, tmp_path), 0, HOUR)
    (stretch,) = outcome.alerts
    assert stretch.resolved_at is None
    assert [(one.labels, one.begin - START, one.end) for one in outcome.blind] == [((("job", "a"),), 1185, None)]


@pytest.mark.parametrize("away", [Unanswered("it is away"), Partial("half of it is away")])
def test_a_part_that_was_not_answered_is_told_and_is_no_health(tmp_path: Path, away: Answer) -> None:
    def script(_: str, at: int) -> Values | Answer:
        return away if 1500 <= at < 2100 else {"a": 150.0 if 600 <= at < 2400 else 5.0}

    outcome = replayed(by_job(script), rules_of(QUEUE, tmp_path), 0, HOUR)
    (stretch,) = outcome.alerts
    assert (stretch.fired_at, stretch.resolved_at) != (None, None)
    assert outcome.unread
    assert all(one.alert == "Queue" for one in outcome.unread)
    assert min(one.begin for one in outcome.unread) <= START + 1500
    assert max(one.end for one in outcome.unread) >= START + 2085
    assert away.why in {one.why for one in outcome.unread}  # type: ignore[union-attr]


def test_a_wrong_query_is_an_error_that_blinds(tmp_path: Path) -> None:
    outcome = replayed(
        by_job(lambda *_: BadQuery("two series carry the same labels")), rules_of(QUEUE, tmp_path), 0, HOUR
    )
    assert outcome.blind[0].why == "two series carry the same labels"
    assert not outcome.unread


def test_what_two_rule_sets_have_in_common_is_folded_and_lived_once(tmp_path: Path) -> None:
    source = by_job(lambda _, at: {"a": 150.0 if 600 <= at < 1800 else 5.0, "b": 300.0 if 9000 <= at < 9900 else 5.0})
    one = rules_of(QUEUE, tmp_path / "one")
    other = rules_of(
        f"{QUEUE}- alert: More\n  signal: {{query: {{expr: 'sum(queue)', by: []}}}}\n  prepare: {{above: 9999}}\n",
        tmp_path / "other",
    )
    replay = replay_of(source, 0, 4 * HOUR, one, one, other)
    first, again, third = (replay.outcome(number) for number in range(3))
    assert first == again
    assert first.pages == third.pages
    assert [page.incident for page in first.pages] == ["INC-0001", "INC-0002"]
    assert replay.folded(0)[0] is replay.folded(2)[0]
    assert len(replay._lived) == 2


def _scraped(source: ScriptedSource, when: Callable[[int], bool]) -> ScriptedSource:
    """The same source, which had samples of itself only at some seconds after START."""
    script, up = source.script, by_job(lambda _, at: {"": 1.0} if when(at) else {})
    return ScriptedSource(lambda expr, at: up.script("up", at) if expr == "count(up)" else script(expr, at))


@pytest.mark.parametrize(
    ("born", "unread"),
    [pytest.param(1800, (0, 1800), id="at first"), pytest.param(86400, (0, HOUR), id="all the while")],
)
def test_where_the_source_has_no_samples_yet_nothing_is_absent(
    tmp_path: Path, born: int, unread: tuple[int, int]
) -> None:
    source = _scraped(by_job(lambda _, at: {"a": 5.0} if at >= born else {}), lambda at: at >= born)
    outcome = replayed(source, rules_of(f"{QUEUE}  no_data: breach\n", tmp_path), 0, HOUR)
    assert (outcome.alerts, outcome.blind) == ((), ())
    assert [(one.begin - START, one.end - START) for one in outcome.unread] == [unread]
    assert f"no samples before {utc(START + born):%Y-%m-%d %H:%M:%S}" in outcome.unread[0].why


def test_a_source_that_was_away_has_lived_before(tmp_path: Path) -> None:
    source = _scraped(by_job(lambda *_: {}), lambda at: not -86400 <= at < 86400)
    outcome = replayed(source, rules_of(QUEUE, tmp_path), 0, HOUR)
    assert [(one.begin - START, one.end) for one in outcome.blind] == [(0, None)]
    assert not outcome.unread


@pytest.mark.parametrize(
    ("rule", "values", "why"),
    [
        pytest.param(QUEUE, {"a": math.nan}, "no data (the value is nan)", id="not a number"),
        pytest.param(QUEUE, {}, "its selectors match no series", id="nothing at all"),
        pytest.param(
            f"{QUEUE}  requires: {{expr: sum(gone), above: 1}}\n",
            {"a": 150.0},
            "its condition (`requires`) gave no data",
            id="no condition",
        ),
    ],
)
def test_blindness_says_what_the_daemon_would_say(tmp_path: Path, rule: str, values: Values, why: str) -> None:
    source = by_job(lambda expr, at: {"a": 5.0} if at < 600 else {} if "gone" in expr else values)
    outcome = replayed(source, rules_of(rule, tmp_path), 0, HOUR)
    assert {one.why for one in outcome.blind if not one.labels} == {why}


def test_traces_hold_what_was_judged(tmp_path: Path) -> None:
    source = by_job(lambda _, at: {"a": 150.0 if 600 <= at < 1800 else 5.0} if at != 300 else {})
    outcome = replay_of(source, 0, HOUR, rules_of(QUEUE, tmp_path)).outcome(0, with_traces=True)
    prepare = next(one for one in outcome.traces if one.key.tier is Tier.PREPARE)
    assert len(prepare.times) == len(prepare.values) == len(prepare.limits) == 241
    assert (prepare.values[0], prepare.values[20], prepare.values[40], prepare.limits[0]) == (5.0, None, 150.0, 100.0)
    assert [(str(one.state), one.begin - START, one.end - START) for one in prepare.bands] == [
        ("pending", 600, 900),
        ("firing", 900, 1800),
    ]


def test_an_interrupt_leaves_what_was_read_until_then(tmp_path: Path) -> None:
    source = by_job(lambda _, at: {"a": 150.0 if 600 <= at < 1800 else 5.0})
    seen = []

    def interrupted(progress: Progress) -> None:
        seen.append(progress)
        if progress.done == 3:
            raise KeyboardInterrupt

    history = History(Fetcher(source, NoCache(), NOW), 1, interrupted)
    replay = Replay(history, source, World(MemoryStore, source), START, START + 10 * 86400)
    replay.want(rules_of(QUEUE, tmp_path))
    replay.read()
    outcome = replay.outcome(0)
    assert (seen[-1].done, seen[-1].of) == (3, 11)
    assert not outcome.complete
    assert outcome.end == START // 86400 * 86400 + 3 * 86400 - 15
    assert pages(outcome) == [(910, "prepare_opens")]
    assert not outcome.unread


def test_an_interrupt_before_anything_was_read_leaves_nothing(tmp_path: Path) -> None:
    def interrupted(_: Progress) -> None:
        raise KeyboardInterrupt

    source = by_job(lambda *_: {"a": 5.0})
    history = History(Fetcher(source, NoCache(), NOW), 1, interrupted)
    replay = Replay(history, source, World(MemoryStore, source), START + 77_400, START + 10 * 86400)
    replay.want(rules_of(QUEUE, tmp_path))
    replay.read()
    assert not replay.reached
    assert (replay.outcome(0).complete, replay.outcome(0).pages) == (False, ())
