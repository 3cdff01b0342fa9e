"""Slack over signed HTTP: whether a request is Slack's, fresh and new, and what is answered to it.

The alternative to Socket Mode, into the same dispatcher. Knows bytes and headers, no web framework. Whatever comes in,
it gives a status and never raises.
"""

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import orjson
import structlog
from slack_sdk.signature import SignatureVerifier

from monitor.adapters.slack.interactions import Answer, Dispatcher
from monitor.ports.world import Clock

WINDOW = 300
"""Seconds that a request may be away from our clock, either way; the SDK's verifier holds to the same."""
MOST_REPLAYS = 20_000
"""Signatures remembered; only genuine ones are, and Slack sends a handful a minute."""
MOST_FIELDS = 50
FORM = "application/x-www-form-urlencoded"

_TIMESTAMP = re.compile(r"\d{1,12}", re.ASCII)
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back: a status, and a JSON object where there is something to say."""

    status: int
    body: Mapping[str, Any] | None = None


class _Refused(Exception):  # noqa: N818  # no error of ours: a request that is turned away
    def __init__(self, status: int, why: str) -> None:
        self.status, self.why = status, why
        super().__init__(why)


class _Now:
    """The SDK's clock, from ours."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> float:
        return self._clock.now().timestamp()


class Replays:
    """The signatures of the last minutes, for as long as a request with one would pass for fresh. Thread-safe."""

    def __init__(self, most: int = MOST_REPLAYS) -> None:
        self._most = most
        self._seen: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._seen)

    def first(self, signature: str, until: float, now: float) -> bool:
        """Remember `signature` until `until`; False where it was seen before, or nothing more can be remembered."""
        with self._lock:
            if signature in self._seen:
                return False
            if len(self._seen) >= self._most:
                self._seen = OrderedDict((one, end) for one, end in self._seen.items() if end >= now)
            if len(self._seen) >= self._most:
                return False
            self._seen[signature] = until
            return True


class SignedDoor:
    """Takes what arrives at `/slack/interactions` and `/slack/commands`. Thread-safe."""

    def __init__(
        self,
        secret: str,
        dispatcher: Dispatcher,
        clock: Clock,
        tell: Callable[[Answer], None],
        watched: Callable[[str, int], None] = lambda _kind, _status: None,
    ) -> None:
        """Make a door; `tell` shows an answer to one person later, `watched` counts requests by kind and status."""
        self._verifier = SignatureVerifier(secret, _Now(clock))  # type: ignore[arg-type]  # it asks its clock for `now` alone
        self._dispatcher = dispatcher
        self._clock = clock
        self._tell = tell
        self._watched = watched
        self._replays = Replays()

    def interaction(self, headers: Mapping[str, str], body: bytes) -> Reply:
        """Take a press of a button or a form: 200 once its effect is committed.

        What is wrong with a form goes back with it; other words go to the person by another way. 503 where Slack could
        not be asked who that is: Slack shows the person that it did not work.
        """
        return self._reply("interaction", headers, body, self._pressed)

    def command(self, headers: Mapping[str, str], body: bytes) -> Reply:
        """Take a slash command; its answer is the reply, for who typed it alone."""
        return self._reply("command", headers, body, self._typed)

    def _reply(
        self, kind: str, headers: Mapping[str, str], body: bytes, act: Callable[[Mapping[str, str]], Reply]
    ) -> Reply:
        """Turn away what is not Slack's, and act on the rest."""
        lowered = {name.lower(): value for name, value in headers.items()}
        try:
            self._verify(lowered, body)
            reply = act(_form(lowered, body))
        except _Refused as refused:
            _log.warning("slack.request_refused", kind=kind, status=refused.status, why=refused.why)
            reply = Reply(refused.status, {"error": refused.why})
        self._watched(kind, reply.status)
        return reply

    def _verify(self, headers: Mapping[str, str], body: bytes) -> None:
        """Raise _Refused unless the request is signed with our secret, fresh, and here for the first time."""
        timestamp = headers.get("x-slack-request-timestamp", "")
        signature = headers.get("x-slack-signature", "")
        if not (_TIMESTAMP.fullmatch(timestamp) and _SIGNATURE.fullmatch(signature)):
            raise _Refused(401, "the signature or its timestamp is missing or malformed")
        now = self._clock.now().timestamp()
        if abs(now - int(timestamp)) > WINDOW:
            raise _Refused(401, "the request is too old, or the clocks differ by minutes")
        if not self._genuine(body, timestamp, signature):
            raise _Refused(401, "the signature is not that of our signing secret")
        if not self._replays.first(signature, int(timestamp) + WINDOW, now):
            raise _Refused(401, "the request was here before")

    def _genuine(self, body: bytes, timestamp: str, signature: str) -> bool:
        try:
            return self._verifier.is_valid(body, timestamp, signature)
        except (ValueError, TypeError, OverflowError):  # such as a body that is not UTF-8
            return False

    def _pressed(self, form: Mapping[str, str]) -> Reply:
        try:
            payload = orjson.loads(form.get("payload", ""))
        except ValueError:
            raise _Refused(400, "the form holds no payload that is JSON") from None
        answer = self._dispatcher.dispatch(payload)
        if answer.ephemeral:
            self._tell(answer)
        return Reply(200, answer.body) if answer.taken else Reply(503)

    def _typed(self, form: Mapping[str, str]) -> Reply:
        if form.get("ssl_check") == "1":
            return Reply(200)
        answer = self._dispatcher.command(form)
        said = {"response_type": "ephemeral", "text": answer.ephemeral} if answer.ephemeral else None
        return Reply(200, said)


def _form(headers: Mapping[str, str], body: bytes) -> Mapping[str, str]:
    """Read the form, or raise _Refused. It is genuine by now, but from a program all the same."""
    if headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise _Refused(400, f"the content type is not {FORM}")
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict"))
    except ValueError:
        raise _Refused(400, "the body is no form that can be read") from None
