"""Folding where something can change is stepping point by point, for whatever a history holds."""

from collections.abc import Mapping

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.judging.evaluate import skip, step
from monitor.core.judging.judge import unseen
from monitor.core.judging.point import within_limit
from monitor.core.model import Alert, AlertKey, Judgement, Labels, Tier, Transition, Verdict
from monitor.core.rules.rule import Group, NoData, Resolve, Rule, TierRule
from monitor.core.rules.signal import Condition, Query, Signal
from monitor.evaluation.reading import in_error
from monitor.workbench.replay.folding import Folding
from monitor.workbench.replay.history import Grid, Hole
from monitor.workbench.replay.tracks import Track
from monitor.workbench.replay.verdicts import CODES, Code, unseen_code

INTERVAL, START = 15, 1_741_057_200
VERDICT = {code: verdict for verdict, code in CODES.items()}
WORDS = {
    ".": Code.ABSENT,
    "c": Code.CLEAR,
    "m": Code.BETWEEN,
    "B": Code.BREACH,
    "i": Code.INSUFFICIENT,
    "n": Code.NO_DATA,
    "e": Code.ERROR,
}
WHOLE = {"W": Code.WRONG, "U": Code.UNREAD}
"""What holds for a rule and all of its instances."""

Heard = Mapping[AlertKey, str]


def runs(letters: str, most: int = 8) -> st.SearchStrategy[str]:
    """Stretches of the same, as histories are made of, some of them of a single point."""
    one = st.tuples(st.sampled_from(letters), st.integers(1, most)).map(lambda run: run[0] * run[1])
    return st.lists(one, min_size=1, max_size=12).map("".join)


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    held = st.sampled_from([0, 1, INTERVAL, 40, 60, 90])
    prepare = TierRule(Tier.PREPARE, above=0.02, below=None, hold=draw(held), clear=0.01)
    rollback = TierRule(Tier.ROLLBACK, above=None, below=0.5, hold=draw(held))
    tiers = draw(st.sampled_from([(prepare,), (rollback,), (prepare, rollback)]))
    absent = draw(st.sampled_from([None, 0.0, 0.3]))
    signals: tuple[Signal, ...] = Query("x", ("job",), absent), Condition("x", ("job",))
    signal = draw(st.sampled_from(signals))
    return Rule(
        "Story",
        signal,
        tiers,
        keep_firing_for=draw(st.sampled_from([0, INTERVAL, 50, 75])),
        no_data=draw(st.sampled_from(list(NoData))),
        resolve=draw(st.sampled_from(list(Resolve))),
        gap_tolerance=draw(st.sampled_from([None, 0, 30])),
    )


@st.composite
def histories(draw: st.DrawFn) -> tuple[Rule, int, Heard, str]:
    """A rule, the limit of its group, what each alert hears at each point, and what the whole rule hears."""
    rule = draw(rules())
    keys = [
        AlertKey("Story", (("job", name),), tier.tier)
        for name in "abc"[: draw(st.integers(1, 3))]
        for tier in rule.tiers
    ]
    whole = draw(st.one_of(st.just(""), runs("   WU", 5)))
    return rule, draw(st.sampled_from([1, 2, 500])), {key: draw(runs("...ccmBBBBine")) for key in keys}, whole


def laid(heard: Heard) -> tuple[int, dict[AlertKey, str]]:
    """Everything of one length; an instance is in the data with all of its tiers or with none."""
    count = max(map(len, heard.values()))
    even = {key: text.ljust(count, ".") for key, text in heard.items()}
    for key, text in even.items():
        others = [other for theirs, other in even.items() if theirs.labels == key.labels]
        even[key] = "".join("." if any(other[i] == "." for other in others) else text[i] for i in range(count))
    return count, even


def value(key: AlertKey, index: int) -> float:
    """Some number that differs from point to point."""
    return ((index * 7919 + len(key.labels[0][1]) + ord(key.labels[0][1])) % 97) / 97


def judgements_at(heard: Heard, index: int) -> dict[AlertKey, Judgement]:
    return {
        key: Judgement(VERDICT[WORDS[text[index]]], value(key, index) if text[index] in "cmB" else None)
        for key, text in heard.items()
        if text[index] != "."
    }


