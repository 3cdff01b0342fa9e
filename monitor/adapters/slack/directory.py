"""Who is who in Slack: the roles and the name of somebody who clicked, and which workspace is ours.

Asks Slack seldom and keeps the answers: a click must be answered within three seconds. Fails closed: a user group
that cannot be read grants nothing, unless it was read less than ten minutes ago.
"""

import threading
from dataclasses import dataclass

from slack_sdk.web import SlackResponse

from monitor.adapters.slack.answers import ask
from monitor.adapters.slack.client import API_URL, web_client
from monitor.core.events import Role
from monitor.core.rule import Route
from monitor.ports import Ambiguous, Clock, RetryAfter

FRESH, STALE = 60.0, 600.0
"""Seconds for which a user group is believed without asking, and for which it is believed when asking fails."""
NAME_FRESH = 3600.0
PAUSE = 10.0
"""Seconds without asking again after Slack failed to answer, so that clicks stay quick while it is down."""
MOST_NAMES = 2_000


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read, and when on the monotonic clock."""

    at: float
    value: tuple[str, ...]


class SlackDirectory:
    """Answers who may do what, by user and user-group ids. Thread-safe."""

    def __init__(self, token: str, clock: Clock, *, base_url: str = API_URL, timeout: float = 1.0) -> None:
        """Make a directory; Slack is asked when somebody clicks."""
        self._web = web_client(token, base_url=base_url, timeout=timeout)
        self._timeout = timeout
        self._clock = clock
        self._lock = threading.Lock()
        self._groups: dict[str, _Read] = {}
        self._names: dict[str, _Read] = {}
        self._team = ""
        self._failed_at: float | None = None

    def roles(self, user: str, route: Route) -> frozenset[Role]:
        """Give what `user` may do on incidents of `route`; nothing configured means nobody."""
        granted = {Role.RESPONDER: route.responders, Role.COMMANDER: route.commanders, Role.APPROVER: route.approvers}
        return frozenset(role for role, ids in granted.items() if any(self._is_in(user, one) for one in ids))

    def name(self, user: str) -> str:
        """Give the name that people know `user` by, or the id where Slack does not tell."""
        now, kept = self._clock.monotonic(), self._names.get(user)
        if kept and now - kept.at < NAME_FRESH:
            return kept.value[0]
        answer = self._ask("users_info", user=user)
        if answer is None:
            return kept.value[0] if kept else user
        person = answer.get("user") or {}
        profile = person.get("profile") or {}
        name = str(profile.get("display_name") or profile.get("real_name") or person.get("name") or user)
        self._keep(self._names, user, (name,), now)
        return name

    def team_id(self) -> str:
        """Give the id of the workspace that the app is installed in, or nothing while Slack has not told."""
        if not self._team:
            answer = self._ask("auth_test")
            self._team = str(answer.get("team_id") or "") if answer else ""
        return self._team

    def members(self, group: str) -> frozenset[str]:
        """Give the members of a user group; nobody where it cannot be read."""
        now, kept = self._clock.monotonic(), self._groups.get(group)
        if kept and now - kept.at < FRESH:
            return frozenset(kept.value)
        answer = self._ask("usergroups_users_list", usergroup=group)
        if answer is None:
            return frozenset(kept.value) if kept and now - kept.at < STALE else frozenset()
        members = tuple(str(one) for one in answer.get("users") or ())
        self._keep(self._groups, group, members, now)
        return frozenset(members)

    def _is_in(self, user: str, one: str) -> bool:
        """Tell whether `one`, a user or a user group, is or holds `user`."""
        return user == one or (one.startswith("S") and user in self.members(one))

    def _ask(self, method: str, **asked: str) -> SlackResponse | None:
        """Ask Slack, or give None at once where it has just failed to answer."""
        now = self._clock.monotonic()
        if self._failed_at is not None and now - self._failed_at < PAUSE:
            return None
        answer = ask(lambda: getattr(self._web, method)(**asked), within=self._timeout)
        self._failed_at = now if isinstance(answer, Ambiguous | RetryAfter) else None
        return answer if isinstance(answer, SlackResponse) else None

    def _keep(self, where: dict[str, _Read], key: str, value: tuple[str, ...], now: float) -> None:
        """Keep an answer; the oldest makes room."""
        with self._lock:
            where.pop(key, None)
            while len(where) >= MOST_NAMES:
                where.pop(next(iter(where)))
            where[key] = _Read(now, value)
