"""All that listens to Slack, put together as one thing beside the HTTP listener: Socket Mode or signed HTTP.

Owns the threads that ask Slack beforehand and that tell people what only they should read.
"""

import asyncio
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import structlog
from slack_sdk.web import SlackResponse

from monitor.adapters.slack.answers import ask
from monitor.adapters.slack.clicks import Click
from monitor.adapters.slack.client import API_URL, web_client
from monitor.adapters.slack.directory import SlackDirectory, Warmer
from monitor.adapters.slack.interactions import Answer, Dispatcher, Press
from monitor.adapters.slack.opening import Modals
from monitor.adapters.slack.signed import SignedDoor
from monitor.adapters.slack.slash import Drills, SlashCommand
from monitor.adapters.slack.socket import SlackSocket
from monitor.core.incidents.incident import Incident
from monitor.core.pages.forms import Form
from monitor.core.rules.routing import Route
from monitor.ports.world import Clock

WAITING = 200
TELL_WITHIN = 5.0
LOOK_EVERY = 0.5

_log = structlog.get_logger(__name__)


class Teller:
    """Shows answers to one person each, once: they are about a moment that passes. `run` is its thread."""

    def __init__(self, token: str, *, base_url: str = API_URL) -> None:
        self._web = web_client(token, base_url=base_url, timeout=TELL_WITHIN)
        self._answers: queue.Queue[Answer] = queue.Queue(WAITING)

    def tell(self, answer: Answer) -> None:
        """Show `answer` soon. Never waits; where too many wait already, it is let go."""
        try:
            self._answers.put_nowait(answer)
        except queue.Full:
            _log.warning("slack.answer_not_shown", why="too many wait to be shown")

    def run(self, stop: threading.Event) -> None:
        """Show answers until `stop` is set."""
        while not stop.is_set():
            try:
                self._show(self._answers.get(timeout=LOOK_EVERY))
            except queue.Empty:
                continue
            except Exception:  # noqa: BLE001  # the one catch-all of this thread
                _log.exception("slack.answer_failed")

    def _show(self, answer: Answer) -> None:
        click = answer.click
        if click is None or not click.channel or not answer.ephemeral:
            return
        show = partial(self._web.chat_postEphemeral, channel=click.channel, user=click.who.user_id)
        told = ask(partial(show, text=answer.ephemeral, thread_ts=click.thread or None), within=TELL_WITHIN)
        if not isinstance(told, SlackResponse):
            _log.warning("slack.answer_not_shown", user=click.who.user_id, why=told.why)


class SlackInbound:
    """Runs until it is told to stop."""

    def __init__(self, warmer: Warmer, teller: Teller, *, socket: SlackSocket | None, door: SignedDoor | None) -> None:
        self._warmer = warmer
        self._teller = teller
        self._socket = socket
        self.door = door
        """What takes signed requests, where a signing secret is set."""

    async def run(self, stop: asyncio.Event) -> None:
        """Run Socket Mode, where it is set, and the threads beside it, until `stop` is set."""
        ended = threading.Event()
        for name, run in (("slack-warmer", self._warmer.run), ("slack-teller", self._teller.run)):
            threading.Thread(target=run, args=(ended,), name=name, daemon=True).start()
        try:
            await (self._socket.run(stop) if self._socket is not None else stop.wait())
        finally:
            ended.set()


# --- put together ---------------------------------------------------------------------------------------------------


class Ears(Protocol):
    """What hears what people do."""

    def handle(self, press: Press, /) -> str | None:
        """Carry it out; None when it is done, else why not."""

    def form_of(self, press: Press, /, *, chosen: bool) -> Form | str | None:
        """Give the form to be filled in for it, words where it may not be, None where it needs none."""

    def told(self, incident: Incident, /) -> str:
        """Give an incident in a line."""

    def rights(self, incident: str, /) -> Route:
        """Give everybody who may act on an incident."""

    def everybody(self) -> Route:
        """Give the people of all routes in force."""

    def open_incidents(self) -> Sequence[Incident]:
        """Give the open incidents, newest first."""


@dataclass(frozen=True, slots=True)
class Access:
    """How Slack is reached and reaches us: the tokens and the secret that are set, and its address."""

    bot_token: str
    app_token: str = ""
    signing_secret: str = ""
    base_url: str = API_URL


@dataclass(frozen=True, slots=True)
class FormsOf:
    """The forms of `ears`, opened by `modals`."""

    ears: Ears
    modals: Modals

    def form_of(self, press: Press, *, chosen: bool) -> Form | str | None:
        """Give the form; see `monitor.adapters.slack.interactions.Forms`."""
        return self.ears.form_of(press, chosen=chosen)

    def open(self, click: Click, view: Mapping[str, Any]) -> None:
        """Open it."""
        self.modals.open(click, view)


def listening(
    access: Access,
    ears: Ears,
    clock: Clock,
    heard: Callable[[bool], None],
    counted: Callable[[str, int], None],
    drills: Drills | None = None,
) -> SlackInbound:
    """Give all that listens; `heard` is told whether Socket Mode hears, `counted` of each signed request.

    `drills` answers words about drills.
    """
    directory = SlackDirectory(access.bot_token, clock, base_url=access.base_url)
    teller = Teller(access.bot_token, base_url=access.base_url)
    forms = FormsOf(ears, Modals(access.bot_token, teller.tell, base_url=access.base_url))
    slash = SlashCommand(ears.open_incidents, ears.told, drills)
    dispatcher = Dispatcher(ears.handle, directory, ears.rights, slash, forms)
    socket = door = None
    if access.app_token:
        told = None if access.signing_secret else heard
        socket = SlackSocket(access.app_token, access.bot_token, dispatcher, base_url=access.base_url, heard=told)
    if access.signing_secret:
        door = SignedDoor(access.signing_secret, dispatcher, clock, teller.tell, counted)
    return SlackInbound(Warmer(directory, ears.everybody), teller, socket=socket, door=door)
