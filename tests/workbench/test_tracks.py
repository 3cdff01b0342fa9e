"""What is judged for whole ranges is what is judged point by point, for every kind of signal and whatever was read."""

import math
import random
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.adapters.memory.world import ScriptedSource
from monitor.core.judging.latency import quantile
from monitor.core.model import Sample, Verdict, labels_of
from monitor.ports.metrics import Answer, Samples
from monitor.workbench.replay.history import Grid
from monitor.workbench.replay.observing import _quantiles
from monitor.workbench.replay.tracks import Case
from monitor.workbench.replay.verdicts import CODES, Code
from tests.time_rules.histories import START
from tests.time_rules.walk import load
from tests.workbench.replays import replay_of, rules_of

RATIO = "error_ratio: {requests: requests, failures: failures, by: [job], window: 1m}"
RULES = {
    "a ratio with guards and proof": f"""
- alert: Story
  signal: {{{RATIO}}}
  guards: {{min_requests: 20, min_failures: 3}}
  prepare: {{above: 2%, clear: 1%}}
  rollback: {{above: 25%, confidence: 99%, guards: {{min_failures: 5}}}}
""",
    "a ratio with two windows and overrides": f"""
- alert: Story
  signal: {{{RATIO}}}
  prepare: {{above: 2%}}
  rollback: {{above: 25%, window: 2m}}
  overrides:
    - {{matchers: ['job="b"'], prepare: none}}
    - {{matchers: ['job="c"'], prepare: {{above: 50%}}, rollback: {{above: 80%}}}}
""",
    "instances that must exist, and a condition": f"""
- alert: Story
  signal: {{{RATIO}}}
  expect: [{{job: a}}, {{job: nowhere}}]
  requires: {{expr: required, above: 0.5}}
  no_data: breach
  prepare: {{above: 2%}}
""",
    "availability": """
- alert: Story
  signal: {availability: {probe: probe, by: [job], window: 1m}}
  rollback: {below: 50%, clear: 75%}
""",
    "a count by job": """
- alert: Story
  signal: {count: {counter: failures, by: [job], window: 1m, alive: probe}}
  prepare: {above: 20}
""",
    "a count of everything": """
- alert: Story
  signal: {count: {counter: failures, by: [], window: 1m, alive: probe}}
  prepare: {above: 20}
""",
    "a query whose absence is a value": """
- alert: Story
  signal: {query: {expr: value, by: [], absent: 0.3}}
  prepare: {above: 0.2, clear: 0.1}
""",
    "a query by all labels, below": """
- alert: Story
  signal: {query: {expr: value}}
  rollback: {below: 0.5, clear: 0.7}
""",
    "a latency with a fixed baseline and proof": """
- alert: Story
  signal: {latency: {histogram: seconds, quantile: 0.9, by: [job], window: 1m, baseline: {fixed: 200ms}}}
  guards: {min_requests: 20}
  prepare: {above: 50%, clear: 20%}
  rollback: {above: 100%, confidence: 95%}
""",
    "a latency with references": """
- alert: Story
  signal: {latency: {histogram: seconds, quantile: 0.9, by: [job], window: 1m}}
  guards: {min_requests: 20}
  prepare: {above: 50%, clear: 20%}
""",
}
STRANGE = (math.nan, math.inf, -math.inf, 0.0, -1.0, 1e308, 5e-324)


def value(seed: int, expr: str, job: str, bound: str, at: int) -> float | None:
    """A number by chance, often at or near a limit, sometimes strange or missing."""
    chance = random.Random(f"{seed} {expr} {job} {bound} {at}")
    if chance.random() < 0.08:
        return None
    if chance.random() < 0.04:
        return chance.choice(STRANGE)
    if bound:
        slowest = random.Random(f"{seed} {at // 90}").choice((0.2, 0.5, 1.0))
        return round(60 * min(1.0, float(bound) / slowest)) + chance.choice((0, 0, 1))
    if "requests" in expr:
        return chance.choice((0.0, 0.5, 1.0, 3.0, 19.999999999, 20.0, 50.0, 100.0, 1000.0))
    if "failures" in expr:
        return chance.choice((0.0, 1.0, 2.0, 3.0, 5.0, 20.0, 25.0, 50.0, 500.0))
    return chance.choice((0.0, 0.02, 0.2, 0.3, 0.5, 0.5000000000000001, 0.7, 0.75, 1.0, 3.0))


