"""An acknowledgement that somebody gave in another pager: the same command as a click, on the page that they saw.

Knows no transport and no service: a pager's name, the key of a page, and who it was.
"""

from collections.abc import Sequence
from itertools import takewhile

import structlog

from monitor.core.actor import Actor
from monitor.core.pages.calling import page_name
from monitor.core.pages.page import ActionKind
from monitor.core.pages.posts import Happening
from monitor.people.commands import Commands, Done, Outcome
from monitor.people.requesting import NotDone, Request
from monitor.ports.store import Post, PostKind, Store

log = structlog.get_logger()


class Answering:
    """Takes what people answer elsewhere. Thread-safe."""

    def __init__(self, commands: Commands, store: Store) -> None:
        self._commands = commands
        self._store = store

    def acknowledge(self, pager: str, key: str, by: Actor) -> Outcome:
        """Let `by` acknowledge the page that `pager` knows by `key`. Raises StoreError, ConflictError."""
        asked = self._asked(pager, key, by)
        outcome = self._commands.carry_out(asked) if isinstance(asked, Request) else asked
        if isinstance(outcome, Done):
            log.info("page.acknowledged_elsewhere", pager=pager, page=key, by=by.id)
        else:
            log.warning("page.acknowledgement_passed_over", pager=pager, page=key, by=by.id, why=outcome.sentence)
        return outcome

    def _asked(self, pager: str, key: str, by: Actor) -> Request | NotDone:
        """Give what is asked for: an acknowledgement at the revision that the page was made at."""
        name = page_name(key)
        incident = self._store.incident(name.incident) if name is not None else None
        if name is None or incident is None or incident.environment != name.environment:
            return NotDone(f"{key[:200]} is no page of this monitor.", unknown=True)
        told = [one for one in self._store.posts(incident.id) if (one.kind, one.channel) == (PostKind.CALL, pager)]
        page = next((one for one in told if one.n == name.n), None)
        if page is None:
            return NotDone(f"{pager} was not called for {key[:200]}.", unknown=True)
        if _taken_back(told, page):
            return NotDone(f"{incident.id} was paged again since, for want of an answer: this page is over.")
        events = self._store.events(incident.id)
        shown = sum(1 for _ in takewhile(lambda one: one.at <= page.decided_at, events))
        return Request(incident.id, ActionKind.ACKNOWLEDGE, by, rev=max(shown, page.n))


def _taken_back(told: Sequence[Post], page: Post) -> bool:
    """Whether an acknowledgement of `page` lapsed already: its word is not taken a second time."""
    return any(one.n > page.n and one.reason == Happening.UNACKNOWLEDGED for one in told)
