"""Alertmanager by its API v2: one alert a page, ended when the incident is, silenced while somebody has it.

An alert is known by its labels, so that sending again is harmless. Alertmanager knows no acknowledgement: a silence for
this very page keeps it from telling people again. Knows nothing of incidents' rules.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from monitor.adapters.http import Access
from monitor.adapters.posting import NOBODY, Answer, Poster
from monitor.core.model import Tier
from monitor.core.pages.calling import Call, Stance
from monitor.core.pages.page import Page
from monitor.ports.pager import Delivery, Message, Rejected, Sent

SEVERITIES = {Tier.ROLLBACK: "critical", Tier.BLIND: "critical", Tier.PREPARE: "warning"}
CREDENTIALS = "MONITOR_ALERTMANAGER__BEARER_TOKEN, or __USERNAME and __PASSWORD"
LASTS = timedelta(days=7)
"""How long an alert stands that is not told of again: Alertmanager would end it by itself after minutes."""

SILENCED = timedelta(hours=4)
"""How long an acknowledgement keeps Alertmanager still."""


def now() -> datetime:
    """Give the present; Alertmanager's requests name times, and they are of no consequence elsewhere."""
    return datetime.now(UTC)


class Alertmanager:
    """Carries pages to an Alertmanager. Thread-safe; a request takes at most `timeout` seconds."""

    def __init__(
        self, url: str, access: Access = NOBODY, *, timeout: float = 10, time: Callable[[], datetime] = now
    ) -> None:
        """Make a pager; nothing is sent before the first delivery."""
        self._url = url.rstrip("/")
        self._time = time
        self._poster = Poster("MONITOR_ALERTMANAGER__URL", access, timeout=timeout, credentials=CREDENTIALS)

    def deliver(self, message: Message) -> Delivery:
        """Tell Alertmanager how the incident stands; see `monitor.ports.pager.Pager`."""
        if message.call is None or message.page is None:
            return Rejected(f"{message.post.key} has nothing to say to Alertmanager")
        call, at = message.call, self._time()
        sent = self._poster.post(f"{self._url}/api/v2/alerts", [alert(call, message.page, at)])
        if isinstance(sent, Sent) and call.stance is Stance.ACKNOWLEDGED:
            sent = self._poster.post(f"{self._url}/api/v2/silences", silence(call, at))
        return Sent(call.key) if isinstance(sent, Sent) else sent

    def probe(self) -> Answer:
        """See whether it answers."""
        return self._poster.ask("GET", f"{self._url}/api/v2/status")


def labels(call: Call) -> dict[str, str]:
    """Give the labels by which Alertmanager routes a page and knows it again."""
    return {
        "alertname": "RollbackMonitor",
        "environment": call.environment,
        "tier": str(call.tier),
        "severity": SEVERITIES[call.tier],
        "incident": call.incident,
        "page": call.key,
    }


def alert(call: Call, page: Page, at: datetime) -> dict[str, Any]:
    """Give the alert of `call` as it stands at `at`."""
    ends = at if call.stance is Stance.RESOLVED else at + LASTS
    signals = [f"{why.text} ({why.numbers})" if why.numbers else why.text for why in page.why]
    annotations = {
        "summary": page.headline,
        "description": "\n".join([*signals, *page.notes, *page.status]),
        "acknowledge": page.footer,
    }
    return {
        "labels": labels(call),
        "annotations": annotations | ({"acknowledged_by": call.by} if call.by else {}),
        "startsAt": min(call.since, at).isoformat(),
        "endsAt": ends.isoformat(),
    }


def silence(call: Call, at: datetime) -> dict[str, Any]:
    """Give the silence of an acknowledged page: of this page alone."""
    matchers = [
        {"name": name, "value": value, "isRegex": False, "isEqual": True}
        for name, value in labels(call).items()
        if name in {"alertname", "page"}
    ]
    return {
        "matchers": matchers,
        "startsAt": at.isoformat(),
        "endsAt": (at + SILENCED).isoformat(),
        "createdBy": call.by or "rollback-monitor",
        "comment": f"{call.incident} is acknowledged{f' by {call.by}' if call.by else ''}",
    }
