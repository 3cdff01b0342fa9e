"""Addresses of messages, as Slack gives them to people. Asked for evidence only; without an answer there is none."""

import time

from slack_sdk.web import SlackResponse

from monitor.adapters.slack.answers import ask
from monitor.adapters.slack.client import API_URL, web_client
from monitor.ports.pager import Ambiguous, RetryAfter

WITHIN = 3.0
"""Seconds for one address."""

RESTS = 60.0
"""Seconds in which a Slack that did not answer is not asked again: a bundle does not wait for each address."""


class SlackPermalinks:
    """Implements `monitor.ports.pager.Permalinks`; what was told once is not asked again."""

    def __init__(self, token: str, *, base_url: str = API_URL) -> None:
        """Make it; nothing is asked before it is used."""
        self._web = web_client(token, base_url=base_url, timeout=WITHIN)
        self._known: dict[tuple[str, str], str] = {}
        self._not_before = 0.0

    def permalink(self, channel: str, ts: str) -> str:
        """Give the address of a message, or nothing where Slack does not say."""
        if (channel, ts) not in self._known:
            if time.monotonic() < self._not_before:
                return ""
            answer = ask(lambda: self._web.chat_getPermalink(channel=channel, message_ts=ts), within=WITHIN)
            if isinstance(answer, Ambiguous | RetryAfter):
                self._not_before = time.monotonic() + RESTS
            if not isinstance(answer, SlackResponse):
                return ""
            self._known[channel, ts] = str(answer.get("permalink", ""))
        return self._known[channel, ts]
