"""How often one evaluation is wrong, by traffic: simulated requests, judged by the program's own code.

`python -m tests.bench.test_statistics` writes the tables into docs/statistics.md, and a test holds them equal.
BENCH=whole prints the same from ten times as many trials.
"""

import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import accumulate, pairwise
from pathlib import Path
from random import Random
from statistics import NormalDist
from typing import TypeAlias

import pytest

from monitor.core.judging.judge import judge
from monitor.core.judging.latency import quantile, resolution
from monitor.core.judging.observe import Observation
from monitor.core.model import Reference, Tier, Verdict
from monitor.core.rules.rule import TierRule
from monitor.core.rules.signal import Baseline, ErrorRatio, Latency, ReferenceKind, Signal

PAGE = Path(__file__).parents[2] / "docs" / "statistics.md"
BEGIN, END = "<!-- simulated -->\n", "<!-- end of what was simulated -->\n"

TRIALS = 2000
WHOLE = os.environ.get("BENCH") == "whole"
TRAFFIC = (20, 50, 100, 500, 1000)
PLAIN, PROVEN = "plain", "proven"

RATIO = ErrorRatio("requests", "failures", ("job",), 60)
RATIO_LIMIT, HEALTHY_SHARE, BAD_SHARE = 0.25, 0.20, 0.40

SLOW = Latency("seconds", 0.95, ("job",), 60, Baseline((ReferenceKind.TRAILING,)))
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, math.inf)
"""The buckets that client libraries come with."""
MEDIAN, SIGMA = 0.08, 0.75
"""Latencies are log-normal: a median in seconds, and the deviation of the logarithm."""
SLOWER_LIMIT, HEALTHY_FACTOR, BAD_FACTOR = 0.5, 1.0, 2.5

Counts: TypeAlias = Mapping[str, Sequence[float]]
"""A way of judging, and the share of wrong verdicts at each of `TRAFFIC`."""


def tiers(limit: float) -> dict[str, TierRule]:
    plain = TierRule(Tier.ROLLBACK, limit, None, 0, window=60)
    return {PLAIN: plain, PROVEN: replace(plain, confidence=0.99)}


def breaches(
    signal: Signal, rules: Mapping[str, TierRule], seen: Iterable[Observation], reference: tuple[Reference, ...] = ()
) -> dict[str, float]:
    """The share of what was `seen` that is a breach, under each of `rules`."""
    found = dict.fromkeys(rules, 0)
    trials = 0
    for observation in seen:
        trials += 1
        for name, rule in rules.items():
            found[name] += judge(signal, rule, observation, reference).verdict is Verdict.BREACH
    return {name: count / trials for name, count in found.items()}


# --- what is drawn ----------------------------------------------------------------------------------------------------


def failing(n: int, share: float, trials: int) -> Iterator[Observation]:
    """So many windows of `n` requests, each of which fails with probability `share`."""
    random = Random(f"failing {n} {share}").random  # a simulation, not a secret
    for _ in range(trials):
        k = sum(random() < share for _ in range(n))
        yield Observation(k / n, float(n), float(k))


def shares(factor: float) -> list[float]:
    """The cumulative share of requests under each bound, `factor` times slower than usual."""
    logarithm = NormalDist(math.log(MEDIAN * factor), SIGMA)
    return [1.0 if bound == math.inf else logarithm.cdf(math.log(bound)) for bound in BOUNDS]


def answering(n: int, factor: float, trials: int) -> Iterator[Observation]:
    """So many windows of `n` requests that take `factor` times as long as usual."""
    random, weights = Random(f"answering {n} {factor}"), shares(factor)  # a simulation
    for _ in range(trials):
        inside = [0] * len(BOUNDS)
        for bucket in random.choices(range(len(BOUNDS)), cum_weights=weights, k=n):
            inside[bucket] += 1
        buckets = dict(zip(BOUNDS, map(float, accumulate(inside)), strict=True))
        yield Observation(quantile(SLOW.quantile, buckets), float(n), buckets=buckets)


def usual() -> float:
    """The baseline: the quantile of the buckets of endless requests."""
    found = quantile(SLOW.quantile, dict(zip(BOUNDS, shares(HEALTHY_FACTOR), strict=True)))
    assert found is not None
    return found


def latency_tiers() -> dict[str, TierRule]:
    """The limit as it is written, interpolated in its bucket, and moved to the end of that bucket."""
    acts_as = resolution(BOUNDS, usual(), SLOWER_LIMIT).acts_as
    assert acts_as is not None, "the baseline and the limit lie in one bucket: that is the case to look at"
    both = {"interpolated": SLOWER_LIMIT, "snapped": acts_as - 1}
    return {f"{where}, {how}": rule for where, limit in both.items() for how, rule in tiers(limit).items()}


