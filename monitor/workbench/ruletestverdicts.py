"""What a test went through held against what is expected of it. Pure.

Of a Prometheus rule labels and annotations are compared whole, as promtool does; of a rule of ours only what is
written, since its labels route and describe and are no identity.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from monitor.core.model import AlertKey, Judgement, Labels, State, Tier, Verdict, labels_of
from monitor.core.rules.rule import Rule
from monitor.core.rules.ruletest import AlertTest, Expected, ExpectedAlert, PrometheusAlert, RuleTest
from monitor.core.rules.signal import Unit, unit_of
from monitor.core.template import parse
from monitor.evaluation.lookout import SOURCE, group_key
from monitor.workbench.ruletestcomparison import Firing, is_in, is_same, matches
from monitor.workbench.ruletestcourse import Course, Moment, Page
from monitor.workbench.ruletestwords import expected_alert, fired_alert, listed, number, paged, shown, worded


@dataclass(frozen=True, slots=True)
class Failure:
    """One expectation that was not met."""

    test: AlertTest
    expected: str
    actual: str
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """One test with what it went through and what is known of its rules."""

    test: RuleTest
    course: Course
    prometheus: Mapping[str, PrometheusAlert] = field(default_factory=dict)


def failures(case: Case) -> tuple[Failure, ...]:
    """Give everything that is not as expected, in the order of the test."""
    return tuple(one for test in case.test.alerts for one in _Look(case, test).failures())


def rules_named(course: Course, alert: str) -> tuple[Rule, ...]:
    """Give the rules of a name; a second Prometheus rule of one name carries its labels in ours."""
    rules = (rule for group in course.rules.groups for rule in group.rules)
    return tuple(rule for rule in rules if rule.alert == alert or rule.alert.startswith(f"{alert}{{"))


def moment_of(course: Course, rule: Rule, eval_time: int) -> tuple[int, Moment] | None:
    """Give the last evaluation of `rule` up to `eval_time`, and when it was."""
    group = course.group_of(rule.alert)
    known = course.moments[group.name] if group is not None else {}
    at = max((one for one in known if one <= eval_time), default=None)
    return None if at is None else (at, known[at])


class _Look:
    """One expectation being looked at."""

    def __init__(self, case: Case, test: AlertTest) -> None:
        self._case = case
        self._test = test
        self._rules = rules_named(case.course, test.alert)

    def failures(self) -> Iterable[Failure]:
        uncovered = next((why for rule in self._rules if (why := self._left_out(rule))), "")
        if uncovered:
            yield self._failure("a rule that is covered", f"not covered: {uncovered}")
            return
        unread = next((why for rule in self._rules if (why := self._unread(rule))), "")
        if unread:
            yield self._failure("an answer", unread)
            return
        test = self._test
        if test.alerts is not None:
            yield from self._alerts(test.alerts)
        elif test.tier is not None and test.state is None and test.value is None:
            yield from self._fires(test.tier)
        if test.state is not None:
            yield from self._state(test.state)
        if test.value is not None:
            yield from self._value(test.value)
        if test.pages is not None:
            yield from self._pages()

    def _left_out(self, rule: Rule) -> str:
        theirs = self._case.prometheus.get(rule.alert)
        return theirs.left_out if theirs is not None and self._test.alerts is not None else ""

    def _unread(self, rule: Rule) -> str:
        """Say why the rule could not be read at the time, where it could not."""
        moment = moment_of(self._case.course, rule, self._test.eval_time)
        look = moment[1].looks.get(rule.alert) if moment is not None else None
        return (look.error or look.waiting) if look is not None else ""

    def _failure(self, expected: str, actual: str, remark: str = "") -> Failure:
        return Failure(self._test, expected, actual, remark)

    # --- alerts ---------------------------------------------------------------------------------------------------

    def _alerts(self, expected: Sequence[ExpectedAlert]) -> Iterable[Failure]:
        firing = [one for rule in self._rules for one in self._firing(rule)]
        if self._test.tier is not None:
            firing = [one for one in firing if one.tier is self._test.tier]
        theirs = any(rule.alert in self._case.prometheus for rule in self._rules)
        if not matches(expected, firing, exactly=theirs):
            remark = self._held() if len(firing) > len(expected) else ""
            yield self._failure(listed(map(expected_alert, expected)), listed(map(fired_alert, firing)), remark)

    def _held(self) -> str:
        """Say where the monitor differs from Prometheus by design: missing data resolve nothing."""
        for key, _, judgement in self._instances(None):
            if judgement is None or judgement.verdict is Verdict.NO_DATA:
                return f"{key} has no data: Prometheus resolves what is missing, and the monitor holds it"
        return ""

    def _fires(self, tier: Tier) -> Iterable[Failure]:
        firing = {one.tier for rule in self._rules for one in self._firing(rule)}
        if tier not in firing:
            yield self._failure(f"an alert fires in the {tier} tier", f"fires: {listed(sorted(firing))}")

    def _firing(self, rule: Rule) -> Iterable[Firing]:
        """Give the alerts of a rule that fire, an instance once: in its worst tier, or the one that is asked for."""
        found = moment_of(self._case.course, rule, self._test.eval_time)
        if found is None:
            return ()
        at, moment = found
        worst: dict[Labels, AlertKey] = {}
        for key, alert in sorted(moment.alerts.items()):
            if key.alert != rule.alert or alert.state is State.PENDING:
                continue
            if self._test.tier is None or key.tier is self._test.tier:
                worst[key.labels] = key  # rollback comes after prepare
        return [self._fired(rule, key, at, moment) for key in worst.values()]

    def _fired(self, rule: Rule, key: AlertKey, at: int, moment: Moment) -> Firing:
        theirs = self._case.prometheus.get(rule.alert)
        own = theirs.labels if theirs is not None else rule.labels
        labels = {name: value for name, value in {**dict(key.labels), **dict(own)}.items() if value}
        value = self._shown_value(key, at, moment, theirs=theirs is not None)
        since = moment.alerts[key].since
        words = {
            name: parse(text).render({**dict(rule.labels), **dict(key.labels)}, value, since, since)
            for name, text in rule.annotations
        }
        return Firing(labels_of(labels), labels_of(words), key.tier)

    def _shown_value(self, key: AlertKey, at: int, moment: Moment, *, theirs: bool) -> float | None:
        """Give the value that texts show: of a Prometheus rule that keeps firing, the one of its last breach."""
        judgement = moment.judgement(key)
        group = self._case.course.group_of(key.alert)
        if theirs and group is not None and (judgement is None or judgement.verdict is not Verdict.BREACH):
            earlier = self._case.course.moments[group.name]
            past = (earlier[one].judgement(key) for one in sorted(earlier, reverse=True) if one <= at)
            judgement = next((one for one in past if one is not None and one.verdict is Verdict.BREACH), judgement)
        return judgement.value if judgement is not None else None

    # --- states and values ------------------------------------------------------------------------------------------

    def _instances(self, tier: Tier | None) -> list[tuple[AlertKey, State, Judgement | None]]:
        """Give every instance that is known at the time and that the labels of the test choose, with its state."""
        found = []
        wanted = set(self._test.labels)
        for rule in self._rules:
            moment = moment_of(self._case.course, rule, self._test.eval_time)
            if moment is None:
                continue
            look = moment[1].looks.get(rule.alert)
            keys = {*moment[1].alerts, *(look.judgements if look is not None else ())}
            for key in sorted(one for one in keys if one.alert == rule.alert and wanted <= set(one.labels)):
                if tier is None or key.tier is tier:
                    alert = moment[1].alerts.get(key)
                    found.append((key, alert.state if alert else State.INACTIVE, moment[1].judgement(key)))
        return found

    def _tier(self) -> Tier | None:
        """Give the tier that is looked at: the one that is written, or the rule's only one."""
        tiers = {tier.tier for rule in self._rules for tier in rule.every_tier}
        return self._test.tier or (next(iter(tiers)) if len(tiers) == 1 else None)

    def _state(self, expected: Expected) -> Iterable[Failure]:
        tier = self._tier()
        if expected is Expected.BLIND:
            blind = self._blind()
            if not blind:
                yield self._failure("blind", "sighted")
            return
        if tier is None:
            yield self._failure(f"{expected} in one tier", "the rule has two tiers: write exp_tier")
            return
        found = self._instances(tier)
        right = [is_in(expected, state, judgement) for _, state, judgement in found]
        if not (all(right) if found else expected in {Expected.INACTIVE, Expected.NO_DATA}):
            actual = [f"{key}: {worded(state, judgement)}" for key, state, judgement in found]
            yield self._failure(str(expected), listed(actual) if actual else "no instance is known")

    def _blind(self) -> list[AlertKey]:
        """Give the blind alerts about the rule, its group, or everything."""
        found = []
        wanted = set(self._test.labels)
        for rule in self._rules:
            moment, group = (
                moment_of(self._case.course, rule, self._test.eval_time),
                self._case.course.group_of(rule.alert),
            )
            for key in moment[1].blind if moment is not None and group is not None else ():
                about = key.alert == rule.alert and (not key.labels or wanted <= set(key.labels))
                if about or key == SOURCE or (group is not None and key == group_key(group.name)):
                    found.append(key)
        return found

    def _value(self, expected: float) -> Iterable[Failure]:
        tier = self._tier()
        read = [(key, one) for key, _, one in self._instances(tier)]
        values = {key.labels: one.value for key, one in read if one is not None}
        unit = unit_of(self._rules[0].signal) if self._rules else Unit.NUMBER
        if not values or not all(is_same(expected, value) for value in values.values()):
            actual = [f"{shown(labels)} {number(value, unit)}" for labels, value in values.items()]
            yield self._failure(number(expected, unit), listed(actual) if actual else "nothing was read")

    # --- pages ------------------------------------------------------------------------------------------------------

    def _pages(self) -> Iterable[Failure]:
        expected = self._test.pages or ()
        actual = [one for one in self._case.course.pages if one.at <= self._test.eval_time]
        same = len(expected) == len(actual) and all(
            want.at == got.at and want.tier in {None, got.tier} for want, got in zip(expected, actual, strict=True)
        )
        if not same:
            wanted = [Page(one.at, one.tier) for one in expected]
            yield self._failure(f"pages: {listed(map(paged, wanted))}", f"pages: {listed(map(paged, actual))}")
