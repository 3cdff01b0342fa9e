"""From what was seen of each service to what changed before a breach, and to what each one goes back.

Pure functions of what was seen. This module must not know where versions, migrations, flags and images are seen, nor
how any of it is shown.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from monitor.core.judging.deploy import Seen, changes
from monitor.core.model import utc
from monitor.core.releases.release import Changed, Target, What, WhatChanged, WhyNot
from monitor.core.releases.runs import SLACK, Breach, Good, Sought, last_known_good, steps

BEFORE = 86_400
"""How many seconds before a breach a change counts."""

SHORTLY = 3600
"""A migration so many seconds before a release belongs to it: it runs first, under the version before."""


@dataclass(frozen=True, slots=True)
class History:
    """What was seen of one service up to `until` (whole seconds): versions, schema versions, states of flags.

    `migrations` None: nobody said where they are seen; `counted`: they are a number of those applied. `by` tells who
    deployed which version. `rolling` says that fewer replicas are updated than there should be.
    """

    service: str
    until: int
    versions: tuple[Seen, ...] = ()
    migrations: tuple[Seen, ...] | None = None
    counted: bool = False
    flags: tuple[Seen, ...] | None = None
    by: tuple[tuple[str, str], ...] = ()
    rolling: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the histories: the grid time of the first breach, and the seconds that make a version proven."""

    breach: int
    proven: int


def changed(history: History, breach: int) -> tuple[Changed, ...]:
    """Give what changed in `history` from 24 h before `breach` on, in order."""
    found = [*_releases(history, breach), *_migrations(history, breach), *_flags(history, breach)]
    return tuple(sorted((one for one in found if one.at >= utc(breach - BEFORE)), key=lambda one: (one.at, one.what)))


def _releases(history: History, breach: int) -> list[Changed]:
    who = dict(history.by)
    ran = {at: before for at, before, _ in steps(history.versions)}
    return [
        Changed(
            history.service,
            What.RELEASE,
            _listed(ran[one.begin]),
            one.version,
            utc(one.begin),
            by=_listed(who[version] for version in one.version.split(", ") if version in who),
            under_way=one.end is None,
            later=one.begin > breach + SLACK,
        )
        for one in changes(history.service, history.versions)
    ]


def _migrations(history: History, breach: int) -> list[Changed]:
    return [
        Changed(
            history.service,
            What.MIGRATION,
            _listed(before),
            _listed(after - before),
            utc(at),
            later=at > breach + SLACK,
        )
        for at, before, after in steps(history.migrations or ())
        if after - before
    ]


def _flags(history: History, breach: int) -> list[Changed]:
    """A flag that appears comes with a release; only one that was known before is switched."""
    found = []
    for at, before, after in steps(history.flags or ()):
        was, now = _states(before), _states(after)
        for flag in sorted(was.keys() & now.keys()):
            if was[flag] != now[flag]:
                words = f"{flag}={was[flag]}", f"{flag}={now[flag]}"
                found.append(Changed(history.service, What.FLAG, *words, utc(at), later=at > breach + SLACK))
    return found


def _states(flags: frozenset[str]) -> dict[str, str]:
    return {name: state for name, _, state in (one.rpartition("=") for one in flags)}


def migrations_since(history: History, good: Good) -> tuple[str, ...]:
    """Give the migrations since `good` ran well, in order; those of the hour before its end count, for they are new."""
    since = max(good.last - SHORTLY, good.begun + SLACK)
    known = next((found for at, found in reversed(history.migrations or ()) if at <= since and found), None)
    later = [found for at, found in history.migrations or () if at > since and found]
    if known is None:
        known, later = (later[0], later[1:]) if later else (frozenset(), [])
    if history.counted:
        grown = int(max(later[-1])) - int(max(known)) if later else 0
        return (f"{grown} applied",) if grown > 0 else ()
    return tuple(dict.fromkeys(one for found in later for one in sorted(found - known)))


def mixed(history: History) -> frozenset[str]:
    """Give the versions that were last seen to run side by side; none where one ran alone."""
    last = _last(history)
    return last if len(last) > 1 else frozenset()


def running(history: History) -> str:
    """Give what was last seen to run: a version, several, or nothing."""
    return _listed(_last(history))


def _last(history: History) -> frozenset[str]:
    return next((versions for _, versions in reversed(history.versions) if versions), frozenset())


def target_of(history: History, breaches: Sequence[Breach], question: Question) -> Target | None:
    """Give what the service goes back to, or why nothing is proposed; None where no release came before the breach."""
    found = changes(history.service, history.versions)
    before = [one for one in found if question.breach - BEFORE <= one.begin <= question.breach + SLACK]
    if not before:
        return None
    last = before[-1]
    sought = Sought(last.begin, frozenset(last.version.split(", ")), question.proven)
    good = last_known_good(history.versions, history.until, breaches, sought)
    target = Target(history.service, running(history), utc(last.begin))
    if under_way := _under_way(history):
        return replace(target, why_not=WhyNot.MID_DEPLOY, why=under_way)
    if isinstance(good, str):
        return replace(target, why_not=WhyNot.NO_KNOWN_GOOD, why=good)
    if target.current == good.version:
        return replace(target, why_not=WhyNot.ALREADY_BACK, why=f"{good.version} runs again")
    return _back_to(good, target, history)


def _under_way(history: History) -> str:
    """Give why a deploy is under way, or nothing."""
    together = mixed(history)
    if together:
        return f"a deploy is under way: {' and '.join(sorted(together))} run side by side"
    return "a deploy is under way: not every replica is updated" if history.rolling else ""


def _back_to(good: Good, target: Target, history: History) -> Target:
    return replace(
        target,
        version=good.version,
        ran=good.ran,
        at_least=good.at_least,
        good_at=utc((good.begun + good.last) // 2),
        good_until=utc(good.last),
        migrations=migrations_since(history, good),
        migrations_seen=history.migrations is not None,
    )


def what_changed(
    histories: Sequence[History], breaches: Mapping[str, Sequence[Breach]], question: Question, at: int
) -> WhatChanged:
    """Give what changed before the breach in question, and the target of each service that had a release."""
    seen = [one for one in histories if any(versions for _, versions in one.versions)]
    found = sorted((one for history in seen for one in changed(history, question.breach)), key=lambda one: one.at)
    targets = (target_of(history, breaches.get(history.service, ()), question) for history in seen)
    return WhatChanged(
        at=utc(at),
        breach=utc(question.breach),
        changes=tuple(found),
        targets=tuple(one for one in targets if one is not None),
        watched=_watched(histories),
        unseen=tuple(one.service for one in histories if one not in seen),
        dark=tuple(f"{kind} of {one.service}" for one in seen for kind in _dark(one)),
    )


def _dark(history: History) -> Iterator[str]:
    """Give the kinds of change that should be seen of a service and never were: no series is no proof of no change."""
    for kind, moves in (("migrations", history.migrations), ("flags", history.flags)):
        if moves is not None and not any(found for _, found in moves):
            yield kind


def _watched(histories: Sequence[History]) -> tuple[What, ...]:
    seen = {
        What.RELEASE: bool(histories),
        What.FLAG: any(one.flags is not None for one in histories),
        What.MIGRATION: any(one.migrations is not None for one in histories),
    }
    return tuple(what for what, is_seen in seen.items() if is_seen)


def _listed(words: Iterable[str]) -> str:
    return ", ".join(sorted(set(words)))
