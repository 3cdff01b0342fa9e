"""What is left to do once a drill is over: its page ends, and its channel is told. Done twice, it is done once.

A drill that something real pre-empted waits a moment for the real page, so that its people are shown the way there.
"""

from dataclasses import dataclass
from datetime import timedelta

from monitor.core.actor import MONITOR
from monitor.core.drill.log import Drill
from monitor.core.drill.sayings import farewell, over_words
from monitor.core.drill.signing import asked_for
from monitor.core.incidents.asks import No, Refusal
from monitor.core.incidents.events import Ended, EndReason, Event
from monitor.core.incidents.incident import Incident
from monitor.core.naming import marked
from monitor.core.pages.posts import Notice
from monitor.drills import telling
from monitor.drills.hall import Stage
from monitor.ports.store import NO_INCIDENT, PostKind
from monitor.ports.world import Clock
from monitor.side import Side

PAGE_WITHIN = timedelta(seconds=6)
"""How long the address of the real page is waited for."""


@dataclass(frozen=True, slots=True)
class Closing:
    """Closes what drills leave open."""

    production: Side
    clock: Clock

    def close(self, stage: Stage, drill: Drill, mend: str = "") -> bool:
        """Close what `drill` left open; False where it is too early. Raises StoreError and ConflictError.

        `mend` is how people take the fault back.
        """
        address, over = self._address(drill), drill.over_at or self.clock.now()
        if address is None and self.clock.now() - over < PAGE_WITHIN:
            return False
        proved = telling.came_to(stage, drill)
        why = ". ".join(one for one in (over_words(drill, address or "", mend), proved, asked_for(drill)) if one)

        def end(incident: Incident) -> tuple[Event, ...] | Refusal:
            if not incident.is_open:
                return Refusal(No.SETTLED, "")
            return (Ended(max(over, incident.opened_at), MONITOR, EndReason.DRILL_OVER, why),)

        ended = stage.side.desk.act(drill.id, end)
        if not isinstance(ended, Incident) and not self._told_by_page(stage, drill):
            said = f"{farewell(drill, address or '', mend)} {f'{proved}.' if proved else ''}"
            say_once(stage, Notice.DRILL_OVER, drill, said.rstrip())
        telling.report(stage, drill, self.clock.now())
        return True

    def _told_by_page(self, stage: Stage, drill: Drill) -> bool:
        """Whether its page ended because the drill was over, which its thread and the channel were told then."""
        incident = stage.side.store.incident(drill.id)
        return incident is not None and incident.end_reason is EndReason.DRILL_OVER

    def _address(self, drill: Drill) -> str | None:
        """Give the address of the page that pre-empted a drill; nothing: there is none, None: not yet."""
        links = self.production.evidence.permalinks
        if drill.aborted is None or not drill.aborted.incident or links is None:
            return ""
        posts = self.production.store.posts(drill.aborted.incident)
        page = next((one for one in posts if one.kind is PostKind.ROOT and one.ts), None)
        return (links.permalink(page.channel, page.ts) or None) if page is not None and page.ts else None


def say_once(stage: Stage, notice: Notice, drill: Drill, said: str) -> None:
    """Tell the channel something about a drill; what it was told of this drill already is not told again."""
    told = stage.side.store.posts(NO_INCIDENT)
    if not any(one.reason == notice and drill.id in one.said for one in told):
        stage.side.desk.note(notice, marked(drill.id, said))
