"""How an alert moves: the state table as data, and `step`, which walks it. The only place where an alert changes.

Time is an argument: grid times in whole seconds. Nothing here knows where judgements come from or whom a transition
wakes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from monitor.core.judging.judge import unseen
from monitor.core.model import Alert, AlertKey, Cause, Judgement, Labels, State, Tier, Transition, Verdict
from monitor.core.rules.rule import Group, NoData, Resolve, Rule, TierRule


class Heard(StrEnum):
    """What a verdict says to an alert: the columns of the state table."""

    BREACH = "breach"
    BETWEEN = "between"
    CLEAR = "clear"
    MISSING = "missing"


class Move(StrEnum):
    """What an alert does about it: the cells of the state table."""

    STAY = "stay"
    BEGIN = "begin"
    WAIT = "wait"
    DROP = "drop"
    HOLD = "hold"
    RECOVER = "recover"
    RETURN = "return"
    SETTLE = "settle"


STATE_TABLE: Mapping[State, Mapping[Heard, Move]] = {
    State.INACTIVE: {
        Heard.BREACH: Move.BEGIN,
        Heard.BETWEEN: Move.STAY,
        Heard.CLEAR: Move.STAY,
        Heard.MISSING: Move.STAY,
    },
    State.PENDING: {
        Heard.BREACH: Move.WAIT,
        Heard.BETWEEN: Move.DROP,
        Heard.CLEAR: Move.DROP,
        Heard.MISSING: Move.HOLD,
    },
    State.FIRING: {
        Heard.BREACH: Move.STAY,
        Heard.BETWEEN: Move.STAY,
        Heard.CLEAR: Move.RECOVER,
        Heard.MISSING: Move.STAY,
    },
    State.RECOVERING: {
        Heard.BREACH: Move.RETURN,
        Heard.BETWEEN: Move.RETURN,
        Heard.CLEAR: Move.SETTLE,
        Heard.MISSING: Move.HOLD,
    },
}
"""The state table: what an alert in a state (row) does about what it hears (column)."""

MOVES: Mapping[Move, str] = {
    Move.STAY: "stays",
    Move.BEGIN: "pending, `since` = t; fires in the same step when `for` is 0",
    Move.WAIT: "fires when t - since - held >= `for`",
    Move.DROP: "inactive",
    Move.HOLD: "holds; `held` grows by one interval; pending over `gap_tolerance` in a row: inactive",
    Move.RECOVER: "recovering if `keep_firing_for`, else resolved; stays where a person resolves",
    Move.RETURN: "firing again, same incident, no second page",
    Move.SETTLE: "resolved when t - clear_since - held >= `keep_firing_for`",
}
"""What each move means, for the docs."""


def heard(verdict: Verdict, no_data: NoData) -> Heard:
    """Give the column of `verdict`; `no_data: breach|clear` turns missing data, and only that, into a verdict."""
    match verdict:
        case Verdict.BREACH:
            return Heard.BREACH
        case Verdict.BETWEEN:
            return Heard.BETWEEN
        case Verdict.CLEAR:
            return Heard.CLEAR
        case Verdict.NO_DATA if no_data is NoData.BREACH:
            return Heard.BREACH
        case Verdict.NO_DATA if no_data is NoData.CLEAR:
            return Heard.CLEAR
        case _:
            return Heard.MISSING


@dataclass(frozen=True, slots=True)
class Stepped:
    """The alerts after a step (inactive ones are left out) and what changed, in the order of (labels, tier)."""

    alerts: Mapping[AlertKey, Alert]
    transitions: tuple[Transition, ...] = ()


@dataclass(frozen=True, slots=True)
class _Clockwork:
    """What a move needs to know of its rule."""

    rule: Rule
    tier: TierRule
    interval: int
    gap_tolerance: int


def gap_tolerance_of(rule: Rule, interval: int) -> int:
    """Give the seconds without a usable reading in a row that a pending alert survives.

    The rule's, or max(2 intervals, 1 minute).
    """
    return rule.gap_tolerance if rule.gap_tolerance is not None else max(2 * interval, 60)


def step(
    rule: Rule,
    group: Group,
    alerts: Mapping[AlertKey, Alert],
    judgements: Mapping[AlertKey, Judgement],
    at: int,
) -> Stepped:
    """Move every alert of `rule` by the judgements of grid time `at`.

    `alerts` are those of this rule that are not inactive; `judgements` hold one entry for each instance and tier that
    was read. An alert that is known but was not read reads as no data (that of a condition: as clear). Rollback tiers
    move first: a firing rollback carries the prepare tier of its instance, so that the lesser page can neither lag
    behind nor clear under the greater one.
    """
    after: dict[AlertKey, Alert] = {}
    transitions: list[Transition] = []
    keys = sorted(alerts.keys() | judgements.keys(), key=lambda key: (key.tier is Tier.PREPARE, key.labels))
    for key in keys:
        tier = rule.tier(key.tier, key.labels)
        if tier is None:
            continue
        works = _Clockwork(rule, tier, group.interval, gap_tolerance_of(rule, group.interval))
        judgement = judgements.get(key) or replace(
            unseen(rule.signal, tier), why="the instance is no longer in the data"
        )
        carrier = after.get(AlertKey(key.alert, key.labels, Tier.ROLLBACK)) if key.tier is Tier.PREPARE else None
        alert, cause = _move(works, key, alerts.get(key), judgement, at, carrier)
        alert = alert and _with_peak(alert, judgement, tier)
        if alert is not None:
            after[key] = alert
        transition = _transition(alerts.get(key), alert, judgement, at, cause)
        if transition is not None:
            transitions.append(transition)
    return Stepped(after, tuple(sorted(transitions, key=lambda one: (one.alert.key.labels, one.alert.key.tier))))


def _move(
    works: _Clockwork,
    key: AlertKey,
    alert: Alert | None,
    judgement: Judgement,
    at: int,
    carrier: Alert | None,
) -> tuple[Alert | None, Cause]:
    """Give the alert after its move (None: inactive) and the cause."""
    if carrier is not None and carrier.state is State.FIRING:
        return _carried(key, alert, carrier, at)
    state = alert.state if alert else State.INACTIVE
    move = STATE_TABLE[state][heard(judgement.verdict, works.rule.no_data)]
    if alert is None:
        return _begin(works, key, at) if move is Move.BEGIN else (None, Cause.NOT_OVER_LIMIT)
    match move:
        case Move.WAIT:
            return _wait(works, alert, at)
        case Move.DROP:
            return None, Cause.NOT_OVER_LIMIT
        case Move.HOLD:
            return _hold(works, alert)
        case Move.RECOVER:
            return _recover(works, alert, at)
        case Move.RETURN:
            returned = replace(alert, state=State.FIRING, clear_since=None, held=0, missing=0)
            return returned, Cause.BREACHED_AGAIN
        case Move.SETTLE:
            return _settle(works, alert, at)
        case _:
            return alert, Cause.BREACHED


def _begin(works: _Clockwork, key: AlertKey, at: int) -> tuple[Alert, Cause]:
    if works.tier.hold == 0:
        return Alert(key, State.FIRING, since=at, fired_at=at), Cause.BREACHED
    return Alert(key, State.PENDING, since=at), Cause.BREACHED


def _wait(works: _Clockwork, alert: Alert, at: int) -> tuple[Alert, Cause]:
    seen = replace(alert, missing=0)
    if at - alert.since - alert.held >= works.tier.hold:
        return replace(seen, state=State.FIRING, held=0, fired_at=at), Cause.HELD_LONG_ENOUGH
    return seen, Cause.BREACHED


def _hold(works: _Clockwork, alert: Alert) -> tuple[Alert | None, Cause]:
    missing = alert.missing + works.interval
    if alert.state is State.PENDING and missing > works.gap_tolerance:
        return None, Cause.MISSING_TOO_LONG
    return replace(alert, missing=missing, held=alert.held + works.interval), Cause.BREACHED


def _recover(works: _Clockwork, alert: Alert, at: int) -> tuple[Alert | None, Cause]:
    if works.rule.resolve is Resolve.BY_PERSON:
        return alert, Cause.BREACHED
    if works.rule.keep_firing_for == 0:
        return None, Cause.CLEAR_LONG_ENOUGH
    recovering = replace(alert, state=State.RECOVERING, clear_since=at, held=0, missing=0)
    return recovering, Cause.NO_LONGER_OVER_LIMIT


def _settle(works: _Clockwork, alert: Alert, at: int) -> tuple[Alert | None, Cause]:
    began = alert.clear_since if alert.clear_since is not None else at
    if at - began - alert.held >= works.rule.keep_firing_for:
        return None, Cause.CLEAR_LONG_ENOUGH
    return replace(alert, missing=0), Cause.NO_LONGER_OVER_LIMIT


def _carried(key: AlertKey, alert: Alert | None, carrier: Alert, at: int) -> tuple[Alert, Cause]:
    """Make the prepare tier fire with the rollback tier of its instance."""
    if alert is None:
        return Alert(key, State.FIRING, since=carrier.since, fired_at=at), Cause.CARRIED_BY_ROLLBACK
    fired_at = alert.fired_at if alert.fired_at is not None else at
    fired = replace(alert, state=State.FIRING, fired_at=fired_at, clear_since=None, held=0, missing=0)
    return fired, Cause.CARRIED_BY_ROLLBACK


def _with_peak(alert: Alert, judgement: Judgement, tier: TierRule) -> Alert:
    value = judgement.value
    if value is None or judgement.verdict is not Verdict.BREACH:
        return alert
    worse = max if tier.above is not None else min
    peak = value if alert.peak is None else worse(alert.peak, value)
    return alert if peak == alert.peak else replace(alert, peak=peak)


def _transition(
    before: Alert | None, after: Alert | None, judgement: Judgement | None, at: int, cause: Cause
) -> Transition | None:
    was = before.state if before else State.INACTIVE
    now = after.state if after else State.INACTIVE
    if was is now:
        return None
    alert = after or before
    if alert is None:
        return None
    return Transition(replace(alert, state=now), was, now, at, cause, judgement)


def skip(rule: Rule, group: Group, alerts: Mapping[AlertKey, Alert], seconds: int, at: int) -> Stepped:
    """Move the `alerts` of `rule` over `seconds` of grid points that were never read, the last one at `at`.

    As over missing data: what pends waits at most `gap_tolerance`, what fires stays, and nothing is credited.
    """
    after: dict[AlertKey, Alert] = {}
    transitions: list[Transition] = []
    unread = Judgement(Verdict.NO_DATA, why=f"{seconds} s of evaluations were missed and are too old to be caught up")
    for key, before in sorted(alerts.items()):
        tier = rule.tier(key.tier, key.labels)
        alert: Alert | None = before
        if tier is not None and before.state is not State.FIRING:
            alert, _ = _hold(_Clockwork(rule, tier, seconds, gap_tolerance_of(rule, group.interval)), before)
        if alert is not None:
            after[key] = alert
        transition = _transition(before, alert, unread, at, Cause.MISSING_TOO_LONG)
        if transition is not None:
            transitions.append(transition)
    return Stepped(after, tuple(transitions))


def derived(rule: Rule, kept: Mapping[AlertKey, Alert], folded: Stepped, at: int) -> Stepped:
    """Give what becomes of the `kept` alerts of a rule whose state was `folded` anew from history, up to `at`.

    Its transitions tell the difference between the two, not the way there: what fired and ended before anybody watched
    is no news. An alert that fires in both is the same alert; one that a person resolves is never ended by this.
    """
    after: dict[AlertKey, Alert] = {}
    transitions: list[Transition] = []
    last = {one.alert.key: one for one in folded.transitions}
    for key in sorted(kept.keys() | folded.alerts.keys()):
        before, now = kept.get(key), folded.alerts.get(key)
        if before is not None and before.state is not State.PENDING:
            if rule.resolve is Resolve.BY_PERSON:
                now = before
            elif now is not None and now.state is not State.PENDING:
                now = replace(now, since=before.since, fired_at=before.fired_at)
        if now is not None:
            after[key] = now
        transitions += _difference(before, now, last.get(key), at)
    return Stepped(after, tuple(transitions))


def _difference(before: Alert | None, now: Alert | None, last: Transition | None, at: int) -> Iterable[Transition]:
    """A firing alert that only pends under the changed rule ends first."""
    judgement = last.judgement if last is not None else None
    fired = before is not None and before.state in {State.FIRING, State.RECOVERING}
    if fired and (now is None or now.state is State.PENDING):
        ended = _transition(before, None, Judgement(Verdict.CLEAR, why="the rule was changed"), at, Cause.RULE_CHANGED)
        before = None
        if ended is not None:
            yield ended
    cause = last.cause if last is not None and now is not None else Cause.RULE_CHANGED
    moment = at if now is None else now.fired_at or now.since
    found = _transition(before, now, judgement, moment if before is None else at, cause)
    if found is not None:
        yield found


def retire(alerts: Iterable[Alert], at: int, cause: Cause) -> tuple[Transition, ...]:
    """Give the transitions that make `alerts` inactive by decision rather than by signal (dealt with, rule removed)."""
    return tuple(
        Transition(replace(alert, state=State.INACTIVE), alert.state, State.INACTIVE, at, cause) for alert in alerts
    )


# --- blindness ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sight:
    """How long something that should be seen has not been.

    `unseen_for` seconds on the monotonic clock (0: just seen), and why not.
    """

    subject: str
    labels: Labels
    unseen_for: float
    why: str = ""

    @property
    def key(self) -> AlertKey:
        """The identity of the blind alert about it."""
        return AlertKey(self.subject, self.labels, Tier.BLIND)


def look(alerts: Mapping[AlertKey, Alert], sights: Iterable[Sight], blind_after: int, at: int) -> Stepped:
    """Move the blind alerts by what has and has not been seen, at wall time `at` (whole seconds).

    Something unseen for `blind_after` seconds fires *blind*, with `since` the time it was last seen; seen again, it
    resolves
    (*sighted*). A blind alert whose subject is no longer watched at all (its rule is gone) resolves too. Blindness
    never touches
    the other tiers.
    """
    after: dict[AlertKey, Alert] = {}
    transitions: list[Transition] = []
    watched = {sight.key: sight for sight in sights}
    for key in sorted(alerts.keys() | watched.keys()):
        sight, before = watched.get(key), alerts.get(key)
        if sight is None or sight.unseen_for < blind_after:
            alert, cause = _sighted(before, sight)
        else:
            since = at - int(sight.unseen_for)
            alert, cause = before or Alert(key, State.FIRING, since=since, fired_at=at), Cause.UNSEEN
        if alert is not None:
            after[key] = alert
        judgement = Judgement(Verdict.NO_DATA, why=sight.why if sight else "")
        transition = _transition(before, alert, judgement, at, cause)
        if transition is not None:
            transitions.append(transition)
    return Stepped(after, tuple(transitions))


def _sighted(before: Alert | None, sight: Sight | None) -> tuple[Alert | None, Cause]:
    """A blind alert stays until its subject is really seen; a short reprieve (a restart of the monitor) is no sight."""
    if before is None:
        return None, Cause.SEEN_AGAIN
    if sight is None:
        return None, Cause.RULE_REMOVED
    return (None, Cause.SEEN_AGAIN) if sight.unseen_for == 0 else (before, Cause.UNSEEN)
