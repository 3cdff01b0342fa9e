"""Properties of `step`, against an independent oracle that looks at the whole history at once, without any state."""

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.judging.evaluate import step
from monitor.core.model import Alert, AlertKey, Judgement, State, Tier, Verdict
from monitor.core.rules.rule import Group, Rule, TierRule
from monitor.core.rules.signal import ErrorRatio

INTERVAL = 15
START = 1_700_000_010
KEY = AlertKey("Errors", (("job", "auth"),), Tier.ROLLBACK)

verdicts = st.lists(st.sampled_from("BBBBWCCCNEI"), min_size=1, max_size=60).map("".join)
holds = st.sampled_from([0, 15, 45, 60, 100, 300])
keeps = st.sampled_from([0, 15, 30, 50, 120])
gaps = st.sampled_from([15, 30, 60])
MEANING = {
    "B": Verdict.BREACH,
    "W": Verdict.BETWEEN,
    "C": Verdict.CLEAR,
    "N": Verdict.NO_DATA,
    "E": Verdict.ERROR,
    "I": Verdict.INSUFFICIENT,
}


def walk(history: str, hold: int, keep: int, gap: int) -> list[tuple[State, int]]:
    """The transitions that `step` makes: the new state and the index of the grid point."""
    rule = Rule(
        "Errors",
        ErrorRatio("r", "f", ("job",), 60),
        (TierRule(Tier.ROLLBACK, above=0.02, below=None, hold=hold),),
        keep_firing_for=keep,
        gap_tolerance=gap,
    )
    group = Group("g", (rule,), interval=INTERVAL)
    alerts: dict[AlertKey, Alert] = {}
    moves = []
    for index, letter in enumerate(history):
        stepped = step(rule, group, alerts, {KEY: Judgement(MEANING[letter])}, START + INTERVAL * index)
        alerts = dict(stepped.alerts)
        moves += [(one.after, index) for one in stepped.transitions]
    return moves


def oracle(history: str, hold: int, keep: int, gap: int) -> list[tuple[State, int]]:
    """The same by scanning: a breach runs to its end, and the points that were not seen are not credited."""
    seen = [letter if letter in "BWC" else "?" for letter in history]
    moves, index = [], 0
    while index < len(seen):
        if seen[index] != "B":
            index += 1
            continue
        start, end = index, _fire_index(seen, index, hold, gap)
        if end[0] == "dropped":
            moves += [(State.PENDING, start), (State.INACTIVE, end[1])]
            index = end[1] + 1
        elif end[0] == "open":
            return [*moves, (State.PENDING, start)]
        else:
            moves += [(State.PENDING, start)] if end[1] > start else []
            moves.append((State.FIRING, end[1]))
            index = _resolve(seen, end[1] + 1, keep, moves)
    return moves


def _fire_index(seen: list[str], start: int, hold: int, gap: int) -> tuple[str, int]:
    for index in range(start, len(seen)):
        if seen[index] in "WC":
            return "dropped", index
        unseen_run = len("".join(seen[start : index + 1])) - len("".join(seen[start : index + 1]).rstrip("?"))
        if unseen_run * INTERVAL > gap:
            return "dropped", index
        credited = (index - start - seen[start:index].count("?")) * INTERVAL
        if seen[index] == "B" and credited >= hold:
            return "fired", index
    return "open", len(seen)


def _resolve(seen: list[str], index: int, keep: int, moves: list[tuple[State, int]]) -> int:
    while index < len(seen):
        if seen[index] != "C":
            index += 1
            continue
        began = index
        if keep:
            moves.append((State.RECOVERING, began))
        while index < len(seen) and seen[index] in "C?":
            credited = (index - began - seen[began:index].count("?")) * INTERVAL
            if seen[index] == "C" and credited >= keep:
                moves.append((State.INACTIVE, index))
                return index + 1
            index += 1
        if index < len(seen):
            moves.append((State.FIRING, index))
            index += 1
    return index


@settings(max_examples=600, deadline=None)
@given(verdicts, holds, keeps, gaps)
def test_step_makes_the_transitions_that_the_whole_history_asks_for(
    history: str, hold: int, keep: int, gap: int
) -> None:
    assert walk(history, hold, keep, gap) == oracle(history, hold, keep, gap)


@settings(max_examples=200, deadline=None)
@given(verdicts, holds, keeps)
def test_missing_data_neither_starts_nor_ends_anything(history: str, hold: int, keep: int) -> None:
    for after, index in walk(history, hold, keep, gap=10_000):
        assert history[index] not in "NEI", f"{after} at {index} of {history}"


@settings(max_examples=200, deadline=None)
@given(verdicts, holds)
def test_nothing_fires_without_a_hold_of_breaches(history: str, hold: int) -> None:
    for after, index in walk(history, hold, keep=0, gap=60):
        if after is State.FIRING:
            assert history[: index + 1].count("B") * INTERVAL > hold
