"""What the thread of a drill is told once it is over: what it came to, and its report as a file.

What is missing may still come (a record that is completed, a check), so the report follows again when it is signed.
"""

from dataclasses import replace
from datetime import datetime

from monitor.core.actor import MONITOR
from monitor.core.drill.log import Drill
from monitor.core.drill.report import so_far
from monitor.core.incidents.events import Ended, EndReason
from monitor.core.pages.posts import Notice
from monitor.delivery.reports import RESULT, SIGNED
from monitor.drills.hall import Stage
from monitor.evidence.collecting import bare
from monitor.ports.store import Change, Post, PostKind

NUMBERS = {RESULT: 0, SIGNED: 1}
"""The numbers of its two reports; those of a completed record come behind its first events."""


def came_to(stage: Stage, drill: Drill) -> str:
    """Give what a finished drill came to, as it will stand once its page has ended; nothing of any other.

    Raises StoreError.
    """
    if drill.finished is None:
        return ""
    case = bare(stage.side.store, drill.id)
    if case is not None and case.incident.is_open:
        over = Ended(drill.finished.at, MONITOR, EndReason.DRILL_OVER)
        case = replace(case, events=(*case.events, over))
    return so_far(stage.results.of(drill, case))


def report(stage: Stage, drill: Drill, now: datetime) -> None:
    """Owe the report to the thread of a drill that was finished, and again when it is signed. Raises StoreError."""
    if drill.finished is None or not stage.side.desk.plots:
        return
    which = RESULT if drill.unsigned else SIGNED
    posts = stage.side.store.posts(drill.id)
    owed = {one.n for one in posts if one.kind is PostKind.REPORT}
    page = next((one for one in posts if one.kind is PostKind.ROOT), None)
    if page is None or NUMBERS[which] in owed:
        return
    post = Post(drill.id, page.channel, PostKind.REPORT, NUMBERS[which], Notice.DRILL_OVER, now, said=which)
    stage.side.store.commit(Change(posts=(post,)))
