"""Why an alert does or does not fire, in words, for whoever was woken. Pure; no layout, no colour."""

from monitor.core.explanation.explaining import Explanation, Origin
from monitor.core.explanation.outlook import Course
from monitor.core.judging.latency import CEILING
from monitor.core.model import AlertKey, Cause, State, Verdict, utc
from monitor.core.rules.changewords import duration
from monitor.core.rules.rule import TierRule
from monitor.core.rules.signal import Latency, Signal, Unit, unit_of

CAUSES = {
    Cause.BREACHED: "over the limit",
    Cause.HELD_LONG_ENOUGH: "it held for long enough",
    Cause.CARRIED_BY_ROLLBACK: "the rollback tier of the same instance fires",
    Cause.BREACHED_AGAIN: "not clear any more",
    Cause.NOT_OVER_LIMIT: "not over the limit any more",
    Cause.NO_LONGER_OVER_LIMIT: "clear",
    Cause.CLEAR_LONG_ENOUGH: "clear for long enough",
    Cause.MISSING_TOO_LONG: "no usable reading for too long",
    Cause.UNSEEN: "not seen",
    Cause.SEEN_AGAIN: "seen again",
    Cause.RULE_REMOVED: "its rule was removed",
    Cause.RULE_CHANGED: "its rule was changed",
    Cause.RETIRED: "a person ended it",
}
ORIGINS = {
    Origin.DAEMON: "as the daemon has it",
    Origin.DATABASE: "as the database has it; no daemon runs",
    Origin.HISTORY: "derived from Prometheus's history",
}
VERDICTS = {
    Verdict.BREACH: "a breach",
    Verdict.BETWEEN: "between its clear and its limit",
    Verdict.CLEAR: "clear",
    Verdict.INSUFFICIENT: "too little to judge",
    Verdict.NO_DATA: "no data",
    Verdict.ERROR: "an error",
}
# --- numbers ----------------------------------------------------------------------------------------------------------


def share(value: float) -> str:
    """Give a share with three significant figures: 2.04 %."""
    return f"{100 * value:.3g} %" if abs(value) < 10 else f"{100 * value:.0f} %"  # noqa: PLR2004  # 1e+03 % is no figure


def figure(value: float, unit: Unit) -> str:
    """Give a value or limit in its unit: 2.04 %, 110 % slower, 12.5."""
    match unit:
        case Unit.RATIO | Unit.UP:
            return share(value)
        case Unit.SLOWER:
            return f"{share(abs(value))} {'slower' if value >= 0 else 'faster'}"
        case Unit.NUMBER:
            return f"{value:.6g}"


def seconds(value: float) -> str:
    """Give a latency: 820 ms, 1.2 s."""
    return f"{value:.3g} s" if value >= 0.9995 else f"{1000 * value:.3g} ms"  # noqa: PLR2004  # what rounds to 1 s


def moment(at: int, beside: int) -> str:
    """Give a grid time, with its date where it is not the day of `beside`."""
    same = utc(at).date() == utc(beside).date()
    return f"{utc(at):%H:%M:%S} UTC" if same else f"{utc(at):%Y-%m-%d %H:%M:%S} UTC"


def named(key: AlertKey) -> str:
    """Give an alert as it is written in PromQL, without its tier."""
    inside = ", ".join(f'{name}="{value}"' for name, value in key.labels)
    return f"{key.alert}{{{inside}}}" if inside else key.alert


def limit_of(signal: Signal, tier: TierRule) -> str:
    """Give the limit of a tier: above 2 %."""
    if tier.limit is None:
        return "any result"
    return f"{side(tier)} {figure(tier.limit, unit_of(signal))}"


def acting_limit(one: Explanation) -> str:
    """Give the limit as it acts on this reading: of a latency in seconds too, where it is known what that is."""
    tier, signal = one.subject.tier, one.subject.rule.signal
    if one.base is None or tier.limit is None:
        return limit_of(signal, tier)
    acts = seconds((1 + tier.limit) * one.base)
    return f"{side(tier)} the ceiling, {acts}" if on_ceiling(one) else f"{limit_of(signal, tier)}, {acts}"


def on_ceiling(one: Explanation) -> bool:
    """Whether an absolute limit stands in for the baseline of a latency."""
    return any(held.larger and held.reference.name == CEILING for held in one.references)


def value_words(one: Explanation) -> str:
    """Give the value that was judged; of a latency its quantile, and how that compares."""
    signal, value, seen = one.subject.rule.signal, one.judgement.value, one.seen
    if isinstance(signal, Latency) and seen is not None and seen.value is not None:
        beside = f", {figure(value, Unit.SLOWER)}" if value is not None and not on_ceiling(one) else ""
        return f"p{100 * signal.quantile:.4g} {seconds(seen.value)}{beside}"
    return "no value" if value is None else figure(value, unit_of(signal))


def side(tier: TierRule) -> str:
    """Give the side of a tier's limit on which a breach is."""
    return "above" if tier.above is not None else "below"


# --- why --------------------------------------------------------------------------------------------------------------


def reading(one: Explanation) -> str:
    """Give the reading and its verdict in a sentence."""
    judged = one.judgement
    if judged.verdict in {Verdict.BREACH, Verdict.BETWEEN, Verdict.CLEAR}:
        return f"{judged.why}: {VERDICTS[judged.verdict]} (limit: {acting_limit(one)})."
    word = VERDICTS[judged.verdict]
    return f"{_upper(judged.why)}." if judged.why.startswith(word) else f"{_upper(word)}: {judged.why}."


