"""What a rehearsal proved, line by line with the mend of what it did not, and the page that is left of it. Pure."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.core.evidence import markdown
from monitor.core.evidence.moments import NAMES
from monitor.core.naming import marked
from monitor.core.words import lasted

COLUMNS = 80
"""The width of the page, so that it can be read in any terminal."""

SHOWN = ("T0", "T1", "T2", "T3", "T4", "T5", "T12")
"""The moments of a rehearsal: nothing is rolled back in it."""


@dataclass(frozen=True, slots=True)
class Proof:
    """One thing that was looked at. `ok` None: it is worth knowing."""

    ok: bool | None
    what: str
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody did on the page, and when; `in_slack`: there, and not from a shell."""

    by: str
    at: datetime
    in_slack: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of a rehearsal. `slack` says that pages go there; `moments` are those of its clock, by letter.

    `aborted` says in words how it was given up, and is empty where it was not.
    """

    name: str
    slack: bool
    channel: str
    moments: Mapping[str, datetime | None]
    acknowledged: Deed | None = None
    commanded: Deed | None = None
    aborted: str = ""

    def after(self, at: datetime | None) -> timedelta | None:
        """Give how long after the injection something was; None where that is not known."""
        began = self.moments.get("T0")
        return at - began if at is not None and began is not None else None


def proofs(seen: Seen) -> tuple[Proof, ...]:
    """Give what the drill itself proved: that a page comes, that it can be answered, and by whom."""
    aborted = [Proof(ok=False, what=f"drill: {seen.aborted}", mend="rehearse again")] if seen.aborted else []
    return (_page(seen), _acknowledged(seen), _buttons(seen), _commanded(seen), *aborted)


def _page(seen: Seen) -> Proof:
    fired, taken = seen.moments.get("T2"), seen.moments.get("T3")
    if fired is None:
        return Proof(ok=False, what="page: the rule did not fire", mend="the monitor's log says why: drill.failed")
    if not seen.slack:
        return Proof(ok=True, what=f"page: printed where the monitor runs, {_span(seen, fired)} after the injection")
    if taken is None:
        mend = "rollback-monitor slack test says why; the monitor's log has each attempt"
        return Proof(ok=False, what="page: the rule fired, and Slack did not take the page", mend=mend)
    return Proof(ok=True, what=f"page: Slack took it {_span(seen, taken)} after the injection")


def _acknowledged(seen: Seen) -> Proof:
    deed = seen.acknowledged
    if deed is not None:
        return Proof(ok=True, what=f"acknowledgement: {deed.by}, after {_span(seen, deed.at)}, {_where(deed)}")
    mend = (
        f"press Acknowledge on the page in {seen.channel}"
        if seen.slack
        else f"rollback-monitor incident ack {seen.name} in another terminal"
    )
    return Proof(ok=False, what="acknowledgement: nobody acknowledged", mend=mend)


def _buttons(seen: Seen) -> Proof:
    if not seen.slack:
        mend = "make the app and set its two tokens (README, From nothing to a page in your own Slack)"
        return Proof(ok=False, what="Slack: not set up, so token, channel and buttons were not proven", mend=mend)
    if any(deed is not None and deed.in_slack for deed in (seen.acknowledged, seen.commanded)):
        return Proof(ok=True, what="buttons: a click in Slack reached the monitor")
    mend = "press them in Slack: what is done from a shell does not prove them"
    return Proof(ok=False, what="buttons: no click came from Slack", mend=mend)


def _commanded(seen: Seen) -> Proof:
    deed = seen.commanded
    if deed is not None:
        what = f"responders: {deed.by} may start a rollback, and took command after {_span(seen, deed.at)}"
        return Proof(ok=True, what=f"{what}, {_where(deed)}")
    mend = (
        "press Start rollback… as one of those who take part (responders under `drills:`, or --participant)"
        if seen.slack
        else f"rollback-monitor incident start {seen.name} in another terminal"
    )
    return Proof(ok=False, what="responders: nobody took command", mend=mend)


def _where(deed: Deed) -> str:
    return "in Slack" if deed.in_slack else "from a shell"


def _span(seen: Seen, at: datetime) -> str:
    return lasted(seen.after(at) or timedelta())


# --- the page -------------------------------------------------------------------------------------------------------


def page(seen: Seen, found: Sequence[Proof], result: str, begun_by: str) -> str:
    """Give the page: Markdown that reads well as it is. `result` is what the drill came to."""
    missing = sum(one.ok is False for one in found)
    came_to = f"{missing} of {len(found)} things not proven" if missing else "everything was proven"
    began = seen.moments.get("T0")
    held = f"{began:%Y-%m-%d %H:%M} UTC" if began is not None else "not known when"
    told = f"Held {held} in {seen.channel}, begun by {begun_by}. The drill: {result}."
    sections = (
        markdown.heading(1, marked(seen.name, f"{seen.name}, a rehearsal: {came_to}")),
        f"{_wrapped(told)}\n",
        f"{markdown.heading(2, 'What was proven')}\n{''.join(_items(found))}",
        f"{markdown.heading(2, 'Clock')}\n{_clock(seen)}",
        f"{markdown.heading(2, 'Next')}\n{_next(seen)}",
    )
    return "\n".join(sections)


def _items(found: Sequence[Proof]) -> Iterator[str]:
    for one in found:
        mark = {True: "- [x] ", False: "- [ ] ", None: "- "}[one.ok]
        between = ". Mend: " if one.ok is False else ": "
        words = f"{one.what}{between}{one.mend}" if one.mend else one.what
        yield f"{_wrapped(words, mark)}\n"


def _clock(seen: Seen) -> str:
    words = dict(NAMES.values())
    rows = []
    for letter in SHOWN:
        at = seen.moments.get(letter)
        span = seen.after(at)
        told = (f"{at:%H:%M:%S}", lasted(span)) if at is not None and span is not None else ("not seen", "")
        rows.append((letter, words[letter], *told))
    return markdown.table(("", "moment", "at (UTC)", "after"), rows)


def _next(seen: Seen) -> str:
    lines = (
        f"All that is known of it: rollback-monitor drill report {seen.name}",
        "What else can be rehearsed: rollback-monitor drill status",
        "A rehearsal does not count for the quarter: a drill that rolls something back does (docs/drills.md).",
    )
    return "".join(f"{_wrapped(line, '- ')}\n" for line in lines)


def _wrapped(words: str, mark: str = "") -> str:
    """Give words as text of the page, below their mark."""
    return textwrap.fill(
        markdown.text(words),
        COLUMNS,
        initial_indent=mark,
        subsequent_indent=" " * (2 if mark else 0),
        break_long_words=False,
        break_on_hyphens=False,
    )
