"""A webhook of your own: every page as one JSON document, signed where a secret is set. docs/pagers.md describes it.

The document is versioned; its `key` is the same for everything told of one page, so that sending again is harmless.
"""

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from monitor.adapters.posting import Answer, Poster
from monitor.core.pages.calling import Call
from monitor.core.pages.page import Page
from monitor.ports.pager import Delivery, Message, Rejected, Sent

VERSION = 1
SIGNATURE, TIMESTAMP = "X-Rollback-Monitor-Signature", "X-Rollback-Monitor-Timestamp"


def now() -> datetime:
    """Give the present, for the signature."""
    return datetime.now(UTC)


class Webhook:
    """Carries pages to one address. Thread-safe; a delivery takes at most `timeout` seconds."""

    def __init__(self, url: str, secret: str = "", *, timeout: float = 10, time: Callable[[], datetime] = now) -> None:
        """Make a pager; nothing is sent before the first delivery."""
        self._url = url
        self._secret = secret
        self._time = time
        self._poster = Poster("MONITOR_WEBHOOK__URL", timeout=timeout)

    def deliver(self, message: Message) -> Delivery:
        """Tell it how the incident stands; see `monitor.ports.pager.Pager`."""
        if message.call is None or message.page is None:
            return Rejected(f"{message.post.key} has nothing to say to the webhook")
        sent = self._send(document(message.call, message.page))
        return Sent(message.call.key) if isinstance(sent, Sent) else sent

    def probe(self) -> Answer:
        """See whether it answers a document that pages nobody."""
        return self._send({"version": VERSION, "event": "test"})

    def _send(self, told: dict[str, Any]) -> Answer:
        body, at = json.dumps(told).encode(), str(int(self._time().timestamp()))
        headers = {TIMESTAMP: at}
        if self._secret:
            headers[SIGNATURE] = signature(self._secret, at, body)
        return self._poster.post(self._url, body, headers)


def signature(secret: str, at: str, body: bytes) -> str:
    """Give the signature of `body` sent at `at`: `v1=` and the HMAC-SHA-256 of time, a full stop and body, in hex."""
    return f"v1={hmac.new(secret.encode(), at.encode() + b'.' + body, hashlib.sha256).hexdigest()}"


def document(call: Call, page: Page) -> dict[str, Any]:
    """Give what is sent of a page, version 1."""
    signals = [
        {
            "text": why.text,
            "numbers": why.numbers,
            "since": why.since.isoformat(),
            "tier": why.tier,
            "resolved_at": why.resolved_at.isoformat() if why.resolved_at else None,
            "links": dict(why.links),
        }
        for why in page.why
    ]
    return {
        "version": VERSION,
        "event": str(call.stance),
        "key": call.key,
        "incident": call.incident,
        "environment": call.environment,
        "tier": str(call.tier),
        "since": call.since.isoformat(),
        "headline": page.headline,
        "signals": signals,
        "more_signals": page.more,
        "notes": list(page.notes),
        "status": list(page.status),
        "acknowledged_by": call.by or None,
        "acknowledge": page.footer,
    }
