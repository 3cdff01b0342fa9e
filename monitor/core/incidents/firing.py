"""A transition in words.

What an incident remembers of an alert, what a page reads of it now, and the evidence behind it. Pure.
"""

from collections.abc import Mapping

from monitor.core.actor import MONITOR
from monitor.core.incidents.events import Firing, Snapshot
from monitor.core.model import Alert, AlertKey, Judgement, Labels, Transition, Verdict, utc
from monitor.core.pages.page import Reading
from monitor.core.rules.rule import Rule, TierRule
from monitor.core.rules.signal import unit_of
from monitor.core.template import parse


def firing_of(rule: Rule, tier: TierRule, transition: Transition, *, late: bool = False) -> Firing:
    """Give what an incident remembers of an alert of `rule` that began to fire; `late`, where that is no news."""
    alert, judgement = transition.alert, transition.judgement
    words = _Words(rule, alert.key, judgement, alert.since, transition.at)
    return Firing(
        key=alert.key,
        service=service_of(rule, alert.key),
        summary=words.summary(),
        since=utc(alert.since),
        fired_at=utc(transition.at),
        value=judgement.value if judgement else None,
        limit=tier.limit,
        above=tier.above is not None,
        unit=unit_of(rule.signal),
        why=judgement.why if judgement else "",
        baseline=judgement.baseline if judgement else (),
        links=words.links(),
        procedure=rule.procedure,
        resolve=rule.resolve,
        open_ended=alert.open_ended,
        late=late,
        labels=rule.labels,
    )


def blind_firing(transition: Transition, labels: Labels = ()) -> Firing:
    """Give what an incident remembers of something that is not seen; `labels` are those of the rule it is about."""
    key = transition.alert.key
    why = transition.judgement.why if transition.judgement else ""
    return Firing(
        key=key,
        service="",
        summary=f"{_unwatched(key)} is unwatched{f': {why}' if why else ''}",
        since=utc(transition.alert.since),
        fired_at=utc(transition.at),
        labels=labels,
    )


def _unwatched(key: AlertKey) -> str:
    """Name what is not seen: everything, a group of rules, a rule, or one instance of it."""
    match key.labels:
        case (("source", source),) if source == key.alert:
            return "Everything"
        case (("group", group),) if group == key.alert:
            return f"Group {group}"
        case labels:
            where = ", ".join(value for _, value in labels)
            return f"{key.alert} ({where})" if where else key.alert


def reading_of(rule: Rule, key: AlertKey, judgement: Judgement, since: int, at: int) -> Reading:
    """Give what a page reads of an alert now."""
    return Reading(utc(at), _Words(rule, key, judgement, since, at).summary(), judgement.why, judgement.value)


def worst_of(rule: Rule, alert: Alert) -> str:
    """Give the summary of an alert at its worst value, or nothing where it never had one."""
    if alert.peak is None:
        return ""
    judgement = Judgement(Verdict.BREACH, alert.peak)
    return _Words(rule, alert.key, judgement, alert.since, alert.fired_at or alert.since).summary()


def snapshot_of(transition: Transition, queries: Labels) -> Snapshot:
    """Give the evidence of a transition: the PromQL by part, and the numbers that were judged."""
    judgement = transition.judgement
    return Snapshot(
        at=utc(transition.at),
        by=MONITOR,
        key=transition.alert.key,
        queries=queries,
        value=judgement.value if judgement else None,
        limit=judgement.limit if judgement else None,
        requests=judgement.requests if judgement else None,
        failures=judgement.failures if judgement else None,
        baseline=judgement.baseline if judgement else (),
        why=judgement.why if judgement else "",
    )


def service_of(rule: Rule, key: AlertKey) -> str:
    """Give the service that an alert speaks of: the rule's `service`, or its job or service label."""
    labels = _labels(rule, key)
    if rule.service:
        return parse(rule.service).render(labels, 0.0, 0, 0)
    return labels.get("service") or labels.get("job") or rule.alert


def _labels(rule: Rule, key: AlertKey) -> Mapping[str, str]:
    return {**dict(rule.labels), **dict(key.labels)}


class _Words:
    """The rule's templates, filled for one alert."""

    def __init__(self, rule: Rule, key: AlertKey, judgement: Judgement | None, since: int, at: int) -> None:
        self._rule = rule
        self._labels = _labels(rule, key)
        self._value = judgement.value if judgement and judgement.value is not None else float("nan")
        self._since, self._at = since, at

    def summary(self) -> str:
        """The annotation `summary`, or the alert's name with its labels."""
        text = dict(self._rule.annotations).get("summary")
        if text is None:
            where = ", ".join(value for _, value in sorted(self._labels.items()))
            return f"{self._rule.alert} ({where})" if where else self._rule.alert
        return self._fill(text)

    def links(self) -> Labels:
        return tuple((name, self._fill(url)) for name, url in self._rule.links)

    def _fill(self, text: str) -> str:
        return parse(text).render(self._labels, self._value, self._since, self._at)
