"""PagerDuty by its Events API v2: trigger, acknowledge and resolve under one key, so that sending again is harmless.

https://developer.pagerduty.com/docs/events-api-v2-overview. Knows nothing of incidents' rules.
"""

from typing import Any

from monitor.adapters.posting import Answer, Poster
from monitor.core.model import Tier
from monitor.core.pages.calling import Call, Stance
from monitor.core.pages.page import Page
from monitor.ports.pager import Delivery, Message, Rejected, Sent

API_URL = "https://events.pagerduty.com"
MAX_SUMMARY = 1024
ACTIONS = {Stance.TRIGGERED: "trigger", Stance.ACKNOWLEDGED: "acknowledge", Stance.RESOLVED: "resolve"}
SEVERITIES = {Tier.ROLLBACK: "critical", Tier.BLIND: "error", Tier.PREPARE: "warning"}
NOTHING = "rollback-monitor/doctor"
"""The key of what never was, which doctor resolves to see whether the service listens."""


class PagerDuty:
    """Carries pages to a PagerDuty service. Thread-safe; a delivery takes at most `timeout` seconds."""

    def __init__(self, routing_key: str, *, api_url: str = API_URL, timeout: float = 10) -> None:
        """Make a pager; nothing is sent before the first delivery."""
        self._routing_key = routing_key
        self._url = f"{api_url.rstrip('/')}/v2/enqueue"
        self._poster = Poster("MONITOR_PAGERDUTY__ROUTING_KEY", timeout=timeout)

    def deliver(self, message: Message) -> Delivery:
        """Tell PagerDuty how the incident stands; see `monitor.ports.pager.Pager`."""
        if message.call is None or message.page is None:
            return Rejected(f"{message.post.key} has nothing to say to PagerDuty")
        sent = self._poster.post(self._url, {"routing_key": self._routing_key, **event(message.call, message.page)})
        return Sent(message.call.key) if isinstance(sent, Sent) else sent

    def probe(self) -> Answer:
        """See whether it takes events, without paging anybody: what never was is resolved."""
        document = {"routing_key": self._routing_key, "event_action": "resolve", "dedup_key": NOTHING}
        return self._poster.post(self._url, document)


def event(call: Call, page: Page) -> dict[str, Any]:
    """Give the event of `call` without the routing key."""
    told = {"event_action": ACTIONS[call.stance], "dedup_key": call.key, "client": "Rollback Monitor"}
    if call.stance is not Stance.TRIGGERED:
        return told
    links = [{"href": url, "text": label} for why in page.why for label, url in why.links]
    payload = {
        "summary": page.headline[:MAX_SUMMARY],
        "source": call.environment,
        "severity": SEVERITIES[call.tier],
        "timestamp": call.since.isoformat(),
        "group": call.environment,
        "class": str(call.tier),
        "custom_details": {
            "incident": call.incident,
            "signals": [f"{why.text} ({why.numbers})" if why.numbers else why.text for why in page.why],
            "more": page.more,
            "notes": list(page.notes),
            "acknowledge": page.footer,
        },
    }
    return told | {"payload": payload, "links": links[:10]}
