"""The channels of an incident as they stand: those it is shown in by its posts, and those its alerts match now.

Asked where something is owed to an incident, and where somebody acts on it; it writes nothing.
"""

from monitor.core.incidents.response import Response
from monitor.core.incidents.routes import Audience, audiences, rights_on
from monitor.core.rules.routing import Route
from monitor.ports.store import PostKind, Store
from monitor.rulebook import RuleBook


class Channels:
    """Knows where incidents are shown. Thread-safe, since the store is."""

    def __init__(self, store: Store, book: RuleBook) -> None:
        self._store = store
        self._book = book

    def held(self, incident: str) -> tuple[str, ...]:
        """Give the channels that have a root message of an incident, or are owed one."""
        return tuple(dict.fromkeys(one.channel for one in self._store.posts(incident, kind=PostKind.ROOT)))

    def audiences(self, response: Response) -> tuple[Audience, ...]:
        """Give the channels that are told of `response`."""
        held = self.held(response.after.id) if response.before is not None else ()
        return audiences(response.after, self._book.now.rules, held)

    def rights(self, incident: str) -> Route:
        """Give everybody who may act on an incident; of one that there is none of, the people of the default route."""
        found = self._store.incident(incident)
        rules = self._book.now.rules
        return rights_on(found, rules) if found is not None else rules.routing.default
