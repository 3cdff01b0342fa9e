"""What was read and judged, and what would have to change, in words: a label and a text each. Pure; no layout."""

import math
from collections.abc import Iterable
from typing import TypeAlias

from monitor.core.explanation.explainedwords import (
    CAUSES,
    ORIGINS,
    VERDICTS,
    acting_limit,
    figure,
    on_ceiling,
    seconds,
    share,
    side,
    value_words,
    when,
)
from monitor.core.explanation.explaining import Explanation, Guard, HeldAgainst, Span
from monitor.core.explanation.levers import Bound, Lever
from monitor.core.explanation.whatif import Quantity
from monitor.core.judging.latency import CEILING
from monitor.core.model import Verdict, utc
from monitor.core.rules.changewords import duration
from monitor.core.rules.signal import Condition, ErrorRatio, Latency, Unit, unit_of

Line: TypeAlias = tuple[str, str]
"""A label and what stands beside it."""

AIMS = {
    Verdict.BREACH: "a breach",
    Verdict.BETWEEN: "no breach",
    Verdict.CLEAR: "clear",
    Verdict.INSUFFICIENT: "no breach, but too little to judge",
}


def facts(one: Explanation) -> tuple[Line, ...]:
    """Give everything that was judged, a label and a text each."""
    return (*_read(one), *_limits(one), *_guards(one), *_proof(one), *_baselines(one), *_state(one))


def _read(one: Explanation) -> Iterable[Line]:
    seen, signal = one.seen, one.subject.rule.signal
    if seen is None:
        yield "reading", "nothing was read of this instance"
        return
    window = f" in {duration(one.subject.tier.window)}" if one.subject.tier.window else ""
    if seen.requests is not None:
        yield "requests", f"{_count(seen.requests)}{window}"
    if seen.failures is not None and isinstance(signal, ErrorRatio):
        yield "failures", _count(seen.failures)
    if one.judgement.value is not None and not isinstance(signal, Condition):
        yield "value", value_words(one)


def _count(number: float) -> str:
    return f"{number:.0f}" if math.isfinite(number) else str(number)


def _limits(one: Explanation) -> Iterable[Line]:
    tier, signal, clear = one.subject.tier, one.subject.rule.signal, ""
    if tier.clear is not None:
        limits = [] if on_ceiling(one) else [figure(tier.clear, unit_of(signal))]
        limits += [seconds((1 + tier.clear) * one.base)] if one.base is not None else []
        clear = f"; clear at {', '.join(limits)} or {'less' if tier.above is not None else 'more'}"
    held = f"for {duration(tier.hold)}" if tier.hold else "at once"
    yield "limit", f"{acting_limit(one)}, {held}{clear}"


def _guards(one: Explanation) -> Iterable[Line]:
    for guard in one.guards:
        yield guard.name, _guard(guard)


def _guard(guard: Guard) -> str:
    if guard.met:
        return f"{guard.needed:g}: met"
    return (
        f"{guard.needed:g}: not met, {_count(guard.found)} is {math.ceil(guard.needed) - math.floor(guard.found)} short"
    )


def _proof(one: Explanation) -> Iterable[Line]:
    proof, tier = one.proof, one.subject.tier
    if proof is None or tier.confidence is None:
        return
    most = "at least" if proof.above else "at most"
    beyond = "over" if proof.above else "under"
    what = "slower than the limit" if isinstance(one.subject.rule.signal, Latency) else "failed"
    counted = f"{_count(proof.count)} of {_count(proof.of)} {what} prove {most} {share(proof.bound)}"
    verdict = (
        f"{beyond} {share(proof.limit)}: proven" if proof.given else f"not {beyond} {share(proof.limit)}: not proven"
    )
    yield "proof", f"at {share(tier.confidence)}, {counted} (Wilson), {verdict}"


def _baselines(one: Explanation) -> Iterable[Line]:
    several = sum(not held.shown and held.reference.seconds is not None for held in one.references) > 1
    for held in one.references:
        yield held.reference.name, _reference(held, "the largest: it counts" if several else "it counts")


def _reference(held: HeldAgainst, counts: str) -> str:
    one = held.reference
    if one.seconds is None:
        return f"none: {one.why}"
    told = f"{seconds(one.seconds)}{f', {one.why}' if one.why else ''}"
    if held.larger:
        return f"{told}; {'stands in as the limit' if one.name == CEILING else counts}"
    return f"{told}; shown only" if held.shown else told


