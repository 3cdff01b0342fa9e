"""Where Slack's signed requests arrive: `/slack/interactions` and `/slack/commands`.

Who may ask for what is decided behind the door.
"""

from collections.abc import Mapping
from typing import Protocol

from starlette.routing import Route

from monitor.web.signed import Reply, endpoint


class Door(Protocol):
    """Takes raw requests. Never raises."""

    def interaction(self, headers: Mapping[str, str], body: bytes) -> Reply:
        """Take a press of a button, or a form."""

    def command(self, headers: Mapping[str, str], body: bytes) -> Reply:
        """Take a slash command."""


def slack_routes(door: Door | None) -> list[Route]:
    """Give the routes, or none where no signing secret is set."""
    if door is None:
        return []
    return [
        Route("/slack/interactions", endpoint(door.interaction), methods=["POST"]),
        Route("/slack/commands", endpoint(door.command), methods=["POST"]),
    ]
