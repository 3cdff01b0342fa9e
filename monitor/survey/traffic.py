"""Whether rules had traffic enough to judge: how much of the last day the guard of `min_requests` was not met."""

from collections.abc import Iterator

from monitor.core.model import Labels, pick
from monitor.core.rules.rule import Rule, TierRule
from monitor.core.rules.signal import ErrorRatio, Latency
from monitor.queries.plan import Plan
from monitor.queries.promql import below_expression, requests_expression
from monitor.survey.doubt import Doubt, named, warning
from monitor.survey.facts import Facts

DAY, STEP = 86400, 900
LOOKS = DAY // STEP
MOST = 0.9
"""The share of a day that may go without enough requests."""


def traffic_questions(rule: Rule, planned: Plan) -> dict[tuple[int, float], str]:
    """Give, by window and needed requests, the PromQL of how often a day there were fewer."""
    asked: dict[tuple[int, float], str] = {}
    for tier in rule.every_tier:
        requests = _requests(rule, tier.window, planned)
        if requests:
            # a billionth less, as counts are forgiven (`monitor.core.judging.latency.enough`)
            asked[_need(tier)] = below_expression(requests, _need(tier)[1] * (1 - 1e-9), DAY, STEP)
    return asked


def _need(tier: TierRule) -> tuple[int, float]:
    return tier.window, max(1.0, tier.guards.min_requests)


def _requests(rule: Rule, window: int, planned: Plan) -> str:
    match rule.signal:
        case ErrorRatio():
            return planned.parts[rule.alert][window]["requests"]
        case Latency():
            return requests_expression(rule.signal, window)
        case _:
            return ""


def traffic_doubts(rule: Rule, planned: Plan, facts: Facts) -> Iterator[Doubt]:
    """Give the instances that cannot be judged for nearly all of a day, those that say the same together."""
    for need, question in traffic_questions(rule, planned).items():
        same: dict[int, list[Labels]] = {}
        for sample in facts.of(question) or ():
            labels = pick(sample.labels, rule.signal.by)
            if sample.value > MOST * LOOKS and need in {_need(tier) for tier in rule.tiers_of(labels)}:
                same.setdefault(int(sample.value * STEP / 3600), []).append(labels)
        for hours, instances in same.items():
            yield _too_few(rule, need, hours, named(instances))


def _too_few(rule: Rule, need: tuple[int, float], hours: int, whose: str) -> Doubt:
    window, requests = need
    fewer = f"fewer than {requests:g} requests" if requests > 1 else "no request"
    sentence = f"{hours} of 24 h{whose} had {fewer} in {window}s: nothing can be judged then"
    return warning(
        rule, "too-few-requests", sentence, "a longer `window`, a lower `min_requests`, or more of the traffic"
    )
