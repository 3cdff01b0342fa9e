"""Whether clicks can come through, and telling it on every open page when that changes. Knows no transport."""

import threading
from collections.abc import Callable

import structlog

from monitor.ports.store import Store

log = structlog.get_logger()


class Hearing:
    """What pages ask before they show buttons. Thread-safe."""

    def __init__(
        self,
        store: Store,
        refresh: Callable[[str], None],
        gauge: Callable[[float], None] = lambda _value: None,
        *,
        hears: bool = True,
    ) -> None:
        """Begin with `hears`; `refresh` owes an edit of an incident's page, `gauge` is told 1 or 0."""
        self._store = store
        self._refresh = refresh
        self._gauge = gauge
        self._lock = threading.Lock()
        self.hears = hears
        """Whether clicks can come through, as far as pages should say."""
        gauge(float(hears))

    def changed(self, hears: bool) -> None:  # noqa: FBT001  # what it is about
        """Take note, and let every open page say so. Raises StoreError where that cannot be owed; tell it anew then."""
        with self._lock:
            self.hears = hears
            self._gauge(float(hears))
            pages = [one.id for one in self._store.incidents(open_only=True)]
            for page in pages:
                self._refresh(page)
        (log.info if hears else log.warning)("buttons.available" if hears else "buttons.unavailable", pages=len(pages))
