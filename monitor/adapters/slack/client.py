"""Messages posted, edited and found again over Slack's Web API: `SlackPager`.

Every post carries its key in the message's metadata. After a reply was lost, the key is looked for before anything is
posted again, so that no page is doubled. Nothing here decides what is owed, when it is tried again, or what it says.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from slack_sdk.web import SlackResponse, WebClient

from monitor.adapters.slack.answers import Failure, TooMuch, ask, quiet_logger
from monitor.adapters.slack.blocks import Drawn, draw_line, draw_page
from monitor.adapters.slack.card import draw_card
from monitor.adapters.slack.upload import Uploads
from monitor.ports.pager import Ambiguous, Delivery, Gone, Message, Rejected, RetryAfter, Sent
from monitor.ports.store import FILES, Post, PostKind

API_URL = "https://slack.com/api/"
EVENT_TYPE = "rollback_monitor_post"
CLOCK_SLACK = 300
"""Seconds by which our clock and Slack's may differ when a message is looked for."""
PAGES, PAGE, LOOK_WITHIN = 5, 200, 10.0
PATIENCE = 4
"""Attempts after which a post is made though Slack would not say whether it is there: doubled is better than lost.

What is urgent is made `LOOK_WITHIN` seconds after the first look began."""
ROOT_WAIT, UNSEEN_WAIT = 2.0, 2.0
ALONE = frozenset({PostKind.ROOT, PostKind.ESCALATION, PostKind.NOTE, PostKind.CALL})
"""Kinds that stand in the channel by themselves; the others go into the thread of a root."""

Speak: TypeAlias = Callable[[str, list[dict[str, Any]] | None], SlackResponse]


def web_client(token: str, *, base_url: str = API_URL, timeout: float = 10) -> WebClient:
    """Give the SDK's client without its retries, which post twice when a reply is lost."""
    url = base_url if base_url.endswith("/") else f"{base_url}/"
    return WebClient(
        token=token,
        base_url=url,
        timeout=timeout,  # type: ignore[arg-type]  # the socket takes fractions of a second, the SDK's hint says int
        retry_handlers=[],
        logger=quiet_logger(),
    )


@dataclass(frozen=True, slots=True)
class Found:
    """A post that is in the channel already, and the revision that it shows."""

    ts: str
    rev: int


class _Looks:
    """Since when each post has been looked for, so that looking ends. Thread-safe."""

    def __init__(self, now: Callable[[], float], within: float) -> None:
        self._now = now
        self.within = within
        self._began: dict[str, float] = {}
        self._lock = threading.Lock()

    def left(self, key: str) -> float:
        """Give the seconds of looking that are left, all of them at the first call."""
        with self._lock:
            now = self._now()
            return self.within - (now - self._began.setdefault(key, now))

    def ended(self, key: str) -> None:
        """The looking for a post is over."""
        with self._lock:
            self._began.pop(key, None)


