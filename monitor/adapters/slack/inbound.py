"""All that listens to Slack, as one thing that runs beside the HTTP listener: Socket Mode or signed HTTP.

Owns the threads that ask Slack beforehand and that tell people what only they should read.
"""

import asyncio
import queue
import threading
from functools import partial

import structlog
from slack_sdk.web import SlackResponse

from monitor.adapters.slack.answers import ask
from monitor.adapters.slack.client import API_URL, web_client
from monitor.adapters.slack.directory import Warmer
from monitor.adapters.slack.interactions import Answer
from monitor.adapters.slack.signed import SignedDoor
from monitor.adapters.slack.socket import SlackSocket

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
