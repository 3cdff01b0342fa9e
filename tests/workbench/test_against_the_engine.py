"""A replay is what the daemon's own engine, desk and vigil find when they walk through the same history."""

from collections.abc import Iterable, Iterator
from contextlib import closing

import pytest

from monitor.adapters.memory.store import MemoryStore
from monitor.adapters.prometheus import PrometheusSource
from monitor.core.model import State, Tier, Transition
from monitor.core.replay.outcome import Replayed
from monitor.core.rules.ruleset import RuleSet
from monitor.ports.store import PostKind
from monitor.workbench.replay.cache import NoCache
from monitor.workbench.replay.fetching import Fetcher
from monitor.workbench.replay.finding import PAGES
from monitor.workbench.replay.folding import Folded
from monitor.workbench.replay.history import History
from monitor.workbench.replay.replaying import Replay
from monitor.workbench.replay.world import World
from tests.oracle.history import END, HISTORY
from tests.oracle.timelines import folder_of
from tests.servers.prometheus import Prometheus
from tests.time_rules.histories import START
from tests.time_rules.walk import OFFSET, Walk, load

NOW = START + 30 * 86400.0
LED = 3600
"""The walk begins so much earlier, so that both know the same at the beginning."""

RULES = """
groups:
  - name: more
    interval: 15s
    query_offset: 10s
    blind_after: 2m
    rules:
      - alert: Hysteresis
        signal: {error_ratio: {requests: requests_total, failures: 'code=~"5.."', by: [job], window: 1m}}
        guards: {min_requests: 50, min_failures: 3}
        keep_firing_for: 2m
        prepare: {above: 2%, for: 1m, clear: 1%}
        rollback: {above: 10%, for: 30s, clear: 2%, confidence: 99%}
      - alert: Failures
        signal: {count: {counter: 'requests_total{code="500"}', by: [job], window: 1m, alive: 'probe'}}
        prepare: {above: 20, for: 2m}
      - alert: Expected
        signal: {error_ratio: {requests: gappy_total, failures: 'code=~"5.."', by: [job], window: 1m}}
        expect: [{job: gappy}, {job: nowhere}]
        prepare: {above: 2%, for: 1m}
      - alert: AbsenceIsBad
        signal: {query: {expr: 'sum by (job) (rate(gappy_total[1m]))', by: [job]}}
        no_data: breach
        expect: [{job: gappy}]
        keep_firing_for: 1m
        prepare: {below: 1, for: 1m}
      - alert: AbsenceIsZero
        signal: {query: {expr: 'sum(rate(gappy_total[1m]))', by: [], absent: 0}}
        rollback: {below: 1, for: 1m}
      - alert: OnlyWhileBusy
        signal: {query: {expr: 'max by (name) (queue)', by: [name]}}
        requires: {expr: 'sum(rate(requests_total{job="flapping"}[1m])) > 0', above: 9.5}
        keep_firing_for: 1m
        prepare: {above: 100, for: 1m}
      - alert: Slower
        signal: {latency: {histogram: known_seconds, quantile: 0.95, by: [job], window: 1m}}
        guards: {min_requests: 100}
        prepare: {above: 50%, for: 1m, clear: 20%}
        rollback: {above: 300%, confidence: 95%}
      - alert: TwoOfAKind
        signal: {query: {expr: 'probe', by: [service]}}
        prepare: {below: 1, for: 1m}
  - name: crowded
    interval: 15s
    query_offset: 10s
    limit: 3
    rules:
      - alert: Crowded
        signal: {error_ratio: {requests: requests_total, failures: 'code=~"5.."', by: [job], window: 1m}}
        prepare: {above: 1%, for: 1m}
"""

THEIRS = """
groups:
  - name: theirs
    interval: 15s
    rules:
      - {alert: NothingOfIt, expr: absent(gappy_total), for: 1m}
      - {alert: Both, expr: 'queue > 100 and on (name) queue < 200', for: 30s, labels: {tier: rollback}}
"""

