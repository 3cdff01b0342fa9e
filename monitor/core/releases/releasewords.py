"""What changed and what to go back to, in words: one line each. Pure formatting; no markup."""

from monitor.core.releases.release import Availability, Changed, Target, What, WhatChanged
from monitor.core.words import clock, lasted, lasted_seconds

_KINDS = {What.RELEASE: "release", What.FLAG: "flag", What.MIGRATION: "migration"}


def change_line(change: Changed, found: WhatChanged) -> str:
    """Give one change: "auth 2.14.0 (before: 2.13.4) deployed 03:00 UTC, 2 min before, by ci"."""
    apart = found.breach - change.at
    when = f"{lasted(-apart)} after it began" if change.later else f"{lasted(apart)} before"
    who = f", by {change.by}" if change.by else ""
    still = ", still under way" if change.under_way else ""
    return f"{_what(change)} {clock(change.at)}, {when}{who}{still}"


def _what(change: Changed) -> str:
    if change.what is What.RELEASE:
        return f"{change.service} {change.after} (before: {change.before}) deployed"
    if change.what is What.FLAG:
        return f"{change.service} flag {change.after} (before: {change.before.rpartition('=')[2]}) switched"
    return f"{change.service} schema {change.after} (before: {change.before}) migrated"


def target_line(target: Target) -> str:
    """Give what one service goes back to and how good that is, or why nothing is proposed."""
    if not target.version:
        return f"{target.service} {target.current}: no target, {target.why}"
    least = "at least " if target.at_least else ""
    parts = [f"last known good, ran {least}{lasted_seconds(target.ran)}", _image(target), _migrations(target)]
    return f"{target.service} {target.current}: go back to {target.version} ({'; '.join(parts)})"


def _image(target: Target) -> str:
    if target.available is Availability.YES:
        return "its image is there"
    if target.available is Availability.NO:
        return f"ITS IMAGE IS NOT THERE: {target.image}"
    return f"confirm its image by hand: {target.image_why or 'no registry was asked'}"


def _migrations(target: Target) -> str:
    if not target.migrations_seen:
        return "migrations since: not watched"
    if not target.migrations:
        return "no migration since"
    return f"migrations since: {', '.join(target.migrations)}"


def advice(found: WhatChanged) -> str:
    """Give what follows where nothing changed before it began, or not everything is known; else nothing."""
    if found.problem:
        return f"Not everything that may have changed could be read ({found.problem}): no rollback target is proposed."
    if found.before:
        return ""
    if not found.watched:
        return "Where versions are seen is not configured (rules/releases.yaml): find out by hand what was released."
    if found.unseen:
        return f"No change was seen, but the version of {', '.join(found.unseen)} was not seen at all."
    if found.dark:
        return f"No change was seen, but {', '.join(found.dark)} could not be seen at all."
    kinds = [_KINDS[one] for one in found.watched]
    listed = f"{', '.join(kinds[:-1])} or {kinds[-1]}" if len(kinds) > 1 else kinds[0]
    since = "the 24 h before it began, only after that" if found.changes else "24 h"
    return f"No {listed} in {since}: a rollback is unlikely to help."
