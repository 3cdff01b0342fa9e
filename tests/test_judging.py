"""What a judgement needs beside its reading: references, overrides, release changes; asked for only where needed."""

from collections.abc import Callable

import pytest

from monitor.adapters.memory.world import ScriptedSource
from monitor.core.judging.latency import HOUR, WEEK
from monitor.core.judging.observe import Observation
from monitor.core.model import AlertKey, Judgement, Sample, Tier, Verdict, labels_of
from monitor.core.rules.rule import Guards, Matcher, MatchOp, Override, Rule, TierRule
from monitor.core.rules.ruleset import VersionMetric
from monitor.core.rules.signal import Baseline, ErrorRatio, Latency, Signal
from monitor.evaluation.baselines import Baselines
from monitor.evaluation.deploys import Deploys
from monitor.evaluation.judging import Judgements, Judging
from monitor.ports.metrics import Answer, BadQuery, Partial, Samples, Unanswered

T = 1_741_057_200  # 2025-03-04 03:00:00 UTC
AUTH, BILLING = labels_of({"job": "auth"}), labels_of({"job": "billing"})
RATIO = ErrorRatio("r", "f", ("job",), 60)
SLOW = Latency("h", 0.95, ("job",), 60, Baseline())
VERSIONS = (VersionMetric("auth", "build_info", "version"),)
HALF_FAILED = Observation(0.5, 1000, 500)
OVER = TierRule(Tier.PREPARE, 0.02, None, 300, window=60, guards=Guards(50))
BACK = TierRule(Tier.ROLLBACK, 0.25, None, 0, window=60, guards=Guards(50))

Script = Callable[[str, int], Answer]


def rule(signal: Signal = RATIO, **more: object) -> Rule:
    return Rule("Watched", signal, (OVER, BACK), **more)  # type: ignore[arg-type]


def world(expr: str, at: int) -> Answer:
    """Auth 2 replaced auth 1 at 03:00; auth answers within 400 ms, and did within 200 ms until 03:00 a week ago."""
    if "build_info" in expr:
        return Samples((Sample(labels_of({"version": "1" if at < T else "2"}), 1.0),))
    seconds = "0.2" if at < T - WEEK + HOUR else "0.4"
    counts = {"0.1": 0.0, seconds: 100.0, "9": 100.0, "+Inf": 100.0}
    return Samples(tuple(Sample(labels_of({"job": "auth", "le": le}), count) for le, count in counts.items()))


class Asked:
    """Judges auth and billing at times after 03:00, and counts what is read."""

    def __init__(self, script: Script = world) -> None:
        self.read: list[str] = []
        self._script = script
        source = ScriptedSource(self._answer)
        self._judging = Judging(Baselines(source), Deploys(source))

    def judge(
        self, rule: Rule, seen: Observation, after: int, *, versions: tuple[VersionMetric, ...] = VERSIONS
    ) -> Judgements:
        found = self.ask(rule, seen, after, versions=versions)
        assert not isinstance(found, Partial | BadQuery | Unanswered), found
        return found

    def ask(
        self, rule: Rule, seen: Observation, after: int, *, versions: tuple[VersionMetric, ...] = VERSIONS
    ) -> Judgements | Partial | BadQuery | Unanswered:
        return self._judging.judge(rule, versions, {60: {AUTH: seen, BILLING: seen}}, T + after, lambda: 9.0)

    def _answer(self, expr: str, at: int) -> Answer:
        self.read.append(expr)
        return self._script(expr, at)


def of(found: Judgements, tier: Tier = Tier.PREPARE, labels: tuple[tuple[str, str], ...] = AUTH) -> Judgement:
    return found[AlertKey("Watched", labels, tier)]


# --- release changes --------------------------------------------------------------------------------------------------


def test_prepare_does_not_start_after_a_deploy_and_says_so() -> None:
    found = Asked().judge(rule(after_deploy=180), HALF_FAILED, 60)
    assert of(found).verdict is Verdict.INSUFFICIENT
    assert of(found).why == "warming up after auth 2 until 03:03 UTC (50 % of 1000 requests failed)"
    assert of(found).value == 0.5


def test_rollback_starts_all_the_same() -> None:
    assert of(Asked().judge(rule(after_deploy=180), HALF_FAILED, 60), Tier.ROLLBACK).verdict is Verdict.BREACH


def test_a_deploy_holds_only_its_own_service_back() -> None:
    assert of(Asked().judge(rule(after_deploy=180), HALF_FAILED, 60), labels=BILLING).verdict is Verdict.BREACH


def test_the_service_is_the_one_the_rule_names() -> None:
    found = Asked().judge(rule(after_deploy=180, service="auth"), HALF_FAILED, 60)
    assert of(found, labels=BILLING).verdict is Verdict.INSUFFICIENT


@pytest.mark.parametrize("after", [-15, 180], ids=["before", "after the warm-up"])
def test_prepare_starts_when_nothing_warms_up(after: int) -> None:
    assert of(Asked().judge(rule(after_deploy=180), HALF_FAILED, after)).verdict is Verdict.BREACH