# --- what is counted --------------------------------------------------------------------------------------------------


@cache
def simulated(trials: int) -> tuple[Counts, Counts, Counts, Counts]:
    """False and missed breaches of ratios, then of latencies."""
    base = (Reference("trailing", usual()),)
    ratio, latency = tiers(RATIO_LIMIT), latency_tiers()
    return (
        by_rule(breaches(RATIO, ratio, failing(n, HEALTHY_SHARE, trials)) for n in TRAFFIC),
        missed(by_rule(breaches(RATIO, ratio, failing(n, BAD_SHARE, trials)) for n in TRAFFIC)),
        by_rule(breaches(SLOW, latency, answering(n, HEALTHY_FACTOR, trials), base) for n in TRAFFIC),
        missed(by_rule(breaches(SLOW, latency, answering(n, BAD_FACTOR, trials), base) for n in TRAFFIC)),
    )


def by_rule(rows: Iterable[Mapping[str, float]]) -> Counts:
    found: dict[str, list[float]] = {}
    for row in rows:
        for name, share in row.items():
            found.setdefault(name, []).append(share)
    return found


def missed(counts: Counts) -> Counts:
    return {name: [1 - share for share in row] for name, row in counts.items()}


def tables(trials: int) -> str:
    """What was simulated, as the page shows it."""
    false_ratios, missed_ratios, false_latencies, missed_latencies = simulated(trials)
    head = "| judged | " + " | ".join(f"{n} requests" for n in TRAFFIC) + " |\n" + "|---" * (len(TRAFFIC) + 1) + "|"
    titles = {
        f"False breaches of `above: {RATIO_LIMIT:.0%}`, where {HEALTHY_SHARE:.0%} of the requests fail": false_ratios,
        f"Missed breaches of `above: {RATIO_LIMIT:.0%}`, where {BAD_SHARE:.0%} of the requests fail": missed_ratios,
        f"False breaches of `above: {SLOWER_LIMIT:.0%}` of a p95, where nothing is slower": false_latencies,
        f"Missed breaches of `above: {SLOWER_LIMIT:.0%}` of a p95, where all is {BAD_FACTOR} times as slow": (
            missed_latencies
        ),
    }
    return "\n".join(f"{title}:\n\n{head}\n{rows(counts)}\n" for title, counts in titles.items())


def rows(counts: Counts) -> str:
    return "\n".join(
        f"| {name} | " + " | ".join(f"{100 * share:.1f} %" for share in row) + " |" for name, row in counts.items()
    )


# --- tests ------------------------------------------------------------------------------------------------------------


@pytest.mark.timeout(300)
def test_proof_leaves_fewer_false_breaches_and_misses_none_for_long() -> None:
    print(f"\n{tables(TRIALS * 10 if WHOLE else TRIALS)}")
    false_ratios, missed_ratios, false_latencies, missed_latencies = simulated(TRIALS * 10 if WHOLE else TRIALS)
    for counts in (false_ratios, false_latencies):
        for name in [name for name in counts if name.endswith(PLAIN)]:
            plain, proven = counts[name], counts[name.replace(PLAIN, PROVEN)]
            assert all(one <= other for one, other in zip(proven, plain, strict=True))
            assert proven[0] < plain[0]
            assert max(proven) < 0.01, "the confidence is 99 %"
    assert all(row[-1] < 0.01 for row in missed_ratios.values()), "with traffic nothing is missed"
    assert missed_latencies["interpolated, plain"][-1] < 0.01
    assert all(later <= earlier for earlier, later in pairwise(missed_ratios[PROVEN]))


def test_a_limit_at_a_bound_is_proven_by_counts_and_not_by_interpolation() -> None:
    _, _, false_latencies, _ = simulated(TRIALS)
    for how in (PLAIN, PROVEN):
        interpolated, snapped = false_latencies[f"interpolated, {how}"], false_latencies[f"snapped, {how}"]
        assert all(one <= other for one, other in zip(snapped, interpolated, strict=True))


def test_the_documentation_quotes_what_is_simulated() -> None:
    quoted = PAGE.read_text().partition(BEGIN)[2].partition(END)[0]
    assert quoted == f"\n{tables(TRIALS)}\n"


if __name__ == "__main__":
    before, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n{tables(TRIALS)}\n{END}{rest.partition(END)[2]}")
