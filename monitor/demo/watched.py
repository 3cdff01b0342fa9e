"""The monitor under demonstration: a real `rollback-monitor run`, its environment, and what its API says.

This module must not know of the shop or of Prometheus beyond its URL.
"""

import contextlib
import json
import shlex
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from monitor.core.model import Tier
from monitor.demo.children import Child

ANSWER_SECONDS = 2.0
SLACK = ("MONITOR_SLACK__", "SLACK_")


def pages_slack(environment: Mapping[str, str]) -> bool:
    """Tell whether `environment` says which Slack to page."""
    return any(name.startswith(SLACK) and "BOT_TOKEN" in name for name in environment)


def settings(folder: Path, prometheus_url: str, rules: Path) -> dict[str, str]:
    """Give the settings of a monitor that keeps everything in `folder`."""
    return {
        "MONITOR_PROMETHEUS__URL": prometheus_url,
        "MONITOR_DATABASE_URL": f"sqlite:///{folder / 'rollback-monitor.db'}",
        "MONITOR_RULES": str(rules),
    }


def environment(base: Mapping[str, str], ours: Mapping[str, str]) -> dict[str, str]:
    """Give `base` with `ours`: of other MONITOR_ settings only Slack's stay, so that nobody else's pager rings."""
    kept = {name: value for name, value in base.items() if not name.startswith("MONITOR_") or name.startswith(SLACK)}
    return {**kept, **ours, "MONITOR_LOG_FORMAT": "console", "PYTHONUNBUFFERED": "1"}


def write_env_file(file: Path, ours: Mapping[str, str]) -> None:
    """Write `ours` as a file for `--env-file`, which a shell can read too."""
    file.write_text("".join(f"{name}={shlex.quote(value)}\n" for name, value in ours.items()))


def address(folder: Path) -> str | None:
    """Give the URL that the monitor says it listens on, or None while it does not."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        url = json.loads((folder / "rollback-monitor.db.lock").read_text())["url"]
        return url if isinstance(url, str) and url else None
    return None


@dataclass(frozen=True, slots=True)
class Seen:
    """An incident as the API tells it."""

    id: str
    tier: str
    headline: str


def incidents(url: str) -> list[Seen]:
    """Give the incidents that the monitor at `url` knows; none where it does not answer."""
    with contextlib.suppress(requests.RequestException, ValueError, KeyError), requests.Session() as session:
        session.trust_env = False
        found: list[dict[str, Any]] = session.get(f"{url}/api/v1/incidents", timeout=ANSWER_SECONDS).json()["incidents"]
        return [Seen(one["id"], one["tier"], one.get("headline", "")) for one in found]
    return []


def paged(url: str, tier: Tier) -> Seen | None:
    """Give the first incident of `tier`, or None."""
    return next((one for one in incidents(url) if one.tier == tier), None)


def forward(child: Child, say: Callable[[str], None]) -> None:
    """Pass what `child` prints on to `say`, line by line, until it ends."""
    output = child.process.stdout
    assert output is not None, "started with a pipe"  # noqa: S101  # by the only caller

    def pump() -> None:
        for line in output:
            say(line.rstrip("\n"))

    threading.Thread(target=pump, name="forward", daemon=True).start()
