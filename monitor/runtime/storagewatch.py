"""Storage trouble as people see it: told in the channel, shown on open pages, and told again when it is over.

Called every few seconds by the daemon. What is held meanwhile, and how it is written later, is the store's business.
"""

from pathlib import Path

import structlog

from monitor.core.pages.posts import Notice
from monitor.desk.desk import Desk
from monitor.runtime.writebehind import WriteBehindStore

log = structlog.get_logger()

STORAGE_EVERY = 5
"""Seconds between two tries to write what is held."""


class StorageWatch:
    """Tries to write what is held, and tells of it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._heard = False
        self._noted = False

    def begin(self, set_aside: Path | None) -> None:
        """Say at the start where a corrupt database went."""
        if set_aside is None:
            return
        log.error("storage.set_aside", file=str(set_aside))
        said = (
            f"DATABASE SET ASIDE: it was corrupt. It stands in {set_aside} for you to look at. A new one was begun: "
            "what fires now is paged anew, and earlier incidents are not in it."
        )
        self._desk.note(Notice.STORAGE_SET_ASIDE, said)

    def hear(self, why: str) -> None:
        """Take note that writing is put off, or (nothing) that everything is written; called with locks held."""
        self._heard = True
        if why:
            log.error("storage.undurable", why=why)
        else:
            log.warning("storage.durable_again")

    def look(self, store: WriteBehindStore) -> None:
        """Try to write; where anything changed since the last look, say so on every open page and in the channel."""
        if store.flush() and not self._heard:
            return
        news, self._heard = self._heard, False
        if news:
            for incident in store.incidents(open_only=True):
                self._desk.refresh(incident.id)
        self._note(store)

    def _note(self, store: WriteBehindStore) -> None:
        if store.trouble and not self._noted:
            said = (
                f"EVIDENCE NOT DURABLE: {store.trouble}. Pages go on; what is decided is kept in memory and written "
                "when that is possible again. Do not restart the monitor before: it would forget."
            )
            self._noted = self._desk.note(Notice.STORAGE_TROUBLE, said) or True
        if store.durable and self._noted:
            self._noted = False
            self._desk.note(Notice.STORAGE_GOOD_AGAIN, "Evidence is durable again: everything was written.")
