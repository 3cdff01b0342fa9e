"""What a person asks for about silences: a new one, the end of one, and what all of them hide. Knows no transport."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeAlias

import structlog

from monitor.core.actor import Actor
from monitor.core.incidents.silence import NAME_LABEL, Hidden, HiddenBy, Silence, window
from monitor.core.model import Tier
from monitor.core.rules.routing import Maintenance
from monitor.core.rules.rule import Matcher, Place
from monitor.core.words import clock as clock_words
from monitor.files.expressions import matchers
from monitor.files.nodes import Scalar, WrongError
from monitor.files.scalars import positive_duration
from monitor.ports.store import Change, ConflictError, Store
from monitor.ports.world import Clock
from monitor.rulebook import RuleBook

log = structlog.get_logger()

ATTEMPTS = 8
"""Times that a silence is written anew when somebody else was first."""

LONGEST = timedelta(days=30)
"""A silence that is longer is a rule that nobody wants."""

NOT_ROLLBACK = (
    "The rollback tier cannot be silenced by a pattern: nobody would hear the next login that fails. Possible instead: "
    "acknowledge the incident (incident ack), say that an alert is dealt with (incident dealt-with), or set "
    "shadow: true on the rule and reload."
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A silence as somebody asks for it: matchers and length as they were written."""

    match: tuple[str, ...]
    lasts: str
    reason: str
    by: Actor
    tiers: tuple[str, ...] = (Tier.PREPARE.value,)


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing changed; `sentence` says why. `unknown`: there is no such silence."""

    sentence: str
    unknown: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """One silence or maintenance window: how long it is in force now (None: it is not), and what it hides and hid."""

    until: datetime | None
    hidden: tuple[Hidden, ...] = ()

    @property
    def now(self) -> int:
        """How many alerts fire and page nobody because of it."""
        return sum(one.live for one in self.hidden)


@dataclass(frozen=True, slots=True)
class Overview:
    """All silences, and all maintenance windows of the rules in force."""

    silences: tuple[tuple[Silence, Standing], ...] = ()
    maintenance: tuple[tuple[Maintenance, Standing], ...] = field(default=())


Outcome: TypeAlias = Silence | Refused


class Silencing:
    """Adds and ends silences. Thread-safe: of two at once, each has a number of its own."""

    def __init__(self, store: Store, clock: Clock, book: RuleBook) -> None:
        self._store = store
        self._clock = clock
        self._book = book

    def add(self, wanted: Wanted) -> Outcome:
        """Silence what `wanted` matches, from now on. Raises StoreError where it cannot be written down."""
        read = self._read(wanted)
        if isinstance(read, Refused):
            return read
        for _ in range(ATTEMPTS):
            number = 1 + max((one.id for one in self._store.silences()), default=0)
            try:
                self._store.commit(Change(silences=(replace(read, id=number),)))
            except ConflictError:
                continue
            log.info("silence.added", silence=number, by=wanted.by.id, until=read.ends_at.isoformat(), why=read.reason)
            return replace(read, id=number, version=1)
        raise ConflictError(f"silences were added by others {ATTEMPTS} times in a row")

    def expire(self, number: int, by: Actor) -> Outcome:
        """End a silence now. What it hides and what still fires pages within seconds. Raises StoreError."""
        for _ in range(ATTEMPTS):
            now = self._clock.now()
            silence = next((one for one in self._store.silences() if one.id == number), None)
            if silence is None:
                return Refused(f"There is no silence {number}.", unknown=True)
            if not silence.in_force(now):
                return Refused(f"Silence {number} ended at {clock_words(silence.over_at)} already.")
            try:
                self._store.commit(Change(silences=(replace(silence, expired_at=now, expired_by=by),)))
            except ConflictError:
                continue
            log.info("silence.expired", silence=number, by=by.id)
            return replace(silence, expired_at=now, expired_by=by, version=silence.version + 1)
        raise ConflictError(f"silence {number} was changed by others {ATTEMPTS} times in a row")

    def overview(self) -> Overview:
        """Give all silences, newest first, and all maintenance windows, with what they hide and hid."""
        now, hidden = self._clock.now(), self._store.hidden()
        silences = [
            (one, Standing(one.over_at if one.in_force(now) else None, _by(hidden, HiddenBy.SILENCE, str(one.id))))
            for one in reversed(self._store.silences())
        ]
        maintenance = [
            (one, Standing(window(one, now), _by(hidden, HiddenBy.MAINTENANCE, one.name)))
            for one in self._book.now.rules.routing.maintenance
        ]
        return Overview(tuple(silences), tuple(maintenance))

    def _read(self, wanted: Wanted) -> Outcome:
        try:
            found = tuple(matcher for text in wanted.match for matcher in matchers(_word(text, "--match")))
            seconds = positive_duration(_word(wanted.lasts, "--for"))
        except WrongError as wrong:
            return Refused(f"{wrong.message}{f' ({wrong.hint})' if wrong.hint else ''}")
        refusal = _refusal(wanted, found, seconds) or self._nothing_to_hide(found, wanted.tiers)
        if refusal:
            return Refused(refusal)
        now, tiers = self._clock.now(), tuple(Tier(one) for one in dict.fromkeys(wanted.tiers))
        return Silence(0, found, now, now + timedelta(seconds=seconds), wanted.by, wanted.reason.strip(), tiers)

    def _nothing_to_hide(self, found: Sequence[Matcher], tiers: Sequence[str]) -> str:
        """Say it where a silence names only rules that page in the rollback tier, or none at all."""
        named = [one for one in found if one.label == NAME_LABEL]
        if not named or Tier.BLIND in tiers:
            return ""
        rules = [rule for group in self._book.now.rules.groups for rule in group.rules]
        meant = [rule for rule in rules if all(one.matches(((NAME_LABEL, rule.alert),)) for one in named)]
        if not meant:
            return "No rule has such a name, so nothing would be hidden; names stand in the rule files, at `alert:`."
        if all(tier.tier is Tier.ROLLBACK for rule in meant for tier in rule.every_tier):
            return f"{', '.join(rule.alert for rule in meant[:3])} pages in the rollback tier only. {NOT_ROLLBACK}"
        return ""


def _by(hidden: Sequence[Hidden], by: HiddenBy, name: str) -> tuple[Hidden, ...]:
    return tuple(one for one in hidden if (one.cover.by, one.cover.name) == (by, name))


def _word(text: str, where: str) -> Scalar:
    return Scalar(text, plain=False, place=Place(where, 1, 1))


def _refusal(wanted: Wanted, found: Sequence[Matcher], seconds: int) -> str:
    """Say what keeps a silence from being made, or nothing."""
    named = [one for one in found if one.label == "tier"]
    if Tier.ROLLBACK in wanted.tiers or any(one.matches((("tier", Tier.ROLLBACK),)) for one in named):
        return NOT_ROLLBACK
    if named:
        return "`tier` is no label of an alert: say --tier prepare or --tier blind."
    if unknown := [one for one in wanted.tiers if one not in set(Tier)]:
        return f"There is no tier {unknown[0]}: it is prepare or blind."
    if not wanted.tiers:
        return "Say which tier: prepare or blind."
    if not found or all(one.matches(()) for one in found):
        return 'This would fit every alert: name at least one label that must have a value, such as job="web".'
    if not wanted.reason.strip():
        return "Say why: a silence without a reason cannot be judged by whoever finds it."
    if timedelta(seconds=seconds) > LONGEST:
        return f"A silence lasts {LONGEST.days} days at most; what must be quiet for longer is a change of the rule."
    return ""
