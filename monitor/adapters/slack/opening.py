"""Opens forms: at once and directly, since what a click opens a form with lives for three seconds.

Slack has its acknowledgement meanwhile; where a form does not open, who clicked is told to tap again.
"""

import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import structlog
from slack_sdk.web import SlackResponse

from monitor.adapters.slack.answers import ask
from monitor.adapters.slack.clicks import Click
from monitor.adapters.slack.client import API_URL, web_client
from monitor.adapters.slack.interactions import ELSEWHERE, Answer

OPEN_WITHIN = 2.5
MOST_AT_ONCE = 20

_log = structlog.get_logger(__name__)


class Modals:
    """Opens forms. Thread-safe; never waits."""

    def __init__(self, token: str, tell: Callable[[Answer], None], *, base_url: str = API_URL) -> None:
        """Make it; `tell` shows an answer to one person."""
        self._web = web_client(token, base_url=base_url, timeout=OPEN_WITHIN)
        self._tell = tell
        self._free = threading.Semaphore(MOST_AT_ONCE)

    def open(self, click: Click, view: Mapping[str, Any]) -> None:
        """Open `view` for who clicked."""
        if not self._free.acquire(blocking=False):
            self._failed(click, "too many forms are being opened")
            return
        threading.Thread(target=self._open, args=(click, view), name="slack-form", daemon=True).start()

    def _open(self, click: Click, view: Mapping[str, Any]) -> None:
        try:
            call = partial(self._web.views_open, trigger_id=click.trigger, view=dict(view))
            answer = ask(call, within=OPEN_WITHIN)
            if not isinstance(answer, SlackResponse):
                self._failed(click, answer.why)
        finally:
            self._free.release()

    def _failed(self, click: Click, why: str) -> None:
        _log.warning("slack.form_not_opened", user=click.who.user_id, action=click.action, why=why)
        self._tell(Answer(f"The form did not open, so nothing was done: tap again. {ELSEWHERE}", click))