def readings(seed: int) -> ScriptedSource:
    """Numbers by job, and by bucket; now and then nothing at all."""

    def answer(expr: str, at: int) -> Answer:
        if random.Random(f"{seed} {expr} {at} empty").random() < 0.05:
            return Samples(())
        jobs = ("a", "b", "c") if "by (job" in expr or expr in ("value", "required") else ("",)
        bounds = ("0.1", "0.25", "0.5", "1", "+Inf") if "_bucket" in expr else ("",)
        found = []
        for job, bound in product(jobs, bounds):
            number = value(seed, expr, job, bound, at)
            pairs = ({"job": job} if job else {}) | ({"le": bound} if bound else {})
            if number is not None:
                found.append(Sample(labels_of(pairs), number))
        return Samples(tuple(found))

    return ScriptedSource(answer)


def case_of(rules: str, seed: int, folder: Path, points: int) -> Case:
    replay = replay_of(readings(seed), 0, points * 15, rules_of(rules, folder))
    (prepared,) = replay._prepared
    (group,) = prepared.rules.groups
    return Case(group.rules[0], group, Grid(START, 15, points), replace(replay._context, plan=prepared.plan))


@pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
def test_whole_ranges_are_judged_as_points_are(rules: str, tmp_path: Path) -> None:
    verdicts = set()
    for seed in range(2):
        case = case_of(rules, seed, tmp_path / str(seed), 120)
        tracks = case.tracks()
        for index in range(case.grid.count):
            judged = case.judgements(index)
            told = {key: Code(int(track.codes[index])) for key, track in tracks.items() if track.codes[index]}
            assert told == {key: CODES[one.verdict] for key, one in judged.items()}, (seed, index)
            for key, one in judged.items():
                if one.verdict is Verdict.BREACH:
                    assert float(tracks[key].values[index]) == one.value
            verdicts |= {one.verdict for one in judged.values()}
    assert {Verdict.BREACH, Verdict.CLEAR} <= verdicts


def test_two_series_of_one_instance_are_judged_point_by_point(tmp_path: Path) -> None:
    rules = rules_of(
        "- alert: Story\n  signal: {query: {expr: value, by: [zone]}}\n  prepare: {above: 0.4}\n", tmp_path
    )
    replay = replay_of(readings(1), 0, 900, rules)
    (folded,) = replay.folded(0)
    (track,) = folded.tracks.values()
    assert {Code.ERROR} < set(map(Code, np.unique(track.codes).tolist()))


def test_the_beginning_and_the_end_of_a_warm_up_are_those_of_the_judging(tmp_path: Path) -> None:
    rules_of(
        """
- alert: Slow
  service: auth
  signal: {latency: {histogram: seconds, quantile: 0.9, by: [job], window: 1m, baseline: {fixed: 100ms}}}
  after_deploy: 3m
  prepare: {above: 50%, for: 0s}
""",
        tmp_path,
    )
    (tmp_path / "rules" / "releases.yaml").write_text("services: {auth: {version: 'build_info'}}\n")
    rules = load(tmp_path / "rules")

    def answer(expr: str, at: int) -> Answer:
        if "build_info" in expr:
            return Samples((Sample((("version", "2" if at >= START + 600 else "1"),), 1.0),))
        return Samples(
            tuple(
                Sample((("job", "a"), ("le", bound)), count)
                for bound, count in (("0.1", 0.0), ("0.5", 100.0), ("+Inf", 100.0))
            )
        )

    (folded,) = replay_of(ScriptedSource(answer), 0, 1800, rules).folded(0)
    (track,) = folded.tracks.values()
    held = [folded.grid.time(int(i)) - START for i in np.flatnonzero(track.codes == Code.INSUFFICIENT)]
    assert (held[0], held[-1]) == (600, 765)


bucket = st.sampled_from([0.0, 1.0, 5.0, 5.000000001, 40.0, 1e9, math.nan, math.inf])


@given(
    st.sampled_from([(-1.0, 0.5, math.inf), (0.0, 1.0, math.inf), (0.1, 0.5, 1.0, math.inf), (1.0, 2.0), (math.inf,)]),
    st.lists(st.lists(bucket, min_size=4, max_size=4), min_size=1, max_size=8),
    st.sampled_from([0.0, 0.5, 0.95, 1.0]),
)
def test_quantiles_of_many_points_are_those_of_each(
    bounds: tuple[float, ...], rows: list[list[float]], q: float
) -> None:
    counts = np.array([row[: len(bounds)] for row in rows]).T
    expected = [quantile(q, dict(zip(bounds, row, strict=False))) for row in rows]
    found = [None if math.isnan(one) else one for one in _quantiles(q, bounds, counts).tolist()]
    assert found == [None if one is None or math.isnan(one) else one for one in expected]