def test_versions_are_read_only_for_a_breach_of_a_rule_that_asks_for_it() -> None:
    asked = Asked()
    asked.judge(rule(after_deploy=180), Observation(0.0, 1000, 0), 60)
    asked.judge(rule(), HALF_FAILED, 60)
    asked.judge(rule(after_deploy=180), HALF_FAILED, 60, versions=())
    assert asked.read == []


def failing_versions(answer: Answer) -> Script:
    return lambda expr, at: answer if "build_info" in expr else world(expr, at)


def test_a_breach_waits_while_versions_are_not_answered() -> None:
    found = Asked(failing_versions(Unanswered("down"))).ask(rule(after_deploy=180), HALF_FAILED, 60)
    assert found == Unanswered("the release changes were not read: down")


def test_a_version_metric_that_is_wrong_excuses_nothing() -> None:
    found = Asked(failing_versions(BadQuery("wrong"))).judge(rule(after_deploy=180), HALF_FAILED, 60)
    assert of(found).verdict is Verdict.BREACH


# --- references -------------------------------------------------------------------------------------------------------


def slow(seconds: float) -> Observation:
    return Observation(seconds, 1000)


def test_every_reference_is_shown_and_the_larger_counts() -> None:
    found = of(Asked().judge(rule(SLOW), slow(0.9), 60))
    assert [(one.name, round(one.seconds or 0, 4), one.why) for one in found.baseline] == [
        ("same_time", 0.195, "median of 3 of 3 weeks"),
        ("trailing", 0.385, "median of 24 of 24 hours"),
        ("before_deploy", 0.385, "the hour before auth 2 at 03:00 UTC"),
    ]
    assert found.value == pytest.approx(0.9 / 0.385 - 1)
    assert found.why == "p95 900 ms, baseline 385 ms (trailing 24 h)"


def test_an_instance_without_a_past_is_shown_why() -> None:
    found = of(Asked().judge(rule(SLOW), slow(0.9), 60), labels=BILLING)
    assert found.verdict is Verdict.INSUFFICIENT
    assert [one.name for one in found.baseline] == ["same_time", "trailing"]
    assert found.why == (
        "p95 900 ms, but no baseline: only 0 of 3 weeks had 50 requests, nor did it 1 day ago;"
        " only 0 of 24 hours had 50 requests"
    )


def test_the_last_of_several_deploys_is_shown() -> None:
    def answer(expr: str, at: int) -> Answer:
        if "build_info" not in expr:
            return world(expr, at)
        return Samples((Sample(labels_of({"version": str((at - T + 600) // 600)}), 1.0),))

    found = of(Asked(answer).judge(rule(SLOW), slow(0.9), 1300))
    assert [one.why for one in found.baseline if one.name == "before_deploy"] == ["the hour before auth 3 at 03:20 UTC"]


def test_without_a_deploy_nothing_is_shown_of_one() -> None:
    names = [one.name for one in of(Asked().judge(rule(SLOW), slow(0.9), -15)).baseline]
    assert names == ["same_time", "trailing"]


def test_a_point_waits_for_its_baseline() -> None:
    found = Asked(lambda *_: Unanswered("down")).ask(rule(SLOW), slow(0.9), 60)
    assert found == Unanswered("its baseline was not read: down")


def test_a_point_does_not_wait_for_what_is_only_shown() -> None:
    found = of(Asked(failing_versions(Unanswered("down"))).judge(rule(SLOW), slow(0.9), 60))
    assert found.verdict is Verdict.BREACH
    assert [one.why for one in found.baseline if one.name == "before_deploy"] == [
        "the release changes were not read: down"
    ]


def test_nor_for_the_hour_before_the_deploy() -> None:
    def answer(expr: str, at: int) -> Answer:
        return Unanswered("down") if "bucket" in expr and at == T else world(expr, at)

    found = of(Asked(answer).judge(rule(SLOW), slow(0.9), 60))
    assert found.verdict is Verdict.BREACH
    assert [one.why for one in found.baseline if one.name == "before_deploy"] == ["not read: down"]


# --- tiers ------------------------------------------------------------------------------------------------------------


def test_an_override_gives_its_instances_other_tiers() -> None:
    lenient = TierRule(Tier.PREPARE, 0.6, None, 300, window=60)
    override = Override((Matcher("job", MatchOp.EQUAL, "billing"),), (lenient,))
    found = Asked().judge(rule(overrides=(override,)), HALF_FAILED, 60)
    assert {(key.labels, key.tier): one.verdict for key, one in found.items()} == {
        (AUTH, Tier.PREPARE): Verdict.BREACH,
        (AUTH, Tier.ROLLBACK): Verdict.BREACH,
        (BILLING, Tier.PREPARE): Verdict.CLEAR,
    }


def test_a_tier_is_judged_by_its_own_window() -> None:
    tiers = (OVER, TierRule(Tier.ROLLBACK, 0.25, None, 0, window=300))
    source = ScriptedSource(world)
    observed = {60: {AUTH: HALF_FAILED}, 300: {AUTH: Observation(0.01, 1000, 10)}}
    watched = Rule("Watched", RATIO, tiers)
    found = Judging(Baselines(source), Deploys(source)).judge(watched, (), observed, T, lambda: 9.0)
    assert not isinstance(found, Partial | BadQuery | Unanswered)
    assert (of(found).verdict, of(found, Tier.ROLLBACK).verdict) == (Verdict.BREACH, Verdict.CLEAR)
