"""The metrics source that the settings name, and a world for replays: the part of the composition root that is light.

A replay needs no database, no Slack and no web, and should not wait for them to be imported.
"""

from collections.abc import Mapping

from monitor.adapters.http import Access
from monitor.adapters.prometheus import PrometheusSource, SeveralSources
from monitor.settings.sections import GuardedSettings
from monitor.settings.settings import Settings
from monitor.workbench.replay.world import World


def source_of(settings: Settings) -> PrometheusSource | SeveralSources:
    """Give the source of readings: one server, or several of which the next stands in for the first."""
    servers = prometheus_servers(settings)
    return servers[0] if len(servers) == 1 else SeveralSources(servers)


def prometheus_servers(settings: Settings) -> tuple[PrometheusSource, ...]:
    """Give every server that is configured, in the order of preference."""
    given = settings.prometheus
    access = access_of(given, given.headers)
    return tuple(PrometheusSource(url, access) for url in given.url)


def access_of(given: GuardedSettings, headers: Mapping[str, str]) -> Access:
    """Give how a server is spoken to."""
    return Access(
        headers=headers,
        bearer_token=given.bearer_token.get_secret_value() if given.bearer_token else "",
        username=given.username or "",
        password=given.password.get_secret_value() if given.password else "",
        ca_file=str(given.ca_file or ""),
        cert_file=str(given.cert_file or ""),
        key_file=str(given.key_file or ""),
    )


def replay_world(source: PrometheusSource | SeveralSources) -> World:
    """Give what the days of a replay are made of: a store that forgets, for each of them anew."""
    from monitor.adapters.memory.store import MemoryStore  # noqa: PLC0415  # loaded only where it is used

    return World(MemoryStore, source)