def _state(one: Explanation) -> Iterable[Line]:
    standing, alert = one.standing, one.standing.alert
    if standing.unknown:
        return
    since = "" if alert is None else f" since {'before ' if alert.open_ended else ''}{when(alert.since, one)}"
    yield "state", f"{standing.state}{since}, {ORIGINS[standing.origin]}"
    if alert is not None and alert.peak is not None:
        yield "worst", figure(alert.peak, unit_of(one.subject.rule.signal))
    if alert is not None and alert.held:
        yield "not credited", f"{duration(alert.held)} without a usable reading"
    for change in standing.changes:
        yield "", f"{when(change.at, one)}  {change.before} -> {change.after}: {CAUSES[change.cause]}"


# --- what would have to change ----------------------------------------------------------------------------------------


def changes(one: Explanation) -> tuple[str, ...]:
    """Give what would have to be another, a sentence each."""
    held = (f"its reading is a breach, and does not count: {one.held_back}",) if one.held_back else ()
    lacking = tuple(
        f"a baseline: {ref.reference.name} has none, {ref.reference.why}"
        for ref in one.references
        if one.base is None and not ref.shown and ref.reference.seconds is None
    )
    return (*held, *lacking, *(lever_words(one, lever) for lever in one.levers))


def lever_words(one: Explanation, lever: Lever) -> str:
    """Give one change: "a breach: 14 more failures (19 of 612 requests)"."""
    return f"{AIMS.get(lever.verdict, VERDICTS[lever.verdict])}: {_lever(one, lever)}"


def _lever(one: Explanation, lever: Lever) -> str:
    requests = one.seen.requests if one.seen is not None and one.seen.requests is not None else 0.0
    signal = one.subject.rule.signal
    match lever.quantity:
        case Quantity.FAILURES:
            return f"{_apart(lever, 'failure')} ({lever.needed:.0f} of {_count(requests)} requests)"
        case Quantity.REQUESTS:
            same = "as slow as these" if isinstance(signal, Latency) else "the same share of them failing"
            return f"{_apart(lever, 'request')} ({lever.needed:.0f}), {same}"
        case Quantity.SLOW:
            base, limit = one.base or 0.0, one.subject.tier.limit or 0.0
            slower = f"slower than {seconds((1 + limit) * base)}"
            return f"{_apart(lever, 'request')} {slower} ({lever.needed:.0f} of {_count(requests)})"
        case Quantity.SECONDS:
            quantile = f"p{100 * signal.quantile:.4g}" if isinstance(signal, Latency) else "value"
            return f"a {quantile} {_bound(lever, seconds(lever.needed))} (now {seconds(lever.now)})"
        case Quantity.VALUE:
            unit = unit_of(signal)
            return f"a value {_bound(lever, figure(lever.needed, unit))} (now {figure(lever.now, unit)})"
        case Quantity.LIMIT:
            unit = unit_of(signal)
            where = f"{one.subject.tier.tier}.{side(one.subject.tier)}"
            return f"a limit ({where}) {_bound(lever, figure(lever.needed, unit))} (now {figure(lever.now, unit)})"


def _apart(lever: Lever, noun: str) -> str:
    more = "more" if lever.bound is Bound.AT_LEAST else "fewer"
    return f"{lever.apart} {more} {noun}{'' if lever.apart == 1 else 's'}"


def _bound(lever: Lever, needed: str) -> str:
    match lever.bound:
        case Bound.OVER:
            return f"over {needed}"
        case Bound.UNDER:
            return f"under {needed}"
        case Bound.AT_LEAST:
            return f"of {needed} or more"
        case Bound.AT_MOST:
            return f"of {needed} or less"


# --- lately -----------------------------------------------------------------------------------------------------------


def lately(one: Explanation) -> tuple[Line, ...]:
    """Give the last verdicts, a line for each stretch of one, the newest last."""
    unit = None if on_ceiling(one) else unit_of(one.subject.rule.signal)
    return tuple((_between(span), _span(span, unit)) for span in one.lately)


def _between(span: Span) -> str:
    first, last = f"{utc(span.first):%H:%M:%S}", f"{utc(span.last):%H:%M:%S}"
    return first if first == last else f"{first}-{last}"


def _span(span: Span, unit: Unit | None) -> str:
    if span.verdict is None:
        return "not answered"
    verdict = str(span.verdict).replace("_", " ")
    if span.low is None or span.high is None or unit is None:
        return verdict
    low, high = figure(span.low, unit), figure(span.high, unit)
    return f"{verdict}, {low}" if low == high else f"{verdict}, {low} to {high}"
