"""An outcome in sentences: how many pages, what was missed, what a change brings. Pure; no markup."""

from collections.abc import Sequence

from monitor.core.model import Tier
from monitor.core.replay.comparison import Compared
from monitor.core.replay.outcome import Replayed
from monitor.core.replay.scoring import Score, Scored, score, summary
from monitor.core.replay.totals import WEEK, totals, united
from monitor.core.words import lasted_seconds

TIERS = {Tier.ROLLBACK: "to roll back", Tier.PREPARE: "to prepare", Tier.BLIND: "of blindness"}
"""The tiers as what a page asks for, the worst first."""

NEAR = 60
"""Seconds that a period may lack: one that ends now ends a group's `query_offset` before."""

NOTHING = "nothing is known of any page"


def _empty(outcome: Replayed) -> bool:
    """Whether a replay was stopped before anything was read: no page is then no health."""
    return not outcome.complete and outcome.end <= outcome.begin


def counted(number: int, word: str, several: str = "") -> str:
    """Give a number with its word: 1 page, 2 pages, no page."""
    return f"{number or 'no'} {word if number <= 1 else several or word + 's'}"


def period(outcome: Replayed) -> str:
    """Give how long the replayed time is: 7 days, 36 h, 45 min."""
    seconds = outcome.end - outcome.begin
    days, hours = (seconds + NEAR) // 86400, (seconds + NEAR) // 3600
    if days >= 2 and (seconds + NEAR) % 86400 < 3600:  # noqa: PLR2004  # an hour more is still "7 days"
        return counted(days, "day")
    return f"{hours} h" if hours and (seconds + NEAR) % 3600 <= 2 * NEAR else lasted_seconds(seconds)


def whole(*parts: str) -> str:
    """Give parts as one sentence that stands alone, with its capital and its full stop; nothing of nothing."""
    text = ", ".join(part for part in parts if part)
    return f"{text[0].upper()}{text[1:]}." if text else ""


def pages(outcome: Replayed) -> str:
    """Give how many pages there are, of which kind: "9 pages in 7 days: 2 to roll back, 7 to prepare"."""
    if _empty(outcome):
        return NOTHING
    found = totals(outcome)
    kinds = [f"{found.by_tier[tier]} {words}" for tier, words in TIERS.items() if found.by_tier.get(tier)]
    text = f"{counted(found.pages, 'page')} in {period(outcome)}"
    if len(kinds) == 1:
        return f"{text}, {'all ' if found.pages > 1 else ''}{kinds[0].partition(' ')[2]}"
    return f"{text}: {', '.join(kinds)}" if kinds else text


def rate(outcome: Replayed) -> str:
    """Give the pages per week where the period is another; empty where it is a week, or too short to tell."""
    seconds, found = outcome.end - outcome.begin, totals(outcome)
    if not found.pages or seconds < 2 * 86400 or abs(seconds - WEEK) < 3600:  # noqa: PLR2004  # under two days
        return ""
    return f"{found.per_week:.2g} a week" if found.per_week < 10 else f"{found.per_week:.0f} a week"  # noqa: PLR2004


def change(compared: Compared) -> str:
    """Give what a change of the rules brings: "2 pages more, 1 less in 7 days (9 before, 10 after)"."""
    if _empty(compared.new):
        return NOTHING
    more, less = len(compared.gained), len(compared.lost)
    moved = [f"{len(some)} {word}" for some, word in ((compared.earlier, "earlier"), (compared.later, "later")) if some]
    parts = [f"{counted(more, 'page')} more" if more else "", f"{less if more else counted(less, 'page')} less"]
    told = [part for part, number in zip(parts, (more, less), strict=True) if number]
    if not told and not moved:
        return f"The same pages in {period(compared.new)} ({counted(len(compared.new.pages), 'page')})"
    if not told:
        moved[0] = f"{counted(len(compared.earlier or compared.later), 'page')} {moved[0].partition(' ')[2]}"
    before, after = len(compared.old.pages), len(compared.new.pages)
    return f"{', '.join(told + moved)} in {period(compared.new)} ({before} before, {after} after)"


def judged(outcome: Replayed, scored: Sequence[Scored], compared: Compared | None = None) -> str:
    """Give what became of known incidents, and what was false; empty where none are known.

    `compared`: what differs from the old rules is told too.
    """
    if not scored:
        return ""
    found = summary(outcome, scored)
    old = _before(compared, scored)
    caught = f" ({_told(found, old)} before)" if old and old.caught != found.caught else ""
    false = f" ({old.false} before)" if old and old.false != found.false else ""
    pages = f"{counted(found.false, 'page')} {'was' if found.false <= 1 else 'were'} false{false}"
    return f"{_caught(found, len(scored))}{caught}, and {pages}"


def _before(compared: Compared | None, scored: Sequence[Scored]) -> Score | None:
    if compared is None:
        return None
    return summary(compared.old, score(compared.old, [one.incident for one in scored]))


def _told(found: Score, old: Score) -> int:
    """Give the number of the old rules that belongs to the words of `_caught`."""
    return old.missed if found.missed and not found.unknown else old.caught


def _caught(found: Score, known: int) -> str:
    """Give what was caught of so many known incidents; where all could be judged, what was missed is clear from it."""
    if known == 1 and not found.unknown:
        return f"The known incident was {'caught' if found.caught else 'missed'}"
    if found.unknown:
        rest = f"{found.missed} missed, and of {found.unknown} nothing can be said"
        return f"{found.caught} of {counted(known, 'known incident')} caught, {rest}"
    if found.missed:
        return f"{found.missed} of {known} known incidents {'was' if found.missed == 1 else 'were'} missed"
    return f"All {known} known incidents were caught"


def unread(outcome: Replayed) -> str:
    """Say how much of the history is not known; empty where all is."""
    gaps = united((one.begin, one.end) for one in outcome.unread)
    if not gaps:
        return ""
    whose = _some(sorted({one.alert for one in outcome.unread}))
    lost = lasted_seconds(sum(end - begin for begin, end in gaps))
    return f"{lost} of the history could not be read ({whose}): nothing is known of it"


def unwatched(outcome: Replayed) -> str:
    """Say for how much of the time data were missing; empty where they never were for long."""
    gaps = united((one.begin, outcome.end if one.end is None else one.end) for one in outcome.blind)
    if not gaps:
        return ""
    whose = _some(sorted({one.alert or one.group for one in outcome.blind}))
    lost = lasted_seconds(sum(end - begin for begin, end in gaps))
    return f"For {lost} data were missing ({whose}): no page then is no health"


def doubts(outcome: Replayed) -> list[str]:
    """Give everything that the number of pages does not tell, a sentence each, what weighs most first."""
    return [one for one in (halted(outcome), unread(outcome), unwatched(outcome), shadowed(outcome)) if one]


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")  # noqa: PLR2004


def shadowed(outcome: Replayed) -> str:
    """Say what fired without a page, since its rule is in the shadow; empty where nothing did."""
    count = len(outcome.shadowed)
    if not count:
        return ""
    return f"{_some(outcome.shadowed)} fired in the shadow, where {'it pages' if count == 1 else 'they page'} nobody"


def halted(outcome: Replayed) -> str:
    """Say that the replay was stopped; empty where it was not."""
    if outcome.complete:
        return ""
    if _empty(outcome):
        return "The replay was stopped before any of it was read"
    return "The replay was stopped: this is what was there by then"
