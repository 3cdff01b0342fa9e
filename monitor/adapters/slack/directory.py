"""Who is who in Slack: the rights and the name of somebody who clicked, and which workspace and app are ours.

Asks Slack seldom and keeps the answers, since a click must be answered within three seconds; `Warmer` asks beforehand.
Fails closed: a user group that cannot be read grants nothing, unless it was read less than ten minutes ago.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from slack_sdk.web import SlackResponse

from monitor.adapters.slack.answers import ask
from monitor.adapters.slack.client import API_URL, web_client
from monitor.adapters.slack.interactions import FOREIGN, Home, Person, Rights
from monitor.core.actor import Role
from monitor.core.rules.routing import Route
from monitor.ports.pager import Ambiguous, RetryAfter
from monitor.ports.world import Clock

FRESH, STALE = 60.0, 600.0
"""Seconds for which a user group is believed without asking, and for which it is believed when asking fails."""
PERSON_FRESH = 3600.0
PAUSE = 10.0
"""Seconds without asking again after Slack failed to answer, so that clicks stay quick while it is down."""
MOST_KEPT = 2_000
WARM_EVERY = 45.0
"""Seconds between two looks of the warmer: less than `FRESH`, so that a click need not wait for Slack."""
WARMED = 40
"""People whose names are read beforehand; those of the others are read when they click."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read, and when on the monotonic clock."""

    at: float
    value: Any


class SlackDirectory:
    """Answers who may do what, by user and user-group ids. Thread-safe."""

    def __init__(self, token: str, clock: Clock, *, base_url: str = API_URL, timeout: float = 1.0) -> None:
        """Make a directory; Slack is asked when somebody clicks, or by `warm`."""
        self._web = web_client(token, base_url=base_url, timeout=timeout)
        self._timeout = timeout
        self._clock = clock
        self._lock = threading.Lock()
        self._groups: dict[str, _Read] = {}
        self._people: dict[str, _Read] = {}
        self._home: Home | None = None
        self._failed_at: float | None = None

    def rights(self, user: str, route: Route) -> Rights:
        """Give what `user` may do on incidents of `route`; nothing configured means nobody."""
        granted = {Role.RESPONDER: route.responders, Role.COMMANDER: route.commanders, Role.APPROVER: route.approvers}
        members = {one: self.members(one) for one in _groups(route)}
        roles = frozenset(
            role for role, ids in granted.items() if any(user == one or user in (members.get(one) or ()) for one in ids)
        )
        return Rights(roles, tuple(one for one, held in members.items() if held is None))

    def person(self, user: str, known_as: str = "") -> Person:
        """Give who `user` is; where Slack does not tell, the name that came along, or the id."""
        now, kept = self._clock.monotonic(), self._people.get(user)
        if kept and now - kept.at < PERSON_FRESH:
            return _person(kept.value)
        answer = self._ask("users_info", user=user)
        if answer is None:
            return _person(kept.value) if kept else Person(known_as or user)
        person = _person_of(answer.get("user"), known_as or user, self._home)
        self._keep(self._people, user, person, now)
        return person

    def home(self) -> Home | None:
        """Give the workspace that the app is installed in, or None while Slack has not told."""
        if self._home is None:
            self._home = self._asked_home()
        return self._home

    def members(self, group: str) -> frozenset[str] | None:
        """Give the members of a user group; None where it cannot be read."""
        now, kept = self._clock.monotonic(), self._groups.get(group)
        if kept and now - kept.at < FRESH:
            return frozenset(kept.value)
        return self._read_members(group, now, kept)

    def warm(self, route: Route) -> None:
        """Ask beforehand for all that a click of somebody who may act would ask for."""
        if self._home is None or not self._home.app:
            self._home = self._asked_home() or self._home
        people = [one for one in (*route.responders, *route.commanders, *route.approvers) if one not in _groups(route)]
        for group in _groups(route):
            people += self._read_members(group, self._clock.monotonic(), self._groups.get(group)) or ()
        for user in list(dict.fromkeys(people))[:WARMED]:
            self.person(user)

    def _read_members(self, group: str, now: float, kept: _Read | None) -> frozenset[str] | None:
        answer = self._ask("usergroups_users_list", usergroup=group)
        if answer is None:
            return frozenset(kept.value) if kept and now - kept.at < STALE else None
        members = frozenset(str(one) for one in answer.get("users") or ())
        self._keep(self._groups, group, members, now)
        return members

    def _asked_home(self) -> Home | None:
        answer = self._ask("auth_test")
        if answer is None or not answer.get("team_id"):
            return None
        bot = self._ask("bots_info", bot=str(answer["bot_id"])) if answer.get("bot_id") else None
        told = (bot.get("bot") if bot is not None else None) or {}
        app = str(told.get("app_id") or "") if isinstance(told, dict) else ""
        return Home(str(answer["team_id"]), str(answer.get("enterprise_id") or ""), app)

    def _ask(self, method: str, **asked: str) -> SlackResponse | None:
        """Ask Slack, or give None at once where it has just failed to answer."""
        now = self._clock.monotonic()
        if self._failed_at is not None and now - self._failed_at < PAUSE:
            return None
        answer = ask(lambda: getattr(self._web, method)(**asked), within=self._timeout)
        self._failed_at = now if isinstance(answer, Ambiguous | RetryAfter) else None
        return answer if isinstance(answer, SlackResponse) else None

    def _keep(self, where: dict[str, _Read], key: str, value: object, now: float) -> None:
        """Keep an answer; the oldest makes room."""
        with self._lock:
            where.pop(key, None)
            while len(where) >= MOST_KEPT:
                where.pop(next(iter(where)))
            where[key] = _Read(now, value)