def plainly(
    rule: Rule, group: Group, heard: Heard, whole: str, count: int
) -> tuple[list[Transition], dict[AlertKey, Alert]]:
    """Point by point, as the engine folds."""
    alerts: dict[AlertKey, Alert] = {}
    transitions: list[Transition] = []
    index = 0
    while index < count:
        letter = whole[index : index + 1]
        if letter == "U":
            end = index
            while end < count and whole[end : end + 1] == "U":
                end += 1
            skipped = skip(rule, group, alerts, (end - index) * INTERVAL, START + (end - 1) * INTERVAL)
            alerts, index = dict(skipped.alerts), end
            transitions += skipped.transitions
            continue
        judged, _ = within_limit(judgements_at(heard, index), tuple(alerts), group.limit)
        stepped = step(
            rule, group, alerts, in_error(alerts, "wrong") if letter == "W" else judged, START + index * INTERVAL
        )
        alerts, index = dict(stepped.alerts), index + 1
        transitions += stepped.transitions
    return transitions, alerts


def swiftly(rule: Rule, group: Group, heard: Heard, whole: str, count: int) -> Folding:
    tracks = {}
    for key, text in heard.items():
        codes = np.array([WHOLE.get(whole[i : i + 1]) or WORDS[text[i]] for i in range(count)], dtype=np.int8)
        tier = rule.tier(key.tier)
        assert tier is not None
        values = np.array([value(key, i) for i in range(count)])
        tracks[key] = Track(tier, codes, values, unseen_code(rule, tier))
    wrong = [Hole(i, i + 1, "wrong") for i in range(count) if whole[i : i + 1] == "W"]

    def judge(index: int, only: frozenset[Labels]) -> dict[AlertKey, Judgement]:
        return {key: one for key, one in judgements_at(heard, index).items() if key.labels in only}

    folding = Folding(rule, group, Grid(START, INTERVAL, count), tracks, judge, wrong)
    folding.run()
    return folding


def told(transitions: list[Transition]) -> list[tuple[object, ...]]:
    return sorted(
        (one.at, str(one.alert.key), one.before, one.after, one.cause, repr(one.alert)) for one in transitions
    )


@given(histories())
@settings(max_examples=250, deadline=None)
def test_folding_where_something_can_change_is_stepping_point_by_point(story: tuple[Rule, int, Heard, str]) -> None:
    rule, limit, heard, whole = story
    group = Group("story", (rule,), interval=INTERVAL, limit=limit)
    count, even = laid(heard)
    transitions, alerts = plainly(rule, group, even, whole, count)
    swift = swiftly(rule, group, even, whole, count)
    assert told(swift.transitions) == told(transitions)
    assert dict(swift.alerts) == alerts


def test_a_long_quiet_breach_is_stepped_a_handful_of_times() -> None:
    tier = TierRule(Tier.PREPARE, above=0.02, below=None, hold=300)
    rule = Rule("Story", Query("x", ("job",)), (tier,), keep_firing_for=120)
    group = Group("story", (rule,), interval=INTERVAL)
    key = AlertKey("Story", (("job", "a"),), Tier.PREPARE)
    heard = {key: "c" * 5000 + "B" * 5000 + "c" * 5000}
    asked = []

    def judge(index: int, only: frozenset[Labels]) -> dict[AlertKey, Judgement]:
        asked.append((index, only))
        return judgements_at(heard, index)

    codes = np.array([WORDS[letter] for letter in heard[key]], dtype=np.int8)
    values = np.array([value(key, i) for i in range(15000)])
    track = Track(tier, codes, values, CODES[unseen(rule.signal, tier).verdict])
    folding = Folding(rule, group, Grid(START, INTERVAL, 15000), {key: track}, judge)
    folding.run()
    assert [index for index, _ in asked] == [5000, 5020, 10000, 10008]
    assert folding.transitions[-1].alert.peak == max(value(key, i) for i in range(5000, 10000))
    assert Verdict.BREACH in {one.judgement.verdict for one in folding.transitions if one.judgement}
