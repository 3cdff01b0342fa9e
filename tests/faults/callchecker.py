"""What became of the calls of other pagers: every page reaches each of them once by its key, in time, and so does its
end; and somebody else is called where Slack does not take a page. Part of `checker`.
"""

from collections.abc import Iterator

from tests.faults.happenings import Called, Fired, Run, due, first_of, of

TRIGGERED, RESOLVED = "triggered", "resolved"


def uncalled(run: Run, late: float) -> list[str]:
    """Give the pages that another pager never heard of, and those that it was never told the end of."""
    last = {(one.pager, one.key): one.stance for one in sorted(run.calls, key=lambda one: one.at)}
    never = [f"{key} never reached {pager}" for fired, pager, key in _owed(run) if (pager, key) not in last]
    ringing = [
        f"{pager} was not told that {key} is over" for (pager, key), stance in last.items() if stance != RESOLVED
    ]
    return [*never, *ringing, *_nobody_instead(run, late)]


def called_twice(run: Run) -> list[str]:
    """Give what pages again: a key that was over, or one that belongs to no page.

    The same told again under the same key is known there and pages nobody.
    """
    known = {key for fired in run.fired for key in fired.calls}
    strange = sorted({f"{one.pager} got {one.key}, which is no page's" for one in run.calls if one.key not in known})
    return [*strange, *(f"{one.pager} was paged again by {one.key}, which was over" for one in _again(run))]


def called_late(run: Run, late: float) -> list[str]:
    """Give the pages that came late to another pager."""
    faults = []
    for fired, pager, key in _owed(run):
        came = _first(run, pager, key)
        expected = due(run, fired.since + run.patience, run.away)
        if came is not None and came > expected + late:
            faults.append(f"{key} came to {pager} {came - expected:.1f} s late")
    return faults


def _owed(run: Run) -> Iterator[tuple[Fired, str, str]]:
    return ((fired, pager, key) for fired in run.fired for key in fired.calls for pager in run.pagers)


def _first(run: Run, pager: str, key: str) -> float | None:
    return min((one.at for one in run.calls if (one.pager, one.key) == (pager, key)), default=None)


def _again(run: Run) -> Iterator[Called]:
    over: set[tuple[str, str]] = set()
    for one in sorted(run.calls, key=lambda one: one.at):
        if one.stance == RESOLVED:
            over.add((one.pager, one.key))
        elif one.stance == TRIGGERED and (one.pager, one.key) in over:
            yield one


def _nobody_instead(run: Run, late: float) -> list[str]:
    """A page that Slack does not take while its breach goes on is one for the spare pager."""
    faults = []
    for fired, expected in _to_spare(run, late):
        came = [_first(run, run.spare, key) for key in fired.calls]
        if any(at is None or at > expected + late for at in came):
            faults.append(f"nobody else was called for the breach at {fired.since} that Slack did not take")
    return faults


def to_spare(run: Run, late: float) -> int:
    """Count the pages that had to reach the spare pager."""
    return len(list(_to_spare(run, late)))


def _to_spare(run: Run, late: float) -> Iterator[tuple[Fired, float]]:
    """Give the pages that Slack had not taken though they were due, with when the spare pager should have them."""
    if not run.spare:
        return
    for breach in run.breaches:
        for fired in of(run, breach):
            expected = due(run, fired.since + run.patience + run.fallback, run.away)
            came = first_of(run, fired)
            if expected <= breach.last and (came is None or came > expected + late):
                yield fired, expected