class SlackPager:
    """Carries pages to Slack channels. Thread-safe; a request takes at most `timeout` seconds, a look `look_within`."""

    def __init__(
        self, token: str, *, base_url: str = API_URL, timeout: float = 10, look_within: float = LOOK_WITHIN
    ) -> None:
        """Make a pager; nothing is sent before the first delivery."""
        self._web = web_client(token, base_url=base_url, timeout=timeout)
        self._timeout = timeout
        self._looks = _Looks(time.monotonic, look_within)
        self._uploads = Uploads(self._web, timeout)

    def deliver(self, message: Message) -> Delivery:
        """Post the message, or edit it where it has a `ts`; see `monitor.ports.pager.Pager`."""
        if message.post.kind in FILES:
            return self._uploads.deliver(message)
        post, drawn = message.post, drawn_of(message)
        if drawn is None:
            return Rejected(f"{post.key} has nothing to say: a {post.kind} needs its page, card or words")
        if post.ts is not None:
            return self._edit(post, post.ts, drawn)
        if post.kind not in ALONE and message.root_ts is None:
            return RetryAfter(ROOT_WAIT, "the incident's root message is not in the channel yet")
        if post.attempts > 0:
            found = self._look(message)
            if isinstance(found, Found):
                return Sent(found.ts) if found.rev >= post.wanted else self._edit(post, found.ts, drawn)
            if found is not None:
                return found
        return self._post(post, message.root_ts, drawn)

    def _look(self, message: Message) -> Found | Failure | None:
        """Look for a post that may be there; None: post it, since it is not, or since looking has taken long enough."""
        post = message.post
        left = self._looks.left(post.key) if message.urgent else self._looks.within
        found = self._find(post, message.root_ts, left)
        if isinstance(found, Found | Gone):
            self._looks.ended(post.key)
            return found
        left = self._looks.left(post.key) if message.urgent else self._looks.within
        patient = left > 0 if message.urgent else post.attempts < PATIENCE
        if isinstance(found, Ambiguous | RetryAfter) and patient:
            # a limit on reading is no limit on posting, so that others may go on
            seconds = found.seconds if isinstance(found, RetryAfter) else UNSEEN_WAIT
            return RetryAfter(min(seconds, left) if message.urgent else seconds, found.why, alone=True)
        self._looks.ended(post.key)
        return None

    def _post(self, post: Post, root_ts: str | None, drawn: Drawn) -> Delivery:
        """Post a new message, as one bare text where Slack refuses its blocks."""

        def call(text: str, blocks: list[dict[str, Any]] | None) -> SlackResponse:
            return self._web.chat_postMessage(
                channel=post.channel,
                text=text,
                blocks=blocks,
                thread_ts=root_ts if post.kind not in ALONE else None,
                reply_broadcast=True if post.kind is PostKind.BROADCAST else None,
                metadata=metadata_of(post),
                unfurl_links=False,
                unfurl_media=False,
                link_names=False,
                parse="none",
            )

        return self._say(call, drawn, blocks_refused=None)

    def _edit(self, post: Post, ts: str, drawn: Drawn) -> Delivery:
        """Edit a message in place; blocks that Slack refuses are taken away, since old ones would lie."""

        def call(text: str, blocks: list[dict[str, Any]] | None) -> SlackResponse:
            return self._web.chat_update(
                channel=post.channel,
                ts=ts,
                text=text,
                blocks=blocks,
                metadata=metadata_of(post),
                link_names=False,
                parse="none",
            )

        return self._say(call, drawn, blocks_refused=[])

    def _say(self, call: Speak, drawn: Drawn, *, blocks_refused: list[dict[str, Any]] | None) -> Delivery:
        """Say it with blocks; where Slack refuses that, at once as one bare text, then as the headline alone."""
        refused = TooMuch("")
        for text, blocks in ((drawn.text, drawn.blocks), (drawn.bare, blocks_refused), (drawn.text, blocks_refused)):
            answer = ask(lambda text=text, blocks=blocks: call(text, blocks), within=self._timeout)  # type: ignore[misc]  # bound early
            if isinstance(answer, TooMuch):
                refused = answer
            elif isinstance(answer, SlackResponse):
                ts = answer.get("ts")
                return Sent(str(ts)) if ts else Ambiguous("Slack said ok but did not name the message")
            else:
                return answer
        return Rejected(refused.why)

    def _find(self, post: Post, root_ts: str | None, within: float) -> Found | Failure | None:
        """Look for the post's key among the messages since it was decided; None: it is not there."""
        cursor, until = "", time.monotonic() + within
        for _ in range(PAGES):
            left = until - time.monotonic()
            if left <= 0:
                return Ambiguous("Slack took too long to say whether the message is there")
            answer = ask(
                lambda cursor=cursor: self._read(post, root_ts, cursor),  # type: ignore[misc]  # bound early
                within=min(left, self._timeout),
            )
            if not isinstance(answer, SlackResponse):
                return answer
            found = found_in(answer.get("messages") or (), post.key)
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if found or not cursor:
                return found
        return None

    def _read(self, post: Post, root_ts: str | None, cursor: str) -> SlackResponse:
        """Read one page of the channel, or of the thread for what stands in one."""
        asked: dict[str, Any] = {
            "channel": post.channel,
            "oldest": f"{post.decided_at.timestamp() - CLOCK_SLACK:.6f}",
            "limit": PAGE,
            "include_all_metadata": True,
            "cursor": cursor or None,
        }
        if post.kind in ALONE or root_ts is None:
            return self._web.conversations_history(**asked)
        return self._web.conversations_replies(ts=root_ts, **asked)


def drawn_of(message: Message) -> Drawn | None:
    """Give what a message says, drawn; None where the part that its kind needs is missing."""
    match message.post.kind:
        case PostKind.ROOT | PostKind.CALL:
            return draw_page(message.page) if message.page else None
        case PostKind.CARD:
            return draw_card(message.card) if message.card else None
        case PostKind.LINE | PostKind.BROADCAST | PostKind.ESCALATION | PostKind.NOTE:
            return _line(message) if message.post.said.strip() else None
        case PostKind.PLOT | PostKind.REPORT:
            return None


def _line(message: Message) -> Drawn:
    """Give a line; one that asks for something has its buttons, one from another channel says where the page stands."""
    return draw_line(message.post.said, message.post.mention, message.actions, message.home)


def metadata_of(post: Post) -> dict[str, Any]:
    """Give the metadata by which a post is known again; `rev` is the revision that it shows."""
    return {"event_type": EVENT_TYPE, "event_payload": {"key": post.key, "incident": post.incident, "rev": post.wanted}}


def found_in(messages: Sequence[Mapping[str, Any]], key: str) -> Found | None:
    """Give the oldest message that carries `key`."""
    for message in sorted(messages, key=lambda one: str(one.get("ts", ""))):
        metadata = message.get("metadata") or {}
        payload = metadata.get("event_payload") or {}
        if metadata.get("event_type") == EVENT_TYPE and payload.get("key") == key:
            rev = payload.get("rev")
            return Found(str(message.get("ts")), rev if isinstance(rev, int) else 0)
    return None
