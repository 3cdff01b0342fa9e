"""The state table, walked: each row is a path of verdicts on a 15 s grid and the states it leads through."""

from dataclasses import replace

import pytest

from monitor.core.judging.evaluate import STATE_TABLE, Heard, Move, Sight, look, step
from monitor.core.model import Alert, AlertKey, Cause, Judgement, State, Tier, Verdict
from monitor.core.rules.rule import Group, NoData, Resolve, Rule, TierRule
from monitor.core.rules.signal import ErrorRatio

B, W, C, N, E, I = (  # noqa: E741  # one letter a verdict keeps the paths readable
    Verdict.BREACH,
    Verdict.BETWEEN,
    Verdict.CLEAR,
    Verdict.NO_DATA,
    Verdict.ERROR,
    Verdict.INSUFFICIENT,
)
LETTERS = {"B": B, "W": W, "C": C, "N": N, "E": E, "I": I}
STATES = {State.INACTIVE: "-", State.PENDING: "p", State.FIRING: "F", State.RECOVERING: "r"}
GROUP = Group("critical-apis", rules=(), interval=15, query_offset=10)
LABELS = (("job", "auth"),)
START = 1_700_000_010


def rule(
    *,
    hold: int = 45,
    keep: int = 0,
    no_data: NoData = NoData.HOLD,
    resolve: Resolve = Resolve.BY_SIGNAL,
    gap: int | None = None,
) -> Rule:
    signal = ErrorRatio("requests", "failures", ("job",), 60)
    tiers = (TierRule(Tier.PREPARE, above=0.02, below=None, hold=hold),)
    return Rule("Errors", signal, tiers, keep_firing_for=keep, no_data=no_data, resolve=resolve, gap_tolerance=gap)


def walk(watched: Rule, verdicts: str) -> str:
    """The states after each verdict, a letter each."""
    key = AlertKey("Errors", LABELS, Tier.PREPARE)
    alerts: dict[AlertKey, Alert] = {}
    path = ""
    for number, letter in enumerate(verdicts):
        judgements = {key: Judgement(LETTERS[letter], value=0.1)}
        alerts = dict(step(watched, GROUP, alerts, judgements, START + 15 * number).alerts)
        path += STATES[alerts[key].state] if key in alerts else "-"
    return path


PATHS = [
    ("inactive=>pending=>firing after exactly `for` (45 s: three intervals)", rule(), "BBBB", "pppF"),
    ("one grid point less than `for` pages nobody", rule(), "BBBC", "ppp-"),
    ("`for: 0s` fires in the same step", rule(hold=0), "CB", "-F"),
    ("pending=>inactive on between", rule(), "BBW", "pp-"),
    ("pending starts anew after a clear point", rule(), "BBCBBBB", "pp-pppF"),
    ("pending holds through one missing point and pays for it", rule(), "BBNBB", "ppppF"),
    ("pending holds through a query error", rule(), "BEBBB", "ppppF"),
    ("pending holds while there is too little traffic", rule(), "BIIBBB", "pppppF"),
    ("pending gives up after more than the gap tolerance (60 s) in a row", rule(), "BNNNNN", "ppppp-"),
    ("pending survives exactly the gap tolerance", rule(), "BNNNNBBB", "pppppppF"),
    ("a gap tolerance of its own", rule(gap=15), "BNN", "pp-"),
    ("a gap is counted in a row, not in sum", rule(gap=15), "BNBNBB", "pppppF"),
    ("firing=>held through missing data, errors and too little traffic", rule(hold=0), "BNEI", "FFFF"),
    ("firing stays on between", rule(hold=0), "BW", "FF"),
    ("firing=>inactive on clear", rule(hold=0), "BC", "F-"),
    ("firing=>recovering=>inactive after exactly keep_firing_for", rule(hold=0, keep=30), "BCCC", "Frr-"),
    ("recovering=>firing on breach", rule(hold=0, keep=30), "BCBCCC", "FrFrr-"),
    ("recovering=>firing on between", rule(hold=0, keep=30), "BCW", "FrF"),
    ("recovering holds through missing data and pays for it", rule(hold=0, keep=30), "BCNCC", "Frrr-"),
    ("by person: clear does not resolve", rule(hold=0, resolve=Resolve.BY_PERSON), "BCCCC", "FFFFF"),
    ("no_data: breach", rule(hold=15, no_data=NoData.BREACH), "NN", "pF"),
    ("no_data: breach leaves errors missing", rule(hold=15, no_data=NoData.BREACH), "NE", "pp"),
    ("no_data: clear resolves", rule(hold=0, no_data=NoData.CLEAR), "BN", "F-"),
    ("no_data: clear leaves too little traffic missing", rule(hold=0, no_data=NoData.CLEAR), "BI", "FF"),
    ("nothing starts from missing data", rule(hold=0), "NEIWC", "-----"),
]


