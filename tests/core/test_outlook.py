"""What time will make of an alert, held to `step`: it happens at the time that is said, and not before."""

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.explanation.outlook import Course, Outlook, outlook
from monitor.core.judging.evaluate import step
from monitor.core.model import Alert, AlertKey, Judgement, State, Tier, Verdict
from monitor.core.rules.rule import Group, NoData, Resolve, Rule, TierRule
from monitor.core.rules.signal import ErrorRatio

GROUP = Group("apis", (), interval=15)
KEY = AlertKey("Errors", (("job", "auth"),), Tier.PREPARE)
START = 1_700_000_010
MOST = 100

verdicts = st.sampled_from(list(Verdict))


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    hold, keep = draw(st.sampled_from([0, 15, 40, 60, 300])), draw(st.sampled_from([0, 30, 50, 120]))
    return Rule(
        "Errors",
        ErrorRatio("r", "f", ("job",), 60),
        (TierRule(Tier.PREPARE, 0.02, None, hold),),
        keep_firing_for=keep,
        no_data=draw(st.sampled_from(list(NoData))),
        resolve=draw(st.sampled_from([Resolve.BY_SIGNAL, Resolve.BY_SIGNAL, Resolve.BY_PERSON])),
        gap_tolerance=draw(st.none() | st.sampled_from([15, 50, 90])),
    )


def walked(rule: Rule, path: list[Verdict]) -> tuple[Alert | None, int]:
    """The alert after a path of verdicts, and the last grid time."""
    alerts: dict[AlertKey, Alert] = {}
    for number, verdict in enumerate(path):
        at = START + GROUP.interval * number
        alerts = dict(step(rule, GROUP, alerts, {KEY: Judgement(verdict)}, at).alerts)
    return alerts.get(KEY), START + GROUP.interval * (len(path) - 1)


def goes_on(rule: Rule, alert: Alert | None, verdict: Verdict, at: int, until: State) -> int | None:
    """The grid time at which the alert is in state `until`, if the verdict stays; None: not within a long time."""
    alerts = {KEY: alert} if alert is not None else {}
    for number in range(1, MOST):
        now = at + GROUP.interval * number
        alerts = dict(step(rule, GROUP, alerts, {KEY: Judgement(verdict)}, now).alerts)
        if (alerts[KEY].state if KEY in alerts else State.INACTIVE) is until:
            return now
    return None


LEADS = {
    Course.WOULD_FIRE: (State.FIRING, Verdict.BREACH),
    Course.FIRES: (State.FIRING, Verdict.BREACH),
    Course.GIVES_UP: (State.INACTIVE, None),
    Course.RESOLVES: (State.INACTIVE, Verdict.CLEAR),
    Course.WAITS_FOR_DATA: (State.INACTIVE, None),
    Course.WAITS_FOR_PERSON: (State.INACTIVE, Verdict.CLEAR),
}


@settings(max_examples=500, deadline=None)
@given(rules(), st.lists(verdicts, min_size=1, max_size=40))
def test_it_happens_when_it_is_said(rule: Rule, path: list[Verdict]) -> None:
    alert, at = walked(rule, path)
    found = outlook(rule, rule.tiers[0], GROUP, alert, path[-1], at)
    if found.course is Course.KEEPS_FIRING:
        assert found.of == rule.keep_firing_for
        cleared = goes_on(rule, alert, Verdict.CLEAR, at, State.INACTIVE)
        grid = -(-found.of // GROUP.interval) * GROUP.interval
        assert cleared == at + GROUP.interval + grid
        return
    until, verdict = LEADS[found.course]
    assert goes_on(rule, alert, verdict or path[-1], at, until) == found.at, (alert, found)
    assert found.at is None or found.at > at


def test_a_recovery_with_a_gap_takes_as_much_longer() -> None:
    tier = TierRule(Tier.PREPARE, 0.02, None, 0)
    rule = Rule("Errors", ErrorRatio("r", "f", (), 60), (tier,), keep_firing_for=120)
    alert, at = walked(rule, [Verdict.BREACH, Verdict.CLEAR, Verdict.NO_DATA, Verdict.NO_DATA, Verdict.CLEAR])
    found = outlook(rule, tier, GROUP, alert, Verdict.CLEAR, at)
    assert found == Outlook(Course.RESOLVES, START + 15 + 30 + 120, 15, 120)
    assert goes_on(rule, alert, Verdict.CLEAR, at, State.INACTIVE) == found.at


def test_a_hold_that_lasts() -> None:
    rule = Rule("Errors", ErrorRatio("r", "f", (), 60), (TierRule(Tier.PREPARE, 0.02, None, 300),))
    alert, at = walked(rule, [Verdict.BREACH] * 14)
    assert outlook(rule, rule.tiers[0], GROUP, alert, Verdict.BREACH, at) == Outlook(
        Course.FIRES, START + 300, 195, 300
    )
