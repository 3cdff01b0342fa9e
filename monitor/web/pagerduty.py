"""Where PagerDuty's signed webhooks arrive: `/pagerduty/webhooks`. What they ask for is decided behind the door."""

from collections.abc import Mapping
from typing import Protocol

from starlette.routing import Route

from monitor.web.signed import Reply, endpoint


class Hooks(Protocol):
    """Takes raw webhooks. Never raises."""

    def webhook(self, headers: Mapping[str, str], body: bytes) -> Reply:
        """Take one webhook."""


def pagerduty_routes(hooks: Hooks | None) -> list[Route]:
    """Give the route, or none where no webhook secret is set."""
    return [] if hooks is None else [Route("/pagerduty/webhooks", endpoint(hooks.webhook), methods=["POST"])]