Told = list[tuple[object, ...]]


class Both:
    """One history, walked through and replayed."""

    def __init__(self, rules: RuleSet, url: str) -> None:
        with closing(PrometheusSource(url)) as source:
            self.walk = Walk(source, rules, begin=-LED).to(END)
            history = History(Fetcher(source, NoCache(), NOW), 2)
            replay = Replay(history, source, World(MemoryStore, source), START, START + END)
            number = replay.want(rules)
            replay.read()
            self.outcome: Replayed = replay.outcome(number)
            self.folded: list[Folded] = list(replay.folded(number))


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    folder = folder_of(RULES, tmp_path_factory.mktemp("rules") / "rules")
    (folder / "theirs.yaml").write_text(THEIRS)
    with Prometheus(history=HISTORY) as prometheus:
        yield Both(load(folder), prometheus.url)


def told(transitions: Iterable[Transition]) -> Told:
    return sorted(
        (
            one.at - START,
            str(one.alert.key),
            one.before,
            one.after,
            one.cause,
            one.alert.since - START,
            one.alert.peak,
            one.judgement and (one.judgement.verdict, one.judgement.value, one.judgement.limit, one.judgement.why),
        )
        for one in transitions
        if one.at >= START and one.alert.key.tier is not Tier.BLIND
    )


def test_every_transition_is_that_of_the_engine(both: Both) -> None:
    ours = told(one for each in both.folded for one in each.transitions)
    theirs = told(both.walk.transitions)
    assert [one for one in ours if one not in theirs] == []
    assert ours == theirs


@pytest.mark.parametrize(
    "alert",
    [
        "Hysteresis",
        "Failures",
        "AbsenceIsBad",
        "AbsenceIsZero",
        "OnlyWhileBusy",
        "Slower",
        "Crowded",
        "NothingOfIt",
        "Both",
    ],
)
def test_the_history_tries_every_rule(both: Both, alert: str) -> None:
    moves = [one for each in both.folded if each.rule.alert == alert for one in each.transitions]
    assert State.FIRING in {one.after for one in moves}


def test_every_page_is_that_of_the_desk(both: Both) -> None:
    ours = [(one.at - START, one.reason, str(one.tier)) for one in both.outcome.pages]
    posts = [message.post for message in both.walk.pager.messages if message.post.ts is None]
    theirs = [
        (int(post.decided_at.timestamp()) - START, post.reason)
        for post in posts
        if post.kind in (PostKind.ROOT, PostKind.BROADCAST) and post.reason in PAGES
    ]
    assert sorted((at, reason) for at, reason, _ in ours) == sorted(one for one in theirs if one[0] > 0)
    assert {tier for _, _, tier in ours} >= {"prepare", "rollback"}


def test_every_blindness_is_that_of_the_vigil(both: Both) -> None:
    seen = [one for one in both.walk.store.transitions(most=100_000) if one.key.tier is Tier.BLIND]
    theirs = {
        (str(one.key), one.after, one.since - START)
        for one in seen
        if one.since > START + 10 and one.after is State.FIRING
    }
    ours = {(one.alert, one.labels, one.begin + OFFSET - START) for one in both.outcome.blind if one.begin > START}
    assert len(ours) >= 3
    for alert, labels, since in ours:
        name = next((key for key, _, at in theirs if key.startswith(f"{alert}{{") and abs(at - since) <= 15), None)
        assert name is not None, (alert, labels, since, theirs)
    assert len(ours) == len(theirs)


def test_incidents_end_by_themselves_as_the_vigil_ends_them(both: Both) -> None:
    ours = [one.ended_at is not None for one in both.outcome.cases]
    assert len(ours) == len(
        [one for one in both.walk.store.incidents() if one.ended_at is None or one.ended_at.timestamp() > START]
    )
    assert OFFSET == 10
