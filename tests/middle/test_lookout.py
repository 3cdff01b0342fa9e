"""The lookout: how long each subject has gone unseen, by what the evaluations said of it."""

import pytest

from monitor.core.judging.evaluate import Sight
from monitor.core.model import Judgement, Tier, Verdict
from monitor.evaluation.lookout import NEVER, SOURCE, Look, Lookout
from tests.middle.house import INTERVAL, group, key, rule

LOGIN = rule("Login", rollback=0)
ERRORS = rule("Errors", prepare=60)
CRITICAL = group("critical", LOGIN, ERRORS)
OF_GROUP = ("critical", (("group", "critical"),))
FIRING = key("Login")

SEEN = Look(LOGIN, instances=1)
ALSO_SEEN = Look(ERRORS, instances=1)


BILLING = group("billing", rule("Invoices", rollback=0))


def unseen(lookout: Lookout, now: float) -> dict[tuple[str, object], Sight]:
    """How long each subject of the group is unseen, while the source answers another group."""
    lookout.note(BILLING, [], now)
    return {(one.subject, one.labels): one for one in lookout.sights(CRITICAL, now)}


def test_a_group_is_waited_for_from_the_first_look_on() -> None:
    lookout = Lookout()
    assert unseen(lookout, 1000.0)[OF_GROUP].unseen_for == pytest.approx(0, abs=0.01)
    assert unseen(lookout, 1290.0)[OF_GROUP] == Sight(*OF_GROUP, 290.0, NEVER)


def test_what_was_never_seen_is_not_taken_for_seen() -> None:
    lookout = Lookout()
    assert unseen(lookout, 1000.0)[OF_GROUP].unseen_for > 0


@pytest.mark.parametrize(
    ("passed", "unseen_for"),
    [
        pytest.param(0, 0, id="just read"),
        pytest.param(2 * INTERVAL - 1, 0, id="between two ticks=>seen"),
        pytest.param(2 * INTERVAL, 2 * INTERVAL, id="two intervals without=>unseen since the last answer"),
        pytest.param(600, 600, id="ten minutes"),
    ],
)
def test_a_group_that_answered_once(passed: float, unseen_for: float) -> None:
    lookout = Lookout()
    lookout.note(CRITICAL, [SEEN, ALSO_SEEN], 1000.0)
    assert unseen(lookout, 1000.0 + passed)[OF_GROUP].unseen_for == unseen_for


@pytest.mark.parametrize(
    ("looks", "group_for", "login_for", "why"),
    [
        pytest.param([SEEN, ALSO_SEEN], 0, 0, NEVER, id="all read"),
        pytest.param([Look(LOGIN, waiting="timeout"), ALSO_SEEN], 0, 600, "timeout", id="one waits=>the rule alone"),
        pytest.param(
            [Look(LOGIN, waiting="timeout"), Look(ERRORS, waiting="timeout")],
            600,
            0,
            "timeout",
            id="all wait=>the group alone",
        ),
        pytest.param([Look(LOGIN, error="parse error"), ALSO_SEEN], 0, 600, "parse error", id="a wrong query"),
        pytest.param([Look(LOGIN), ALSO_SEEN], 0, 600, "its selectors match no series", id="nothing matched=>the rule"),
        pytest.param(
            [Look(rule("Login", rollback=0, optional=True)), ALSO_SEEN], 0, 0, NEVER, id="nothing matched, optional"
        ),
        pytest.param([], 0, 600, NEVER, id="no point was due=>answered"),
    ],
)
def test_after_ten_minutes_of(looks: list[Look], group_for: float, login_for: float, why: str) -> None:
    lookout = Lookout()
    for at in range(0, 601, INTERVAL):
        lookout.note(CRITICAL, looks if at else [SEEN, ALSO_SEEN], 1000.0 + at)
    told = unseen(lookout, 1600.0)
    assert (told[OF_GROUP].unseen_for, told["Login", ()].unseen_for) == (group_for, login_for)
    assert told["Login", ()].why == why


@pytest.mark.parametrize(
    ("verdict", "seen"),
    [
        (Verdict.BREACH, True),
        (Verdict.BETWEEN, True),
        (Verdict.CLEAR, True),
        (Verdict.INSUFFICIENT, True),
        (Verdict.NO_DATA, False),
        (Verdict.ERROR, False),
    ],
)
def test_a_firing_instance_is_seen_by(verdict: Verdict, *, seen: bool) -> None:
    lookout = Lookout()
    for at in (1000.0, 1400.0):
        judged = {FIRING: Judgement(Verdict.BREACH if at == 1000 else verdict)}
        look = Look(LOGIN, instances=1, judgements=judged, active=(FIRING,))
        lookout.note(CRITICAL, [look, ALSO_SEEN], at)
    assert unseen(lookout, 1400.0)["Login", FIRING.labels].unseen_for == (0 if seen else 400)


def test_only_instances_that_pend_or_fire_are_held_to_having_data() -> None:
    lookout = Lookout()
    judged = {FIRING: Judgement(Verdict.CLEAR)}
    lookout.note(CRITICAL, [Look(LOGIN, instances=1, judgements=judged, active=(FIRING,))], 1000.0)
    assert ("Login", FIRING.labels) in unseen(lookout, 1000.0)
    lookout.note(CRITICAL, [Look(LOGIN, instances=1, judgements=judged)], 1015.0)
    assert ("Login", FIRING.labels) not in unseen(lookout, 1015.0)


def test_while_the_group_is_unseen_its_rules_are_not_told_beside_it() -> None:
    lookout = Lookout()
    lookout.note(CRITICAL, [SEEN, ALSO_SEEN], 1000.0)
    told = unseen(lookout, 2000.0)
    assert [subject for subject, one in told.items() if one.unseen_for > 0] == [OF_GROUP]


def test_while_the_source_answers_nobody_it_alone_is_told() -> None:
    lookout = Lookout()
    lookout.note(CRITICAL, [SEEN, ALSO_SEEN], 1000.0)
    assert lookout.source_sight([CRITICAL], 1000.0).unseen_for == 0
    away = [Look(LOGIN, waiting="connection refused"), Look(ERRORS, waiting="connection refused")]
    lookout.note(CRITICAL, away, 1400.0)
    told = lookout.source_sight([CRITICAL], 1400.0)
    assert (told.key, told.unseen_for, told.why) == (SOURCE, 400.0, "connection refused")
    assert all(one.unseen_for == 0 for one in lookout.sights(CRITICAL, 1400.0))


def test_the_key_of_a_blind_alert_is_its_subject() -> None:
    assert Sight("Login", (), 1.0).key.tier is Tier.BLIND