def why(one: Explanation) -> str:
    """Give why it fires, or why it does not, and what time will make of it."""
    if one.standing.unknown:
        return f"Its state is not known: {one.standing.unknown}."
    match one.standing.state:
        case State.INACTIVE:
            return f"It does not fire: {_why_inactive(one)}."
        case State.PENDING:
            return f"It does not fire yet: {_why_pending(one)}."
        case _:
            return f"It fires: {_why_firing(one)}."


def _why_inactive(one: Explanation) -> str:
    ended = _ended(one)
    match one.judgement.verdict:
        case Verdict.BREACH:
            reason = "its state was not moved by this reading"
        case Verdict.BETWEEN:
            reason = "the reading is over what counts as clear, but not over the limit"
        case Verdict.CLEAR:
            reason = "the reading is not over the limit"
        case Verdict.INSUFFICIENT | Verdict.NO_DATA | Verdict.ERROR:
            reason = "only a breach starts an alert, and this is none"
    at, of = one.outlook.at, one.outlook.of
    soon = f"; a breach from the next evaluation on fires at {when(at, one)}" if at is not None and of else ""
    return f"{reason}{ended}{soon}"


def _ended(one: Explanation) -> str:
    """Say what it did before, where that is news."""
    last = one.standing.changes[-1] if one.standing.changes else None
    if last is None or last.after is not State.INACTIVE:
        return ""
    was = "pending" if last.before is State.PENDING else "firing"
    return f". It was {was} until {when(last.at, one)} ({CAUSES[last.cause]})"


def _why_pending(one: Explanation) -> str:
    out = one.outlook
    alert = one.standing.alert
    since = f" since {when(alert.since, one)}" if alert is not None else ""
    if out.course is Course.GIVES_UP:
        lacking = f"over the limit{since}, but the last {duration(out.done)} gave no usable reading"
        return f"{lacking}; if that stays it is dropped at {when(out.at, one)} (gap_tolerance {duration(out.of)})"
    held = f"held {duration(out.done)} of {duration(out.of)}"
    return f"over the limit{since}, {held}; fires at {when(out.at, one)} if it stays"


def _why_firing(one: Explanation) -> str:
    alert, out = one.standing.alert, one.outlook
    if alert is None:
        return "nobody knows since when"
    told = f"over the limit since {'before ' if alert.open_ended else ''}{when(alert.since, one)}"
    if alert.fired_at is not None and alert.fired_at != alert.since:
        held = f" after {duration(one.subject.tier.hold)}"
        how = f" ({CAUSES[Cause.CARRIED_BY_ROLLBACK]})" if _carried(one) else held
        told += f", fired at {when(alert.fired_at, one)}{how}"
    return told + _how_it_ends(one, out.course)


def _carried(one: Explanation) -> bool:
    """Whether it fires because the rollback tier of its instance does."""
    fired = [change for change in one.standing.changes if change.after is State.FIRING]
    return bool(fired) and fired[-1].cause is Cause.CARRIED_BY_ROLLBACK


def _how_it_ends(one: Explanation, course: Course) -> str:
    out = one.outlook
    match course:
        case Course.WAITS_FOR_PERSON:
            return "; it ends when somebody says that it is dealt with (resolve: by_person)"
        case Course.RESOLVES:
            cleared = f"clear for {duration(out.done)} of {duration(out.of)}"
            return f"; {cleared}, resolves at {when(out.at, one)} if that stays"
        case Course.WAITS_FOR_DATA:
            return f"; clear for {duration(out.done)} of {duration(out.of)}, and waits for readings"
        case _:
            missing = one.judgement.verdict in {Verdict.NO_DATA, Verdict.ERROR, Verdict.INSUFFICIENT}
            kept = f" for {duration(out.of)}" if out.of else ""
            return f"; {'missing data never resolve it: ' if missing else ''}it resolves once it is clear{kept}"


def when(at: int | None, one: Explanation) -> str:
    """Give a grid time beside the one that is explained."""
    return "no known time" if at is None else moment(at, one.subject.at)


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


# --- in a line --------------------------------------------------------------------------------------------------------


def in_a_line(one: Explanation) -> str:
    """Give reading, limit and where it is heading, for a table."""
    told = f"{one.judgement.why}; limit {acting_limit(one)}"
    if one.standing.unknown:
        return f"{told}; its state is not known: {one.standing.unknown}"
    return f"{told}{_heading(one)}"


def _heading(one: Explanation) -> str:
    out, alert = one.outlook, one.standing.alert
    match out.course:
        case Course.WOULD_FIRE:
            return ""
        case Course.FIRES:
            return f"; held {duration(out.done)} of {duration(out.of)}, fires at {when(out.at, one)} if it stays"
        case Course.GIVES_UP:
            return f"; no usable reading for {duration(out.done)}, dropped at {when(out.at, one)} if that stays"
        case Course.RESOLVES:
            return f"; clear for {duration(out.done)} of {duration(out.of)}, resolves at {when(out.at, one)}"
        case _:
            return f"; since {when(alert.since if alert else None, one)}"