class Warmer:
    """Keeps a directory warm; `run` is its thread."""

    def __init__(self, directory: SlackDirectory, route: Callable[[], Route]) -> None:
        self._directory = directory
        self._route = route

    def run(self, stop: threading.Event) -> None:
        """Ask for everything now and then until `stop` is set."""
        while True:
            try:
                self._directory.warm(self._route())
            except Exception:  # noqa: BLE001  # the one catch-all of this thread; a click asks for itself
                _log.exception("slack.directory_failed")
            home = self._directory.home()
            if stop.wait(WARM_EVERY if home is not None else PAUSE):
                return


def _groups(route: Route) -> tuple[str, ...]:
    """Give the user groups among the ids of `route`, each once."""
    ids: Iterable[str] = (*route.responders, *route.commanders, *route.approvers)
    return tuple(dict.fromkeys(one for one in ids if one.startswith("S")))


def _person(value: object) -> Person:
    return value if isinstance(value, Person) else Person("")


def _person_of(told: object, known_as: str, home: Home | None) -> Person:
    """Read what `users.info` tells; a bot, somebody deactivated and a guest of another workspace may do nothing."""
    user = told if isinstance(told, dict) else {}
    profile = user.get("profile")
    profile = profile if isinstance(profile, dict) else {}
    names = (profile.get("display_name"), profile.get("real_name"), user.get("name"))
    name = next((str(one) for one in names if one), known_as)
    if user.get("is_bot"):
        return Person(name, "Buttons are for people: bots may not use them.")
    if user.get("is_stranger") or user.get("deleted") or (home is not None and _elsewhere(user, home.team)):
        return Person(name, FOREIGN)
    return Person(name)


def _elsewhere(user: Mapping[str, Any], team: str) -> bool:
    """Tell whether `user` is of another workspace; in an organisation, somebody may be of several."""
    organisation = user.get("enterprise_user")
    teams = organisation.get("teams") if isinstance(organisation, dict) else None
    return user.get("team_id") not in {None, "", team} and team not in (teams if isinstance(teams, list) else ())