@pytest.mark.parametrize(("watched", "verdicts", "states"), [row[1:] for row in PATHS], ids=[row[0] for row in PATHS])
def test_path(watched: Rule, verdicts: str, states: str) -> None:
    assert walk(watched, verdicts) == states


def test_the_table_has_every_state_and_column() -> None:
    assert set(STATE_TABLE) == set(State)
    assert all(set(row) == set(Heard) for row in STATE_TABLE.values())
    assert {move for row in STATE_TABLE.values() for move in row.values()} == set(Move)


def both(rollback: Verdict, prepare: Verdict) -> dict[AlertKey, Judgement]:
    return {
        AlertKey("Errors", LABELS, Tier.ROLLBACK): Judgement(rollback, value=0.5),
        AlertKey("Errors", LABELS, Tier.PREPARE): Judgement(prepare, value=0.5),
    }


def test_a_firing_rollback_makes_the_prepare_tier_fire_too() -> None:
    tiers = (
        TierRule(Tier.PREPARE, above=0.02, below=None, hold=300),
        TierRule(Tier.ROLLBACK, above=0.25, below=None, hold=0),
    )
    watched = replace(rule(), tiers=tiers)
    stepped = step(watched, GROUP, {}, both(B, B), START)
    causes = {one.alert.key.tier: one.cause for one in stepped.transitions}
    assert causes == {Tier.ROLLBACK: Cause.BREACHED, Tier.PREPARE: Cause.CARRIED_BY_ROLLBACK}

    stepped = step(watched, GROUP, stepped.alerts, both(B, C), START + 15)
    assert not stepped.transitions, "prepare does not clear under a firing rollback"

    stepped = step(watched, GROUP, stepped.alerts, both(C, B), START + 30)
    assert [one.alert.key.tier for one in stepped.transitions] == [Tier.ROLLBACK]
    assert [one.state for one in stepped.alerts.values()] == [State.FIRING]


def test_since_is_the_first_breach_and_never_moves() -> None:
    key = AlertKey("Errors", LABELS, Tier.PREPARE)
    alerts: dict[AlertKey, Alert] = {}
    for number, verdict in enumerate([B, N, B, B, B, B]):
        alerts = dict(step(rule(), GROUP, alerts, {key: Judgement(verdict, value=0.1)}, START + 15 * number).alerts)
    assert alerts[key].since == START
    assert alerts[key].fired_at == START + 60


def test_the_peak_is_the_worst_value_of_the_breach() -> None:
    key = AlertKey("Errors", LABELS, Tier.PREPARE)
    alerts: dict[AlertKey, Alert] = {}
    for number, value in enumerate([0.1, 0.4, 0.2]):
        alerts = dict(step(rule(), GROUP, alerts, {key: Judgement(B, value=value)}, START + 15 * number).alerts)
    assert alerts[key].peak == 0.4


def test_an_instance_that_vanishes_reads_as_no_data() -> None:
    key = AlertKey("Errors", LABELS, Tier.PREPARE)
    alerts = {key: Alert(key, State.FIRING, since=START, fired_at=START)}
    assert step(rule(), GROUP, alerts, {}, START + 15).alerts == alerts


BLIND_KEY = AlertKey("critical-apis", (), Tier.BLIND)


@pytest.mark.parametrize(
    ("unseen_for", "before", "state", "cause"),
    [
        pytest.param(299, False, "-", None, id="unseen for less than blind_after says nothing"),
        pytest.param(300, False, "F", Cause.UNSEEN, id="unseen for exactly blind_after is blind"),
        pytest.param(400, True, "F", None, id="blind stays blind without a second page"),
        pytest.param(0, True, "-", Cause.SEEN_AGAIN, id="seen again is sighted"),
        pytest.param(20, True, "F", None, id="a restart of the monitor is no sight"),
    ],
)
def test_blindness(unseen_for: float, before: bool, state: str, cause: Cause | None) -> None:  # noqa: FBT001
    alerts = {BLIND_KEY: Alert(BLIND_KEY, State.FIRING, since=1, fired_at=1)} if before else {}
    stepped = look(alerts, [Sight("critical-apis", (), unseen_for)], 300, START)
    assert (STATES[stepped.alerts[BLIND_KEY].state] if stepped.alerts else "-") == state
    assert [one.cause for one in stepped.transitions] == ([cause] if cause else [])


def test_blind_since_is_when_it_was_last_seen() -> None:
    stepped = look({}, [Sight("critical-apis", (), 310.5)], 300, START)
    assert stepped.alerts[BLIND_KEY].since == START - 310


def test_a_subject_nobody_watches_any_more_is_no_longer_blind() -> None:
    alerts = {BLIND_KEY: Alert(BLIND_KEY, State.FIRING, since=1, fired_at=1)}
    assert [one.cause for one in look(alerts, [], 300, START).transitions] == [Cause.RULE_REMOVED]
