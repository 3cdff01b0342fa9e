"""What became of every page, after a run with faults: counts what was lost, doubled, late, of the wrong tier, or done
by somebody who may not; and of every click, what was lost or counted twice.

It judges by things that know nothing of each other: see `happenings`. It must not know how the monitor works.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tests.faults.callchecker import called_late, called_twice, uncalled
from tests.faults.happenings import REFUSED, Breach, Called, Click, Did, Fired, Run, Told, due, first_of, of

__all__ = ["LATE", "Breach", "Called", "Click", "Did", "Faults", "Fired", "Run", "Told", "check"]

LATE = 2.0
"""Seconds of a page beyond what the evaluation and the restart allow."""

PACE = 1.0
"""Seconds between two posts in a channel: what has been waiting for Slack goes out one after the other."""


@dataclass(frozen=True)
class Faults:
    """A sentence for each fault, by kind."""

    lost: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()
    late: tuple[str, ...] = ()
    wrong_tier: tuple[str, ...] = ()
    unauthorised: tuple[str, ...] = ()
    clicks_lost: tuple[str, ...] = ()
    clicks_doubled: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ", ".join(f"{len(getattr(self, kind))} {kind.replace('_', ' ')}" for kind in KINDS)


KINDS = ("lost", "doubled", "late", "wrong_tier", "unauthorised", "clicks_lost", "clicks_doubled")


def check(run: Run) -> Faults:
    """Give every fault of `run`."""
    return Faults(
        lost=(*_unseen_breaches(run), *_unposted(run), *uncalled(run, LATE)),
        doubled=(*_posted_twice(run), *_fired_twice(run), *called_twice(run)),
        late=(*_late(run), *called_late(run, LATE)),
        wrong_tier=_wrong_tier(run),
        unauthorised=(*_without_right(run), *_without_press(run)),
        clicks_lost=tuple(_clicks_lost(run)),
        clicks_doubled=tuple(_clicks_doubled(run)),
    )


# --- pages ------------------------------------------------------------------------------------------------------------


def _unseen_breaches(run: Run) -> list[str]:
    return [f"the breach at {breach.first} fired nothing" for breach in run.breaches if not of(run, breach)]


def _unposted(run: Run) -> list[str]:
    there = {one.key for one in run.told}
    return [
        f"{key} of the breach at {fired.since} is not in Slack"
        for fired in run.fired
        for key in fired.owed
        if key not in there
    ]


def _posted_twice(run: Run) -> list[str]:
    counts = Counter(one.key for one in run.told)
    return [f"{key} stands {count} times in Slack" for key, count in counts.items() if count > 1]


def _fired_twice(run: Run) -> list[str]:
    return [
        f"the breach at {breach.first} fired {len(found)} times"
        for breach in run.breaches
        if len(found := of(run, breach)) > 1
    ]


def _late(run: Run) -> list[str]:
    """After an absence of Slack each page waits for those before it, and so does one that begins meanwhile.

    An absence among them interrupts the row.
    """
    faults, before = [], 0.0
    came = {one: at for one in run.fired if (at := first_of(run, one)) is not None}
    for fired, at in sorted(came.items(), key=lambda one: one[1]):
        turn = max(fired.since + run.patience, before + PACE)
        before = allowed = due(run, turn, (*run.away, *run.refusing))
        if at > allowed + LATE:
            faults.append(f"the page of the breach at {fired.since} came {at - allowed:.1f} s late")
    return faults


def _wrong_tier(run: Run) -> tuple[str, ...]:
    words = {"rollback": ("ROLLBACK NOW", "BACK", "Another reason"), "prepare": ("PREPARE", "BACK", "Also")}
    by_key = {one.key: one for one in run.told}
    return tuple(
        f"{key} of tier {fired.tier} says {by_key[key].text[:40]!r}"
        for fired in run.fired
        for key in fired.owed
        if key in by_key and not by_key[key].in_thread and not _speaks(by_key[key].text, words[fired.tier])
    )


def _speaks(text: str, words: Sequence[str]) -> bool:
    """A page that was edited since shows its stage instead of its tier."""
    return any(word in text for word in (*words, "RECOVERED", "ENDED", "ROLLING BACK"))


# --- people -----------------------------------------------------------------------------------------------------------


def _without_right(run: Run) -> list[str]:
    return [f"{one.who}: {one.what}" for one in run.did if one.what not in run.may.get(one.who, frozenset())]


def _without_press(run: Run) -> list[str]:
    """What stands in the record for a press must be what that person pressed, by way of Slack."""
    pressed = {one.key: one for one in run.clicks if one.genuine}
    return [
        f"{one.who}: {one.what} by a press that nobody made ({one.click})"
        for one in run.did
        if one.click and not _meant(pressed.get(one.click), one)
    ]


def _meant(click: Click | None, did: Did) -> bool:
    return click is not None and click.who == did.who and did.what in {click.what, REFUSED}


def _clicks_lost(run: Run) -> list[str]:
    """A press that was answered left its effect or its refusal in the record, unless the record was closed by then."""
    there = {one.click for one in run.did}
    return [
        f"{one.key} on {one.incident} was answered and left nothing"
        for one in run.clicks
        if one.genuine and one.answered is not None and one.who in run.may and one.key not in there
        if one.answered < run.over.get(one.incident, one.answered + 1)
    ]


def _clicks_doubled(run: Run) -> list[str]:
    counts = Counter(one.click for one in run.did if one.click)
    return [f"{key} stands {count} times in the record" for key, count in counts.items() if count > 1]
